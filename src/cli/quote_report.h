/*
 * quote_report: what a quote says and what the verifier said of it, as one
 * JSON object; and any such object as a tree for people.
 *
 * The tree is printed from the object, so that both always say the same.
 */
#ifndef POSTERN_CLI_QUOTE_REPORT_H
#define POSTERN_CLI_QUOTE_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "cli/quote_tree.h"
#include "tee/eventlog.h"
#include "tee/verify.h"

/* Fields of a parsed quote.  Returns owned: json_decref(). */
json_t *quote_report_quote(const struct quote *q);

/* The verdict, the quote in it, and the time of the verification. */
json_t *quote_report_verdict(const struct tee_verdict *v, int64_t at);

/* Adds "layer", where it was refused, "layers", how each stands, and "policy",
 * the file or null. */
void quote_report_layers(json_t *root, const struct tee_verdict *v,
			 const struct quote_asked *asked);

/* What an event log that agrees with the registers says. */
json_t *quote_report_identity(const struct eventlog_identity *id);

/* One line a member, nested ones indented by two. */
void quote_report_print(FILE *to, const json_t *object);

#endif
