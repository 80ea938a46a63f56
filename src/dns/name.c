#include "dns/name.h"

#include "base/text.h"

enum {
	/* RFC 1035 §4.1.4 */
	POINTER_BITS = 0xc0,
	POINTER_OFFSET = 0x3fff,
};

void dns_name_root(struct dns_name *out)
{
	*out = (struct dns_name){ .n = 1 };
}

static bool is_written(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool is_good_label(struct span label, bool is_first)
{
	size_t i;

	if (label.n == 0 || label.n > DNS_LABEL_MAX)
		return false;
	if (is_first && span_equal_str(label, "*"))
		return true;
	for (i = 0; i < label.n; i++)
		if (!is_written(label.p[i]))
			return false;
	return true;
}

enum rc dns_name_parse(struct dns_name *out, struct span text)
{
	struct dns_name name = { 0 };
	struct wr w = WR_ARRAY(name.wire);
	struct span label;

	if (text.n == 0)
		return RC_MALFORMED;
	if (text.p[text.n - 1] == '.')
		text.n--;
	else if (text.n > DNS_NAME_MAX)
		return RC_MALFORMED;
	/* "a.." had a dot taken and ends in another: an empty label. */
	if (text.n && text.p[text.n - 1] == '.')
		return RC_MALFORMED;
	while (rd_until(&text, &label, '.')) {
		if (!is_good_label(label, w.n == 0))
			return RC_MALFORMED;
		wr_vec8(&w, label);
	}
	wr_u8(&w, 0);
	if (w.over)
		return RC_MALFORMED;
	text_lower(name.wire, w.n);
	name.n = (uint8_t)w.n;
	*out = name;
	return RC_OK;
}

static void write_label(struct wr *w, struct span label)
{
	size_t i;

	for (i = 0; i < label.n; i++) {
		uint8_t c = label.p[i];

		if (is_written(c) || (c == '*' && label.n == 1))
			wr_u8(w, c);
		else
			wr_printf(w, "\\%03u", c);
	}
}

void dns_name_write(struct wr *w, const struct dns_name *name)
{
	struct span rest = dns_name_wire(name), label;
	bool is_first = true;

	while (rd_vec8(&rest, &label) && label.n) {
		if (!is_first)
			wr_u8(w, '.');
		is_first = false;
		write_label(w, label);
	}
	if (is_first)
		wr_u8(w, '.');
}

void dns_name_text(char out[DNS_NAME_TEXT], const struct dns_name *name)
{
	struct wr w = wr_over(out, DNS_NAME_TEXT - 1);

	dns_name_write(&w, name);
	out[w.n] = '\0';
}

/*
 * 'limit' is how far into the message the next pointer may lead: less each
 * time, so the loop ends.
 */
static bool read_name(struct dns_name *out, struct span *at, struct span whole,
		      bool may_point)
{
	struct dns_name name = { 0 };
	struct wr w = WR_ARRAY(name.wire);
	struct span rest = *at, after = { 0 };
	size_t limit = whole.n - at->n;
	bool has_jumped = false;
	uint8_t n = 1, low;

	while (rd_u8(&rest, &n)) {
		struct span label;

		if ((n & POINTER_BITS) == POINTER_BITS) {
			size_t offset;

			if (!may_point || !rd_u8(&rest, &low))
				return false;
			offset = (size_t)(n << 8 | low) & POINTER_OFFSET;
			if (offset >= limit)
				return false;
			if (!has_jumped)
				after = rest;
			has_jumped = true;
			limit = offset;
			rest = span_of(whole.p + offset, whole.n - offset);
			continue;
		}
		if (n > DNS_LABEL_MAX || !rd_n(&rest, &label, n))
			return false;
		wr_vec8(&w, label);
		if (n == 0)
			break;
	}
	/* The name ends with the root's byte, or it is cut off. */
	if (w.over || w.n == 0 || n != 0)
		return false;
	text_lower(name.wire, w.n);
	name.n = (uint8_t)w.n;
	*at = has_jumped ? after : rest;
	*out = name;
	return true;
}

bool dns_name_read(struct dns_name *out, struct span *at, struct span message)
{
	return at->n && read_name(out, at, message, true);
}

bool dns_name_read_plain(struct dns_name *out, struct span *at)
{
	return at->n && read_name(out, at, *at, false);
}

struct span dns_name_wire(const struct dns_name *name)
{
	return span_of(name->wire, name->n);
}

bool dns_name_equal(const struct dns_name *a, const struct dns_name *b)
{
	return span_equal(dns_name_wire(a), dns_name_wire(b));
}

size_t dns_name_labels(const struct dns_name *name)
{
	struct span rest = dns_name_wire(name), label;
	size_t n = 0;

	while (rd_vec8(&rest, &label) && label.n)
		n++;
	return n;
}

bool dns_name_is_wildcard(const struct dns_name *name)
{
	return name->n > 2 && name->wire[0] == 1 && name->wire[1] == '*';
}

/* The name from its label number 'skip' on. */
static struct span tail(const struct dns_name *name, size_t skip)
{
	struct span rest = dns_name_wire(name), label;

	while (skip-- && rd_vec8(&rest, &label))
		;
	return rest;
}

bool dns_name_is_under(const struct dns_name *name,
		       const struct dns_name *ancestor)
{
	size_t have = dns_name_labels(name), want = dns_name_labels(ancestor);

	return have >= want && name->n && ancestor->n &&
	       span_equal(tail(name, have - want), dns_name_wire(ancestor));
}

static void take(struct dns_name *out, struct span wire)
{
	struct dns_name name = { .n = (uint8_t)wire.n };

	memcpy(name.wire, wire.p, wire.n);
	*out = name;
}

bool dns_name_parent(struct dns_name *out, const struct dns_name *name)
{
	if (name->n <= 1)
		return false;
	take(out, tail(name, 1));
	return true;
}

static bool join(struct dns_name *out, struct span front, struct span back)
{
	struct dns_name name = { 0 };
	struct wr w = WR_ARRAY(name.wire);

	wr_bytes(&w, front);
	wr_bytes(&w, back);
	if (w.over)
		return false;
	name.n = (uint8_t)w.n;
	*out = name;
	return true;
}

bool dns_name_prefix(struct dns_name *out, const char *label,
		     const struct dns_name *name)
{
	struct dns_name front;

	if (dns_name_parse(&front, span_str(label)))
		return false;
	return join(out, span_of(front.wire, (size_t)front.n - 1),
		    dns_name_wire(name));
}

bool dns_name_replace(struct dns_name *out, const struct dns_name *name,
		      const struct dns_name *from, const struct dns_name *to)
{
	if (!dns_name_is_under(name, from))
		return false;
	return join(out, span_of(name->wire, (size_t)name->n - from->n),
		    dns_name_wire(to));
}

bool dns_name_relative(char out[DNS_NAME_TEXT], const struct dns_name *name,
		       const struct dns_name *zone)
{
	struct dns_name root, front;

	dns_name_root(&root);
	if (!dns_name_replace(&front, name, zone, &root))
		return false;
	dns_name_text(out, &front);
	if (front.n == 1)
		out[0] = '\0';
	return true;
}
