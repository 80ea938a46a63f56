/*
 * verdict: the verifier's answer in the form that other programs see.
 *
 * The public form is a promise (include/postern/tee.h) and the inner one is
 * not, so every value is carried over by name, none by its number.
 */
#ifndef POSTERN_LIB_VERDICT_H
#define POSTERN_LIB_VERDICT_H

#include <postern/tee.h>

#include "tee/eventlog.h"
#include "tee/verify.h"

/*
 * Writes as much of the verdict as out->size has room for and zeroes the rest
 * of it.  'identity' is what a log states; nothing in it: no log.
 */
void verdict_give(struct postern_tee_verdict *out, const struct tee_verdict *v,
		  const struct eventlog_identity *identity);

/* A verdict that says nothing but why the call was wrong. */
void verdict_unusable(struct postern_tee_verdict *out, const char *why);

enum postern_tee_layer verdict_layer(enum tee_reason reason);
enum postern_tee_kind verdict_kind(enum tee_kind kind);
/* Family, model and stepping; returns how many bytes: 0 in version 2. */
size_t verdict_snp_family(uint8_t out[3], const struct snp_report *r);

/* The reason of what never was judged. */
#define VERDICT_UNUSABLE "unusable"

#endif
