/*
 * showing: puts the answers to challenges where a CA looks, each type its way:
 * dns-* by writer or the hook, tls-alpn-01 through the edge, http-01 by its
 * plain listener or the hook.
 *
 * Blocks; the issuer's thread.
 */
#ifndef POSTERN_CERTD_SHOWING_H
#define POSTERN_CERTD_SHOWING_H

#include "certd/runner.h"
#include "certd/shelf.h"
#include "certd/writer.h"
#include "io/log.h"

struct showing {
	const struct config *config;
	struct writer *writer;
	struct shelf *shelf;
	struct runner *runner; /* NULL: no hook */
	const struct log *log;
};

/* RC_OK: it can be seen.  Otherwise error says why not. */
enum rc showing_show(struct showing *s, const struct proof *p,
		     char error[NODE_ERROR_MAX]);
void showing_hide(struct showing *s, const struct proof *p);

/* Has the edge take what is on the shelf.  RC_OK at once where no edge is
 * configured; otherwise it has taken it when this returns. */
enum rc showing_tell_edge(struct showing *s, char error[NODE_ERROR_MAX]);

#endif
