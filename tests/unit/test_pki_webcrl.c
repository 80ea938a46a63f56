/* webcrl: A42: a list for another shard, stale, by the wrong signer; every
 * answer reached; prefixes and flips. */
#include "unit.h"

#include <openssl/err.h>

#include "der_odd.h"
#include "pki/webcrl.h"
#include "vectors.h"
#include "web_pki.h"

enum {
	NOW = WEB_PKI_T0 + 10 * DAY,
};

#define SHARD_1 "http://crl.example/1.crl"
#define SHARD_2 "http://crl.example/2.crl"

struct scene {
	struct web_ca ca, other;
	EVP_PKEY *key;
	struct span der;
	struct web_cert cert; /* serial 5, shard 1 */
};

static int set_up(void **state)
{
	struct scene *s = mem_new(sizeof(*s));
	struct web_spec spec = { .name = "old",
				 .from = WEB_PKI_T0,
				 .until = WEB_PKI_T0 + 90 * DAY,
				 .serial = 5,
				 .san = "DNS:a.example.com",
				 .crl_points = "URI:" SHARD_1,
				 .has_ids = true };
	X509 *x;

	web_ca_init(&s->ca, "CA", NULL);
	web_ca_init(&s->other, "CA", NULL); /* the same name, another key */
	s->key = spec.key = web_key();
	spec.issuer = s->ca.x;
	spec.issuer_key = s->ca.key;
	x = web_issue(&spec);
	s->der = web_der(x);
	X509_free(x);
	assert_int_equal(web_parse(&s->cert, s->der), RC_OK);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	web_free_der(s->der);
	EVP_PKEY_free(s->key);
	web_ca_fini(&s->other);
	web_ca_fini(&s->ca);
	free(s);
	return 0;
}

static void answers(void **state)
{
	static const uint64_t listed[] = { 3, 5, 9, 0 }, others[] = { 3, 50, 0 };
	static const struct {
		const char *name;
		const uint64_t *serials;
		int64_t from, until;
		const char *idp;
		bool is_delta, by_other;
		enum webcrl_answer want;
	} cases[] = {
		{ "whole_list_revoked", listed, -1, 1, NULL, false, false, WEBCRL_REVOKED },
		{ "whole_list_not_listed", others, -1, 1, NULL, false, false, WEBCRL_NOT_LISTED },
		{ "empty_list_not_listed", NULL, -1, 1, NULL, false, false, WEBCRL_NOT_LISTED },
		{ "own_shard_revoked", listed, -1, 1, "fullname=URI:" SHARD_1 "\n", false, false,
		  WEBCRL_REVOKED },
		{ "own_shard_users_only", listed, -1, 1,
		  "fullname=URI:" SHARD_1 "\nonlyuser=TRUE\n", false, false, WEBCRL_REVOKED },
		{ "other_shard_says_nothing", others, -1, 1, "fullname=URI:" SHARD_2 "\n", false,
		  false, WEBCRL_OTHER_SHARD },
		{ "other_shard_even_when_listed", listed, -1, 1, "fullname=URI:" SHARD_2 "\n",
		  false, false, WEBCRL_OTHER_SHARD },
		{ "for_cas_only", listed, -1, 1, "onlyCA=TRUE\n", false, false,
		  WEBCRL_OTHER_SHARD },
		{ "attributes_only", listed, -1, 1, "onlyAA=TRUE\n", false, false,
		  WEBCRL_OTHER_SHARD },
		{ "stale", listed, -9, -1, NULL, false, false, WEBCRL_STALE },
		{ "from_the_future", listed, 1, 9, NULL, false, false, WEBCRL_NOT_YET_VALID },
		{ "delta", listed, -1, 1, NULL, true, false, WEBCRL_PARTIAL },
		{ "indirect", listed, -1, 1, "indirectCRL=TRUE\n", false, false, WEBCRL_PARTIAL },
		{ "some_reasons", listed, -1, 1, "onlysomereasons=keyCompromise\n", false, false,
		  WEBCRL_PARTIAL },
		{ "another_key_of_that_name", listed, -1, 1, NULL, false, true,
		  WEBCRL_WRONG_ISSUER },
	};
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct web_crl_spec spec = { .ca = cases[i].by_other ? &s->other : &s->ca,
					     .from = NOW + cases[i].from * DAY,
					     .until = NOW + cases[i].until * DAY,
					     .serials = cases[i].serials,
					     .reason = 4,
					     .idp = cases[i].idp,
					     .is_delta = cases[i].is_delta };
		struct span der = web_crl(&spec);
		struct webcrl_entry e = { .revoked_at = -7 };

		print_message("%s\n", cases[i].name);
		assert_int_equal(webcrl_ask(&e, der, &s->cert, &s->ca.view, NOW), cases[i].want);
		if (cases[i].want == WEBCRL_REVOKED) {
			assert_int_equal(e.reason, 4);
			assert_int_equal(e.revoked_at, NOW - DAY);
		} else {
			assert_int_equal(e.revoked_at, -7);
		}
		web_free_der(der);
	}
}

