/*
 * crl_form: revocation lists in the three forms that servers give them in.
 *
 * Intel's service answers PCK lists in PEM unless DER is asked for, caches of
 * it in hexadecimal, and the root's list comes as DER from its distribution
 * point and in hexadecimal from a cache.  None of that is under the list's
 * signature.
 *
 * Pure: bytes in, bytes out; what the list says is crl.h's.
 *
 * Source: Intel PCS API v4 (pckcrl); Intel SGX/TDX PCCS design guide
 *         (rootcacrl); RFC 7468.
 */
#ifndef POSTERN_PKI_CRL_FORM_H
#define POSTERN_PKI_CRL_FORM_H

#include "base/rc.h"
#include "base/span.h"
#include "base/wr.h"

enum crl_form {
	CRL_FORM_UNKNOWN,
	CRL_FORM_DER,
	CRL_FORM_PEM,
	CRL_FORM_HEX,
};
/* By its first bytes; hex is hex throughout, white space at its end aside. */
enum crl_form crl_form_of(struct span body);
/*
 * Writes a revocation list as DER.  A NUL or white space behind any form, even
 * DER, is common and cut.
 *
 * RC_MALFORMED  none of the forms, or broken in its form
 * RC_LIMIT      it does not fit; w then reports overflow
 */
enum rc crl_form_decode(struct wr *w, struct span body);

#endif
