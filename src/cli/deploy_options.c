#include "cli/deploy_options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/commands.h"
#include "compose/app.h"

enum {
	DEFAULT_PORT = 8443,
	DEFAULT_WAIT_S = 300,
};

static const char deploy_help[] =
	"usage: postern deploy COMPOSE.yaml [OPTION...]\n"
	"\n"
	"Runs an app in a confidential VM of this host, in a cloud of `postern "
	"up`, and\n"
	"waits until it answers.  Again: its machine gets the new manifest, as "
	"the same\n"
	"app with its disk where the cloud has a key service, else as another "
	"app.  All\n"
	"SIMULATED.\n"
	"\n"
	"  --name NAME       of the app and its machine (default the file's "
	"or its folder's)\n"
	"  --image DIR|NAME  what the machine boots (default that of the last "
	"time, else\n"
	"                    " VM_IMAGES "/default)\n"
	"  --backend vm|netns  a virtual machine, or namespaces (default vm)\n"
	"  --images TAR      container images, instead of building and saving\n"
	"  --env FILE        encrypted environment\n"
	"  --data SIZE       its disk (default 2G for an app with volumes)\n"
	"  --memory SIZE --cpus N\n"
	"  --cloud NAME      where several run\n"
	"  --config FILE     cloud to start when none runs (default one "
	"gateway)\n"
	"  --port N          of a cloud that is started (default 8443)\n"
	"  --wait SECONDS    how long the app may take to answer (default "
	"300)\n"
	"  --manifest FILE   writes the manifest there, and deploys nothing\n"
	"\n"
	"Exit status: 0 it answers, 1 refused or failed, 2 the file or the "
	"arguments are\n"
	"unusable.\n";

static bool take_number(struct deploy_options *o, int option, const char *value)
{
	struct span text = span_str(value);

	switch (option) {
	case 'd':
		return vm_size(&o->change.data_mib, value);
	case 'm':
		return vm_size(&o->change.memory_mib, value);
	case 'c':
		return text_u64(&o->change.cpus, text, VM_CPUS_MAX) &&
		       o->change.cpus > 0;
	case 'p':
		return text_u64(&o->cloud.port, text, UINT16_MAX) &&
		       o->cloud.port > 0;
	case 'w':
		return text_u64(&o->wait_s, text, 86400);
	default:
		return false;
	}
}

static bool take_text(struct deploy_options *o, int option, const char *value)
{
	const struct {
		int option;
		const char **to;
	} rows[] = {
		{ 'n', &o->name },
		{ 'i', &o->change.image },
		{ 'b', &o->backend },
		{ 't', &o->change.images },
		{ 'e', &o->change.env },
		{ 'l', &o->cloud.name },
		{ 'g', &o->cloud.config },
		{ 'f', &o->manifest_only },
		{ 'a', &o->change.backend },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].option != option)
			continue;
		*rows[i].to = value;
		return true;
	}
	return false;
}

static const struct option longs[] = {
	{ "name", required_argument, NULL, 'n' },
	{ "image", required_argument, NULL, 'i' },
	{ "backend", required_argument, NULL, 'b' },
	{ "accel", required_argument, NULL, 'a' },
	{ "images", required_argument, NULL, 't' },
	{ "env", required_argument, NULL, 'e' },
	{ "data", required_argument, NULL, 'd' },
	{ "memory", required_argument, NULL, 'm' },
	{ "cpus", required_argument, NULL, 'c' },
	{ "cloud", required_argument, NULL, 'l' },
	{ "config", required_argument, NULL, 'g' },
	{ "port", required_argument, NULL, 'p' },
	{ "wait", required_argument, NULL, 'w' },
	{ "manifest", required_argument, NULL, 'f' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static int check(const struct deploy_options *o)
{
	char label[16];

	if (strcmp(o->backend, "vm") != 0 && strcmp(o->backend, "netns") != 0)
		return cli_usage("deploy", "--backend takes vm or netns");
	if (!o->name)
		return CLI_OK;
	app_label(label, o->name);
	return strcmp(label, o->name) == 0
		       ? CLI_OK
		       : cli_usage("deploy",
				   "--name takes 1 to 15 of a-z, 0-9 and '-'");
}

int deploy_options_read(struct deploy_options *o, int argc, char **argv)
{
	int c, index = 0;

	*o = (struct deploy_options){ .backend = "vm",
				      .cloud = { .port = DEFAULT_PORT },
				      .wait_s = DEFAULT_WAIT_S };
	while ((c = getopt_long(argc, argv, "", longs, &index)) != -1) {
		if (c == 'h') {
			fputs(deploy_help, stdout);
			return -1;
		}
		if (c == '?')
			return cli_usage("deploy", "wrong arguments");
		if (!take_text(o, c, optarg) && !take_number(o, c, optarg))
			return cli_usage("deploy", "--%s: what is '%s'?",
					 longs[index].name, optarg);
	}
	if (argc - optind != 1)
		return cli_usage("deploy", "say one Compose file");
	o->file = argv[optind];
	return check(o);
}
