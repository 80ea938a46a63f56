#include "edge/prom.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "edge/conn.h"
#include "edge/master.h"
#include "io/clock.h"

struct out {
	struct buf *buf;
	bool is_over;
};

__attribute__((format(printf, 2, 3))) static void line(struct out *o,
						       const char *format, ...)
{
	char text[PROM_LINE_MAX];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(text) ||
	    !buf_add(o->buf, span_of(text, (size_t)n)))
		o->is_over = true;
}

static void head(struct out *o, const char *name, const char *type,
		 const char *help)
{
	line(o, "# HELP postern_edge_%s %s\n# TYPE postern_edge_%s %s\n", name,
	     help, name, type);
}

#define ULL(v) ((unsigned long long)(v))

static void one(struct out *o, const char *name, const char *type,
		const char *help, uint64_t v)
{
	head(o, name, type, help);
	line(o, "postern_edge_%s %llu\n", name, ULL(v));
}

/* ---- sums over all workers of a counter at an offset ---- */

static const board_counter *at(const struct board_worker *w, size_t offset)
{
	return (const board_counter *)((const uint8_t *)w + offset);
}

static uint64_t sum(const struct board *b, size_t offset)
{
	uint64_t n = 0;
	uint32_t i;

	for (i = 0; i < b->worker_count; i++)
		n += board_get(at(&b->workers[i], offset));
	return n;
}

#define COUNTER(f, name, help) \
	{ \
		offsetof(struct board_worker, f), name, help \
	}

static const struct {
	size_t offset;
	const char *name, *help;
} counters[] = {
	COUNTER(accepted, "accepted_total", "Connections taken."),
	COUNTER(shed, "shed_total", "Of these reset at once: overload."),
	COUNTER(limited, "limited_total",
		"Of these closed at once: a limit of their source."),
	COUNTER(handshakes, "handshakes_total", "TLS handshakes completed."),
	COUNTER(handshakes_failed, "handshakes_failed_total",
		"TLS handshakes failed."),
	COUNTER(handshakes_resumed, "handshakes_resumed_total",
		"Of those completed, resumed sessions."),
	COUNTER(handshakes_brief, "handshakes_brief_total",
		"Of those completed, ordinary ones: made without libssl."),
	COUNTER(connects, "connects_total", "Connections to backends made."),
	COUNTER(connects_failed, "connects_failed_total",
		"Connections to backends refused or timed out."),
	COUNTER(up, "bytes_up_total", "Bytes sent to backends."),
	COUNTER(down, "bytes_down_total", "Bytes sent to clients."),
};

static void write_counters(struct out *o, const struct board *b)
{
	size_t i;

	for (i = 0; i < sizeof(counters) / sizeof(*counters); i++)
		one(o, counters[i].name, "counter", counters[i].help,
		    sum(b, counters[i].offset));
}

static void write_states(struct out *o, const struct board *b)
{
	size_t s;

	head(o, "connections", "gauge", "Connections there are, by state.");
	for (s = 0; s < BOARD_STATES; s++)
		line(o, "postern_edge_connections{state=\"%s\"} %llu\n",
		     conn_state_name((enum conn_state)s),
		     ULL(sum(b, offsetof(struct board_worker, states) +
					s * sizeof(board_counter))));
}

/* The same word stands at different places with different workers. */
static uint64_t sum_result(const struct board *b, const char *name)
{
	const struct board_result *r;
	uint64_t n = 0;
	uint32_t w;
	size_t i;

	for (w = 0; w < b->worker_count; w++) {
		for (i = 0; i < BOARD_RESULTS_MAX; i++) {
			r = &b->workers[w].results[i];
			if (!r->is_used)
				break;
			if (strcmp(r->name, name) == 0)
				n += board_get(&r->count);
		}
	}
	return n;
}

static bool is_known(const struct board *b, uint32_t before, const char *name)
{
	const struct board_result *r;
	uint32_t w;
	size_t i;

	for (w = 0; w < before; w++) {
		for (i = 0; i < BOARD_RESULTS_MAX; i++) {
			r = &b->workers[w].results[i];
			if (!r->is_used)
				break;
			if (strcmp(r->name, name) == 0)
				return true;
		}
	}
	return false;
}

static void write_results(struct out *o, const struct board *b)
{
	const struct board_result *r;
	uint32_t w;
	size_t i;

	head(o, "results_total", "counter", "Connections ended, by how.");
	for (w = 0; w < b->worker_count; w++) {
		for (i = 0; i < BOARD_RESULTS_MAX; i++) {
			r = &b->workers[w].results[i];
			if (!r->is_used)
				break;
			if (is_known(b, w, r->name))
				continue;
			line(o,
			     "postern_edge_results_total{result=\"%s\"} %llu\n",
			     r->name, ULL(sum_result(b, r->name)));
		}
	}
}

static void write_histogram(struct out *o, const struct board *b,
			    const char *name, const char *help, size_t offset)
{
	uint64_t n = 0;
	size_t i;

	head(o, name, "histogram", help);
	for (i = 0; i < BOARD_BUCKETS; i++) {
		n += sum(b, offset + offsetof(struct board_histogram, buckets) +
				    i * sizeof(board_counter));
		line(o, "postern_edge_%s_bucket{le=\"%.3f\"} %llu\n", name,
		     (double)board_bounds_ms[i] / 1000, ULL(n));
	}
	n += sum(b, offset + offsetof(struct board_histogram, above));
	line(o,
	     "postern_edge_%s_bucket{le=\"+Inf\"} %llu\n"
	     "postern_edge_%s_sum %.3f\npostern_edge_%s_count %llu\n",
	     name, ULL(n), name,
	     (double)sum(b, offset + offsetof(struct board_histogram,
					      sum_ms)) /
		     1000,
	     name, ULL(n));
}

