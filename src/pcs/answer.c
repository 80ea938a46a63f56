#include "pcs/answer.h"

#include "base/text.h"
#include "pki/crl_form.h"
#include "tee/document.h"

enum {
	DAY_S = 86400,
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
		return crl_form_of(body) != CRL_FORM_UNKNOWN;
	case PCS_ITEM_COUNT:
		break;
	}
	return false;
}
