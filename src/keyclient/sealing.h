/*
 * sealing: the key service as the holder of the keys of sealed files
 * (seal/seal.h, provider 2).
 *
 * The key is this instance's, of purpose "seal", and does not change with the
 * measurement: which measurements get it is the release policy's to say, so
 * that an update finds its files.  Hence the measurement that binds these files
 * is 32 bytes of zero but for the root's epoch, in the last four.
 */
#ifndef POSTERN_KEYCLIENT_SEALING_H
#define POSTERN_KEYCLIENT_SEALING_H

#include "keyclient/keyclient.h"
#include "seal/seal.h"

struct keyclient_sealing {
	const struct keyclient_options *options; /* borrowed */
	/* Of the root; files written under one are read under it alone.  0
	 * means 1, the first: it stays the same when roots are rotated. */
	uint32_t epoch;
};

/* Borrows 's'; blocks in seal_open(). */
struct seal_provider keyclient_seal_provider(struct keyclient_sealing *s);

#endif
