#include "cli/collateral.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/collateral_open.h"
#include "cli/collateral_report.h"
#include "cli/complaint.h"
#include "quoting/quote_file.h"
#include "io/clock.h"
#include "io/file.h"
#include "pcs/bundle.h"
#include "pcs/served.h"

static const char collateral_help[] =
	"usage: postern collateral fetch URL (--quote FILE | --fmspc HEX) "
	"[OPTION...]\n"
	"       postern collateral numbers URL [OPTION...]\n"
	"       postern collateral show [DIR|FILE] [OPTION...]\n"
	"       postern collateral import FILE... [OPTION...]\n"
	"       postern collateral export FILE [OPTION...]\n"
	"\n"
	"Intel's documents about platforms.  fetch has them from Intel's "
	"service\n"
	"(" PCS_INTEL ") or a cache of it (PCCS); numbers\n"
	"lists the TCB evaluation data numbers on offer; show says what a "
	"folder or a\n"
	"bundle holds; export writes a folder to one file, and import reads "
	"such files,\n"
	"and those of dcap-qvl.  Nothing is stored that does not verify.\n"
	"\n"
	"  --dir DIR        the folder (default /var/lib/postern/collateral)\n"
	"  --quote FILE     of this quote's platform\n"
	"  --fmspc HEX      of this family of platforms, 12 digits\n"
	"  --tee tdx|sgx    with --fmspc, and for numbers (default tdx)\n"
	"  --ca NAME        with --fmspc: platform or processor, the CA of its "
	"PCK\n"
	"                   certificates (default platform)\n"
	"  --update WHICH   early, standard, or an evaluation data number\n"
	"  --ca-file PEM    roots of the server's certificate (default the "
	"system's)\n"
	"  --timeout S      seconds for each document (default 30)\n"
	"  --root PEM       trust this SIMULATED root instead of Intel's\n"
	"  --allow-older    accept an older state than was seen before\n"
	"  --at TIME        judge as of 2026-03-01T00:00:00Z (default now)\n"
	"  --json           show, numbers: for machines\n"
	"\n"
	"Exit status: 0 done, 1 refused or not to be had, 2 a file, a folder "
	"or the\n"
	"arguments unusable.\n";

struct collateral_options {
	struct complainer say;
	const char *dir, *quote, *ca_file, *root;
	struct pcs_key key;
	bool has_fmspc, allows_older, is_json;
	unsigned timeout_ms;
	int64_t at;
	struct tee_anchor anchor;
	char **files;
	int file_count;
};

/* Refused or not to be had; where the folder is to blame, not decided. */
static int refused(const struct collateral_options *o, enum pcs_reason reason,
		   const char *detail)
{
	return complain(&o->say, reason == PCS_STORE ? CLI_USAGE : CLI_REFUSED,
			pcs_reason_name(reason), NULL, "%s: %s",
			pcs_reason_name(reason), detail);
}

static int unusable(const struct collateral_options *o, const char *reason,
		    const char *file, const char *error)
{
	return complain(&o->say, CLI_USAGE, reason, file, "%s", error);
}

static struct cache_terms terms_of(const struct collateral_options *o)
{
	return (struct cache_terms){
		.anchors = &o->anchor,
		.anchor_count = 1,
		.now = o->at,
		.allows_older = o->allows_older,
	};
}

static bool source_of(struct pcs_source *out,
		      const struct collateral_options *o)
{
	*out = (struct pcs_source){ .ca_file = o->ca_file,
				    .timeout_ms = o->timeout_ms };
	return o->file_count == 1 &&
	       pcs_server_parse(&out->server, span_str(o->files[0]));
}

/* ---- fetch */

static int key_from_quote(struct collateral_options *o)
{
	AUTO(quote_file_fini)
	struct quote_file f = { 0 };
	char error[QUOTE_FILE_ERROR_MAX];
	enum rc rc = quote_file_argument(&f, o->quote, error);

	if (rc)
		return unusable(o, complaint_of_file(rc), o->quote, error);
	if (!collateral_key_of(&o->key, buf_span(&f.quote)))
		return complain_usage(&o->say, "%s: no quote that names its "
					       "platform",
				      o->quote);
	return CLI_OK;
}

