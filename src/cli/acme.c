#include "cli/acme.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/acme_report.h"
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/complaint.h"
#include "cli/json.h"
#include "io/clock.h"

#define SOCKET "/run/postern/cert.sock"

static const char acme_help[] =
	"usage: postern acme COMMAND [--socket PATH] [--json] [--yes]\n"
	"\n"
	"What postern-cert has and does.\n"
	"\n"
	"  status        accounts, certificates, CAA, evidence, alarms\n"
	"  account       accounts alone\n"
	"  renew         order every certificate anew, with new keys\n"
	"  revoke        revoke every certificate, and order anew (--yes)\n"
	"  key-change    put the accounts under new keys; CAA stays as it is\n"
	"  new-account   an account that is lost is made anew; CAA follows "
	"(--yes)\n"
	"  look          write and prove CAA again\n"
	"  serve         serve again what was held back because of a foreign\n"
	"                certificate (--yes)\n"
	"\n"
	"  --socket PATH  its admin socket (default " SOCKET ")\n"
	"  --yes          for what cannot be undone\n"
	"\n"
	"Exit status: 0 all is well, or it was asked; 1 something is to be "
	"looked at, or\n"
	"it said no; 2 arguments unusable, or no answer.\n";

struct acme_command {
	const char *name;
	const char *post; /* NULL: shows 'parts' of the status */
	unsigned parts;
	bool needs_yes;
};

static const struct acme_command acme_commands[] = {
	{ .name = "status", .parts = ACME_PART_ACCOUNTS | ACME_PART_REST },
	{ .name = "account", .parts = ACME_PART_ACCOUNTS },
	{ .name = "renew", .post = "/v1/renew" },
	{ .name = "revoke", .post = "/v1/revoke", .needs_yes = true },
	{ .name = "key-change", .post = "/v1/account/key" },
	{ .name = "new-account",
	  .post = "/v1/account/new",
	  .needs_yes = true },
	{ .name = "look", .post = "/v1/caa/look" },
	{ .name = "serve", .post = "/v1/serve", .needs_yes = true },
};

enum {
	ACME_COMMANDS = sizeof(acme_commands) / sizeof(*acme_commands),
};

struct acme_options {
	struct complainer say;
	const struct acme_command *command;
	const char *socket;
	bool has_yes, help;
};

static int failed(const struct acme_options *o, enum rc rc, const char *error)
{
	if (rc == RC_DENIED)
		return complain(&o->say, CLI_REFUSED, COMPLAINT_DENIED,
				o->socket, "%s", error);
	return complain(&o->say, CLI_USAGE, COMPLAINT_SILENT, o->socket, "%s",
			error);
}

static int show(const struct acme_options *o)
{
	AUTO(jfree)
	json_t *status = NULL;
	char error[ASK_ERROR_MAX];
	int64_t now = clock_unix_s();
	enum rc rc = ask(&status, o->socket, "GET", "/v1/status", error);

	if (rc)
		return failed(o, rc, error);
	if (o->say.is_json && o->command->parts == ACME_PART_ACCOUNTS)
		jprint(stdout, json_object_get(status, "accounts"));
	else if (o->say.is_json)
		jprint(stdout, status);
	else
		acme_report(stdout, status, o->command->parts, now);
	return acme_is_well(status, o->command->parts, now) ? CLI_OK
							    : CLI_REFUSED;
}

static int post(const struct acme_options *o)
{
	AUTO(jfree)
	json_t *answer = NULL;
	char error[ASK_ERROR_MAX];
	enum rc rc = ask(&answer, o->socket, "POST", o->command->post, error);

	if (rc)
		return failed(o, rc, error);
	if (o->say.is_json)
		jprint(stdout, answer);
	else
		puts("asked; see `postern acme status` and the log");
	return CLI_OK;
}

static int find_command(struct acme_options *o, const char *name)
{
	const char *names[ACME_COMMANDS], *near;

	for (size_t i = 0; i < ACME_COMMANDS; i++) {
		names[i] = acme_commands[i].name;
		if (strcmp(name, names[i]) != 0)
			continue;
		o->command = &acme_commands[i];
		return CLI_OK;
	}
	near = cli_suggest(name, names, ACME_COMMANDS);
	if (near)
		return complain_usage(&o->say, "no '%s', perhaps '%s'",
				      name, near);
	return complain_usage(&o->say, "no '%s'", name);
}

static int read_options(struct acme_options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "socket", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' },
		{ "yes", no_argument, NULL, 'y' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 's')
			o->socket = optarg;
		else if (c == 'j')
			o->say.is_json = true;
		else if (c == 'y')
			o->has_yes = true;
		else if (c == 'h')
			o->help = true;
		else
			return complain_usage(&o->say, "wrong arguments");
	}
	if (o->help)
		return CLI_OK;
	if (argc - optind != 1)
		return complain_usage(&o->say, "say one of its commands");
	return find_command(o, argv[optind]);
}

int cli_acme(int argc, char **argv)
{
	struct acme_options o = {
		.say = complainer_of("acme", argc, argv),
		.command = acme_commands,
		.socket = SOCKET,
	};
	int status = read_options(&o, argc, argv);

	if (status)
		return status;
	if (o.help) {
		fputs(acme_help, stdout);
		return CLI_OK;
	}
	if (o.command->needs_yes && !o.has_yes)
		return complain_usage(&o.say,
				      "%s cannot be undone: say --yes, too",
				      o.command->name);
	return o.command->post ? post(&o) : show(&o);
}
