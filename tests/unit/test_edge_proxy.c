/* proxy: headers written and read back, and each way to be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "edge/proxy.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\xc0\0\x02\x01\xc0\0\x02\x02\x04\xd2\x01\xbb"
#define B(s) \
	{ \
		(const uint8_t *)(s), sizeof(s) - 1 \
	}

static struct sock_addr at(const char *text)
{
	struct sock_addr a;

	assert_true(sock_addr_parse(&a, span_str(text)));
	return a;
}

static const struct proxy_extra NOTHING;

static void test_written(void **state)
{
	static const struct {
		enum proxy_version version;
		const char *from, *to;
		struct span want;
	} rows[] = {
		{ PROXY_NONE, "192.0.2.1:1234", "192.0.2.2:443", B("") },
		{ PROXY_V1, "192.0.2.1:1234", "192.0.2.2:443",
		  B("PROXY TCP4 192.0.2.1 192.0.2.2 1234 443\r\n") },
		{ PROXY_V1, "[2001:db8::1]:1", "[::1]:65535",
		  B("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n") },
		{ PROXY_V1, "192.0.2.1:1234", "[::1]:443", B("PROXY UNKNOWN\r\n") },
		{ PROXY_V2, "192.0.2.1:1234", "192.0.2.2:443", B(SIGNATURE "\x21\x11\0\x0c" V4) },
		{ PROXY_V2, "unix:/x", "unix:/x", B(SIGNATURE "\x20\0\0\0") },
		{ PROXY_V2, "192.0.2.1:1", "[::1]:1", B(SIGNATURE "\x20\0\0\0") },
	};
	uint8_t bytes[PROXY_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sock_addr from = at(rows[i].from), to = at(rows[i].to);
		struct wr w = WR_ARRAY(bytes);

		proxy_write(&w, rows[i].version, &from, &to, &NOTHING);
		assert_int_equal(w.n, rows[i].want.n);
		assert_true(span_equal(wr_span(&w), rows[i].want));
	}
}

/* §2.2.6: what is said of TLS and of the client's certificate. */
static void test_tls_written(void **state)
{
	static const uint8_t digest[PROXY_DIGEST_LEN] = { 0xab, 0xcd };
	static const struct {
		struct proxy_tls tls;
		struct span want; /* before the digest's 30 zeros */
	} rows[] = {
		{ { .version = B("TLSv1.3") },
		  B("\x20\0\x0f\x01\0\0\0\x01\x21\0\x07TLSv1.3") },
		{ { .version = B("TLSv1.2"),
		    .digest = { digest, sizeof(digest) },
		    .common_name = B("me") },
		  B("\x20\0\x14\x07\0\0\0\0\x21\0\x07TLSv1.2\x22\0\x02me\xe4\0\x20\xab\xcd") },
		{ { .version = B("TLSv1.3"),
		    .digest = { digest, sizeof(digest) },
		    .is_resumed = true },
		  B("\x20\0\x0f\x05\0\0\0\0\x21\0\x07TLSv1.3\xe4\0\x20\xab\xcd") },
	};
	struct sock_addr from = at("192.0.2.1:1234"), to = at("192.0.2.2:443");
	uint8_t bytes[PROXY_MAX];
	struct proxy_header h;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct proxy_extra extra = { .tls = &rows[i].tls };
		struct wr w = WR_ARRAY(bytes);
		struct span got, rest;

		proxy_write(&w, PROXY_V2, &from, &to, &extra);
		assert_false(w.over);
		rest = wr_span(&w);
		assert_true(rd_skip(&rest, 28) && rd_n(&rest, &got, rows[i].want.n));
		assert_memory_equal(got.p, rows[i].want.p, got.n);
		assert_int_equal(rest.n, rows[i].tls.digest.n ? 30 : 0);
		/* Whoever reads headers skips what it does not know. */
		assert_int_equal(proxy_read(&h, wr_span(&w)), PROXY_DONE);
		assert_int_equal(h.n, w.n);
	}
}

