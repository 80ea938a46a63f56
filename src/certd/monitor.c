#include "certd/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "certd/monitoring.h"
#include "io/clock.h"
#include "io/file.h"
#include "pki/pem.h"

enum {
	ARENA_MAX = 32 * 1024 * 1024,
	KEY_MAX = 16 * 1024,
	TOKEN_MAX = 4096,
	SIGNATURE_MAX = 4096,
	PATH_MAX_LEN = 4096,
};

/* ---- the list of logs */

static void close_logs(struct monitor *m)
{
	for (size_t i = 0; i < m->log_count; i++)
		logread_close(&m->logs[i]);
	free(m->logs);
	m->logs = NULL;
	m->log_count = 0;
}

/* "x.json" is signed by "x.sig". */
static bool is_signed(struct monitor *m, struct span text)
{
	AUTO(buf_fini)
	struct buf signature = { 0 };
	const char *list = m->o.config->ct.list;
	size_t n = strlen(list);
	char path[PATH_MAX_LEN];

	if (m->list_key.max == 0)
		return true;
	if (n > 5 && strcmp(list + n - 5, ".json") == 0)
		n -= 5;
	if (snprintf(path, sizeof(path), "%.*s.sig", (int)n, list) >=
	    (int)sizeof(path))
		return false;
	buf_init(&signature, SIGNATURE_MAX);
	return !file_read(&signature, path) &&
	       loglist_signed(text, buf_span(&signature),
			      buf_span(&m->list_key));
}

static bool is_followed(const struct loglist_log *log)
{
	return log->state != LOGLIST_RETIRED && log->state != LOGLIST_REJECTED;
}

/* Something may be forgotten: until regain(). */
static void lose(struct monitor *m, const char *why)
{
	finds_lose(&m->finds);
	for (size_t i = 0; i < m->source_count; i++)
		m->sources[i].has_been_whole = false;
	alarm_raise(m->o.alarm, "ct_found_lost", "", why);
}

static void resume_one(struct monitor *m, const uint8_t id[SCT_LOG_ID_LEN],
		       struct span position, struct span record)
{
	for (size_t i = 0; i < m->log_count; i++) {
		struct logread *r = &m->logs[i];

		if (!span_equal(SPAN_ARRAY(r->id.b),
				span_of(id, SCT_LOG_ID_LEN)))
			continue;
		if (!follow_resume(r->follow, position))
			return;
		alarm_raise(m->o.alarm, "ct_positions_lost", r->about,
			    "not readable");
		lose(m, "a log's position is not readable");
		return;
	}
	(void)buf_add(&m->others, record); /* all of them have room */
}

static void resume(struct monitor *m)
{
	AUTO(buf_fini)
	struct buf all = { 0 };
	struct span left, position;
	uint8_t id[SCT_LOG_ID_LEN];
	enum seal_reason reason;
	bool is_lost;

	buf_init(&all, MONITOR_SEALED_MAX);
	buf_fini(&m->others);
	buf_init(&m->others, MONITOR_SEALED_MAX);
	reason = custody_get(m->o.custody, MONITOR_POSITIONS, &all);
	is_lost = reason && reason != SEAL_ABSENT;
	alarm_set(m->o.alarm, is_lost, "ct_positions_lost", "",
		  seal_reason_name(reason));
	if (is_lost)
		lose(m, "positions in logs are lost");
	left = buf_span(&all);
	while (!reason) {
		const uint8_t *from = left.p;

		if (!rd_copy(&left, id, sizeof(id)) ||
		    !rd_vec24(&left, &position))
			break;
		resume_one(m, id, position,
			   span_of(from, (size_t)(left.p - from)));
	}
}

