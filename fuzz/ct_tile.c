/*
 * Proofs from tiles of any content and any sizes: the set never overflows, it is
 * enough to fill it once, and the proof has the shape its sizes ask for. The
 * rest of the input is a data tile: its entries tile it.
 */
#include <assert.h>
#include <string.h>

#include "ct/logentry.h"
#include "ct/tile.h"

static uint8_t hashes[TILE_HASHES_LEN];

static void fill(struct tile_set *set)
{
	assert(set->count <= TILE_SET_MAX);
	for (size_t i = 0; i < set->count; i++) {
		assert(set->id[i].width >= 1 && set->id[i].width <= TILE_WIDTH);
		assert(tile_put(set, i, span_of(hashes, set->id[i].width * 32UL)));
	}
}

static void check_proofs(uint64_t a, uint64_t b)
{
	struct tile_set set = { .count = 0 };
	struct treeproof p;
	enum tile_answer answer = tile_inclusion(&p, &set, a, b);

	if (answer == TILE_MORE) {
		fill(&set);
		answer = tile_inclusion(&p, &set, a, b);
	}
	assert((answer == TILE_NEVER) == (a >= b));
	assert(answer != TILE_MORE && (answer == TILE_NEVER || p.count <= 64));
	set.count = 0;
	answer = tile_consistency(&p, &set, a, b);
	if (answer == TILE_MORE) {
		fill(&set);
		answer = tile_consistency(&p, &set, a, b);
	}
	assert((answer == TILE_NEVER) == (a > b));
	assert(answer != TILE_MORE && (answer == TILE_NEVER || p.count <= TREEPROOF_MAX));
}

static void check_data(struct span s)
{
	struct logentry e;
	struct merkle_hash leaf;

	while (!rd_end(&s)) {
		struct span before = s, left, issuer;
		size_t n = 0;

		if (logentry_rd_tile(&e, &leaf, &s)) {
			assert(s.p == before.p && s.n == before.n);
			return;
		}
		assert(s.n < before.n);
		assert(e.type == SCT_ENTRY_PRECERT ? e.tbs.n && e.precert.n : e.cert.n);
		for (left = e.chain; logentry_chain_next(&left, e.form, &issuer); n++)
			assert(issuer.n == LOGENTRY_FINGERPRINT_LEN);
		assert(n == e.chain_count && rd_end(&left));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span s = span_of(data, size);
	uint64_t a, b;

	if (!rd_be64(&s, &a) || !rd_be64(&s, &b))
		return 0;
	memset(hashes, (int)(a & 0xff), sizeof(hashes));
	check_proofs(a, b);
	check_data(s);
	return 0;
}
