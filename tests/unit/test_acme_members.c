/* Every member of what an ACME server says, odd in every way. */
#include "unit.h"

#include "acme/authz.h"
#include "acme/directory.h"
#include "acme/order.h"
#include "json_odd.h"

#define BASE "https://acme.example/directory"

static struct names names_of(const char *first, const char *second)
{
	const char *const texts[] = { first, second };
	struct names names = { 0 };

	for (size_t i = 0; i < 2 && texts[i]; i++)
		assert_int_equal(name_read(&names.of[names.count++], span_str(texts[i])), RC_OK);
	return names;
}

static bool read_directory(void *arg, struct span text)
{
	struct directory d, before;
	enum rc rc;

	(void)arg;
	memset(&d, 0xa5, sizeof(d));
	before = d;
	rc = directory_read(&d, text);
	assert_true(rc == RC_OK || rc == RC_MALFORMED);
	if (rc)
		assert_memory_equal(&d, &before, sizeof(d));
	return rc == RC_OK;
}

static bool read_order(void *arg, struct span text)
{
	const struct names names = names_of("a.example", "*.a.example");
	struct order_view o;
	enum rc rc = order_read(&o, &names, text, BASE);

	(void)arg;
	assert_true(rc == RC_OK || rc == RC_MALFORMED);
	return rc == RC_OK;
}

static bool read_as(bool is_chosen, struct span text)
{
	static const struct authz_methods methods = { .of = { CHALLENGE_DNS_01 }, .count = 1 };
	struct authz a = { .is_chosen = is_chosen }, before;
	struct problem error = { 0 };
	enum rc rc;

	if (is_chosen)
		strcpy(a.challenge.url, "https://acme.example/c/1");
	before = a;
	rc = authz_read(&a, &error, &methods, text, BASE);
	assert_true(rc == RC_OK || rc == RC_MALFORMED);
	if (rc)
		assert_memory_equal(&a, &before, sizeof(a));
	return rc == RC_OK;
}

static bool read_authz(void *arg, struct span text)
{
	(void)arg;
	return read_as(false, text);
}

/* Its challenge was chosen before. */
static bool read_chosen(void *arg, struct span text)
{
	(void)arg;
	return read_as(true, text);
}

