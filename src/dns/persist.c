#include "dns/persist.h"

#include "base/text.h"

/* Takes a parameter that may come once. */
static bool once(bool *seen)
{
	bool first = !*seen;

	*seen = true;
	return first;
}

struct seen {
	bool account, policy, until;
};

static bool is_tag(const struct caa_parameter *q, const char *tag)
{
	return span_equal_nocase(q->tag, span_str(tag));
}

static bool take(struct persist *p, struct seen *seen,
		 const struct caa_parameter *q)
{
	if (is_tag(q, "accounturi")) {
		p->account = q->value;
		return once(&seen->account) && q->value.n;
	}
	if (is_tag(q, "policy")) {
		p->is_wildcard =
			span_equal_nocase(q->value, span_str("wildcard"));
		return once(&seen->policy);
	}
	if (is_tag(q, "persistUntil")) {
		p->has_until = true;
		return once(&seen->until) &&
		       text_u64(&p->until, q->value, INT64_MAX);
	}
	return true;
}

enum rc persist_read(struct persist *out, struct span text)
{
	struct persist p = { 0 };
	struct seen seen = { 0 };
	struct caa_parameter q;

	if (!caa_rd_issuer(&text, &p.issuer) || p.issuer.n == 0)
		return RC_MALFORMED;
	while (caa_rd_parameter(&text, &q))
		if (!take(&p, &seen, &q))
			return RC_MALFORMED;
	if (!rd_end(&text) || !seen.account)
		return RC_MALFORMED;
	*out = p;
	return RC_OK;
}

void persist_write(struct wr *w, const struct persist *p)
{
	wr_bytes(w, p->issuer);
	wr_str(w, "; accounturi=");
	wr_bytes(w, p->account);
	if (p->is_wildcard)
		wr_str(w, "; policy=wildcard");
	if (p->has_until)
		wr_printf(w, "; persistUntil=%llu",
			  (unsigned long long)p->until);
}

static bool names(const struct caa_pin *pin, struct span issuer)
{
	size_t i;

	for (i = 0; i < pin->issuer_count; i++)
		if (span_equal_nocase(pin->issuers[i], issuer))
			return true;
	return false;
}

static bool is_pins(const struct persist *p, const struct caa_pin *pin)
{
	return names(pin, p->issuer) && span_equal(p->account, pin->account);
}

bool persist_permits(const struct persist *p, const struct caa_pin *pin,
		     bool for_wildcard, int64_t now)
{
	if (!is_pins(p, pin) || (for_wildcard && !p->is_wildcard))
		return false;
	return !p->has_until || (now >= 0 && (uint64_t)now <= p->until);
}

bool persist_is_foreign(struct span text, const struct caa_pins *mine)
{
	struct persist p;
	size_t i;

	if (persist_read(&p, text))
		return false;
	for (i = 0; i < mine->count; i++)
		if (is_pins(&p, &mine->items[i]))
			return false;
	return true;
}
