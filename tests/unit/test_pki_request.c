/*
 * request, proof, san, pkey: what they make is read back by libcrypto, field by
 * field.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "pki/pkey.h"
#include "pki/request.h"

static const uint8_t v4[] = { 192, 0, 2, 1 };
static const uint8_t v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };

#define DNS(text) \
	{ \
		REQUEST_DNS, \
		{ \
			(const uint8_t *)(text), sizeof(text) - 1 \
		} \
	}
#define IP(bytes) \
	{ \
		REQUEST_IP, \
		{ \
			bytes, sizeof(bytes) \
		} \
	}

static void assert_names(const GENERAL_NAMES *got, const struct request_name *want, size_t count)
{
	assert_int_equal(sk_GENERAL_NAME_num(got), count);
	for (size_t i = 0; i < count; i++) {
		int type;
		const ASN1_STRING *s = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(got, (int)i),
							       &type);

		assert_int_equal(type, want[i].kind == REQUEST_DNS ? GEN_DNS : GEN_IPADD);
		assert_int_equal(ASN1_STRING_length(s), want[i].value.n);
		assert_memory_equal(ASN1_STRING_get0_data(s), want[i].value.p, want[i].value.n);
	}
}

static void request_says_what_it_was_told(void **state)
{
	static const struct request_name names[] = {
		DNS("*.example.org"),
		DNS("example.org"),
		IP(v4),
		IP(v6),
	};
	struct p256_private *key = p256_private_generate();
	EVP_PKEY *same = pkey_private(key);
	struct buf der = { 0 };
	const uint8_t *p;
	X509_REQ *r;
	STACK_OF(X509_EXTENSION) * list;
	GENERAL_NAMES *san;
	int critical;

	(void)state;
	buf_init(&der, REQUEST_DER_MAX);
	assert_int_equal(request_make(&der, key, names, 4), RC_OK);
	p = buf_span(&der).p;
	r = d2i_X509_REQ(NULL, &p, (long)der.n);
	assert_non_null(r);
	assert_ptr_equal(p, buf_span(&der).p + der.n);
	assert_int_equal(X509_REQ_verify(r, same), 1);
	assert_int_equal(EVP_PKEY_eq(X509_REQ_get0_pubkey(r), same), 1);
	assert_int_equal(X509_REQ_get_version(r), 0);
	assert_int_equal(X509_NAME_entry_count(X509_REQ_get_subject_name(r)), 0);
	list = X509_REQ_get_extensions(r);
	assert_int_equal(sk_X509_EXTENSION_num(list), 1);
	san = X509V3_get_d2i(list, NID_subject_alt_name, &critical, NULL);
	assert_non_null(san);
	assert_int_equal(critical, 1);
	assert_names(san, names, 4);
	GENERAL_NAMES_free(san);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	X509_REQ_free(r);
	buf_fini(&der);
	EVP_PKEY_free(same);
	p256_private_free(key);
}

static void each_failure(void **state)
{
	static const uint8_t five[5];
	static const char long_name[254];
	static const struct {
		const char *name;
		struct request_name of;
		size_t count, room;
		enum rc want;
	} cases[] = {
		{ "no_name", DNS("a.b"), 0, REQUEST_DER_MAX, RC_LIMIT },
		{ "one_name_over", DNS("a.b"), REQUEST_NAMES_MAX + 1, REQUEST_DER_MAX, RC_LIMIT },
		{ "empty_name", { REQUEST_DNS, { NULL, 0 } }, 1, REQUEST_DER_MAX, RC_MALFORMED },
		{ "name_too_long",
		  { REQUEST_DNS, { (const uint8_t *)long_name, sizeof(long_name) } },
		  1,
		  REQUEST_DER_MAX,
		  RC_MALFORMED },
		{ "address_of_five_bytes", IP(five), 1, REQUEST_DER_MAX, RC_MALFORMED },
		{ "no_room", DNS("a.b"), 1, 100, RC_LIMIT },
	};
	struct p256_private *key = p256_private_generate();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct request_name names[REQUEST_NAMES_MAX + 1];
		struct buf der = { 0 };

		print_message("%s\n", cases[i].name);
		for (size_t k = 0; k < cases[i].count; k++)
			names[k] = cases[i].of;
		buf_init(&der, cases[i].room);
		assert_int_equal(request_make(&der, key, names, cases[i].count), cases[i].want);
		assert_int_equal(der.n, 0);
		buf_fini(&der);
	}
	p256_private_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_says_what_it_was_told),
		cmocka_unit_test(each_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
