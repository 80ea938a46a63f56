/*
 * p256: RFC 6979 A.2.5 vectors, bad points and scalars, sums that are special
 * cases of the curve's addition, agreement with EVP_PKEY_verify(), DER.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/secret.h"
#include "base/text.h"
#include "crypto/p256.h"
#include "crypto/p256_scalar.h"
#include "crypto/sha256.h"
#include "p256_points.h"

#define U_HEX \
	"60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6" \
	"7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
#define R_HEX "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
#define S_HEX "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
/* n - s of the above: the other valid signature */
#define N_MINUS_S_HEX "0834e36ad29a83bf2bc9385e491d6099c8fdf9d1ed67aa7ea5f51f93782857a9"
#define ZERO_HEX "0000000000000000000000000000000000000000000000000000000000000000"

#define N_PLUS_1_HEX "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552"
#define ONES_HEX "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define ONE_HEX "0000000000000000000000000000000000000000000000000000000000000001"

static void unhex(void *out, size_t n, const char *hex)
{
	assert_true(text_hex_decode(out, n, span_str(hex)));
}

static void verification(void **state)
{
	static const struct {
		const char *name, *message, *signature;
		bool want;
	} cases[] = {
		{ "rfc6979_sample_accepted", "sample", R_HEX S_HEX, true },
		{ "rfc6979_test_accepted", "test",
		  "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
		  "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
		  true },
		{ "other_half_of_s_accepted", "sample", R_HEX N_MINUS_S_HEX, true },
		{ "other_message_refused", "samplf", R_HEX S_HEX, false },
		{ "empty_message_refused", "", R_HEX S_HEX, false },
		{ "r_zero_refused", "sample", ZERO_HEX S_HEX, false },
		{ "s_zero_refused", "sample", R_HEX ZERO_HEX, false },
		{ "both_zero_refused", "sample", ZERO_HEX ZERO_HEX, false },
		{ "r_is_order_refused", "sample", N_HEX S_HEX, false },
		{ "s_is_order_refused", "sample", R_HEX N_HEX, false },
		{ "swapped_refused", "sample", S_HEX R_HEX, false },
		{ "r_over_order_refused", "sample", N_PLUS_1_HEX S_HEX, false },
		{ "s_over_order_refused", "sample", R_HEX N_PLUS_1_HEX, false },
		{ "r_all_ones_refused", "sample", ONES_HEX S_HEX, false },
		{ "s_all_ones_refused", "sample", R_HEX ONES_HEX, false },
		{ "r_is_prime_refused", "sample", P_HEX S_HEX, false },
		{ "both_order_refused", "sample", N_HEX N_HEX, false },
		{ "both_all_ones_refused", "sample", ONES_HEX ONES_HEX, false },
		{ "both_one_refused", "sample", ONE_HEX ONE_HEX, false },
	};
	struct p256_point at;

	(void)state;
	unhex(at.xy, 64, U_HEX);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct p256_signature sig;
		struct span m = span_str(cases[i].message);

		print_message("%s\n", cases[i].name);
		unhex(sig.rs, 64, cases[i].signature);
		assert_int_equal(p256_verify(&at, &sig, m), cases[i].want);
	}
}

/*
 * Keys made for the message "sample" so that the sum e/s G + r/s Q is a special
 * case: computed from r, s and the sum (first and third) or from e.
 */
