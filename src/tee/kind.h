/*
 * kind: which hardware a piece of evidence is from, by its first bytes.
 *
 * A guess that decides who reads the bytes, and nothing else: the reader then
 * refuses whatever is not of its form.
 *
 * Source: the headers of quotes (tee/quote.h), whose bytes 2 and 3 are an
 * attestation key type that is never 0, and of SEV-SNP reports (tee/snp.h),
 * where they are the upper half of a small version.
 */
#ifndef POSTERN_TEE_KIND_H
#define POSTERN_TEE_KIND_H

#include "base/span.h"

enum tee_kind {
	TEE_KIND_NONE, /* too short to tell */
	TEE_KIND_SGX,
	TEE_KIND_TDX,
	TEE_KIND_SNP,
};

enum tee_kind tee_kind_of(struct span evidence);
/* "none", "SGX", "TDX", "SEV-SNP". */
const char *tee_kind_name(enum tee_kind kind);

#endif
