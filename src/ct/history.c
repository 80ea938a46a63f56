#include "ct/history.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "pki/webtbs.h"

enum {
	/* RFC 6962 §3: a log may take this long to show an entry (its MMD), and
	 * an aggregator as long again to read it */
	LAG_S = 2 * 86400,
};

struct history {
	const struct watchset *watch;
	struct history_cert *cert; /* by notBefore, then TBS */
	size_t count, bytes;
	uint32_t done, failed; /* bit n: source n */
};

struct history *history_new(const struct watchset *watch)
{
	struct history *h = mem_new(sizeof(*h));

	h->watch = watch;
	return h;
}

static void free_der(const struct history_cert *c)
{
	free((void *)(uintptr_t)c->der.p);
}

void history_free(struct history *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->count; i++)
		free_der(&h->cert[i]);
	free(h->cert);
	free(h);
}

void history_auto(struct history **h)
{
	history_free(*h);
}

static struct history_cert *find(const struct history *h,
				 const struct sha256 *tbs)
{
	for (size_t i = 0; i < h->count; i++)
		if (span_equal(SPAN_ARRAY(h->cert[i].tbs.b),
			       SPAN_ARRAY(tbs->b)))
			return &h->cert[i];
	return NULL;
}

const struct history_cert *history_find(const struct history *h,
					const struct sha256 *tbs)
{
	return find(h, tbs);
}

size_t history_count(const struct history *h)
{
	return h->count;
}

const struct history_cert *history_at(const struct history *h, size_t at)
{
	assert(at < h->count);
	return &h->cert[at];
}

/* Keeps a copy of the bytes that a certificate is shown and revoked by. */
static enum rc keep_der(struct history *h, struct history_cert *c,
			struct span der)
{
	struct web_cert view;
	struct span copy;

	if (h->bytes - c->der.n + der.n > HISTORY_BYTES_MAX)
		return RC_LIMIT;
	copy = span_of(mem_dup_n(der.p, der.n), der.n);
	if (web_parse(&view, copy)) { /* it was read before, by the caller */
		free((void *)(uintptr_t)copy.p);
		return RC_MALFORMED;
	}
	h->bytes += der.n - c->der.n;
	free_der(c);
	c->der = copy;
	c->view = view;
	sha256_of(&c->fingerprint, copy);
	return RC_OK;
}

/* Where a new one goes: by notBefore. */
static struct history_cert *insert(struct history *h, int64_t not_before)
{
	size_t at = h->count;

	h->cert = mem_grow(h->cert, h->count + 1, sizeof(*h->cert));
	while (at && h->cert[at - 1].view.not_before > not_before)
		at--;
	memmove(&h->cert[at + 1], &h->cert[at],
		(h->count - at) * sizeof(*h->cert));
	h->count++;
	h->cert[at] = (struct history_cert){ 0 };
	return &h->cert[at];
}

static enum rc add_new(struct history *h, struct history_cert **out,
		       const struct watchset_hit *hit, struct span der)
{
	struct history_cert c = { .tbs = hit->tbs,
				  .spki = hit->spki,
				  .class = hit->class };
	enum rc rc;

	if (h->count == HISTORY_MAX)
		return RC_LIMIT;
	rc = keep_der(h, &c, der);
	if (rc)
		return rc;
	*out = insert(h, c.view.not_before);
	**out = c;
	return RC_OK;
}

static enum rc add(struct history *h, unsigned source, struct span der,
		   uint64_t logged_at_ms)
{
	struct watchset_hit hit;
	struct history_cert *c;
	enum rc rc = RC_OK;

	if (!watchset_look(&hit, h->watch, der))
		return RC_OK;
	if (hit.class == WATCHSET_MALFORMED)
		return RC_MALFORMED;
	c = find(h, &hit.tbs);
	if (!c)
		rc = add_new(h, &c, &hit, der);
	else if (!hit.is_precert && !c->has_final)
		rc = keep_der(h, c, der);
	if (rc)
		return rc;
	c->has_final |= !hit.is_precert;
	c->has_precert |= hit.is_precert;
	c->sources |= 1U << source;
	if (logged_at_ms &&
	    (!c->logged_at_ms || logged_at_ms < c->logged_at_ms))
		c->logged_at_ms = logged_at_ms;
	return RC_OK;
}

