#include "cli/policy.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/complaint.h"
#include "cli/documents.h"
#include "cli/evidence.h"
#include "cli/json.h"
#include "cli/quote_report.h"
#include "cli/quote_snp.h"
#include "io/clock.h"
#include "quoting/policy_load.h"
#include "quoting/quote_file.h"
#include "tee/bind.h"

/* clang-format off */
static const char policy_help[] =
	"usage: postern policy check POLICY FOLDER [OPTION...]\n"
	"\n"
	"Says what a policy would refuse of the quotes and SEV-SNP reports "
	"recorded in a\n"
	"folder, and by which rules, all of them.  A file NAME may have beside "
	"it NAME.at,\n"
	"the time it was recorded, and NAME.collateral/ or collateral/, the "
	"vendor's\n"
	"documents for it.\n"
	"\n"
	"  --collateral DIR|FILE|URL\n"
	"                    documents for what has none beside it, as for "
	"quote verify\n"
	"                    (default /var/lib/postern/collateral)\n"
	"  --ca-file PEM, --update WHICH, --cache DIR\n"
	"                    of that server, as for quote verify\n"
	"  --at TIME         judge all as of 2026-03-01T00:00:00Z\n"
	"                    (default: as recorded, else now)\n"
	"  --root PEM        trust this SIMULATED root, too\n"
	"  --json            for machines\n"
	"\n"
	"Exit status: 0 nothing refused, 1 something refused, 2 policy, folder, "
	"a file or\n"
	"arguments unusable.\n";
/* clang-format on */

struct check_options {
	struct complainer say;
	struct collateral_want want; /* for what has none beside it */
	const char *policy, *folder, *root;
	bool has_time, is_json;
	int64_t at; /* with has_time: of all; else: of what has none */
};

/* A server that did not answer for a family is not asked for it again. */
struct failure {
	bool has_fmspc;
	uint8_t fmspc[PCS_FMSPC_LEN];
	char error[COLLATERAL_ERROR_MAX];
};

/* What is judged by, and what came of it. */
struct check {
	const struct check_options *o;
	struct arena arena;
	struct tee_policy policy;
	struct tee_anchor anchors[DOCUMENTS_ANCHORS_MAX + 1];
	size_t anchor_count;
	struct failure failure; /* the last one */
	json_t *files; /* with --json */
	size_t accepted, refused, unusable;
	size_t reasons[TEE_REASON_COUNT]; /* how much evidence each refuses */
};

/* Why one piece of evidence is refused; of policy rules all. */
struct outcome {
	struct policy_fault faults[POLICY_FAULTS_MAX];
	size_t count;
};

static void check_fini(struct check *c)
{
	arena_fini(&c->arena);
	json_decref(c->files);
}

/* The name below the folder that was asked about. */
static const char *name_of(const struct check *c, const struct evidence *e)
{
	return e->path + strlen(c->o->folder) + 1;
}

/* Documents for one piece of evidence; error: why there are none. */
static void find_documents(struct check *c, struct documents *d,
			   struct tee_collateral *view,
			   const struct evidence *e,
			   const struct tee_input *in,
			   char error[COLLATERAL_ERROR_MAX])
{
	struct collateral_want want = c->o->want;
	struct failure now = { 0 };

	want.quote = in->quote;
	want.anchors = in->anchors;
	want.anchor_count = in->anchor_count;
	want.at = in->at;
	if (e->collateral[0])
		want.from = e->collateral;
	else
		now.has_fmspc = pcs_is_url(span_str(want.from)) &&
				collateral_fmspc_of(now.fmspc, want.quote);
	if (now.has_fmspc && c->failure.has_fmspc &&
	    span_equal(SPAN_ARRAY(now.fmspc), SPAN_ARRAY(c->failure.fmspc))) {
		memcpy(error, c->failure.error, COLLATERAL_ERROR_MAX);
		return;
	}
	if (documents_open(d, view, &want, error) || !now.has_fmspc)
		return;
	memcpy(now.error, error, sizeof(now.error));
	c->failure = now;
}

static void verify(struct check *c, struct tee_verdict *v,
		   const struct evidence *e, const struct quote_file *f,
		   int64_t at)
{
	AUTO(documents_fini)
	struct documents documents = { 0 };
	char error[COLLATERAL_ERROR_MAX] = "";
	struct tee_collateral view = { 0 };
	const struct tee_input in = {
		.quote = buf_span(&f->quote),
		.collateral = &view,
		.anchors = c->anchors,
		.anchor_count = c->anchor_count,
		.policy = &c->policy,
		.at = at,
	};
	struct eventlog_identity id;

	find_documents(c, &documents, &view, e, &in, error);
	tee_verify(v, &in);
	if (v->reason == TEE_COLLATERAL_MISSING && error[0])
		(void)snprintf(v->detail, sizeof(v->detail), "collateral: %.*s",
			       TEE_DETAIL_MAX - 16, error);
	if (f->event_log.n)
		tee_bind_runtime_log(v, &id, buf_span(&f->event_log));
}

