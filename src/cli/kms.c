#include "cli/kms.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/ask.h"
#include "cli/json.h"
#include "io/file.h"

#define SOCKET "/run/postern/kms.sock"

/* clang-format off */
static const char kms_help[] =
	"usage: postern kms status [--socket PATH] [--json]\n"
	"       postern kms bootstrap POLICY [--socket PATH] [--wait]\n"
	"       postern kms policy sign FILE --key PRIVATE.pem [--output FILE]\n"
	"       postern kms policy show FILE --manifest MANIFEST\n"
	"       postern kms policy set FILE [--socket PATH] [--wait]\n"
	"       postern kms rotate [--socket PATH] [--wait]\n"
	"       postern kms audit FILE [--key HEX] [--json]\n"
	"\n"
	"The key service: what a node has and does, its release policy, its "
	"audit log.\n"
	"\n"
	"  --socket PATH    of postern-kms (default: " SOCKET ")\n"
	"  --key FILE       sign with this P-256 private key (PEM)\n"
	"  --key HEX        audit: who must have signed, as status says\n"
	"  --manifest FILE  of the key service: whose signatures count\n"
	"  --output FILE    write there (default: standard output)\n"
	"  --wait           until a majority has the policy, or all nodes the "
	"root\n"
	"  --json           for machines\n"
	"\n"
	"Exit status: 0 done, or in order; 1 refused, or not in order; 2 files "
	"or arguments\n"
	"unusable.\n";
/* clang-format on */

enum {
	WAIT_S = 30,
	STEP_US = 100000,
	FILE_MAX = 256 * 1024,
};

int kms_load(struct buf *out, const struct kms_options *o, const char *path)
{
	enum rc rc;

	buf_init(out, FILE_MAX);
	rc = file_read_argument(out, path);
	if (!rc)
		return CLI_OK;
	return complain(&o->say, CLI_USAGE, COMPLAINT_UNREADABLE, path,
			"%s: %s", path, file_why(rc));
}

static int say_denied(const struct kms_options *o, enum rc rc,
		      const char *error)
{
	if (rc == RC_DENIED)
		return complain(&o->say, CLI_REFUSED, COMPLAINT_DENIED, NULL,
				"%s", error);
	return complain(&o->say, CLI_USAGE, COMPLAINT_SILENT, o->socket, "%s",
			error);
}

/* ---- status ---- */

static json_int_t number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

static void print_policy(const json_t *status)
{
	const json_t *p = json_object_get(status, "policy");

	if (!p) {
		puts("policy     none: the cluster is not founded here");
		return;
	}
	printf("cluster    %s\n", jtext(status, "cluster"));
	printf("policy     serial %" PRId64 ", held by %" PRId64
	       " of %zu nodes (majority %" PRId64 ")\n",
	       (int64_t)number(p, "serial"), (int64_t)number(p, "held_by"),
	       json_array_size(json_object_get(p, "nodes")),
	       (int64_t)number(p, "majority"));
	printf("epoch      %" PRId64 " of %zu\n",
	       (int64_t)number(status, "epoch"),
	       json_array_size(json_object_get(status, "roots")));
}

static void print_status(const json_t *s)
{
	const json_t *audit = json_object_get(s, "audit");
	const json_t *counts = json_object_get(s, "counts");
	const json_t *peers = json_object_get(s, "peers");

	printf("node       %s%s\n", jtext(s, "node"),
	       jtrue(s, "simulated") ? " (SIMULATED)" : "");
	printf("instance   %s\n", jtext(s, "instance_id"));
	printf("app        %s\n", jtext(s, "app_id"));
	printf("ready      %s\n", jtext(s, "ready"));
	if (!jtrue(s, "lasting"))
		puts("state      not kept: the platform gives no sealing key");
	print_policy(s);
	for (size_t i = 0; i < json_array_size(peers); i++) {
		const json_t *p = json_array_get(peers, i);

		printf("peer       %s %s%s%s\n", jtext(p, "address"),
		       jtext(p, "state"), jtext(p, "why")[0] ? ": " : "",
		       jtext(p, "why"));
	}
	printf("released   %" PRId64 " keys in %" PRId64 " answers, refused "
	       "%" PRId64 "\n",
	       (int64_t)number(counts, "keys"),
	       (int64_t)number(counts, "releases"),
	       (int64_t)number(counts, "refusals"));
	printf("audit      %" PRId64 " lines, head %s\n",
	       (int64_t)number(audit, "seq"), jtext(audit, "head"));
	printf("           signed by %s\n", jtext(audit, "key"));
}

static int status(const struct kms_options *o)
{
	char error[ASK_ERROR_MAX];
	AUTO(jfree)
	json_t *said = NULL;
	enum rc rc = ask(&said, o->socket, "GET", "/v1/status", error);

	if (rc)
		return say_denied(o, rc, error);
	if (o->is_json)
		jprint(stdout, said);
	else
		print_status(said);
	return strcmp(jtext(said, "ready"), "ok") == 0 ? CLI_OK : CLI_REFUSED;
}

/* ---- waiting ---- */

static bool is_spread(const json_t *status)
{
	const json_t *p = json_object_get(status, "policy");
	const json_t *roots = json_object_get(status, "roots");

	for (size_t i = 0; i < json_array_size(roots); i++)
		if (!jtrue(json_array_get(roots, i), "active"))
			return false;
	return number(p, "held_by") >= number(p, "majority");
}

