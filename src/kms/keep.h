/*
 * keep: what a node finds again after a restart: the cluster and the key of
 * its audit log, sealed to its own measurement by the platform.
 *
 * A platform that has no such key (real TDX) keeps nothing: the node comes back
 * empty and gets everything from the others, and a service whose nodes all
 * stop at once is lost.
 */
#ifndef POSTERN_KMS_KEEP_H
#define POSTERN_KMS_KEEP_H

#include "crypto/p256.h"
#include "keys/authority.h"
#include "keys/cluster.h"
#include "node/identity.h"

struct keep;

/* 'folder' is made when absent.  Returns owned: keep_free(). */
enum rc keep_open(struct keep **out, const char *folder,
		  const struct identity *identity, struct quote_source *source,
		  char error[NODE_ERROR_MAX]);
void keep_free(struct keep *k);

/* Nothing: RC_OK, and *c is not founded.  RC_DENIED: what is there cannot be
 * read; error says why. */
enum rc keep_read(struct keep *k, struct keys_cluster *c,
		  const struct keys_authority *authority,
		  char error[NODE_ERROR_MAX]);
/* On disk when it returns; RC_SYS: it is as it was. */
enum rc keep_write(struct keep *k, const struct keys_cluster *c);
/* Of the audit log; made where none is kept, and then *is_new.  Returns
 * owned. */
enum rc keep_audit_key(struct p256_private **out, bool *is_new, struct keep *k,
		       char error[NODE_ERROR_MAX]);

/* It outlives this process. */
bool keep_is_lasting(const struct keep *k);

#endif
