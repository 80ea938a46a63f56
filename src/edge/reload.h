/*
 * reload: what the master and its workers use, read at the start and anew at
 * every reload: the configuration, the files it names, what postern-cert
 * issued, and the keys of tickets.  Used whole, or not at all.
 */
#ifndef POSTERN_EDGE_RELOAD_H
#define POSTERN_EDGE_RELOAD_H

#include "edge/courier.h"
#include "edge/crew.h"

struct master;

/*
 * At the start.  The configuration says whom to ask for certificates; one that
 * cannot be used is not there yet, and asked for again.  False: error says why.
 */
bool reload_first(struct master *m, char error[MESSAGE_TEXT_MAX]);
/* courier's 'use', with the master: everything anew, with what it has, or its
 * document alone. */
bool reload_change(void *arg, enum courier_need need,
		   char error[MESSAGE_TEXT_MAX]);
/* When the keys of tickets change.  Workers to come get the new ones alone: the
 * old ones are to be forgotten.  Takes the master. */
void reload_epoch(void *arg);
/* What workers that are started now use; borrows from the master. */
struct crew_setup reload_crew_setup(const struct master *m);

#endif
