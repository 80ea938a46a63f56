/* exec: see status.h. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cloud.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/node.h"
#include "cli/place.h"
#include "cli/status.h"

static const char exec_help[] =
	"usage: postern exec [--name NAME] NODE COMMAND [ARGUMENT...]\n"
	"\n"
	"Runs a command inside a node (network, files, processes), for "
	"example\n"
	"`postern exec gateway wg show` or `postern exec hostile tcpdump -ni "
	"br0`.\n";

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
