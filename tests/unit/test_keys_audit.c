/* The audit log: a chain in which nothing can be changed, left out or put in. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "keys/audit.h"

static const uint8_t app[KEYS_ID_LEN] = { 0xaa };

struct log {
	char bytes[16384];
	struct span lines[16];
	size_t count;
};

/* Three releases and a signature, twice. */
static void write_log(struct log *l, const struct p256_private *key)
{
	struct wr w = wr_over(l->bytes, sizeof(l->bytes));
	struct keys_audit_chain chain = { 0 };
	struct span rest;

	for (int i = 0; i < 6; i++) {
		const struct keys_audit_event e = { .at = 1764288000 + i,
						    .event = "release",
						    .app = app,
						    .peer = "192.0.2.1:5",
						    .what = "instance disk@1",
						    .reason = "ok",
						    .detail = "a \"quote\"\n" };

		keys_audit_write(&w, &chain, &e);
		if (i % 3 == 2)
			keys_audit_sign(&w, &chain, 1764288000, key);
	}
	assert_true(wr_done(&w, &rest));
	l->count = 0;
	while (rd_until(&rest, &l->lines[l->count], '\n'))
		l->count++;
	assert_int_equal(l->count, 8);
}

static enum keys_audit_verdict walk(struct keys_audit_walk *w, const struct log *l)
{
	enum keys_audit_verdict v = KEYS_AUDIT_OK;

	for (size_t i = 0; !v && i < l->count; i++)
		v = keys_audit_check(w, l->lines[i]);
	return v;
}

static void written_log_is_in_order(void **state)
{
	struct p256_private *key = p256_private_generate();
	struct keys_audit_walk w = { 0 };
	struct log l;

	(void)state;
	write_log(&l, key);
	assert_int_equal(walk(&w, &l), KEYS_AUDIT_OK);
	assert_int_equal(w.chain.seq, 8);
	assert_int_equal(w.signed_seq, 8);
	assert_int_equal(w.signatures, 2);
	assert_non_null(strstr(l.bytes, "\"detail\":\"a ?quote??\""));
	p256_private_free(key);
}

static void any_change_is_seen(void **state)
{
	struct p256_private *key = p256_private_generate();
	struct log l;

	(void)state;
	write_log(&l, key);
	for (size_t line = 0; line + 1 < l.count; line++) {
		for (size_t at = 0; at < l.lines[line].n; at += 3) {
			char *c = &l.bytes[l.lines[line].p + at - (uint8_t *)l.bytes];
			struct keys_audit_walk w = { 0 };
			char was = *c;

			*c = was == 'a' ? 'b' : 'a';
			if (was != *c && walk(&w, &l) == KEYS_AUDIT_OK)
				fail_msg("line %zu byte %zu", line, at);
			*c = was;
		}
	}
	p256_private_free(key);
}

static void left_out_put_in_and_swapped_seen(void **state)
{
	struct p256_private *key = p256_private_generate();
	struct keys_audit_walk w = { 0 };
	struct log l, bent;

	(void)state;
	write_log(&l, key);
	bent = l;
	bent.count--;
	memmove(&bent.lines[2], &l.lines[3], 5 * sizeof(*l.lines));
	assert_int_equal(walk(&w, &bent), KEYS_AUDIT_SEQUENCE);
	assert_int_equal(w.chain.seq, 2);
	bent = l;
	bent.lines[2] = l.lines[1];
	w = (struct keys_audit_walk){ 0 };
	assert_int_equal(walk(&w, &bent), KEYS_AUDIT_SEQUENCE);
	p256_private_free(key);
}

/* A chain made anew by somebody else is whole, and not the node's. */
static void another_key_is_seen(void **state)
{
	struct p256_private *key = p256_private_generate(), *other = p256_private_generate();
	struct keys_audit_walk w = { .has_key = true };
	struct log l;

	(void)state;
	p256_private_point(key, &w.key);
	write_log(&l, other);
	assert_int_equal(walk(&w, &l), KEYS_AUDIT_SIGNATURE);
	assert_int_equal(w.signed_seq, 0);
	p256_private_free(key);
	p256_private_free(other);
}

