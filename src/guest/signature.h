/*
 * signature: what Sign and Verify do with the data of a call: its SHA-256 is
 * signed on secp256k1, or the data itself where it is a digest already, or
 * whole by Ed25519.
 *
 * Source: docs/GUEST.md; dstack's rpc_service.rs.
 */
#ifndef POSTERN_GUEST_SIGNATURE_H
#define POSTERN_GUEST_SIGNATURE_H

#include "base/secret.h"
#include "guest/call.h"

enum {
	SIGNATURE_LEN = 64,
};

/* NULL, or why nothing can be signed or checked so. */
const char *signature_fault(const struct call *c);
/* There is no fault (asserted). */
void signature_make(uint8_t out[SIGNATURE_LEN], const struct key32 *secret,
		    const struct call *c);
bool signature_check(const struct call *c);

#endif