static int wait_spread(const struct kms_options *o)
{
	char error[ASK_ERROR_MAX] = "not held by enough nodes in time";

	for (int i = 0; i < WAIT_S * 1000000 / STEP_US; i++) {
		AUTO(jfree)
		json_t *said = NULL;
		enum rc rc = ask(&said, o->socket, "GET", "/v1/status", error);

		if (rc)
			return say_denied(o, rc, error);
		if (is_spread(said))
			return CLI_OK;
		(void)usleep(STEP_US);
	}
	return complain(&o->say, CLI_REFUSED, COMPLAINT_SILENT, NULL,
			"done here, and not held by enough nodes after %d s",
			WAIT_S);
}

static int post(const struct kms_options *o, const char *path, struct span body)
{
	char error[ASK_ERROR_MAX];
	AUTO(jfree)
	json_t *said = NULL;
	enum rc rc = ask_with(&said, o->socket, "POST", path, body, error);

	if (rc)
		return say_denied(o, rc, error);
	return o->waits ? wait_spread(o) : CLI_OK;
}

int kms_policy_send(const struct kms_options *o, const char *path)
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	int status = kms_load(&text, o, o->file);

	return status ? status : post(o, path, buf_span(&text));
}

/* ---- the verbs ---- */

struct verb {
	const char *name, *second; /* "policy" "sign" */
	bool has_file;
};

enum {
	VERB_STATUS,
	VERB_BOOTSTRAP,
	VERB_SIGN,
	VERB_SHOW,
	VERB_SET,
	VERB_ROTATE,
	VERB_AUDIT,
	VERB_COUNT,
};

static const struct verb verbs[VERB_COUNT] = {
	[VERB_STATUS] = { "status", NULL, false },
	[VERB_BOOTSTRAP] = { "bootstrap", NULL, true },
	[VERB_SIGN] = { "policy", "sign", true },
	[VERB_SHOW] = { "policy", "show", true },
	[VERB_SET] = { "policy", "set", true },
	[VERB_ROTATE] = { "rotate", NULL, false },
	[VERB_AUDIT] = { "audit", NULL, true },
};

static int find_verb(int argc, char **argv)
{
	int i = 0;

	while (i < VERB_COUNT &&
	       (strcmp(argv[1], verbs[i].name) != 0 ||
		(verbs[i].second &&
		 (argc < 3 || strcmp(argv[2], verbs[i].second) != 0))))
		i++;
	return i;
}

static int run(const struct kms_options *o, int verb)
{
	switch (verb) {
	case VERB_STATUS:
		return status(o);
	case VERB_BOOTSTRAP:
		return kms_policy_send(o, "/v1/bootstrap");
	case VERB_SIGN:
		return kms_policy_sign(o);
	case VERB_SHOW:
		return kms_policy_show(o);
	case VERB_SET:
		return kms_policy_send(o, "/v1/policy");
	case VERB_ROTATE:
		return post(o, "/v1/rotate", span_str(""));
	default:
		return kms_audit(o);
	}
}

static int read_options(struct kms_options *o, bool *help, int argc,
			char **argv, bool has_file)
{
	static const struct option options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "socket", required_argument, NULL, 's' },
		{ "key", required_argument, NULL, 'k' },
		{ "manifest", required_argument, NULL, 'm' },
		{ "output", required_argument, NULL, 'o' },
		{ "wait", no_argument, NULL, 'w' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'h':
			*help = true;
			break;
		case 's':
			o->socket = optarg;
			break;
		case 'k':
			o->key = optarg;
			break;
		case 'm':
			o->manifest = optarg;
			break;
		case 'o':
			o->out = optarg;
			break;
		case 'w':
			o->waits = true;
			break;
		case 'j':
			o->is_json = true;
			break;
		default:
			return complain_usage(&o->say, "wrong arguments");
		}
	}
	if (!*help && argc - optind != has_file)
		return complain_usage(&o->say, has_file ? "expected one file"
							: "expected no file");
	o->file = argv[optind];
	o->say.is_json = o->is_json;
	return CLI_OK;
}

int cli_kms(int argc, char **argv)
{
	struct kms_options o = {
		.say = complainer_of("kms", argc, argv),
		.socket = SOCKET,
	};
	bool help = argc > 1 && strcmp(argv[1], "--help") == 0;
	int verb = argc > 1 ? find_verb(argc, argv) : VERB_COUNT, skip;

	if (help) {
		fputs(kms_help, stdout);
		return CLI_OK;
	}
	if (verb == VERB_COUNT)
		return complain_usage(&o.say,
				      "expected status, bootstrap, policy "
				      "sign, show or set, rotate, or audit");
	skip = verbs[verb].second ? 2 : 1;
	if (read_options(&o, &help, argc - skip, argv + skip,
			 verbs[verb].has_file))
		return CLI_USAGE;
	if (help) {
		fputs(kms_help, stdout);
		return CLI_OK;
	}
	if ((verb == VERB_SIGN && !o.key) || (verb == VERB_SHOW && !o.manifest))
		return complain_usage(&o.say, verb == VERB_SIGN
						      ? "expected --key"
						      : "expected --manifest");
	return run(&o, verb);
}
