/* finds: certificates joined by what they share, their bounds, and the bytes they are kept in. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "certd/finds.h"
#include "vectors.h"

static struct watchset_hit hit_of(uint8_t n, bool is_precert)
{
	struct watchset_hit h = { .class = WATCHSET_FOREIGN, .is_precert = is_precert };

	memset(h.tbs.b, n, sizeof(h.tbs.b));
	memset(h.spki.b, n + 1, sizeof(h.spki.b));
	h.cert.not_before = 1000;
	h.cert.not_after = 2000;
	h.matched = span_str("www.example.test");
	h.cert.issuer_organization = span_str("A \x01 CA");
	return h;
}

static void add(struct finds *f, uint8_t n, bool is_precert, unsigned source, uint64_t at_ms)
{
	const struct watchset_hit h = hit_of(n, is_precert);
	struct span der = span_str(is_precert ? "pre" : "final");

	finds_add(f, &h, der, der, source, at_ms);
}

static void precertificate_and_certificate_are_one(void **state)
{
	AUTO(finds_fini)
	struct finds f = { 0 };

	(void)state;
	add(&f, 1, true, FINDS_FROM_LOG, 5000);
	assert_false(f.of[0].has_final);
	assert_true(span_equal_str(f.of[0].der, "pre"));
	add(&f, 1, false, 0, 3000);
	add(&f, 1, true, 1, 9000);
	assert_int_equal(f.count, 1);
	assert_true(f.of[0].has_final);
	assert_true(span_equal_str(f.of[0].der, "final"));
	assert_int_equal(f.of[0].sources, 1U << FINDS_FROM_LOG | 1U << 0 | 1U << 1);
	assert_int_equal(f.of[0].logged_at_ms, 5000);
	assert_string_equal(f.of[0].issuer, "A ? CA");
	add(&f, 2, false, 0, 0);
	assert_int_equal(f.count, 2);
	assert_int_equal(find_issued_at(&f.of[1]), 1000);
}

/* Others can say what they like; a log cannot. */
static void a_log_says_when_it_was_logged(void **state)
{
	static const struct {
		const char *name;
		unsigned source[3];
		uint64_t at_ms[3], want;
	} table[] = {
		{ "aggregators", { 0, 1, 2 }, { 5000, 3000, 4000 }, 3000 },
		{ "log_first", { FINDS_FROM_LOG, 0, 1 }, { 5000, 3000, 9000 }, 5000 },
		{ "log_after_earlier", { 0, FINDS_FROM_LOG, 1 }, { 3000, 5000, 1000 }, 5000 },
		{ "log_after_later", { 0, 1, FINDS_FROM_LOG }, { 7000, 6000, 5000 }, 5000 },
		{ "logs", { FINDS_FROM_LOG, FINDS_FROM_LOG, 0 }, { 5000, 4000, 1 }, 4000 },
		{ "none_from_log", { FINDS_FROM_LOG, 0, 1 }, { 0, 3000, 0 }, 3000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		AUTO(finds_fini)
		struct finds f = { 0 };

		for (size_t k = 0; k < 3; k++)
			add(&f, 1, false, table[i].source[k], table[i].at_ms[k]);
		if (f.of[0].logged_at_ms != table[i].want)
			fail_msg("%s: %llu", table[i].name,
				 (unsigned long long)f.of[0].logged_at_ms);
	}
}

/* A CA can date a certificate back, and an aggregator may say nothing, or an early time: the
 * promise inside is of 2013-04-05. */
static void promises_inside_tell_who_is_dated_back(void **state)
{
	static const struct {
		bool is_final;
		unsigned source;
		uint64_t at_ms;
		int64_t want;
	} table[] = {
		{ true, 0, 0, 1365181456 },
		{ true, 0, UINT64_C(1340000000000), 1365181456 },
		{ true, 0, UINT64_C(1400000000000), 1400000000 },
		{ true, FINDS_FROM_LOG, UINT64_C(1350000000000), 1365181456 },
		{ false, 0, UINT64_C(1340000000000), 1340000000 },
	};
	struct span der = vector_load("tests/vectors/ct/go_embedded.der");
	struct watchset_hit h = hit_of(1, false);

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		AUTO(finds_fini)
		struct finds f = { 0 };

		h.is_precert = !table[i].is_final;
		finds_add(&f, &h, der, der, table[i].source, table[i].at_ms);
		assert_int_equal(find_issued_at(&f.of[0]), table[i].want);
	}
	vector_free(der);
}