enum rc history_add(struct history *h, unsigned source, struct span der,
		    uint64_t logged_at_ms)
{
	enum rc rc;

	assert(source < HISTORY_SOURCES_MAX);
	rc = add(h, source, der, logged_at_ms);
	if (rc)
		history_source_failed(h, source);
	return rc;
}

void history_source_done(struct history *h, unsigned source)
{
	assert(source < HISTORY_SOURCES_MAX);
	h->done |= 1U << source;
}

void history_source_failed(struct history *h, unsigned source)
{
	assert(source < HISTORY_SOURCES_MAX);
	h->failed |= 1U << source;
}

void history_crl(struct history *h, const struct sha256 *tbs,
		 enum webcrl_answer answer, const struct webcrl_entry *entry)
{
	struct history_cert *c = find(h, tbs);

	if (!c)
		return;
	c->has_crl_answer = true;
	c->crl = answer;
	if (answer == WEBCRL_REVOKED)
		c->revoked = *entry;
}

void history_our_account(struct history *h, const struct sha256 *tbs)
{
	struct history_cert *c = find(h, tbs);

	if (c)
		c->is_our_account = true;
}

void history_pinned(struct history *h, const struct sha256 *tbs,
		    int64_t pinned_at)
{
	struct history_cert *c = find(h, tbs);

	if (c)
		c->pinned_at = pinned_at;
}

static bool is_our_key(enum watchset_class class)
{
	return class == WATCHSET_EXPECTED || class == WATCHSET_OURS ||
	       class == WATCHSET_SAME_KEY;
}

enum history_state history_state_of(const struct history_cert *c, int64_t now)
{
	if (is_our_key(c->class))
		return HISTORY_OURS;
	if (now > c->view.not_after)
		return HISTORY_EXPIRED;
	/* On hold is not revoked: the CA may take it back (RFC 5280 §5.3.1). */
	if (c->has_crl_answer && c->crl == WEBCRL_REVOKED &&
	    c->revoked.reason != 6)
		return HISTORY_REVOKED;
	return HISTORY_LIVE;
}

/* Narrow, unlike the watch: the name itself, or below one that is ours whole.
 * A wildcard is proven at the name behind its "*." (RFC 8555 §7.1.3). */
static bool controls(const struct watchset *control, struct span name)
{
	struct span star = span_str("*."), own;
	enum watchset_scope scope;

	if (span_has_prefix(name, star))
		(void)rd_skip(&name, star.n); /* it has that prefix */
	for (size_t i = 0; watchset_name(control, i, &own, &scope); i++) {
		size_t longer;

		/* whoever has "*.base" has proven to own base */
		if (span_has_prefix(own, star) && rd_skip(&own, star.n))
			scope = WATCHSET_SUBTREE;
		if (span_equal_nocase(own, name))
			return true;
		if (scope != WATCHSET_SUBTREE || name.n <= own.n)
			continue;
		longer = name.n - own.n;
		if (name.p[longer - 1] == '.' &&
		    span_equal_nocase(span_of(name.p + longer, own.n), own))
			return true;
	}
	return false;
}

/* RFC 8555 §7.6: an account with authorizations for all identifiers in the
 * certificate may revoke it. */
static bool can_prove_all(const struct web_cert *c,
			  const struct history_means *means)
{
	struct span left = c->sans, star = span_str("*.");
	struct web_san name;

	if (!means->control || !c->dns_count)
		return false;
	while (web_san_next(&left, &name)) {
		if (name.type != WEB_SAN_DNS ||
		    !webname_is_pattern(name.value) ||
		    !controls(means->control, name.value))
			return false;
		if (span_has_prefix(name.value, star) && !means->can_dns_01)
			return false;
	}
	return true;
}

enum history_power history_power_of(const struct history_cert *c,
				    const struct history_means *means,
				    int64_t now)
{
	const struct web_cert *v = &c->view;

	/* Nobody else can use it, but nobody of ours asked for it either. */
	if (c->class == WATCHSET_SAME_KEY && now <= v->not_after)
		return HISTORY_BY_KEY;
	if (history_state_of(c, now) != HISTORY_LIVE)
		return HISTORY_NOTHING_TO_DO;
	if (c->is_our_account)
		return HISTORY_BY_ACCOUNT;
	if (v->not_after - v->not_before <= HISTORY_SHORT_LIVED_S)
		return HISTORY_WAIT;
	if (means->ca_organization.n &&
	    span_equal(v->issuer_organization, means->ca_organization) &&
	    can_prove_all(v, means))
		return HISTORY_BY_CONTROL;
	return HISTORY_BY_REPORT;
}

