/*
 * pem: text armour around DER.
 *
 * A reader of known files, not of mail: exactly so many blocks of one kind,
 * each BEGIN line, base64 in lines and END line in their place.  Between the
 * blocks and around them stand white space and NUL bytes (quotes end their
 * chain with one), nothing else; inside of them neither is skipped.
 *
 * Source: RFC 7468 §2, §3 (strict); RFC 4648 §4.
 */
#ifndef POSTERN_PKI_PEM_H
#define POSTERN_PKI_PEM_H

#include "base/rc.h"
#include "base/span.h"
#include "base/wr.h"

#define PEM_CERTIFICATE "CERTIFICATE"
#define PEM_CRL "X509 CRL"
#define PEM_PUBLIC_KEY "PUBLIC KEY"

enum {
	PEM_LINE = 64, /* characters a line when written */
};

/*
 * Decodes 'count' blocks with this label into blocks[0..count).  Their bytes
 * are written to 'room' and live as long as its memory.
 *
 * RC_MALFORMED  fewer or more blocks, another label, text outside, or base64
 *               that is not in its one correct form
 * RC_LIMIT      the bytes do not fit into room
 *
 * On failure blocks[] is untouched; room may hold rubbish.
 */
enum rc pem_decode(struct span *blocks, size_t count, struct wr *room,
		   const char *label, struct span text);

/* Writes one block. */
void pem_encode(struct wr *w, const char *label, struct span der);

#endif
