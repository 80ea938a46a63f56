#include "pki/webcrl.h"

#include "pki/der.h"
#include "pki/webkey.h"

static const uint8_t oid_crl_number[] = { 0x55, 0x1d, 0x14 };
static const uint8_t oid_reason[] = { 0x55, 0x1d, 0x15 };
static const uint8_t oid_invalidity_date[] = { 0x55, 0x1d, 0x18 };
static const uint8_t oid_delta[] = { 0x55, 0x1d, 0x1b };
static const uint8_t oid_idp[] = { 0x55, 0x1d, 0x1c };
static const uint8_t oid_aki[] = { 0x55, 0x1d, 0x23 };

enum {
	CRL_V2 = 1,
	CRL_NUMBER_MAX = 21, /* 20 octets (RFC 5280 §5.2.3) and a sign */
	EXTENSIONS_MAX = 16,
	/* IssuingDistributionPoint, RFC 5280 §5.2.5 */
	IDP_NAME = 0xa0,
	IDP_FULL_NAME = 0xa0,
	IDP_ONLY_USERS = 0x81,
	IDP_ONLY_CAS = 0x82,
	IDP_SOME_REASONS = 0x83,
	IDP_INDIRECT = 0x84,
	IDP_ONLY_ATTRIBUTES = 0x85,
};

static bool parse_number(struct webcrl *c, struct span value)
{
	return der_integer(&value, &c->number) && rd_end(&value) &&
	       c->number.n <= CRL_NUMBER_MAX;
}

static bool parse_aki(struct webcrl *c, struct span value)
{
	struct span seq, content, whole;
	uint8_t tag;

	if (!der_take(&value, DER_SEQUENCE, &seq) || !rd_end(&value))
		return false;
	if (der_next_is(&seq, DER_IMPLICIT_0) &&
	    !der_take(&seq, DER_IMPLICIT_0, &c->aki))
		return false;
	while (!rd_end(&seq))
		if (!der_any(&seq, &tag, &content, &whole))
			return false;
	return true;
}

static bool parse_delta(struct webcrl *c, struct span value)
{
	struct span base;

	c->is_delta = true;
	return der_integer(&value, &base) && rd_end(&value);
}

/* The full name; a name relative to the issuer's is one nobody points to. */
static bool parse_idp_name(struct webcrl *c, struct span value)
{
	struct span names, content, whole;
	uint8_t tag;

	if (!der_any(&value, &tag, &names, &whole) || !rd_end(&value))
		return false;
	if (tag != IDP_FULL_NAME)
		return false;
	c->idp_names = names;
	while (!rd_end(&names))
		if (!der_any(&names, &tag, &content, &whole))
			return false;
	return c->idp_names.n;
}

/* BOOLEAN DEFAULT FALSE, so only TRUE is written. */
static bool is_true(struct span content)
{
	return content.n == 1 && content.p[0] == 0xff;
}

static bool parse_idp(struct webcrl *c, struct span value)
{
	struct span seq, content, whole;
	uint8_t tag, last = 0;
	bool ok = true;

	if (!der_take(&value, DER_SEQUENCE, &seq) || !rd_end(&value))
		return false;
	c->has_idp = true;
	while (ok && !rd_end(&seq)) {
		if (!der_any(&seq, &tag, &content, &whole) ||
		    (tag & 0x1f) < last)
			return false;
		last = (uint8_t)((tag & 0x1f) + 1);
		switch (tag) {
		case IDP_NAME:
			ok = parse_idp_name(c, content);
			break;
		case IDP_ONLY_USERS:
			c->only_users = ok = is_true(content);
			break;
		case IDP_ONLY_CAS:
			c->only_cas = ok = is_true(content);
			break;
		case IDP_SOME_REASONS:
			c->some_reasons = true;
			break;
		case IDP_INDIRECT:
			c->is_indirect = ok = is_true(content);
			break;
		case IDP_ONLY_ATTRIBUTES:
			c->only_attributes = ok = is_true(content);
			break;
		default:
			ok = false;
		}
	}
	return ok;
}

static const struct {
	struct span oid;
	bool (*parse)(struct webcrl *c, struct span value);
} known[] = {
	{ { oid_crl_number, sizeof(oid_crl_number) }, parse_number },
	{ { oid_aki, sizeof(oid_aki) }, parse_aki },
	{ { oid_delta, sizeof(oid_delta) }, parse_delta },
	{ { oid_idp, sizeof(oid_idp) }, parse_idp },
};

static bool parse_extension(struct webcrl *c, struct span oid,
			    bool is_critical, struct span value)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (span_equal(oid, known[i].oid))
			return known[i].parse(c, value);
	c->has_unknown_critical |= is_critical;
	return true;
}

