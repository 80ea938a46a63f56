#include "cli/eventlog.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/eventlog_report.h"
#include "quoting/quote_file.h"
#include "io/file.h"

static const char eventlog_help[] =
	"usage: postern eventlog show FILE [--quote FILE] [--json]\n"
	"\n"
	"Shows an event log and the registers RTMR0..3 it leads to.  FILE is "
	"a firmware's\n"
	"log (/sys/firmware/acpi/tables/data/CCEL), a JSON array of events, "
	"or a JSON\n"
	"object with a \"quote\" and an \"event_log\", which are then "
	"compared.\n"
	"\n"
	"  --quote FILE  compare with this quote's registers; the quote itself "
	"is NOT\n"
	"                verified, see `postern help quote`\n"
	"  --json        for machines\n"
	"\n"
	"Exit status: 0 shown and no disagreement, 1 log and quote disagree,\n"
	"2 input or arguments unusable.\n";

struct eventlog_options {
	const char *file, *quote;
	bool is_json;
};

/* The log, and the quote to compare it with if there is one. */
struct input {
	struct buf log;
	struct quote_file with; /* its quote is empty: none */
};

static void input_fini(struct input *in)
{
	buf_fini(&in->log);
	quote_file_fini(&in->with);
}

static int unusable(const char *file, const char *why)
{
	fprintf(stderr, "postern eventlog: %s%s%s\n", file ? file : "",
		file ? ": " : "", why);
	return CLI_USAGE;
}

static int load_quote(struct quote_file *out, const char *path)
{
	char error[QUOTE_FILE_ERROR_MAX];

	return quote_file_argument(out, path, error) ? unusable(NULL, error)
						     : CLI_OK;
}

/* The object's quote is used unless another is named. */
static int load_object(struct input *in, const struct eventlog_options *o)
{
	AUTO(quote_file_fini)
	struct quote_file object = { 0 };

	if (load_quote(&object, o->file))
		return CLI_USAGE;
	buf_reset(&in->log);
	if (!buf_span(&object.event_log).n)
		return unusable(o->file, "no \"event_log\" in it");
	if (!buf_add(&in->log, buf_span(&object.event_log)))
		return unusable(o->file, "its event log is too large");
	if (!o->quote) {
		in->with = object;
		object = (struct quote_file){ 0 };
	}
	return CLI_OK;
}

static int load(struct input *in, const struct eventlog_options *o)
{
	enum rc rc;
	struct span log;

	buf_init(&in->log, CCEL_MAX);
	rc = file_read_argument(&in->log, o->file);
	if (rc)
		return unusable(o->file, file_why(rc));
	log = buf_span(&in->log);
	if (log.n && log.p[0] == '{' && load_object(in, o))
		return CLI_USAGE;
	return o->quote ? load_quote(&in->with, o->quote) : CLI_OK;
}

static void print(const struct eventlog_report *r,
		  const struct eventlog_options *o)
{
	const json_t *detail = json_object_get(r->root, "detail");

	if (o->is_json) {
		(void)json_dumpf(r->root, stdout, JSON_INDENT(2));
		putchar('\n');
		return;
	}
	if (detail)
		printf("%s: %s: %s (UNVERIFIED quote)\n\n",
		       json_is_true(json_object_get(r->root, "agrees"))
			       ? "AGREES"
			       : "DISAGREES",
		       o->file, json_string_value(detail));
	eventlog_report_print(stdout, r->root);
}

static int show(const struct eventlog_options *o)
{
	AUTO(input_fini)
	struct input in = { 0 };
	AUTO(eventlog_report_fini)
	struct eventlog_report r = { 0 };
	enum tee_reason reason = TEE_OK;
	struct quote q;

	if (load(&in, o))
		return CLI_USAGE;
	if (!eventlog_report_read(&r, buf_span(&in.log)))
		return unusable(o->file, "not an event log, or not strictly "
					 "of its form");
	if (buf_span(&in.with.quote).n) {
		reason = quote_parse(&q, buf_span(&in.with.quote));
		if (reason)
			return unusable(o->quote ? o->quote : o->file,
					tee_reason_name(reason));
		if (q.tee != QUOTE_TDX)
			return unusable(o->quote ? o->quote : o->file,
					"an SGX quote has no such registers");
		reason = eventlog_report_compare(&r, &q, buf_span(&in.log));
	}
	print(&r, o);
	return reason ? CLI_REFUSED : CLI_OK;
}

int cli_eventlog(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ "quote", required_argument, NULL, 'q' },
		{ 0 },
	};
	struct eventlog_options o = { 0 };
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(eventlog_help, stdout);
			return CLI_OK;
		}
		if (c == 'j')
			o.is_json = true;
		else if (c == 'q')
			o.quote = optarg;
		else
			return CLI_USAGE;
	}
	if (argc - optind != 2 || strcmp(argv[optind], "show") != 0)
		return cli_usage("eventlog", "expected show and one file");
	o.file = argv[optind + 1];
	return show(&o);
}
