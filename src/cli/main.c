/*
 * postern: the person's command.  `postern COMMAND ...`, from one table.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/acme.h"
#include "cli/collateral.h"
#include "cli/commands.h"
#include "cli/ct.h"
#include "cli/deploy.h"
#include "cli/disk.h"
#include "cli/eventlog.h"
#include "cli/kms.h"
#include "cli/measure.h"
#include "cli/platforms.h"
#include "cli/policy.h"
#include "cli/quote.h"
#include "cli/secret.h"
#include "cli/status.h"
#include "cli/up.h"
#include "cli/verify.h"
#include "cli/vm.h"
#include "cli/wg.h"

#define VERSION "0.1.0"

static int run_help(int argc, char **argv);

static const struct cli_command commands[] = {
	{ "up", cli_up, "run a whole SIMULATED cloud on this machine" },
	{ "down", cli_down, "end it, or clear up after one that was killed" },
	{ "deploy", cli_deploy, "run a Compose file in a confidential VM" },
	{ "status", cli_status, "nodes, services, leases and tunnels" },
	{ "lease", cli_lease, "list leases, withdraw one" },
	{ "logs", cli_logs, "what the services of a cloud wrote" },
	{ "exec", cli_exec, "run a command inside a node" },
	{ "quote", cli_quote, "verify a quote or report, show or make one" },
	{ "verify", cli_verify, "check a host: TLS, quote, CAA, CT, account" },
	{ "acme", cli_acme, "what postern-cert has and does; renew, revoke" },
	{ "ct", cli_ct, "certificates that were logged for our names" },
	{ "secret", cli_secret, "encrypt an app's environment to it alone" },
	{ "policy", cli_policy, "what a policy would refuse of old quotes" },
	{ "platforms", cli_platforms, "sign a list of platforms, or show one" },
	{ "kms", cli_kms, "the key service: nodes, policy, audit log" },
	{ "collateral", cli_collateral, "fetch and keep Intel's documents" },
	{ "eventlog", cli_eventlog, "show an event log, compare with a quote" },
	{ "disk", cli_disk, "show whose data disk it is" },
	{ "measure", cli_measure, "predict the registers of a direct boot" },
	{ "vm", cli_vm, "virtual machines on this host" },
	{ "wg", cli_wg, "show WireGuard interfaces and their peers" },
	{ "help", run_help, "this list, or one command's help" },
};

enum {
	COMMAND_COUNT = sizeof(commands) / sizeof(commands[0])
};

static void print_commands(FILE *to)
{
	fputs("usage: postern COMMAND [ARGUMENT...]\n\n", to);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
	fputs("\n`postern COMMAND --help` says more; so does postern(1).\n",
	      to);
}

static const struct cli_command *find(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static int unknown(const char *word)
{
	const char *names[COMMAND_COUNT];
	const char *near;

	for (size_t i = 0; i < COMMAND_COUNT; i++)
		names[i] = commands[i].name;
	near = cli_suggest(word, names, COMMAND_COUNT);
	if (near)
		fprintf(stderr,
			"postern: no command '%s'; did you mean '%s'?\n",
			word, near);
	else
		fprintf(stderr,
			"postern: no command '%s'; see `postern help`\n",
			word);
	return CLI_USAGE;
}

static int run_help(int argc, char **argv)
{
	char help[] = "--help";
	const struct cli_command *c;

	if (argc < 2) {
		print_commands(stdout);
		return CLI_OK;
	}
	if (argc > 2)
		return cli_usage("help", "say one command at most");
	c = find(argv[1]);
	if (!c)
		return unknown(argv[1]);
	if (c->run == run_help) {
		puts("usage: postern help [COMMAND]");
		return CLI_OK;
	}
	return c->run(2, (char *[]){ argv[1], help, NULL });
}

/* Half a quote or a verdict that nobody got is no success. */
static int flushed(int status)
{
	bool was_lost = ferror(stdout);

	if (fflush(stdout) == 0 && !was_lost)
		return status;
	fprintf(stderr, "postern: standard output: %s\n",
		was_lost ? "not all was written" : strerror(errno));
	return status == CLI_OK ? CLI_USAGE : status;
}

static int run(int argc, char **argv)
{
	const struct cli_command *c;

	if (argc < 2) {
		print_commands(stderr);
		return CLI_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("postern " VERSION);
		return CLI_OK;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_commands(stdout);
		return CLI_OK;
	}
	c = find(argv[1]);
	return c ? c->run(argc - 1, argv + 1) : unknown(argv[1]);
}

int main(int argc, char **argv)
{
	return flushed(run(argc, argv));
}
