#include "acme/certcheck.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/mem.h"
#include "pki/pem.h"
#include "pki/spki.h"

static const struct {
	const char *name, *rule;
} reasons[CERTCHECK_REASONS] = {
	[CERTCHECK_OK] = { "ok", "RFC 8555 7.4.2" },
	[CERTCHECK_NOT_PEM] = { "not_pem", "RFC 8555 9.1" },
	[CERTCHECK_NOT_CERTIFICATE] = { "not_certificate", "RFC 5280 4.1" },
	[CERTCHECK_WRONG_KEY] = { "wrong_key", "RFC 8555 7.4" },
	[CERTCHECK_MISSING_NAME] = { "missing_name", "RFC 8555 7.4" },
	[CERTCHECK_EXTRA_NAME] = { "extra_name", "RFC 8555 7.4" },
	[CERTCHECK_NOT_YET_VALID] = { "not_yet_valid", "RFC 5280 4.1.2.5" },
	[CERTCHECK_EXPIRED] = { "expired", "RFC 5280 4.1.2.5" },
	[CERTCHECK_WRONG_PURPOSE] = { "wrong_purpose", "RFC 5280 4.2.1.12" },
	[CERTCHECK_IS_CA] = { "is_ca", "RFC 5280 4.2.1.9" },
	[CERTCHECK_IS_PRECERTIFICATE] = { "is_precertificate",
					  "RFC 6962 3.1" },
	[CERTCHECK_BROKEN_CHAIN] = { "broken_chain", "RFC 8555 9.1" },
	[CERTCHECK_NO_ROOT] = { "no_root", "RFC 5280 6.1" },
};

const char *certcheck_name(enum certcheck_reason r)
{
	return reasons[r].name;
}

const char *certcheck_rule(enum certcheck_reason r)
{
	return reasons[r].rule;
}

/* How many blocks begin in the text. */
static size_t count_blocks(struct span pem)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	size_t count = 0;

	while (pem.n) {
		const uint8_t *at = memmem(pem.p, pem.n, begin,
					   sizeof(begin) - 1);

		if (!at)
			break;
		count++;
		(void)rd_skip(&pem, (size_t)(at - pem.p) + sizeof(begin) - 1);
	}
	return count;
}

enum certcheck_reason certcheck_read(struct certcheck_chain *out,
				     struct span pem)
{
	AUTO(certcheck_fini)
	struct certcheck_chain c = { 0 };
	struct wr room;
	uint8_t *p;
	size_t n;

	*out = (struct certcheck_chain){ 0 };
	c.count = count_blocks(pem);
	if (!c.count || c.count > CERTCHECK_CHAIN_MAX ||
	    pem.n > CERTCHECK_PEM_MAX)
		return CERTCHECK_NOT_PEM;
	buf_init(&c.room, pem.n);
	p = buf_space(&c.room, pem.n, &n);
	room = wr_over(p, n);
	if (pem_decode(c.der, c.count, &room, PEM_CERTIFICATE, pem) != RC_OK)
		return CERTCHECK_NOT_PEM;
	for (size_t i = 0; i < c.count; i++)
		if (web_parse(&c.cert[i], c.der[i]) != RC_OK)
			return CERTCHECK_NOT_CERTIFICATE;
	*out = c;
	c.room = (struct buf){ 0 }; /* it is out's */
	return CERTCHECK_OK;
}

void certcheck_fini(struct certcheck_chain *c)
{
	buf_fini(&c->room);
	*c = (struct certcheck_chain){ 0 };
}

static enum rc add_san(struct names *out, const struct web_san *san)
{
	const int family = san->value.n == WEB_IPV4_LEN ? AF_INET : AF_INET6;
	char text[INET6_ADDRSTRLEN];

