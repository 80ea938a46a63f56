/*
 * quote_snp: what `postern quote` says of a SEV-SNP report.
 *
 * The verdict has the members that a quote's has, as far as there is something
 * to say: see postern-quote(1).
 */
#ifndef POSTERN_CLI_QUOTE_SNP_H
#define POSTERN_CLI_QUOTE_SNP_H

#include <jansson.h>

#include "tee/layer.h"
#include "tee/verify.h"

/* Fields of a parsed report.  Returns owned: json_decref(). */
json_t *quote_snp_report(const struct snp_report *r);

/* The verdict, and the report in it. */
json_t *quote_snp_verdict(const struct tee_verdict *v);

/* What a layer that holds rests on, in one line for quote_tree; false: nothing
 * that is not said of quotes too. */
bool quote_snp_say_held(struct wr *w, const struct tee_verdict *v,
			enum tee_layer layer);

#endif
