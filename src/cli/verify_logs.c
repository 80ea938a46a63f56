#include <string.h>

#include "cli/fmt.h"
#include "cli/verify_gather.h"
#include "ct/rfc6962.h"
#include "ct/tile.h"
#include "evidence/core.h"
#include "evidence/loghead.h"
#include "http/fetch.h"

enum {
	TILE_MAX = 16 * 1024,
};

/* One log that is asked. */
struct asked_log {
	struct arena *arena;
	const struct verify_options *o;
	const struct loglist_log *log;
};

static struct span perform(const struct asked_log *l, const struct web_ask *ask)
{
	struct web_answer answer = { 0 };
	struct span body = { 0 };
	const char *copy;

	if (verify_fetch(&answer, ask, l->o, "log") == FETCH_OK &&
	    answer.status == 200) {
		copy = arena_dup(l->arena, buf_span(&answer.body));
		body = span_of(copy, copy ? buf_span(&answer.body).n : 0);
	}
	web_answer_fini(&answer);
	return body;
}

static struct span get_path(const struct asked_log *l, const char *path)
{
	struct span base = l->log->url;
	bool has_slash = base.n && base.p[base.n - 1] == '/';
	const char *url = fmt(l->arena, "%.*s%s%s", (int)base.n,
			      (const char *)base.p, has_slash ? "" : "/", path);
	struct web_ask ask = { 0 };
	struct span body = { 0 };

	if (web_ask_init(&ask, WEB_GET, span_str(url), TILE_MAX) == RC_OK)
		body = perform(l, &ask);
	web_ask_fini(&ask);
	return body;
}

/* ---- RFC 6962 */

static struct span get_sth(const struct asked_log *l)
{
	struct web_ask ask = { 0 };
	struct span body = { 0 };

	if (rfc6962_ask_sth(&ask, l->log->url) == RC_OK)
		body = perform(l, &ask);
	web_ask_fini(&ask);
	return body;
}

static bool get_consistency(struct treeproof *out, const struct asked_log *l,
			    uint64_t from, uint64_t to)
{
	struct web_ask ask = { 0 };
	struct span body = { 0 };

	if (rfc6962_ask_consistency(&ask, l->log->url, from, to) == RC_OK)
		body = perform(l, &ask);
	web_ask_fini(&ask);
	return rfc6962_read_consistency(out, l->arena, body) == RC_OK;
}

/* ---- tiles */

static bool fetch_tiles(struct tile_set *set, const struct asked_log *l)
{
	for (size_t i = 0; i < set->count; i++) {
		char path[TILE_PATH_MAX + 1] = { 0 };
		struct wr w = wr_over(path, TILE_PATH_MAX);

		if (set->content[i].n)
			continue;
		tile_path(&w, &set->id[i]);
		if (!tile_put(set, i, get_path(l, path)))
			return false;
	}
	return true;
}

static bool prove_by_tiles(struct treeproof *out, const struct asked_log *l,
			   uint64_t from, uint64_t to)
{
	struct tile_set set = { 0 };

	for (;;) {
		switch (tile_consistency(out, &set, from, to)) {
		case TILE_DONE:
			return true;
		case TILE_NEVER:
			return false;
		case TILE_MORE:
			break;
		}
		if (!fetch_tiles(&set, l))
			return false;
	}
}

/* ---- one head of the evidence or of the memory */

static bool prove(struct gathered_growth *out, const struct asked_log *l,
		  uint64_t from)
{
	struct treeproof proof = { 0 };
	struct tree_head now;
	struct sha256 *steps;
	uint64_t at_ms;

	memcpy(out->log_id.b, l->log->id, sizeof(out->log_id.b));
	out->from = from;
	out->head = l->log->is_tiled ? get_path(l, "checkpoint") : get_sth(l);
	if (!out->head.n ||
	    !loghead_signed(&now, &at_ms, out->head, l->log->spki))
		return false;
	if (now.size != from &&
	    !(l->log->is_tiled
		      ? prove_by_tiles(&proof, l, from, now.size)
		      : get_consistency(&proof, l, from, now.size)))
		return false;
	steps = arena_new(l->arena, proof.count + 1, sizeof(*steps));
	if (!steps)
		return false;
	memcpy(steps, proof.hash, proof.count * sizeof(*steps));
	out->proof = steps;
	out->proof_count = proof.count;
	return true;
}

/* Of a log that the list has, a head of that size. */
static void add_growth(struct gathered *out, struct gathered_growth *growth,
		       const struct asked_log *l, uint64_t from)
{
	for (size_t i = 0; i < out->growth_count; i++)
		if (growth[i].from == from &&
		    span_equal(SPAN_ARRAY(growth[i].log_id.b),
			       SPAN_ARRAY(l->log->id)))
			return;
	if (out->growth_count < GATHERED_LISTS_MAX &&
	    prove(&growth[out->growth_count], l, from))
		out->growth_count++;
}

void verify_gather_logs(struct gathered *out, struct arena *arena,
			const struct verify_options *o,
			const struct material_memory *memory)
{
	struct evidence_bundle *b = arena_new(arena, 1, sizeof(*b));
	struct gathered_growth *growth =
		arena_new(arena, GATHERED_LISTS_MAX, sizeof(*growth));
	struct asked_log l = { .arena = arena, .o = o };
	struct evidence_core core = { 0 };
	struct loglist list;

	if (!b || !growth || !out->log_list.n ||
	    loglist_read(&list, arena, out->log_list))
		return;
	if (out->bundle.n && !evidence_bundle_read(b, arena, out->bundle) &&
	    evidence_core_read(&core, arena, b->core))
		core.head_count = 0;
	for (size_t i = 0; i < core.head_count; i++) {
		l.log = loglist_find(&list, core.heads[i].log_id.b);
		if (l.log)
			add_growth(out, growth, &l, core.heads[i].size);
	}
	for (size_t i = 0; i < memory->head_count; i++) {
		l.log = loglist_find(&list, memory->heads[i].log_id.b);
		if (l.log)
			add_growth(out, growth, &l, memory->heads[i].head.size);
	}
	out->growth = growth;
}
