/* cert.yaml: who holds the key of what is sealed. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certd/config.h"

#define LEAST \
	"node: gw-1\n" \
	"certificates: [ { names: [ a.example ] } ]\n" \
	"authorities: [ { directory: 'https://ca.example/directory' } ]\n" \
	"challenges: [ dns-01 ]\n" \
	"dns: { resolvers: [ 192.0.2.53:53 ] }\n"
#define TRUST "  trust: { policy: /p, collateral: /c }\n"

static enum rc load(struct config *out, const char *text, char error[CONF_ERROR_MAX])
{
	char path[] = "/tmp/test_certd_config.XXXXXX";
	int fd = mkstemp(path);
	enum rc rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	rc = config_load(out, path, error);
	unlink(path);
	return rc;
}

static void without_kms_it_is_the_platform(void **state)
{
	char error[CONF_ERROR_MAX] = "";
	struct config c;

	(void)state;
	assert_int_equal(load(&c, LEAST, error), RC_OK);
	assert_int_equal(c.kms.addresses.count, 0);
	assert_null(c.kms.trust.policy);
	config_fini(&c);
}

static void kms_read(void **state)
{
	char error[CONF_ERROR_MAX] = "";
	uint8_t app[MANIFEST_ID_LEN];
	const struct sock_addr *at;
	struct config c;

	(void)state;
	memset(app, 0xab, sizeof(app));
	assert_int_equal(load(&c,
			      LEAST "kms:\n"
				    "  addresses: [ 192.0.2.2:8446, '[2001:db8::2]:8446' ]\n"
				    "  app: abababababababababababababababababababab\n" TRUST
				    "collateral: /other\n",
			      error),
			 RC_OK);
	at = c.kms.addresses.items;
	assert_int_equal(c.kms.addresses.count, 2);
	assert_int_equal(ntohs(at[0].in.sin_port), 8446);
	assert_int_equal(at[1].sa.sa_family, AF_INET6);
	assert_memory_equal(c.kms.app, app, sizeof(app));
	assert_string_equal(c.kms.trust.policy, "/p");
	assert_string_equal(c.kms.trust.collateral, "/c");
	assert_null(c.kms.trust.simulated_root);
	assert_string_equal(c.collateral, "/other");
	config_fini(&c);
}

static void mistakes_have_their_line(void **state)
{
	static const struct {
		const char *name, *text, *want;
	} rows[] = {
		{ "no_address", "kms:\n  addresses: []\n" TRUST, ":7: kms.addresses" },
		{ "addresses_missing", "kms:\n" TRUST, "kms.addresses" },
		{ "a_name", "kms:\n  addresses: [ 'kms.example:8446' ]\n" TRUST,
		  ":7: kms.addresses[0]" },
		{ "trust_missing", "kms:\n  addresses: [ 192.0.2.2:8446 ]\n", "kms.trust" },
		{ "no_policy",
		  "kms:\n  addresses: [ 192.0.2.2:8446 ]\n  trust: { collateral: /c }\n",
		  "kms.trust.policy" },
		{ "short_app", "kms:\n  addresses: [ 192.0.2.2:8446 ]\n  app: abab\n" TRUST,
		  ":8: kms.app" },
		{ "unknown_key", "kms:\n  addresses: [ 192.0.2.2:8446 ]\n  epoch: 2\n" TRUST,
		  ":8: kms.epoch" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[1024], error[CONF_ERROR_MAX] = "";
		struct config c;

		(void)snprintf(text, sizeof(text), "%s%s", LEAST, rows[i].text);
		assert_int_equal(load(&c, text, error), RC_MALFORMED);
		if (!strstr(error, rows[i].want))
			fail_msg("%s: %s", rows[i].name, error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_kms_it_is_the_platform),
		cmocka_unit_test(kms_read),
		cmocka_unit_test(mistakes_have_their_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