static void open_logs(struct monitor *m)
{
	m->context = (struct logread_context){
		.config = &m->o.config->ct,
		.log = m->o.log,
		.alarm = m->o.alarm,
		.pulse = &m->pulse,
		.names = m->names,
		.finds = &m->finds,
		.lock = &m->finds_lock,
	};
	if (!m->o.config->ct.follow)
		return;
	m->logs = mem_new_array(m->list.count + 1, sizeof(*m->logs));
	for (size_t i = 0; i < m->list.count; i++)
		if (is_followed(&m->list.logs[i]))
			logread_open(&m->logs[m->log_count++], &m->context,
				     &m->list.logs[i]);
	resume(m);
}

static enum rc read_list(struct monitor *m, char error[NODE_ERROR_MAX])
{
	const char *path = m->o.config->ct.list;
	struct buf text = { 0 };
	struct sha256 hash;
	enum rc rc;

	buf_init(&text, LOGLIST_MAX);
	rc = file_read(&text, path);
	sha256_of(&hash, buf_span(&text));
	if (!rc && m->has_list &&
	    span_equal(SPAN_ARRAY(hash.b), SPAN_ARRAY(m->list_hash.b))) {
		buf_fini(&text);
		return RC_OK;
	}
	if (rc)
		error_set(error, "ct.list: %s: %s", path, file_why(rc));
	if (!rc && !is_signed(m, buf_span(&text))) {
		error_set(error, "ct.list: %s: ct.list_key did not sign it",
			  path);
		rc = RC_DENIED;
	}
	if (rc) {
		buf_fini(&text);
		return rc;
	}
	close_logs(m);
	arena_fini(&m->list_arena);
	buf_fini(&m->list_text);
	m->list_text = text;
	rc = loglist_read(&m->list, &m->list_arena, buf_span(&m->list_text));
	m->has_list = rc == RC_OK;
	if (rc) {
		m->list.count = 0;
		error_set(error, "ct.list: %s: %s", path, rc_name(rc));
		return rc;
	}
	m->list_hash = hash;
	open_logs(m);
	return RC_OK;
}

/* ---- opening */

