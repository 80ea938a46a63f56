#include "cli/verify.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/verify_gather.h"
#include "cli/verify_material.h"
#include "cli/verify_report.h"
#include "evidence/memory.h"
#include "io/clock.h"
#include "io/file.h"

/* clang-format off */
static const char verify_help[] =
	"usage: postern verify NAME|URL [OPTION...]\n"
	"       postern verify --offline FILE [NAME] [OPTION...]\n"
	"\n"
	"Checks that what answers at NAME is what it says: TLS ends inside the "
	"hardware\n"
	"that signed for it, running the code that the policy names, and nobody "
	"else can\n"
	"have a certificate for the name.  One line a check, with the standard "
	"it enforces.\n"
	"\n"
	"  --policy FILE       what is asked (see postern-verify(1))\n"
	"  --json              for machines\n"
	"  --html FILE         the report as one page\n"
	"  --save FILE         keep what was seen, to judge it again\n"
	"  --offline FILE      judge what was saved, or a server's bundle\n"
	"  --trust-saved       believe who saved it, too: else it is not 0\n"
	"  --at TIME           judge as of 2026-03-01T00:00:00Z\n"
	"  --log-list FILE     CT logs (v3 JSON; its signature in FILE's .sig)\n"
	"  --log-list-key PEM  the key that signs that list\n"
	"  --source KIND=URL   where the history is asked: crt.sh, certspotter\n"
	"  --resolver ADDRESS  ask DNS there (default: from the root down)\n"
	"  --trust-anchor FILE DNSSEC anchors (default: the root's)\n"
	"  --ca-file PEM       roots of the web (default: the system's)\n"
	"  --connect ADDR:PORT go there instead of where NAME leads\n"
	"  --memory FILE       compare with the last visit, and remember this "
	"one\n"
	"  --timeout SECONDS   of all that is asked of the network (60)\n"
	"  --collateral DIR    the vendor's documents, where the evidence has "
	"none\n"
	"\n"
	"Exit status: 0 all hold, 1 refuted, 2 not all could be checked, "
	"3 usage.\n";
/* clang-format on */

enum {
	OUTPUT_MAX = 64 * 1024 * 1024,
};

static void auto_buf(struct buf *b)
{
	buf_fini(b);
}

/* ---- what there is to judge */

/*
 * Where the evidence has none: dstack's never has.  The folder's take the place
 * of all that a saved visit had.
 */
static void gather_collateral(struct gathered *out, struct arena *arena,
			      const struct verify_options *o)
{
	static const char *const names[] = {
		"root_ca.crl.der",
		"pck.crl.der",
		"tcb_info.json",
		"tcb_info_issuer_chain.pem",
		"qe_identity.json",
		"qe_identity_issuer_chain.pem",
	};
	struct bundle_items found = { .count = 0 };
	char error[COLLATERAL_ERROR_MAX], path[4096];

	static_assert(sizeof(names) / sizeof(names[0]) <= BUNDLE_ITEMS_MAX);
	if (!o->collateral)
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct bundle_item *item = &found.item[found.count];

		(void)snprintf(path, sizeof(path), "%s/%s", o->collateral,
			       names[i]);
		item->name = span_str(names[i]);
		if (verify_file(&item->bytes, arena, path, error))
			found.count++;
		else
			verify_miss("collateral", error);
	}
	if (found.count)
		out->collateral = found;
}

static void gather(struct gathered *out, struct arena *arena,
		   const struct verify_options *o,
		   const struct verify_grounds *g)
{
	out->host = span_str(o->host);
	out->at = o->has_at ? o->at : clock_unix_s();
	verify_gather_documents(out, arena, o);
	gather_collateral(out, arena, o);
	verify_gather_dns(out, arena, o, g);
	verify_gather_history(out, arena, o);
	verify_gather_crls(out, arena, o);
	verify_gather_logs(out, arena, o, &g->memory);
	/* Some of it is younger than the first question: a revocation list
	 * that was made meanwhile, a log's head. */
	if (!o->has_at)
		out->at = clock_unix_s();
}

/* A visit of another host than the one that was asked for is none of it. */
static int load_saved(struct gathered *out, struct arena *arena,
		      const struct verify_options *o, struct span text)
{
	if (gathered_read(out, arena, text))
		return complain(&o->say, CLI_VERIFY_USAGE, COMPLAINT_MALFORMED,
				o->offline, "%s: not as --save keeps it",
				o->offline);
	if (o->has_name && !span_equal_nocase(out->host, span_str(o->host)))
		return complain(&o->say, CLI_VERIFY_USAGE, COMPLAINT_UNFIT,
				o->offline, "%s: a visit of another host than "
					    "%s",
				o->offline, o->host);
	return CLI_OK;
}

static int load_bundle(struct gathered *out, const struct verify_options *o,
		       struct span text)
{
	if (!o->has_name)
		return complain(&o->say, CLI_VERIFY_USAGE, COMPLAINT_UNFIT,
				o->offline,
				"%s: a server's bundle: say for which NAME",
				o->offline);
	out->bundle = text;
	out->host = span_str(o->host);
	out->at = clock_unix_s();
	return CLI_OK;
}

/* What was saved, or a server's bundle as it is: then most is unknown. */
static int load(struct gathered *out, bool *is_saved, struct arena *arena,
		const struct verify_options *o)
{
	char error[COLLATERAL_ERROR_MAX];
	const struct cmw *top;
	struct span text;
	int status;

	if (!verify_file(&text, arena, o->offline, error))
		return complain(&o->say, CLI_VERIFY_USAGE, COMPLAINT_UNREADABLE,
				o->offline, "%s", error);
	if (cmw_read(&top, arena, text))
		return complain(&o->say, CLI_VERIFY_USAGE, COMPLAINT_MALFORMED,
				o->offline, "%s: neither saved evidence nor a "
					    "bundle",
				o->offline);
	*is_saved = gathered_is(top);
	status = *is_saved ? load_saved(out, arena, o, text)
			   : load_bundle(out, o, text);
	if (status)
		return status;
	if (o->has_at)
		out->at = o->at;
	gather_collateral(out, arena, o);
	return CLI_OK;
}

