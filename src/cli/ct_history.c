#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/ct.h"
#include "cli/fmt.h"
#include "cli/json.h"
#include "ct/aggregator.h"
#include "ct/report.h"
#include "ct/revocation.h"
#include "evidence/core.h"
#include "http/fetch.h"
#include "io/clock.h"
#include "io/file.h"

static const char history_help[] =
	"usage: postern ct history NAME [OPTION...]\n"
	"\n"
	"Every certificate that was ever logged for a name, as aggregators "
	"tell it: ours,\n"
	"expired, revoked (by the CA's signed list) or live, what can be done "
	"about a live\n"
	"one, and the date from which nobody else has one.\n"
	"\n"
	"  --core FILE     evidence that lists our keys and certificates\n"
	"                  (default: none: each is another's)\n"
	"  --source K=URL  crt.sh=URL or certspotter=URL instead of those two;"
	" again for\n"
	"                  more\n"
	"  --ca FILE       roots of their servers' certificates\n"
	"  --report FOLDER writes a problem report for each live one that only "
	"its CA can\n"
	"                  revoke\n"
	"  --revoke        asks postern-cert to revoke what it found to be "
	"foreign and\n"
	"                  can prove control of\n"
	"  --admin SOCKET  of postern-cert (default /run/postern/cert.sock)\n"
	"  --json          for machines\n"
	"\n"
	"Exit status: 0 safe, 1 not or not yet, or a source was silent,\n"
	"2 arguments unusable.\n";

enum {
	SOURCES_MAX = 8,
	ARENA_MAX = 8 * 1024 * 1024,
	REPORT_MODE = 0644,
};

struct source {
	bool is_certspotter;
	const char *url;
};

struct work {
	const char *name, *core_path, *ca, *reports, *admin;
	bool is_json, is_help, is_revoking;
	struct source sources[SOURCES_MAX];
	size_t source_count;

	struct arena arena;
	struct buf core_text;
	struct evidence_core core;
	bool has_core;
	struct watchset *names;
	struct history *history;
	struct history_summary summary;
	unsigned source; /* that is being asked */
	int64_t now;
};

/* ---- arguments */

static bool add_source(struct work *w, const char *text)
{
	struct source *s = &w->sources[w->source_count];
	const char *eq = strchr(text, '=');

	if (!eq || w->source_count == SOURCES_MAX)
		return false;
	s->is_certspotter = strncmp(text, "certspotter=", 12) == 0;
	if (!s->is_certspotter && strncmp(text, "crt.sh=", 7) != 0)
		return false;
	s->url = eq + 1;
	w->source_count++;
	return true;
}

static bool read_options(struct work *w, int argc, char **argv)
{
	static const struct option known[] = {
		{ "core", required_argument, NULL, 'c' },
		{ "source", required_argument, NULL, 's' },
		{ "ca", required_argument, NULL, 'a' },
		{ "report", required_argument, NULL, 'r' },
		{ "admin", required_argument, NULL, 'A' },
		{ "revoke", no_argument, NULL, 'R' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == '?' || (c == 's' && !add_source(w, optarg)))
			return false;
		if (c == 'c')
			w->core_path = optarg;
		else if (c == 'a')
			w->ca = optarg;
		else if (c == 'r')
			w->reports = optarg;
		else if (c == 'A')
			w->admin = optarg;
		else if (c == 'R')
			w->is_revoking = true;
		else if (c == 'j')
			w->is_json = true;
		else if (c == 'h')
			w->is_help = true;
	}
	if (w->is_help)
		return true;
	if (optind + 1 != argc)
		return false;
	w->name = argv[optind];
	return true;
}

/* ---- whose they are */

/* False, after a line, when the core cannot be read. */
static bool learn(struct work *w)
{
	enum rc rc;

	if (!w->core_path)
		return true;
	buf_init(&w->core_text, CORE_MAX);
	rc = file_read(&w->core_text, w->core_path);
	if (!rc)
		rc = evidence_core_read(&w->core, &w->arena,
					buf_span(&w->core_text));
	if (rc) {
		fprintf(stderr, "postern ct: %s: %s\n", w->core_path,
			rc_name(rc));
		return false;
	}
	w->has_core = true;
	for (size_t i = 0; i < w->core.key_count; i++) {
		const struct core_key *k = &w->core.keys[i];

		/* What does not fit is shown as another's. */
		(void)watchset_add(w->names, WATCHSET_OUR_KEY, &k->spki);
		for (size_t n = 0; n < k->tbs_count; n++)
			(void)watchset_add(w->names, WATCHSET_OUR_TBS,
					   &k->tbs[n]);
	}
	return true;
}

/* ---- asking */

static void on_found(void *arg, struct span der, uint64_t logged_at_ms)
{
	struct work *w = arg;

	/* A failure is kept there, of the source. */
	(void)history_add(w->history, w->source, der, logged_at_ms);
}

static bool get(struct work *w, struct web_answer *out,
		const struct web_ask *ask)
{
	const struct fetch_options how = { .ca_file = w->ca };
	char why[FETCH_ERROR_MAX];

	if (fetch(out, why, ask, &how) == FETCH_OK)
		return true;
	fprintf(stderr, "postern ct: %s\n", why);
	return false;
}

