/*
 * hint: which platform family and CA a quote says it comes from, to find
 * collateral by.  Nothing is verified.
 */
#ifndef POSTERN_TEE_HINT_H
#define POSTERN_TEE_HINT_H

#include "tee/quote.h"

enum {
	FMSPC_LEN = 6,
};

/* The FMSPC in the PCK certificate inside the quote.  False, fmspc untouched:
 * no such certificate in it. */
bool hint_fmspc(uint8_t fmspc[FMSPC_LEN], const struct quote *quote);
/* The certificates there name Intel's Processor CA, whose revocation list is
 * another than the Platform CA's. */
bool hint_processor_ca(const struct quote *quote);

#endif
