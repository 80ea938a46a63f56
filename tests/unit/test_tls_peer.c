/* peer: what subjects say, and what none of them can. */
#include "unit.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

#include "crypto/hash.h"
#include "tls/peer.h"

struct row {
	const char *name;
	const char *text; /* the common name */
	int n, type;
	const char *common_name, *subject;
};

#define LONG64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct row ROWS[] = {
	{ "plain", "me", 2, MBSTRING_ASC, "me", "CN=me" },
	{ "space_and_comma", "a, b", 4, MBSTRING_ASC, "a, b", "CN=a\\, b" },
	{ "quote", "a\"b", 3, MBSTRING_ASC, "a\"b", "CN=a\\\"b" },
	{ "backslash", "a\\", 2, MBSTRING_ASC, "a\\", "CN=a\\\\" },
	{ "line", "a\r\nb", 4, MBSTRING_ASC, "", "CN=a\\0D\\0Ab" },
	{ "nul", "a\0b", 3, MBSTRING_ASC, "", "CN=a\\00b" },
	{ "utf8", "\xc3\xa4", 2, MBSTRING_UTF8, "", "CN=\\C3\\A4" },
	{ "del", "a\x7f", 2, MBSTRING_ASC, "", "CN=a\\7F" },
	{ "longest", LONG64, 64, MBSTRING_ASC, LONG64, "CN=" LONG64 },
};

/* What is not signed has no encoding. */
static void sign(X509 *x)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	assert_int_equal(X509_set_pubkey(x, key), 1);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	EVP_PKEY_free(key);
}

static void assert_digest(const struct tls_peer *p, X509 *x)
{
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der);
	struct sha256 want;

	assert_true(n > 0);
	sha256_of(&want, span_of(der, (size_t)n));
	assert_memory_equal(p->sha256, &want, sizeof(want));
	OPENSSL_free(der);
}

static X509 *with(const char *text, int n, int type, int count)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);

	while (count-- > 0)
		assert_int_equal(X509_NAME_add_entry_by_NID(name, NID_commonName, type,
							    (const unsigned char *)text, n, -1, 0),
				 1);
	sign(x);
	return x;
}

static void table_of_subjects(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(*ROWS); i++) {
		const struct row *r = &ROWS[i];
		X509 *x = with(r->text, r->n, r->type, 1);
		struct tls_peer p;

		assert_true(tls_peer_read(&p, x));
		if (strcmp(p.common_name, r->common_name) != 0 ||
		    strcmp(p.subject, r->subject) != 0)
			fail_msg("%s: %s, %s", r->name, p.common_name, p.subject);
		assert_false(p.is_resumed);
		assert_digest(&p, x);
		X509_free(x);
	}
}

static void two_common_names_are_none(void **state)
{
	X509 *x = with("a", 1, MBSTRING_ASC, 2);
	struct tls_peer p;

	(void)state;
	assert_true(tls_peer_read(&p, x));
	assert_string_equal(p.common_name, "");
	assert_string_equal(p.subject, "CN=a,CN=a");
	X509_free(x);
}

static void no_subject_is_empty(void **state)
{
	X509 *x = with("", 0, MBSTRING_ASC, 0);
	struct tls_peer p;

	(void)state;
	assert_true(tls_peer_read(&p, x));
	assert_string_equal(p.common_name, "");
	assert_string_equal(p.subject, "");
	X509_free(x);
}

/* Cut it could be somebody else's: it is left out. */
static void subject_over_its_bound_is_left_out(void **state)
{
	struct tls_peer p;

	(void)state;
	for (int units = 7; units < 9; units++) {
		X509 *x = with("me", 2, MBSTRING_ASC, 1);
		X509_NAME *name = X509_get_subject_name(x);

		for (int i = 0; i < units; i++)
			assert_int_equal(X509_NAME_add_entry_by_NID(
						 name, NID_organizationalUnitName, MBSTRING_ASC,
						 (const unsigned char *)LONG64, 64, -1, 0),
					 1);
		sign(x);
		assert_true(tls_peer_read(&p, x));
		assert_string_equal(p.common_name, "me");
		assert_int_equal(strlen(p.subject), units == 7 ? 7 * 68 + 5 : 0);
		X509_free(x);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_of_subjects),
		cmocka_unit_test(two_common_names_are_none),
		cmocka_unit_test(no_subject_is_empty),
		cmocka_unit_test(subject_over_its_bound_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