static void special_sums(void **state)
{
	static const struct {
		const char *name, *key, *signature;
		bool want;
	} cases[] = {
		/* x of the sum is n + 3, which is below p: r is 3 */
		{ "x_over_order_accepted",
		  "1f5065d41578d865ac6a7fd9355b7e621601f505309be1428009d68825e8f2c1"
		  "d5160284dd125dc8c309362b36bdb5feb89e6d3aa69cdc2a81082c1f26e3aea3",
		  "0000000000000000000000000000000000000000000000000000000000000003"
		  "0000000000000000000000000000000000000000000000000000000000000007",
		  true },
		/* the same x, not reduced */
		{ "x_over_order_not_reduced_refused",
		  "1f5065d41578d865ac6a7fd9355b7e621601f505309be1428009d68825e8f2c1"
		  "d5160284dd125dc8c309362b36bdb5feb89e6d3aa69cdc2a81082c1f26e3aea3",
		  "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632554"
		  "0000000000000000000000000000000000000000000000000000000000000007",
		  false },
		/* Q = -e G, r = s: the sum is the point without an x */
		{ "infinity_refused",
		  "8fd61a7eabb661c7ad2fb0bc145ae8dc62324d06ff769cf9062a354d6703ba1e"
		  "a90a588dc45643d11ebdf344f2d26a5e1fd6ba941cc46ce35ac8eea1e2678dd7",
		  "0000000000000000000000000000000000000000000000000000000000000001"
		  "0000000000000000000000000000000000000000000000000000000000000001",
		  false },
		/* Q = e/r G: both halves of the sum are one point */
		{ "doubling_accepted",
		  "679520db14b3685f05eb23623c5d3c509a671027ea65219e4c6848bd7a09ab42"
		  "724ab5e0752a7a0b49fc668f2ad5bcc03d64991775e374f309817909ddce5b1b",
		  "74daa59b8b43bfe0d20031cf705a0b98d5b9746a67b4fd495d3eccbf71a86c25"
		  "f1d23b3433bbde3c073b43f99bb99c132d4df2de2ceb09e65e46570e25895969",
		  true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct p256_signature sig;
		struct p256_point at;

		print_message("%s\n", cases[i].name);
		unhex(at.xy, 64, cases[i].key);
		unhex(sig.rs, 64, cases[i].signature);
		assert_int_equal(p256_verify(&at, &sig, span_str("sample")), cases[i].want);
	}
}

/* One INTEGER of 32 bytes, in the shortest form. */
static size_t der_number(uint8_t *out, const uint8_t *b)
{
	size_t skip = 0, pad;

	while (skip < 31 && !b[skip])
		skip++;
	pad = b[skip] >> 7;
	out[0] = 0x02;
	out[1] = (uint8_t)(32 - skip + pad);
	out[2] = 0;
	memcpy(out + 2 + pad, b + skip, 32 - skip);
	return 2 + out[1];
}

/* The same question to libcrypto's own verification. */
static bool evp_verify(const struct p256_point *at, const struct p256_signature *sig,
		       struct span message)
{
	EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL), *ctx;
	uint8_t sec1[65] = { 4 }, der[80] = { 0x30 }, hash[32];
	char group[] = "prime256v1";
	EVP_PKEY *key = NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, sec1, sizeof(sec1)),
		OSSL_PARAM_construct_end(),
	};
	size_t n = 2;
	bool ok;

	memcpy(sec1 + 1, at->xy, 64);
	n += der_number(der + n, sig->rs);
	n += der_number(der + n, sig->rs + 32);
	der[1] = (uint8_t)(n - 2);
	assert_int_equal(EVP_Digest(message.p, message.n, hash, NULL, EVP_sha256(), NULL), 1);
	assert_int_equal(EVP_PKEY_fromdata_init(make), 1);
	assert_int_equal(EVP_PKEY_fromdata(make, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
	ctx = EVP_PKEY_CTX_new(key, NULL);
	assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
	ok = EVP_PKEY_verify(ctx, der, n, hash, sizeof(hash)) == 1;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(make);
	return ok;
}

/* One half of a signature becomes a number near an end of its range. */
static void replace_half(struct p256_signature *sig, unsigned which)
{
	uint8_t *half = sig->rs + (which & 1) * 32;

	which >>= 1;
	if (which < 4) {
		memset(half, 0, 32);
		half[31] = (uint8_t)which;
	} else if (which < 8) {
		unhex(half, 32, N_HEX);
		half[31] = (uint8_t)(half[31] + 2 - (which - 4));
	} else {
		half[which % 32] ^= 0x10;
	}
}

static void agrees_with_evp(void **state)
{
	unsigned valid = 0;

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		struct p256_private *k = p256_private_generate();
		struct span m = span_of(&i, sizeof(i) * (i % 2));
		struct p256_signature sig, changed;
		struct p256_point at;

		p256_private_point(k, &at);
		p256_sign(k, &sig, m);
		assert_true(p256_verify(&at, &sig, m));
		for (unsigned which = 0; which < 24; which++) {
			bool ok;

			changed = sig;
			replace_half(&changed, which);
			ok = evp_verify(&at, &changed, m);
			assert_int_equal(p256_verify(&at, &changed, m), ok);
			valid += ok;
		}
		valid += evp_verify(&at, &sig, m);
		p256_private_free(k);
	}
	assert_int_equal(valid, 200); /* nothing but what was signed */
}

