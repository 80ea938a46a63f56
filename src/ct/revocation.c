#include "ct/revocation.h"

#include "pki/webkey.h"

enum {
	REASON_HOLD = 6, /* certificateHold, RFC 5280 §5.3.1 */
};

void revocation_begin(struct revocation *r, const struct web_cert *cert)
{
	*r = (struct revocation){ .cert = cert };
	buf_init(&r->issuer_der, REVOCATION_ISSUER_MAX);
	if (!cert->ca_issuers.n || !web_crl_url(cert, &r->list_url))
		r->state = REVOCATION_NO_POINTER;
}

void revocation_fini(struct revocation *r)
{
	buf_fini(&r->issuer_der);
	*r = (struct revocation){ 0 };
}

bool revocation_next(const struct revocation *r, struct span *url,
		     size_t *answer_max)
{
	if (!r->cert || r->state != REVOCATION_ASKING)
		return false;
	*url = r->issuer_der.n ? r->list_url : r->cert->ca_issuers;
	*answer_max = r->issuer_der.n ? (size_t)WEBCRL_MAX
				      : (size_t)REVOCATION_ISSUER_MAX;
	return true;
}

/* Whoever handed it out may have made it up: its key has to have made this
 * very certificate. */
static bool take_issuer(struct revocation *r, struct span body)
{
	const struct web_cert *c = r->cert;

	return body.n && buf_add(&r->issuer_der, body) &&
	       web_parse(&r->issuer, buf_span(&r->issuer_der)) == RC_OK &&
	       web_names_issuer(c, &r->issuer) &&
	       webkey_signed(r->issuer.spki, c->algorithm, c->tbs,
			     c->signature);
}

void revocation_take(struct revocation *r, struct span body, int64_t now)
{
	if (!r->cert || r->state != REVOCATION_ASKING)
		return;
	if (!r->issuer_der.n) {
		if (!take_issuer(r, body))
			r->state = REVOCATION_NO_ISSUER;
		return;
	}
	if (!body.n) {
		r->state = REVOCATION_NO_LIST;
		return;
	}
	r->answer = webcrl_ask(&r->entry, body, r->cert, &r->issuer, now);
	r->state = REVOCATION_ANSWERED;
}

static bool is_listed(const struct revocation *r)
{
	return r->state == REVOCATION_ANSWERED && r->answer == WEBCRL_REVOKED;
}

bool revocation_is_final(const struct revocation *r)
{
	return is_listed(r) && r->entry.reason != REASON_HOLD;
}

bool revocation_is_denied(const struct revocation *r)
{
	return r->state == REVOCATION_ANSWERED &&
	       (r->answer == WEBCRL_NOT_LISTED ||
		(is_listed(r) && r->entry.reason == REASON_HOLD));
}

const char *revocation_text(const struct revocation *r)
{
	static const char *const names[] = {
		[REVOCATION_ASKING] = "asking",
		[REVOCATION_NO_POINTER] = "no_pointer",
		[REVOCATION_NO_ISSUER] = "no_issuer",
		[REVOCATION_NO_LIST] = "no_list",
	};

	if (r->state != REVOCATION_ANSWERED)
		return names[r->state];
	if (is_listed(r) && r->entry.reason == REASON_HOLD)
		return "on_hold";
	return webcrl_answer_name(r->answer);
}
