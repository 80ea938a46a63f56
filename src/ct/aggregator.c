#include "ct/aggregator.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/text.h"
#include "crypto/sha256.h"
#include "json/jtree.h"
#include "pki/pem.h"

enum {
	FORMAT = 2,
	PATTERN_MAX = WEBNAME_MAX + 8,
	RETRY_AFTER_MAX_S = 86400,
	STATUS_OK = 200,
	STATUS_TOO_MANY = 429,
	STATUS_UNAVAILABLE = 503,
};

/* What is asked for: a pattern of crt.sh, a domain of Cert Spotter. */
struct query {
	char text[PATTERN_MAX];
	bool had_rows; /* in this round or one before */
};

struct pending {
	uint64_t id;
	uint64_t logged_at_ms;
};

struct aggregator {
	struct aggregator_config config;
	struct query *query;
	size_t query_count;
	uint64_t *seen; /* ids given, sorted */
	size_t seen_count;
	/* certificates of crt.sh to fetch, of the query under way */
	struct pending *pending;
	size_t pending_count;

	size_t at; /* the query under way */
	uint64_t after; /* Cert Spotter: page after this id */
	size_t pages;
	struct aggregator_status status;
};

static void add_query(struct aggregator *a, const char *prefix,
		      struct span name)
{
	struct query q = { .had_rows = false };
	struct wr w = wr_over(q.text, sizeof(q.text) - 1);

	wr_str(&w, prefix);
	wr_bytes(&w, name);
	if (w.over || a->query_count == AGGREGATOR_QUERIES_MAX)
		return; /* a name is shorter, and so many there are not */
	for (size_t i = 0; i < a->query_count; i++)
		if (strcmp(a->query[i].text, q.text) == 0)
			return;
	a->query = mem_grow(a->query, a->query_count + 1, sizeof(*a->query));
	a->query[a->query_count++] = q;
}

/* Every ancestor's wildcard but those of a top-level domain. */
static void add_ancestors(struct aggregator *a, struct span name)
{
	struct span label;

	while (rd_until(&name, &label, '.') &&
	       memchr(name.p ? name.p : (const uint8_t *)"", '.', name.n))
		add_query(a, "*.", name);
}

static void add_name(struct aggregator *a, struct span name,
		     enum watchset_scope scope)
{
	struct span star = span_str("*.");
	bool is_wildcard = span_has_prefix(name, star);
	uint8_t address[WEB_IPV6_LEN];
	size_t n;

	if (webname_address(address, &n, name)) {
		/* Cert Spotter knows domains only. */
		if (a->config.kind == AGGREGATOR_CRTSH)
			add_query(a, "", name);
		return;
	}
	if (is_wildcard)
		(void)rd_skip(&name, star.n); /* it has that prefix */
	if (a->config.kind == AGGREGATOR_CERTSPOTTER) {
		/* with include_subdomains and match_wildcards */
		add_query(a, "", name);
		return;
	}
	if (!is_wildcard)
		add_query(a, "", name);
	if (is_wildcard || scope == WATCHSET_SUBTREE)
		add_query(a, "%.", name);
	add_ancestors(a, name);
}

struct aggregator *aggregator_new(const struct aggregator_config *config)
{
	struct aggregator *a = mem_new(sizeof(*a));
	enum watchset_scope scope;
	struct span name;

	a->config = *config;
	for (size_t i = 0; watchset_name(config->names, i, &name, &scope); i++)
		add_name(a, name, scope);
	aggregator_begin(a);
	return a;
}

void aggregator_free(struct aggregator *a)
{
	if (!a)
		return;
	free(a->query);
	free(a->seen);
	free(a->pending);
	free(a);
}

void aggregator_auto(struct aggregator **a)
{
	aggregator_free(*a);
}

void aggregator_begin(struct aggregator *a)
{
	a->at = 0;
	a->after = 0;
	a->pages = 0;
	a->pending_count = 0;
	a->status = (struct aggregator_status){ .queries = a->query_count };
}

static enum rc ask_crtsh(struct web_ask *ask, const struct aggregator *a)
{
	uint8_t room[WEB_URL_MAX];
	struct wr w = WR_ARRAY(room);
	size_t answer_max = AGGREGATOR_ANSWER_MAX;

