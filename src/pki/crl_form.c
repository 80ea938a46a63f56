#include "pki/crl_form.h"

#include "base/text.h"
#include "pki/pem.h"

/* X.690 §8.1: the head of a list, whatever is in it */
enum {
	SEQUENCE = 0x30,
	LENGTH_LONG = 0x80,
	LENGTH_1 = 0x81,
	LENGTH_2 = 0x82,
	LENGTH_3 = 0x83,
};

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

	if (!rd_u8(&in, &tag) || tag != SEQUENCE || !rd_u8(&in, &length))
		return false;
	if (length < LENGTH_LONG)
		n = length;
	else if (length < LENGTH_1 || length > LENGTH_3 ||
		 !rd_n(&in, &head, length - LENGTH_LONG))
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

enum crl_form crl_form_of(struct span body)
{
	static const char begin[] = "-----BEGIN " PEM_CRL "-----";

	/*
	 * "0" is a digit, too: DER goes on with a length, and a length of a
	 * list that is hex throughout would have to be 48 to 102, shorter than
	 * any list.
	 */
	if (is_hex(cut_padding(body)))
		return CRL_FORM_HEX;
	if (body.n && body.p[0] == SEQUENCE)
		return CRL_FORM_DER;
	if (span_has_prefix(body, span_str(begin)))
		return CRL_FORM_PEM;
	return CRL_FORM_UNKNOWN;
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

enum rc crl_form_decode(struct wr *w, struct span body)
{
	struct span der;

	switch (crl_form_of(body)) {
	case CRL_FORM_UNKNOWN:
		return RC_MALFORMED;
	case CRL_FORM_DER:
		if (!read_der(&der, body))
			return RC_MALFORMED;
		wr_bytes(w, der);
		return w->over ? RC_LIMIT : RC_OK;
	case CRL_FORM_PEM:
		/* Its bytes go to w as they are decoded. */
		return pem_decode(&der, 1, w, PEM_CRL, body);
	case CRL_FORM_HEX:
		return decode_hex(w, cut_padding(body));
	}
	return RC_MALFORMED;
}
