/*
 * What logs and aggregators answer. The first byte says as what the rest is
 * read: a tree head, entries, proofs, a follower's position, rows of crt.sh and
 * of Cert Spotter, an aggregator's memory. What was kept reads back as itself.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ct/aggregator.h"
#include "ct/heads.h"

static void on_found(void *arg, struct span der, uint64_t logged_at_ms)
{
	size_t *n = arg;

	(void)logged_at_ms;
	*n += der.n;
}

static void check_rows(enum aggregator_kind kind, struct span s, bool is_memory)
{
	struct watchset *w = watchset_new();
	size_t n = 0;
	struct aggregator_config c = { .kind = kind,
				       .url = span_str("https://a.example"),
				       .names = w,
				       .arg = &n,
				       .found = on_found };
	struct web_answer answer = { 0 };
	struct aggregator_status st;
	struct web_ask ask = { 0 };
	struct aggregator *a;

	assert(watchset_add_name(w, span_str("app.example.com"), WATCHSET_SUBTREE) == RC_OK);
	a = aggregator_new(&c);
	if (is_memory) {
		(void)aggregator_read(a, s); /* either way, it goes on */
	} else {
		assert(aggregator_next(a, &ask));
		web_answer_init(&answer, 200, s.n + 1);
		assert(buf_add(&answer.body, s));
		(void)aggregator_take(a, &answer); /* the status has it */
		aggregator_status(&st, a);
		assert((st.worst == AGGREGATOR_OK) == (st.failed == 0));
		web_answer_fini(&answer);
	}
	/* crt.sh is asked about the ancestors next. */
	assert(aggregator_next(a, &ask) || kind == AGGREGATOR_CERTSPOTTER);
	web_ask_fini(&ask);
	aggregator_free(a);
	watchset_free(w);
}

static void check_heads(struct span s)
{
	static struct heads h;
	uint8_t *room;
	struct span in = s;
	struct wr w;

	if (heads_read(&h, &in))
		return;
	room = malloc(HEADS_BYTES_MAX);
	w = wr_over(room, HEADS_BYTES_MAX);
	heads_write(&w, &h);
	assert(span_equal(wr_span(&w), span_of(s.p, s.n - in.n)));
	free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rfc6962_entry entries[RFC6962_COUNT_MAX];
	struct span s = span_of(data, size);
	struct arena arena;
	struct treeproof p = { .count = 0 };
	uint64_t index;
	size_t n = 0;
	struct sth sth;
	uint8_t what;

	if (!rd_u8(&s, &what))
		return 0;
	arena_init(&arena, RFC6962_ENTRIES_ARENA);
	switch (what % 8) {
	case 0:
		if (rfc6962_read_sth(&sth, &arena, s) == RC_OK)
			assert(!sth_signed(&sth, span_str("no key")));
		break;
	case 1:
		if (rfc6962_read_entries(entries, &n, RFC6962_COUNT_MAX, &arena, s) == RC_OK)
			assert(n >= 1 && n <= RFC6962_COUNT_MAX);
		break;
	case 2:
		if (rfc6962_read_consistency(&p, &arena, s) == RC_OK)
			assert(p.count <= TREEPROOF_MAX);
		break;
	case 3:
		if (rfc6962_read_proof(&p, &index, &arena, s) == RC_OK)
			assert(p.count <= TREEPROOF_MAX);
		break;
	case 4:
		check_heads(s);
		break;
	case 5:
		check_rows(AGGREGATOR_CRTSH, s, false);
		break;
	case 6:
		check_rows(AGGREGATOR_CERTSPOTTER, s, false);
		break;
	default:
		check_rows(AGGREGATOR_CRTSH, s, true);
		break;
	}
	arena_fini(&arena);
	return 0;
}