	wr_bytes(&w, a->config.url);
	if (a->pending_count) {
		wr_printf(&w, "/?d=%llu",
			  (unsigned long long)a->pending[0].id);
		answer_max = WEB_CERT_MAX * 2;
	} else {
		/* Without match=, a name with a hyphen is looked up another
		 * way and some certificates are not found. */
		wr_str(&w, "/?q=");
		web_url_encode(&w, span_str(a->query[a->at].text));
		wr_str(&w, "&match=ILIKE&output=json");
	}
	if (w.over)
		return RC_MALFORMED;
	return web_ask_init(ask, WEB_GET, wr_span(&w), answer_max);
}

static enum rc ask_certspotter(struct web_ask *ask, const struct aggregator *a)
{
	uint8_t room[WEB_URL_MAX], header[512];
	struct wr w = WR_ARRAY(room), h = WR_ARRAY(header);
	enum rc rc;

	wr_bytes(&w, a->config.url);
	wr_str(&w, "/v1/issuances?domain=");
	web_url_encode(&w, span_str(a->query[a->at].text));
	wr_str(&w, "&include_subdomains=true&match_wildcards=true"
		   "&expand=cert&expand=cert_der");
	if (a->after)
		wr_printf(&w, "&after=%llu", (unsigned long long)a->after);
	if (w.over)
		return RC_MALFORMED;
	rc = web_ask_init(ask, WEB_GET, wr_span(&w), AGGREGATOR_ANSWER_MAX);
	if (rc || !a->config.token.n)
		return rc;
	wr_str(&h, "Bearer ");
	wr_bytes(&h, a->config.token);
	return h.over ? RC_LIMIT
		      : web_ask_header(ask, "Authorization", wr_span(&h));
}

static void next_query(struct aggregator *a)
{
	a->at++;
	a->after = 0;
	a->pages = 0;
	a->pending_count = 0;
}

static enum aggregator_answer fail(struct aggregator *a,
				   enum aggregator_answer why)
{
	if (a->status.worst == AGGREGATOR_OK)
		a->status.worst = why;
	a->status.failed++;
	/* One certificate that cannot be had does not hide the others. */
	if (a->pending_count > 1 && why != AGGREGATOR_THROTTLED)
		a->pending[0] = a->pending[--a->pending_count];
	else
		next_query(a);
	return why;
}

bool aggregator_next(struct aggregator *a, struct web_ask *ask)
{
	while (a->at < a->query_count) {
		enum rc rc = a->config.kind == AGGREGATOR_CRTSH
				     ? ask_crtsh(ask, a)
				     : ask_certspotter(ask, a);

		if (!rc)
			return true;
		(void)fail(a, AGGREGATOR_NO_ANSWER);
	}
	return false;
}