/* ---- what is remembered */

/* A file that is not there yet is the first visit. */
static int recall(struct verify_grounds *g, struct arena *arena,
		  const struct verify_options *o, struct span host)
{
	char error[COLLATERAL_ERROR_MAX];
	struct span text;

	if (!o->memory || (access(o->memory, F_OK) && errno == ENOENT))
		return CLI_OK;
	if (!verify_file(&text, arena, o->memory, error))
		return complain(&o->say, CLI_VERIFY_USAGE, COMPLAINT_UNREADABLE,
				o->memory, "%s", error);
	if (memory_read(&g->memory, arena, text, host))
		return complain(&o->say, CLI_VERIFY_USAGE, COMPLAINT_MALFORMED,
				o->memory, "%s: no memory of %.*s", o->memory,
				(int)host.n, (const char *)host.p);
	return CLI_OK;
}

/* Of a visit that refuted something, nothing is: what was known stays. */
static int remember(const struct verify_options *o, const struct reading *r,
		    const struct material_memory *before)
{
	AUTO(auto_buf)
	struct buf text;

	buf_init(&text, MEMORY_MAX);
	if (!r->has_core)
		return CLI_OK;
	if (!memory_write(&text, r, before) ||
	    file_replace(o->memory, buf_span(&text), 0600))
		return complain(&o->say, CLI_VERIFY_USAGE, COMPLAINT_OUTPUT,
				o->memory, "%s: cannot be written", o->memory);
	return CLI_OK;
}

/* ---- what is given */

static int save(const struct verify_options *o, const struct gathered *seen)
{
	AUTO(auto_buf)
	struct buf text;

	buf_init(&text, OUTPUT_MAX);
	if (gathered_write(&text, seen) ||
	    file_replace(o->save, buf_span(&text), 0644))
		return complain(&o->say, CLI_VERIFY_USAGE, COMPLAINT_OUTPUT,
				o->save, "%s: cannot be written", o->save);
	return CLI_OK;
}

static int write_html(const struct verify_options *o,
		      const struct verify_report *r)
{
	AUTO(auto_buf)
	struct buf text;

	buf_init(&text, OUTPUT_MAX);
	if (verify_write_html(&text, r) ||
	    file_replace(o->html, buf_span(&text), 0644))
		return complain(&o->say, CLI_VERIFY_USAGE, COMPLAINT_OUTPUT,
				o->html, "%s: cannot be written", o->html);
	return CLI_OK;
}

static int give(const struct verify_options *o, const struct reading *reading,
		const struct verify_grounds *g, bool is_saved)
{
	struct finding *findings =
		mem_new_array(checks_count, sizeof(*findings));
	struct verify_report r = { .reading = reading,
				   .findings = findings,
				   .is_offline = o->offline != NULL,
				   .saved_in = is_saved ? o->offline : NULL,
				   .is_saver_trusted = o->trust_saved };
	int status;

	checks_run(findings, checks, checks_count, reading);
	r.outcome = checks_outcome(findings, checks, checks_count, &g->rules);
	/* A saved visit can be one that never was, of any time. */
	if (r.outcome == CHECKS_HOLD && is_saved && !o->trust_saved)
		r.outcome = CHECKS_UNDECIDED;
	if (o->is_json)
		verify_print_json(stdout, &r);
	else
		verify_print_tree(stdout, &r, isatty(STDOUT_FILENO));
	status = o->html ? write_html(o, &r) : CLI_OK;
	free(findings);
	if (!status && o->memory && !o->offline &&
	    r.outcome != CHECKS_REFUTED)
		status = remember(o, reading, &g->memory);
	if (status)
		return status;
	/* CHECKS_HOLD, _REFUTED and _UNDECIDED are 0, 1 and 2 on purpose. */
	return (int)r.outcome;
}

static int run(const struct verify_options *o, struct verify_grounds *g,
	       struct arena *arena)
{
	struct gathered *seen = arena_new(arena, 1, sizeof(*seen));
	struct material *m = arena_new(arena, 1, sizeof(*m));
	struct reading *reading = arena_new(arena, 1, sizeof(*reading));
	bool is_saved = false;
	int status = verify_grounds_load(g, arena, o);

	if (status || !seen || !m || !reading)
		return CLI_VERIFY_USAGE;
	if (o->offline)
		status = load(seen, &is_saved, arena, o);
	if (!status)
		status = recall(g, arena, o,
				o->offline ? seen->host : span_str(o->host));
	if (!status && !o->offline)
		gather(seen, arena, o, g);
	if (!status && o->save)
		status = save(o, seen);
	if (status)
		return status;
	verify_material(m, arena, seen, g);
	reading_make(reading, arena, m);
	return give(o, reading, g, is_saved);
}

int cli_verify(int argc, char **argv)
{
	struct verify_options o = { .say = complainer_of("verify", argc,
							 argv) };
	struct verify_grounds g = { 0 };
	struct arena arena;
	int status;

	if (verify_options_read(&o, argc, argv))
		return CLI_VERIFY_USAGE;
	if (o.help) {
		fputs(verify_help, stdout);
		return CLI_OK;
	}
	arena_init(&arena, VERIFY_ARENA);
	status = run(&o, &g, &arena);
	verify_grounds_fini(&g);
	arena_fini(&arena);
	return status;
}
