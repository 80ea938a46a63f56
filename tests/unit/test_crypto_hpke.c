/* HPKE's base mode against RFC 9180 appendix A.2.1, and refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "crypto/hpke.h"
#include "crypto/x25519.h"

enum {
	PLAIN_LEN = 29,
};

struct vector {
	struct key32 ephemeral, secret;
	uint8_t enc[32], public_key[32], info[20], plain[PLAIN_LEN], ad[7];
	uint8_t sealed[PLAIN_LEN + HPKE_TAG_LEN];
};

static void unhex(void *out, size_t n, const char *hex)
{
	assert_true(text_hex_decode(out, n, span_str(hex)));
}

static struct vector rfc9180_a_2_1(void)
{
	struct vector v;

	unhex(v.ephemeral.b, 32,
	      "f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600");
	unhex(v.enc, 32, "1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a");
	unhex(v.secret.b, 32, "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb");
	unhex(v.public_key, 32, "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a");
	unhex(v.info, 20, "4f6465206f6e2061204772656369616e2055726e");
	unhex(v.plain, PLAIN_LEN, "4265617574792069732074727574682c20747275746820626561757479");
	unhex(v.ad, 7, "436f756e742d30");
	unhex(v.sealed, sizeof(v.sealed),
	      "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db"
	      "21993c62ce81883d2dd1b51a28");
	return v;
}

static void rfc_message_is_sealed(void **state)
{
	const struct vector v = rfc9180_a_2_1();
	uint8_t enc[32], out[PLAIN_LEN + HPKE_TAG_LEN];

	(void)state;
	assert_true(hpke_seal_with(enc, out, &v.ephemeral, v.public_key, SPAN_ARRAY(v.info),
				   SPAN_ARRAY(v.ad), SPAN_ARRAY(v.plain)));
	assert_memory_equal(enc, v.enc, sizeof(enc));
	assert_memory_equal(out, v.sealed, sizeof(out));
}

static void rfc_message_is_opened(void **state)
{
	const struct vector v = rfc9180_a_2_1();
	uint8_t out[PLAIN_LEN];

	(void)state;
	assert_true(hpke_open(out, &v.secret, v.enc, SPAN_ARRAY(v.info), SPAN_ARRAY(v.ad),
			      SPAN_ARRAY(v.sealed)));
	assert_memory_equal(out, v.plain, sizeof(out));
}

static void any_changed_byte_is_refused(void **state)
{
	struct vector v = rfc9180_a_2_1();
	const struct {
		uint8_t *p;
		size_t n;
	} fields[] = {
		{ v.enc, 31 }, /* the last byte's high bit means nothing */
		{ v.info, sizeof(v.info) },
		{ v.ad, sizeof(v.ad) },
		{ v.sealed, sizeof(v.sealed) },
	};
	uint8_t out[PLAIN_LEN];

	(void)state;
	for (size_t f = 0; f < 4; f++) {
		for (size_t i = 0; i < fields[f].n; i++) {
			fields[f].p[i] ^= 1;
			assert_false(hpke_open(out, &v.secret, v.enc, SPAN_ARRAY(v.info),
					       SPAN_ARRAY(v.ad), SPAN_ARRAY(v.sealed)));
			fields[f].p[i] ^= 1;
		}
	}
	for (size_t n = 0; n < sizeof(v.sealed); n++)
		assert_false(hpke_open(out, &v.secret, v.enc, SPAN_ARRAY(v.info), SPAN_ARRAY(v.ad),
				       span_of(v.sealed, n)));
}

static void each_sealing_has_its_own_ephemeral(void **state)
{
	const struct vector v = rfc9180_a_2_1();
	uint8_t a[32], b[32], out[PLAIN_LEN + HPKE_TAG_LEN], back[PLAIN_LEN];

	(void)state;
	assert_true(hpke_seal(a, out, v.public_key, SPAN_ARRAY(v.info), SPAN_ARRAY(v.ad),
			      SPAN_ARRAY(v.plain)));
	assert_true(hpke_seal(b, out, v.public_key, SPAN_ARRAY(v.info), SPAN_ARRAY(v.ad),
			      SPAN_ARRAY(v.plain)));
	assert_memory_not_equal(a, b, 32);
	assert_true(hpke_open(back, &v.secret, b, SPAN_ARRAY(v.info), SPAN_ARRAY(v.ad),
			      SPAN_ARRAY(out)));
	assert_memory_equal(back, v.plain, PLAIN_LEN);
}

static void low_order_point_refused(void **state)
{
	const struct vector v = rfc9180_a_2_1();
	const uint8_t zero[32] = { 0 };
	uint8_t enc[32], out[PLAIN_LEN + HPKE_TAG_LEN];

	(void)state;
	assert_false(hpke_seal(enc, out, zero, SPAN_ARRAY(v.info), SPAN_ARRAY(v.ad),
			       SPAN_ARRAY(v.plain)));
	assert_false(hpke_open(out, &v.secret, zero, SPAN_ARRAY(v.info), SPAN_ARRAY(v.ad),
			       SPAN_ARRAY(v.sealed)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_message_is_sealed),
		cmocka_unit_test(rfc_message_is_opened),
		cmocka_unit_test(any_changed_byte_is_refused),
		cmocka_unit_test(each_sealing_has_its_own_ephemeral),
		cmocka_unit_test(low_order_point_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