static int fetch(struct collateral_options *o)
{
	struct cache_terms terms = terms_of(o);
	struct tee_prepared_info info = { 0 };
	struct pcs_error why = { 0 };
	struct pcs_source source;

	if (!source_of(&source, o))
		return complain_usage(&o->say, "expected one URL such as %s",
				      PCS_INTEL);
	if (o->has_fmspc == (o->quote != NULL))
		return complain_usage(&o->say,
				      "expected either --quote or --fmspc");
	if (o->quote && key_from_quote(o))
		return CLI_USAGE;
	if (refresh_now(&info, &why, &source, &o->key, o->dir, &terms)) {
		int status = refused(o, why.reason, why.detail);

		if (why.retry_after_s)
			fprintf(stderr, "the server asks to wait %u seconds\n",
				why.retry_after_s);
		return status;
	}
	collateral_report_line(stdout, &info);
	return CLI_OK;
}

/* ---- numbers */

static int numbers(struct collateral_options *o)
{
	AUTO(buf_fini)
	struct buf body = { 0 };
	AUTO(buf_fini)
	struct buf chain = { 0 };
	AUTO(buf_fini)
	struct buf crl = { 0 };
	AUTO(buf_fini)
	struct buf none = { 0 };
	struct tee_signed_document d = { .name = "tcbEvaluationDataNumbers" };
	char detail[TEE_DETAIL_MAX] = "";
	struct pcs_error why = { 0 };
	struct pcs_source source;
	struct span object;
	enum tee_reason reason;

	if (!source_of(&source, o))
		return complain_usage(&o->say, "expected one URL such as %s",
				      PCS_INTEL);
	buf_init(&body, COLLATERAL_ITEM_MAX);
	buf_init(&chain, COLLATERAL_ITEM_MAX);
	buf_init(&crl, COLLATERAL_ITEM_MAX);
	if (fetch_item(&body, &chain, &why, &source, PCS_EVALUATIONS, &o->key,
		       o->at) ||
	    fetch_item(&crl, &none, &why, &source, PCS_ROOT_CRL, &o->key,
		       o->at))
		return refused(o, why.reason, why.detail);
	d.text = buf_span(&body);
	d.chain = buf_span(&chain);
	d.root_crl = buf_span(&crl);
	reason = tee_document_open(&object, detail, &d, &o->anchor, 1, o->at);
	if (reason)
		return complain(&o->say, CLI_REFUSED, tee_reason_name(reason),
				NULL, "%s: %s", tee_reason_name(reason),
				detail);
	if (!collateral_report_numbers(stdout, object, o->key.tee, o->at,
				       o->is_json))
		return refused(o, PCS_FORM,
			       "TCB evaluation data numbers: not of their "
			       "form, of another TEE, or expired");
	return CLI_OK;
}

/* ---- show */

static int show_bundle(struct collateral_report *r,
		       const struct collateral_options *o, const char *path,
		       const struct cache_terms *terms)
{
	AUTO(bundle_fini)
	struct bundle b = { 0 };
	char error[COLLATERAL_ERROR_MAX];
	enum rc rc = collateral_read_bundle(&b, path, error);

	if (rc)
		return unusable(o, complaint_of_file(rc), path, error);
	for (size_t i = 0; i < b.count; i++)
		collateral_report_set(r, NULL, &b.sets[i], terms);
	return CLI_OK;
}

static void show_set(struct collateral_report *r, const char *dir,
		     const uint8_t *fmspc, const struct cache_terms *terms)
{
	AUTO(collateral_fini)
	struct collateral_files files = { 0 };
	char error[256];

	if (served_load(&files, dir, fmspc, error))
		collateral_report_broken(r, fmspc, error);
	else
		collateral_report_set(r, fmspc, &files, terms);
}

static int show_folder(struct collateral_report *r, const char *dir,
		       const struct cache_terms *terms)
{
	uint8_t list[CACHE_SETS_MAX][PCS_FMSPC_LEN];
	size_t n = cache_list(list, dir);
	char path[PATH_MAX];

	for (size_t i = 0; i < n; i++)
		show_set(r, dir, list[i], terms);
	/* The one set of a folder without sub-folders. */
	if (snprintf(path, sizeof(path), "%s/tcb_info.json", dir) <
		    (int)sizeof(path) &&
	    access(path, F_OK) == 0)
		show_set(r, dir, NULL, terms);
	return CLI_OK;
}