	switch (san->type) {
	case WEB_SAN_DNS:
		return names_put(out, san->value);
	case WEB_SAN_IP:
		if (!inet_ntop(family, san->value.p, text, sizeof(text)))
			return RC_MALFORMED;
		return names_put(out, span_str(text));
	case WEB_SAN_OTHER:
		break;
	}
	return RC_MALFORMED;
}

enum rc certcheck_names(struct names *out, const struct web_cert *c)
{
	struct span left = c->sans;
	struct web_san san;

	*out = (struct names){ 0 };
	while (web_san_next(&left, &san)) {
		enum rc rc = add_san(out, &san);

		if (rc)
			return rc;
	}
	return out->count ? RC_OK : RC_LIMIT;
}

static bool has_key(const struct web_cert *c, const struct p256_point *key)
{
	uint8_t spki[SPKI_LEN];

	spki_of(spki, key);
	return span_equal(c->spki, SPAN_ARRAY(spki));
}

static enum certcheck_reason judge_names(const struct web_cert *c,
					 const struct names *want)
{
	AUTO(mem_auto_free)
	struct names *got = mem_new(sizeof(*got));

	if (certcheck_names(got, c) != RC_OK)
		return CERTCHECK_EXTRA_NAME;
	for (size_t i = 0; i < want->count; i++)
		if (!names_get(got, want->of[i].text))
			return CERTCHECK_MISSING_NAME;
	return got->count == want->count ? CERTCHECK_OK : CERTCHECK_EXTRA_NAME;
}

static enum certcheck_reason judge_leaf(const struct web_cert *c,
					const struct certcheck_query *q)
{
	if (c->is_precert)
		return CERTCHECK_IS_PRECERTIFICATE;
	if (!has_key(c, q->key))
		return CERTCHECK_WRONG_KEY;
	if (c->is_ca)
		return CERTCHECK_IS_CA;
	if (c->not_before > q->now + CERTCHECK_CLOCK_SKEW)
		return CERTCHECK_NOT_YET_VALID;
	if (c->not_after <= q->now)
		return CERTCHECK_EXPIRED;
	if ((c->has_eku && !(c->eku & (WEB_EKU_SERVER | WEB_EKU_ANY))) ||
	    (c->has_key_usage && !(c->key_usage & WEB_USE_SIGNATURE)))
		return CERTCHECK_WRONG_PURPOSE;
	return judge_names(c, q->names);
}

static enum certcheck_reason judge_roots(const struct certcheck_chain *c,
					 const struct certcheck_query *q)
{
	struct path_query query = {
		.leaf = c->der[0],
		.others = c->der + 1,
		.other_count = c->count - 1,
		.roots = q->roots,
		.at = q->now,
	};
	struct path_verdict verdict;

	if (!q->roots)
		return CERTCHECK_OK;
	/* A notBefore a little ahead of our clock is no fault of the chain. */
	if (c->cert[0].not_before > query.at)
		query.at = c->cert[0].not_before;
	path_validate(&verdict, &query);
	if (verdict.reason == PATH_OK)
		return CERTCHECK_OK;
	if (verdict.reason == PATH_NO_ROOT)
		return CERTCHECK_NO_ROOT;
	return CERTCHECK_BROKEN_CHAIN;
}

enum certcheck_reason certcheck_judge(const struct certcheck_chain *c,
				      const struct certcheck_query *q)
{
	enum certcheck_reason r = judge_leaf(&c->cert[0], q);

	if (r != CERTCHECK_OK)
		return r;
	for (size_t i = 1; i < c->count; i++)
		if (!web_names_issuer(&c->cert[i - 1], &c->cert[i]) ||
		    !c->cert[i].is_ca)
			return CERTCHECK_BROKEN_CHAIN;
	return judge_roots(c, q);
}

bool certcheck_has_issuer(const struct certcheck_chain *c, const char *cn)
{
	for (size_t i = 0; i < c->count; i++)
		if (span_equal_str(c->cert[i].issuer_common_name, cn))
			return true;
	return false;
}
