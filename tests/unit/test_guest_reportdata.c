/* Report data of dstack's calls: bytes as they are, or hashed by each hash it knows. */
#include "unit.h"

#include <string.h>

#include "base/text.h"
#include "guest/reportdata.h"

static const uint8_t data[] = { 0, 0xff };

/* Over "app-data:" 00 ff, or "w:" 00 ff; by Python's hashlib and pycryptodome 3.24. */
static void every_hash_that_dstack_has(void **state)
{
	static const struct {
		const char *hash, *prefix, *want;
	} cases[] = {
		{ "sha256", "",
		  "001032f0863bdfa4a9990383c32781d79ded7827ce1f7d43d6537d298262e9db" },
		{ "sha384", "",
		  "f583a7ca0cd591e1dea1a9a8f940bc8fdc283e8293db01e76505a34046db13e2"
		  "8ed0a9e64fe2b688b7481effada67ec1" },
		{ "sha512", "",
		  "a5b2854b571f4241ca663acb4046143ded5777af42468c4c1b273b628293896d"
		  "23b84567bfb0d572eaca28da7ac5903d285ee1cf41dc2d7c71475ce792b23456" },
		{ "sha3-256", "",
		  "4e1096c59c1927769cac1cb20c82f201560ea4ba1860af37f9016050c1e3de29" },
		{ "sha3-384", "",
		  "1c46fd1421ec041bae31868a86fa83b9357cc95a39bbdb844d1bb4ea73bf5856"
		  "5a3696648d8262c37b70f363eba6b7e8" },
		{ "sha3-512", "",
		  "8117f322c72bd8babb51515332cf33541b7cfe531636bccf699dc133ab8639e3"
		  "5afc56c750263e8ab3b90d0701acd6ac74725b67852e196151225ed9dc061e5c" },
		{ "keccak256", "",
		  "e31fdcdd8667332f6a83ffacad735f09dee374d394c137d635e257f607fbfccc" },
		{ "keccak384", "",
		  "efebee1648963d4a17ca34eb92dcb9f4a3cb842d7ef2e5564b00f152919b0d53"
		  "377810b3cac612408be9482514381950" },
		{ "keccak512", "",
		  "18c30883083bbc2433ab9ddf63979d1f1776b102330f84aca18fe2f3225be8e2"
		  "5d46011974b8cd89d12f8a4dd29ebed09088ace95915d538bfe17c9e58c1a684" },
		{ "sha512", "w",
		  "14d92d865ecb57775b20fdf4b72ad630e1ae064bfabeb6a779afb7e711cb0e39"
		  "a9e75fcb1d04a411e563f0332987f8eba4e06b5dbd42bff034ba4ee282d33172" },
		{ "sha3-256", "w",
		  "aa95055ddc0083c07ea6b2d51936f2510a122e45baf73421513943eafc2f2193" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct call c = {
			.dialect = CALL_TAPPD,
			.op = CALL_QUOTE,
			.data = SPAN_ARRAY(data),
			.hash_algorithm = span_str(cases[i].hash),
			.prefix = span_str(cases[i].prefix),
		};
		uint8_t want[REPORTDATA_LEN] = { 0 }, got[REPORTDATA_LEN];
		size_t n;

		assert_true(text_hex_decode_any(want, sizeof(want), &n, span_str(cases[i].want)));
		memset(got, 0xaa, sizeof(got));
		assert_null(reportdata_of(got, &c));
		if (memcmp(got, want, sizeof(got)) != 0)
			fail_msg("%s", cases[i].hash);
		assert_true(span_equal_str(reportdata_form(&c).hash, cases[i].hash));
		assert_true(span_equal_str(reportdata_form(&c).prefix,
					   cases[i].prefix[0] ? cases[i].prefix : "app-data"));
	}
}

static void bytes_as_they_are(void **state)
{
	static const struct {
		enum call_dialect dialect;
		enum call_op op;
		const char *hash;
	} cases[] = {
		{ CALL_DSTACK, CALL_QUOTE, "" },
		{ CALL_DSTACK, CALL_ATTEST, "" },
		{ CALL_DSTACK_V1, CALL_ATTEST, "" },
		{ CALL_TAPPD, CALL_RAW_QUOTE, "" },
		{ CALL_TAPPD, CALL_QUOTE, "raw" },
	};
	static const uint8_t long_data[65] = { 1 };
	const uint8_t want[REPORTDATA_LEN] = { 0, 0xff };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct call c = {
			.dialect = cases[i].dialect,
			.op = cases[i].op,
			.data = SPAN_ARRAY(data),
			.hash_algorithm = span_str(cases[i].hash),
			.prefix = span_str("p"),
		};
		uint8_t got[REPORTDATA_LEN];

		memset(got, 0xaa, sizeof(got));
		assert_null(reportdata_of(got, &c));
		assert_memory_equal(got, want, sizeof(got));
		assert_true(span_equal_str(reportdata_form(&c).hash, "raw"));
		assert_int_equal(reportdata_form(&c).prefix.n, 0);
		c.data = span_of(long_data, 64);
		assert_null(reportdata_of(got, &c));
		assert_memory_equal(got, long_data, sizeof(got));
		c.data.n = 65;
		memset(got, 0xaa, sizeof(got));
		assert_non_null(reportdata_of(got, &c));
		assert_int_equal(got[63], 0xaa);
	}
}

static void nothing_said_means_sha512(void **state)
{
	struct call c = { .dialect = CALL_TAPPD, .op = CALL_QUOTE, .data = SPAN_ARRAY(data) };
	uint8_t implied[REPORTDATA_LEN], said[REPORTDATA_LEN];

	(void)state;
	assert_null(reportdata_of(implied, &c));
	c.hash_algorithm = span_str("sha512");
	assert_null(reportdata_of(said, &c));
	assert_memory_equal(implied, said, sizeof(said));
}

static void other_hashes_are_refused(void **state)
{
	static const char *const names[] = { "md5", "SHA512", "sha512 ",
					     "sha3", "sha3_256", "keccak" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct call c = {
			.dialect = CALL_TAPPD,
			.op = CALL_QUOTE,
			.hash_algorithm = span_str(names[i]),
		};
		uint8_t got[REPORTDATA_LEN] = { 0xaa };
		const char *why = reportdata_of(got, &c);

		assert_non_null(why);
		assert_non_null(strstr(why, "hash_algorithm"));
		assert_int_equal(got[0], 0xaa);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_hash_that_dstack_has),
		cmocka_unit_test(bytes_as_they_are),
		cmocka_unit_test(nothing_said_means_sha512),
		cmocka_unit_test(other_hashes_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
