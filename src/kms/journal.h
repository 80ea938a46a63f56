/*
 * journal: the audit log on disk (keys/audit.h), written in batches: what is
 * added is on disk, and signed, when journal_flush() returns, and nothing that
 * it is about may leave the program before.
 *
 * A line that a crash cut short is taken off at the next start; it was about
 * nothing that had left.
 */
#ifndef POSTERN_KMS_JOURNAL_H
#define POSTERN_KMS_JOURNAL_H

#include "keys/audit.h"
#include "node/error.h"

struct journal;

/*
 * Goes on where the file ends.  Borrows the key.  RC_MALFORMED: its last line
 * is none of an audit log; RC_SYS.  Returns owned: journal_free().
 */
enum rc journal_open(struct journal **out, const char *path,
		     const struct p256_private *key,
		     char error[NODE_ERROR_MAX]);
void journal_free(struct journal *j);

/* Adds a line to the batch. */
void journal_add(struct journal *j, const struct keys_audit_event *e);
/* RC_SYS with errno: nothing of the batch is in the log; it is forgotten. */
enum rc journal_flush(struct journal *j, int64_t now_s);
/* As far as it is on disk. */
struct keys_audit_chain journal_chain(const struct journal *j);

#endif
