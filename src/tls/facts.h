/*
 * facts: what a certificate says of itself, for people to look at.  Nothing is
 * verified.
 */
#ifndef POSTERN_TLS_FACTS_H
#define POSTERN_TLS_FACTS_H

#include "base/rc.h"
#include "base/span.h"

enum {
	FACTS_NAMES_MAX = 16,
	FACTS_NAME_LEN = 256,
};

struct facts {
	/* The first names it is for (subjectAltName, dNSName); those with
	 * other bytes than printable ASCII are left out. */
	char names[FACTS_NAMES_MAX][FACTS_NAME_LEN];
	size_t name_count;
	char issuer[FACTS_NAME_LEN]; /* common name; "" none */
	int64_t not_before, not_after; /* unix seconds */
	uint8_t fingerprint[32]; /* SHA-256 of its DER */
};

/* Of the first certificate of a PEM chain.  RC_CRYPTO: there is none; *out is
 * untouched. */
enum rc facts_read(struct facts *out, struct span chain_pem);

#endif
