/* exec and logs: see status.h. */
#include <errno.h>
#include <getopt.h>
#include <glob.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cloud.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/node.h"
#include "cli/place.h"
#include "cli/status.h"

enum {
	LOG_FILES_MAX = 64,
};

static const char exec_help[] =
	"usage: postern exec [--name NAME] NODE COMMAND [ARGUMENT...]\n"
	"\n"
	"Runs a command inside a node (network, files, processes), for "
	"example\n"
	"`postern exec gateway wg show` or `postern exec hostile tcpdump -ni "
	"br0`.\n";

static const char logs_help[] =
	"usage: postern logs [--name NAME] [-f] [NODE [SERVICE]]\n"
	"\n"
	"What the services wrote; -f goes on as they write more.\n";

int cli_exec(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "name", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *name = PLACE_DEFAULT_NAME;
	pid_t init;
	int c;

	while ((c = getopt_long(argc, argv, "+", longs, NULL)) != -1) {
		if (c == 'n')
			name = optarg;
		else if (c == 'h') {
			fputs(exec_help, stdout);
			return CLI_OK;
		} else
			return cli_usage("exec", "wrong arguments");
	}
	if (argc - optind < 2)
		return cli_usage("exec", "say NODE and COMMAND");
	if (!cloud_is_name(name) || !cloud_is_name(argv[optind]))
		return cli_usage("exec", "what is '%s'?",
				 cloud_is_name(name) ? argv[optind] : name);
	if (!cli_is_root("exec"))
		return CLI_REFUSED;
	init = place_node(name, argv[optind]);
	if (init == 0) {
		fprintf(stderr, "postern exec: no node %.32s runs in cloud "
				"%.32s\n",
			argv[optind], name);
		return CLI_REFUSED;
	}
	return node_exec(init, argv + optind + 1);
}

/* The state folder of a cloud that runs, or where it would be. */
static void state_folder(char out[PLACE_PATH_MAX], const char *name)
{
	char path[PLACE_PATH_MAX];
	json_t *cloud;
	const char *state;

	place_path(path, name, "cloud.json");
	cloud = jload(path);
	state = json_string_value(json_object_get(cloud, "state"));
	if (state)
		(void)snprintf(out, PLACE_PATH_MAX, "%.500s", state);
	else
		(void)snprintf(out, PLACE_PATH_MAX, PLACE_STATE "/%.32s",
			       name);
	json_decref(cloud);
}

static int show_logs(const char *pattern, bool follows)
{
	const char *argv[LOG_FILES_MAX + 6] = { "tail", "-n", "+1" };
	size_t argc = 3;
	glob_t found;

	if (glob(pattern, 0, NULL, &found) != 0) {
		fprintf(stderr, "postern logs: nothing is written at %s\n",
			pattern);
		return CLI_REFUSED;
	}
	if (follows)
		argv[argc++] = "-F";
	for (size_t i = 0; i < found.gl_pathc && i < LOG_FILES_MAX; i++)
		argv[argc++] = found.gl_pathv[i];
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	fprintf(stderr, "postern logs: tail: %s\n", strerror(errno));
	return CLI_REFUSED;
}

int cli_logs(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "name", required_argument, NULL, 'n' },
		{ "follow", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *name = PLACE_DEFAULT_NAME;
	char state[PLACE_PATH_MAX], pattern[2 * PLACE_PATH_MAX];
	bool follows = false;
	int c;

	while ((c = getopt_long(argc, argv, "f", longs, NULL)) != -1) {
		if (c == 'n')
			name = optarg;
		else if (c == 'f')
			follows = true;
		else if (c == 'h') {
			fputs(logs_help, stdout);
			return CLI_OK;
		} else
			return cli_usage("logs", "wrong arguments");
	}
	argc -= optind;
	argv += optind;
	if (argc > 2)
		return cli_usage("logs", "say NODE and SERVICE at most");
	for (int i = 0; i < argc; i++) {
		if (!cloud_is_name(argv[i]))
			return cli_usage("logs", "what is '%s'?", argv[i]);
	}
	if (!cloud_is_name(name))
		return cli_usage("logs", "what is '%s'?", name);
	if (!cli_is_root("logs"))
		return CLI_REFUSED;
	state_folder(state, name);
	(void)snprintf(pattern, sizeof(pattern), "%s/%s/log/%s.log", state,
		       argc > 0 ? argv[0] : "*", argc > 1 ? argv[1] : "*");
	return show_logs(pattern, follows);
}
