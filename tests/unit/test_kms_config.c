/* kms.yaml: what may be left out, what is refused and where. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kms/config.h"

#define LEAST "node: kms-1\ntrust:\n  policy: /p\n  collateral: /c\n"

static enum rc load(struct config *out, const char *text, char error[CONF_ERROR_MAX])
{
	char path[] = "/tmp/test_kms_config.XXXXXX";
	int fd = mkstemp(path);
	enum rc rc;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	rc = config_load(out, path, error);
	unlink(path);
	return rc;
}

static void least_has_defaults(void **state)
{
	char error[CONF_ERROR_MAX] = "";
	struct config c;

	(void)state;
	assert_int_equal(load(&c, LEAST, error), RC_OK);
	assert_string_equal(c.admin, "/run/postern/kms.sock");
	assert_string_equal(c.state, "/var/lib/postern-kms");
	assert_int_equal(c.peers.count, 0);
	assert_int_equal(ntohs(c.listen.in.sin_port), 8446);
	assert_int_equal(c.source_per_minute, 600);
	assert_int_equal(c.max_channels, 4096);
	config_fini(&c);
}

static void peers_are_addresses(void **state)
{
	char error[CONF_ERROR_MAX] = "";
	const struct sock_addr *peers;
	struct config c;

	(void)state;
	assert_int_equal(load(&c, LEAST "peers: [ 192.0.2.1:8446, '[2001:db8::1]:8446' ]\n", error),
			 RC_OK);
	peers = c.peers.items;
	assert_int_equal(c.peers.count, 2);
	assert_int_equal(peers[1].sa.sa_family, AF_INET6);
	config_fini(&c);
}

static void mistakes_have_their_line(void **state)
{
	static const struct {
		const char *text, *says;
	} table[] = {
		{ "trust:\n  policy: /p\n  collateral: /c\n", "node" },
		{ "node: kms-1\n", "trust" },
		{ LEAST "peers: [ kms.example.net:8446 ]\n", ":5: peers[0]" },
		{ LEAST "max_channels: 0\n", ":5: max_channels" },
		{ LEAST "source_per_minute: 0\n", ":5: source_per_minute" },
		{ LEAST "lease: 10m\n", ":5: lease" },
		{ LEAST "log: loud\n", ":5: log" },
	};
	char error[CONF_ERROR_MAX];
	struct config c;

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		assert_int_equal(load(&c, table[i].text, error), RC_MALFORMED);
		if (!strstr(error, table[i].says))
			fail_msg("%s: %s", table[i].says, error);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(least_has_defaults),
		cmocka_unit_test(peers_are_addresses),
		cmocka_unit_test(mistakes_have_their_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