static enum rc read_key(struct monitor *m, char error[NODE_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf pem = { 0 };
	const char *path = m->o.config->ct.list_key;
	uint8_t room[KEY_MAX];
	struct wr w = WR_ARRAY(room);
	struct span der;
	enum rc rc;

	if (!path)
		return RC_OK;
	buf_init(&pem, KEY_MAX);
	rc = file_read(&pem, path);
	if (!rc)
		rc = pem_decode(&der, 1, &w, PEM_PUBLIC_KEY, buf_span(&pem));
	if (rc) {
		error_set(error, "ct.list_key: %s: %s", path, rc_name(rc));
		return rc;
	}
	buf_init(&m->list_key, KEY_MAX);
	return buf_add(&m->list_key, der) ? RC_OK : RC_LIMIT;
}

static enum rc name_names(struct monitor *m, char error[NODE_ERROR_MAX])
{
	const struct conf_list *list = &m->o.config->certificates;
	const struct config_certificate *all = list->items;

	for (size_t i = 0; i < list->count; i++)
		for (size_t k = 0; k < all[i].names.count; k++) {
			const char *name = all[i].names.of[k].text;

			if (!watchset_add_name(m->names, span_str(name),
					       WATCHSET_NAME))
				continue;
			error_set(error, "%s cannot be watched", name);
			return RC_MALFORMED;
		}
	return RC_OK;
}

/* What a certificate has to say to be for this name of ours. */
static struct watchset *watchset_of(const struct pins_name *name)
{
	struct watchset *w = watchset_new();
	char star[sizeof(name->text) + 2];

	(void)snprintf(star, sizeof(star), "*.%s", name->text);
	/* name_names() has added all of these once. */
	if (name->has_plain)
		(void)watchset_add_name(w, span_str(name->text),
					WATCHSET_NAME);
	if (name->has_wildcard)
		(void)watchset_add_name(w, span_str(star), WATCHSET_NAME);
	return w;
}

/* since_open() knows that they are not too many. */
static void name_pins(struct monitor *m)
{
	const struct conf_list *list = &m->o.config->certificates;
	const struct config_certificate *all = list->items;

	for (size_t i = 0; i < list->count; i++)
		(void)pins_add_names(m->pins, &all[i].names);
	for (size_t k = 0; k < m->pins->name_count; k++)
		m->pinned[k] = watchset_of(&m->pins->names[k]);
}

static void recall(struct monitor *m)
{
	AUTO(buf_fini)
	struct buf bytes = { 0 };
	enum seal_reason reason;

	buf_init(&bytes, MONITOR_SEALED_MAX);
	reason = custody_get(m->o.custody, MONITOR_FOUND, &bytes);
	if (!reason && finds_read(&m->finds, buf_span(&bytes)))
		reason = (enum seal_reason)FORM_MALFORMED;
	if (reason && reason != SEAL_ABSENT)
		lose(m, seal_reason_name(reason));
	else if (m->finds.is_lost)
		lose(m, "before an earlier start");
}

/* What would be dropped at once takes nobody's room. */
static bool is_history(const struct watchset_hit *hit)
{
	return hit->class != WATCHSET_MALFORMED &&
	       hit->cert.not_after < clock_unix_s() - FINDS_EXPIRED_S;
}

static void on_found(void *arg, struct span der, uint64_t logged_at_ms)
{
	struct monitor_source *s = arg;
	struct watchset_hit hit;

	if (!watchset_look(&hit, s->monitor->names, der) || is_history(&hit))
		return;
	(void)pthread_mutex_lock(&s->monitor->finds_lock); /* cannot fail */
	finds_add(&s->monitor->finds, &hit, der, der, s->number, logged_at_ms);
	(void)pthread_mutex_unlock(&s->monitor->finds_lock); /* we hold it */
}

/* A file of one line has a newline at its end. */
static struct span line_of(const struct buf *b)
{
	struct span s = buf_span(b);

	while (s.n && s.p[s.n - 1] <= ' ')
		s.n--;
	return s;
}

/* Without its rows seen, everything is asked for again. */
static void recall_source(struct monitor *m, struct monitor_source *s)
{
	AUTO(buf_fini)
	struct buf bytes = { 0 };
	char purpose[FORM_PURPOSE_MAX + 1];

	if (m->finds.is_lost)
		return;
	buf_init(&bytes, MONITOR_SEALED_MAX);
	custody_purpose(purpose, "ct-source", s->config->url);
	if (!custody_get(m->o.custody, purpose, &bytes))
		(void)aggregator_read(s->aggregator, buf_span(&bytes));
}

static enum rc open_sources(struct monitor *m, char error[NODE_ERROR_MAX])
{
	const struct conf_list *list = &m->o.config->ct.aggregators;
	const struct config_source *all = list->items;

	for (size_t i = 0; i < list->count; i++) {
		struct monitor_source *s = &m->sources[m->source_count++];

		*s = (struct monitor_source){ .monitor = m,
					      .config = &all[i],
					      .number = (unsigned)i };
		buf_init(&s->token, TOKEN_MAX);
		if (all[i].token_file &&
		    file_read(&s->token, all[i].token_file)) {
			error_set(error, "ct.aggregators[%zu].token_file: %s",
				  i, all[i].token_file);
			return RC_SYS;
		}
		s->aggregator = aggregator_new(&(struct aggregator_config){
			.kind = all[i].kind == CONFIG_CRTSH
					? AGGREGATOR_CRTSH
					: AGGREGATOR_CERTSPOTTER,
			.url = span_str(all[i].url),
			.token = line_of(&s->token),
			.names = m->names,
			.arg = s,
			.found = on_found,
		});
		recall_source(m, s);
	}
	return RC_OK;
}

enum rc monitor_new(struct monitor **out, const struct monitor_options *o,
		    char error[NODE_ERROR_MAX])
{
	struct monitor *m = mem_new(sizeof(*m));
	enum rc rc = RC_OK;

	m->o = *o;
	pulse_init(&m->pulse);
	(void)pthread_mutex_init(&m->finds_lock, NULL); /* cannot fail here */
	arena_init(&m->list_arena, LOGLIST_ARENA);
	m->names = watchset_new();
	m->pins = mem_new(sizeof(*m->pins));
	name_pins(m);
	m->view = mem_new(sizeof(*m->view));
	m->proofs = mem_new_array(SIGHTINGS_PROOFS_MAX, sizeof(*m->proofs));
	if (o->config->ct.list) {
		recall(m);
		rc = name_names(m, error);
		if (!rc)
			rc = read_key(m, error);
		if (!rc)
			rc = read_list(m, error);
		if (!rc)
			rc = open_sources(m, error);
	}
	if (rc) {
		monitor_free(m);
		return rc;
	}
	*out = m;
	return RC_OK;
}

void monitor_free(struct monitor *m)
{
	if (!m)
		return;
	if (m->is_running) {
		pulse_stop(&m->pulse);
		(void)pthread_join(m->thread, NULL);
	}
	close_logs(m);
	for (size_t i = 0; i < m->source_count; i++) {
		aggregator_free(m->sources[i].aggregator);
		buf_wipe(&m->sources[i].token);
	}
	finds_fini(&m->finds);
	watchset_free(m->names);
	for (size_t k = 0; k < m->pins->name_count; k++)
		watchset_free(m->pinned[k]);
	free(m->pins);
	arena_fini(&m->list_arena);
	buf_fini(&m->list_text);
	buf_fini(&m->list_key);
	buf_fini(&m->others);
	pulse_fini(&m->pulse);
	(void)pthread_mutex_destroy(&m->finds_lock); /* nobody holds it */
	free(m->view);
	free(m->proofs);
	free(m);
}

/* ---- a round */

/* All of them told all they know, since what was found was lost. */
static void regain(struct monitor *m)
{
	if (!m->finds.is_lost || m->source_count == 0)
		return;
	for (size_t i = 0; i < m->source_count; i++)
		if (!m->sources[i].has_been_whole)
			return;
	m->finds.is_lost = false;
	m->finds.has_changed = true;
	alarm_over(m->o.alarm, "ct_found_lost", "");
}

static int64_t next_turn(const struct monitor *m)
{
	int64_t at = clock_unix_s() +
		     (int64_t)(m->o.config->ct.interval_ms / 1000);

	for (size_t i = 0; i < m->log_count; i++)
		if (m->logs[i].due < at)
			at = m->logs[i].due;
	for (size_t i = 0; i < m->source_count; i++)
		if (m->sources[i].due < at)
			at = m->sources[i].due;
	return at;
}

static void round_once(struct monitor *m)
{
	AUTO(arena_fini)
	struct arena arena;
	char error[NODE_ERROR_MAX] = "";

	arena_init(&arena, ARENA_MAX);
	alarm_set(m->o.alarm, read_list(m, error) != RC_OK, "ct_list_bad", "",
		  error);
	monitor_turns(m);
	regain(m);
	monitor_keep(m);
	if (pulse_is_stopping(&m->pulse))
		return;
	/* After reading: a key is in the history before a CA hears of it. */
	monitor_learn(m, &arena);
	monitor_judge(m);
	/* After it: an alarm does not wait for a CA's list. */
	if (monitor_revoked(m)) {
		(void)monitor_keep_finds(m); /* the next round tries again */
		monitor_judge(m);
	}
	monitor_prove(m);
	monitor_tell(m);
	m->keys = NULL; /* the arena's */
}

static void *run(void *arg)
{
	struct monitor *m = arg;

	do
		round_once(m);
	while (pulse_wait(&m->pulse, next_turn(m) * 1000));
	return NULL;
}

enum rc monitor_start(struct monitor *m)
{
	if (!m->o.config->ct.list)
		return RC_OK;
	if (pthread_create(&m->thread, NULL, run, m) != 0)
		return RC_SYS;
	m->is_running = true;
	return RC_OK;
}
