/* deploy_options: what a command line of `postern deploy` asks for. */
#include "unit.h"

#include <getopt.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/deploy_options.h"

enum {
	ARGS_MAX = 15,
	HELP = -1,
};

static const struct {
	const char *name;
	const char *args[ARGS_MAX];
	int want;
} lines[] = {
	{ "a_file", { "a.yaml" }, CLI_OK },
	{ "help", { "--help" }, HELP },
	{ "help_before_a_mistake", { "--help", "--port", "0" }, HELP },
	{ "no_file", { NULL }, CLI_USAGE },
	{ "two_files", { "a.yaml", "b.yaml" }, CLI_USAGE },
	{ "unknown_option", { "--nothing", "a.yaml" }, CLI_USAGE },
	{ "option_without_value", { "a.yaml", "--name" }, CLI_USAGE },
	{ "namespaces", { "--backend", "netns", "a.yaml" }, CLI_OK },
	{ "unknown_backend", { "--backend", "xen", "a.yaml" }, CLI_USAGE },
	{ "longest_name", { "--name", "abcdefgh-123456", "a.yaml" }, CLI_OK },
	{ "name_too_long", { "--name", "abcdefgh-1234567", "a.yaml" }, CLI_USAGE },
	{ "name_in_capitals", { "--name", "Shop", "a.yaml" }, CLI_USAGE },
	{ "empty_name", { "--name", "", "a.yaml" }, CLI_USAGE },
	{ "highest_port", { "--port", "65535", "a.yaml" }, CLI_OK },
	{ "port_too_high", { "--port", "65536", "a.yaml" }, CLI_USAGE },
	{ "port_zero", { "--port", "0", "a.yaml" }, CLI_USAGE },
	{ "longest_wait", { "--wait", "86400", "a.yaml" }, CLI_OK },
	{ "wait_too_long", { "--wait", "86401", "a.yaml" }, CLI_USAGE },
	{ "wait_is_no_number", { "--wait", "1m", "a.yaml" }, CLI_USAGE },
	{ "no_processor", { "--cpus", "0", "a.yaml" }, CLI_USAGE },
	{ "memory_is_no_size", { "--memory", "much", "a.yaml" }, CLI_USAGE },
	{ "disk_is_no_size", { "--data", "-1", "a.yaml" }, CLI_USAGE },
};

/* getopt may put the words in another order, so each call gets its own. */
static int read_line(struct deploy_options *o, const char *const *args)
{
	static char command[] = "deploy";
	char *argv[ARGS_MAX + 2] = { command };
	int argc = 1;

	for (; args[argc - 1]; argc++)
		argv[argc] = (char *)(uintptr_t)args[argc - 1];
	optind = 0; /* glibc: begin anew */
	return deploy_options_read(o, argc, argv);
}

static void command_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct deploy_options o;
		int got = read_line(&o, lines[i].args);

		if (got != lines[i].want)
			fail_msg("%s: %d, not %d", lines[i].name, got, lines[i].want);
	}
}

static void nothing_given_leaves_the_defaults(void **state)
{
	static const char *const args[] = { "a.yaml", NULL };
	struct deploy_options o;

	(void)state;
	assert_int_equal(read_line(&o, args), CLI_OK);
	assert_string_equal(o.file, "a.yaml");
	assert_string_equal(o.backend, "vm");
	assert_int_equal(o.cloud.port, 8443);
	assert_int_equal(o.wait_s, 300);
	assert_null(o.name);
	assert_null(o.manifest_only);
	assert_null(o.cloud.name);
	assert_null(o.cloud.config);
	assert_null(o.change.image);
	assert_null(o.change.images);
	assert_null(o.change.env);
	assert_null(o.change.backend);
	assert_int_equal(o.change.data_mib, 0);
	assert_int_equal(o.change.memory_mib, 0);
	assert_int_equal(o.change.cpus, 0);
}

static void each_option_goes_to_its_place(void **state)
{
	static const char *const args[] = {
		"--name=n", "--image=i", "--backend=netns", "--accel=tcg", "--images=t",
		"--env=e", "--data=3G", "--memory=512M", "--cpus=2", "--cloud=l",
		"--config=g", "--port=1", "--wait=0", "--manifest=f", "a.yaml", NULL
	};
	struct deploy_options o;

	(void)state;
	assert_int_equal(read_line(&o, args), CLI_OK);
	assert_string_equal(o.name, "n");
	assert_string_equal(o.change.image, "i");
	assert_string_equal(o.backend, "netns");
	assert_string_equal(o.change.backend, "tcg");
	assert_string_equal(o.change.images, "t");
	assert_string_equal(o.change.env, "e");
	assert_int_equal(o.change.data_mib, 3072);
	assert_int_equal(o.change.memory_mib, 512);
	assert_int_equal(o.change.cpus, 2);
	assert_string_equal(o.cloud.name, "l");
	assert_string_equal(o.cloud.config, "g");
	assert_int_equal(o.cloud.port, 1);
	assert_int_equal(o.wait_s, 0);
	assert_string_equal(o.manifest_only, "f");
	assert_string_equal(o.file, "a.yaml");
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
