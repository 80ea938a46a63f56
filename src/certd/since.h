/*
 * since: since when each of our names is pinned (certd/pinbook.h), kept under
 * seal over restarts: told by those who look at CAA, asked by those who say
 * from when on a name is safe.
 *
 * Any thread.
 */
#ifndef POSTERN_CERTD_SINCE_H
#define POSTERN_CERTD_SINCE_H

#include "certd/custody.h"
#include "certd/pinbook.h"

struct since;

/*
 * Where there is a key and no book, as after versions that kept none, names
 * were pinned for the first time when the first key was made: what others got
 * since then is foreign.  RC_DENIED: what is sealed cannot be read; RC_LIMIT:
 * too many names.  error says which.
 */
enum rc since_open(struct since **out, const struct config *config,
		   const struct log *log, struct custody *custody,
		   char error[NODE_ERROR_MAX]);
void since_close(struct since *s);

/* A look at a name; pinbook_saw(). */
void since_saw(struct since *s, const char *name, enum pins_state state,
	       int64_t now);
/* A copy of the book. */
void since_book(struct since *s, struct pinbook *out);

#endif
