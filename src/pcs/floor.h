/*
 * floor: the highest TCB evaluation data number that was ever accepted, for
 * each TEE and platform family, and for the quoting enclave of each TEE; below
 * it nothing is accepted any more.  Kept as text, one line an entry:
 *
 *   postern-evaluations 1
 *   tdx b0c06f000000 18
 *   tdx qe 18
 *
 * Pure: the file is somebody else's to read and replace.
 *
 * Private format; docs/DESIGN.md §6 says why it is kept.
 */
#ifndef POSTERN_PCS_FLOOR_H
#define POSTERN_PCS_FLOOR_H

#include "base/rc.h"
#include "base/span.h"
#include "base/wr.h"
#include "tee/quote.h"

enum {
	FLOOR_ENTRIES_MAX = 1024,
	FLOOR_TEXT_MAX = 64 * 1024, /* what FLOOR_ENTRIES_MAX entries take */
	FLOOR_FMSPC_LEN = 6,
};

struct floor_entry {
	enum quote_tee tee;
	bool is_qe; /* of the quoting enclave; fmspc is zero */
	uint8_t fmspc[FLOOR_FMSPC_LEN];
	uint32_t number;
};

/* Zeroed: nothing is remembered. */
struct floor {
	struct floor_entry entries[FLOOR_ENTRIES_MAX];
	size_t count;
};

/*
 * RC_OK, or RC_MALFORMED with *out untouched: not that text, an entry twice,
 * too many.  An empty text is no floor: a file that lost its content must not
 * count as one that never was.
 */
enum rc floor_parse(struct floor *out, struct span text);
void floor_write(struct wr *w, const struct floor *f);

/* The number remembered for the platform family, or with fmspc NULL for the
 * quoting enclave; 0: none. */
uint32_t floor_get(const struct floor *f, enum quote_tee tee,
		   const uint8_t *fmspc);
/*
 * Sets it, upwards or, when a person says so, downwards.  False: there is no
 * room for one entry more.
 */
bool floor_set(struct floor *f, enum quote_tee tee, const uint8_t *fmspc,
	       uint32_t number);

#endif