/* RFC 5280 §5.2, as §4.2: none may come twice. */
static bool parse_extensions(struct webcrl *c, struct span list)
{
	struct span seen[EXTENSIONS_MAX], value;
	bool is_critical;

	for (size_t count = 0; !rd_end(&list); count++) {
		if (count == EXTENSIONS_MAX ||
		    !der_extension(&list, &seen[count], &is_critical, &value))
			return false;
		for (size_t i = 0; i < count; i++)
			if (span_equal(seen[i], seen[count]))
				return false;
		if (!parse_extension(c, seen[count], is_critical, value))
			return false;
	}
	return true;
}

static bool parse_reason(struct webcrl_entry *e, struct span value)
{
	uint32_t reason;

	if (!der_uint(&value, DER_ENUMERATED, &reason, WEBCRL_REASON_MAX) ||
	    !rd_end(&value))
		return false;
	e->reason = reason;
	return true;
}

/* One of revokedCertificates: serial, date, OPTIONAL extensions. */
static bool rd_entry(struct span *entries, struct span *serial,
		     struct webcrl_entry *out, bool *has_unknown_critical)
{
	struct webcrl_entry e = { 0 };
	struct span entry, list = { 0 }, oid, value;
	bool is_critical;

	if (!der_take(entries, DER_SEQUENCE, &entry) ||
	    !der_integer(&entry, serial) || !der_time(&entry, &e.revoked_at))
		return false;
	if (!rd_end(&entry) &&
	    (!der_take(&entry, DER_SEQUENCE, &list) || !rd_end(&entry) ||
	     !list.n))
		return false;
	while (!rd_end(&list)) {
		if (!der_extension(&list, &oid, &is_critical, &value))
			return false;
		if (span_equal(oid, SPAN_ARRAY(oid_reason))) {
			if (!parse_reason(&e, value))
				return false;
		} else if (!span_equal(oid, SPAN_ARRAY(oid_invalidity_date))) {
			*has_unknown_critical |= is_critical;
		}
	}
	*out = e;
	return true;
}

static bool parse_entries(struct webcrl *c, struct span *tbs)
{
	struct webcrl_entry e;
	struct span serial, left;

	if (!der_next_is(tbs, DER_SEQUENCE))
		return true;
	if (!der_take(tbs, DER_SEQUENCE, &c->entries))
		return false;
	for (left = c->entries; !rd_end(&left); c->entry_count++)
		if (!rd_entry(&left, &serial, &e, &c->has_unknown_critical))
			return false;
	/* RFC 5280 §5.1.2.6: absent when empty; some CAs write it. */
	return true;
}

static enum rc parse_tbs(struct webcrl *c, struct span tbs)
{
	struct span explicit, list, algorithm;
	uint32_t version;

	if (!der_next_is(&tbs, DER_INTEGER)) /* version 1 has none */
		return der_next_is(&tbs, DER_SEQUENCE) ? RC_UNSUPPORTED
						       : RC_MALFORMED;
	if (!der_uint(&tbs, DER_INTEGER, &version, UINT32_MAX))
		return RC_MALFORMED;
	if (version != CRL_V2)
		return RC_UNSUPPORTED;
	/* RFC 5280 §5.1.1.2: the same algorithm as outside. */
	if (!der_whole(&tbs, DER_SEQUENCE, &algorithm) ||
	    !span_equal(algorithm, c->algorithm) ||
	    !der_whole(&tbs, DER_SEQUENCE, &c->issuer) ||
	    !der_time(&tbs, &c->this_update) ||
	    !der_time(&tbs, &c->next_update) || !parse_entries(c, &tbs))
		return RC_MALFORMED;
	if (rd_end(&tbs))
		return RC_OK;
	if (!der_take(&tbs, DER_EXPLICIT_0, &explicit) || !rd_end(&tbs) ||
	    !der_take(&explicit, DER_SEQUENCE, &list) || !rd_end(&explicit) ||
	    !parse_extensions(c, list))
		return RC_MALFORMED;
	return RC_OK;
}

enum rc webcrl_parse(struct webcrl *out, struct span der)
{
	struct webcrl c = { 0 };
	struct span outer, inner, tbs;
	enum rc rc;

	if (der.n > WEBCRL_MAX)
		return RC_LIMIT;
	if (!der_take(&der, DER_SEQUENCE, &outer) || !rd_end(&der) ||
	    !der_whole(&outer, DER_SEQUENCE, &c.tbs) ||
	    !der_whole(&outer, DER_SEQUENCE, &c.algorithm) ||
	    !der_bits(&outer, &c.signature) || !rd_end(&outer))
		return RC_MALFORMED;
	inner = c.tbs;
	if (!der_take(&inner, DER_SEQUENCE, &tbs))
		return RC_MALFORMED;
	rc = parse_tbs(&c, tbs);
	if (rc)
		return rc;
	*out = c;
	return RC_OK;
}