static void ask_source(struct work *w, const struct source *s)
{
	struct aggregator *a = aggregator_new(&(struct aggregator_config){
		.kind = s->is_certspotter ? AGGREGATOR_CERTSPOTTER
					  : AGGREGATOR_CRTSH,
		.url = span_str(s->url),
		.names = w->names,
		.arg = w,
		.found = on_found,
	});
	AUTO(web_ask_fini)
	struct web_ask ask = { 0 };
	struct aggregator_status status;

	aggregator_begin(a);
	while (aggregator_next(a, &ask)) {
		AUTO(web_answer_fini)
		struct web_answer answer = { 0 };
		bool is_there = get(w, &answer, &ask);

		(void)aggregator_take(a, is_there ? &answer : NULL);
	}
	aggregator_status(&status, a);
	aggregator_free(a);
	if (status.worst == AGGREGATOR_OK) {
		history_source_done(w->history, w->source);
		return;
	}
	history_source_failed(w->history, w->source);
	fprintf(stderr, "postern ct: %s: %s\n", s->url,
		aggregator_answer_name(status.worst));
}

/* ---- revocation, by the list that the certificate points to */

static void ask_revoked(struct work *w, const struct history_cert *c)
{
	AUTO(revocation_fini)
	struct revocation r = { 0 };
	struct span url;
	size_t max;

	revocation_begin(&r, &c->view);
	while (revocation_next(&r, &url, &max)) {
		AUTO(web_ask_fini)
		struct web_ask ask = { 0 };
		AUTO(web_answer_fini)
		struct web_answer answer = { 0 };
		bool is_there = !web_ask_init(&ask, WEB_GET, url, max) &&
				get(w, &answer, &ask) && answer.status == 200;

		revocation_take(&r,
				is_there ? buf_span(&answer.body)
					 : span_of(NULL, 0),
				/* A list may be newer than our beginning. */
				clock_unix_s());
	}
	if (r.state == REVOCATION_ANSWERED)
		history_crl(w->history, &c->tbs, r.answer, &r.entry);
}

/* Without a core nothing is pinned yet: as if it were done now. */
static int64_t pinned_at(const struct work *w)
{
	int64_t at = w->now;

	if (w->has_core)
		at = core_pinned_at(&w->core, span_str(w->name));
	return at == CORE_NEVER ? 0 : at;
}

static void gather(struct work *w)
{
	static const struct source usual[] = {
		{ false, "https://crt.sh" },
		{ true, "https://api.certspotter.com" },
	};
	const struct source *from = w->source_count ? w->sources : usual;
	size_t count = w->source_count ? w->source_count : 2;

	for (; w->source < count; w->source++)
		ask_source(w, &from[w->source]);
	for (size_t i = 0; i < history_count(w->history); i++) {
		const struct history_cert *c = history_at(w->history, i);

		if (history_state_of(c, w->now) == HISTORY_LIVE)
			ask_revoked(w, c);
	}
	history_summarize(&w->summary, w->history, pinned_at(w), 0, w->now);
}

/* ---- telling */

static const char *hex_of(struct arena *a, const struct sha256 *hash)
{
	char hex[2 * sizeof(hash->b) + 1] = "";
	struct wr w = wr_over(hex, sizeof(hex) - 1);

	text_hex(&w, SPAN_ARRAY(hash->b));
	return fmt(a, "%s", hex);
}

static const char *utc_of(struct arena *a, int64_t at)
{
	char text[32] = "";
	struct wr w = wr_over(text, sizeof(text) - 1);

	text_utc_write(&w, at);
	return fmt(a, "%s", text);
}

static const char *plain(struct arena *a, struct span s)
{
	char text[512] = "";
	struct wr w = wr_over(text, sizeof(text) - 1);

	text_escape(&w, s, 120);
	return fmt(a, "%s", text);
}

static enum history_power power_of(struct work *w, const struct history_cert *c)
{
	/* Control and accounts are postern-cert's; here is neither. */
	return history_power_of(c, &(struct history_means){ 0 }, w->now);
}

static bool write_report(struct work *w, const struct history_cert *c)
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	const struct report_facts facts = {
		.account_uri = w->has_core ? w->core.account.uri
					   : span_of(NULL, 0),
		.holds_at = w->has_core ? w->core.timeline.t1 : 0,
		.now = w->now,
	};
	const char *path = fmt(&w->arena, "%s/%s.txt", w->reports,
			       hex_of(&w->arena, &c->tbs));

	buf_init(&text, REPORT_MAX);
	if (report_write(&text, c, &facts) &&
	    !file_replace(path, buf_span(&text), REPORT_MODE))
		return true;
	fprintf(stderr, "postern ct: %s: cannot be written\n", path);
	return false;
}

