/* verify_options: what a command line of `postern verify` asks for. */
#include "unit.h"

#include <string.h>

#include "cli/verify_options.h"

enum {
	ARGS_MAX = 24,
};

static const struct {
	const char *name;
	const char *args[ARGS_MAX];
	bool is_taken;
	const char *host, *port;
	bool is_http;
	unsigned timeout_s;
} cases[] = {
	{ "a_name", { "www.example.org" }, true, "www.example.org", "443", false, 60 },
	{ "lower_case_without_dot",
	  { "WWW.Example.org." },
	  true,
	  "www.example.org",
	  "443",
	  false,
	  60 },
	{ "a_port", { "example.org:8443" }, true, "example.org", "8443", false, 60 },
	{ "a_url", { "https://example.org:4/x:y?z" }, true, "example.org", "4", false, 60 },
	{ "plain_http", { "http://example.org/" }, true, "example.org", "443", true, 60 },
	{ "own_timeout", { "--timeout", "5", "a.example" }, true, "a.example", "443", false, 5 },
	{ "no_name", { NULL }, false, NULL, NULL, false, 0 },
	{ "two_names", { "a.example", "b.example" }, false, NULL, NULL, false, 0 },
	{ "no_host", { "https:///x" }, false, NULL, NULL, false, 0 },
	{ "space_in_name", { "a b" }, false, NULL, NULL, false, 0 },
	{ "port_too_high", { "a.example:65536" }, false, NULL, NULL, false, 0 },
	{ "timeout_zero", { "--timeout", "0", "a.example" }, false, NULL, NULL, false, 0 },
	{ "timeout_too_long", { "--timeout", "3601", "a.example" }, false, NULL, NULL, false, 0 },
	{ "timeout_no_number", { "--timeout", "1s", "a.example" }, false, NULL, NULL, false, 0 },
	{ "bad_time", { "--at", "yesterday", "a.example" }, false, NULL, NULL, false, 0 },
	{ "bad_resolver", { "--resolver", "ns", "a.example" }, false, NULL, NULL, false, 0 },
	{ "bad_source", { "--source", "x=https://y", "a.example" }, false, NULL, NULL, false, 0 },
	{ "nothing_saved_to_trust", { "--trust-saved", "a.example" }, false, NULL, NULL, false, 0 },
	{ "offline_connects_nowhere",
	  { "--offline", "f", "--connect", "192.0.2.1:1" },
	  false,
	  NULL,
	  NULL,
	  false,
	  0 },
};

static void command_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[ARGS_MAX][64], *argv[ARGS_MAX + 2] = { (char[]){ "verify" } };
		struct verify_options o = { .say = { "verify", false } };
		int argc = 1;

		for (size_t k = 0; cases[i].args[k]; k++) {
			strcpy(text[k], cases[i].args[k]);
			argv[argc++] = text[k];
		}
		if ((verify_options_read(&o, argc, argv) == CLI_OK) != cases[i].is_taken)
			fail_msg("%s: status", cases[i].name);
		if (!cases[i].is_taken)
			continue;
		if (strcmp(o.host, cases[i].host) != 0 || strcmp(o.port, cases[i].port) != 0 ||
		    o.is_http != cases[i].is_http || o.timeout_s != cases[i].timeout_s)
			fail_msg("%s: %s %s", cases[i].name, o.host, o.port);
	}
}

/* Of what is left no more than is asked for, and nothing after the end. */
static void time_left(void **state)
{
	struct verify_options o = { .give_up_at_ms = UINT64_MAX };

	(void)state;
	assert_int_equal(verify_time_left(&o, 7), 7);
	o.give_up_at_ms = 1;
	assert_int_equal(verify_time_left(&o, 7), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_lines),
		cmocka_unit_test(time_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
