#include "cli/quote.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/text.h"
#include "cli/collateral_open.h"
#include "cli/quote_get.h"
#include "cli/quote_report.h"
#include "cli/quote_snp.h"
#include "cli/report_data.h"
#include "io/clock.h"
#include "quoting/collateral_dir.h"
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
	const char *file, *collateral, *root, *policy, *ca_file, *cache;
	struct report_data report_data;
	enum pcs_update update;
	uint32_t evaluation;
	int64_t at;
	bool is_json;
};

/* What a verification stands on. */
struct grounds {
	struct collateral_files files;
	struct tee_anchor anchor;
	struct arena arena; /* of the policy */
	struct tee_policy policy;
};

static void grounds_fini(struct grounds *g)
{
	collateral_fini(&g->files);
	arena_fini(&g->arena);
}

static int unusable(const char *error)
{
	fprintf(stderr, "postern quote: %s\n", error);
	return CLI_USAGE;
}

static int load_policy(struct grounds *g, const char *path)
{
	char error[POLICY_ERROR_MAX];

	if (policy_load(&g->policy, &g->arena, path, NULL, error))
		return unusable(error);
	return CLI_OK;
}

static int load_grounds(struct grounds *g, const struct quote_options *o,
			struct span quote)
{
	char error[COLLATERAL_ERROR_MAX];
	bool is_there;

	g->policy = tee_policy_default;
	g->anchor = tee_anchor_intel;
	arena_init(&g->arena, POLICY_ARENA_MAX);
	if (o->policy && load_policy(g, o->policy))
		return CLI_USAGE;
	if (o->root && collateral_simulated_anchor(&g->anchor, o->root, error))
		return unusable(error);
	is_there = collateral_open(&g->files,
				   &(struct collateral_want){
					   .from = o->collateral,
					   .quote = quote,
					   .anchor = g->anchor,
					   .at = o->at,
					   .ca_file = o->ca_file,
					   .cache = o->cache,
					   .update = o->update,
					   .evaluation = o->evaluation,
				   },
				   error);
	if (error[0])
		fprintf(stderr, "postern quote: collateral: %s\n", error);
	return is_there ? CLI_OK : CLI_USAGE;
}

