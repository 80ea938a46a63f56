/*
 * TSIG against another implementation's (dnspython 2.3): what we sign is what it signs, and what it
 * answers is good; every bit of an answer counts; each verdict is reached.
 */
#include "unit.h"

#include <string.h>

#include "base/text.h"
#include "dns/tsig.h"

enum {
	NOW = 1800000000,
	CAP = 1024,
};

/* An update of example.test, and the answer to it without a signature. */
#define UPDATE \
	"123428000001000100010000076578616d706c65047465737400000600010161c00c010100fe0000" \
	"00000000c01e001000010000000500060568656c6c6f"
#define REPLY "1234a8000001000000000000076578616d706c6504746573740000060001"

/* The TSIG record after each, signed with the bytes 1..32 as key.example. at NOW. */
static const struct vector {
	const char *algorithm, *update, *reply;
} vectors[] = {
	{ "hmac-sha256",
	  "036b6579076578616d706c650000fa00ff00000000003d0b686d61632d7368613235360000006b49"
	  "d200012c0020330de9ec2a630b732d4d99c0f51b608d6b69ee4684e2ea3ced700ca167faa77d1234"
	  "00000000",
	  "036b6579076578616d706c650000fa00ff00000000003d0b686d61632d7368613235360000006b49"
	  "d200012c00206cf579cf4f0d2759c53d6e81f4aaa21e517a116964e638f9945f3a5efebb38b11234"
	  "00000000" },
	{ "hmac-sha384",
	  "036b6579076578616d706c650000fa00ff00000000004d0b686d61632d7368613338340000006b49"
	  "d200012c0030e23ea8b5f6a6209e0e2971b40480426e58526ce00fd8afddb5bab912eb0fb2bb0026"
	  "3080fc5490a0bbb11d7fb55c6025123400000000",
	  "036b6579076578616d706c650000fa00ff00000000004d0b686d61632d7368613338340000006b49"
	  "d200012c0030b5e2611463c943b8436d484ed8ac912acbeb6d014b4dd5a4519e1f8670c119427cf3"
	  "6aab00c51f9b8b0ecaea6fe9350e123400000000" },
	{ "hmac-sha512",
	  "036b6579076578616d706c650000fa00ff00000000005d0b686d61632d7368613531320000006b49"
	  "d200012c00400f86cbb74ec3af3b6e7d706cc1bdd211777036ebe343c6c36b5b09d861861e9d0960"
	  "5c112a879acba6f25f8e61bce214e03b7f2364d5ecdd214d0aa882040580123400000000",
	  "036b6579076578616d706c650000fa00ff00000000005d0b686d61632d7368613531320000006b49"
	  "d200012c00409ac847d86197fe914b5a5eedde8f8e0a0f986e616c95dddfa4df9d0eb80671ff7a96"
	  "02865598c1d94f8286458d9b244e1c10039b3e79251585888f6080142b6c123400000000" },
};

/* Its answer with BADTIME, whose clock is 4000 s ahead. */
static const char bad_time[] =
	"1234a8090001000000000001076578616d706c6504746573740000060001036b6579076578616d70"
	"6c650000fa00ff0000000000430b686d61632d7368613235360000006b49d200012c0020c1e8c932"
	"1497283687fe503fb2f827ca00a3d30706502a1fefcc2e16a5a25a2b12340012000600006b49e1a0";

static struct span unhex(uint8_t *out, const char *hex)
{
	size_t n = 0;

	assert_true(text_hex_decode_any(out, CAP, &n, span_str(hex)));
	return span_of(out, n);
}

static struct tsig_key key_of(const char *algorithm)
{
	struct tsig_key k = { 0 };

	assert_int_equal(tsig_key_read(&k, span_str("key.example"), span_str(algorithm),
				       span_str("AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=")),
			 RC_OK);
	return k;
}

static struct tsig_mac sign(uint8_t out[CAP], struct span *message, const struct tsig_key *k)
{
	uint8_t bytes[CAP];
	struct wr w = wr_over(out, CAP);
	struct tsig_mac mac;

	wr_bytes(&w, unhex(bytes, UPDATE));
	tsig_sign(&w, &mac, k, NOW);
	assert_true(wr_done(&w, message));
	return mac;
}

/* The answer of a vector: the unsigned one, one more record, the record. */
static struct span reply_of(uint8_t out[CAP], const struct vector *v)
{
	uint8_t bytes[CAP];
	struct wr w = wr_over(out, CAP);

	wr_bytes(&w, unhex(bytes, REPLY));
	out[11] = 1;
	wr_bytes(&w, unhex(bytes, v->reply));
	return wr_span(&w);
}

static void signs_as_another_does(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		struct tsig_key k = key_of(vectors[i].algorithm);
		uint8_t out[CAP], want[CAP], update[CAP];
		struct span message, body = unhex(update, UPDATE), record;

		(void)sign(out, &message, &k);
		record = unhex(want, vectors[i].update);
		assert_int_equal(message.n, body.n + record.n);
		assert_int_equal(message.p[11], 1);
		assert_memory_equal(message.p + body.n, record.p, record.n);
	}
}

static void answers_of_another_are_good(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
		struct tsig_key k = key_of(vectors[i].algorithm);
		uint8_t out[CAP], reply[CAP];
		struct span message;
		struct tsig_mac mac = sign(out, &message, &k);
		struct tsig_report r;

		tsig_verify(&r, reply_of(reply, &vectors[i]), &k, &mac, NOW);
		assert_int_equal(r.verdict, TSIG_GOOD);
		assert_int_equal(r.error, 0);
		mac.b[0] ^= 1;
		tsig_verify(&r, reply_of(reply, &vectors[i]), &k, &mac, NOW);
		assert_int_equal(r.verdict, TSIG_WRONG_MAC);
	}
}