/* What is verified is refused by rules, and several may. */
static void find_faults(struct outcome *out, const struct check *c,
			const struct tee_verdict *v)
{
	out->count = 0;
	/* AMD has no status: all of a report's is known once it is verified. */
	if (v->is_verified &&
	    (v->kind == TEE_KIND_SNP || v->tcb_status != TCB_NONE))
		out->count = policy_faults(out->faults, v, &c->policy);
	if (out->count || !v->reason)
		return;
	out->faults[0].reason = v->reason;
	memcpy(out->faults[0].detail, v->detail, TEE_DETAIL_MAX);
	out->count = 1;
}

/* Each reason once a verdict, however many rules it stands for. */
static void count(struct check *c, const struct outcome *out)
{
	for (size_t i = 0; i < out->count; i++) {
		size_t before = 0;

		while (before < i &&
		       out->faults[before].reason != out->faults[i].reason)
			before++;
		c->reasons[out->faults[i].reason] += before == i;
	}
	if (out->count)
		c->refused++;
	else
		c->accepted++;
}

static void print(const struct check *c, const struct evidence *e,
		  const struct tee_verdict *v, const struct outcome *out)
{
	printf("%s%s %s", out->count ? "REFUSED" : "ACCEPTED",
	       v->is_simulated ? " (SIMULATED)" : "", name_of(c, e));
	if (v->tcb_status != TCB_NONE)
		printf(": %s", tee_tcb_status_name(v->tcb_status));
	if (v->image[0])
		printf(", image %s", v->image);
	putchar('\n');
	for (size_t i = 0; i < out->count; i++)
		printf("    %s\n        %s\n",
		       tee_reason_name(out->faults[i].reason),
		       out->faults[i].detail);
}

static void add_report(struct check *c, const struct evidence *e,
		       const struct tee_verdict *v, const struct outcome *out)
{
	json_t *root = v->kind == TEE_KIND_SNP
			       ? quote_snp_verdict(v)
			       : quote_report_verdict(v, v->at);
	json_t *faults = json_array();

	for (size_t i = 0; i < out->count; i++) {
		const struct policy_fault *f = &out->faults[i];
		json_t *fault = json_object();

		jset(fault, "reason", json_string(tee_reason_name(f->reason)));
		jset(fault, "detail", json_string(f->detail));
		jadd(faults, fault);
	}
	jset(root, "file", json_string(name_of(c, e)));
	jset(root, "faults", faults);
	jadd(c->files, root);
}

static void note_unusable(struct check *c, const struct evidence *e,
			  const char *why)
{
	json_t *root;

	c->unusable++;
	fprintf(stderr, "postern policy: %s: %s\n", name_of(c, e), why);
	if (!c->files)
		return;
	root = json_object();
	jset(root, "file", json_string(name_of(c, e)));
	jset(root, "accepted", json_false());
	jset(root, "unusable", json_string(why));
	jadd(c->files, root);
}

static bool check_one(void *ctx, const struct evidence *e, const char *error)
{
	struct check *c = ctx;
	AUTO(quote_file_fini)
	struct quote_file f = { 0 };
	char why[QUOTE_FILE_ERROR_MAX];
	struct outcome out;
	struct tee_verdict v;

	if (error || quote_file_read(&f, e->path, why)) {
		note_unusable(c, e, error ? error : why);
		return true;
	}
	verify(c, &v, e, &f,
	       c->o->has_time || !e->has_time ? c->o->at : e->at);
	find_faults(&out, c, &v);
	count(c, &out);
	if (c->files)
		add_report(c, e, &v, &out);
	else
		print(c, e, &v, &out);
	return true;
}

static void print_summary(const struct check *c)
{
	printf("\n%zu quotes and reports: %zu accepted, %zu refused",
	       c->accepted + c->refused, c->accepted, c->refused);
	if (c->unusable)
		printf(", %zu files unusable", c->unusable);
	putchar('\n');
	for (size_t r = 0; r < TEE_REASON_COUNT; r++)
		if (c->reasons[r])
			printf("  %6zu  %s\n", c->reasons[r],
			       tee_reason_name((enum tee_reason)r));
}

