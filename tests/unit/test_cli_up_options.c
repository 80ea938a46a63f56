/* up_options: what a command line of `postern up` asks for. */
#include "unit.h"

#include <getopt.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/up_options.h"

enum {
	ARGS_MAX = 9,
	HELP = -1,
};

static const struct {
	const char *name;
	const char *args[ARGS_MAX];
	int want;
} lines[] = {
	{ "nothing", { NULL }, CLI_OK },
	{ "help", { "--help" }, HELP },
	{ "help_before_a_mistake", { "--help", "--port", "0" }, HELP },
	{ "a_word", { "cloud.yaml" }, CLI_USAGE },
	{ "unknown_option", { "--nothing" }, CLI_USAGE },
	{ "option_without_value", { "--name" }, CLI_USAGE },
	{ "machines", { "--backend", "vm" }, CLI_OK },
	{ "unknown_backend", { "--backend", "xen" }, CLI_USAGE },
	{ "longest_name", { "--name", "abcdefgh-123456" }, CLI_OK },
	{ "name_too_long", { "--name", "abcdefgh-1234567" }, CLI_USAGE },
	{ "name_in_capitals", { "--name", "Demo" }, CLI_USAGE },
	{ "empty_name", { "--name", "" }, CLI_USAGE },
	{ "highest_port", { "--port", "65535" }, CLI_OK },
	{ "port_too_high", { "--port", "65536" }, CLI_USAGE },
	{ "port_zero", { "--port", "0" }, CLI_USAGE },
	{ "longest_wait", { "--wait", "86400" }, CLI_OK },
	{ "wait_too_long", { "--wait", "86401" }, CLI_USAGE },
	{ "wait_is_no_number", { "--wait", "1m" }, CLI_USAGE },
};

/* getopt may put the words in another order, so each call gets its own. */
static int read_line(struct up_options *o, const char *const *args)
{
	static char command[] = "up";
	char *argv[ARGS_MAX + 2] = { command };
	int argc = 1;

	for (; args[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)args[argc - 1];
	optind = 0; /* glibc: begin anew */
	return up_options_read(o, argc, argv);
}

static void command_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct up_options o;
		int got = read_line(&o, lines[i].args);

		if (got != lines[i].want)
			fail_msg("%s: %d, not %d", lines[i].name, got, lines[i].want);
	}
}

static void nothing_given_leaves_the_defaults(void **state)
{
	static const char *const args[] = { NULL };
	struct up_options o;

	(void)state;
	assert_int_equal(read_line(&o, args), CLI_OK);
	assert_string_equal(o.config, "cloud.yaml");
	assert_string_equal(o.backend, "netns");
	assert_string_equal(o.image, "default");
	assert_int_equal(o.port, 8443);
	assert_int_equal(o.wait_s, 60);
	assert_null(o.state);
	assert_null(o.name);
	assert_false(o.is_ephemeral);
	assert_false(o.is_once);
}

static void each_option_goes_to_its_place(void **state)
{
	static const char *const args[] = {
		"--config=c", "--state=s", "--name=n", "--backend=vm", "--image=i",
		"--port=1", "--wait=0", "--ephemeral", "--once", NULL
	};
	struct up_options o;

	(void)state;
	assert_int_equal(read_line(&o, args), CLI_OK);
	assert_string_equal(o.config, "c");
	assert_string_equal(o.state, "s");
	assert_string_equal(o.name, "n");
	assert_string_equal(o.backend, "vm");
	assert_string_equal(o.image, "i");
	assert_int_equal(o.port, 1);
	assert_int_equal(o.wait_s, 0);
	assert_true(o.is_ephemeral);
	assert_true(o.is_once);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_lines),
		cmocka_unit_test(nothing_given_leaves_the_defaults),
		cmocka_unit_test(each_option_goes_to_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