/* The longest there is, with all elements, and back. */
static void test_written_is_read(void **state)
{
	static uint8_t alpn[PROXY_ALPN_MAX] = { 'a' }, name[PROXY_NAME_MAX] = { 'b' },
		       id[PROXY_ID_MAX] = { 'c' };
	static uint8_t digest[PROXY_DIGEST_LEN], tls_version[PROXY_VERSION_MAX] = { 'd' },
						 common_name[PROXY_CN_MAX] = { 'e' };
	const struct proxy_tls tls = { SPAN_ARRAY(tls_version), SPAN_ARRAY(digest),
				       SPAN_ARRAY(common_name), false };
	const struct proxy_extra extra = { .tls = &tls,
					   .alpn = SPAN_ARRAY(alpn),
					   .name = SPAN_ARRAY(name),
					   .id = SPAN_ARRAY(id) };
	static const char *const pairs[][2] = { { "[2001:db8::1]:1", "[::ffff:192.0.2.1]:443" },
						{ "192.0.2.1:65535", "0.0.0.0:0" } };

	(void)state;
	for (int version = PROXY_V1; version <= PROXY_V2; version++)
		for (size_t i = 0; i < COUNT(pairs); i++) {
			struct sock_addr from = at(pairs[i][0]), to = at(pairs[i][1]);
			uint8_t bytes[PROXY_MAX];
			struct wr w = WR_ARRAY(bytes);
			struct proxy_header h;

			proxy_write(&w, (enum proxy_version)version, &from, &to, &extra);
			assert_false(w.over);
			assert_int_equal(proxy_read(&h, wr_span(&w)), PROXY_DONE);
			assert_int_equal(h.n, w.n);
			assert_true(sock_addr_equal(&h.from, &from) && sock_addr_equal(&h.to, &to));
			if (version == PROXY_V2)
				assert_true(span_equal(h.extra.alpn, extra.alpn) &&
					    span_equal(h.extra.name, extra.name) &&
					    span_equal(h.extra.id, extra.id));
		}
}

struct row {
	const char *name;
	struct span bytes;
	enum proxy_status want;
	bool is_local;
	size_t n;
};

static const struct row ROWS[] = {
	{ "v1", B("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nrest"), PROXY_DONE, false, 36 },
	{ "v1_unknown", B("PROXY UNKNOWN\r\n"), PROXY_DONE, true, 15 },
	{ "v1_unknown_with_words", B("PROXY UNKNOWN ffff:: ::1 1 2\r\n"), PROXY_DONE, true, 30 },
	{ "v1_longest_unknown", B("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n"),
	  PROXY_DONE, true, 59 },
	{ "v1_too_long_rejected",
	  B("PROXY UNKNOWN 0123456789012345678901234567890123456789012345678901234567890123456789"
	    "01234567890123456789012\r\n"),
	  PROXY_MALFORMED, false, 0 },
	{ "v1_bare_lf_rejected", B("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n"), PROXY_MALFORMED, false,
	  0 },
	{ "v1_cr_inside_rejected", B("PROXY UNKNOWN \rx\r\n"), PROXY_MALFORMED, false, 0 },
	{ "v1_two_spaces_rejected", B("PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n"), PROXY_MALFORMED,
	  false,
	  0 },
	{ "v1_space_at_end_rejected", B("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n"), PROXY_MALFORMED,
	  false, 0 },
	{ "v1_word_behind_rejected", B("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n"), PROXY_MALFORMED,
	  false, 0 },
	{ "v1_port_missing_rejected", B("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n"), PROXY_MALFORMED,
	  false,
	  0 },
	{ "v1_port_large_rejected", B("PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n"),
	  PROXY_MALFORMED,
	  false, 0 },
	{ "v1_port_zero_before_rejected", B("PROXY TCP4 192.0.2.1 192.0.2.2 1 02\r\n"),
	  PROXY_MALFORMED,
	  false, 0 },
	{ "v1_family_mixed_rejected", B("PROXY TCP4 192.0.2.1 ::1 1 2\r\n"), PROXY_MALFORMED,
	  false, 0 },
	{ "v1_family_unknown_rejected", B("PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n"),
	  PROXY_MALFORMED,
	  false, 0 },
	{ "v1_v6_long_form_rejected", B("PROXY TCP6 0:0::1 ::1 1 2\r\n"), PROXY_MALFORMED, false,
	  0 },
	{ "v1_nul_rejected", B("PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n"), PROXY_MALFORMED, false,
	  0 },
	{ "lower_case_rejected", B("proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n"), PROXY_MALFORMED,
	  false, 0 },
	{ "tls_rejected", B("\x16\x03\x01\x02"), PROXY_MALFORMED, false, 0 },

	{ "v2", B(SIGNATURE "\x21\x11\0\x0c" V4 "rest"), PROXY_DONE, false, 28 },
	{ "v2_local", B(SIGNATURE "\x20\0\0\0"), PROXY_DONE, true, 16 },
	{ "v2_local_with_rubbish", B(SIGNATURE "\x20\x31\0\x05"
					       "abcde"),
	  PROXY_DONE, true, 21 },
	{ "v2_unknown_element_skipped", B(SIGNATURE "\x21\x11\0\x10" V4 "\xe0\0\x01x"), PROXY_DONE,
	  false,
	  32 },
	{ "v2_version_1_rejected", B(SIGNATURE "\x11\x11\0\x0c" V4), PROXY_MALFORMED, false, 0 },
	{ "v2_command_rejected", B(SIGNATURE "\x22\x11\0\x0c" V4), PROXY_MALFORMED, false, 0 },
	{ "v2_udp_rejected", B(SIGNATURE "\x21\x12\0\x0c" V4), PROXY_MALFORMED, false, 0 },
	{ "v2_unix_rejected", B(SIGNATURE "\x21\x31\0\x0c" V4), PROXY_MALFORMED, false, 0 },
	{ "v2_unspecified_rejected", B(SIGNATURE "\x21\x00\0\x0c" V4), PROXY_MALFORMED, false, 0 },
	{ "v2_short_rejected", B(SIGNATURE "\x21\x11\0\x0b" V4), PROXY_MALFORMED, false, 0 },
	{ "v2_v6_short_rejected", B(SIGNATURE "\x21\x21\0\x0c" V4), PROXY_MALFORMED, false, 0 },
	{ "v2_too_long_rejected", B(SIGNATURE "\x21\x11\x07\xf1"), PROXY_MALFORMED, false, 0 },
	{ "v2_element_over_end_rejected", B(SIGNATURE "\x21\x11\0\x10" V4 "\xe0\0\x02x"),
	  PROXY_MALFORMED,
	  false, 0 },
	{ "v2_element_cut_rejected", B(SIGNATURE "\x21\x11\0\x0e" V4 "\xe0\0"), PROXY_MALFORMED,
	  false,
	  0 },
	{ "v2_element_twice_rejected", B(SIGNATURE "\x21\x11\0\x14" V4 "\x02\0\x01x\x02\0\x01x"),
	  PROXY_MALFORMED, false, 0 },
	{ "v2_sum_wrong_rejected", B(SIGNATURE "\x21\x11\0\x13" V4 "\x03\0\x04\0\0\0\0"),
	  PROXY_MALFORMED,
	  false, 0 },
	{ "v2_sum_short_rejected", B(SIGNATURE "\x21\x11\0\x12" V4 "\x03\0\x03\0\0\0"),
	  PROXY_MALFORMED,
	  false, 0 },
};

