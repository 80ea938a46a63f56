#include "certd/logread.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "http/fetch.h"
#include "io/clock.h"

enum {
	/* Then it is another log's turn. */
	TURN_REQUESTS = 64,
	TURN_MS = 5'000,
	TIMEOUT_MS = 15'000,
	QUIET_FAILURES = 3, /* in a row, before it is an alarm */
};

static const char *const kinds[FOLLOW_ALARM_COUNT] = {
	[FOLLOW_BAD_SIGNATURE] = "ct_log_bad_signature",
	[FOLLOW_INCONSISTENT] = "ct_log_inconsistent",
	[FOLLOW_ROOT_MISMATCH] = "ct_log_root_mismatch",
	[FOLLOW_STALE] = "ct_log_stale",
	[FOLLOW_FUTURE] = "ct_log_future",
	[FOLLOW_BAD_ANSWER] = "ct_log_bad_answer",
	[FOLLOW_NO_ANSWER] = "ct_log_no_answer",
	[FOLLOW_TOO_MANY_HEADS] = "ct_log_too_many_heads",
};

/* ---- what it tells */

static void keep(const struct logread_context *c,
		 const struct watchset_hit *hit, struct span bytes,
		 struct span der, uint64_t logged_at_ms)
{
	(void)pthread_mutex_lock(c->lock); /* cannot fail: not recursive */
	finds_add(c->finds, hit, bytes, der, FINDS_FROM_LOG, logged_at_ms);
	(void)pthread_mutex_unlock(c->lock); /* we hold it */
}

static void on_entry(void *arg, uint64_t index, const struct logentry *entry,
		     struct span leaf)
{
	struct logread *r = arg;
	const struct logread_context *c = r->context;
	struct watchset_hit hit, beside;
	struct span der;
	bool is_same;

	(void)index;
	r->has_moved = true;
	if (!entry) {
		hit = (struct watchset_hit){ .class = WATCHSET_MALFORMED };
		(void)watchset_look(&hit, c->names, leaf); /* says the same */
		keep(c, &hit, leaf, leaf, 0);
		return;
	}
	if (!watchset_look_entry(&hit, c->names, entry))
		return;
	der = entry->type == SCT_ENTRY_X509 ? entry->cert : entry->precert;
	/* A precertificate beside the entry is not what the tree holds. */
	is_same = hit.class != WATCHSET_MALFORMED &&
		  watchset_look(&beside, c->names, der) &&
		  beside.class != WATCHSET_MALFORMED &&
		  span_equal(SPAN_ARRAY(beside.tbs.b), SPAN_ARRAY(hit.tbs.b));
	keep(c, &hit,
	     entry->type == SCT_ENTRY_X509 ? entry->cert : entry->tbs,
	     is_same ? der : span_of(NULL, 0), entry->timestamp_ms);
}

static void on_head(void *arg, const struct sth *sth)
{
	struct logread *r = arg;

	(void)sth;
	r->has_moved = true;
}

static void on_proven(void *arg, const struct tree_head *head)
{
	struct logread *r = arg;

	(void)head;
	r->has_moved = true;
}

static void describe(char out[ALARM_TEXT_MAX], const struct follow_alarm *a)
{
	if (a->first && a->second)
		(void)snprintf(out, ALARM_TEXT_MAX,
			       "two signed heads cannot both be true: size "
			       "%llu and size %llu",
			       (unsigned long long)a->first->head.size,
			       (unsigned long long)a->second->head.size);
	else if (a->first)
		(void)snprintf(out, ALARM_TEXT_MAX,
			       "its head of size %llu, timestamp %llu",
			       (unsigned long long)a->first->head.size,
			       (unsigned long long)a->first->timestamp_ms);
	else if (a->status)
		(void)snprintf(out, ALARM_TEXT_MAX, "HTTP status %u",
			       a->status);
	else
		(void)snprintf(out, ALARM_TEXT_MAX, "%s",
			       follow_alarm_name(a->kind));
}

static bool is_passing(enum follow_alarm_kind kind)
{
	return kind == FOLLOW_NO_ANSWER || kind == FOLLOW_BAD_ANSWER;
}

