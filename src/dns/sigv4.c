#include "dns/sigv4.h"

#include "base/secret.h"
#include "base/text.h"
#include "crypto/hash.h"

enum {
	REQUEST_MAX = 8 * 1024,
	DAY_LEN = 8,
	SECRET_MAX = 256,
};

static const char ALGORITHM[] = "AWS4-HMAC-SHA256";
static const char TERMINATOR[] = "aws4_request";

void sigv4_date(char out[SIGV4_DATE_LEN + 1], int64_t now)
{
	uint8_t bytes[32];
	struct wr w = WR_ARRAY(bytes);
	size_t i, n = 0;

	/* 2015-08-30T12:36:00Z without what stands between its numbers. */
	text_utc_write(&w, now);
	for (i = 0; i < w.n && n < SIGV4_DATE_LEN; i++)
		if (bytes[i] != '-' && bytes[i] != ':')
			out[n++] = (char)bytes[i];
	out[n] = '\0';
}

static struct span signed_headers(const struct sigv4 *s)
{
	return span_str(s->session.n ? "host;x-amz-date;x-amz-security-token"
				     : "host;x-amz-date");
}

static void wr_hash(struct wr *w, struct span of)
{
	struct sha256 h;

	sha256_of(&h, of);
	text_hex(w, SPAN_ARRAY(h.b));
}

static void wr_request(struct wr *w, const struct sigv4 *s, const char *date)
{
	wr_printf(w, "%s\n", s->method);
	wr_bytes(w, s->path);
	wr_u8(w, '\n');
	wr_bytes(w, s->query);
	wr_str(w, "\nhost:");
	wr_bytes(w, s->host);
	wr_printf(w, "\nx-amz-date:%s\n", date);
	if (s->session.n) {
		wr_str(w, "x-amz-security-token:");
		wr_bytes(w, s->session);
		wr_u8(w, '\n');
	}
	wr_u8(w, '\n');
	wr_bytes(w, signed_headers(s));
	wr_u8(w, '\n');
	wr_hash(w, s->body);
}

static void wr_scope(struct wr *w, const struct sigv4 *s, const char *date)
{
	wr_bytes(w, span_of(date, DAY_LEN));
	wr_printf(w, "/%s/%s/%s", s->region, s->service, TERMINATOR);
}

static void step(struct sha256 *key, struct span data)
{
	struct sha256 next;

	hmac_sha256(&next, SPAN_ARRAY(key->b), data);
	*key = next;
	secret_wipe(&next, sizeof(next));
}

static void sign(struct sha256 *out, const struct sigv4 *s, const char *date,
		 struct span text)
{
	uint8_t secret[SECRET_MAX];
	struct wr w = WR_ARRAY(secret);

	wr_str(&w, "AWS4");
	wr_bytes(&w, s->secret);
	hmac_sha256(out, wr_span(&w), span_of(date, DAY_LEN));
	secret_wipe(secret, sizeof(secret));
	step(out, span_str(s->region));
	step(out, span_str(s->service));
	step(out, span_str(TERMINATOR));
	step(out, text);
}

void sigv4_sign(struct wr *w, const struct sigv4 *s)
{
	char date[SIGV4_DATE_LEN + 1];
	uint8_t request[REQUEST_MAX], text[512];
	struct wr canonical = WR_ARRAY(request), to_sign = WR_ARRAY(text);
	struct sha256 signature;

	sigv4_date(date, s->now);
	wr_request(&canonical, s, date);
	wr_printf(&to_sign, "%s\n%s\n", ALGORITHM, date);
	wr_scope(&to_sign, s, date);
	wr_u8(&to_sign, '\n');
	wr_hash(&to_sign, wr_span(&canonical));
	if (canonical.over || to_sign.over || s->secret.n > SECRET_MAX - 4) {
		w->over = true;
		return;
	}
	sign(&signature, s, date, wr_span(&to_sign));
	wr_printf(w, "%s Credential=", ALGORITHM);
	wr_bytes(w, s->key_id);
	wr_u8(w, '/');
	wr_scope(w, s, date);
	wr_str(w, ", SignedHeaders=");
	wr_bytes(w, signed_headers(s));
	wr_str(w, ", Signature=");
	text_hex(w, SPAN_ARRAY(signature.b));
}