/* Where the id is or would stand. */
static size_t seen_place(const struct aggregator *a, uint64_t id)
{
	size_t low = 0, high = a->seen_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (a->seen[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_seen(const struct aggregator *a, uint64_t id)
{
	size_t at = seen_place(a, id);

	return at < a->seen_count && a->seen[at] == id;
}

/* False: too many. */
static bool keep_seen(struct aggregator *a, uint64_t id)
{
	size_t at = seen_place(a, id);

	if (at < a->seen_count && a->seen[at] == id)
		return true;
	if (a->seen_count == AGGREGATOR_SEEN_MAX)
		return false;
	a->seen = mem_grow(a->seen, a->seen_count + 1, sizeof(*a->seen));
	memmove(&a->seen[at + 1], &a->seen[at],
		(a->seen_count - at) * sizeof(*a->seen));
	a->seen[at] = id;
	a->seen_count++;
	return true;
}

/* "2026-03-01T12:00:00.123" or without the fraction, in UTC; 0: none. */
static uint64_t read_time(const struct jtree *row, const char *key)
{
	const struct jtree *v = jtree_get(row, key);
	uint8_t room[20];
	struct wr w = WR_ARRAY(room);
	struct span s;
	int64_t at;

	if (!v || v->type != JTREE_TEXT || v->text.n < 19)
		return 0;
	s = span_of(v->text.p, 19);
	wr_bytes(&w, s);
	wr_str(&w, "Z");
	return text_utc(&at, wr_span(&w)) ? (uint64_t)at * 1000 : 0;
}

/* crt.sh gives ids as numbers, Cert Spotter as text. */
static bool read_id(uint64_t *id, const struct jtree *row)
{
	const struct jtree *v = jtree_get(row, "id");

	if (!v)
		return false;
	if (v->type == JTREE_NUMBER)
		*id = v->number;
	else if (v->type != JTREE_TEXT || !text_u64(id, v->text, UINT64_MAX))
		return false;
	return *id != 0;
}

static enum aggregator_answer take_crtsh_rows(struct aggregator *a,
					      const struct jtree *rows)
{
	free(a->pending);
	a->pending = mem_new_array(rows->count + 1, sizeof(*a->pending));
	a->pending_count = 0;
	for (const struct jtree *v = rows->first; v; v = v->next) {
		struct pending p = { 0 };

		if (!read_id(&p.id, v)) {
			a->pending_count = 0;
			return fail(a, AGGREGATOR_MALFORMED);
		}
		p.logged_at_ms = read_time(v, "entry_timestamp");
		if (!is_seen(a, p.id))
			a->pending[a->pending_count++] = p;
	}
	if (rows->count >= AGGREGATOR_ROWS_CAP) {
		/* Which ones are missing, nobody knows. */
		a->pending_count = 0;
		return fail(a, AGGREGATOR_TRUNCATED);
	}
	if (!a->pending_count)
		next_query(a);
	return AGGREGATOR_OK;
}

/* A certificate by itself, in PEM or DER. */
static enum aggregator_answer take_crtsh_cert(struct aggregator *a,
					      struct span body)
{
	AUTO(mem_auto_free)
	uint8_t *room = mem_new(body.n + 1);
	struct wr w = wr_over(room, body.n + 1);
	struct pending p = a->pending[0];
	struct span der = body;

	if ((!body.n || body.p[0] != 0x30) &&
	    pem_decode(&der, 1, &w, PEM_CERTIFICATE, body))
		return fail(a, AGGREGATOR_MALFORMED);
	if (!keep_seen(a, p.id))
		return fail(a, AGGREGATOR_TRUNCATED);
	a->status.found++;
	a->config.found(a->config.arg, der, p.logged_at_ms);
	a->pending[0] = a->pending[--a->pending_count];
	if (!a->pending_count)
		next_query(a);
	return AGGREGATOR_OK;
}

/* The certificate of a row, which expand= asked for. */
static bool read_cert(struct span *der, struct arena *arena,
		      const struct jtree *row)
{
	const struct jtree *v = jtree_get(row, "cert_der");
	uint8_t *room;
	size_t n;

	if (!v)
		v = jtree_get(jtree_get(row, "cert"), "data");
	if (!v || v->type != JTREE_TEXT)
		return false;
	room = arena_new(arena, v->text.n / 4 + 1, 3);
	if (!room || !text_base64_decode(room, v->text.n, &n, v->text))
		return false;
	*der = span_of(room, n);
	return true;
}

static enum aggregator_answer take_issuances(struct aggregator *a,
					     struct arena *arena,
					     const struct jtree *rows)
{
	uint64_t last = a->after;

	for (const struct jtree *v = rows->first; v; v = v->next) {
		struct span der;
		uint64_t id;

		if (!read_id(&id, v) || id <= last ||
		    !read_cert(&der, arena, v))
			return fail(a, AGGREGATOR_MALFORMED);
		last = id;
		if (is_seen(a, id))
			continue;
		if (!keep_seen(a, id))
			return fail(a, AGGREGATOR_TRUNCATED);
		a->status.found++;
		a->config.found(a->config.arg, der, 0);
	}
	if (!rows->count) {
		next_query(a);
		return AGGREGATOR_OK;
	}
	a->after = last;
	return ++a->pages < AGGREGATOR_PAGES_MAX
		       ? AGGREGATOR_OK
		       : fail(a, AGGREGATOR_TRUNCATED);
}

static enum aggregator_answer take_rows(struct aggregator *a, struct span body)
{
	AUTO(arena_fini)
	struct arena arena;
	const struct jtree *rows;
	struct query *q = &a->query[a->at];

	arena_init(&arena, AGGREGATOR_ARENA);
	rows = jtree_read(&arena, body);
	if (!rows)
		return fail(a, AGGREGATOR_NOT_JSON);
	if (rows->type != JTREE_ARRAY)
		return fail(a, AGGREGATOR_MALFORMED);
	a->status.rows += rows->count;
	if (!rows->count && q->had_rows && !a->after)
		return fail(a, AGGREGATOR_WENT_SILENT);
	q->had_rows |= rows->count > 0;
	return a->config.kind == AGGREGATOR_CRTSH
		       ? take_crtsh_rows(a, rows)
		       : take_issuances(a, &arena, rows);
}

static enum aggregator_answer take_error(struct aggregator *a,
					 const struct web_answer *answer)
{
	struct span text;
	uint64_t s;

	if (!answer || (answer->status != STATUS_TOO_MANY &&
			answer->status != STATUS_UNAVAILABLE))
		return fail(a, AGGREGATOR_NO_ANSWER);
	if (web_answer_get(answer, "retry-after", 0, &text) &&
	    text_u64(&s, text, UINT64_MAX))
		a->status.retry_after_s = s < RETRY_AFTER_MAX_S
						  ? (unsigned)s
						  : RETRY_AFTER_MAX_S;
	(void)fail(a, AGGREGATOR_THROTTLED);
	/* One question more would be refused, too, and count against us. */
	if (answer->status == STATUS_TOO_MANY) {
		a->pending_count = 0;
		a->at = a->query_count;
	}
	return AGGREGATOR_THROTTLED;
}

enum aggregator_answer aggregator_take(struct aggregator *a,
				       const struct web_answer *answer)
{
	struct span body;

	if (a->at >= a->query_count)
		return AGGREGATOR_OK;
	if (!answer || answer->status != STATUS_OK)
		return take_error(a, answer);
	body = buf_span(&answer->body);
	if (a->pending_count)
		return take_crtsh_cert(a, body);
	return take_rows(a, body);
}

void aggregator_status(struct aggregator_status *out,
		       const struct aggregator *a)
{
	*out = a->status;
}

static struct sha256 query_hash(const struct query *q)
{
	struct sha256 hash;

	sha256_of(&hash, span_str(q->text));
	return hash;
}

/* Of the names watched: which rows are of use depends on them. */
static struct sha256 watch_hash(const struct aggregator *a)
{
	struct sha256 hash = { 0 };
	enum watchset_scope scope;
	struct span name;

	for (size_t i = 0; watchset_name(a->config.names, i, &name, &scope);
	     i++) {
		const uint8_t how[] = { (uint8_t)scope };
		const struct span parts[] = { SPAN_ARRAY(hash.b), name,
					      SPAN_ARRAY(how) };
		struct sha256 next;

		sha256_parts(&next, parts, 3);
		hash = next;
	}
	return hash;
}

void aggregator_write(struct wr *w, const struct aggregator *a)
{
	struct sha256 watched = watch_hash(a);

	wr_u8(w, FORMAT);
	wr_bytes(w, SPAN_ARRAY(watched.b));
	wr_be32(w, (uint32_t)a->seen_count);
	for (size_t i = 0; i < a->seen_count; i++)
		wr_be64(w, a->seen[i]);
	for (size_t i = 0; i < a->query_count; i++) {
		struct sha256 hash = query_hash(&a->query[i]);

		if (a->query[i].had_rows)
			wr_bytes(w, SPAN_ARRAY(hash.b));
	}
}

enum rc aggregator_read(struct aggregator *a, struct span s)
{
	AUTO(mem_auto_free)
	uint64_t *seen = NULL;
	struct sha256 hash, watched = watch_hash(a);
	uint8_t format;
	uint32_t count;

	if (!rd_u8(&s, &format) || format != FORMAT ||
	    !rd_copy(&s, hash.b, sizeof(hash.b)) ||
	    !span_equal(SPAN_ARRAY(hash.b), SPAN_ARRAY(watched.b)) ||
	    !rd_be32(&s, &count) ||
	    count > AGGREGATOR_SEEN_MAX || s.n / 8 < count ||
	    (s.n - (size_t)count * 8) % sizeof(hash.b))
		return RC_MALFORMED;
	seen = mem_new_array(count + 1, sizeof(*seen));
	for (size_t i = 0; i < count; i++)
		if (!rd_be64(&s, &seen[i]) || (i && seen[i] <= seen[i - 1]))
			return RC_MALFORMED;
	free(a->seen);
	a->seen = STEAL(seen);
	a->seen_count = count;
	while (rd_copy(&s, hash.b, sizeof(hash.b)))
		for (size_t i = 0; i < a->query_count; i++) {
			struct sha256 own = query_hash(&a->query[i]);

			if (span_equal(SPAN_ARRAY(own.b), SPAN_ARRAY(hash.b)))
				a->query[i].had_rows = true;
		}
	return RC_OK;
}

static const char *const answers[AGGREGATOR_ANSWER_COUNT] = {
	[AGGREGATOR_OK] = "ok",
	[AGGREGATOR_NO_ANSWER] = "no_answer",
	[AGGREGATOR_THROTTLED] = "throttled",
	[AGGREGATOR_NOT_JSON] = "not_json",
	[AGGREGATOR_MALFORMED] = "malformed",
	[AGGREGATOR_TRUNCATED] = "truncated",
	[AGGREGATOR_WENT_SILENT] = "went_silent",
};

const char *aggregator_answer_name(enum aggregator_answer a)
{
	return answers[a];
}