/*
 * A signature over "made" whose sum u G + v Q is R, for R, r and s of one's
 * choice, by the key Q = (s R - e G) / r.
 */
struct made {
	struct p256_point key;
	struct p256_signature sig;
};

static void put(uint8_t out[U256_LEN], const BIGNUM *n)
{
	assert_int_equal(BN_bn2binpad(n, out, U256_LEN), U256_LEN);
}

static void get_x(const struct curve *c, BIGNUM *x, const EC_POINT *at)
{
	assert_int_equal(EC_POINT_get_affine_coordinates(c->group, at, x, NULL, c->ctx), 1);
}

static BIGNUM *hash_of_made(void)
{
	struct sha256 hash;

	sha256_of(&hash, span_str("made"));
	return BN_bin2bn(hash.b, sizeof(hash.b), NULL);
}

static struct made make(const struct curve *c, const EC_POINT *at, const BIGNUM *r, const BIGNUM *s)
{
	BIGNUM *u = hash_of_made(), *v = BN_new(), *inverse;
	EC_POINT *q = EC_POINT_new(c->group);
	uint8_t sec1[1 + P256_POINT_LEN];
	struct made out;

	inverse = BN_mod_inverse(NULL, r, c->order, c->ctx);
	assert_non_null(inverse);
	BN_set_negative(u, 1);
	assert_int_equal(BN_mod_mul(u, u, inverse, c->order, c->ctx), 1);
	assert_int_equal(BN_mod_mul(v, s, inverse, c->order, c->ctx), 1);
	assert_int_equal(EC_POINT_mul(c->group, q, u, at, v, c->ctx), 1);
	assert_int_equal(EC_POINT_point2oct(c->group, q, POINT_CONVERSION_UNCOMPRESSED, sec1,
					    sizeof(sec1), c->ctx),
			 sizeof(sec1));
	memcpy(out.key.xy, sec1 + 1, sizeof(out.key.xy));
	put(out.sig.rs, r);
	put(out.sig.rs + U256_LEN, s);
	EC_POINT_free(q);
	BN_free(inverse);
	BN_free(v);
	BN_free(u);
	return out;
}

/* Valid here and for libcrypto, and no longer with any other r or s near it. */
static void check_made(const struct made *m)
{
	struct p256_signature changed;

	assert_true(evp_verify(&m->key, &m->sig, span_str("made")));
	assert_true(p256_verify(&m->key, &m->sig, span_str("made")));
	assert_false(p256_verify(&m->key, &m->sig, span_str("Made")));
	for (unsigned which = 0; which < 2; which++)
		for (unsigned bit = 0; bit < 8; bit++) {
			changed = m->sig;
			changed.rs[which * 32 + 31] ^= (uint8_t)(1U << bit);
			assert_false(p256_verify(&m->key, &changed, span_str("made")));
		}
}

/* x of R is over the order: r is what is left, whatever s. */
static void x_over_the_order(void **state)
{
	struct curve c = curve_new();
	BIGNUM *x = BN_new(), *r = BN_new();
	unsigned found = 0;

	(void)state;
	for (unsigned i = 1; i < 60; i++) {
		const struct u256 number = number_random();
		BIGNUM *s = number_to_bn(&number);
		EC_POINT *at = EC_POINT_new(c.group);
		struct made m;

		assert_true(BN_set_word(r, i) == 1 && BN_add(x, c.order, r) == 1);
		assert_int_equal(BN_nnmod(s, s, c.order, c.ctx), 1);
		if (BN_is_zero(s))
			assert_int_equal(BN_one(s), 1);
		if (EC_POINT_set_compressed_coordinates(c.group, at, x, (int)(i % 2), c.ctx) == 1) {
			m = make(&c, at, r, s);
			check_made(&m);
			put(m.sig.rs, x); /* the same x, not reduced */
			assert_false(p256_verify(&m.key, &m.sig, span_str("made")));
			found++;
		}
		EC_POINT_free(at);
		BN_free(s);
	}
	assert_true(found > 15);
	BN_free(r);
	BN_free(x);
	curve_free(&c);
}

