#include "acme/authz.h"

#include <assert.h>
#include <string.h>

#include "acme/member.h"
#include "base/mem.h"
#include "base/text.h"

enum {
	BODY_MAX = 64 * 1024,
	ARENA_MAX = 1024 * 1024,
	ACCOUNT_LABEL_BYTES = 10, /* of the hash, in base32 */
};

static const struct {
	const char *name;
	bool by_dns;
} types[CHALLENGE_TYPES] = {
	[CHALLENGE_DNS_01] = { "dns-01", true },
	[CHALLENGE_HTTP_01] = { "http-01", false },
	[CHALLENGE_TLS_ALPN_01] = { "tls-alpn-01", false },
	[CHALLENGE_DNS_ACCOUNT_01] = { "dns-account-01", true },
	[CHALLENGE_DNS_PERSIST_01] = { "dns-persist-01", true },
};

static const char *const challenge_statuses[] = {
	[CHALLENGE_PENDING] = "pending",
	[CHALLENGE_PROCESSING] = "processing",
	[CHALLENGE_VALID] = "valid",
	[CHALLENGE_INVALID] = "invalid",
};

static const char *const authz_statuses[] = {
	[AUTHZ_PENDING] = "pending",
	[AUTHZ_VALID] = "valid",
	[AUTHZ_INVALID] = "invalid",
	[AUTHZ_DEACTIVATED] = "deactivated",
	[AUTHZ_EXPIRED] = "expired",
	[AUTHZ_REVOKED] = "revoked",
};

const char *challenge_name(enum challenge_type type)
{
	return types[type].name;
}

bool challenge_type_of(enum challenge_type *out, struct span name)
{
	for (enum challenge_type t = 0; t < CHALLENGE_TYPES; t++)
		if (span_equal_str(name, types[t].name)) {
			*out = t;
			return true;
		}
	return false;
}

bool challenge_can(enum challenge_type type, const struct name *name,
		   bool is_wildcard)
{
	if (types[type].by_dns)
		return !name->is_ip;
	return !is_wildcard;
}

/* Which of the words it is; count when it is none. */
static unsigned word_of(struct span word, const char *const *words,
			unsigned count)
{
	unsigned i = 0;

	while (i < count && !span_equal_str(word, words[i]))
		i++;
	return i;
}
#define WORD_OF(word, words) \
	word_of((word), (words), sizeof(words) / sizeof((words)[0]))

/* base64url, 128 bits at least (RFC 8555 §8.3): nothing else gets into a
 * path, a name or a record. */
static bool copy_token(char out[JWS_TOKEN_MAX + 1], struct span t)
{
	enum {
		TOKEN_MIN = 22,
	};

	if (t.n < TOKEN_MIN || t.n > JWS_TOKEN_MAX)
		return false;
	for (size_t i = 0; i < t.n; i++) {
		uint8_t c = t.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	memcpy(out, t.p, t.n);
	out[t.n] = 0;
	return true;
}

/* 1..10 host names in lower case. */
static bool read_issuers(struct challenge *c, const struct jtree *list)
{
	if (!list || list->type != JTREE_ARRAY || !list->count ||
	    list->count > CHALLENGE_ISSUERS_MAX)
		return false;
	for (const struct jtree *v = list->first; v; v = v->next) {
		struct name n;

		if (v->type != JTREE_TEXT || name_read(&n, v->text) != RC_OK ||
		    n.is_ip || n.is_wildcard ||
		    !span_equal_str(v->text, n.text))
			return false;
		memcpy(c->issuer[c->issuer_count++], n.text, sizeof(n.text));
	}
	return true;
}

static bool read_challenge(struct challenge *out, const struct jtree *v,
			   const char *base)
{
	struct challenge c = { 0 };
	unsigned status = WORD_OF(member_text(v, "status"), challenge_statuses);

	if (!challenge_type_of(&c.type, member_text(v, "type")) ||
	    status > CHALLENGE_INVALID ||
	    !directory_url(c.url, member_text(v, "url"), base))
		return false;
	c.status = (enum challenge_status)status;
	if (c.type == CHALLENGE_DNS_PERSIST_01) {
		if (!read_issuers(&c, jtree_get(v, "issuer-domain-names")))
			return false;
	} else if (!copy_token(c.token, member_text(v, "token"))) {
		return false;
	}
	*out = c;
	return true;
}

/* The challenge of the list with this type, or with this URL. */
static const struct jtree *find(const struct jtree *list, const char *key,
				const char *value)
{
	for (const struct jtree *v = list->first; v; v = v->next)
		if (span_equal_str(member_text(v, key), value))
			return v;
	return NULL;
}

static const struct jtree *choose(struct authz *a, const struct jtree *list,
				  const struct authz_methods *methods,
				  const char *base)
{
	for (size_t i = 0; i < methods->count; i++) {
		enum challenge_type t = methods->of[i];
		const struct jtree *v = find(list, "type", types[t].name);

		if (v && challenge_can(t, &a->name, a->is_wildcard) &&
		    read_challenge(&a->challenge, v, base)) {
			a->is_chosen = true;
			return v;
		}
	}
	return NULL;
}

static bool read_identity(struct authz *a, const struct jtree *top)
{
	const struct jtree *id = jtree_get(top, "identifier");
	const struct jtree *wildcard = jtree_get(top, "wildcard");
	struct name n;

	if (name_of_identifier(&n, member_text(id, "type"),
			       member_text(id, "value")) != RC_OK ||
	    (wildcard && wildcard->type != JTREE_BOOL))
		return false;
	if (a->name.text[0] && strcmp(a->name.text, n.text) != 0)
		return false;
	a->name = n;
	a->is_wildcard = wildcard && wildcard->is_true;
	return true;
}

enum rc authz_read(struct authz *io, struct problem *error,
		   const struct authz_methods *methods, struct span json,
		   const char *base)
{
	AUTO(arena_fini)
	struct arena arena = { 0 };
	struct authz a = *io;
	const struct jtree *top, *list, *v;
	unsigned status;

	if (json.n > BODY_MAX)
		return RC_MALFORMED;
	arena_init(&arena, ARENA_MAX);
	top = jtree_read(&arena, json);
	list = jtree_get(top, "challenges");
	status = WORD_OF(member_text(top, "status"), authz_statuses);
	if (!list || list->type != JTREE_ARRAY || status > AUTHZ_REVOKED ||
	    !read_identity(&a, top))
		return RC_MALFORMED;
	a.status = (enum authz_status)status;
	if (a.is_chosen) {
		v = find(list, "url", a.challenge.url);
		if (!v || !read_challenge(&a.challenge, v, base))
			return RC_MALFORMED;
	} else {
		v = choose(&a, list, methods, base);
	}
	if (jtree_get(v, "error"))
		problem_of_tree(error, jtree_get(v, "error"));
	*io = a;
	return RC_OK;
}

/* RFC 4648 §6 in lower case, without padding; 5 bits a character. */
static void base32(struct wr *w, const uint8_t *p, size_t n)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned bits = 0, count = 0;

	for (size_t i = 0; i < n; i++) {
		bits = (bits << 8 | p[i]) & 0xfff;
		for (count += 8; count >= 5; count -= 5)
			wr_u8(w, (uint8_t)alphabet[bits >> (count - 5) & 31]);
	}
	assert(count == 0); /* a multiple of 5 bytes */
}

