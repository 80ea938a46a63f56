/*
 * served: documents that somebody kept as a server gave them, not as our
 * folders and bundles have them.
 *
 * Intel's service answers lists in PEM unless DER is asked for, caches of it in
 * hex; issuer chains stand percent-encoded in a header; what came through a C
 * interface may have a NUL behind it.  None of that is under a signature.  What
 * has none of these forms stays as it is, for the verifier to refuse.
 */
#ifndef POSTERN_PCS_SERVED_H
#define POSTERN_PCS_SERVED_H

#include "quoting/collateral_dir.h"

/* Brings each document into the form that the verifier takes. */
void served_normalize(struct collateral_files *c);

/* collateral_load(), and that. */
enum rc served_load(struct collateral_files *out, const char *dir,
		    const uint8_t fmspc[6], char error[256]);

#endif