static void nothing_is_logged_before_it_begins(void **state)
{
	static const struct {
		int64_t not_before;
		uint64_t logged_at_ms;
		int64_t want;
	} table[] = {
		{ 1000, 0, 1000 },
		{ 1000, 999000, 1000 },
		{ 1000, 1, 1000 },
		{ 1000, 1001999, 1001 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const struct find f = { .not_before = table[i].not_before,
					.logged_at_ms = table[i].logged_at_ms };

		assert_int_equal(find_issued_at(&f), table[i].want);
	}
}

static void long_expired_ones_make_room(void **state)
{
	AUTO(finds_fini)
	struct finds f = { 0 };
	struct watchset_hit bad = { .class = WATCHSET_MALFORMED, .mentions_us = true };
	struct watchset_hit longer = hit_of(2, false);

	(void)state;
	longer.cert.not_after = 2001;
	add(&f, 1, false, 0, 0);
	finds_add(&f, &longer, span_str("longer"), span_str("longer"), 0, 0);
	finds_add(&f, &bad, span_str("bad"), span_str("bad"), 0, 0);
	add(&f, 3, true, 0, 0);
	f.has_changed = false;
	finds_drop_expired(&f, 2000 + FINDS_EXPIRED_S);
	assert_int_equal(f.count, 4);
	assert_false(f.has_changed);
	finds_drop_expired(&f, 2001 + FINDS_EXPIRED_S);
	assert_int_equal(f.count, 2);
	assert_true(f.has_changed);
	assert_true(span_equal_str(f.of[0].der, "longer"));
	assert_true(f.of[1].is_malformed); /* nobody knows its end */
	assert_int_equal(f.der_bytes, strlen("longer"));
}

static void unreadable_ones_leave_room(void **state)
{
	AUTO(finds_fini)
	struct finds f = { 0 };
	struct watchset_hit bad = { .class = WATCHSET_MALFORMED, .mentions_us = true };

	(void)state;
	for (unsigned i = 0; i < FINDS_MALFORMED_MAX + 5; i++) {
		struct span bytes = span_of(&i, sizeof(i));

		finds_add(&f, &bad, bytes, bytes, 0, 0);
	}
	assert_int_equal(f.count, FINDS_MALFORMED_MAX);
	assert_int_equal(f.lost, 5);
	add(&f, 1, false, 0, 0);
	assert_int_equal(f.count, FINDS_MALFORMED_MAX + 1);
	assert_false(f.of[FINDS_MALFORMED_MAX].is_malformed);
}

/* That something was lost outlives the process, and so does what was not kept. */
static void what_was_lost_is_remembered(void **state)
{
	struct finds f = { 0 }, again = { 0 };
	AUTO(buf_fini)
	struct buf bytes = { 0 };

	(void)state;
	buf_init(&bytes, FINDS_BYTES_MAX);
	finds_lose(&f);
	assert_true(f.has_changed);
	assert_int_equal(finds_write(&bytes, &f), RC_OK);
	assert_true(f.has_changed); /* nobody has kept it yet */
	assert_int_equal(finds_read(&again, buf_span(&bytes)), RC_OK);
	assert_true(again.is_lost);
	assert_false(again.has_changed);
}

static void only_unreadable_bytes_that_name_us_are_kept(void **state)
{
	AUTO(finds_fini)
	struct finds f = { 0 };
	struct watchset_hit h = { .class = WATCHSET_MALFORMED };

	(void)state;
	finds_add(&f, &h, span_str("rubbish"), span_str("rubbish"), FINDS_FROM_LOG, 1);
	assert_int_equal(f.count, 0);
	h.mentions_us = true;
	finds_add(&f, &h, span_str("rubbish"), span_str("rubbish"), FINDS_FROM_LOG, 1);
	finds_add(&f, &h, span_str("rubbish"), span_str("rubbish"), FINDS_FROM_LOG, 1);
	finds_add(&f, &h, span_str("other"), span_str("other"), FINDS_FROM_LOG, 1);
	assert_int_equal(f.count, 2);
	assert_true(f.of[0].is_malformed);
	assert_int_equal(f.of[0].der.n, 0);
}

static void what_does_not_fit_is_counted(void **state)
{
	AUTO(finds_fini)
	struct finds f = { 0 };
	AUTO(mem_auto_free)
	uint8_t *large = mem_new_array(FINDS_DER_BYTES_MAX, 1);
	struct watchset_hit h = hit_of(0, false);
	struct span der = span_of(large, FINDS_DER_BYTES_MAX);

	(void)state;
	finds_add(&f, &h, der, der, 0, 0);
	for (unsigned i = 1; i < FINDS_MAX + 3; i++) {
		h.tbs.b[0] = (uint8_t)i;
		h.tbs.b[1] = (uint8_t)(i >> 8);
		finds_add(&f, &h, span_str("x"), span_str("x"), 0, 0);
	}
	assert_int_equal(f.count, FINDS_MAX);
	assert_int_equal(f.lost, 3);
	assert_int_equal(f.der_bytes, FINDS_DER_BYTES_MAX);
	/* One that has no room for its bytes is there all the same. */
	assert_int_equal(f.of[1].der.n, 0);
	assert_int_equal(f.of[1].not_after, 2000);
}

static void written_and_read_is_the_same(void **state)
{
	AUTO(finds_fini)
	struct finds f = { 0 }, again = { 0 };
	AUTO(buf_fini)
	struct buf one = { 0 }, two = { 0 };

	(void)state;
	buf_init(&one, FINDS_BYTES_MAX);
	buf_init(&two, FINDS_BYTES_MAX);
	add(&f, 1, true, 3, 5000);
	add(&f, 2, false, FINDS_FROM_LOG, 6000);
	f.lost = 7;
	assert_int_equal(finds_write(&one, &f), RC_OK);
	assert_int_equal(finds_read(&again, buf_span(&one)), RC_OK);
	assert_false(again.is_lost);
	assert_int_equal(again.count, 2);
	assert_int_equal(again.lost, 7);
	assert_int_equal(again.der_bytes, f.der_bytes);
	assert_string_equal(again.of[0].name, "www.example.test");
	assert_int_equal(finds_write(&two, &again), RC_OK);
	assert_true(span_equal(buf_span(&one), buf_span(&two)));
	finds_fini(&again);
}

static void every_part_of_the_bytes_is_refused(void **state)
{
	AUTO(finds_fini)
	struct finds f = { 0 }, out = { .lost = 42 };
	AUTO(buf_fini)
	struct buf bytes = { 0 };
	size_t whole[2] = { 2 + 8, 0 }; /* no find, and the first alone */

	(void)state;
	buf_init(&bytes, FINDS_BYTES_MAX);
	add(&f, 1, true, 3, 5000);
	assert_int_equal(finds_write(&bytes, &f), RC_OK);
	whole[1] = buf_span(&bytes).n;
	buf_reset(&bytes);
	add(&f, 2, false, 3, 5000);
	assert_int_equal(finds_write(&bytes, &f), RC_OK);
	for (size_t n = 0; n < buf_span(&bytes).n; n++) {
		char *part = mem_dup_n(buf_span(&bytes).p, n);

		if (n != whole[0] && n != whole[1]) {
			assert_int_equal(finds_read(&out, span_of(part, n)), RC_MALFORMED);
			assert_int_equal(out.lost, 42);
		}
		free(part);
	}
	out.lost = 0;
}

/* A list's word, as far as it may give one. */
static struct revocation said(enum revocation_state state, enum webcrl_answer answer,
			      unsigned reason)
{
	return (struct revocation){ .state = state,
				    .answer = answer,
				    .entry = { .revoked_at = 1234, .reason = reason } };
}

static void only_a_list_that_may_say_so_revokes(void **state)
{
	const struct {
		const char *name;
		struct revocation r;
		bool from_live, from_revoked; /* what it is afterwards */
	} table[] = {
		{ "revoked", said(REVOCATION_ANSWERED, WEBCRL_REVOKED, 1), true, true },
		{ "on_hold", said(REVOCATION_ANSWERED, WEBCRL_REVOKED, 6), false, false },
		{ "not_listed", said(REVOCATION_ANSWERED, WEBCRL_NOT_LISTED, 0), false, false },
		{ "stale", said(REVOCATION_ANSWERED, WEBCRL_STALE, 1), false, true },
		{ "bad_signature", said(REVOCATION_ANSWERED, WEBCRL_BAD_SIGNATURE, 1), false,
		  true },
		{ "no_list", said(REVOCATION_NO_LIST, WEBCRL_REVOKED, 1), false, true },
		{ "no_issuer", said(REVOCATION_NO_ISSUER, WEBCRL_REVOKED, 1), false, true },
		{ "no_pointer", said(REVOCATION_NO_POINTER, WEBCRL_REVOKED, 1), false, true },
	};
	const struct revocation revoked = said(REVOCATION_ANSWERED, WEBCRL_REVOKED, 4);

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		AUTO(finds_fini)
		struct finds f = { 0 };

		print_message("%s\n", table[i].name);
		add(&f, 1, false, 0, 3000);
		f.has_changed = false;
		assert_int_equal(finds_heed(&f, &f.of[0], &table[i].r, 77), table[i].from_live);
		assert_int_equal(f.of[0].is_revoked, table[i].from_live);
		assert_int_equal(f.has_changed, table[i].from_live);
		assert_int_equal(f.of[0].revocation_asked_at, 77);
		assert_string_equal(f.of[0].revocation, table[i].name);
		(void)finds_heed(&f, &f.of[0], &revoked, 78);
		assert_true(f.of[0].is_revoked);
		assert_int_equal(finds_heed(&f, &f.of[0], &table[i].r, 79),
				 !table[i].from_revoked);
		assert_int_equal(f.of[0].is_revoked, table[i].from_revoked);
	}
}