static int show(struct collateral_options *o)
{
	const char *from = o->file_count ? o->files[0] : o->dir;
	struct cache_terms terms = terms_of(o);
	AUTO(collateral_report_fini)
	struct collateral_report r = { 0 };
	struct stat st;

	if (o->file_count > 1)
		return complain_usage(&o->say, "show takes one folder or file");
	/* What cannot be listed would be an empty folder. */
	if (stat(from, &st) || access(from, R_OK))
		return complain(&o->say, CLI_USAGE, COMPLAINT_UNREADABLE, from,
				"%s: %s", from, strerror(errno));
	collateral_report_init(&r);
	if (S_ISDIR(st.st_mode) ? show_folder(&r, from, &terms)
				: show_bundle(&r, o, from, &terms))
		return CLI_USAGE;
	collateral_report_print(stdout, &r, o->is_json);
	return collateral_report_is_good(&r) ? CLI_OK : CLI_REFUSED;
}

/* ---- import and export */

static int import_file(const struct collateral_options *o, const char *path)
{
	AUTO(bundle_fini)
	struct bundle b = { 0 };
	struct cache_terms terms = terms_of(o);
	char error[COLLATERAL_ERROR_MAX];
	int status = CLI_OK;
	enum rc rc = collateral_read_bundle(&b, path, error);

	if (rc)
		return unusable(o, complaint_of_file(rc), path, error);
	if (!b.count)
		return complain(&o->say, CLI_USAGE, COMPLAINT_EMPTY, path,
				"%s: no set of documents in it", path);
	for (size_t i = 0; i < b.count; i++) {
		struct tee_prepared_info info = { 0 };
		struct pcs_error why = { 0 };

		if (cache_store(&info, &why, o->dir, NULL, &b.sets[i],
				&terms)) {
			fprintf(stderr,
				"postern collateral: %s: set %zu: %s: %s\n",
				path, i + 1, pcs_reason_name(why.reason),
				why.detail);
			if (why.reason == PCS_STORE)
				return CLI_USAGE;
			status = CLI_REFUSED;
		} else {
			collateral_report_line(stdout, &info);
		}
	}
	return status;
}

static int import(struct collateral_options *o)
{
	int status = CLI_OK;

	if (!o->file_count)
		return complain_usage(&o->say, "expected a file to import");
	for (int i = 0; i < o->file_count; i++) {
		int one = import_file(o, o->files[i]);

		status = one > status ? one : status;
	}
	return status;
}

/* The sets of the folder, or the one of --fmspc. */
static bool collect(struct bundle *b, const struct collateral_options *o,
		    char error[256])
{
	uint8_t list[CACHE_SETS_MAX][PCS_FMSPC_LEN];
	size_t n = cache_list(list, o->dir);

	b->sets = mem_new_array(n + 1, sizeof(*b->sets));
	for (size_t i = 0; i < n; i++) {
		if (o->has_fmspc && !span_equal(SPAN_ARRAY(list[i]),
						SPAN_ARRAY(o->key.fmspc)))
			continue;
		if (served_load(&b->sets[b->count], o->dir, list[i], error))
			return false;
		b->count++;
	}
	(void)snprintf(error, 256, "%s: no set of documents there", o->dir);
	return b->count != 0;
}

static int export(struct collateral_options *o)
{
	AUTO(bundle_fini)
	struct bundle b = { 0 };
	AUTO(buf_fini)
	struct buf text;
	char error[256] = "";

	buf_init(&text, BUNDLE_MAX);
	if (o->file_count != 1)
		return complain_usage(&o->say, "expected one file to write");
	if (!collect(&b, o, error))
		return unusable(o, COMPLAINT_EMPTY, o->dir, error);
	if (bundle_write(&text, b.sets, b.count))
		return complain(&o->say, CLI_USAGE, COMPLAINT_UNFIT, o->dir,
				"%s: does not fit into a bundle", o->dir);
	if (file_replace(o->files[0], buf_span(&text), 0644))
		return complain(&o->say, CLI_USAGE, COMPLAINT_OUTPUT,
				o->files[0], "%s: %s", o->files[0],
				strerror(errno));
	printf("%s: %zu set%s\n", o->files[0], b.count,
	       b.count == 1 ? "" : "s");
	return CLI_OK;
}

/* ---- arguments */

static const struct option options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ "dir", required_argument, NULL, 'd' },
	{ "quote", required_argument, NULL, 'q' },
	{ "fmspc", required_argument, NULL, 'f' },
	{ "tee", required_argument, NULL, 't' },
	{ "ca", required_argument, NULL, 'c' },
	{ "update", required_argument, NULL, 'u' },
	{ "ca-file", required_argument, NULL, 'C' },
	{ "timeout", required_argument, NULL, 's' },
	{ "root", required_argument, NULL, 'r' },
	{ "allow-older", no_argument, NULL, 'o' },
	{ "at", required_argument, NULL, 'a' },
	{ 0 },
};

