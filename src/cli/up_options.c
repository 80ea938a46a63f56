#include "cli/up_options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/cloud.h"
#include "cli/commands.h"
#include "cli/place.h"
#include "cli/vm_start.h"

enum {
	DEFAULT_PORT = 8443,
	DEFAULT_WAIT_S = 60,
};

static const char up_help[] =
	"usage: postern up [--config FILE] [--port N] [--name NAME]\n"
	"                  [--state DIR] [--ephemeral] [--once] "
	"[--wait SECONDS]\n"
	"                  [--backend netns|vm] [--image DIR|NAME]\n"
	"\n"
	"Runs the cloud that FILE describes (default cloud.yaml) on this "
	"machine, each\n"
	"gateway and CVM in namespaces of its own, until Ctrl-C.  Every TD is "
	"SIMULATED.\n"
	"\n"
	"  --port N       where 127.0.0.1 and ::1 serve it (default 8443)\n"
	"  --name NAME    instead of the file's\n"
	"  --state DIR    what outlives a run (default " PLACE_STATE
	"/<name>)\n"
	"  --ephemeral    removes that folder before and after\n"
	"  --once         ends as soon as everything is up\n"
	"  --wait SECONDS how long that may take (default 60)\n"
	"  --backend vm   CVMs with containers are virtual machines, not "
	"namespaces\n"
	"  --image DIR    what they boot (default " VM_IMAGES "/default)\n";

int up_options_read(struct up_options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "port", required_argument, NULL, 'p' },
		{ "state", required_argument, NULL, 's' },
		{ "name", required_argument, NULL, 'n' },
		{ "wait", required_argument, NULL, 'w' },
		{ "backend", required_argument, NULL, 'b' },
		{ "image", required_argument, NULL, 'i' },
		{ "ephemeral", no_argument, NULL, 'e' },
		{ "once", no_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	*o = (struct up_options){ .config = "cloud.yaml",
				  .backend = "netns",
				  .image = "default",
				  .port = DEFAULT_PORT,
				  .wait_s = DEFAULT_WAIT_S };
	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'c')
			o->config = optarg;
		else if (c == 's')
			o->state = optarg;
		else if (c == 'n')
			o->name = optarg;
		else if (c == 'b')
			o->backend = optarg;
		else if (c == 'i')
			o->image = optarg;
		else if (c == 'e')
			o->is_ephemeral = true;
		else if (c == 'o')
			o->is_once = true;
		else if (c == 'p' && (!text_u64(&o->port, span_str(optarg),
						65535) ||
				      o->port == 0))
			return cli_usage("up", "--port takes 1 to 65535");
		else if (c == 'w' &&
			 !text_u64(&o->wait_s, span_str(optarg), 86400))
			return cli_usage("up", "--wait takes seconds");
		else if (c == 'h') {
			fputs(up_help, stdout);
			return -1;
		} else if (c == '?')
			return cli_usage("up", "wrong arguments");
	}
	if (optind < argc)
		return cli_usage("up", "what is '%s'?", argv[optind]);
	if (strcmp(o->backend, "netns") != 0 && strcmp(o->backend, "vm") != 0)
		return cli_usage("up", "--backend takes netns or vm");
	if (o->name && !cloud_is_name(o->name))
		return cli_usage("up", "--name takes 1 to 15 of a-z, 0-9, -");
	return CLI_OK;
}
