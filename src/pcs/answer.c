#include "pcs/answer.h"

#include "base/text.h"
#include "pki/pem.h"
#include "tee/document.h"

enum {
	DAY_S = 86400,
	DER_SEQUENCE = 0x30,
	DER_LENGTH_LONG = 0x80,
	DER_LENGTH_1 = 0x81,
	DER_LENGTH_2 = 0x82,
	DER_LENGTH_3 = 0x83,
};

enum pcs_reason pcs_status_judge(unsigned status)
{
	static const struct {
		unsigned status;
		enum pcs_reason reason;
	} known[] = {
		{ 200, PCS_OK },
		{ 400, PCS_BAD_REQUEST },
		{ 401, PCS_KEY },
		{ 403, PCS_KEY },
		{ 404, PCS_NOT_FOUND },
		{ 410, PCS_RETIRED },
		{ 429, PCS_BUSY },
		{ 461, PCS_PLATFORM },
		{ 462, PCS_NO_DATA },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].status == status)
			return known[i].reason;
	if (status >= 300 && status < 400)
		return PCS_REDIRECT;
	return status >= 500 && status < 600 ? PCS_SERVER : PCS_STATUS;
}

/* ---- Retry-After */

static bool rd_digits(struct span *s, unsigned *v, size_t n)
{
	struct span digits;
	unsigned value = 0;

	if (!rd_n(s, &digits, n))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (digits.p[i] < '0' || digits.p[i] > '9')
			return false;
		value = value * 10 + (unsigned)(digits.p[i] - '0');
	}
	*v = value;
	return true;
}

static bool rd_text(struct span *s, const char *text)
{
	return span_has_prefix(*s, span_str(text)) &&
	       rd_skip(s, span_str(text).n);
}

static bool rd_month(struct span *s, unsigned *month)
{
	static const char names[][4] = { "Jan", "Feb", "Mar", "Apr",
					 "May", "Jun", "Jul", "Aug",
					 "Sep", "Oct", "Nov", "Dec" };

	for (unsigned i = 0; i < 12; i++)
		if (rd_text(s, names[i])) {
			*month = i + 1;
			return true;
		}
	return false;
}

/* IMF-fixdate: "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7).  Which day
 * of the week it is said to be does not matter. */
static bool read_date(int64_t *unix_s, struct span s)
{
	unsigned day, month, year, hour, minute, second;
	struct span name;
	int64_t days;

	if (!rd_n(&s, &name, 3) || !rd_text(&s, ", ") ||
	    !rd_digits(&s, &day, 2) || !rd_text(&s, " ") ||
	    !rd_month(&s, &month) || !rd_text(&s, " ") ||
	    !rd_digits(&s, &year, 4) || !rd_text(&s, " ") ||
	    !rd_digits(&s, &hour, 2) || !rd_text(&s, ":") ||
	    !rd_digits(&s, &minute, 2) || !rd_text(&s, ":") ||
	    !rd_digits(&s, &second, 2) || !rd_text(&s, " GMT") || !rd_end(&s))
		return false;
	if (hour > 23 || minute > 59 || second > 59 ||
	    !text_days(&days, year, month, day))
		return false;
	*unix_s = days * DAY_S + hour * 3600 + minute * 60 + second;
	return true;
}

unsigned pcs_retry_after(struct span value, int64_t now)
{
	uint64_t seconds = 0;
	int64_t at;

	if (text_u64(&seconds, value, UINT64_MAX)) {
		/* seconds are set */
	} else if (read_date(&at, value) && at > now) {
		seconds = (uint64_t)(at - now);
	}
	return seconds > PCS_RETRY_MAX_S ? PCS_RETRY_MAX_S : (unsigned)seconds;
}

/* ---- issuer chains */

static bool is_printable(uint8_t c)
{
	return c >= 0x20 && c < 0x7f;
}

static bool rd_encoded(struct span *s, uint8_t *c)
{
	struct span hex;

	if (!rd_u8(s, c))
		return false;
	if (*c != '%')
		return is_printable(*c);
	return rd_n(s, &hex, 2) && text_hex_decode(c, 1, hex) &&
	       (is_printable(*c) || *c == '\n' || *c == '\r');
}

enum rc pcs_chain_decode(struct wr *w, struct span value)
{
	uint8_t last = '\n';