static void account_label(struct wr *w, const char *account)
{
	struct sha256 hash;

	sha256_of(&hash, span_str(account));
	wr_u8(w, '_');
	base32(w, hash.b, ACCOUNT_LABEL_BYTES);
}

static void write_where(struct wr *w, const struct authz *a,
			const char *account)
{
	switch (a->challenge.type) {
	case CHALLENGE_HTTP_01:
		wr_str(w, "/.well-known/acme-challenge/");
		wr_str(w, a->challenge.token);
		return;
	case CHALLENGE_TLS_ALPN_01:
		name_sni(w, &a->name);
		return;
	case CHALLENGE_DNS_ACCOUNT_01:
		account_label(w, account);
		wr_u8(w, '.');
		[[fallthrough]];
	case CHALLENGE_DNS_01:
		wr_str(w, "_acme-challenge.");
		break;
	case CHALLENGE_DNS_PERSIST_01:
		wr_str(w, "_validation-persist.");
		break;
	case CHALLENGE_TYPES:
		break;
	}
	wr_str(w, a->name.text);
}

static void write_value(struct wr *w, const struct authz *a,
			struct span authorization, const struct sha256 *digest,
			const char *account)
{
	switch (a->challenge.type) {
	case CHALLENGE_HTTP_01:
		wr_bytes(w, authorization);
		break;
	case CHALLENGE_TLS_ALPN_01:
		text_hex(w, SPAN_ARRAY(digest->b));
		break;
	case CHALLENGE_DNS_01:
	case CHALLENGE_DNS_ACCOUNT_01:
		text_base64url(w, SPAN_ARRAY(digest->b));
		break;
	case CHALLENGE_DNS_PERSIST_01:
		wr_printf(w, "%s; accounturi=%s%s", a->challenge.issuer[0],
			  account, a->is_wildcard ? "; policy=wildcard" : "");
		break;
	case CHALLENGE_TYPES:
		break;
	}
}

void proof_of(struct proof *out, const struct authz *a,
	      const struct jws_thumbprint *account_key, const char *account)
{
	struct proof p = { .type = a->challenge.type, .name = a->name };
	uint8_t authorization[JWS_AUTHORIZATION_MAX];
	struct wr key = WR_ARRAY(authorization);
	struct wr where = wr_over(p.where, sizeof(p.where) - 1);
	struct wr value = wr_over(p.value, sizeof(p.value) - 1);

	jws_authorization(&key, span_str(a->challenge.token), account_key);
	sha256_of(&p.digest, wr_span(&key));
	write_where(&where, a, account);
	write_value(&value, a, wr_span(&key), &p.digest, account);
	/* The bounds of names, tokens and URLs are below those of a proof. */
	assert(!key.over && !where.over && !value.over);
	memcpy(p.issuer, a->challenge.issuer, sizeof(p.issuer));
	p.issuer_count = a->challenge.issuer_count;
	*out = p;
}