/* The right issuer named, its key identifier copied, another key: only the
 * signature tells. */
static void forged_signature(void **state)
{
	struct scene *s = *state;
	struct web_ca forger = s->ca;
	struct web_crl_spec spec = { .ca = &forger,
				     .from = NOW - DAY,
				     .until = NOW + DAY,
				     .reason = -1 };
	struct webcrl_entry e;
	struct span der;

	forger.key = s->other.key;
	der = web_crl(&spec);
	assert_int_equal(webcrl_ask(&e, der, &s->cert, &s->ca.view, NOW), WEBCRL_BAD_SIGNATURE);
	web_free_der(der);
}

static void reason_is_optional(void **state)
{
	static const uint64_t listed[] = { 5, 0 };
	struct scene *s = *state;
	struct web_crl_spec spec = { .ca = &s->ca,
				     .from = NOW - DAY,
				     .until = NOW + DAY,
				     .serials = listed,
				     .reason = -1 };
	struct span der = web_crl(&spec);
	struct webcrl_entry e;

	assert_int_equal(webcrl_ask(&e, der, &s->cert, &s->ca.view, NOW), WEBCRL_REVOKED);
	assert_int_equal(e.reason, 0);
	assert_string_equal(webcrl_reason_name(e.reason), "unspecified");
	assert_string_equal(webcrl_reason_name(1), "keyCompromise");
	assert_string_equal(webcrl_reason_name(7), "unknown");
	assert_string_equal(webcrl_reason_name(11), "unknown");
	web_free_der(der);
}

/* RFC 5280 §6.3.3 f: the issuer's key usage allows signing lists. */
static void issuer_must_be_allowed(void **state)
{
	struct scene *s = *state;
	struct web_crl_spec spec = { .ca = &s->ca, .from = NOW - DAY, .until = NOW + DAY };
	struct span der = web_crl(&spec);
	struct web_cert issuer = s->ca.view;
	struct webcrl_entry e;

	issuer.key_usage = WEB_USE_CERT_SIGN;
	assert_int_equal(webcrl_ask(&e, der, &s->cert, &issuer, NOW), WEBCRL_WRONG_ISSUER);
	web_free_der(der);
}

