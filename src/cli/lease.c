#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/cloud.h"
#include "cli/commands.h"
#include "cli/complaint.h"
#include "cli/gather.h"
#include "cli/json.h"
#include "cli/place.h"
#include "cli/status.h"
#include "io/clock.h"

static const char lease_help[] =
	"usage: postern lease list [--json]\n"
	"       postern lease withdraw <instance id | app name>\n"
	"       postern lease allow <instance id>\n"
	"       postern lease drain | undrain <instance id>\n"
	"\n"
	"Leases of a gateway.  Withdrawing one cuts its tunnel at once and "
	"keeps the\n"
	"instance out for one lease; `allow` ends that early.  A drained "
	"instance keeps\n"
	"the connections that it has and gets no new ones.\n"
	"\n"
	"  --admin SOCKET  the registrar's (default: that of the cloud's "
	"gateway, else\n"
	"                  /run/postern/admin.sock)\n"
	"  --name NAME     which cloud (default demo)\n"
	"  --json          list: for machines\n"
	"\n"
	"Exit status: 0 done, 1 refused or no answer, 2 arguments unusable.\n";

enum {
	INSTANCE_HEX_LEN = 40
};

struct lease_options {
	struct complainer say;
	const char *name;
	char admin[GATHER_PATH_MAX];
	bool is_json;
};

static int said(const struct lease_options *o, enum rc rc, const char *error)
{
	if (!rc)
		return CLI_OK;
	return complain(&o->say, CLI_REFUSED,
			rc == RC_DENIED ? COMPLAINT_DENIED : COMPLAINT_SILENT,
			o->admin, "%s", error);
}

static int list(const struct lease_options *o)
{
	char error[ASK_ERROR_MAX];
	json_t *answer, *lease;
	size_t i;
	enum rc rc = ask(&answer, o->admin, "GET", "/v1/leases", error);

	if (rc)
		return said(o, rc, error);
	if (o->is_json) {
		jprint(stdout, answer);
	}
	if (!o->is_json &&
	    json_array_size(json_object_get(answer, "leases")) == 0)
		puts("no leases");
	json_array_foreach(json_object_get(answer, "leases"), i, lease)
	{
		const char *instance = "", *app = "", *address = "";
		json_int_t expires = 0, renewals = 0;
		const char *mark = "";

		if (o->is_json)
			break;
		(void)json_unpack(lease, "{s:s, s:s, s:s, s:I, s:I}",
				  "instance_id", &instance, "app_name", &app,
				  "address", &address, "expires_unix_ms",
				  &expires, "renewals", &renewals);
		if (json_is_true(json_object_get(lease, "drained")))
			mark = ", drained";
		printf("%s %-12s %-12s %lld s left, renewed %lld times%s\n",
		       instance, app, address,
		       (long long)(expires - clock_unix_ms()) / 1000,
		       (long long)renewals, mark);
	}
	json_decref(answer);
	return CLI_OK;
}

static int withdraw_one(const struct lease_options *o, const char *instance)
{
	char path[128], error[ASK_ERROR_MAX];
	json_t *answer = NULL;
	enum rc rc;

	(void)snprintf(path, sizeof(path), "/v1/leases/%.64s", instance);
	rc = ask(&answer, o->admin, "DELETE", path, error);
	json_decref(answer);
	if (!rc)
		printf("withdrawn %s\n", instance);
	return said(o, rc, error);
}

/* An instance id, or the name of an app: all its instances then. */
static int withdraw(const struct lease_options *o, const char *what)
{
	char error[ASK_ERROR_MAX];
	json_t *answer, *lease;
	size_t i, count = 0;
	int status = CLI_OK;
	enum rc rc = ask(&answer, o->admin, "GET", "/v1/leases", error);

	if (rc)
		return said(o, rc, error);
	json_array_foreach(json_object_get(answer, "leases"), i, lease)
	{
		const char *instance = "", *app = "";

		(void)json_unpack(lease, "{s:s, s:s}", "instance_id", &instance,
				  "app_name", &app);
		if (strcmp(what, instance) != 0 && strcmp(what, app) != 0)
			continue;
		count++;
		if (withdraw_one(o, instance) != CLI_OK)
			status = CLI_REFUSED;
	}
	json_decref(answer);
	if (count > 0)
		return status;
	fprintf(stderr, "postern lease: no lease of '%.64s'\n", what);
	return CLI_REFUSED;
}

static bool is_instance(const char *text)
{
	return strlen(text) == INSTANCE_HEX_LEN &&
	       strspn(text, "0123456789abcdef") == INSTANCE_HEX_LEN;
}

/* What is done to one instance by a request of its own. */
static const struct verb {
	const char *name, *method, *place, *done;
} verbs[] = {
	{ "allow", "DELETE", "denied", "allowed" },
	{ "drain", "PUT", "drained", "drained" },
	{ "undrain", "DELETE", "drained", "no longer drained:" },
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static int follow(const struct lease_options *o, const struct verb *v,
		  const char *instance)
{
	char path[128], error[ASK_ERROR_MAX];
	json_t *answer = NULL;
	enum rc rc;

	if (!is_instance(instance))
		return complain_usage(&o->say, "%s takes an instance id, 40 "
					       "hex digits",
				      v->name);
	(void)snprintf(path, sizeof(path), "/v1/%s/%s", v->place, instance);
	rc = ask(&answer, o->admin, v->method, path, error);
	json_decref(answer);
	if (!rc)
		printf("%s %s\n", v->done, instance);
	return said(o, rc, error);
}

int cli_lease(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "name", required_argument, NULL, 'n' },
		{ "admin", required_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct lease_options o = {
		.say = complainer_of("lease", argc, argv),
		.name = PLACE_DEFAULT_NAME,
	};
	const char *admin = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'n')
			o.name = optarg;
		else if (c == 'a')
			admin = optarg;
		else if (c == 'j')
			o.is_json = true;
		else if (c == 'h') {
			fputs(lease_help, stdout);
			return CLI_OK;
		} else
			return complain_usage(&o.say, "wrong arguments");
	}
	if (!cloud_is_name(o.name))
		return complain_usage(&o.say, "what is '%s'?", o.name);
	/* A socket that is named may be another user's, as in production. */
	o.say.is_json = o.is_json;
	if (!admin && !complain_is_root(&o.say))
		return CLI_REFUSED;
	if (admin)
		(void)snprintf(o.admin, sizeof(o.admin), "%.500s", admin);
	else
		gather_admin(o.admin, o.name);
	argc -= optind;
	argv += optind;
	if (argc == 1 && strcmp(argv[0], "list") == 0)
		return list(&o);
	if (argc == 2 && strcmp(argv[0], "withdraw") == 0)
		return withdraw(&o, argv[1]);
	if (argc == 2 && find_verb(argv[0]))
		return follow(&o, find_verb(argv[0]), argv[1]);
	return complain_usage(&o.say,
			      "say list, withdraw WHAT, or allow, drain or "
			      "undrain INSTANCE");
}
