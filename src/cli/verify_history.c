#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/fmt.h"
#include "cli/verify_gather.h"
#include "ct/aggregator.h"
#include "http/fetch.h"
#include "pki/web.h"

enum {
	SOURCE_MAX = 16 * 1024 * 1024, /* of one source's certificates */
};
static_assert(SOURCE_MAX < VERIFY_ARENA / 2 / VERIFY_SOURCES_MAX);

/* ---- one source */

struct collector {
	struct arena *arena;
	struct material_cert *certs;
	size_t count, left; /* certificates; bytes that are still taken */
	bool is_full;
};

static void on_found(void *arg, struct span der, uint64_t logged_at_ms)
{
	struct collector *c = arg;
	const char *copy;

	(void)logged_at_ms;
	/* Larger ones are read by no check; nor does one source get the room
	 * of all others. */
	copy = c->certs && c->count < GATHERED_CERTS_MAX &&
			       der.n <= WEB_CERT_MAX && der.n <= c->left
		       ? arena_dup(c->arena, der)
		       : NULL;
	if (!copy) {
		c->is_full = true;
		return;
	}
	c->left -= der.n;
	c->certs[c->count++].der = span_of(copy, der.n);
}

enum fetch_result verify_fetch(struct web_answer *out,
			       const struct web_ask *ask,
			       const struct verify_options *o, const char *what)
{
	const struct fetch_options how = {
		.ca_file = o->ca_file,
		.timeout_ms = verify_time_left(o, FETCH_TIMEOUT_MS),
	};
	char error[FETCH_ERROR_MAX] = "no time is left";
	enum fetch_result r = FETCH_TIMEOUT;

	if (how.timeout_ms)
		r = fetch(out, error, ask, &how);
	if (r != FETCH_OK)
		verify_miss(what, error);
	return r;
}

/* The aggregator's questions, one after another. */
static void ask_all(struct aggregator *a, const struct verify_options *o)
{
	struct web_ask ask = { 0 };

	aggregator_begin(a);
	while (aggregator_next(a, &ask)) {
		struct web_answer answer = { 0 };
		enum fetch_result r = verify_fetch(&answer, &ask, o, "history");

		(void)aggregator_take(a, r == FETCH_OK ? &answer : NULL);
		web_answer_fini(&answer);
	}
	web_ask_fini(&ask);
}

static enum material_state state_of(enum aggregator_answer worst)
{
	if (worst == AGGREGATOR_OK)
		return MATERIAL_WHOLE;
	return worst == AGGREGATOR_TRUNCATED ? MATERIAL_CUT : MATERIAL_SILENT;
}

static void ask_source(struct material_source *out, struct arena *arena,
		       const struct verify_source *source,
		       const struct watchset *names,
		       const struct verify_options *o)
{
	struct collector c = {
		.arena = arena,
		.certs = arena_new(arena, GATHERED_CERTS_MAX,
				   sizeof(*c.certs)),
		.left = SOURCE_MAX,
	};
	struct aggregator *a = aggregator_new(&(struct aggregator_config){
		.kind = source->is_certspotter ? AGGREGATOR_CERTSPOTTER
					       : AGGREGATOR_CRTSH,
		.url = span_str(source->url),
		.names = names,
		.arg = &c,
		.found = on_found,
	});
	struct aggregator_status status;

	ask_all(a, o);
	aggregator_status(&status, a);
	aggregator_free(a);
	*out = (struct material_source){
		.name = span_str(source->name),
		.state = c.is_full ? MATERIAL_CUT : state_of(status.worst),
		.certs = c.certs,
		.count = c.count,
	};
}

static void gather_sources(struct gathered *out, struct arena *arena,
			   const struct verify_options *o)
{
	static const struct verify_source usual[] = {
		{ false, "crt.sh", "https://crt.sh" },
		{ true, "certspotter", "https://api.certspotter.com" },
	};
	const struct verify_source *from =
		o->source_count ? o->sources : usual;
	size_t count = o->source_count ? o->source_count : 2;
	struct material_source *sources =
		arena_new(arena, count, sizeof(*sources));
	struct watchset *names = watchset_new();

	if (watchset_add_name(names, out->host, WATCHSET_NAME) == RC_OK) {
		for (size_t i = 0; i < count; i++)
			ask_source(&sources[i], arena, &from[i], names, o);
		out->sources = sources;
		out->source_count = count;
	}
	watchset_free(names);
}

/* ---- the list of logs: a file, its signature beside it */

static void gather_log_list(struct gathered *out, struct arena *arena,
			    const struct verify_options *o)
{
	char error[COLLATERAL_ERROR_MAX];
	const char *signature;

	if (!o->log_list)
		return;
	if (!verify_file(&out->log_list, arena, o->log_list, error)) {
		verify_miss("log list", error);
		return;
	}
	signature = fmt(arena, "%.*s.sig",
			(int)(strlen(o->log_list) >= 5
				      ? strlen(o->log_list) - 5
				      : 0),
			o->log_list);
	if (!verify_file(&out->log_list_signature, arena, signature, error))
		verify_miss("log list", error);
}

void verify_gather_history(struct gathered *out, struct arena *arena,
			   const struct verify_options *o)
{
	gather_log_list(out, arena, o);
	gather_sources(out, arena, o);
}
