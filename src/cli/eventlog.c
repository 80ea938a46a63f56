#include "cli/eventlog.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/complaint.h"
#include "cli/eventlog_report.h"
#include "cli/json.h"
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
	struct complainer say;
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

/* The file is read, and is not what is needed. */
static int unfit(const struct eventlog_options *o, const char *file,
		 const char *reason, const char *why)
{
	return complain(&o->say, CLI_USAGE, reason, file, "%s: %s", file, why);
}

static int load_quote(struct quote_file *out, const struct eventlog_options *o,
		      const char *path)
{
	char error[QUOTE_FILE_ERROR_MAX];
	enum rc rc = quote_file_argument(out, path, error);

	return rc ? complain(&o->say, CLI_USAGE, complaint_of_file(rc), path,
			     "%s", error)
		  : CLI_OK;
}

/* The object's quote is used unless another is named. */
static int load_object(struct input *in, const struct eventlog_options *o)
{
	AUTO(quote_file_fini)
	struct quote_file object = { 0 };

	if (quote_file_parse(&object, buf_span(&in->log)))
		return unfit(o, o->file, COMPLAINT_MALFORMED,
			     "expected a JSON object whose \"quote\" is hex or "
			     "base64");
	buf_reset(&in->log);
	if (!buf_span(&object.event_log).n)
		return unfit(o, o->file, COMPLAINT_MALFORMED,
			     "no \"event_log\" in it");
	if (!buf_add(&in->log, buf_span(&object.event_log)))
		return unfit(o, o->file, COMPLAINT_MALFORMED,
			     "its event log is too large");
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
		return unfit(o, o->file, COMPLAINT_UNREADABLE, file_why(rc));
	log = buf_span(&in->log);
	if (log.n && log.p[0] == '{' && load_object(in, o))
		return CLI_USAGE;
	return o->quote ? load_quote(&in->with, o, o->quote) : CLI_OK;
}

static void print(const struct eventlog_report *r,
		  const struct eventlog_options *o)
{
	const json_t *detail = json_object_get(r->root, "detail");

	if (o->is_json) {
		jprint(stdout, r->root);
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
	const char *of = o->quote ? o->quote : o->file;
	enum tee_reason reason = TEE_OK;
	struct quote q;

	if (load(&in, o))
		return CLI_USAGE;
	if (!eventlog_report_read(&r, buf_span(&in.log)))
		return unfit(o, o->file, COMPLAINT_MALFORMED,
			     "not an event log, or not strictly of its form");
	if (buf_span(&in.with.quote).n) {
		reason = quote_parse(&q, buf_span(&in.with.quote));
		if (reason)
			return unfit(o, of, COMPLAINT_MALFORMED,
				     tee_reason_name(reason));
		if (q.tee != QUOTE_TDX)
			return unfit(o, of, COMPLAINT_UNFIT,
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
	struct eventlog_options o = {
		.say = complainer_of("eventlog", argc, argv),
	};
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
			return complain_usage(&o.say, "wrong arguments");
	}
	if (argc - optind != 2 || strcmp(argv[optind], "show") != 0)
		return complain_usage(&o.say, "expected show and one file");
	o.say.is_json = o.is_json;
	o.file = argv[optind + 1];
	return show(&o);
}
