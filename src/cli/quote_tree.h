/*
 * quote_tree: a verdict for people: its layers, one a line, with what each
 * rests on; what failed, and what was not reached.
 */
#ifndef POSTERN_CLI_QUOTE_TREE_H
#define POSTERN_CLI_QUOTE_TREE_H

#include <stdio.h>

#include "tee/layer.h"
#include "tee/verify.h"

/* How a layer stands. */
enum layer_state {
	LAYER_HOLDS,
	LAYER_FAILED,
	LAYER_UNDECIDED, /* the refusal came before it was decided */
	LAYER_ABSENT, /* nothing was asked of it */
};

/* "ok", "failed", "undecided", "absent". */
const char *layer_state_name(enum layer_state s);

/* What was asked beside the quote itself. */
struct quote_asked {
	bool report_data, event_log;
	const char *policy; /* the file; NULL: none */
};

/* TEE_LAYER_EVIDENCE to TEE_LAYER_LOG. */
enum layer_state quote_layer_state(const struct tee_verdict *v,
				   const struct quote_asked *asked,
				   enum tee_layer layer);

/* One line a layer; with colours or without. */
void quote_tree_print(FILE *to, const struct tee_verdict *v,
		      const struct quote_asked *asked, bool has_colour);

#endif