bool webcrl_find(struct webcrl_entry *entry, const struct webcrl *c,
		 struct span serial)
{
	struct span left = c->entries, listed;
	struct webcrl_entry e;
	bool unused = false;

	/* webcrl_parse() has read each of them: none can fail now. */
	while (rd_entry(&left, &listed, &e, &unused)) {
		if (!span_equal(listed, serial))
			continue;
		*entry = e;
		return true;
	}
	return false;
}

/* Some GeneralName stands in both, byte for byte. */
static bool have_common_name(struct span a, struct span b)
{
	struct span content, x, y;
	uint8_t tag;

	while (der_any(&a, &tag, &content, &x))
		for (struct span left = b; der_any(&left, &tag, &content, &y);)
			if (span_equal(x, y))
				return true;
	return false;
}

/* RFC 5280 §6.3.3 b 2: the scope that the list claims includes 'cert'. */
static bool is_own_shard(const struct webcrl *c, const struct web_cert *cert)
{
	struct span left = cert->crl_points;
	struct web_crl_point point;

	if (!c->has_idp)
		return true;
	if (c->only_attributes || (c->only_users && cert->is_ca) ||
	    (c->only_cas && !cert->is_ca))
		return false;
	if (!c->idp_names.n)
		return true;
	while (web_crl_point_next(&left, &point))
		if (!point.has_issuer && !point.has_reasons &&
		    have_common_name(point.names, c->idp_names))
			return true;
	return false;
}

static bool is_of_issuer(const struct webcrl *c, const struct web_cert *issuer)
{
	if (!span_equal(c->issuer, issuer->subject))
		return false;
	if (c->aki.n && issuer->ski.n && !span_equal(c->aki, issuer->ski))
		return false;
	/* RFC 5280 §6.3.3 f */
	return !issuer->has_key_usage || issuer->key_usage & WEB_USE_CRL_SIGN;
}

enum webcrl_answer webcrl_ask(struct webcrl_entry *entry, struct span der,
			      const struct web_cert *cert,
			      const struct web_cert *issuer, int64_t now)
{
	struct webcrl c;

	if (webcrl_parse(&c, der))
		return WEBCRL_MALFORMED;
	if (!is_of_issuer(&c, issuer) ||
	    !span_equal(cert->issuer, issuer->subject))
		return WEBCRL_WRONG_ISSUER;
	if (!webkey_signed(issuer->spki, c.algorithm, c.tbs, c.signature))
		return WEBCRL_BAD_SIGNATURE;
	if (c.is_delta || c.is_indirect || c.some_reasons ||
	    c.has_unknown_critical)
		return WEBCRL_PARTIAL;
	if (!is_own_shard(&c, cert))
		return WEBCRL_OTHER_SHARD;
	if (now < c.this_update)
		return WEBCRL_NOT_YET_VALID;
	if (now > c.next_update)
		return WEBCRL_STALE;
	return webcrl_find(entry, &c, cert->serial) ? WEBCRL_REVOKED
						    : WEBCRL_NOT_LISTED;
}

static const struct {
	const char *name, *rule;
} answers[WEBCRL_ANSWER_COUNT] = {
	[WEBCRL_NOT_LISTED] = { "not_listed", "RFC 5280 6.3.3" },
	[WEBCRL_REVOKED] = { "revoked", "RFC 5280 6.3.3 j" },
	[WEBCRL_MALFORMED] = { "malformed", "RFC 5280 5.1" },
	[WEBCRL_WRONG_ISSUER] = { "wrong_issuer", "RFC 5280 6.3.3 b 1" },
	[WEBCRL_BAD_SIGNATURE] = { "bad_signature", "RFC 5280 6.3.3 g" },
	[WEBCRL_PARTIAL] = { "partial", "RFC 5280 6.3.3 d" },
	[WEBCRL_OTHER_SHARD] = { "other_shard", "RFC 5280 6.3.3 b 2" },
	[WEBCRL_NOT_YET_VALID] = { "not_yet_valid", "RFC 5280 5.1.2.4" },
	[WEBCRL_STALE] = { "stale", "RFC 5280 5.1.2.5" },
};

const char *webcrl_answer_name(enum webcrl_answer answer)
{
	return answers[answer].name;
}

const char *webcrl_answer_rule(enum webcrl_answer answer)
{
	return answers[answer].rule;
}

const char *webcrl_reason_name(unsigned reason)
{
	static const char *const names[WEBCRL_REASON_MAX + 1] = {
		[0] = "unspecified",
		[1] = "keyCompromise",
		[2] = "cACompromise",
		[3] = "affiliationChanged",
		[4] = "superseded",
		[5] = "cessationOfOperation",
		[6] = "certificateHold",
		[8] = "removeFromCRL",
		[9] = "privilegeWithdrawn",
		[10] = "aACompromise",
	};

	if (reason > WEBCRL_REASON_MAX || !names[reason])
		return "unknown";
	return names[reason];
}
