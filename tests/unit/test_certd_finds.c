/* finds: certificates joined by what they share, their bounds, and the bytes they are kept in. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "certd/finds.h"

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
	assert_int_equal(f.of[0].logged_at_ms, 3000);
	assert_int_equal(find_issued_at(&f.of[0]), 3);
	assert_string_equal(f.of[0].issuer, "A ? CA");
	add(&f, 2, false, 0, 0);
	assert_int_equal(f.count, 2);
	assert_int_equal(find_issued_at(&f.of[1]), 1000);
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
	assert_true(f.has_changed); /* nobody has kept it yet */
	assert_int_equal(finds_read(&again, buf_span(&one)), RC_OK);
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
	size_t whole[2] = { 1 + 8, 0 }; /* no find, and the first alone */

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(precertificate_and_certificate_are_one),
		cmocka_unit_test(only_unreadable_bytes_that_name_us_are_kept),
		cmocka_unit_test(what_does_not_fit_is_counted),
		cmocka_unit_test(written_and_read_is_the_same),
		cmocka_unit_test(every_part_of_the_bytes_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
