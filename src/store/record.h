/*
 * record: a lease as its bytes in the database.
 *
 * The instance id is the record's key and not in it.  The first byte is the
 * version of the layout; texts have a length of one byte before them; numbers
 * are big-endian.
 */
#ifndef POSTERN_STORE_RECORD_H
#define POSTERN_STORE_RECORD_H

#include "store/store.h"

enum {
	RECORD_VERSION = 2,
	RECORD_MAX = 1024, /* more than any lease takes */
};

/* Every text of 'l' ends within its array, every count is within its bound. */
void record_write(struct wr *w, const struct store_lease *l);
/* Fills all but the instance id.  False, and *out untouched, when the bytes are
 * not what record_write() writes. */
bool record_read(struct store_lease *out, struct span bytes);

/* What a connection needs of a lease, its brief, as bytes of its own: they
 * stand where its app and its id are looked up (see places.h). */
enum {
	RECORD_BRIEF_MAX = 256,
};
void record_write_brief(struct wr *w, const struct store_lease *l);

/* Borrowed from a brief. */
struct record_view {
	struct span address;
	int64_t expires_unix_ms;
	struct store_port port; /* port 0: not among the ports */
};
/* Looks for 'port'.  False: not a brief; *out is untouched then. */
bool record_look(struct record_view *out, struct span brief, uint16_t port);

#endif
