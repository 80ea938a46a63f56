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

/* ---- one head of the evidence */

static bool prove(struct gathered_growth *out, const struct asked_log *l,
		  const struct core_head *head)
{
	struct treeproof proof = { 0 };
	struct tree_head now;
	struct sha256 *steps;
	uint64_t at_ms;

	out->log_id = head->log_id;
	out->from = head->size;
	out->head = l->log->is_tiled ? get_path(l, "checkpoint") : get_sth(l);
	if (!out->head.n ||
	    !loghead_signed(&now, &at_ms, out->head, l->log->spki))
		return false;
	if (now.size != head->size &&
	    !(l->log->is_tiled
		      ? prove_by_tiles(&proof, l, head->size, now.size)
		      : get_consistency(&proof, l, head->size, now.size)))
		return false;
	steps = arena_new(l->arena, proof.count + 1, sizeof(*steps));
	if (!steps)
		return false;
	memcpy(steps, proof.hash, proof.count * sizeof(*steps));
	out->proof = steps;
	out->proof_count = proof.count;
	return true;
}

void verify_gather_logs(struct gathered *out, struct arena *arena,
			const struct verify_options *o)
{
	struct evidence_bundle *b = arena_new(arena, 1, sizeof(*b));
	struct gathered_growth *growth =
		arena_new(arena, GATHERED_LISTS_MAX, sizeof(*growth));
	struct evidence_core core;
	struct loglist list;

	if (!b || !growth || !out->bundle.n || !out->log_list.n ||
	    evidence_bundle_read(b, arena, out->bundle) ||
	    evidence_core_read(&core, arena, b->core) ||
	    loglist_read(&list, arena, out->log_list))
		return;
	for (size_t i = 0; i < core.head_count &&
			   out->growth_count < GATHERED_LISTS_MAX;
	     i++) {
		const struct asked_log l = {
			arena, o, loglist_find(&list, core.heads[i].log_id.b)
		};

		if (l.log &&
		    prove(&growth[out->growth_count], &l, &core.heads[i]))
			out->growth_count++;
	}
	out->growth = growth;
}
