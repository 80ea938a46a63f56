/*
 * loghead: a log's head in whichever form the log signs it: RFC 6962's as the
 * JSON of get-sth, or the signed note of a static-ct log.
 *
 * Source: RFC 6962 §3.5, §4.3; C2SP static-ct-api (Checkpoints).
 */
#ifndef POSTERN_EVIDENCE_LOGHEAD_H
#define POSTERN_EVIDENCE_LOGHEAD_H

#include "base/span.h"
#include "ct/treeproof.h"

/* The head, when the log with this key signed it; its time in *at_ms. */
[[nodiscard]] bool loghead_signed(struct tree_head *out, uint64_t *at_ms,
				  struct span text, struct span log_spki);

#endif