/* x of R is r + n less 2^256: what an addition without its carry would find. */
static void r_over_2_256_refused(void **state)
{
	struct curve c = curve_new();
	BIGNUM *r = BN_new(), *gap = BN_new();
	unsigned made = 0;

	(void)state;
	assert_true(BN_set_bit(gap, 256) == 1 && BN_sub(gap, gap, c.order) == 1);
	for (unsigned i = 0; i < 40; i++) {
		const struct u256 k = number_random(), number = { { 1 + i % 4 } };
		EC_POINT *at = curve_multiply(&c, &k, NULL, NULL);
		BIGNUM *s = number_to_bn(&number);
		struct made m;

		if (!EC_POINT_is_at_infinity(c.group, at)) {
			get_x(&c, r, at);
			assert_int_equal(BN_add(r, r, gap), 1);
			if (BN_cmp(r, c.order) < 0) {
				m = make(&c, at, r, s);
				assert_false(evp_verify(&m.key, &m.sig, span_str("made")));
				assert_false(p256_verify(&m.key, &m.sig, span_str("made")));
				made++;
			}
		}
		BN_free(s);
		EC_POINT_free(at);
	}
	assert_true(made > 20);
	BN_free(gap);
	BN_free(r);
	curve_free(&c);
}

/* v = r / s, what Q is multiplied by, is a number on a border; then u is, what G
 * is multiplied by: e / s. */
static void borders(void **state)
{
	struct curve c = curve_new();
	BIGNUM *r = BN_new(), *s = BN_new(), *e = hash_of_made();

	(void)state;
	for (size_t i = 0; i < 2 * NUMBERS_CHOSEN; i++) {
		const struct u256 chosen = number_chosen(i / 2, &P256_ORDER), k = number_random();
		BIGNUM *to = number_to_bn(&chosen);
		EC_POINT *at = curve_multiply(&c, &k, NULL, NULL);
		struct made m;

		assert_int_equal(BN_nnmod(to, to, c.order, c.ctx), 1);
		if (!BN_is_zero(to) && !EC_POINT_is_at_infinity(c.group, at)) {
			get_x(&c, r, at);
			assert_int_equal(BN_nnmod(r, r, c.order, c.ctx), 1);
			assert_non_null(BN_mod_inverse(s, to, c.order, c.ctx));
			assert_int_equal(BN_mod_mul(s, s, i % 2 ? e : r, c.order, c.ctx), 1);
			m = make(&c, at, r, s);
			check_made(&m);
		}
		EC_POINT_free(at);
		BN_free(to);
	}
	BN_free(e);
	BN_free(s);
	BN_free(r);
	curve_free(&c);
}

/* Keys d G and sums k G with small d and k: the halves meet, or nearly. */
static void small_keys(void **state)
{
	struct curve c = curve_new();
	BIGNUM *r = BN_new(), *s = BN_new(), *n = BN_new(), *e = hash_of_made();

	(void)state;
	for (int k = -8; k <= 8; k++) {
		EC_POINT *at = curve_multiple(&c, k);

		for (int d = -8; k && d <= 8; d++) {
			struct made m;

			if (!d)
				continue;
			/* s = (e + r d) / k */
			get_x(&c, r, at);
			assert_int_equal(BN_nnmod(r, r, c.order, c.ctx), 1);
			assert_int_equal(BN_set_word(n, (BN_ULONG)abs(d)), 1);
			BN_set_negative(n, d < 0);
			assert_int_equal(BN_mod_mul(s, r, n, c.order, c.ctx), 1);
			assert_int_equal(BN_mod_add(s, s, e, c.order, c.ctx), 1);
			assert_int_equal(BN_set_word(n, (BN_ULONG)abs(k)), 1);
			BN_set_negative(n, k < 0);
			assert_non_null(BN_mod_inverse(n, n, c.order, c.ctx));
			assert_int_equal(BN_mod_mul(s, s, n, c.order, c.ctx), 1);
			m = make(&c, at, r, s);
			check_made(&m);
		}
		EC_POINT_free(at);
	}
	BN_free(e);
	BN_free(n);
	BN_free(s);
	BN_free(r);
	curve_free(&c);
}

static void points(void **state)
{
	static const struct {
		const char *name, *xy;
		bool want;
	} cases[] = {
		{ "on_curve_accepted", U_HEX, true },
		{ "off_curve_refused",
		  "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
		  "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462298",
		  false },
		{ "zero_refused", ZERO_HEX ZERO_HEX, false },
		{ "x_is_prime_refused", P_HEX ZERO_HEX, false },
		/* (0, sqrt(b)) is a point; x = p is the same number unreduced */
		{ "x_zero_accepted",
		  ZERO_HEX "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4",
		  true },
		{ "x_not_reduced_refused",
		  P_HEX "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4",
		  false },
	};
	struct p256_signature sig;

	(void)state;
	unhex(sig.rs, 64, R_HEX S_HEX);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct p256_point at;

		print_message("%s\n", cases[i].name);
		unhex(at.xy, 64, cases[i].xy);
		assert_int_equal(p256_is_point(&at), cases[i].want);
		/* the key of this signature is the first case's */
		assert_int_equal(p256_verify(&at, &sig, span_str("sample")), i == 0);
	}
}

