#include "cli/quote.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/complaint.h"
#include "cli/documents.h"
#include "cli/json.h"
#include "cli/quote_get.h"
#include "cli/quote_report.h"
#include "cli/quote_snp.h"
#include "cli/report_data.h"
#include "io/clock.h"
#include "quoting/policy_load.h"
#include "quoting/quote_file.h"
#include "tee/bind.h"

/* clang-format off */
static const char quote_help[] =
	"usage: postern quote verify FILE [OPTION...]\n"
	"       postern quote show FILE [--json]\n"
	"       postern quote get [OPTION...]   see postern quote get --help\n"
	"\n"
	"Judges a TDX or SGX quote or a SEV-SNP report, shows what it says "
	"unverified, or\n"
	"makes a quote.  FILE is raw, hex, base64, or JSON with such a "
	"\"quote\"\n"
	"and perhaps an \"event_log\", which is then replayed too; - is standard "
	"input.\n"
	"\n"
	"  --collateral DIR|FILE|URL\n"
	"                    The vendor's documents in a folder or a bundle, or the "
	"server to\n"
	"                    have them from (default "
	"/var/lib/postern/collateral)\n"
	"  --ca-file PEM     roots of that server's certificate\n"
	"  --update WHICH    of that server: early, standard, or a number\n"
	"  --cache DIR       where its documents are kept\n"
	"  --at TIME         verify as of 2026-03-01T00:00:00Z (default now)\n"
	"  --root PEM        trust this SIMULATED root instead of the "
	"vendor's\n"
	"  --policy FILE     what is accepted (default: UpToDate, any "
	"measurement)\n"
	"  --report-data HEX|FILE\n"
	"                    what the quote must carry: its answer to your "
	"challenge\n"
	"  --json            for machines\n"
	"\n"
	"Exit status: 0 accepted, 1 refused, 2 input or arguments unusable.\n";
/* clang-format on */

struct quote_options {
	struct complainer say;
	const char *file, *root, *policy;
	struct collateral_want want; /* but for quote and anchors */
	struct report_data report_data;
	bool is_json;
};

/* What a verification stands on. */
struct grounds {
	struct documents documents;
	struct tee_collateral view; /* of them */
	struct tee_anchor anchors[DOCUMENTS_ANCHORS_MAX];
	size_t anchor_count;
	struct arena arena; /* of the policy */
	struct tee_policy policy;
};

static void grounds_fini(struct grounds *g)
{
	documents_fini(&g->documents);
	arena_fini(&g->arena);
}

static int load_policy(struct grounds *g, const struct quote_options *o)
{
	char error[POLICY_ERROR_MAX];

	arena_init(&g->arena, POLICY_ARENA_MAX);
	g->policy = tee_policy_default;
	if (o->policy &&
	    policy_load(&g->policy, &g->arena, o->policy, NULL, error))
		return complain(&o->say, CLI_USAGE, COMPLAINT_POLICY,
				o->policy, "%s", error);
	return CLI_OK;
}

/* One root, where one is named: it stands in the others' place. */
static int load_anchors(struct grounds *g, const struct quote_options *o)
{
	char error[256];

	g->anchor_count = documents_anchors(g->anchors);
	if (!o->root)
		return CLI_OK;
	g->anchor_count = 1;
	if (documents_root(&g->anchors[0], o->root, error))
		return CLI_OK;
	return complain(&o->say, CLI_USAGE, COMPLAINT_ROOT, o->root, "%s",
			error);
}

static int load_grounds(struct grounds *g, const struct quote_options *o,
			struct span quote)
{
	struct collateral_want want = o->want;
	char error[COLLATERAL_ERROR_MAX];

	if (load_policy(g, o) || load_anchors(g, o))
		return CLI_USAGE;
	want.quote = quote;
	want.anchors = g->anchors;
	want.anchor_count = g->anchor_count;
	if (!documents_open(&g->documents, &g->view, &want, error))
		return complain(&o->say, CLI_USAGE, COMPLAINT_COLLATERAL,
				want.from, "collateral: %s", error);
	if (error[0])
		fprintf(stderr, "postern quote: collateral: %s\n", error);
	return CLI_OK;
}

/* What the layers' lines do not say. */
static void print_rest(const struct tee_verdict *v, const json_t *root)
{
	static const char *const sections[] = {
		"advisories",
		"platform",
		"report",
		"measurements",
		"event_log",
	};
	json_t *rest = json_object();

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		json_t *section = json_object_get(root, sections[i]);

		if (json_is_object(section) || json_array_size(section))
			(void)json_object_set(rest, sections[i], section);
	}
	if (json_object_size(rest))
		puts(v->is_verified ? ""
				    : "\nNOT VERIFIED, as the quote says:");
	quote_report_print(stdout, rest);
	json_decref(rest);
}

static int give(const struct tee_verdict *v, json_t *root,
		const struct quote_options *o, const struct quote_asked *asked)
{
	quote_report_layers(root, v, asked);
	if (o->is_json) {
		jprint(stdout, root);
	} else {
		printf("%s%s: %s%s%s\n\n", v->reason ? "REFUSED" : "ACCEPTED",
		       v->is_simulated ? " (SIMULATED)" : "", o->file,
		       v->reason ? ": " : "",
		       v->reason ? tee_reason_name(v->reason) : "");
		quote_tree_print(stdout, v, asked, isatty(STDOUT_FILENO));
		print_rest(v, root);
	}
	json_decref(root);
	return v->reason ? CLI_REFUSED : CLI_OK;
}

