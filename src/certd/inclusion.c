#include "certd/inclusion.h"

#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "ct/rfc6962.h"
#include "ct/tile.h"
#include "evidence/loghead.h"
#include "http/fetch.h"

enum {
	ARENA_MAX = 2 * 1024 * 1024,
	TIMEOUT_MS = 15'000,
};

/* One proof under way. */
struct proving {
	const struct inclusion_ask *ask;
	struct arena *arena;
	struct span text; /* the head as the log gave it */
	struct tree_head head;
	struct treeproof proof;
	uint64_t index;
};

/* n == 0: there is no answer of use. */
static struct span perform(const struct proving *p, const struct web_ask *ask)
{
	const struct fetch_options how = {
		.ca_file = p->ask->config->ca,
		.timeout_ms = TIMEOUT_MS,
		.stop = &p->ask->pulse->stop,
	};
	AUTO(web_answer_fini)
	struct web_answer answer = { 0 };
	char why[FETCH_ERROR_MAX];
	const char *copy;

	if (fetch(&answer, why, ask, &how) != FETCH_OK || answer.status != 200)
		return span_of(NULL, 0);
	copy = arena_dup(p->arena, buf_span(&answer.body));
	return span_of(copy, copy ? buf_span(&answer.body).n : 0);
}

static struct span get_path(const struct proving *p, struct span path)
{
	AUTO(web_ask_fini)
	struct web_ask ask = { 0 };
	struct span base = p->ask->log->url, url;
	uint8_t room[WEB_URL_MAX];
	struct wr w = WR_ARRAY(room);

	while (base.n && base.p[base.n - 1] == '/')
		base.n--;
	wr_bytes(&w, base);
	wr_str(&w, "/");
	wr_bytes(&w, path);
	if (!wr_done(&w, &url) ||
	    web_ask_init(&ask, WEB_GET, url, TILE_HASHES_LEN))
		return span_of(NULL, 0);
	return perform(p, &ask);
}

/* ---- RFC 6962 */

static struct span get_sth(const struct proving *p)
{
	AUTO(web_ask_fini)
	struct web_ask ask = { 0 };

	if (rfc6962_ask_sth(&ask, p->ask->log->url))
		return span_of(NULL, 0);
	return perform(p, &ask);
}

static bool by_hash(struct proving *p)
{
	AUTO(web_ask_fini)
	struct web_ask ask = { 0 };

	return !rfc6962_ask_proof(&ask, p->ask->log->url, &p->ask->leaf,
				  p->head.size) &&
	       !rfc6962_read_proof(&p->proof, &p->index, p->arena,
				   perform(p, &ask));
}

/* ---- tiles */

static bool fetch_tiles(struct tile_set *set, const struct proving *p)
{
	for (size_t i = 0; i < set->count; i++) {
		uint8_t room[TILE_PATH_MAX];
		struct wr w = WR_ARRAY(room);

		if (set->content[i].n)
			continue;
		tile_path(&w, &set->id[i]);
		if (!tile_put(set, i, get_path(p, wr_span(&w))))
			return false;
	}
	return true;
}

static bool by_tiles(struct proving *p)
{
	struct tile_set set = { 0 };

	if (!p->ask->sct->has_index)
		return false;
	p->index = p->ask->sct->index;
	for (;;) {
		switch (tile_inclusion(&p->proof, &set, p->index,
				       p->head.size)) {
		case TILE_DONE:
			return true;
		case TILE_NEVER:
			return false;
		case TILE_MORE:
			break;
		}
		if (!fetch_tiles(&set, p))
			return false;
	}
}

/* ---- either */

static bool prove(struct proving *p)
{
	const struct loglist_log *log = p->ask->log;
	uint64_t at_ms;

	p->text = log->is_tiled ? get_path(p, span_str("checkpoint"))
				: get_sth(p);
	/* A head from before the promise owes us nothing. */
	if (!p->text.n ||
	    !loghead_signed(&p->head, &at_ms, p->text, log->spki) ||
	    at_ms < p->ask->sct->timestamp_ms)
		return false;
	return (log->is_tiled ? by_tiles(p) : by_hash(p)) &&
	       treeproof_includes(&p->head, p->index, &p->ask->leaf,
				  &p->proof);
}

bool inclusion_prove(struct sighting_proof *out,
		     const struct inclusion_ask *ask)
{
	AUTO(arena_fini)
	struct arena arena;
	struct proving p = { .ask = ask, .arena = &arena };

	arena_init(&arena, ARENA_MAX);
	if (!prove(&p) || p.text.n >= CORE_TEXT_MAX ||
	    p.proof.count > sizeof(out->path) / sizeof(out->path[0]))
		return false;
	out->index = p.index;
	memcpy(out->checkpoint, p.text.p, p.text.n);
	out->checkpoint[p.text.n] = '\0';
	out->path_count = p.proof.count;
	for (size_t i = 0; i < p.proof.count; i++)
		memcpy(out->path[i].b, p.proof.hash[i].b,
		       sizeof(out->path[i].b));
	return true;
}
