/*
 * journal: the audit log on disk (keys/audit.h), written in batches: what is
 * added is on disk, and signed, when journal_flush() returns, and nothing that
 * it is about may leave the program before.
 *
 * What follows the last signature is taken off at the next start: a crash cut
 * that batch short, and it was about nothing that had left.  So nothing is ever
 * signed that was not written under this key: not what a host put there.
 */
#ifndef POSTERN_KMS_JOURNAL_H
#define POSTERN_KMS_JOURNAL_H

#include "keys/audit.h"
#include "node/error.h"

struct journal;

/*
 * Goes on after the last signature, which must be by the key.  Borrows the key.
 * 'is_new_key': it has signed nothing yet; a file that is there is put aside as
 * <path>.<n>, the first n from 1 that is free, and another is begun.
 * RC_MALFORMED: the last signature is not by the key, or there is none, and it
 * is no batch cut short either; RC_SYS.  Returns owned: journal_free().
 */
enum rc journal_open(struct journal **out, const char *path,
		     const struct p256_private *key, bool is_new_key,
		     char error[NODE_ERROR_MAX]);
void journal_free(struct journal *j);

/* Adds a line to the batch. */
void journal_add(struct journal *j, const struct keys_audit_event *e);
/* RC_SYS with errno: nothing of the batch is in the log; it is forgotten. */
enum rc journal_flush(struct journal *j, int64_t now_s);
/* As far as it is on disk. */
struct keys_audit_chain journal_chain(const struct journal *j);

#endif
