#include "dns/caa.h"

#include "base/text.h"

/* Characters. */

static bool is_white(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static bool is_alnum(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

static void skip_white(struct span *s)
{
	while (s->n && is_white(s->p[0]))
		(void)rd_skip(s, 1);
}

/* As long as the bytes are good ones; at least one. */
static bool rd_while(struct span *s, struct span *out, bool (*is_good)(uint8_t))
{
	size_t n = 0;

	while (n < s->n && is_good(s->p[n]))
		n++;
	return n && rd_n(s, out, n);
}

/* Values: RFC 8659 §4.2. */

static bool is_label_byte(uint8_t c)
{
	return is_alnum(c) || c == '-';
}

static bool is_value_byte(uint8_t c)
{
	return c >= 0x21 && c <= 0x7e && c != ';';
}

/* (ALPHA / DIGIT) *( *("-") (ALPHA / DIGIT)) */
static bool rd_label(struct span *s, struct span *out)
{
	struct span rest = *s, label;

	if (!rd_while(&rest, &label, is_label_byte) || label.p[0] == '-' ||
	    label.p[label.n - 1] == '-')
		return false;
	*s = rest;
	*out = label;
	return true;
}

bool caa_rd_issuer(struct span *value, struct span *issuer)
{
	struct span rest = *value, label, name;

	skip_white(&rest);
	name = span_of(rest.p, 0);
	if (rest.n && rest.p[0] != ';') {
		if (!rd_label(&rest, &label))
			return false;
		while (rest.n && rest.p[0] == '.')
			if (!rd_skip(&rest, 1) || !rd_label(&rest, &label))
				return false;
		name.n = (size_t)(label.p + label.n - name.p);
	}
	skip_white(&rest);
	if (rest.n && rest.p[0] != ';')
		return false;
	*value = rest;
	*issuer = name;
	return true;
}

bool caa_rd_parameter(struct span *value, struct caa_parameter *out)
{
	struct span rest = *value;
	struct caa_parameter p = { 0 };

	if (!rest.n || rest.p[0] != ';' || !rd_skip(&rest, 1))
		return false;
	skip_white(&rest);
	if (!rd_label(&rest, &p.tag))
		return false;
	skip_white(&rest);
	if (!rest.n || rest.p[0] != '=' || !rd_skip(&rest, 1))
		return false;
	skip_white(&rest);
	p.value = span_of(rest.p, 0);
	(void)rd_while(&rest, &p.value, is_value_byte);
	skip_white(&rest);
	if (rest.n && rest.p[0] != ';')
		return false;
	*value = rest;
	*out = p;
	return true;
}

static void note_parameter(struct caa_property *p, struct caa_parameter *q,
			   const char *tag, unsigned *count, struct span *value)
{
	if (!span_equal_nocase(q->tag, span_str(tag)))
		return;
	if (!span_equal_str(q->tag, tag))
		p->is_ambiguous = true;
	if ((*count)++ == 0)
		*value = q->value;
}

/* The value of an issue or issuewild property. */
static void read_issue(struct caa_property *p)
{
	struct span rest = p->value;
	struct caa_parameter q;

	if (!caa_rd_issuer(&rest, &p->issuer))
		return;
	/* A ';' with nothing behind it ends a list of no parameters. */
	if (rest.n) {
		struct span after = rest;

		(void)rd_skip(&after, 1);
		skip_white(&after);
		if (rd_end(&after)) {
			p->is_well_formed = true;
			return;
		}
	}
	while (caa_rd_parameter(&rest, &q)) {
		note_parameter(p, &q, "accounturi", &p->account_count,
			       &p->account);
		note_parameter(p, &q, "validationmethods", &p->methods_count,
			       &p->methods);
	}
	p->is_well_formed = rd_end(&rest);
}

static enum caa_tag tag_of(struct span tag)
{
	if (span_equal_nocase(tag, span_str("issue")))
		return CAA_ISSUE;
	if (span_equal_nocase(tag, span_str("issuewild")))
		return CAA_ISSUEWILD;
	if (span_equal_nocase(tag, span_str("iodef")))
		return CAA_IODEF;
	return CAA_OTHER;
}

static enum rc read_property(struct caa_property *out, struct span rdata)
{
	struct caa_property p = { 0 };
	size_t i;

	if (!rd_u8(&rdata, &p.flags) || !rd_vec8(&rdata, &p.tag_text) ||
	    p.tag_text.n == 0)
		return RC_MALFORMED;
	for (i = 0; i < p.tag_text.n; i++)
		if (!is_alnum(p.tag_text.p[i]))
			return RC_MALFORMED;
	p.value = rdata;
	p.tag = tag_of(p.tag_text);
	if (p.tag == CAA_ISSUE || p.tag == CAA_ISSUEWILD)
		read_issue(&p);
	*out = p;
	return RC_OK;
}

enum rc caa_set_read(struct caa_set *out, struct arena *arena,
		     const struct span *rdatas, size_t count)
{
	struct caa_property *items;
	size_t i;

	if (count > CAA_PROPERTIES_MAX)
		return RC_LIMIT;
	items = arena_new(arena, count ? count : 1, sizeof(*items));
	if (!items)
		return RC_LIMIT;
	for (i = 0; i < count; i++) {
		char *copy = arena_dup(arena, rdatas[i]);
		enum rc rc;

		if (!copy)
			return RC_LIMIT;
		rc = read_property(&items[i], span_of(copy, rdatas[i].n));
		if (rc)
			return rc;
	}
	*out = (struct caa_set){ .items = items, .count = count };
	return RC_OK;
}

void caa_write_rdata(struct wr *w, uint8_t flags, struct span tag,
		     struct span value)
{
	wr_u8(w, flags);
	wr_vec8(w, tag);
	wr_bytes(w, value);
}

void caa_write_text(struct wr *w, const struct caa_property *p)
{
	size_t i;

	wr_printf(w, "%u ", p->flags);
	wr_bytes(w, p->tag_text);
	wr_str(w, " \"");
	for (i = 0; i < p->value.n; i++) {
		uint8_t c = p->value.p[i];

		if (c == '"' || c == '\\')
			wr_printf(w, "\\%c", c);
		else if (c < 0x20 || c > 0x7e)
			wr_printf(w, "\\%03u", c);
		else
			wr_u8(w, c);
	}
	wr_u8(w, '"');
}

/* One byte of a quoted string, escaped or not (RFC 1035 §5.1). */
static bool rd_escaped(struct span *s, uint8_t *c)
{
	struct span digits;
	uint64_t v;

	if (!rd_u8(s, c))
		return false;
	if (*c != '\\')
		return true;
	if (s->n && (s->p[0] < '0' || s->p[0] > '9'))
		return rd_u8(s, c);
	if (!rd_n(s, &digits, 3))
		return false;
	v = (uint64_t)(digits.p[0] - '0') * 100;
	if (!((digits.p[1] ^ '0') < 10 && (digits.p[2] ^ '0') < 10))
		return false;
	v += (uint64_t)(digits.p[1] - '0') * 10 + (uint64_t)(digits.p[2] - '0');
	if (v > UINT8_MAX)
		return false;
	*c = (uint8_t)v;
	return true;
}

static bool text_value(struct wr *w, struct span text)
{
	bool is_quoted = text.n && text.p[0] == '"';
	uint8_t c;

	if (is_quoted)
		(void)rd_skip(&text, 1);
	while (text.n) {
		if (is_quoted && text.p[0] == '"')
			return text.n == 1;
		if (!is_quoted && is_white(text.p[0]))
			return false;
		if (!rd_escaped(&text, &c))
			return false;
		wr_u8(w, c);
	}
	return !is_quoted;
}

enum rc caa_text_rdata(struct wr *w, struct span text)
{
	struct wr local = *w;
	struct span flags, tag;
	uint64_t v;

	if (!rd_until(&text, &flags, ' ') || !text_u64(&v, flags, UINT8_MAX) ||
	    !rd_until(&text, &tag, ' ') || tag.n == 0 || tag.n > UINT8_MAX)
		return RC_MALFORMED;
	wr_u8(&local, (uint8_t)v);
	wr_vec8(&local, tag);
	if (!text_value(&local, text))
		return RC_MALFORMED;
	*w = local;
	return RC_OK;
}

/* What a set permits. */

const char *caa_reason_name(enum caa_reason r)
{
	static const char *const names[] = {
		[CAA_NO_RECORDS] = "no_records",
		[CAA_NO_ISSUE] = "no_issue_property",
		[CAA_MATCHES] = "matches",
		[CAA_CRITICAL] = "unknown_critical_property",
		[CAA_NOT_NAMED] = "issuer_not_named",
		[CAA_OTHER_ACCOUNT] = "other_account",
		[CAA_OTHER_METHOD] = "other_method",
		[CAA_UNSATISFIABLE] = "unsatisfiable",
	};

	return names[r];
}

const char *caa_reason_rule(enum caa_reason r)
{
	static const char *const rules[] = {
		[CAA_NO_RECORDS] = "RFC 8659 3",
		[CAA_NO_ISSUE] = "RFC 8659 4.2",
		[CAA_MATCHES] = "RFC 8659 4.2",
		[CAA_CRITICAL] = "RFC 8659 4.1",
		[CAA_NOT_NAMED] = "RFC 8659 4.2",
		[CAA_OTHER_ACCOUNT] = "RFC 8657 3",
		[CAA_OTHER_METHOD] = "RFC 8657 4",
		[CAA_UNSATISFIABLE] = "RFC 8659 4.2",
	};

	return rules[r];
}

const char *caa_hole_name(enum caa_hole h)
{
	static const char *const names[] = {
		[CAA_HOLE_NONE] = "none",
		[CAA_HOLE_OPEN] = "unrestricted",
		[CAA_HOLE_ISSUER] = "other_issuer",
		[CAA_HOLE_NO_ACCOUNT] = "any_account",
		[CAA_HOLE_ACCOUNT] = "other_account",
		[CAA_HOLE_METHOD] = "other_method",
	};

	return names[h];
}

const char *caa_hole_rule(enum caa_hole h)
{
	static const char *const rules[] = {
		[CAA_HOLE_NONE] = "RFC 8659 3",
		[CAA_HOLE_OPEN] = "RFC 8659 3",
		[CAA_HOLE_ISSUER] = "RFC 8659 4.2",
		[CAA_HOLE_NO_ACCOUNT] = "RFC 8657 3",
		[CAA_HOLE_ACCOUNT] = "RFC 8657 3",
		[CAA_HOLE_METHOD] = "RFC 8657 4",
	};

	return rules[h];
}

const struct caa_property *caa_blocked(const struct caa_set *set)
{
	size_t i;

	for (i = 0; i < set->count; i++)
		if (set->items[i].tag == CAA_OTHER &&
		    set->items[i].flags & CAA_FLAG_CRITICAL)
			return &set->items[i];
	return NULL;
}

static bool has_tag(const struct caa_set *set, enum caa_tag tag)
{
	size_t i;

	for (i = 0; i < set->count; i++)
		if (set->items[i].tag == tag)
			return true;
	return false;
}

const struct caa_property *caa_next_relevant(const struct caa_set *set,
					     bool is_wildcard, size_t *at)
{
	enum caa_tag tag = CAA_ISSUE;

	if (is_wildcard && has_tag(set, CAA_ISSUEWILD))
		tag = CAA_ISSUEWILD;
	while (*at < set->count) {
		const struct caa_property *p = &set->items[(*at)++];

		if (p->tag == tag)
			return p;
	}
	return NULL;
}

/* The list "a,b" has the method; *is_good: every entry is a label. */
static bool has_method(struct span methods, struct span method)
{
	struct span one;
	bool found = false;

	if (methods.n && methods.p[methods.n - 1] == ',')
		return false;
	while (rd_until(&methods, &one, ',')) {
		struct span rest = one, label;

		if (!rd_while(&rest, &label, is_label_byte) || !rd_end(&rest))
			return false;
		if (span_equal(one, method))
			found = true;
	}
	return found;
}

/* What one property says to the request. */
static enum caa_reason match(const struct caa_property *p,
			     const struct caa_request *r)
{
	/* Issuer domain names compare without case, and "." at the end of
	 * one breaks the grammar. */
	if (!p->is_well_formed || p->issuer.n == 0 ||
	    !span_equal_nocase(p->issuer, r->issuer))
		return CAA_NOT_NAMED;
	/* RFC 8657 §3: with more than one accounturi it cannot be satisfied.
	 * The same is done for two lists of methods, of which it says nothing.
	 */
	if (p->account_count > 1 || p->methods_count > 1 || p->is_ambiguous)
		return CAA_UNSATISFIABLE;
	if (p->account_count && !span_equal(p->account, r->account))
		return CAA_OTHER_ACCOUNT;
	if (p->methods_count && !has_method(p->methods, r->method))
		return CAA_OTHER_METHOD;
	return CAA_MATCHES;
}

/* The refusal that came nearest to a permission is the one to report. */
static int nearness(enum caa_reason r)
{
	static const int table[] = {
		[CAA_NOT_NAMED] = 0,
		[CAA_UNSATISFIABLE] = 1,
		[CAA_OTHER_ACCOUNT] = 2,
		[CAA_OTHER_METHOD] = 3,
		[CAA_MATCHES] = 4,
	};

	return table[r];
}

struct caa_judgement caa_may_issue(const struct caa_set *set,
				   const struct caa_request *request)
{
	struct caa_judgement j = { CAA_FORBIDDEN, CAA_NOT_NAMED, NULL };
	const struct caa_property *p = caa_blocked(set);
	size_t at = 0;

	if (set->count == 0)
		return (struct caa_judgement){ CAA_PERMITTED, CAA_NO_RECORDS,
					       NULL };
	if (p)
		return (struct caa_judgement){ CAA_FORBIDDEN, CAA_CRITICAL, p };
	p = caa_next_relevant(set, request->is_wildcard, &at);
	if (!p)
		return (struct caa_judgement){ CAA_PERMITTED, CAA_NO_ISSUE,
					       NULL };
	for (; p; p = caa_next_relevant(set, request->is_wildcard, &at)) {
		enum caa_reason r = match(p, request);

		if (nearness(r) > nearness(j.reason) || !j.by)
			j = (struct caa_judgement){ CAA_FORBIDDEN, r, p };
	}
	if (j.reason == CAA_MATCHES)
		j.answer = CAA_PERMITTED;
	return j;
}

/* Who else. */

static bool names_issuer(const struct caa_pin *pin, struct span issuer)
{
	size_t i;

	for (i = 0; i < pin->issuer_count; i++)
		if (span_equal_nocase(pin->issuers[i], issuer))
			return true;
	return false;
}

/* Every method of the list is one of the pin's; an odd entry is none. */
static bool only_methods(const struct caa_pin *pin, struct span methods)
{
	struct span one;
	size_t i;

	if (pin->method_count == 0)
		return true;
	while (rd_until(&methods, &one, ',')) {
		for (i = 0; i < pin->method_count; i++)
			if (span_equal(pin->methods[i], one))
				break;
		if (i == pin->method_count)
			return false;
	}
	return true;
}

static enum caa_hole hole_beside(const struct caa_property *p,
				 const struct caa_pin *pin)
{
	if (!names_issuer(pin, p->issuer))
		return CAA_HOLE_ISSUER;
	if (p->is_ambiguous || p->account_count == 0)
		return CAA_HOLE_NO_ACCOUNT;
	if (!span_equal(p->account, pin->account))
		return CAA_HOLE_ACCOUNT;
	if (pin->method_count &&
	    (p->methods_count == 0 || !only_methods(pin, p->methods)))
		return CAA_HOLE_METHOD;
	return CAA_HOLE_NONE;
}

/*
 * The issuer that a CA of loose habits may see in a malformed value: what
 * stands before the first ';'.
 */
static struct span loose_issuer(struct span value)
{
	struct span issuer = { 0 };

	if (!rd_until(&value, &issuer, ';'))
		return issuer;
	skip_white(&issuer);
	while (issuer.n && is_white(issuer.p[issuer.n - 1]))
		issuer.n--;
	return issuer;
}

enum caa_hole caa_property_hole(const struct caa_property *p,
				const struct caa_pins *mine)
{
	enum caa_hole least = CAA_HOLE_ISSUER;
	struct caa_property loose = *p;
	size_t i;

	if (!p->is_well_formed) {
		loose.issuer = loose_issuer(p->value);
		loose.account_count = loose.methods_count = 0;
	}
	if (loose.issuer.n == 0)
		return CAA_HOLE_NONE;
	/* RFC 8657 §3: nobody can satisfy it.  (Two lists of methods are left
	 * to those below: the RFC does not forbid them.) */
	if (p->is_well_formed && !p->is_ambiguous && p->account_count > 1)
		return CAA_HOLE_NONE;
	if (loose.methods_count > 1)
		loose.methods_count = 0;
	for (i = 0; i < mine->count; i++) {
		enum caa_hole h = hole_beside(&loose, &mine->items[i]);

		/* Later in the enumeration is nearer to ours. */
		if (h == CAA_HOLE_NONE)
			return h;
		if (h > least)
			least = h;
	}
	return least;
}
