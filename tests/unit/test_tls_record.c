/* record: keys of RFC 8448 §3, a record there and back, and changed ones. */
#include "unit.h"

#include <string.h>

#include "base/text.h"
#include "tls/record.h"

static void half_init(struct record_half *half, enum engine_suite suite)
{
	*half = (struct record_half){ .secret_len = digest_len(record_hash(suite)) };
	memset(half->secret, 7, half->secret_len);
	assert_true(record_start(half, suite, 0));
}

static void rfc8448_3_keys(void **state)
{
	struct record_half half = { .secret_len = 32 };
	uint8_t key[16], iv[12];

	(void)state;
	assert_true(text_hex_decode(
		half.secret, 32,
		span_str("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")));
	assert_true(text_hex_decode(key, 16, span_str("3fce516009c21727d0f2e4e86ee403bc")));
	assert_true(text_hex_decode(iv, 12, span_str("5d313eb2671276ee13000b30")));
	assert_true(record_start(&half, ENGINE_AES_128_GCM, 3));
	assert_memory_equal(half.key.b, key, 16);
	assert_memory_equal(half.iv, iv, 12);
	assert_int_equal(half.count, 3);
}

static void secret_of_another_suite_is_none(void **state)
{
	struct record_half half = { .secret_len = 32 };

	(void)state;
	assert_false(record_start(&half, ENGINE_AES_256_GCM, 0));
	assert_false(record_next(&half, ENGINE_AES_256_GCM));
	half.secret_len = 48;
	assert_false(record_start(&half, ENGINE_AES_128_GCM, 0));
	assert_false(record_start(&half, ENGINE_CHACHA20, 0));
	half.secret_len = 0;
	assert_false(record_start(&half, ENGINE_AES_128_GCM, 0));
}

/* Seals one record and opens it again, a bit of it flipped (-1: none). */
static bool there_and_back(enum engine_suite suite, long flip, struct span text)
{
	struct record_half ours, theirs;
	struct engine *e = engine_new();
	struct span s, header = { 0 }, body = { 0 }, plain;
	uint8_t out[512], type;
	struct buf wire;
	bool is_good;

	buf_init(&wire, 1024);
	half_init(&ours, suite);
	half_init(&theirs, suite);
	assert_true(record_seal(&ours, suite, e, &wire, RECORD_HANDSHAKE, text));
	assert_int_equal(ours.count, 1);
	assert_int_equal(wire.n, RECORD_HEADER_LEN + text.n + 1 + ENGINE_TAG_LEN);
	if (flip >= 0)
		wire.p[wire.at + (size_t)flip / 8] ^= (uint8_t)(1 << flip % 8);
	s = buf_span(&wire);
	assert_true(rd_n(&s, &header, RECORD_HEADER_LEN) && rd_n(&s, &body, s.n));
	is_good = record_open(&theirs, suite, e, out, header, body);
	assert_int_equal(theirs.count, is_good);
	if (is_good) {
		plain = span_of(out, body.n - ENGINE_TAG_LEN);
		assert_true(record_unpad(&plain, &type));
		assert_int_equal(type, RECORD_HANDSHAKE);
		assert_true(span_equal(plain, text));
	}
	buf_fini(&wire);
	engine_free(e);
	return is_good;
}

static void every_bit_is_covered(void **state)
{
	const struct span text = span_str("finished");
	int suite;
	long i;

	(void)state;
	for (suite = 0; suite < ENGINE_SUITES; suite++) {
		assert_true(there_and_back((enum engine_suite)suite, -1, text));
		for (i = 0; i < 8 * (RECORD_HEADER_LEN + 8 + 1 + ENGINE_TAG_LEN); i++)
			assert_false(there_and_back((enum engine_suite)suite, i, text));
	}
}

static void number_and_key_are_covered(void **state)
{
	struct record_half ours, theirs;
	struct engine *e = engine_new();
	struct span s, header;
	uint8_t out[64];
	struct buf wire;

	(void)state;
	buf_init(&wire, 1024);
	half_init(&ours, ENGINE_AES_128_GCM);
	half_init(&theirs, ENGINE_AES_128_GCM);
	assert_true(record_seal(&ours, ENGINE_AES_128_GCM, e, &wire, RECORD_DATA, span_str("a")));
	s = buf_span(&wire);
	assert_true(rd_n(&s, &header, RECORD_HEADER_LEN));
	theirs.count = 1;
	assert_false(record_open(&theirs, ENGINE_AES_128_GCM, e, out, header, s));
	theirs.count = 0;
	assert_true(record_next(&theirs, ENGINE_AES_128_GCM));
	assert_false(record_open(&theirs, ENGINE_AES_128_GCM, e, out, header, s));
	half_init(&theirs, ENGINE_AES_128_GCM);
	assert_true(record_open(&theirs, ENGINE_AES_128_GCM, e, out, header, s));
	buf_fini(&wire);
	engine_free(e);
}

static void no_room_changes_nothing(void **state)
{
	struct engine *e = engine_new();
	struct record_half half;
	struct buf wire;

	(void)state;
	buf_init(&wire, RECORD_HEADER_LEN + 4 + ENGINE_TAG_LEN);
	half_init(&half, ENGINE_CHACHA20);
	assert_false(record_seal(&half, ENGINE_CHACHA20, e, &wire, RECORD_DATA, span_str("four")));
	assert_int_equal(half.count, 0);
	assert_int_equal(wire.n, 0);
	assert_true(record_seal(&half, ENGINE_CHACHA20, e, &wire, RECORD_DATA, span_str("two")));
	buf_fini(&wire);
	engine_free(e);
}

static void padding_goes(void **state)
{
	static const struct {
		const char *name;
		uint8_t bytes[4];
		size_t n, want_n;
		int type; /* -1: there is none */
	} rows[] = {
		{ "type_alone", { 22 }, 1, 0, 22 },
		{ "padded", { 'x', 23, 0, 0 }, 4, 1, 23 },
		{ "zeros_before_type_are_content", { 0, 0, 21 }, 3, 2, 21 },
		{ "zeros_have_no_type", { 0, 0, 0, 0 }, 4, 0, -1 },
		{ "nothing_has_no_type", { 0 }, 0, 0, -1 },
	};
	struct span s;
	uint8_t type;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		s = span_of(rows[i].bytes, rows[i].n);
		if (record_unpad(&s, &type) != (rows[i].type >= 0))
			fail_msg("%s", rows[i].name);
		if (rows[i].type >= 0 && (type != rows[i].type || s.n != rows[i].want_n))
			fail_msg("%s", rows[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc8448_3_keys),
		cmocka_unit_test(secret_of_another_suite_is_none),
		cmocka_unit_test(every_bit_is_covered),
		cmocka_unit_test(number_and_key_are_covered),
		cmocka_unit_test(no_room_changes_nothing),
		cmocka_unit_test(padding_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
