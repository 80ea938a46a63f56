/*
 * reportdata: the 64 bytes that dstack's calls for quotes are over: as they
 * are, zeros after them; or, by the older Tappd.TdxQuote, a hash of them behind
 * a word and a colon.
 *
 * Source: dstack-attest attestation.rs (QuoteContentType); agent_rpc.proto.
 */
#ifndef POSTERN_GUEST_REPORTDATA_H
#define POSTERN_GUEST_REPORTDATA_H

#include "guest/call.h"

enum {
	REPORTDATA_LEN = 64,
};

/* NULL, or what is wrong with the request; *out is untouched then. */
const char *reportdata_of(uint8_t out[REPORTDATA_LEN], const struct call *c);

/* What the older answer repeats: the hash's name, and the word in front of
 * what was hashed.  They borrow the call. */
struct reportdata_form {
	struct span hash, prefix;
};
struct reportdata_form reportdata_form(const struct call *c);

#endif
