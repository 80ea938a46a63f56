/*
 * revocation: has its CA taken this certificate back?
 *
 * At most two questions, each for a document that anybody may hand out: the
 * certificate of its issuer, where its authority information access points, and
 * the list that its distribution point names.  Whoever signed the certificate
 * is its issuer, wherever that key came from; the list counts when that same
 * issuer signed it, when it is current, and when it would have to name this
 * certificate (pki/webcrl.h).  Everything else is "not known", and never
 * "revoked".
 *
 * No I/O and no clock: URLs come out, bodies go in.  The URLs are those of a
 * stranger's certificate: whoever gets them follows no redirect and gives
 * nothing away.
 *
 * Not here: OCSP, and the lists that a CA discloses elsewhere for certificates
 * without a distribution point.
 *
 * Source: RFC 5280 §4.2.1.13, §4.2.2.1, §5.2.5, §6.3.3.
 */
#ifndef POSTERN_CT_REVOCATION_H
#define POSTERN_CT_REVOCATION_H

#include "base/buf.h"
#include "pki/webcrl.h"

enum {
	REVOCATION_ISSUER_MAX = 64 * 1024, /* bytes of an issuer */
};

enum revocation_state {
	REVOCATION_ASKING,
	REVOCATION_NO_POINTER, /* it names no issuer or no list to be had */
	REVOCATION_NO_ISSUER, /* none was there, or it did not make this one */
	REVOCATION_NO_LIST, /* none was there */
	REVOCATION_ANSWERED, /* 'answer' says what the list is worth */
};

/* Zeroed: nothing is asked.  Owns the issuer: revocation_fini(). */
struct revocation {
	enum revocation_state state;
	enum webcrl_answer answer; /* ANSWERED */
	struct webcrl_entry entry; /* WEBCRL_REVOKED */

	const struct web_cert *cert;
	struct buf issuer_der; /* n == 0: not yet there */
	struct web_cert issuer;
	struct span list_url; /* of the certificate */
};

/* Begins; 'cert' is borrowed until the end. */
void revocation_begin(struct revocation *r, const struct web_cert *cert);
/* For AUTO(). */
void revocation_fini(struct revocation *r);

/* The next question: a URL to GET, and how long its answer may be.  Borrows the
 * certificate.  False: there is none, and the state says what came of it. */
bool revocation_next(const struct revocation *r, struct span *url,
		     size_t *answer_max);
/* The body of the answer to it; n == 0: there is none.  'now' in unix
 * seconds. */
void revocation_take(struct revocation *r, struct span body, int64_t now);

/* The certificate cannot come back: revoked, and not on hold (RFC 5280
 * §5.3.1). */
bool revocation_is_final(const struct revocation *r);
/* A list that has to name it does not, or it is on hold. */
bool revocation_is_denied(const struct revocation *r);
/* "asking", "no_pointer", "no_issuer", "no_list", "on_hold", or the name of the
 * list's answer ("revoked", "not_listed", "stale", ...): stable names. */
const char *revocation_text(const struct revocation *r);

#endif