static void print_json(struct check *c)
{
	json_t *root = json_object(), *reasons = json_object();

	for (size_t r = 0; r < TEE_REASON_COUNT; r++)
		if (c->reasons[r])
			jset(reasons, tee_reason_name((enum tee_reason)r),
			     json_integer((json_int_t)c->reasons[r]));
	jset(root, "policy", json_string(c->o->policy));
	jset(root, "accepted", json_integer((json_int_t)c->accepted));
	jset(root, "refused", json_integer((json_int_t)c->refused));
	jset(root, "unusable", json_integer((json_int_t)c->unusable));
	jset(root, "reasons", reasons);
	jset(root, "files", STEAL(c->files));
	jprint(stdout, root);
	json_decref(root);
}

static int load(struct check *c)
{
	const struct check_options *o = c->o;
	char error[POLICY_ERROR_MAX];

	c->anchor_count = documents_anchors(c->anchors);
	if (o->root && !documents_root(&c->anchors[c->anchor_count++], o->root,
				       error))
		return complain(&o->say, CLI_USAGE, COMPLAINT_ROOT, o->root,
				"%s", error);
	if (policy_load(&c->policy, &c->arena, o->policy, NULL, error))
		return complain(&o->say, CLI_USAGE, COMPLAINT_POLICY,
				o->policy, "%s", error);
	return CLI_OK;
}

static int check(const struct check_options *o)
{
	AUTO(check_fini)
	struct check c = { .o = o };
	char error[COLLATERAL_ERROR_MAX];

	arena_init(&c.arena, POLICY_ARENA_MAX);
	if (!collateral_is_there(o->want.from, error))
		return complain(&o->say, CLI_USAGE, COMPLAINT_COLLATERAL,
				o->want.from, "collateral: %s", error);
	if (load(&c))
		return CLI_USAGE;
	if (o->is_json)
		c.files = json_array();
	if (evidence_walk(o->folder, check_one, &c, error))
		return complain(&o->say, CLI_USAGE, COMPLAINT_UNREADABLE,
				o->folder, "%s", error);
	if (!(c.accepted + c.refused + c.unusable))
		return complain(&o->say, CLI_USAGE, COMPLAINT_EMPTY, o->folder,
				"no quotes or reports in that folder");
	if (o->is_json)
		print_json(&c);
	else
		print_summary(&c);
	if (c.unusable)
		return CLI_USAGE;
	return c.refused ? CLI_REFUSED : CLI_OK;
}

/* Reads what follows "check"; *help when it was asked for. */
static int read_options(struct check_options *o, bool *help, int argc,
			char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "collateral", required_argument, NULL, 'c' },
		{ "at", required_argument, NULL, 'a' },
		{ "root", required_argument, NULL, 'r' },
		{ "ca-file", required_argument, NULL, 'C' },
		{ "update", required_argument, NULL, 'u' },
		{ "cache", required_argument, NULL, 'k' },
		{ 0 },
	};
	const char *expected;
	bool is_mine;
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		expected = collateral_option(&o->want, &is_mine, c, optarg);
		if (expected)
			return complain_usage(&o->say, "%s", expected);
		if (is_mine)
			continue;
		if (c == 'j')
			o->is_json = true;
		else if (c == 'h')
			*help = true;
		else if (c == 'r')
			o->root = optarg;
		else if (c != 'a')
			return complain_usage(&o->say, "wrong arguments");
		else if (!text_utc(&o->at, span_str(optarg)))
			return complain_usage(&o->say,
					      "--at: expected a time such as "
					      "2026-03-01T00:00:00Z");
		else
			o->has_time = true;
	}
	if (!*help && argc - optind != 2)
		return complain_usage(&o->say,
				      "expected a policy and a folder");
	o->policy = argv[optind];
	o->folder = *help ? NULL : argv[optind + 1];
	o->say.is_json = o->is_json;
	return CLI_OK;
}

int cli_policy(int argc, char **argv)
{
	struct check_options o = {
		.say = complainer_of("policy", argc, argv),
		.want = { .from = "/var/lib/postern/collateral" },
		.at = clock_unix_s(),
	};
	bool help = argc > 1 && strcmp(argv[1], "--help") == 0;

	if (!help && (argc < 2 || strcmp(argv[1], "check") != 0))
		return complain_usage(&o.say, "expected check");
	if (!help && read_options(&o, &help, argc - 1, argv + 1))
		return CLI_USAGE;
	if (help) {
		fputs(policy_help, stdout);
		return CLI_OK;
	}
	return check(&o);
}