	if (!value.n)
		return RC_MALFORMED;
	while (value.n) {
		if (!rd_encoded(&value, &last))
			return RC_MALFORMED;
		wr_u8(w, last);
	}
	if (last != '\n')
		wr_u8(w, '\n');
	return w->over ? RC_LIMIT : RC_OK;
}

/* ---- revocation lists */

static bool is_padding(uint8_t c)
{
	return c == 0 || c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct span cut_padding(struct span s)
{
	while (s.n && is_padding(s.p[s.n - 1]))
		s.n--;
	return s;
}

/*
 * The one DER element at the front, when nothing but padding follows.  A last
 * byte of the signature may look like padding, so its length decides, not the
 * bytes.
 */
static bool read_der(struct span *der, struct span body)
{
	struct span in = body, head, content, rest;
	uint8_t tag, length;
	uint32_t n = 0;

	if (!rd_u8(&in, &tag) || tag != DER_SEQUENCE || !rd_u8(&in, &length))
		return false;
	if (length < DER_LENGTH_LONG)
		n = length;
	else if (length < DER_LENGTH_1 || length > DER_LENGTH_3 ||
		 !rd_n(&in, &head, length - DER_LENGTH_LONG))
		return false;
	else
		for (size_t i = 0; i < head.n; i++)
			n = n << 8 | head.p[i];
	if (!rd_n(&in, &content, n))
		return false;
	rest = cut_padding(in);
	*der = span_of(body.p, body.n - in.n);
	return rd_end(&rest);
}

static bool is_hex(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') ||
		      (s.p[i] >= 'a' && s.p[i] <= 'f') ||
		      (s.p[i] >= 'A' && s.p[i] <= 'F')))
			return false;
	return s.n && s.n % 2 == 0;
}

enum pcs_crl_form pcs_crl_detect(struct span body)
{
	static const char begin[] = "-----BEGIN " PEM_CRL "-----";

	/*
	 * "0" is a digit, too: DER goes on with a length, and a length of a
	 * list that is hex throughout would have to be 48 to 102, shorter than
	 * any list.
	 */
	if (is_hex(cut_padding(body)))
		return PCS_CRL_HEX;
	if (body.n && body.p[0] == DER_SEQUENCE)
		return PCS_CRL_DER;
	if (span_has_prefix(body, span_str(begin)))
		return PCS_CRL_PEM;
	return PCS_CRL_UNKNOWN;
}

static enum rc decode_hex(struct wr *w, struct span hex)
{
	size_t n;
	struct span der;

	if (w->over || w->cap - w->n < hex.n / 2) {
		w->over = true;
		return RC_LIMIT;
	}
	if (!text_hex_decode_any(w->p + w->n, w->cap - w->n, &n, hex) ||
	    !read_der(&der, span_of(w->p + w->n, n)))
		return RC_MALFORMED;
	w->n += der.n;
	return RC_OK;
}

enum rc pcs_crl_decode(struct wr *w, struct span body)
{
	struct span der;

	switch (pcs_crl_detect(body)) {
	case PCS_CRL_UNKNOWN:
		return RC_MALFORMED;
	case PCS_CRL_DER:
		if (!read_der(&der, body))
			return RC_MALFORMED;
		wr_bytes(w, der);
		return w->over ? RC_LIMIT : RC_OK;
	case PCS_CRL_PEM:
		/* Its bytes go to w as they are decoded. */
		return pem_decode(&der, 1, w, PEM_CRL, body);
	case PCS_CRL_HEX:
		return decode_hex(w, cut_padding(body));
	}
	return RC_MALFORMED;
}

/* ---- bodies */

bool pcs_body_is(enum pcs_item item, struct span body)
{
	struct p256_signature signature;
	struct span object;

	switch (item) {
	case PCS_TCB_INFO:
		return document_split(&object, &signature, body, "tcbInfo");
	case PCS_QE_IDENTITY:
		return document_split(&object, &signature, body,
				      "enclaveIdentity");
	case PCS_EVALUATIONS:
		return document_split(&object, &signature, body,
				      "tcbEvaluationDataNumbers");
	case PCS_PCK_CRL:
	case PCS_ROOT_CRL:
		return pcs_crl_detect(body) != PCS_CRL_UNKNOWN;
	case PCS_ITEM_COUNT:
		break;
	}
	return false;
}
