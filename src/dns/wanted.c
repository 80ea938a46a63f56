#include "dns/wanted.h"

static bool is_domain(struct span text)
{
	struct span rest = text, name;

	return caa_rd_issuer(&rest, &name) && rd_end(&rest) && name.n &&
	       name.n == text.n;
}

/* One parameter's value: all of it, and something. */
static bool is_value(struct span text)
{
	size_t i;

	for (i = 0; i < text.n; i++)
		if (text.p[i] < 0x21 || text.p[i] > 0x7e || text.p[i] == ';')
			return false;
	return text.n > 0;
}

static bool is_method(struct span text)
{
	size_t i;

	for (i = 0; is_value(text) && i < text.n; i++)
		if (text.p[i] == ',')
			return false;
	return is_value(text);
}

static bool is_pin(const struct caa_pin *pin)
{
	size_t i;

	if (!pin->issuer_count || !pin->method_count || !is_value(pin->account))
		return false;
	for (i = 0; i < pin->issuer_count; i++)
		if (!is_domain(pin->issuers[i]))
			return false;
	for (i = 0; i < pin->method_count; i++)
		if (!is_method(pin->methods[i]))
			return false;
	return true;
}

/* RFC 8555 §7.1.3 and Baseline Requirements §3.2.2.4: wildcards by DNS only. */
static bool gives_wildcards(struct span method)
{
	return span_has_prefix(method, span_str("dns-"));
}

static bool has_wildcard_method(const struct caa_pin *pin)
{
	size_t i;

	for (i = 0; i < pin->method_count; i++)
		if (gives_wildcards(pin->methods[i]))
			return true;
	return false;
}

static void write_value(struct wr *w, const struct caa_pin *pin,
			struct span issuer, bool is_wild)
{
	const char *before = "; validationmethods=";
	size_t i;

	wr_bytes(w, issuer);
	wr_str(w, "; accounturi=");
	wr_bytes(w, pin->account);
	for (i = 0; i < pin->method_count; i++) {
		if (is_wild && !gives_wildcards(pin->methods[i]))
			continue;
		wr_str(w, before);
		wr_bytes(w, pin->methods[i]);
		before = ",";
	}
}

static enum rc add(struct wanted *w, struct arena *arena, const char *tag,
		   const struct wr *value)
{
	struct span text;
	char *copy;

	if (!wr_done(value, &text) || w->count == WANTED_MAX)
		return RC_LIMIT;
	copy = arena_dup(arena, text);
	if (!copy)
		return RC_LIMIT;
	w->items[w->count++] = (struct wanted_property){
		.tag = tag,
		.value = span_of(copy, text.n),
	};
	return RC_OK;
}

static enum rc add_str(struct wanted *w, struct arena *arena, const char *tag,
		       struct span value)
{
	uint8_t bytes[WANTED_VALUE_MAX];
	struct wr out = WR_ARRAY(bytes);

	wr_bytes(&out, value);
	return add(w, arena, tag, &out);
}

static enum rc add_pin(struct wanted *w, struct arena *arena,
		       const struct caa_pin *pin, bool is_wild)
{
	uint8_t bytes[WANTED_VALUE_MAX];
	size_t i;

	if (is_wild && !has_wildcard_method(pin))
		return RC_OK;
	for (i = 0; i < pin->issuer_count; i++) {
		struct wr value = WR_ARRAY(bytes);
		enum rc rc;

		write_value(&value, pin, pin->issuers[i], is_wild);
		rc = add(w, arena, is_wild ? "issuewild" : "issue", &value);
		if (rc)
			return rc;
	}
	return RC_OK;
}

/* Everything of one kind, or that nobody may issue it. */
static enum rc add_kind(struct wanted *w, struct arena *arena,
			const struct caa_pins *pins, bool is_wild, bool is_none)
{
	size_t before = w->count, i;

	for (i = 0; !is_none && i < pins->count; i++) {
		enum rc rc = add_pin(w, arena, &pins->items[i], is_wild);

		if (rc)
			return rc;
	}
	if (w->count > before)
		return RC_OK;
	return add_str(w, arena, is_wild ? "issuewild" : "issue",
		       span_str(";"));
}

enum rc wanted_make(struct wanted *out, struct arena *arena,
		    const struct caa_pins *pins, enum wanted_kinds kinds,
		    struct span iodef)
{
	struct wanted w = { 0 };
	enum rc rc;
	size_t i;

	for (i = 0; i < pins->count; i++)
		if (!is_pin(&pins->items[i]))
			return RC_MALFORMED;
	if (pins->count == 0 || (iodef.n && !is_value(iodef)))
		return RC_MALFORMED;
	rc = add_kind(&w, arena, pins, false, false);
	if (!rc)
		rc = add_kind(&w, arena, pins, true, kinds == WANTED_NAMES);
	if (!rc && iodef.n)
		rc = add_str(&w, arena, "iodef", iodef);
	if (rc)
		return rc;
	*out = w;
	return RC_OK;
}

void wanted_rdata(struct wr *w, const struct wanted_property *p)
{
	caa_write_rdata(w, 0, span_str(p->tag), p->value);
}

void wanted_text(struct wr *w, const struct wanted_property *p)
{
	const struct caa_property as_read = {
		.tag_text = span_str(p->tag),
		.value = p->value,
	};

	caa_write_text(w, &as_read);
}

/* Comparing. */

static bool is_same(const struct wanted_property *a,
		    const struct caa_property *b)
{
	return b->flags == 0 && span_equal(a->value, b->value) &&
	       span_equal_nocase(span_str(a->tag), b->tag_text);
}

static bool is_served(const struct wanted_property *p,
		      const struct caa_set *served)
{
	size_t i;

	for (i = 0; i < served->count; i++)
		if (is_same(p, &served->items[i]))
			return true;
	return false;
}

static bool is_wanted(const struct caa_property *p, const struct wanted *wanted)
{
	size_t i;

	for (i = 0; i < wanted->count; i++)
		if (is_same(&wanted->items[i], p))
			return true;
	return false;
}

void wanted_compare(struct wanted_drift *out, const struct wanted *wanted,
		    const struct caa_set *served)
{
	struct wanted_drift d = { 0 };
	size_t i;

	for (i = 0; i < wanted->count; i++)
		if (!is_served(&wanted->items[i], served))
			d.missing[d.missing_count++] = &wanted->items[i];
	for (i = 0; i < served->count; i++)
		if (!is_wanted(&served->items[i], wanted))
			d.extra[d.extra_count++] = &served->items[i];
	*out = d;
}

bool wanted_has_drifted(const struct wanted_drift *d)
{
	return d->missing_count || d->extra_count;
}
