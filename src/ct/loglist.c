#include "ct/loglist.h"

#include "base/text.h"
#include "json/jtree.h"

static const char *const states[] = {
	[LOGLIST_PENDING] = "pending",
	[LOGLIST_QUALIFIED] = "qualified",
	[LOGLIST_USABLE] = "usable",
	[LOGLIST_READONLY] = "readonly",
	[LOGLIST_RETIRED] = "retired",
	[LOGLIST_REJECTED] = "rejected",
};

enum {
	STATES = sizeof(states) / sizeof(states[0]),
	PAST_MAX = 16,
	SECONDS_LEN = 19, /* "2026-01-01T00:00:00" */
};

const char *loglist_state_name(enum loglist_state state)
{
	return states[state];
}

bool loglist_signed(struct span json, struct span signature, struct span spki)
{
	enum webkey_kind kind = webkey_kind_of(spki);

	return (kind == WEBKEY_EC || kind == WEBKEY_RSA) &&
	       webkey_verify(spki, kind, &json, 1, signature);
}

static bool read_text(struct span *out, const struct jtree *object,
		      const char *key)
{
	const struct jtree *v = jtree_get(object, key);

	if (!v || v->type != JTREE_TEXT)
		return false;
	*out = v->text;
	return true;
}

/* RFC 3339 §5.6 in UTC; a fraction of a second, as some entries have one, is
 * cut. */
static bool read_time(int64_t *out, const struct jtree *object,
		      const char *key)
{
	uint8_t whole[SECONDS_LEN + 1];
	struct wr w = WR_ARRAY(whole);
	struct span text, seconds;

	if (!read_text(&text, object, key) ||
	    !rd_n(&text, &seconds, SECONDS_LEN))
		return false;
	if (text.n > 2 && text.p[0] == '.')
		for (text = span_of(text.p + 1, text.n - 1);
		     text.n > 1 && text.p[0] >= '0' && text.p[0] <= '9';)
			(void)rd_skip(&text, 1); /* one is there */
	wr_bytes(&w, seconds);
	wr_str(&w, "Z");
	return span_equal_str(text, "Z") && text_utc(out, wr_span(&w));
}

/* Base64 of exactly n bytes. */
static bool read_bytes(void *out, size_t n, const struct jtree *object,
		       const char *key)
{
	struct span text;
	size_t got;

	return read_text(&text, object, key) &&
	       text_base64_decode(out, n, &got, text) && got == n;
}

/* The key, and that the id is its hash. */
static enum rc read_key(struct loglist_log *log, struct arena *arena,
			const struct jtree *object)
{
	struct sha256 id;
	struct span text;
	uint8_t *der;
	size_t n;

	if (!read_bytes(log->id, sizeof(log->id), object, "log_id") ||
	    !read_text(&text, object, "key"))
		return RC_MALFORMED;
	der = arena_new(arena, text.n / 4 + 1, 3);
	if (!der)
		return RC_LIMIT;
	if (!text_base64_decode(der, text.n, &n, text))
		return RC_MALFORMED;
	log->spki = span_of(der, n);
	sha256_of(&id, log->spki);
	return span_equal(SPAN_ARRAY(id.b), SPAN_ARRAY(log->id))
		       ? RC_OK
		       : RC_MALFORMED;
}

static bool read_final(struct loglist_log *log, const struct jtree *state)
{
	const struct jtree *final = jtree_get(state, "final_tree_head");
	const struct jtree *size = jtree_get(final, "tree_size");

	if (!final)
		return true;
	if (!size || size->type != JTREE_NUMBER)
		return false;
	log->has_final = true;
	log->final_size = size->number;
	return read_bytes(log->final_root.b, sizeof(log->final_root.b), final,
			  "sha256_root_hash");
}

/* state: an object with one member, whose name is the state. */
static bool read_state(struct loglist_log *log, const struct jtree *object)
{
	const struct jtree *state = jtree_get(object, "state");

	if (!state || state->type != JTREE_OBJECT || state->count != 1)
		return false;
	for (size_t i = 0; i < STATES; i++) {
		if (!span_equal_str(state->first->key, states[i]))
			continue;
		log->state = (enum loglist_state)i;
		return read_time(&log->state_at, state->first, "timestamp") &&
		       read_final(log, state->first);
	}
	return false;
}

static bool read_interval(struct loglist_log *log, const struct jtree *object)
{
	const struct jtree *v = jtree_get(object, "temporal_interval");

	if (!v)
		return true;
	log->has_interval = true;
	return read_time(&log->expiry_from, v, "start_inclusive") &&
	       read_time(&log->expiry_until, v, "end_exclusive") &&
	       log->expiry_from < log->expiry_until;
}

