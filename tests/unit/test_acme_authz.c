/* authz: which challenge is chosen, what is refused, what is to be shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "acme/authz.h"

#define BASE "https://ca.example/directory"
#define TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
#define HEAD(status, type, value) \
	"{\"status\":\"" status "\",\"identifier\":{\"type\":\"" type "\",\"value\":\"" value \
	"\"},\"challenges\":["
#define PENDING HEAD("pending", "dns", "a.example")
#define ITEM(type, url, token) \
	"{\"type\":\"" type "\",\"url\":\"" url "\",\"status\":\"pending\"," \
	"\"token\":\"" token "\"}"
#define CHALLENGE(type) ITEM(type, "https://ca.example/c/" type, TOKEN)
#define PERSIST_OF(issuers) \
	"{\"type\":\"dns-persist-01\",\"url\":\"https://ca.example/c/p\"," \
	"\"status\":\"pending\",\"issuer-domain-names\":" issuers "}"
#define PERSIST PERSIST_OF("[\"ca.example\",\"second.example\"]")
#define WILD "],\"wildcard\":true}"
#define ACCOUNT "https://example.com/acme/acct/ExampleAccount"

static const struct authz_methods all = {
	.of = { CHALLENGE_DNS_PERSIST_01, CHALLENGE_DNS_ACCOUNT_01, CHALLENGE_DNS_01,
		CHALLENGE_TLS_ALPN_01, CHALLENGE_HTTP_01 },
	.count = 5,
};

static void challenge_is_chosen_by_preference(void **state)
{
	static const struct {
		const char *name, *json;
		bool is_chosen;
		enum challenge_type want;
		const char *where, *value;
	} cases[] = {
		{ "persist_first",
		  PENDING CHALLENGE("http-01") "," PERSIST "]}",
		  true,
		  CHALLENGE_DNS_PERSIST_01,
		  "_validation-persist.a.example",
		  "ca.example; accounturi=" ACCOUNT },
		{ "persist_of_wildcard_has_its_policy",
		  PENDING PERSIST WILD,
		  true,
		  CHALLENGE_DNS_PERSIST_01,
		  "_validation-persist.a.example",
		  "ca.example; accounturi=" ACCOUNT "; policy=wildcard" },
		/* The label is that of draft-ietf-acme-dns-account-label 3.2. */
		{ "account_label",
		  HEAD("pending", "dns", "www.example.org")
			  CHALLENGE("dns-01") "," CHALLENGE("dns-account-01") "]}",
		  true,
		  CHALLENGE_DNS_ACCOUNT_01,
		  "_ujmmovf2vn55tgye._acme-challenge.www.example.org",
		  "ZaJgFtIV4WA0t2MzN7kbSk0sfRd2GZjaxRqaSTAK6lI" },
		{ "dns",
		  PENDING CHALLENGE("http-01") "," CHALLENGE("dns-01") "]}",
		  true,
		  CHALLENGE_DNS_01,
		  "_acme-challenge.a.example",
		  "ZaJgFtIV4WA0t2MzN7kbSk0sfRd2GZjaxRqaSTAK6lI" },
		{ "http",
		  PENDING CHALLENGE("http-01") "]}",
		  true,
		  CHALLENGE_HTTP_01,
		  "/.well-known/acme-challenge/" TOKEN,
		  TOKEN ".oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U" },
		{ "address_by_alpn_never_by_dns",
		  HEAD("pending", "ip", "192.0.2.1")
			  CHALLENGE("dns-01") "," CHALLENGE("tls-alpn-01") "]}",
		  true,
		  CHALLENGE_TLS_ALPN_01,
		  "1.2.0.192.in-addr.arpa",
		  "65a26016d215e16034b7633337b91b4a4d2c7d17761998dac51a9a49300aea52" },
		{ .name = "wildcard_not_by_http", .json = PENDING CHALLENGE("http-01") WILD },
		{ .name = "nothing_known", .json = PENDING "{\"type\":\"tkauth-01\"}]}" },
		{ .name = "token_with_a_slash",
		  .json = PENDING ITEM("http-01", "https://ca.example/c",
				       "../../../../../../etc/passwd") "]}" },
		{ .name = "short_token",
		  .json = PENDING ITEM("http-01", "https://ca.example/c", "abc") "]}" },
		{ .name = "plain_http",
		  .json = PENDING ITEM("http-01", "http://ca.example/c", TOKEN) "]}" },
		{ .name = "persist_with_upper_case",
		  .json = PENDING PERSIST_OF("[\"CA.example\"]") "]}" },
		{ .name = "persist_of_nobody", .json = PENDING PERSIST_OF("[]") "]}" },
	};
	const struct jws_thumbprint thumb = { "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static struct authz a;
		static struct problem error;
		static struct proof p;

		print_message("%s\n", cases[i].name);
		a = (struct authz){ 0 };
		assert_int_equal(authz_read(&a, &error, &all, span_str(cases[i].json), BASE),
				 RC_OK);
		assert_int_equal(a.is_chosen, cases[i].is_chosen);
		if (!cases[i].is_chosen)
			continue;
		assert_int_equal(a.challenge.type, cases[i].want);
		proof_of(&p, &a, &thumb, ACCOUNT);
		assert_string_equal(p.where, cases[i].where);
		assert_string_equal(p.value, cases[i].value);
	}
}

static void another_object_is_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"[]",
		"{}",
		HEAD("unheard", "dns", "a.example") "]}",
		HEAD("pending", "dns", "*.a.example") "]}",
		HEAD("pending", "ip", "a.example") "]}",
		HEAD("pending", "dns", "b.example") "]}", /* not the name it had */
		PENDING "]}", /* without its challenge */
		PENDING CHALLENGE("http-01") "],\"wildcard\":1}",
	};
	static struct authz a, before;
	static struct problem error;

	(void)state;
	assert_int_equal(authz_read(&a, &error, &all,
				    span_str(HEAD("pending", "dns",
						  "a.example") CHALLENGE("http-01") "]}"),
				    BASE),
			 RC_OK);
	before = a;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(authz_read(&a, &error, &all, span_str(cases[i]), BASE),
				 RC_MALFORMED);
		assert_memory_equal(&a, &before, sizeof(a));
	}
}

static void reason_of_a_failure_is_that_of_our_challenge(void **state)
{
	static struct authz a;
	static struct problem error;

	(void)state;
	assert_int_equal(authz_read(&a, &error, &all,
				    span_str(HEAD("pending", "dns",
						  "a.example") CHALLENGE("dns-01") "]}"),
				    BASE),
			 RC_OK);
	assert_int_equal(authz_read(&a, &error, &all,
				    span_str(HEAD("invalid", "dns", "a.example")
						     CHALLENGE("http-01") ","
									  "{\"type\":\"dns-01\","
									  "\"url\":\"https://"
									  "ca.example/c/dns-01\","
									  "\"status\":\"invalid"
									  "\",\"token\":\"" TOKEN
									  "\",\"error\":"
									  "{\"type\":\"urn:ietf:"
									  "params:acme:error:caa"
									  "\",\"detail\":\"CAA"
									  "\"}}]}"),
				    BASE),
			 RC_OK);
	assert_int_equal(a.status, AUTHZ_INVALID);
	assert_int_equal(a.challenge.status, CHALLENGE_INVALID);
	assert_int_equal(error.type, PROBLEM_CAA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(challenge_is_chosen_by_preference),
		cmocka_unit_test(another_object_is_refused),
		cmocka_unit_test(reason_of_a_failure_is_that_of_our_challenge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