/* What the CA's list says of it, and why that is no answer where it is none. */
static void add_revocation(json_t *one, const struct history_cert *c)
{
	json_object_set_new(one, "revocation",
			    json_string(c->has_crl_answer
						? webcrl_answer_name(c->crl)
						: "no_answer"));
	if (!c->has_crl_answer || c->crl != WEBCRL_REVOKED)
		return;
	jset_time(one, "revoked_at", c->revoked.revoked_at);
	json_object_set_new(one, "reason",
			    json_string(webcrl_reason_name(c->revoked.reason)));
}

static json_t *one_of(struct work *w, const struct history_cert *c)
{
	struct arena *a = &w->arena;
	struct span who = c->view.issuer_organization;
	enum history_state state = history_state_of(c, w->now);
	json_t *one = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b}", "tbs",
		hex_of(a, &c->tbs), "state",
		history_state_name(state), "class",
		watchset_class_name(c->class), "can",
		history_power_name(power_of(w, c)), "issuer", plain(a, who),
		"not_before", utc_of(a, c->view.not_before), "not_after",
		utc_of(a, c->view.not_after), "precertificate", !c->has_final);

	if (state == HISTORY_LIVE || state == HISTORY_REVOKED)
		add_revocation(one, c);
	return one;
}

/* "by ISSUER, FROM to UNTIL" is followed by what is known beside. */
static void print_rest(const json_t *at)
{
	bool is_revoked = strcmp(jtext(at, "state"), "revoked") == 0;

	if (jtrue(at, "precertificate"))
		printf(", precertificate");
	if (is_revoked)
		printf(", since %s (%s)", jtext(at, "revoked_at"),
		       jtext(at, "reason"));
	else if (jtext(at, "revocation")[0])
		printf(", revocation %s", jtext(at, "revocation"));
	if (strcmp(jtext(at, "can"), "nothing_to_do") != 0)
		printf(": %s", jtext(at, "can"));
	printf("\n");
}

static void print(json_t *all)
{
	json_t *at;
	size_t i;

	json_array_foreach(json_object_get(all, "certificates"), i, at)
	{
		printf("%-8s %s  by %s, %s to %s", jtext(at, "state"),
		       jtext(at, "tbs"), jtext(at, "issuer"),
		       jtext(at, "not_before"), jtext(at, "not_after"));
		print_rest(at);
	}
	printf("%s", jtext(all, "verdict"));
	if (jtext(all, "safe_at")[0])
		printf(", from %s; without looking at revocation from %s",
		       jtext(all, "safe_at"),
		       jtext(all, "safe_at_without_crl"));
	printf("\n");
}

/* False: something could not be written. */
static bool tell(struct work *w)
{
	json_t *list = json_array();
	json_t *all = json_pack("{s:s, s:s, s:o}", "name", w->name, "verdict",
				history_verdict_name(w->summary.verdict),
				"certificates", list);
	bool is_good = true;

	for (size_t i = 0; i < history_count(w->history); i++) {
		const struct history_cert *c = history_at(w->history, i);

		json_array_append_new(list, one_of(w, c));
		if (w->reports && power_of(w, c) == HISTORY_BY_REPORT)
			is_good = write_report(w, c) && is_good;
	}
	if (w->summary.safe_at) {
		jset_time(all, "safe_at", w->summary.safe_at);
		jset_time(all, "safe_at_without_crl",
			  w->summary.safe_at_without_crl);
	}
	if (w->is_json)
		jprint(stdout, all);
	else
		print(all);
	json_decref(all);
	return is_good;
}

/* What became of it is in the audit log. */
static bool revoke(struct work *w)
{
	char error[ASK_ERROR_MAX];
	json_t *answer = NULL;
	enum rc rc = ask(&answer, w->admin, "POST", "/v1/ct/revoke", error);

	json_decref(answer);
	if (rc)
		fprintf(stderr, "postern ct: %s: %s\n", w->admin, error);
	else
		fprintf(stderr, "postern ct: %s: asked to revoke\n", w->admin);
	return rc == RC_OK;
}

static void work_fini(struct work *w)
{
	history_free(w->history);
	watchset_free(w->names);
	buf_fini(&w->core_text);
	arena_fini(&w->arena);
}

int cli_ct_history(int argc, char **argv)
{
	AUTO(work_fini)
	struct work w = { .now = clock_unix_s(),
			  .admin = "/run/postern/cert.sock" };

	arena_init(&w.arena, ARENA_MAX);
	if (!read_options(&w, argc, argv))
		return cli_usage("ct", "history: expected NAME and its "
				       "options; see --help");
	if (w.is_help) {
		fputs(history_help, stdout);
		return CLI_OK;
	}
	w.names = watchset_new();
	w.history = history_new(w.names);
	if (watchset_add_name(w.names, span_str(w.name), WATCHSET_NAME))
		return cli_usage("ct", "'%s' is no name", w.name);
	if (!learn(&w))
		return CLI_USAGE;
	gather(&w);
	if (!tell(&w))
		return CLI_USAGE;
	if (w.is_revoking && !revoke(&w))
		return CLI_REFUSED;
	return w.summary.verdict == HISTORY_SAFE ? CLI_OK : CLI_REFUSED;
}
