/* The Internet checksum: RFC 1071's example, and a byte-by-byte one on random input. */
#include "offload_packets.h"

#include "offload/checksum.h"

static void rfc1071_example(void **state)
{
	const uint8_t b[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 }; /* §3 */
	uint8_t field[2];

	(void)state;
	checksum_put(field, checksum_fold(checksum_add(0, SPAN_ARRAY(b))));
	assert_int_equal(field[0], 0xdd);
	assert_int_equal(field[1], 0xf2);
	assert_int_equal(checksum_get(field), checksum_fold(checksum_add(0, SPAN_ARRAY(b))));
}

static void every_length_and_place_as_byte_by_byte(void **state)
{
	uint8_t b[700], copy[700];
	uint32_t seed = 1;

	(void)state;
	for (size_t n = 0; n < 600; n++) {
		size_t at = random_below(&seed, 90);
		uint32_t carried = random_below(&seed, 0x10000);
		uint8_t field[2];
		uint64_t sum;

		for (size_t i = 0; i < n; i++)
			b[at + i] = n % 3 ? (uint8_t)random_below(&seed, 256) : 0xff;
		memset(copy, 7, sizeof(copy));
		checksum_put(field, checksum_fold(checksum_add(0, span_of(b + at, n))));
		assert_int_equal(packet_be16(field), stupid_sum(0, b + at, n));
		put16(field, carried);
		carried = checksum_get(field);
		sum = checksum_copy(carried, copy + 1, span_of(b + at, n));
		assert_int_equal(checksum_fold(sum),
				 checksum_fold(checksum_add(carried, span_of(b + at, n))));
		assert_memory_equal(copy + 1, b + at, n);
		assert_int_equal(copy[0], 7);
		assert_int_equal(copy[n + 1], 7);
	}
}

static void parts_at_even_offsets_sum_to_the_whole(void **state)
{
	uint8_t b[256];
	uint32_t seed = 2;

	(void)state;
	for (int round = 0; round < 1000; round++) {
		size_t cut = 2 * random_below(&seed, 128);
		uint64_t sum;

		for (size_t i = 0; i < sizeof(b); i++)
			b[i] = (uint8_t)random_below(&seed, 256);
		sum = checksum_add(checksum_add(0, span_of(b, cut)),
				   span_of(b + cut, sizeof(b) - cut));
		assert_int_equal(checksum_fold(sum), checksum_fold(checksum_add(0, SPAN_ARRAY(b))));
	}
}

static void carries_are_never_lost(void **state)
{
	const uint64_t sums[] = { UINT64_MAX, UINT64_MAX - 1, 0xffffffff00000000,
				  0xffff0000ffff0001 };
	const uint8_t ones[64] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	(void)state;
	for (size_t i = 0; i < sizeof(sums) / sizeof(*sums); i++)
		for (size_t n = 0; n <= sizeof(ones); n += 2) {
			uint64_t folded = checksum_fold(sums[i]);
			uint64_t more = checksum_fold(checksum_add(0, span_of(ones, n)));

			/* Congruent modulo 0xffff, and 0 only for nothing at all. */
			assert_int_equal(sums[i] % 0xffff, folded % 0xffff);
			assert_int_equal(checksum_add(sums[i], span_of(ones, n)) % 0xffff,
					 (folded + more) % 0xffff);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc1071_example),
		cmocka_unit_test(every_length_and_place_as_byte_by_byte),
		cmocka_unit_test(parts_at_even_offsets_sum_to_the_whole),
		cmocka_unit_test(carries_are_never_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