/* What has not the form of a quote is refused whatever it would rest on. */
static int refuse_form(const struct quote_options *o,
		       const struct quote_asked *asked, enum tee_reason reason)
{
	struct tee_verdict v = { .reason = reason, .at = o->want.at };

	(void)snprintf(v.detail, sizeof(v.detail), "not a TDX or SGX quote");
	return give(&v, quote_report_verdict(&v, v.at), o, asked);
}

static bool is_snp(const struct quote_file *f)
{
	return tee_kind_of(buf_span(&f->quote)) == TEE_KIND_SNP;
}

static int verify(const struct quote_options *o, const struct quote_file *f)
{
	struct quote q;
	enum tee_reason form = quote_parse(&q, buf_span(&f->quote));
	struct span log = buf_span(&f->event_log);
	const struct quote_asked asked = {
		.report_data = o->report_data.n,
		.event_log = log.n,
		.policy = o->policy,
	};
	AUTO(grounds_fini)
	struct grounds g = { 0 };
	struct eventlog_identity identity;
	struct tee_verdict v;
	json_t *root;

	if (form && !is_snp(f))
		return refuse_form(o, &asked, form);
	if (load_grounds(&g, o, buf_span(&f->quote)))
		return CLI_USAGE;
	tee_verify(&v, &(struct tee_input){
			       .quote = buf_span(&f->quote),
			       .collateral = &g.view,
			       .anchors = g.anchors,
			       .anchor_count = g.anchor_count,
			       .policy = &g.policy,
			       .at = o->want.at,
		       });
	if (asked.report_data)
		tee_bind_report_data(&v, span_of(o->report_data.bytes,
						 o->report_data.n));
	if (asked.event_log) /* of a report it is refused */
		tee_bind_runtime_log(&v, &identity, log);
	root = is_snp(f) ? quote_snp_verdict(&v)
			 : quote_report_verdict(&v, v.at);
	if (asked.event_log && !v.reason)
		jset(root, "event_log", quote_report_identity(&identity));
	return give(&v, root, o, &asked);
}

static int show(const struct quote_options *o, const struct quote_file *f)
{
	struct span bytes = buf_span(&f->quote);
	struct snp_report report;
	struct quote q;
	json_t *root;
	enum tee_reason reason = is_snp(f) ? snp_parse(&report, bytes)
					   : quote_parse(&q, bytes);

	if (reason) /* nothing is refused: nothing was asked */
		return complain(&o->say, CLI_USAGE, COMPLAINT_MALFORMED,
				o->file, "%s: not a %s: %s", o->file,
				is_snp(f) ? "SEV-SNP report"
					  : "TDX or SGX quote",
				tee_reason_name(reason));
	root = is_snp(f) ? quote_snp_report(&report) : quote_report_quote(&q);
	if (o->is_json) {
		jset(root, "verified", json_false());
		jprint(stdout, root);
	} else {
		printf("UNVERIFIED: %s\n\n", o->file);
		quote_report_print(stdout, root);
	}
	json_decref(root);
	return CLI_OK;
}

/* Reads what follows the verb; *help when it was asked for. */
static int read_options(struct quote_options *o, bool *help, int argc,
			char **argv, bool is_show)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "collateral", required_argument, NULL, 'c' },
		{ "at", required_argument, NULL, 'a' },
		{ "root", required_argument, NULL, 'r' },
		{ "policy", required_argument, NULL, 'p' },
		{ "report-data", required_argument, NULL, 'd' },
		{ "ca-file", required_argument, NULL, 'C' },
		{ "update", required_argument, NULL, 'u' },
		{ "cache", required_argument, NULL, 'k' },
		{ 0 },
	};
	char error[REPORT_DATA_ERROR_MAX];
	const char *expected;
	bool is_mine;
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (is_show && strchr("carpdCuk", c))
			return complain_usage(&o->say,
					      "show takes --json only");
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
		else if (c == 'p')
			o->policy = optarg;
		else if (c == 'd') {
			if (!report_data_read(&o->report_data, optarg, error))
				return complain_usage(&o->say, "%s", error);
		} else if (c != 'a')
			return complain_usage(&o->say, "wrong arguments");
		else if (!text_utc(&o->want.at, span_str(optarg)))
			return complain_usage(&o->say,
					      "--at: expected a time such as "
					      "2026-03-01T00:00:00Z");
	}
	if (!*help && argc - optind != 1)
		return complain_usage(&o->say, "expected one file");
	o->file = argv[optind];
	o->say.is_json = o->is_json;
	return CLI_OK;
}

int cli_quote(int argc, char **argv)
{
	struct quote_options o = {
		.say = complainer_of("quote", argc, argv),
		.want = { .from = "/var/lib/postern/collateral",
			  .at = clock_unix_s() },
	};
	AUTO(quote_file_fini)
	struct quote_file f = { 0 };
	char error[QUOTE_FILE_ERROR_MAX];
	enum rc rc;
	bool is_show, help = argc > 1 && strcmp(argv[1], "--help") == 0;

	if (argc > 1 && strcmp(argv[1], "get") == 0)
		return cli_quote_get(argc - 1, argv + 1);
	is_show = argc > 1 && strcmp(argv[1], "show") == 0;
	if (!help && !is_show && (argc < 2 || strcmp(argv[1], "verify") != 0))
		return complain_usage(&o.say, "expected verify, show or get");
	if (!help && read_options(&o, &help, argc - 1, argv + 1, is_show))
		return CLI_USAGE;
	if (help) {
		fputs(quote_help, stdout);
		return CLI_OK;
	}
	rc = quote_file_argument(&f, o.file, error);
	if (rc)
		return complain(&o.say, CLI_USAGE, complaint_of_file(rc),
				o.file, "%s", error);
	return is_show ? show(&o, &f) : verify(&o, &f);
}
