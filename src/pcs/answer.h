/*
 * answer: what a PCS or PCCS answered, judged and brought into the form that
 * the verifier takes.
 *
 * Bodies of JSON documents stay as they were served, since their signature
 * covers their bytes.  Revocation lists come as DER, as PEM or as hex of DER,
 * and leave as DER.  Issuer chains come percent-encoded in a header.
 *
 * Pure: no I/O, no clock; signatures and dates are the verifier's to check.
 *
 * Source: Intel PCS API v4; RFC 3986 §2.1; RFC 9110 §5.6.7, §10.2.3, §15.
 */
#ifndef POSTERN_PCS_ANSWER_H
#define POSTERN_PCS_ANSWER_H

#include "base/rc.h"
#include "base/span.h"
#include "base/wr.h"
#include "pcs/reason.h"
#include "pcs/request.h"

enum {
	PCS_BODY_MAX = 256 * 1024, /* real ones are below 16 KiB */
	PCS_CHAIN_MAX = 16 * 1024, /* two certificates take 2 KiB */
	PCS_RETRY_MAX_S = 24 * 3600, /* what is believed of Retry-After */
};

/*
 * What a status code says.  PCS_OK for 200 only: whatever else a server calls
 * success is not the document that was asked for.
 */
enum pcs_reason pcs_status_judge(unsigned status);

/*
 * Retry-After: seconds, or a date in the one form that senders may write, which
 * is taken relative to 'now'.  0: neither, or in the past; at most
 * PCS_RETRY_MAX_S.
 */
unsigned pcs_retry_after(struct span value, int64_t now);

/*
 * Percent-decodes an issuer chain: %XX is that byte, '+' is a '+', as base64
 * has it.  The result is written with one line end behind it, whether or not
 * there was one.
 *
 * RC_MALFORMED  a '%' without two hex digits, a byte that is no printable
 *               ASCII or that decodes to none but line ends, no content
 * RC_LIMIT      it does not fit; w then reports overflow
 */
enum rc pcs_chain_decode(struct wr *w, struct span value);

/*
 * The body is of the form of the item: a list as above, or a JSON document with
 * the one member it must have and its signature.
 */
bool pcs_body_is(enum pcs_item item, struct span body);

#endif