static void revoked_is_kept(void **state)
{
	const struct revocation revoked = said(REVOCATION_ANSWERED, WEBCRL_REVOKED, 4);
	AUTO(finds_fini)
	struct finds f = { 0 };
	AUTO(finds_fini)
	struct finds back = { 0 };
	AUTO(buf_fini)
	struct buf bytes = { 0 };
	uint8_t *old;
	size_t at;

	(void)state;
	add(&f, 1, false, 0, 3000);
	add(&f, 2, false, 0, 3000);
	assert_true(finds_heed(&f, &f.of[1], &revoked, 78));
	buf_init(&bytes, FINDS_BYTES_MAX);
	assert_int_equal(finds_write(&bytes, &f), RC_OK);
	assert_int_equal(finds_read(&back, buf_span(&bytes)), RC_OK);
	assert_false(back.of[0].is_revoked);
	assert_true(back.of[1].is_revoked);
	assert_int_equal(back.of[1].revoked.revoked_at, 1234);
	assert_int_equal(back.of[1].revoked.reason, 4);
	assert_null(back.of[1].revocation);
	/* A reason that there is none of; and the format of before, which knew of none. */
	old = (uint8_t *)mem_dup_n(bytes.p, bytes.n);
	for (at = bytes.n; at > 9 && memcmp(&old[at - 9], "\0\0\0\0\0\0\x04\xd2\x04", 9); at--)
		;
	assert_true(at > 9);
	old[at - 1] = WEBCRL_REASON_MAX + 1;
	finds_fini(&back);
	assert_int_equal(finds_read(&back, span_of(old, bytes.n)), RC_MALFORMED);
	old[0] = 2;
	assert_int_equal(finds_read(&back, span_of(old, bytes.n)), RC_MALFORMED);
	free(old);
	f.of[1].is_revoked = false;
	buf_reset(&bytes);
	assert_int_equal(finds_write(&bytes, &f), RC_OK);
	old = (uint8_t *)mem_dup_n(bytes.p, bytes.n);
	old[0] = 2;
	assert_int_equal(finds_read(&back, span_of(old, bytes.n)), RC_OK);
	assert_int_equal(back.count, 2);
	free(old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(precertificate_and_certificate_are_one),
		cmocka_unit_test(only_a_list_that_may_say_so_revokes),
		cmocka_unit_test(revoked_is_kept),
		cmocka_unit_test(a_log_says_when_it_was_logged),
		cmocka_unit_test(promises_inside_tell_who_is_dated_back),
		cmocka_unit_test(nothing_is_logged_before_it_begins),
		cmocka_unit_test(long_expired_ones_make_room),
		cmocka_unit_test(unreadable_ones_leave_room),
		cmocka_unit_test(what_was_lost_is_remembered),
		cmocka_unit_test(only_unreadable_bytes_that_name_us_are_kept),
		cmocka_unit_test(what_does_not_fit_is_counted),
		cmocka_unit_test(written_and_read_is_the_same),
		cmocka_unit_test(every_part_of_the_bytes_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
