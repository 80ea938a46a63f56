#include "edge/admit.h"

#include "edge/sources.h"
#include "edge/worker.h"

enum {
	BURST_S = 2, /* a bucket holds this many seconds' worth */
};

static bool passes(struct worker *w, struct sketch_rate *rates, uint64_t key,
		   uint64_t per_s)
{
	const struct sketch_bucket bucket = { .per_s = per_s,
					      .burst = BURST_S * per_s };

	return sketch_rate_pass(rates, key, &bucket, loop_now_ms(w->loop));
}

const char *admit_source(struct worker *w, const struct sock_addr *peer,
			 uint64_t *key)
{
	const struct edge_limits *l = &w->config->limits;
	struct board *b = w->board;
	uint64_t id = sources_id(peer);

	*key = sketch_hash(b->secret, &id, sizeof(id));
	if (sketch_count_of(b->source_counts, b->worker_count, *key) >=
	    l->per_source)
		return "source_limit";
	if (!passes(w, &b->source_rates, *key, l->source_rate))
		return "source_rate";
	return NULL;
}

const char *admit_named(struct worker *w, struct conn *c)
{
	const char *why = admit_source(w, &c->peer, &c->source_key);

	if (why) {
		board_add(&w->counters->limited, 1);
		return why;
	}
	c->is_counted = true;
	admit_begin(w, c);
	return NULL;
}

const char *admit_app(struct worker *w, struct conn *c)
{
	const struct edge_limits *l = &w->config->limits;
	struct board *b = w->board;
	struct board_app *app;
	const char *why = NULL;
	uint64_t key;

	if (!c->route.has_app)
		return NULL;
	key = sketch_hash(b->secret, c->route.app_id, STORE_ID_LEN);
	app = board_app(w->counters, c->route.app_id);
	if (sketch_count_of(b->app_counts, b->worker_count, key) >= l->per_app)
		why = "app_limit";
	else if (!passes(w, &b->app_rates, key, l->app_rate))
		why = "app_rate";
	if (why) {
		board_add(&app->limited, 1);
		return why;
	}
	c->app_key = key;
	c->app = app;
	sketch_count_add(&b->app_counts[w->index], key);
	board_add(&app->active, 1);
	board_add(&app->connections, 1);
	return NULL;
}

void admit_begin(struct worker *w, struct conn *c)
{
	struct sketch_count *counts = &w->board->source_counts[w->index];

	if (c->is_counted)
		sketch_count_add(counts, c->source_key);
}

void admit_end(struct worker *w, struct conn *c)
{
	struct sketch_count *counts = &w->board->source_counts[w->index];

	if (c->is_counted)
		sketch_count_remove(counts, c->source_key);
	if (!c->app)
		return;
	sketch_count_remove(&w->board->app_counts[w->index], c->app_key);
	board_sub(&c->app->active, 1);
	c->app = NULL;
}