static void every_bit_of_an_answer_counts(void **state)
{
	struct tsig_key k = key_of("hmac-sha256");
	uint8_t out[CAP], reply[CAP];
	struct span message, good;
	struct tsig_mac mac = sign(out, &message, &k);
	size_t i;

	(void)state;
	good = reply_of(reply, &vectors[0]);
	for (i = 0; i < good.n * 8; i++) {
		struct tsig_report r;

		/* The id on the wire is not signed (RFC 8945 4.3.2); letters of the key's name and
		 * the algorithm compare without case. */
		reply[i / 8] ^= (uint8_t)(1 << i % 8);
		tsig_verify(&r, good, &k, &mac, NOW);
		if (i >= 16 && r.verdict == TSIG_GOOD)
			assert_true(i % 8 == 5 && reply[i / 8] < 'a' && reply[i / 8] >= 'A');
		reply[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (i = 0; i < good.n; i++) {
		struct tsig_report r;

		tsig_verify(&r, span_of(good.p, i), &k, &mac, NOW);
		assert_int_not_equal(r.verdict, TSIG_GOOD);
	}
}

static void time_too_far_is_told_from_a_wrong_mac(void **state)
{
	static const struct {
		int64_t apart;
		enum tsig_verdict want;
	} cases[] = { { 300, TSIG_GOOD },
		      { -300, TSIG_GOOD },
		      { 301, TSIG_WRONG_TIME },
		      { -301, TSIG_WRONG_TIME },
		      { -NOW - 1, TSIG_WRONG_TIME } };
	struct tsig_key k = key_of("hmac-sha256");
	uint8_t out[CAP], reply[CAP];
	struct span message;
	struct tsig_mac mac = sign(out, &message, &k);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tsig_report r;

		tsig_verify(&r, reply_of(reply, &vectors[0]), &k, &mac, NOW + cases[i].apart);
		assert_int_equal(r.verdict, cases[i].want);
	}
}

static void servers_clock_is_reported(void **state)
{
	struct tsig_key k = key_of("hmac-sha256");
	uint8_t out[CAP], bytes[CAP];
	struct span message;
	struct tsig_mac mac = sign(out, &message, &k);
	struct tsig_report r;

	(void)state;
	tsig_verify(&r, unhex(bytes, bad_time), &k, &mac, NOW);
	assert_int_equal(r.verdict, TSIG_GOOD);
	assert_int_equal(r.error, DNS_BADTIME);
	assert_int_equal(r.server_time, NOW + 4000);
}

static void other_verdicts(void **state)
{
	struct tsig_key k = key_of("hmac-sha256"), other = key_of("hmac-sha512");
	uint8_t out[CAP], reply[CAP], bytes[CAP];
	struct span message, good;
	struct tsig_mac mac = sign(out, &message, &k);
	struct tsig_report r;

	(void)state;
	good = reply_of(reply, &vectors[0]);
	tsig_verify(&r, good, &other, &mac, NOW);
	assert_int_equal(r.verdict, TSIG_WRONG_KEY);
	other = k;
	assert_int_equal(dns_name_parse(&other.name, span_str("key2.example")), RC_OK);
	tsig_verify(&r, good, &other, &mac, NOW);
	assert_int_equal(r.verdict, TSIG_WRONG_KEY);
	tsig_verify(&r, unhex(bytes, REPLY), &k, &mac, NOW);
	assert_int_equal(r.verdict, TSIG_ABSENT);
	tsig_verify(&r, span_of(good.p, 5), &k, &mac, NOW);
	assert_int_equal(r.verdict, TSIG_MALFORMED);
}

static void keys_are_read_strictly(void **state)
{
	static const struct {
		const char *name, *algorithm, *secret;
		enum rc want;
	} cases[] = {
		{ "k.", "HMAC-SHA512.", "AQIDBAUGBwgJCgsMDQ4PEA==", RC_OK },
		{ "k", "hmac-md5.sig-alg.reg.int", "AQIDBAUGBwgJCgsMDQ4PEA==", RC_UNSUPPORTED },
		{ "k", "hmac-sha1", "AQIDBAUGBwgJCgsMDQ4PEA==", RC_UNSUPPORTED },
		{ "k", "hmac-sha256-128", "AQIDBAUGBwgJCgsMDQ4PEA==", RC_UNSUPPORTED },
		{ "k", "hmac-sha256", "AQIDBAUGBwgJCgsMDQ4P", RC_MALFORMED },
		{ "k", "hmac-sha256", "AQIDBAUGBwgJCgsMDQ4PE", RC_MALFORMED },
		{ "", "hmac-sha256", "AQIDBAUGBwgJCgsMDQ4PEA==", RC_MALFORMED },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tsig_key k = { 0 };

		assert_int_equal(tsig_key_read(&k, span_str(cases[i].name),
					       span_str(cases[i].algorithm),
					       span_str(cases[i].secret)),
				 cases[i].want);
		assert_int_equal(k.secret_len, cases[i].want ? 0 : 16);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_as_another_does),
		cmocka_unit_test(answers_of_another_are_good),
		cmocka_unit_test(every_bit_of_an_answer_counts),
		cmocka_unit_test(time_too_far_is_told_from_a_wrong_mac),
		cmocka_unit_test(servers_clock_is_reported),
		cmocka_unit_test(other_verdicts),
		cmocka_unit_test(keys_are_read_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
