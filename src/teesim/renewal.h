/*
 * renewal: issues the platform's documents, and again before they end.
 */
#ifndef POSTERN_TEESIM_RENEWAL_H
#define POSTERN_TEESIM_RENEWAL_H

#include "io/log.h"
#include "io/loop.h"
#include "quoting/sim_docs.h"

/* The caller's storage; what it points to outlives it. */
struct renewal {
	struct loop *loop;
	const struct log *log;
	const struct sim_pki *pki;
	const char *collateral, *root;
	int64_t issued_at; /* unix seconds; 0: never */
	struct loop_timer timer;
};

/*
 * Writes the root certificate and all documents now, and looks every hour
 * whether the documents are due.  RC_SYS or RC_CRYPTO: error says which file.
 */
enum rc renewal_start(struct renewal *r, char error[256]);
void renewal_stop(struct renewal *r);

/* Whether documents issued then are to be replaced now.  Also when the clock
 * went back behind their date: then they are not valid yet. */
bool renewal_is_due(int64_t issued_at, int64_t now);

#endif