/* clang-format off */
static const struct {
	const char *name;
	bool (*read)(void *arg, struct span text);
	const char *json, *may[48];
} documents[] = {
	{ "directory", read_directory,
	  "{\"newNonce\":\"https://a.example/1\",\"newAccount\":\"https://a.example/2\","
	  "\"newOrder\":\"https://a.example/3\",\"revokeCert\":\"https://a.example/4\","
	  "\"keyChange\":\"https://a.example/5\",\"newAuthz\":\"https://a.example/6\","
	  "\"renewalInfo\":\"https://a.example/7\",\"meta\":{\"termsOfService\":\"https://a.example/8\","
	  "\"website\":\"https://a.example/9\",\"externalAccountRequired\":true,"
	  "\"caaIdentities\":[\"a.example\",\"b.example\"],\"profiles\":{\"short\":\"of six days\"}}}",
	  { " more", ".meta more", ".meta.profiles more", "*.new* text", "*.revokeCert text", "*.keyChange text",
	    "*.renewalInfo text", ".newAuthz gone", ".renewalInfo gone", ".meta gone", ".meta object",
	    ".meta.* gone", ".meta.termsOfService text", ".meta.website text", ".meta.caaIdentities array",
	    ".meta.caaIdentities.? twice", ".meta.caaIdentities.? text", ".meta.externalAccountRequired true",
	    ".meta.profiles object", ".meta.profiles.short *", NULL } },
	{ "order", read_order,
	  "{\"status\":\"valid\",\"expires\":\"2026-12-01T00:00:00Z\",\"identifiers\":["
	  "{\"type\":\"dns\",\"value\":\"a.example\"},{\"type\":\"dns\",\"value\":\"*.a.example\"}],"
	  "\"authorizations\":[\"https://a.example/1\",\"https://a.example/2\"],"
	  "\"finalize\":\"https://a.example/f\",\"certificate\":\"https://a.example/c\","
	  "\"error\":{\"type\":\"urn:ietf:params:acme:error:caa\",\"detail\":\"no\"}}",
	  { " more", ".identifiers.? more", ".authorizations.? gone", ".authorizations.? twice",
	    ".expires gone", ".expires null", ".expires true", ".expires 7", ".expires array",
	    ".expires object", ".error*", NULL } },
	{ "authz", read_authz,
	  "{\"status\":\"pending\",\"identifier\":{\"type\":\"dns\",\"value\":\"a.example\"},\"wildcard\":true,"
	  "\"challenges\":[{\"type\":\"dns-01\",\"status\":\"pending\",\"url\":\"https://acme.example/c/1\","
	  "\"token\":\"evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA\"}]}",
	  /* Of a challenge that is out of order none is chosen. */
	  { " more", ".identifier more", ".wildcard gone", ".wildcard true", ".challenges array",
	    ".challenges.*", NULL } },
	{ "authz_chosen", read_chosen, /* its challenge must be the same one */
	  "{\"status\":\"pending\",\"identifier\":{\"type\":\"dns\",\"value\":\"a.example\"},\"wildcard\":true,"
	  "\"challenges\":[{\"type\":\"dns-01\",\"status\":\"pending\",\"url\":\"https://acme.example/c/1\","
	  "\"token\":\"evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA\"}]}",
	  { " more", ".identifier more", ".wildcard gone", ".wildcard true", ".challenges.0 twice",
	    ".challenges.0 more", NULL } },
	{ "authz_persist_chosen", read_chosen,
	  "{\"status\":\"pending\",\"identifier\":{\"type\":\"dns\",\"value\":\"a.example\"},"
	  "\"challenges\":[{\"type\":\"dns-persist-01\",\"status\":\"pending\",\"url\":\"https://acme.example/c/1\","
	  "\"issuer-domain-names\":[\"ca.example\",\"ca2.example\"]}]}",
	  { " more", ".identifier more", ".challenges.0 twice", ".challenges.0 more", "*-names.? gone",
	    "*-names.? twice", NULL } },
};
/* clang-format on */

static void members_one_by_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
		struct odd o = { .read = documents[i].read,
				 .may = documents[i].may };

		print_message("%s\n", documents[i].name);
		odd_each(&o, documents[i].json);
	}
}

/* What is longer than anything of this kind is not looked at. */
static void bounds(void **state)
{
	enum {
		N = 4 * 1024 * 1024
	};
	char *large = malloc(N);
	const struct span text = span_of(large, N);
	struct directory d;

	(void)state;
	memset(large, ' ', N);
	assert_int_equal(directory_read(&d, text), RC_LIMIT);
	assert_false(read_order(NULL, text));
	assert_false(read_authz(NULL, text));
	free(large);
}

static void longest_of_a_directory(void **state)
{
	static const char head[] =
		"{\"newNonce\":\"u\",\"newAccount\":\"u\",\"newOrder\":\"u\",\"revokeCert\":\"u\","
		"\"keyChange\":\"u\",\"meta\":{\"caaIdentities\":[";
	struct directory d = { 0 };

	(void)state;
	for (size_t n = DIRECTORY_ISSUERS_MAX; n <= DIRECTORY_ISSUERS_MAX + 1; n++) {
		char text[1024];
		struct wr w = WR_ARRAY(text);

		wr_str(&w, head);
		for (size_t i = 0; i < n; i++)
			wr_printf(&w, "%s\"ca%zu.example\"", i ? "," : "", i);
		wr_str(&w, "]}}");
		assert_int_equal(directory_read(&d, wr_span(&w)),
				 n > DIRECTORY_ISSUERS_MAX ? RC_LIMIT : RC_OK);
		assert_int_equal(d.issuer_count, DIRECTORY_ISSUERS_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_one_by_one),
		cmocka_unit_test(bounds),
		cmocka_unit_test(longest_of_a_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