static void der(void **state)
{
	static const struct {
		const char *name, *der, *raw; /* raw NULL: refused */
	} cases[] = {
		{ "small_numbers_padded", "3006020101020102",
		  "0000000000000000000000000000000000000000000000000000000000000001"
		  "0000000000000000000000000000000000000000000000000000000000000002" },
		{ "high_bit_needs_zero", "3046022100" R_HEX "022100" S_HEX, R_HEX S_HEX },
		{ "high_bit_without_zero_refused", "30440220" R_HEX "0220" S_HEX, NULL },
		{ "needless_zero_refused", "300702020001020102", NULL },
		{ "empty_integer_refused", "30050200020102", NULL },
		{ "negative_refused", "3006020181020102", NULL },
		{ "bytes_after_refused", "300602010102010200", NULL },
		{ "bytes_inside_refused", "300702010102010200", NULL },
		{ "short_sequence_refused", "3005020101020102", NULL },
		{ "one_integer_refused", "3003020101", NULL },
		{ "set_refused", "3106020101020102", NULL },
		{ "bit_string_refused", "3006030101020102", NULL },
		{ "long_form_length_refused", "308106020101020102", NULL },
		{ "33_byte_integer_refused",
		  "3026022101" R_HEX "020101", NULL },
		{ "empty_refused", "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct p256_signature got, want;
		uint8_t bytes[128];
		size_t n;

		print_message("%s\n", cases[i].name);
		assert_true(text_hex_decode_any(bytes, sizeof(bytes), &n, span_str(cases[i].der)));
		memset(&got, 0x5a, sizeof(got));
		memset(&want, 0x5a, sizeof(want));
		if (cases[i].raw)
			unhex(want.rs, 64, cases[i].raw);
		assert_int_equal(p256_signature_from_der(&got, span_of(bytes, n)),
				 cases[i].raw != NULL);
		assert_memory_equal(&got, &want, sizeof(got));
	}
}

static void sign_then_verify(void **state)
{
	struct p256_private *k = p256_private_generate(), *again = NULL;
	struct p256_point at, at_again;
	struct p256_signature sig;
	char *pem = p256_private_to_pem(k);

	(void)state;
	p256_private_point(k, &at);
	/* enough signatures that r or s with a leading zero byte is likely */
	for (int i = 0; i < 300; i++) {
		p256_sign(k, &sig, span_of(&i, sizeof(i)));
		assert_true(p256_verify(&at, &sig, span_of(&i, sizeof(i))));
	}
	p256_sign(k, &sig, (struct span){ NULL, 0 });
	assert_true(p256_verify(&at, &sig, (struct span){ NULL, 0 }));
	assert_int_equal(p256_private_from_pem(&again, span_str(pem)), RC_OK);
	p256_private_point(again, &at_again);
	assert_memory_equal(&at, &at_again, sizeof(at));
	secret_wipe(pem, strlen(pem));
	free(pem);
	p256_private_free(again);
	p256_private_free(k);
	p256_private_free(NULL);
}

static void bad_private_keys_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"-----BEGIN PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		/* an Ed25519 key (RFC 8410 §10.3) */
		"-----BEGIN PRIVATE KEY-----\n"
		"MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
		"-----END PRIVATE KEY-----\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct p256_private *k = NULL;

		assert_int_equal(p256_private_from_pem(&k, span_str(cases[i])), RC_MALFORMED);
		assert_null(k);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verification),
		cmocka_unit_test(special_sums),
		cmocka_unit_test(agrees_with_evp),
		cmocka_unit_test(x_over_the_order),
		cmocka_unit_test(r_over_2_256_refused),
		cmocka_unit_test(borders),
		cmocka_unit_test(small_keys),
		cmocka_unit_test(points),
		cmocka_unit_test(der),
		cmocka_unit_test(sign_then_verify),
		cmocka_unit_test(bad_private_keys_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
