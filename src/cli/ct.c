#include "cli/ct.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/json.h"

static const char ct_help[] =
	"usage: postern ct status [--admin SOCKET] [--json]\n"
	"       postern ct history NAME [OPTION...]\n"
	"\n"
	"status: logs and aggregators that postern-cert reads, and every "
	"certificate\n"
	"for its names that it found.\n"
	"history: every certificate that was ever logged for a name; see\n"
	"`postern ct history --help`.\n"
	"\n"
	"  --admin SOCKET  postern-cert's (default /run/postern/cert.sock)\n"
	"  --json          for machines\n"
	"\n"
	"Exit status of status: 0 nothing foreign was found, 1 something was, "
	"or no\n"
	"answer, 2 arguments unusable.\n";

struct options {
	const char *admin;
	bool is_json, is_help;
};

static bool read_options(struct options *o, int argc, char **argv)
{
	static const struct option known[] = {
		{ "admin", required_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'a')
			o->admin = optarg;
		else if (c == 'j')
			o->is_json = true;
		else if (c == 'h')
			o->is_help = true;
		else
			return false;
	}
	return optind == argc;
}

static const char *text_of(const json_t *of, const char *key)
{
	const char *text = json_string_value(json_object_get(of, key));

	return text ? text : "-";
}

static json_int_t number_of(const json_t *of, const char *key)
{
	return json_integer_value(json_object_get(of, key));
}

static void print_logs(const json_t *ct)
{
	const json_t *at;
	size_t i;

	json_array_foreach(json_object_get(ct, "logs"), i, at)
		printf("log     %s  read %lld of %lld, head of %s%s%s\n",
		       text_of(at, "url"), (long long)number_of(at, "proven"),
		       (long long)number_of(at, "signed"),
		       text_of(at, "signed_at"),
		       number_of(at, "failures") ? ", does not answer" : "",
		       json_is_true(json_object_get(at, "convicted"))
			       ? ", CONVICTED"
			       : "");
	json_array_foreach(json_object_get(ct, "sources"), i, at)
		printf("source  %s  %s, %lld rows\n", text_of(at, "name"),
		       text_of(at, "says"), (long long)number_of(at, "rows"));
}

static void print_certificates(const json_t *ct)
{
	const json_t *at;
	size_t i;

	json_array_foreach(json_object_get(ct, "certificates"), i, at)
	{
		printf("%-11s %s  %s  by %s, %s to %s%s", text_of(at, "class"),
		       text_of(at, "tbs"), text_of(at, "name"),
		       text_of(at, "issuer"), text_of(at, "issued_at"),
		       text_of(at, "not_after"),
		       json_is_true(json_object_get(at, "precertificate"))
			       ? ", precertificate"
			       : "");
		if (json_is_true(json_object_get(at, "revoked")))
			printf(", revoked %s (%s)", text_of(at, "revoked_at"),
			       text_of(at, "reason"));
		else if (json_object_get(at, "revocation"))
			printf(", revocation %s", text_of(at, "revocation"));
		printf("\n");
	}
}

static void print(const json_t *ct)
{
	printf("%lld ours, %lld older, %lld foreign; %s", /* counted live */
	       (long long)number_of(ct, "ours"),
	       (long long)number_of(ct, "legacy"),
	       (long long)number_of(ct, "foreign"), text_of(ct, "verdict"));
	if (json_object_get(ct, "safe_at"))
		printf(", safe from %s", text_of(ct, "safe_at"));
	if (number_of(ct, "revoked"))
		printf(", %lld revoked", (long long)number_of(ct, "revoked"));
	printf("\n");
	print_logs(ct);
	print_certificates(ct);
}

static int status(int argc, char **argv)
{
	struct options o = { .admin = "/run/postern/cert.sock" };
	char error[ASK_ERROR_MAX];
	json_t *answer, *ct;
	bool is_foreign;

	if (!read_options(&o, argc, argv))
		return cli_usage("ct", "arguments of status");
	if (o.is_help) {
		fputs(ct_help, stdout);
		return CLI_OK;
	}
	if (ask(&answer, o.admin, "GET", "/v1/status", error)) {
		fprintf(stderr, "postern ct: %s: %s\n", o.admin, error);
		return CLI_REFUSED;
	}
	ct = json_object_get(answer, "ct");
	if (!ct) {
		fprintf(stderr, "postern ct: %s: it reads no logs (no ct.list),"
				" or has not yet\n",
			o.admin);
		json_decref(answer);
		return CLI_REFUSED;
	}
	is_foreign = number_of(ct, "foreign") > 0;
	if (o.is_json)
		jprint(stdout, ct);
	else
		print(ct);
	json_decref(answer);
	return is_foreign ? CLI_REFUSED : CLI_OK;
}

int cli_ct(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "status") == 0)
		return status(argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "history") == 0)
		return cli_ct_history(argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "--help") == 0) {
		fputs(ct_help, stdout);
		return CLI_OK;
	}
	return cli_usage("ct", "expected status or history");
}