static enum rc read_past(struct loglist_log *log, struct arena *arena,
			 const struct jtree *object)
{
	const struct jtree *list = jtree_get(object, "previous_operators");
	struct loglist_past *past;
	size_t n = 0;

	if (!list)
		return RC_OK;
	if (list->type != JTREE_ARRAY)
		return RC_MALFORMED;
	past = list->count > PAST_MAX
		       ? NULL
		       : arena_new(arena, list->count + 1, sizeof(*past));
	if (!past)
		return RC_LIMIT;
	for (const struct jtree *v = list->first; v; v = v->next, n++) {
		if (!read_text(&past[n].operator_name, v, "name") ||
		    !read_time(&past[n].until, v, "end_time") ||
		    (n && past[n].until <= past[n - 1].until))
			return RC_MALFORMED;
	}
	log->past = past;
	log->past_count = n;
	return RC_OK;
}

static bool read_urls(struct loglist_log *log, const struct jtree *object)
{
	if (!log->is_tiled)
		return read_text(&log->url, object, "url");
	return read_text(&log->url, object, "monitoring_url") &&
	       read_text(&log->submission_url, object, "submission_url");
}

static enum rc read_log(struct loglist_log *out, struct arena *arena,
			const struct jtree *object, struct span operator_name,
			bool is_tiled)
{
	struct loglist_log log = { .operator_name = operator_name,
				   .is_tiled = is_tiled };
	const struct jtree *mmd = jtree_get(object, "mmd");
	struct span type = { 0 };
	enum rc rc = read_key(&log, arena, object);

	if (rc)
		return rc;
	if (!mmd || mmd->type != JTREE_NUMBER ||
	    !read_text(&log.description, object, "description") ||
	    !read_urls(&log, object) || !read_interval(&log, object))
		return RC_MALFORMED;
	log.mmd_s = mmd->number;
	/* Old entries of the list have no state: nobody relied on them. */
	if (!jtree_get(object, "state"))
		log.state = LOGLIST_PENDING;
	else if (!read_state(&log, object))
		return RC_MALFORMED;
	if (jtree_get(object, "log_type") &&
	    !read_text(&type, object, "log_type"))
		return RC_MALFORMED;
	log.is_test = span_equal_str(type, "test");
	rc = read_past(&log, arena, object);
	if (rc)
		return rc;
	*out = log;
	return RC_OK;
}

/* One of an operator's two arrays; either may be absent. */
static enum rc read_logs(struct loglist *list, struct loglist_log *logs,
			 struct arena *arena, const struct jtree *operator,
			 const char * key)
{
	const struct jtree *array = jtree_get(operator, key);
	bool is_tiled = span_equal_str(span_str(key), "tiled_logs");
	struct span name;

	if (!read_text(&name, operator, "name") || !name.n)
		return RC_MALFORMED;
	if (!array)
		return RC_OK;
	if (array->type != JTREE_ARRAY)
		return RC_MALFORMED;
	for (const struct jtree *v = array->first; v; v = v->next) {
		struct loglist_log *log = &logs[list->count];
		enum rc rc;

		if (list->count == LOGLIST_LOGS_MAX)
			return RC_LIMIT;
		rc = read_log(log, arena, v, name, is_tiled);
		if (rc)
			return rc;
		if (loglist_find(list, log->id))
			return RC_MALFORMED;
		list->count++;
	}
	return RC_OK;
}

static enum rc read_operators(struct loglist *list, struct loglist_log *logs,
			      struct arena *arena, const struct jtree *root)
{
	const struct jtree *operators = jtree_get(root, "operators");

	if (!operators || operators->type != JTREE_ARRAY)
		return RC_MALFORMED;
	if (operators->count > LOGLIST_OPERATORS_MAX)
		return RC_LIMIT;
	for (const struct jtree *v = operators->first; v; v = v->next) {
		enum rc rc = read_logs(list, logs, arena, v, "logs");

		if (!rc)
			rc = read_logs(list, logs, arena, v, "tiled_logs");
		if (rc)
			return rc;
	}
	return RC_OK;
}

enum rc loglist_read(struct loglist *out, struct arena *arena,
		     struct span json)
{
	struct loglist list = { 0 };
	const struct jtree *root;
	struct loglist_log *logs;
	enum rc rc;

	if (json.n > LOGLIST_MAX)
		return RC_LIMIT;
	root = jtree_read(arena, json);
	if (!root || root->type != JTREE_OBJECT ||
	    !read_text(&list.version, root, "version") ||
	    !read_time(&list.made_at, root, "log_list_timestamp"))
		return RC_MALFORMED;
	logs = arena_new(arena, LOGLIST_LOGS_MAX, sizeof(*logs));
	if (!logs)
		return RC_LIMIT;
	list.logs = logs;
	rc = read_operators(&list, logs, arena, root);
	if (rc)
		return rc;
	*out = list;
	return RC_OK;
}

const struct loglist_log *loglist_find(const struct loglist *list,
				       const uint8_t id[SCT_LOG_ID_LEN])
{
	for (size_t i = 0; i < list->count; i++)
		if (span_equal(SPAN_ARRAY(list->logs[i].id),
			       span_of(id, SCT_LOG_ID_LEN)))
			return &list->logs[i];
	return NULL;
}

struct span loglist_operator_at(const struct loglist_log *log, int64_t at)
{
	for (size_t i = 0; i < log->past_count; i++)
		if (at < log->past[i].until)
			return log->past[i].operator_name;
	return log->operator_name;
}
