#include "guest/tlskey.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "guest/appinfo.h"
#include "guest/derive.h"
#include "json/jwrite.h"
#include "pki/appcert.h"
#include "pki/pem.h"
#include "pki/spki.h"

enum {
	HOST_MAX = 253,
	DER_MAX = 192 * 1024, /* a leaf with a quote and a log in it */
	PEM_MAX = 2 * DER_MAX,
	APP_INFO_MAX = 1024,
};

/* Of the authority: a fixed span, so that its certificate says no more than its
 * key does: 2025-01-01 to 2100-01-01. */
static const int64_t AUTHORITY_FROM = 1735689600;
static const int64_t AUTHORITY_UNTIL = 4102444800;

struct subject {
	char text[APPCERT_NAME_MAX];
	size_t n;
};

/* It names the app; the key identifier tells two of one app apart. */
static struct subject authority_subject(const struct desk_world *w)
{
	struct subject s = { 0 };
	struct wr to = WR_ARRAY(s.text);

	wr_str(&to, "postern app ");
	text_hex(&to, SPAN_ARRAY(w->manifest->lineage));
	s.n = wr_span(&to).n;
	return s;
}

enum rc desk_authority(struct buf *der, const struct desk_world *w)
{
	const struct subject subject = authority_subject(w);
	struct p256_private *key = derive_authority(w->root);
	const struct appcert c = {
		.subject = span_of(subject.text, subject.n),
		.not_before = AUTHORITY_FROM,
		.not_after = AUTHORITY_UNTIL,
	};
	enum rc rc = appcert_authority(der, &c, key);

	p256_private_free(key);
	return rc;
}

static bool is_host(struct span s)
{
	if (s.n < 1 || s.n > HOST_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') || c == '-' || c == '.' ||
		      c == '_' || (c == '*' && i == 0)))
			return false;
	}
	return true;
}

/* An address in room for one, or the host name as it is. */
static bool read_name(struct request_name *out, uint8_t room[16], struct span s)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (s.n < sizeof(text) && s.n)
		memcpy(text, s.p, s.n);
	if (inet_pton(AF_INET, text, room) == 1)
		*out = (struct request_name){ REQUEST_IP, span_of(room, 4) };
	else if (inet_pton(AF_INET6, text, room) == 1)
		*out = (struct request_name){ REQUEST_IP, span_of(room, 16) };
	else
		*out = (struct request_name){ REQUEST_DNS, s };
	return out->kind == REQUEST_IP || is_host(s);
}

struct validity {
	int64_t from, until;
};

static struct validity validity_of(const struct call *c, int64_t now_s)
{
	return (struct validity){
		.from = c->not_before ? (int64_t)c->not_before
				      : now_s - TLSKEY_BEFORE_S,
		.until = c->not_after ? (int64_t)c->not_after
				      : now_s + TLSKEY_DEFAULT_S,
	};
}

const char *tlskey_fault(const struct call *c, int64_t now_s)
{
	struct validity v;
	struct request_name name;
	uint8_t room[16];

	if (c->not_before >= (uint64_t)AUTHORITY_UNTIL ||
	    c->not_after >= (uint64_t)AUTHORITY_UNTIL)
		return "the dates are after the authority's end";
	v = validity_of(c, now_s);
	if (v.from >= v.until)
		return "not_after is before not_before";
	if (v.until - v.from > TLSKEY_MAX_S + TLSKEY_BEFORE_S)
		return "more than ten years are asked for";
	if (c->subject.n > APPCERT_NAME_MAX || !text_is_utf8(c->subject))
		return "subject: expected at most 64 bytes";
	for (size_t i = 0; i < c->name_count; i++)
		if (!read_name(&name, room, c->names[i]))
			return "alt_names: expected host names or addresses";
	return NULL;
}

void tlskey_bind(struct sha512 *out, const struct p256_private *key)
{
	struct p256_point at;
	uint8_t spki[SPKI_LEN];
	const struct span parts[] = { span_str("ratls-cert:"),
				      SPAN_ARRAY(spki) };

	p256_private_point(key, &at);
	spki_of(spki, &at);
	sha512_parts(out, parts, 2);
}

static enum rc make_leaf(struct buf *der, const struct desk_world *w,
			 const struct call *c, const struct p256_private *key,
			 struct span quote)
{
	const struct subject authority = authority_subject(w);
	const struct validity v = validity_of(c, w->now_s);
	AUTO(buf_fini)
	struct buf info = { 0 };
	struct request_name names[CALL_NAMES_MAX];
	uint8_t rooms[CALL_NAMES_MAX][16];
	struct p256_private *signer;
	struct p256_point at;
	struct appcert cert = {
		.subject = c->subject,
		.names = names,
		.name_count = c->name_count,
		.not_before = v.from,
		.not_after = v.until,
		.is_server = c->is_server,
		.is_client = c->is_client,
		.quote = quote,
	};
	enum rc rc;

	for (size_t i = 0; i < c->name_count; i++)
		if (!read_name(&names[i], rooms[i], c->names[i]))
			return RC_MALFORMED;
	if (quote.n) {
		cert.event_log = w->event_log;
		cert.app_id = SPAN_ARRAY(w->manifest->lineage);
	}
	buf_init(&info, APP_INFO_MAX);
	if (c->has_app_info) {
		rc = appinfo_write(&info, w);
		if (rc)
			return rc;
		cert.app_info = buf_span(&info);
	}
	signer = derive_authority(w->root);
	p256_private_point(key, &at);
	rc = appcert_leaf(der, &cert, &at,
			  span_of(authority.text, authority.n), signer);
	p256_private_free(signer);
	return rc;
}

static bool add_pem(struct jwrite *j, struct span der)
{
	char *room = mem_new(PEM_MAX);
	struct wr w = wr_over(room, PEM_MAX);
	struct span pem;
	bool fits;

	pem_encode(&w, PEM_CERTIFICATE, der);
	fits = wr_done(&w, &pem);
	if (fits)
		jwrite_text(j, NULL, pem);
	free(room);
	return fits;
}

enum rc tlskey_write(struct buf *out, const struct desk_world *w,
		     const struct call *c, const struct p256_private *key,
		     struct span quote)
{
	AUTO(buf_fini)
	struct buf leaf = { 0 };
	AUTO(buf_fini)
	struct buf authority = { 0 };
	struct jwrite j = jwrite_to(out);
	char *pem;
	bool fits;
	enum rc rc;

	buf_init(&leaf, DER_MAX);
	buf_init(&authority, DER_MAX);
	rc = make_leaf(&leaf, w, c, key, quote);
	if (!rc)
		rc = desk_authority(&authority, w);
	if (rc)
		return rc;
	pem = p256_private_to_pem(key);
	jwrite_object(&j, NULL);
	jwrite_str(&j, "key", pem);
	secret_wipe(pem, strlen(pem));
	free(pem);
	jwrite_array(&j, "certificate_chain");
	fits = add_pem(&j, buf_span(&leaf)) &&
	       add_pem(&j, buf_span(&authority));
	jwrite_end(&j);
	jwrite_end(&j);
	return fits && jwrite_done(&j) ? RC_OK : RC_LIMIT;
}
