/* problem: every type and its cure, documents with and without parts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "acme/problem.h"

#include <stdio.h>

static void read_one(struct problem *p, unsigned status, const char *body)
{
	struct web_answer a = { 0 };

	web_answer_init(&a, status, 65536);
	assert_true(buf_add(&a.body, span_str(body)));
	problem_of_answer(p, &a, 1000);
	web_answer_fini(&a);
}

/* RFC 8555 6.7's table, RFC 9773's and the profiles draft's, by their names. */
static void every_type_has_its_cure(void **state)
{
	static const struct {
		const char *name;
		enum problem_cure cure;
	} cases[] = {
		{ "accountDoesNotExist", CURE_ACCOUNT },
		{ "alreadyReplaced", CURE_DROP_REPLACES },
		{ "alreadyRevoked", CURE_DONE },
		{ "badCSR", CURE_OURS },
		{ "badNonce", CURE_RESEND },
		{ "badPublicKey", CURE_OURS },
		{ "badRevocationReason", CURE_SETTINGS },
		{ "badSignatureAlgorithm", CURE_OURS },
		{ "caa", CURE_CAA },
		{ "compound", CURE_WAIT },
		{ "connection", CURE_PROOF },
		{ "dns", CURE_PROOF },
		{ "externalAccountRequired", CURE_PERSON },
		{ "incorrectResponse", CURE_PROOF },
		{ "invalidContact", CURE_SETTINGS },
		{ "invalidProfile", CURE_SETTINGS },
		{ "malformed", CURE_OURS },
		{ "orderNotReady", CURE_LOOK },
		{ "rateLimited", CURE_WAIT },
		{ "rejectedIdentifier", CURE_SETTINGS },
		{ "serverInternal", CURE_WAIT },
		{ "tls", CURE_PROOF },
		{ "unauthorized", CURE_PROOF },
		{ "unsupportedContact", CURE_SETTINGS },
		{ "unsupportedIdentifier", CURE_SETTINGS },
		{ "userActionRequired", CURE_PERSON },
	};

	(void)state;
	assert_int_equal(sizeof(cases) / sizeof(cases[0]), PROBLEM_TYPES - 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct problem p;
		char body[256];

		snprintf(body, sizeof(body), "{\"type\":\"urn:ietf:params:acme:error:%s\"}",
			 cases[i].name);
		read_one(&p, 400, body);
		assert_string_equal(problem_name(p.type), cases[i].name);
		assert_int_equal(problem_cure_of(&p), cases[i].cure);
		assert_non_null(problem_cure_name(cases[i].cure));
	}
}

static void what_is_no_document_goes_by_its_status(void **state)
{
	static const struct {
		unsigned status;
		const char *body;
		enum problem_cure cure;
	} cases[] = {
		{ 500, "", CURE_WAIT },
		{ 502, "<html>", CURE_WAIT },
		{ 503, "{\"type\":\"urn:ietf:params:acme:error:malformed\"}", CURE_WAIT },
		{ 429, "Slow down", CURE_WAIT },
		{ 404, "{}", CURE_OURS },
		{ 403, "[1]", CURE_OURS },
		{ 400, "{\"type\":\"about:blank\"}", CURE_OURS },
		{ 400, "{\"type\":\"urn:ietf:params:acme:error:novel\"}", CURE_OURS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct problem p;

		read_one(&p, cases[i].status, cases[i].body);
		assert_int_equal(problem_cure_of(&p), cases[i].cure);
		assert_int_equal(p.status, cases[i].status);
		assert_true(p.detail[0]);
	}
}

/* The document of RFC 8555 6.7.1, with a type that says compound. */
static void subproblems_are_kept_and_the_worst_counts(void **state)
{
	struct problem p;

	(void)state;
	read_one(&p, 403,
		 "{\"type\":\"urn:ietf:params:acme:error:compound\",\"detail\":\"Some of the "
		 "identifiers\","
		 "\"instance\":\"https://ca.example/terms\",\"subproblems\":["
		 "{\"type\":\"urn:ietf:params:acme:error:rateLimited\",\"detail\":\"slow\","
		 "\"identifier\":{\"type\":\"dns\",\"value\":\"_example.org\"}},"
		 "{\"type\":\"urn:ietf:params:acme:error:rejectedIdentifier\",\"detail\":\"no "
		 "\\u0007\","
		 "\"identifier\":{\"type\":\"dns\",\"value\":\"example.net\"}}]}");
	assert_int_equal(p.type, PROBLEM_COMPOUND);
	assert_int_equal(p.sub_count, 2);
	assert_string_equal(p.sub[0].identifier, "_example.org");
	assert_string_equal(p.sub[1].identifier, "example.net");
	assert_string_equal(p.sub[1].detail, "no \\x07");
	assert_string_equal(p.instance, "https://ca.example/terms");
	assert_int_equal(problem_cure_of(&p), CURE_SETTINGS);
}

static void long_texts_are_cut(void **state)
{
	static char body[8192];
	struct problem p;
	int n = snprintf(body, sizeof(body), "{\"detail\":\"");

	(void)state;
	memset(body + n, 'x', 4000);
	strcpy(body + n + 4000, "\"}");
	read_one(&p, 400, body);
	assert_int_equal(strlen(p.detail), PROBLEM_DETAIL_MAX - 1);
	strcpy(body, "{\"detail\":\"");
	for (int i = 0; i < 1000; i++)
		memcpy(body + n + 2 * i, "\xc3\xbc", 2);
	strcpy(body + n + 2000, "\"}");
	read_one(&p, 400, body);
	assert_in_range(strlen(p.detail), 400, PROBLEM_DETAIL_MAX - 1);
	assert_memory_equal(p.detail, "\\xc3\\xbc", 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_has_its_cure),
		cmocka_unit_test(what_is_no_document_goes_by_its_status),
		cmocka_unit_test(subproblems_are_kept_and_the_worst_counts),
		cmocka_unit_test(long_texts_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
