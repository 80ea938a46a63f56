#include "cli/quote_get.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/report_data.h"
#include "io/file.h"
#include "quoting/source.h"

static const char get_help[] =
	"usage: postern quote get [OPTION...]\n"
	"\n"
	"Makes a quote of this machine, which must be a TDX guest: through "
	"configfs-tsm or,\n"
	"before Linux 6.7, /dev/tdx_guest and the host's quote service.  It "
	"takes root.\n"
	"\n"
	"  --report-data HEX|FILE  at most 64 bytes that the quote carries, "
	"such as the\n"
	"                          hash of a challenge (default zeros: bound "
	"to nothing)\n"
	"  --output FILE           write it there (default standard output, as "
	"hex on a\n"
	"                          terminal)\n"
	"  --hex                   as hex everywhere\n"
	"  --simulator SOCKET      a SIMULATED platform's socket, where there "
	"is no TDX\n"
	"\n"
	"Exit status: 0 made, 1 no source of quotes or it failed, 2 arguments "
	"unusable, or\nthe quote could not be written.\n";

enum {
	OUTPUT_MODE = 0644, /* a quote is no secret */
};

struct get_options {
	struct report_data report_data;
	const char *output, *simulator;
	bool is_hex, wants_help;
};

static int read_options(struct get_options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "report-data", required_argument, NULL, 'd' },
		{ "output", required_argument, NULL, 'o' },
		{ "hex", no_argument, NULL, 'x' },
		{ "simulator", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	char error[REPORT_DATA_ERROR_MAX];
	int c;

	optind = 1;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'd') {
			if (!report_data_read(&o->report_data, optarg, error))
				return cli_usage("quote", "%s", error);
		} else if (c == 'o') {
			o->output = optarg;
		} else if (c == 'x') {
			o->is_hex = true;
		} else if (c == 's') {
			o->simulator = optarg;
		} else if (c == 'h') {
			o->wants_help = true;
		} else {
			return cli_usage("quote", "wrong arguments");
		}
	}
	return argc == optind ? CLI_OK
			      : cli_usage("quote", "get takes no file");
}

static int failed(const char *what, const char *why)
{
	fprintf(stderr, "postern quote: %s: %s\n", what, why);
	return CLI_REFUSED;
}

static int unwritable(const char *path)
{
	fprintf(stderr, "postern quote: %s: %s\n", path, strerror(errno));
	return CLI_USAGE;
}

static int no_source(const char *error)
{
	fprintf(stderr,
		"postern quote: %s\n"
		"A quote can be made only inside a TDX guest whose kernel has "
		"one of these.\n",
		error);
	return CLI_REFUSED;
}

static const char *why_not(enum rc rc)
{
	if (rc == RC_SYS)
		return strerror(errno);
	if (rc == RC_CLOSED)
		return "the platform does not answer";
	return rc_name(rc);
}

static int write_quote(const struct get_options *o, struct span quote)
{
	const bool is_hex = o->is_hex ||
			    (!o->output && isatty(STDOUT_FILENO));
	AUTO(buf_fini)
	struct buf text = { 0 };
	struct span out = quote;

	if (is_hex) {
		size_t room;
		uint8_t *at;
		struct wr w;

		buf_init(&text, 2 * (size_t)QUOTE_MAX + 1);
		at = buf_space(&text, 2 * quote.n + 1, &room);
		w = wr_over(at, room);
		text_hex(&w, quote);
		wr_u8(&w, '\n');
		out = wr_span(&w);
	}
	if (o->output && file_replace(o->output, out, OUTPUT_MODE))
		return unwritable(o->output);
	if (!o->output &&
	    (fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout)))
		return unwritable("standard output");
	return CLI_OK;
}

static void source_free(struct quote_source **s)
{
	quote_source_free(*s);
}

int cli_quote_get(int argc, char **argv)
{
	struct get_options o = { 0 };
	AUTO(source_free)
	struct quote_source *source = NULL;
	AUTO(buf_fini)
	struct buf quote = { 0 };
	char error[256];
	enum rc rc;

	if (read_options(&o, argc, argv))
		return CLI_USAGE;
	if (o.wants_help) {
		fputs(get_help, stdout);
		return CLI_OK;
	}
	if (quote_source_open(&source,
			      &(struct quote_source_options){
				      .simulator = o.simulator,
			      },
			      error))
		return no_source(error);
	buf_init(&quote, QUOTE_MAX);
	rc = quote_source_get(source, &quote, o.report_data.bytes);
	if (rc)
		return failed(quote_source_name(source), why_not(rc));
	if (quote_source_is_simulated(source))
		fputs("postern quote: a SIMULATED quote\n", stderr);
	return write_quote(&o, buf_span(&quote));
}