static void print_json(const json_t *root)
{
	(void)json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
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
		print_json(root);
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

static int verify_snp(const struct quote_options *o, const struct quote_file *f)
{
	struct span log = buf_span(&f->event_log);
	const struct quote_asked asked = {
		.report_data = o->report_data.n,
		.event_log = log.n,
		.policy = o->policy,
	};
	AUTO(grounds_fini)
	struct grounds g = { .policy = tee_policy_default };
	struct eventlog_identity identity;
	struct tee_verdict v;
	char error[256];

	arena_init(&g.arena, POLICY_ARENA_MAX);
	if (o->policy && load_policy(&g, o->policy))
		return CLI_USAGE;
	if (!quote_snp_verify(&v, buf_span(&f->quote), o->collateral, o->root,
			      &g.policy, o->at, error))
		return unusable(error);
	if (asked.report_data)
		tee_bind_report_data(&v, span_of(o->report_data.bytes,
						 o->report_data.n));
	if (asked.event_log)
		tee_bind_runtime_log(&v, &identity, log); /* refuses */
	return give(&v, quote_snp_verdict(&v), o, &asked);
}

/* What has not the form of a quote is refused whatever it would rest on. */
static int refuse_form(const struct quote_options *o,
		       const struct quote_asked *asked, enum tee_reason reason)
{
	struct tee_verdict v = { .reason = reason, .at = o->at };

	(void)snprintf(v.detail, sizeof(v.detail), "not a TDX or SGX quote");
	return give(&v, quote_report_verdict(&v, o->at), o, asked);
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
	struct tee_collateral view;
	struct tee_verdict v;
	json_t *root;

	if (is_snp(f))
		return verify_snp(o, f);
	if (form)
		return refuse_form(o, &asked, form);
	if (load_grounds(&g, o, buf_span(&f->quote)))
		return CLI_USAGE;
	view = collateral_view(&g.files);
	/* Beside a chain of the quote's own it could only disagree. */
	if (q.certification_type != QUOTE_CERTIFICATION_CHAIN)
		view.pck_chain = buf_span(&g.files.pck_chain);
	tee_verify(&v, &(struct tee_input){
			       .quote = buf_span(&f->quote),
			       .collateral = &view,
			       .anchors = &g.anchor,
			       .anchor_count = 1,
			       .policy = &g.policy,
			       .at = o->at,
		       });
	if (asked.report_data)
		tee_bind_report_data(&v, span_of(o->report_data.bytes,
						 o->report_data.n));
	if (asked.event_log)
		tee_bind_runtime_log(&v, &identity, log);
	root = quote_report_verdict(&v, o->at);
	if (asked.event_log && !v.reason)
		(void)json_object_set_new(root, "event_log",
					  quote_report_identity(&identity));
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

	if (reason) {
		fprintf(stderr, "postern quote: %s: not a %s: %s\n", o->file,
			is_snp(f) ? "SEV-SNP report" : "TDX or SGX quote",
			tee_reason_name(reason));
		return CLI_USAGE; /* nothing is refused: nothing was asked */
	}
	root = is_snp(f) ? quote_snp_report(&report) : quote_report_quote(&q);
	if (o->is_json) {
		(void)json_object_set_new(root, "verified", json_false());
		print_json(root);
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
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (is_show && strchr("carpdCuk", c))
			return cli_usage("quote", "show takes --json only");
		if (c == 'j')
			o->is_json = true;
		else if (c == 'h')
			*help = true;
		else if (c == 'c')
			o->collateral = optarg;
		else if (c == 'r')
			o->root = optarg;
		else if (c == 'p')
			o->policy = optarg;
		else if (c == 'C')
			o->ca_file = optarg;
		else if (c == 'k')
			o->cache = optarg;
		else if (c == 'u' &&
			 !pcs_update_parse(&o->update, &o->evaluation,
					   span_str(optarg)))
			return cli_usage("quote", "--update: expected early, "
						  "standard or a number");
		else if (c == 'u')
			continue;
		else if (c == 'd') {
			if (!report_data_read(&o->report_data, optarg, error))
				return cli_usage("quote", "%s", error);
		} else if (c != 'a')
			return cli_usage("quote", "wrong arguments");
		else if (!text_utc(&o->at, span_str(optarg)))
			return cli_usage("quote", "--at: expected a time such "
						  "as 2026-03-01T00:00:00Z");
	}
	if (!*help && argc - optind != 1)
		return cli_usage("quote", "expected one file");
	o->file = argv[optind];
	return CLI_OK;
}

int cli_quote(int argc, char **argv)
{
	struct quote_options o = {
		.collateral = "/var/lib/postern/collateral",
		.at = clock_unix_s(),
	};
	AUTO(quote_file_fini)
	struct quote_file f = { 0 };
	char error[QUOTE_FILE_ERROR_MAX];
	bool is_show, help = argc > 1 && strcmp(argv[1], "--help") == 0;

	if (argc > 1 && strcmp(argv[1], "get") == 0)
		return cli_quote_get(argc - 1, argv + 1);
	is_show = argc > 1 && strcmp(argv[1], "show") == 0;
	if (!help && !is_show && (argc < 2 || strcmp(argv[1], "verify") != 0))
		return cli_usage("quote", "expected verify, show or get");
	if (!help && read_options(&o, &help, argc - 1, argv + 1, is_show))
		return CLI_USAGE;
	if (help) {
		fputs(quote_help, stdout);
		return CLI_OK;
	}
	if (quote_file_argument(&f, o.file, error))
		return unusable(error);
	return is_show ? show(&o, &f) : verify(&o, &f);
}
