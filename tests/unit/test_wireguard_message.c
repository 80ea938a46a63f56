/* Message layout: whitepaper §5.4.2 to §5.4.7. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "wireguard/message.h"

/* n bytes of which the first is 'type', each other one its place, in an
 * allocation of its own so that ASan sees a read beyond. */
static uint8_t *sample(uint8_t type, size_t n)
{
	uint8_t *b = mem_new(n);

	for (size_t i = 0; i < n; i++)
		b[i] = i < 4 ? 0 : (uint8_t)i;
	if (n)
		b[0] = type;
	return b;
}

static const struct {
	const char *name;
	uint8_t type;
	size_t n;
	bool want;
} lengths[] = {
	{ "initiation_148", 1, 148, true },
	{ "initiation_147_refused", 1, 147, false },
	{ "initiation_149_refused", 1, 149, false },
	{ "response_92", 2, 92, true },
	{ "response_91_refused", 2, 91, false },
	{ "response_93_refused", 2, 93, false },
	{ "cookie_64", 3, 64, true },
	{ "cookie_63_refused", 3, 63, false },
	{ "cookie_65_refused", 3, 65, false },
	{ "data_32_is_a_keepalive", 4, 32, true },
	{ "data_31_refused", 4, 31, false },
	{ "data_16_refused", 4, 16, false },
	{ "data_1452", 4, 1452, true },
	{ "data_padded_to_the_mtu_only", 4, 33, true },
	{ "type_0_refused", 0, 148, false },
	{ "type_5_refused", 5, 148, false },
	{ "empty_refused", 1, 0, false },
	{ "three_bytes_refused", 1, 3, false },
};

static void g5_lengths_are_exact(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		uint8_t *b = sample(lengths[i].type, lengths[i].n);
		enum message_type type = 0;
		bool got = message_type(&type, span_of(b, lengths[i].n));

		print_message("%s\n", lengths[i].name);
		assert_int_equal(got, lengths[i].want);
		assert_int_equal(type, got ? lengths[i].type : 0);
		free(b);
	}
}

static void reserved_bytes_not_zero_refused(void **state)
{
	static const size_t n[] = { 0, 148, 92, 64, 32 };

	(void)state;
	for (uint8_t type = 1; type <= 4; type++)
		for (size_t at = 1; at < 4; at++) {
			uint8_t *b = sample(type, n[type]);
			enum message_type got;

			b[at] = 1;
			assert_false(message_type(&got, span_of(b, n[type])));
			free(b);
		}
}

static void write_after_read_is_the_identity(void **state)
{
	uint8_t out[148];
	struct message_initiation i;
	struct message_response r;
	struct message_cookie c;
	struct span got;
	struct wr w;
	uint8_t *b;

	(void)state;
	b = sample(1, 148);
	assert_true(message_initiation_read(&i, span_of(b, 148)));
	assert_int_equal(i.sender, 0x07060504);
	assert_int_equal(i.ephemeral[0], 8);
	assert_int_equal(i.sealed_static[0], 40);
	assert_int_equal(i.sealed_timestamp[0], 88);
	assert_int_equal(i.macs.mac1[0], 116);
	assert_int_equal(i.macs.mac2[0], 132);
	w = WR_ARRAY(out);
	message_initiation_write(&w, &i);
	assert_true(wr_done(&w, &got));
	assert_int_equal(got.n, 148);
	assert_memory_equal(out, b, 148);
	free(b);

	b = sample(2, 92);
	assert_true(message_response_read(&r, span_of(b, 92)));
	assert_int_equal(r.receiver, 0x0b0a0908);
	assert_int_equal(r.ephemeral[0], 12);
	assert_int_equal(r.sealed_nothing[0], 44);
	assert_int_equal(r.macs.mac1[0], 60);
	w = WR_ARRAY(out);
	message_response_write(&w, &r);
	assert_true(wr_done(&w, &got) && got.n == 92);
	assert_memory_equal(out, b, 92);
	free(b);

	b = sample(3, 64);
	assert_true(message_cookie_read(&c, span_of(b, 64)));
	assert_int_equal(c.nonce[0], 8);
	assert_int_equal(c.sealed_cookie[0], 32);
	w = WR_ARRAY(out);
	message_cookie_write(&w, &c);
	assert_true(wr_done(&w, &got) && got.n == 64);
	assert_memory_equal(out, b, 64);
	free(b);
}

static void data_header_and_content(void **state)
{
	struct message_data d;
	uint8_t out[16];
	struct wr w = WR_ARRAY(out);
	uint8_t *b = sample(4, 48);

	(void)state;
	assert_true(message_data_read(&d, span_of(b, 48)));
	assert_int_equal(d.receiver, 0x07060504);
	assert_true(d.counter == 0x0f0e0d0c0b0a0908);
	assert_ptr_equal(d.sealed.p, b + 16);
	assert_int_equal(d.sealed.n, 32);
	message_data_header_write(&w, d.receiver, d.counter);
	assert_memory_equal(out, b, 16);
	free(b);
}

static void every_prefix_refused_untouched(void **state)
{
	static const size_t n[] = { 0, 148, 92, 64 };
	union {
		struct message_initiation i;
		struct message_response r;
		struct message_cookie c;
		struct message_data d;
	} m, before;

	(void)state;
	memset(&before, 0x77, sizeof(before));
	for (uint8_t type = 1; type <= 3; type++)
		for (size_t cut = 0; cut < n[type]; cut++) {
			uint8_t *b = sample(type, cut);
			struct span s = span_of(b, cut);

			m = before;
			if (type == 1)
				assert_false(message_initiation_read(&m.i, s));
			else if (type == 2)
				assert_false(message_response_read(&m.r, s));
			else
				assert_false(message_cookie_read(&m.c, s));
			assert_memory_equal(&m, &before, sizeof(m));
			free(b);
		}
	for (size_t cut = 0; cut < 32; cut++) {
		uint8_t *b = sample(4, cut);

		m = before;
		assert_false(message_data_read(&m.d, span_of(b, cut)));
		assert_memory_equal(&m, &before, sizeof(m));
		free(b);
	}
}

static void padding_is_16_but_not_beyond_the_mtu(void **state)
{
	static const struct {
		size_t n, mtu, want;
	} cases[] = {
		{ 0, 1420, 0 },
		{ 1, 1420, 16 },
		{ 16, 1420, 16 },
		{ 17, 1420, 32 },
		{ 1408, 1420, 1408 },
		{ 1409, 1420, 1420 },
		{ 1420, 1420, 1420 },
		{ 1421, 1420, 1421 },
		{ 9000, 1420, 9000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(message_data_padded(cases[i].n, cases[i].mtu), cases[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(g5_lengths_are_exact),
		cmocka_unit_test(reserved_bytes_not_zero_refused),
		cmocka_unit_test(write_after_read_is_the_identity),
		cmocka_unit_test(data_header_and_content),
		cmocka_unit_test(every_prefix_refused_untouched),
		cmocka_unit_test(padding_is_16_but_not_beyond_the_mtu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