static void on_alarm(void *arg, const struct follow_alarm *alarm)
{
	struct logread *r = arg;
	struct follow_status status;
	char text[ALARM_TEXT_MAX];

	follow_status(&status, r->follow);
	describe(text, alarm);
	log_event(r->context->log, LOG_WARN, "ct_log",
		  LSTR("log", r->about),
		  LSTR("says", follow_alarm_name(alarm->kind)),
		  LSTR("why", text));
	if (is_passing(alarm->kind) && status.failures < QUIET_FAILURES)
		return;
	r->is_convicted =
		r->is_convicted || follow_alarm_convicts(alarm->kind);
	alarm_raise(r->context->alarm, kinds[alarm->kind], r->about, text);
}

/* ---- asking */

/* The name that its checkpoints have: the submission prefix without scheme and
 * slash at the end (static-ct-api, "Checkpoints"). */
static struct span origin_of(const struct loglist_log *log)
{
	struct span url = log->submission_url, https = span_str("https://"),
		    http = span_str("http://");

	if (span_has_prefix(url, https))
		(void)rd_skip(&url, https.n); /* it has that prefix */
	else if (span_has_prefix(url, http))
		(void)rd_skip(&url, http.n);
	while (url.n && url.p[url.n - 1] == '/')
		url.n--;
	return url;
}

void logread_open(struct logread *out, const struct logread_context *context,
		  const struct loglist_log *log)
{
	*out = (struct logread){ .context = context, .log = log };
	memcpy(out->id.b, log->id, sizeof(out->id.b));
	(void)snprintf(out->about, sizeof(out->about), "%.*s", (int)log->url.n,
		       (const char *)log->url.p);
	out->follow = follow_new(&(struct follow_config){
		.is_tiled = log->is_tiled,
		.url = log->url,
		.spki = log->spki,
		.origin = origin_of(log),
		.start = FOLLOW_FROM_END,
		.poll_s = (unsigned)(context->config->interval_ms / 1000),
		.sink = { .arg = out,
			  .entry = on_entry,
			  .head = on_head,
			  .proven = on_proven,
			  .alarm = on_alarm },
	});
}

void logread_close(struct logread *r)
{
	follow_free(r->follow);
	r->follow = NULL;
}

static void ask_once(struct logread *r, const struct web_ask *ask)
{
	const struct fetch_options how = {
		.ca_file = r->context->config->ca,
		.timeout_ms = TIMEOUT_MS,
		.stop = &r->context->pulse->stop,
	};
	AUTO(web_answer_fini)
	struct web_answer answer = { 0 };
	char why[FETCH_ERROR_MAX];
	enum fetch_result got = fetch(&answer, why, ask, &how);

	if (got == FETCH_STOPPED)
		return;
	if (got != FETCH_OK)
		log_event(r->context->log, LOG_DEBUG, "ct_log_not_asked",
			  LSTR("why", why));
	follow_take(r->follow, got == FETCH_OK ? &answer : NULL,
		    clock_unix_s());
}

static void see_state(struct logread *r)
{
	struct follow_status status;
	struct alarm *a = r->context->alarm;

	follow_status(&status, r->follow);
	/* The newest head it signed is of a smaller tree than one before it:
	 * "each subsequent timestamp MUST be more recent", and the tree only
	 * grows (RFC 6962 §3.5). */
	if (status.signed_at_ms)
		alarm_set(a, status.signed_size < status.proven,
			  "ct_log_shrunk", r->about,
			  "its newest head is of a smaller tree than before");
	if (status.failures || !status.heard_at)
		return;
	alarm_over(a, kinds[FOLLOW_NO_ANSWER], r->about);
	alarm_over(a, kinds[FOLLOW_BAD_ANSWER], r->about);
	if (clock_unix_s() - (int64_t)(status.signed_at_ms / 1000) <
	    FOLLOW_STALE_S)
		alarm_over(a, kinds[FOLLOW_STALE], r->about);
}

void logread_turn(struct logread *r)
{
	AUTO(web_ask_fini)
	struct web_ask ask = { 0 };
	unsigned left = TURN_REQUESTS;
	uint64_t end_ms = clock_boot_ms() + TURN_MS;

	for (; left && !pulse_is_stopping(r->context->pulse); left--) {
		if (clock_boot_ms() >= end_ms) {
			left = 0;
			break;
		}
		if (follow_next(r->follow, &ask, &r->due, clock_unix_s()) ==
		    FOLLOW_WAIT)
			break;
		ask_once(r, &ask);
	}
	if (!left)
		r->due = clock_unix_s();
	see_state(r);
}
