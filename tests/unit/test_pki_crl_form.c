/* crl_form: every form of Intel's lists gives the same DER; nothing else does. */
#include "unit.h"

#include <stdlib.h>

#include "base/text.h"
#include "pki/crl_form.h"
#include "pki/pem.h"
#include "vectors.h"

#define VECTORS "tests/vectors/tdx/"
#define RAW VECTORS "pcs-raw-2023/"

enum {
	ROOM = 64 * 1024
};

static size_t decode(uint8_t *room, struct span body, enum rc want)
{
	struct wr w = wr_over(room, ROOM);
	enum rc rc = crl_form_decode(&w, body);

	assert_int_equal(rc, want);
	return rc ? 0 : w.n;
}

static void expect_der(struct span der, const void *body, size_t n, enum crl_form form)
{
	static uint8_t room[ROOM];
	uint8_t *exact = vector_copy(span_of(body, n)); /* ASan sees reads beyond */

	assert_int_equal(crl_form_of(span_of(exact, n)), form);
	assert_int_equal(decode(room, span_of(exact, n), RC_OK), der.n);
	assert_memory_equal(room, der.p, der.n);
	free(exact);
}

static void every_form_of_a_list_gives_its_der(void **state)
{
	static const char *const lists[] = { RAW "pckcrl", RAW "rootcrl.der",
					     VECTORS "collateral/tdx_90c0_202602/pck.crl.der" };
	static const char *const ends[] = { "", "\n", "\r\n", "\0", "\n\0" };
	static const size_t end_lens[] = { 0, 1, 2, 1, 2 };
	static char text[ROOM];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct span der = vector_load(lists[i]);

		for (size_t e = 0; e < 5; e++) {
			struct wr w = WR_ARRAY(text);

			wr_bytes(&w, der);
			wr_bytes(&w, span_of(ends[e], end_lens[e]));
			expect_der(der, text, w.n, CRL_FORM_DER);
			w = WR_ARRAY(text);
			text_hex(&w, der);
			wr_bytes(&w, span_of(ends[e], end_lens[e]));
			expect_der(der, text, w.n, CRL_FORM_HEX);
			w = WR_ARRAY(text);
			pem_encode(&w, PEM_CRL, der);
			wr_bytes(&w, span_of(ends[e], end_lens[e]));
			expect_der(der, text, w.n, CRL_FORM_PEM);
		}
		vector_free(der);
	}
}

static void upper_case_hex_is_hex(void **state)
{
	static uint8_t room[ROOM];

	(void)state;
	assert_int_equal(decode(room, span_str("3003020A0B"), RC_OK), 5);
	assert_int_equal(room[4], 0x0b);
}

static void what_is_no_list_is_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} rows[] = {
		{ "", 0 },
		{ "\n", 1 },
		{ "0", 1 }, /* both a digit and DER's SEQUENCE */
		{ "<html>", 6 },
		{ "{\"error\":1}", 11 },
		{ "300", 3 },
		{ "3003020a", 8 }, /* the DER inside is cut */
		{ "3001020a0b", 10 }, /* and this one goes on */
		{ "\x30\x03\x02\x01", 4 },
		{ "\x30\x01\x02\x01", 4 },
		{ "\x30\x80\x02\x01", 4 },
		{ "\x30\x84\0\0\0\1\2", 7 },
		{ "-----BEGIN X509 CRL-----\n", 25 },
		{ "-----BEGIN CERTIFICATE-----\nMAMC\n-----END CERTIFICATE-----\n", 59 },
	};
	static uint8_t room[ROOM];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		decode(room, span_of(rows[i].bytes, rows[i].n), RC_MALFORMED);
}

static void every_prefix_of_a_list_is_refused(void **state)
{
	static uint8_t room[ROOM];
	struct span der = vector_load(RAW "rootcrl.der");
	char text[2048];
	struct wr w = WR_ARRAY(text);

	(void)state;
	for (size_t n = 0; n < der.n; n++) {
		uint8_t *exact = vector_copy(span_of(der.p, n));

		decode(room, span_of(exact, n), RC_MALFORMED);
		free(exact);
	}
	text_hex(&w, der);
	for (size_t n = 0; n < w.n; n++)
		decode(room, span_of(text, n), RC_MALFORMED);
	vector_free(der);
}

static void list_larger_than_room_is_limit(void **state)
{
	uint8_t room[4];

	(void)state;
	for (int form = 0; form < 2; form++) {
		struct span body = form ? span_str("3003020a0b")
					: span_of("\x30\x03\x02\x0a\x0b", 5);
		struct wr w = WR_ARRAY(room);

		assert_int_equal(crl_form_decode(&w, body), RC_LIMIT);
		assert_true(w.over);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_of_a_list_gives_its_der),
		cmocka_unit_test(upper_case_hex_is_hex),
		cmocka_unit_test(what_is_no_list_is_refused),
		cmocka_unit_test(every_prefix_of_a_list_is_refused),
		cmocka_unit_test(list_larger_than_room_is_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
