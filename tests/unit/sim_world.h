/*
 * One simulated platform for the tests of a program: its quote and documents in
 * good order or bent by knobs, documents edited and signed again, and the
 * verdict about it all.
 */
#ifndef POSTERN_TESTS_SIM_WORLD_H
#define POSTERN_TESTS_SIM_WORLD_H

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "case_dump.h"
#include "quoting/collateral_dir.h"
#include "quoting/sim_docs.h"
#include "quoting/sim_quote.h"
#include "tee/policy.h"
#include "tee/verify.h"

enum {
	NOW = 1'800'000'000,
};

static const uint8_t report_data[64] = "what the quote is over";

struct world {
	struct sim_pki pki;
	struct tee_anchor anchor;
	struct sim_td td;
};

static inline int world_setup(void **state)
{
	static struct world w;

	assert_int_equal(sim_pki_generate(&w.pki, NULL, NOW), RC_OK);
	sim_pki_anchor(&w.anchor, &w.pki);
	sim_td_launch(&w.td, "base", NULL);
	*state = &w;
	return 0;
}

static inline int world_teardown(void **state)
{
	struct world *w = *state;

	sim_pki_fini(&w->pki);
	return 0;
}

static inline const char *judge(struct tee_verdict *v, const struct world *w, struct span quote,
				const struct tee_collateral *c)
{
	static const struct tee_policy all = {
		.accepts_status = { [TCB_UP_TO_DATE] = true },
	};

	tee_verify(v, &(struct tee_input){
			      .quote = quote,
			      .collateral = c,
			      .anchors = &w->anchor,
			      .anchor_count = 1,
			      .policy = &all,
			      .at = NOW,
		      });
	case_dump(&w->pki, quote, c, NOW);
	return tee_reason_name(v->reason);
}

static inline int differs(const char *name, const char *got, const char *want,
			  const struct tee_verdict *v)
{
	case_name(name);
	if (strcmp(got, want) == 0)
		return 0;
	print_message("%s: got %s (%s), want %s\n", name, got, v->detail, want);
	return 1;
}

/* The platform's quote and documents, both in good order but for the knobs. */
struct set {
	struct collateral_files docs;
	struct buf quote;
};

static inline void set_make(struct set *s, const struct world *w, const struct sim_knobs *k)
{
	buf_init(&s->quote, QUOTE_MAX);
	assert_int_equal(sim_docs_make(&s->docs, &w->pki, k, NOW), RC_OK);
	assert_int_equal(sim_quote(&s->quote, &w->pki, &w->td, report_data, k), RC_OK);
}

static inline void set_fini(struct set *s)
{
	collateral_fini(&s->docs);
	buf_fini(&s->quote);
}

/* The first 'find' of a text becomes 'put'; find NULL: nothing changes. */
struct edit {
	const char *find, *put;
};

static inline void add_edited(struct wr *w, struct span text, const struct edit *e)
{
	const uint8_t *at;
	size_t find;

	if (!e->find) {
		wr_bytes(w, text);
		return;
	}
	find = strlen(e->find);
	at = memmem(text.p, text.n, e->find, find);
	if (!at)
		fail_msg("not there: %s", e->find);
	wr_bytes(w, span_of(text.p, (size_t)(at - text.p)));
	wr_str(w, e->put);
	at += find;
	wr_bytes(w, span_of(at, text.n - (size_t)(at - text.p)));
}

/* The object of a document as the simulator prints it. */
static inline struct span object_of(struct span text, const char *key)
{
	size_t head = strlen(key) + 4, tail = sizeof(",\"signature\":\"\"}") - 1 + 128;

	return span_of(text.p + head, text.n - head - tail);
}

static inline void add_signature(struct wr *w, const struct p256_signature *sig, bool upper)
{
	wr_str(w, "\"signature\":\"");
	for (size_t i = 0; i < sizeof(sig->rs); i++)
		wr_printf(w, upper ? "%02X" : "%02x", sig->rs[i]);
	wr_str(w, "\"");
}

/* {"key":object,"signature":"..."}, signed by the platform's TCB signer. */
static inline struct span sign_document(struct wr *w, const struct world *world, const char *key,
					struct span object)
{
	struct p256_signature sig;

	p256_sign(world->pki.key[SIM_KEY_SIGNER], &sig, object);
	wr_printf(w, "{\"%s\":", key);
	wr_bytes(w, object);
	wr_str(w, ",");
	add_signature(w, &sig, false);
	wr_str(w, "}");
	assert_false(w->over);
	return wr_span(w);
}

#endif
