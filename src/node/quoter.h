/*
 * quoter: this machine's quote source, as a program opens it at its start and
 * as the channel's batch wants it.
 */
#ifndef POSTERN_NODE_QUOTER_H
#define POSTERN_NODE_QUOTER_H

#include "channel/batch.h"
#include "quoting/source.h"

/* 'arg' is a struct quote_source. */
batch_quote_fn quoter_quote;

/*
 * Opens the source of this machine, trying for up to wait_ms while none is
 * there.  As quote_source_open() otherwise.
 */
enum rc quoter_open(struct quote_source **out, const char *simulator,
		    uint64_t wait_ms, char error[256]);

#endif