static void prefixes_and_flips(void **state)
{
	static const uint64_t listed[] = { 3, 5, 0 };
	struct scene *s = *state;
	struct web_crl_spec spec = { .ca = &s->ca,
				     .from = NOW - DAY,
				     .until = NOW + DAY,
				     .serials = listed,
				     .reason = 1,
				     .idp = "fullname=URI:" SHARD_1 "\n" };
	struct span der = web_crl(&spec);
	uint8_t *copy = vector_copy(der);
	struct webcrl_entry e;
	struct webcrl c;

	for (size_t n = 0; n < der.n; n++) {
		uint8_t *part = vector_copy(span_of(der.p, n));

		memset(&c, 0x5a, sizeof(c));
		assert_int_equal(webcrl_parse(&c, span_of(part, n)), RC_MALFORMED);
		assert_int_equal(*(uint8_t *)&c, 0x5a);
		free(part);
	}
	for (size_t i = 0; i < der.n * 8; i++) {
		enum webcrl_answer a;

		copy[i / 8] ^= (uint8_t)(1U << i % 8);
		a = webcrl_ask(&e, span_of(copy, der.n), &s->cert, &s->ca.view, NOW);
		assert_true(a != WEBCRL_REVOKED && a != WEBCRL_NOT_LISTED);
		copy[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	assert_int_equal(webcrl_ask(&e, span_of(copy, der.n), &s->cert, &s->ca.view, NOW),
			 WEBCRL_REVOKED);
	free(copy);
	web_free_der(der);
}

/* Intel's lists are version 2, too: a real one read. */
static void real_list_read(void **state)
{
	struct span der = vector_load("tests/vectors/tdx/collateral/tdx_b0c0_202506/pck.crl.der");
	struct webcrl c;

	(void)state;
	assert_int_equal(webcrl_parse(&c, der), RC_OK);
	assert_int_equal(c.entry_count, 44);
	assert_int_equal(c.this_update, 1750327235);
	assert_false(c.has_idp);
	vector_free(der);
}

static void names_are_stable(void **state)
{
	(void)state;
	assert_string_equal(webcrl_answer_name(WEBCRL_OTHER_SHARD), "other_shard");
	for (int i = 0; i < WEBCRL_ANSWER_COUNT; i++) {
		assert_non_null(webcrl_answer_name((enum webcrl_answer)i));
		assert_non_null(webcrl_answer_rule((enum webcrl_answer)i));
	}
}

static enum rc read_list(void *arg, struct span der)
{
	const struct scene *s = arg;
	struct webcrl_entry e;
	struct webcrl c, before;
	enum rc rc;

	memset(&c, 0xa5, sizeof(c));
	before = c;
	rc = webcrl_parse(&c, der);
	if (rc)
		assert_memory_equal(&c, &before, sizeof(c));
	(void)webcrl_ask(&e, der, &s->cert, &s->ca.view, NOW);
	return rc;
}

/* Nothing is taken that libcrypto does not, but a list whose issuer is then nobody. */
static bool libcrypto_reads(void *arg, struct span der)
{
	const struct scene *s = arg;
	const uint8_t *p = der.p;
	struct webcrl c;
	X509_CRL *x = d2i_X509_CRL(NULL, &p, (long)der.n);
	bool ok = x && p == der.p + der.n;

	X509_CRL_free(x);
	ERR_clear_error();
	assert_int_equal(webcrl_parse(&c, der), RC_OK);
	return ok || !span_equal(c.issuer, s->ca.view.subject);
}

static void elements_one_by_one(void **state)
{
	static const uint64_t listed[] = { 3, 5, 0 };
	static const char *const idps[] = { "fullname=URI:" SHARD_1 "\n", NULL };
	struct scene *s = *state;

	for (size_t i = 0; i < 2; i++) {
		struct web_crl_spec spec = { .ca = &s->ca,
					     .from = NOW - DAY,
					     .until = NOW + DAY,
					     .serials = listed,
					     .reason = 1,
					     .idp = idps[i] };
		struct der_odd o = { .read = read_list, .agrees = libcrypto_reads, .arg = s };
		struct span der = web_crl(&spec);

		der_odd_each(&o, der);
		web_free_der(der);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),
		cmocka_unit_test(forged_signature),
		cmocka_unit_test(reason_is_optional),
		cmocka_unit_test(issuer_must_be_allowed),
		cmocka_unit_test(prefixes_and_flips),
		cmocka_unit_test(real_list_read),
		cmocka_unit_test(names_are_stable),
		cmocka_unit_test(elements_one_by_one),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
