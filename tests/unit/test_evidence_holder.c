/* An account key's word for its account. */
#include "unit.h"

#include "base/text.h"
#include "evidence_made.h"

/* RFC 7517 appendix A.1's public EC key; the thumbprint was computed with
 * python3 (hashlib over the JSON of RFC 7638 §3.2). */
static const char rfc_x[] = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4";
static const char rfc_y[] = "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM";
static const char rfc_thumbprint[] = "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s";

static void a_thumbprint_of_a_known_key(void **state)
{
	struct p256_point key;
	struct sha256 got;
	uint8_t want[32];
	size_t n;

	(void)state;
	assert_true(text_base64url_decode(key.xy, 32, &n, span_str(rfc_x)));
	assert_true(text_base64url_decode(key.xy + 32, 32, &n, span_str(rfc_y)));
	assert_true(text_base64url_decode(want, 32, &n, span_str(rfc_thumbprint)));
	holder_thumbprint(&got, &key);
	assert_memory_equal(got.b, want, 32);
}

static void the_statement_is_as_documented(void **state)
{
	struct evidence_core core;
	struct buf out;

	(void)state;
	made_core(&core, NULL);
	buf_init(&out, HOLDER_STATEMENT_MAX);
	assert_int_equal(holder_statement(&out, &core.account,
					  &(struct holder_context){ 5, 7, made_hashes, 1 }),
			 RC_OK);
	assert_true(span_equal_str(
		buf_span(&out),
		"postern/acme-account/v1\n"
		"https://ca.example/directory\n"
		"https://ca.example/acct/1\n"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
		"5\n"
		"7\n"
		"0100000000000000000000000000000000000000000000000000000000000000\n"));
	buf_fini(&out);
}

static void whatever_changes_the_proof_fails(void **state)
{
	struct p256_private *key = p256_private_generate(), *thief = p256_private_generate();
	struct evidence_core core, other;
	struct holder_context c;
	struct holder h;

	(void)state;
	made_core(&core, key);
	made_core(&other, thief);
	c = (struct holder_context){ core.issued_at, core.expires_at, core.spki, core.spki_count };
	assert_true(holder_is_proved(&core.account, &c));

	h = core.account;
	h.uri = span_str("https://ca.example/acct/2");
	assert_false(holder_is_proved(&h, &c));
	h = core.account;
	h.directory = span_str("https://evil.example/directory");
	assert_false(holder_is_proved(&h, &c));
	h = core.account;
	h.key = other.account.key; /* and not its thumbprint */
	assert_false(holder_is_proved(&h, &c));
	h = core.account;
	h.key = other.account.key;
	h.thumbprint = other.account.thumbprint; /* nor its signature */
	assert_false(holder_is_proved(&h, &c));
	h = core.account;
	h.thumbprint.b[0] ^= 1;
	assert_false(holder_is_proved(&h, &c));
	c.expires_at++;
	assert_false(holder_is_proved(&core.account, &c));
	c.expires_at--;
	c.spki_count--;
	assert_false(holder_is_proved(&core.account, &c));
	p256_private_free(key);
	p256_private_free(thief);
}

static void hosts_of_uris(void **state)
{
	static const struct {
		const char *uri, *host; /* NULL: no URI */
	} cases[] = {
		{ "https://acme-v02.api.letsencrypt.org/directory",
		  "acme-v02.api.letsencrypt.org" },
		{ "https://localhost:14000/dir", "localhost" },
		{ "https://ca.example", "ca.example" },
		{ "http://ca.example/", NULL },
		{ "https://", NULL },
		{ "https:///x", NULL },
		{ "https://:443/x", NULL },
		{ "https://ca.example:0x1/", NULL },
		{ "https://ca.example:99999/", NULL },
		{ "https://CA.example/", NULL },
		{ "https://u@ca.example/", NULL },
		{ "https://[::1]/", NULL },
		{ "https://ca.example/a b", NULL },
		{ "https://ca.example/\"", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span host = holder_uri_host(span_str(cases[i].uri));

		if (!span_equal_str(host, cases[i].host ? cases[i].host : ""))
			fail_msg("%s: %.*s", cases[i].uri, (int)host.n, (const char *)host.p);
		assert_int_equal(holder_is_uri(span_str(cases[i].uri)), cases[i].host != NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thumbprint_of_a_known_key),
		cmocka_unit_test(the_statement_is_as_documented),
		cmocka_unit_test(whatever_changes_the_proof_fails),
		cmocka_unit_test(hosts_of_uris),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