static void no_room_moves_nothing(void **state)
{
	const struct keys_audit_event e = { .at = 0, .event = "release" };
	struct keys_audit_chain chain = { 0 };
	uint8_t small[32];
	struct wr w = WR_ARRAY(small);

	(void)state;
	keys_audit_write(&w, &chain, &e);
	assert_true(w.over);
	assert_int_equal(chain.seq, 0);
}

static void garbage_is_malformed(void **state)
{
	static const char *const table[] = {
		"",
		"{}",
		"{\"seq\":\"1\"}",
		"[]",
		"{\"seq\":1,\"event\":\"x\",\"prev\":\"00\"}",
		"{\"seq\":1,\"event\":1,\"prev\":\"\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct keys_audit_walk w = { 0 };

		assert_int_equal(keys_audit_check(&w, span_str(table[i])), KEYS_AUDIT_MALFORMED);
	}
}

static void verdicts_have_names(void **state)
{
	static const char *const names[] = { "ok", "malformed", "sequence_broken", "chain_broken",
					     "signature_wrong" };

	(void)state;
	for (enum keys_audit_verdict v = KEYS_AUDIT_OK; v <= KEYS_AUDIT_SIGNATURE; v++)
		assert_string_equal(keys_audit_verdict_name(v), names[v]);
}

/* Goes on after a signature with the line before it, and from nothing else. */
static void resumed_where_it_was_signed(void **state)
{
	struct p256_private *key = p256_private_generate(), *other = p256_private_generate();
	struct keys_audit_chain chain = { .seq = 77 };
	struct keys_audit_walk w = { 0 };
	struct p256_point at, others;
	struct log l;

	(void)state;
	p256_private_point(key, &at);
	p256_private_point(other, &others);
	write_log(&l, key);
	for (size_t i = 0; i < l.count; i++)
		assert_int_equal(keys_audit_is_signed(l.lines[i]), i == 3 || i == 7);
	assert_false(keys_audit_is_signed(span_str("{\"event\":7}")));
	assert_false(keys_audit_is_signed(span_str("signed")));
	assert_false(keys_audit_is_signed((struct span){ 0 }));

	assert_int_equal(keys_audit_resume(&chain, &others, l.lines[2], l.lines[3]),
			 KEYS_AUDIT_SIGNATURE);
	assert_int_equal(keys_audit_resume(&chain, &at, l.lines[1], l.lines[3]),
			 KEYS_AUDIT_SEQUENCE);
	assert_int_equal(keys_audit_resume(&chain, &at, l.lines[1], l.lines[2]),
			 KEYS_AUDIT_MALFORMED);
	assert_int_equal(keys_audit_resume(&chain, &at, span_str("{}"), l.lines[3]),
			 KEYS_AUDIT_MALFORMED);
	assert_int_equal(keys_audit_resume(&chain, &at, span_str("{\"seq\":\"2\"}"), l.lines[3]),
			 KEYS_AUDIT_MALFORMED);
	assert_int_equal(keys_audit_resume(&chain, &at, span_of(l.bytes, sizeof(l.bytes)),
					   l.lines[3]),
			 KEYS_AUDIT_MALFORMED);
	assert_int_equal(chain.seq, 77);
	assert_int_equal(keys_audit_resume(&chain, &at, l.lines[2], l.lines[3]), KEYS_AUDIT_OK);
	/* As a walk from the beginning comes there. */
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(keys_audit_check(&w, l.lines[i]), KEYS_AUDIT_OK);
	assert_int_equal(chain.seq, w.chain.seq);
	assert_memory_equal(chain.head.b, w.chain.head.b, sizeof(chain.head.b));
	p256_private_free(other);
	p256_private_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_log_is_in_order),
		cmocka_unit_test(any_change_is_seen),
		cmocka_unit_test(left_out_put_in_and_swapped_seen),
		cmocka_unit_test(another_key_is_seen),
		cmocka_unit_test(no_room_moves_nothing),
		cmocka_unit_test(garbage_is_malformed),
		cmocka_unit_test(verdicts_have_names),
		cmocka_unit_test(resumed_where_it_was_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
