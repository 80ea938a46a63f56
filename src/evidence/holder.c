#include "evidence/holder.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/wr.h"

static const char label[] = "postern/acme-account/v1";
static const char scheme[] = "https://";

/* The members of the JWK in lexical order and nothing else: RFC 7638 §3.2. */
void holder_thumbprint(struct sha256 *out, const struct p256_point *key)
{
	char text[160];
	struct wr w = WR_ARRAY(text);

	wr_str(&w, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"");
	text_base64url(&w, span_of(key->xy, 32));
	wr_str(&w, "\",\"y\":\"");
	text_base64url(&w, span_of(key->xy + 32, 32));
	wr_str(&w, "\"}");
	sha256_of(out, wr_span(&w));
}

enum rc holder_statement(struct buf *out, const struct holder *h,
			 const struct holder_context *context)
{
	AUTO(mem_auto_free)
	uint8_t *room = mem_new(HOLDER_STATEMENT_MAX);
	struct wr w = wr_over(room, HOLDER_STATEMENT_MAX);
	struct span text;

	wr_printf(&w, "%s\n", label);
	wr_bytes(&w, h->directory);
	wr_str(&w, "\n");
	wr_bytes(&w, h->uri);
	wr_str(&w, "\n");
	text_base64url(&w, SPAN_ARRAY(h->thumbprint.b));
	wr_printf(&w, "\n%lld\n%lld\n", (long long)context->issued_at,
		  (long long)context->expires_at);
	for (size_t i = 0; i < context->spki_count; i++) {
		text_hex(&w, SPAN_ARRAY(context->spki[i].b));
		wr_str(&w, "\n");
	}
	if (!wr_done(&w, &text) || !buf_add(out, text))
		return RC_LIMIT;
	return RC_OK;
}

static void auto_buf(struct buf *b)
{
	buf_fini(b);
}

bool holder_is_proved(const struct holder *h,
		      const struct holder_context *context)
{
	AUTO(auto_buf)
	struct buf text;
	struct sha256 thumbprint;

	buf_init(&text, HOLDER_STATEMENT_MAX);
	holder_thumbprint(&thumbprint, &h->key);
	return span_equal(SPAN_ARRAY(thumbprint.b),
			  SPAN_ARRAY(h->thumbprint.b)) &&
	       holder_statement(&text, h, context) == RC_OK &&
	       p256_verify(&h->key, &h->signature, buf_span(&text));
}

static bool is_host_byte(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
	       c == '-';
}

/* A host in upper case, user names and address literals are no form a CA's URI
 * has, and two readers could differ about them. */
struct span holder_uri_host(struct span uri)
{
	const struct span none = { 0 };
	struct span rest = uri, authority, host;
	uint64_t port;

	if (uri.n > HOLDER_URI_MAX || !span_has_prefix(uri, span_str(scheme)))
		return none;
	for (size_t i = 0; i < uri.n; i++)
		if (uri.p[i] <= ' ' || uri.p[i] > '~' || uri.p[i] == '"' ||
		    uri.p[i] == '\\')
			return none;
	if (!rd_skip(&rest, sizeof(scheme) - 1) ||
	    !rd_until(&rest, &authority, '/'))
		return none;
	rest = authority;
	if (!rd_until(&rest, &host, ':') || !host.n)
		return none;
	for (size_t i = 0; i < host.n; i++)
		if (!is_host_byte(host.p[i]))
			return none;
	return host.n == authority.n || text_u64(&port, rest, 65535) ? host
								     : none;
}

bool holder_is_uri(struct span uri)
{
	return holder_uri_host(uri).n > 0;
}