static enum proxy_status read_copy(struct proxy_header *h, struct span bytes)
{
	uint8_t *copy = malloc(bytes.n + !bytes.n);
	enum proxy_status status;

	memcpy(copy, bytes.p, bytes.n);
	status = proxy_read(h, span_of(copy, bytes.n));
	free(copy);
	return status;
}

static void test_read(void **state)
{
	struct proxy_header h;

	(void)state;
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		const struct row *row = &ROWS[i];
		enum proxy_status status = read_copy(&h, row->bytes);

		if (status != row->want)
			fail_msg("%s: %d", row->name, status);
		if (status == PROXY_DONE && (h.is_local != row->is_local || h.n != row->n))
			fail_msg("%s: %zu bytes", row->name, h.n);
		/* A header that is not whole is never done. */
		for (size_t n = 0; status == PROXY_DONE && n < row->n; n++)
			assert_int_equal(read_copy(&h, span_of(row->bytes.p, n)), PROXY_MORE);
	}
}

/* A bit changed anywhere is another sum: CRC-32C finds each. */
static void test_sum(void **state)
{
	uint8_t bytes[] = SIGNATURE "\x21\x11\0\x13" V4 "\x03\0\x04\0\0\0\0";
	struct span header = span_of(bytes, sizeof(bytes) - 1);
	uint32_t crc = UINT32_MAX, table;
	struct proxy_header h;
	struct wr w;

	(void)state;
	for (size_t i = 0; i < header.n; i++) {
		table = (crc ^ bytes[i]) & 0xff;
		for (int bit = 0; bit < 8; bit++)
			table = table & 1 ? table >> 1 ^ 0x82f63b78 : table >> 1;
		crc = crc >> 8 ^ table;
	}
	w = wr_over(bytes + header.n - 4, 4);
	wr_be32(&w, ~crc);
	assert_int_equal(proxy_read(&h, header), PROXY_DONE);
	for (size_t bit = 8 * 16; bit < 8 * 28; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(proxy_read(&h, header), PROXY_MALFORMED);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_tls_written),
		cmocka_unit_test(test_written_is_read),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