/* When it was made, as far as anybody knows. */
static int64_t issued_at(const struct history_cert *c)
{
	return c->logged_at_ms ? (int64_t)(c->logged_at_ms / 1000)
			       : c->view.not_before;
}

/* Some source that answered in full does not have a current certificate that
 * another has, and had the time to. */
static bool is_denied(const struct history *h, const struct history_cert *c,
		      int64_t now)
{
	uint32_t whole = h->done & ~h->failed;

	return now <= c->view.not_after && now - issued_at(c) > LAG_S &&
	       c->sources && (c->sources & whole) != whole;
}

/* Issued when CAs had to heed the pin of its names. */
static bool is_violation(const struct history_cert *c, int64_t pinned_at,
			 int64_t reuse)
{
	int64_t at = c->pinned_at ? c->pinned_at : pinned_at;

	return at && at <= INT64_MAX - reuse && issued_at(c) > at + reuse;
}

static void count_one(struct history_summary *s, const struct history_cert *c,
		      int64_t now)
{
	enum history_state state = history_state_of(c, now);
	int64_t gone_at = c->view.not_after + 1;

	s->count[state]++;
	if (state == HISTORY_OURS)
		return;
	if (state == HISTORY_LIVE && gone_at > s->safe_at)
		s->safe_at = gone_at;
	if (state != HISTORY_EXPIRED && gone_at > s->safe_at_without_crl)
		s->safe_at_without_crl = gone_at;
}

void history_summarize(struct history_summary *out, const struct history *h,
		       int64_t pinned_at, uint32_t caa_ttl_s, int64_t now)
{
	int64_t reuse = caa_ttl_s > HISTORY_CAA_REUSE_S
				? (int64_t)caa_ttl_s
				: HISTORY_CAA_REUSE_S;
	int64_t holds_at = pinned_at + reuse;
	struct history_summary s = { .safe_at = holds_at,
				     .safe_at_without_crl = holds_at };
	bool disagree = false;

	for (size_t i = 0; i < h->count; i++) {
		count_one(&s, &h->cert[i], now);
		s.violations += history_state_of(&h->cert[i], now) !=
					HISTORY_OURS &&
				is_violation(&h->cert[i], pinned_at, reuse);
		disagree |= is_denied(h, &h->cert[i], now);
	}
	s.sources_asked = (size_t)__builtin_popcount(h->done | h->failed);
	s.sources_silent = (size_t)__builtin_popcount(h->failed);
	if (s.violations)
		s.verdict = HISTORY_VIOLATED;
	else if (s.sources_silent || !s.sources_asked)
		s.verdict = HISTORY_INCOMPLETE;
	else if (!pinned_at)
		s.verdict = HISTORY_NOT_PINNED;
	else if (disagree)
		s.verdict = HISTORY_DISAGREE;
	else
		s.verdict = now >= s.safe_at ? HISTORY_SAFE
					     : HISTORY_SAFE_LATER;
	if (s.sources_silent || !s.sources_asked || !pinned_at)
		s.safe_at = s.safe_at_without_crl = 0;
	*out = s;
}

static const char *const states[HISTORY_STATE_COUNT] = {
	[HISTORY_OURS] = "ours",
	[HISTORY_EXPIRED] = "expired",
	[HISTORY_REVOKED] = "revoked",
	[HISTORY_LIVE] = "live",
};
static const char *const powers[HISTORY_POWER_COUNT] = {
	[HISTORY_NOTHING_TO_DO] = "nothing_to_do",
	[HISTORY_WAIT] = "wait",
	[HISTORY_BY_ACCOUNT] = "by_account",
	[HISTORY_BY_KEY] = "by_key",
	[HISTORY_BY_CONTROL] = "by_control",
	[HISTORY_BY_REPORT] = "by_report",
};
static const char *const verdicts[HISTORY_VERDICT_COUNT] = {
	[HISTORY_SAFE] = "safe",
	[HISTORY_SAFE_LATER] = "safe_later",
	[HISTORY_INCOMPLETE] = "incomplete",
	[HISTORY_DISAGREE] = "disagree",
	[HISTORY_VIOLATED] = "violated",
	[HISTORY_NOT_PINNED] = "not_pinned",
};

const char *history_state_name(enum history_state s)
{
	return states[s];
}

const char *history_power_name(enum history_power p)
{
	return powers[p];
}

const char *history_verdict_name(enum history_verdict v)
{
	return verdicts[v];
}
