/*
 * keeper: keeps the folder of collateral fresh from the server that the
 * configuration names, in a thread of its own: it replaces files, and trust.h
 * notices.
 *
 * Kept are the platform families that the configuration lists and those that
 * have a sub-folder already; a stranger's quote cannot make it ask for more.  A
 * set is asked for again when a third of what was left of its life has passed
 * (pcs/schedule.h), at once where the choice of TCB state was changed, and
 * after a failure ever later.  What cannot be had anew stays until it expires.
 *
 * Source: docs/DESIGN.md §6.
 */
#ifndef POSTERN_NODE_KEEPER_H
#define POSTERN_NODE_KEEPER_H

#include "io/log.h"
#include "node/error.h"
#include "node/settings.h"

struct keeper;

/*
 * Starts the thread: RC_OK and *out owned (keeper_free), or RC_OK and NULL when
 * no source is configured.  RC_SYS: no thread; error says.  Borrows settings
 * and log while it lives.
 */
enum rc keeper_new(struct keeper **out, const struct trust_settings *settings,
		   const struct log *log, char error[NODE_ERROR_MAX]);
/* Ends it, within about a second also in the middle of a transfer.  NULL: does
 * nothing. */
void keeper_free(struct keeper *k);

#endif
