#include "acme/jws.h"

#include "base/mem.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "json/jwrite.h"

enum {
	COORDINATE_LEN = 32,
	JWK_MAX = 256,
};

void jws_jwk(struct wr *w, const struct p256_point *key)
{
	wr_str(w, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
	text_base64url(w, span_of(key->xy, COORDINATE_LEN));
	wr_str(w, "\",\"y\":\"");
	text_base64url(w, span_of(key->xy + COORDINATE_LEN, COORDINATE_LEN));
	wr_str(w, "\"}");
}

void jws_hash_text(char out[JWS_HASH_LEN + 1], const struct sha256 *hash)
{
	struct wr w = wr_over(out, JWS_HASH_LEN);

	text_base64url(&w, SPAN_ARRAY(hash->b));
	out[JWS_HASH_LEN] = 0;
}

void jws_thumbprint(struct jws_thumbprint *out, const struct p256_point *key)
{
	uint8_t jwk[JWK_MAX];
	struct wr w = WR_ARRAY(jwk);
	struct sha256 hash;

	jws_jwk(&w, key);
	sha256_of(&hash, wr_span(&w));
	jws_hash_text(out->text, &hash);
}

void jws_authorization(struct wr *w, struct span token,
		       const struct jws_thumbprint *account)
{
	wr_bytes(w, token);
	wr_u8(w, '.');
	wr_str(w, account->text);
}

/* The member names of a flattened JWS. */
static void add_encoded(struct jwrite *j, const char *key,
			const struct buf *what)
{
	jwrite_base64url(j, key, buf_span(what));
}

/* BASE64URL(header) "." BASE64URL(payload), which is what is signed. */
static bool signing_input(struct buf *out, const struct buf *header,
			  struct span payload)
{
	const struct span parts[] = { buf_span(header), payload };
	struct wr w;
	uint8_t *p;
	size_t n, want = 4 + (parts[0].n + parts[1].n) / 3 * 4 + 8;

	p = buf_space(out, want, &n);
	if (n < want)
		return false;
	w = wr_over(p, want);
	text_base64url(&w, parts[0]);
	wr_u8(&w, '.');
	text_base64url(&w, parts[1]);
	buf_commit(out, wr_span(&w).n);
	return true;
}

static enum rc flatten(struct buf *out, const struct buf *header,
		       struct span payload, struct span signature)
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	struct jwrite j;

	buf_init(&text, JWS_MAX);
	j = jwrite_to(&text);
	jwrite_object(&j, NULL);
	add_encoded(&j, "protected", header);
	jwrite_base64url(&j, "payload", payload);
	jwrite_base64url(&j, "signature", signature);
	jwrite_end(&j);
	if (!jwrite_done(&j) || !buf_add(out, buf_span(&text)))
		return RC_LIMIT;
	return RC_OK;
}

static bool write_head(struct buf *out, const struct jws_head *head,
		       const struct p256_private *key)
{
	struct jwrite j = jwrite_to(out);
	struct p256_point point;
	uint8_t jwk[JWK_MAX];
	struct wr w = WR_ARRAY(jwk);

	jwrite_object(&j, NULL);
	jwrite_str(&j, "alg", "ES256");
	if (head->kid.n) {
		jwrite_text(&j, "kid", head->kid);
	} else {
		p256_private_point(key, &point);
		jws_jwk(&w, &point);
		jwrite_raw(&j, "jwk", wr_span(&w));
	}
	if (head->nonce.n)
		jwrite_text(&j, "nonce", head->nonce);
	jwrite_text(&j, "url", head->url);
	jwrite_end(&j);
	return jwrite_done(&j);
}

enum rc jws_sign(struct buf *out, const struct jws_head *head,
		 const struct p256_private *key, struct span payload)
{
	AUTO(buf_fini)
	struct buf header = { 0 };
	AUTO(buf_fini)
	struct buf input = { 0 };
	struct p256_signature sig;

	buf_init(&header, JWS_MAX);
	buf_init(&input, JWS_MAX);
	if (!write_head(&header, head, key))
		return RC_MALFORMED;
	if (!signing_input(&input, &header, payload))
		return RC_LIMIT;
	p256_sign(key, &sig, buf_span(&input));
	return flatten(out, &header, payload, SPAN_ARRAY(sig.rs));
}

enum rc jws_bind(struct buf *out, struct span url, struct span kid,
		 struct span mac_key, const struct p256_point *account)
{
	AUTO(buf_fini)
	struct buf header = { 0 };
	AUTO(buf_fini)
	struct buf input = { 0 };
	uint8_t jwk[JWK_MAX];
	struct wr w = WR_ARRAY(jwk);
	struct jwrite j;
	struct sha256 mac;

	buf_init(&header, JWS_MAX);
	buf_init(&input, JWS_MAX);
	j = jwrite_to(&header);
	jwrite_object(&j, NULL);
	jwrite_str(&j, "alg", "HS256");
	jwrite_text(&j, "kid", kid);
	jwrite_text(&j, "url", url);
	jwrite_end(&j);
	if (!jwrite_done(&j))
		return RC_MALFORMED;
	jws_jwk(&w, account);
	if (!signing_input(&input, &header, wr_span(&w)))
		return RC_LIMIT;
	hmac_sha256(&mac, mac_key, buf_span(&input));
	return flatten(out, &header, wr_span(&w), SPAN_ARRAY(mac.b));
}