static void write_workers(struct out *o, const struct master *m)
{
	size_t i;

	head(o, "worker_restarts_total", "counter", "Workers replaced.");
	for (i = 0; i < m->crew.count; i++)
		line(o,
		     "postern_edge_worker_restarts_total{worker=\"%zu\"} "
		     "%llu\n",
		     i, ULL(m->crew.members[i].restarts));
	head(o, "worker_lag_seconds", "gauge", "How late the loop was last.");
	for (i = 0; i < m->crew.count; i++)
		line(o,
		     "postern_edge_worker_lag_seconds{worker=\"%zu\"} "
		     "%.3f\n",
		     i, (double)board_get(&m->board->workers[i].lag_ms) / 1000);
	head(o, "worker_resident_bytes", "gauge", "Resident memory.");
	for (i = 0; i < m->crew.count; i++)
		line(o,
		     "postern_edge_worker_resident_bytes{worker=\"%zu\"} "
		     "%llu\n",
		     i, ULL(board_get(&m->board->workers[i].rss)));
}

/* ---- apps ---- */

struct app {
	uint8_t id[STORE_ID_LEN];
	uint64_t active, connections, limited, up, down;
};

struct apps {
	struct app at[PROM_APPS_MAX], other;
	size_t count;
};

static void add_to(struct app *to, const struct board_app *a)
{
	to->active += board_get(&a->active);
	to->connections += board_get(&a->connections);
	to->limited += board_get(&a->limited);
	to->up += board_get(&a->up);
	to->down += board_get(&a->down);
}

static struct app *find(struct apps *all, const uint8_t id[STORE_ID_LEN])
{
	size_t i;

	for (i = 0; i < all->count; i++)
		/* public: names of apps */
		if (memcmp(all->at[i].id, id, STORE_ID_LEN) == 0)
			return &all->at[i];
	if (all->count >= PROM_APPS_MAX)
		return &all->other;
	memcpy(all->at[all->count].id, id, STORE_ID_LEN);
	return &all->at[all->count++];
}

static void gather(struct apps *all, const struct board *b)
{
	const struct board_worker *w = b->workers;
	uint32_t n;
	size_t i;

	for (n = 0; n < b->worker_count; n++, w++) {
		for (i = 0; i < BOARD_APPS_MAX && w->apps[i].is_used; i++)
			add_to(find(all, w->apps[i].id), &w->apps[i]);
		add_to(&all->other, &w->other_apps);
	}
}

static const struct {
	size_t offset;
	const char *name, *type, *help;
} app_series[] = {
	{ offsetof(struct app, active), "app_connections", "gauge",
	  "Connections of an app there are." },
	{ offsetof(struct app, connections), "app_connections_total", "counter",
	  "Connections of an app." },
	{ offsetof(struct app, limited), "app_limited_total", "counter",
	  "Connections of an app refused: a limit of the app." },
	{ offsetof(struct app, up), "app_bytes_up_total", "counter",
	  "Bytes sent to an app." },
	{ offsetof(struct app, down), "app_bytes_down_total", "counter",
	  "Bytes sent to clients of an app." },
};

static uint64_t value(const struct app *a, size_t offset)
{
	uint64_t v;

	memcpy(&v, (const uint8_t *)a + offset, sizeof(v));
	return v;
}

static void write_apps(struct out *o, const struct board *b)
{
	struct apps all = { .count = 0 };
	char hex[2 * STORE_ID_LEN + 1];
	struct wr w;
	size_t s, i;

	gather(&all, b);
	for (s = 0; s < sizeof(app_series) / sizeof(*app_series); s++) {
		head(o, app_series[s].name, app_series[s].type,
		     app_series[s].help);
		for (i = 0; i < all.count; i++) {
			w = wr_over(hex, sizeof(hex) - 1);
			text_hex(&w, SPAN_ARRAY(all.at[i].id));
			hex[w.n] = '\0';
			line(o, "postern_edge_%s{app=\"%s\"} %llu\n",
			     app_series[s].name, hex,
			     ULL(value(&all.at[i], app_series[s].offset)));
		}
		line(o, "postern_edge_%s{app=\"other\"} %llu\n",
		     app_series[s].name,
		     ULL(value(&all.other, app_series[s].offset)));
	}
}

enum rc prom_write(struct buf *out, const struct master *m)
{
	struct out o = { .buf = out };
	const struct board *b = m->board;

	write_counters(&o, b);
	write_states(&o, b);
	write_results(&o, b);
	write_histogram(&o, b, "handshake_seconds",
			"From the hello to the end of the TLS handshake.",
			offsetof(struct board_worker, handshake_ms));
	write_histogram(&o, b, "connect_seconds",
			"Connecting to a backend that accepts.",
			offsetof(struct board_worker, connect_ms));
	write_apps(&o, b);
	write_workers(&o, m);
	one(&o, "reloads_total", "counter", "Configurations taken up.",
	    m->reloads);
	one(&o, "reloads_failed_total", "counter", "Configurations refused.",
	    m->reloads_failed);
	head(&o, "uptime_seconds", "gauge", "Since this process started.");
	line(&o, "postern_edge_uptime_seconds %.3f\n",
	     (double)(clock_boot_ms() - m->started_ms) / 1000);
	return o.is_over ? RC_LIMIT : RC_OK;
}