static const struct {
	const char *name;
	int (*run)(struct collateral_options *o);
	const char *takes; /* of the letters above */
} verbs[] = {
	{ "fetch", fetch, "hdqftcuCsroa" },
	{ "numbers", numbers, "hjtCsra" },
	{ "show", show, "hjdra" },
	{ "import", import, "hdroa" },
	{ "export", export, "hdf" },
};

enum {
	VERB_COUNT = sizeof(verbs) / sizeof(verbs[0]),
	TIMEOUT_MAX_S = 3600,
};

/* One of two words. */
static bool read_word(bool *is_second, const char *first, const char *second)
{
	*is_second = strcmp(optarg, second) == 0;
	return *is_second || strcmp(optarg, first) == 0;
}

/* What was expected, or NULL when the option is read. */
static const char *read_option(struct collateral_options *o, int c)
{
	uint64_t seconds = 0;
	bool is_second;

	switch (c) {
	case 'f':
		o->has_fmspc = text_hex_decode(o->key.fmspc,
					       sizeof(o->key.fmspc),
					       span_str(optarg));
		return o->has_fmspc ? NULL : "--fmspc: expected 12 hex digits";
	case 't':
		if (!read_word(&is_second, "tdx", "sgx"))
			return "--tee: expected tdx or sgx";
		o->key.tee = is_second ? QUOTE_SGX : QUOTE_TDX;
		return NULL;
	case 'c':
		if (!read_word(&is_second, "platform", "processor"))
			return "--ca: expected platform or processor";
		o->key.ca = is_second ? PCS_CA_PROCESSOR : PCS_CA_PLATFORM;
		return NULL;
	case 'u':
		return pcs_update_parse(&o->key.update, &o->key.evaluation,
					span_str(optarg))
			       ? NULL
			       : "--update: expected early, standard or a "
				 "number";
	case 's':
		if (!text_u64(&seconds, span_str(optarg), TIMEOUT_MAX_S) ||
		    !seconds)
			return "--timeout: expected 1 to 3600 seconds";
		o->timeout_ms = (unsigned)seconds * 1000;
		return NULL;
	default:
		return text_utc(&o->at, span_str(optarg))
			       ? NULL
			       : "--at: expected a time such as "
				 "2026-03-01T00:00:00Z";
	}
}

static int read_options(struct collateral_options *o, bool *help,
			const char *takes, int argc, char **argv)
{
	const char *expected;
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == '?')
			return complain_usage(&o->say, "wrong arguments");
		if (!strchr(takes, c))
			return complain_usage(&o->say,
					      "%s: not an option of %s",
					      argv[optind - 1], argv[0]);
		if (c == 'j')
			o->is_json = true;
		else if (c == 'h')
			*help = true;
		else if (c == 'd')
			o->dir = optarg;
		else if (c == 'q')
			o->quote = optarg;
		else if (c == 'C')
			o->ca_file = optarg;
		else if (c == 'r')
			o->root = optarg;
		else if (c == 'o')
			o->allows_older = true;
		else if ((expected = read_option(o, c)))
			return complain_usage(&o->say, "%s", expected);
	}
	o->say.is_json = o->is_json;
	o->files = argv + optind;
	o->file_count = argc - optind;
	return CLI_OK;
}

int cli_collateral(int argc, char **argv)
{
	struct collateral_options o = {
		.say = complainer_of("collateral", argc, argv),
		.dir = "/var/lib/postern/collateral",
		.key = { .tee = QUOTE_TDX },
		.at = clock_unix_s(),
		.anchor = tee_anchor_intel,
	};
	char error[256];
	bool help = argc > 1 && strcmp(argv[1], "--help") == 0;
	size_t v = 0;

	while (!help && v < VERB_COUNT &&
	       (argc < 2 || strcmp(argv[1], verbs[v].name) != 0))
		v++;
	if (v == VERB_COUNT)
		return complain_usage(&o.say, "expected fetch, numbers, show, "
					      "import or export");
	if (!help &&
	    read_options(&o, &help, verbs[v].takes, argc - 1, argv + 1))
		return CLI_USAGE;
	if (help) {
		fputs(collateral_help, stdout);
		return CLI_OK;
	}
	if (o.root && collateral_simulated_anchor(&o.anchor, o.root, error))
		return unusable(&o, COMPLAINT_ROOT, o.root, error);
	return verbs[v].run(&o);
}
