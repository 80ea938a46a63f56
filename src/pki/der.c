#include "pki/der.h"

#include "base/text.h"

enum {
	TAG_NUMBER = 0x1f, /* all ones: a tag of several bytes */
	LONG_FORM = 0x80,
	/* Nothing we read reaches 16 MiB; a longer length is refused. */
	LENGTH_BYTES_MAX = 3,
	OID_MORE = 0x80, /* this octet is not the number's last */
	UTC_PIVOT = 50, /* RFC 5280 §4.1.2.5.1: 50..99 is 19xx */
};

/* X.690 §10.1: the definite form, in the fewest octets. */
static bool rd_length(struct span *s, size_t *out)
{
	struct span in = *s;
	uint8_t first, octet;
	size_t n = 0;

	if (!rd_u8(&in, &first))
		return false;
	if (first < LONG_FORM) {
		n = first;
	} else {
		size_t count = first & (LONG_FORM - 1U);

		if (!count || count > LENGTH_BYTES_MAX)
			return false;
		for (size_t i = 0; i < count; i++) {
			if (!rd_u8(&in, &octet) || (i == 0 && !octet))
				return false;
			n = n << 8 | octet;
		}
		if (n < LONG_FORM)
			return false;
	}
	*out = n;
	*s = in;
	return true;
}

bool der_any(struct span *s, uint8_t *tag, struct span *content,
	     struct span *whole)
{
	struct span in = *s, body;
	uint8_t t;
	size_t n;

	if (!rd_u8(&in, &t) || (t & TAG_NUMBER) == TAG_NUMBER ||
	    !rd_length(&in, &n) || !rd_n(&in, &body, n))
		return false;
	*tag = t;
	*content = body;
	*whole = span_of(s->p, s->n - in.n);
	*s = in;
	return true;
}

bool der_next_is(const struct span *s, enum der_tag tag)
{
	return s->n && s->p[0] == tag;
}

bool der_take(struct span *s, enum der_tag tag, struct span *content)
{
	struct span whole;
	uint8_t t;

	return der_next_is(s, tag) && der_any(s, &t, content, &whole);
}

bool der_whole(struct span *s, enum der_tag tag, struct span *whole)
{
	struct span content;
	uint8_t t;

	return der_next_is(s, tag) && der_any(s, &t, &content, whole);
}

bool der_boolean(struct span *s, bool *v)
{
	struct span in = *s, content;

	if (!der_take(&in, DER_BOOLEAN, &content) || content.n != 1 ||
	    (content.p[0] != 0x00 && content.p[0] != 0xff)) /* X.690 §11.1 */
		return false;
	*v = content.p[0] != 0;
	*s = in;
	return true;
}

/* X.690 §8.3.2: the first nine bits are not all equal. */
static bool is_natural(struct span v)
{
	return v.n && !(v.p[0] & 0x80) &&
	       (v.n == 1 || v.p[0] || (v.p[1] & 0x80));
}

bool der_integer(struct span *s, struct span *content)
{
	struct span in = *s, v;

	if (!der_take(&in, DER_INTEGER, &v) || !is_natural(v))
		return false;
	*content = v;
	*s = in;
	return true;
}

bool der_uint(struct span *s, enum der_tag tag, uint32_t *v, uint32_t max)
{
	struct span in = *s, content;
	uint64_t n = 0;

	if (!der_take(&in, tag, &content) || !is_natural(content) ||
	    content.n > sizeof(*v) + 1)
		return false;
	for (size_t i = 0; i < content.n; i++)
		n = n << 8 | content.p[i];
	if (n > max)
		return false;
	*v = (uint32_t)n;
	*s = in;
	return true;
}

bool der_bits(struct span *s, struct span *bytes)
{
	struct span in = *s, content;
	uint8_t unused;

	if (!der_take(&in, DER_BIT_STRING, &content) ||
	    !rd_u8(&content, &unused) || unused)
		return false;
	*bytes = content;
	*s = in;
	return true;
}

bool der_oid(struct span *s, struct span *oid)
{
	struct span in = *s, id;
	bool is_inside = false; /* a number */

	if (!der_take(&in, DER_OID, &id) || !id.n)
		return false;
	for (size_t i = 0; i < id.n; i++) {
		if (!is_inside && id.p[i] == OID_MORE) /* X.690 §8.19.2 */
			return false;
		is_inside = id.p[i] & OID_MORE;
	}
	if (is_inside)
		return false;
	*oid = id;
	*s = in;
	return true;
}

bool der_oid_is(struct span *s, struct span oid)
{
	struct span in = *s, content;

	if (!der_take(&in, DER_OID, &content) || !span_equal(content, oid))
		return false;
	*s = in;
	return true;
}

bool der_extension(struct span *s, struct span *oid, bool *is_critical,
		   struct span *value)
{
	struct span in = *s, extension, id, content;
	bool flag = false;

	if (!der_take(&in, DER_SEQUENCE, &extension) ||
	    !der_oid(&extension, &id))
		return false;
	/* X.690 §11.5: a DEFAULT is not written. */
	if (der_next_is(&extension, DER_BOOLEAN) &&
	    (!der_boolean(&extension, &flag) || !flag))
		return false;
	if (!der_take(&extension, DER_OCTET_STRING, &content) ||
	    !rd_end(&extension))
		return false;
	*oid = id;
	*is_critical = flag;
	*value = content;
	*s = in;
	return true;
}

static bool rd_two_digits(struct span *s, unsigned *v)
{
	struct span in = *s, two;

	if (!rd_n(&in, &two, 2) || two.p[0] < '0' || two.p[0] > '9' ||
	    two.p[1] < '0' || two.p[1] > '9')
		return false;
	*v = (two.p[0] - (unsigned)'0') * 10 + (two.p[1] - (unsigned)'0');
	*s = in;
	return true;
}

/* The year, by the kind of time it stands in. */
static bool rd_year(struct span *s, enum der_tag tag, unsigned *year)
{
	unsigned century, low;

	if (tag == DER_UTC_TIME) {
		if (!rd_two_digits(s, &low))
			return false;
		*year = low + (low < UTC_PIVOT ? 2000 : 1900);
		return true;
	}
	if (!rd_two_digits(s, &century) || !rd_two_digits(s, &low))
		return false;
	*year = century * 100 + low;
	return *year >= 2000 + UTC_PIVOT; /* RFC 5280 §4.1.2.5 MUST */
}

bool der_time(struct span *s, int64_t *unix_s)
{
	struct span in = *s, t;
	enum der_tag tag = der_next_is(s, DER_UTC_TIME) ? DER_UTC_TIME
							: DER_GENERALIZED_TIME;
	unsigned year, month, day, hour, minute, second;
	uint8_t zone;
	int64_t days;

	if (!der_take(&in, tag, &t) ||
	    !rd_year(&t, tag, &year) ||
	    !rd_two_digits(&t, &month) || !rd_two_digits(&t, &day) ||
	    !rd_two_digits(&t, &hour) || !rd_two_digits(&t, &minute) ||
	    !rd_two_digits(&t, &second) ||
	    !rd_u8(&t, &zone) || zone != 'Z' || !rd_end(&t))
		return false;
	if (year < 1970 || hour > 23 || minute > 59 || second > 59 ||
	    !text_days(&days, year, month, day))
		return false;
	*unix_s = days * 86400 + (int64_t)(hour * 3600 + minute * 60 + second);
	*s = in;
	return true;
}
