/*
 * streams: what a guard remembers of a connection's streams, so that one more
 * is never taken for another and none of them costs more than it may.
 *
 * Numbers of a client's streams only grow (RFC 9113 §5.1.1), so those that are
 * open stand in their order, and one is found among thousands in a dozen steps:
 * a frame of nine bytes on no stream at all must not cost a long search.
 *
 * Opens and logs nothing.
 */
#ifndef POSTERN_HTTP2_STREAMS_H
#define POSTERN_HTTP2_STREAMS_H

#include "base/buf.h"

enum {
	STREAMS_REFUSED_MAX = 64, /* refused in a connection */
	STREAMS_OPEN_MAX = 4096, /* whose client has more to send */
	STREAMS_ENDED_MAX = 64, /* that the backend has ended last */
	STREAMS_RESETS_MAX = 200, /* over half as many: rapid reset */
};

struct streams {
	uint32_t last; /* the highest the client has opened */
	/* Those on which the client has more to send: their numbers, 4 bytes
	 * each, growing. */
	struct buf open;
	uint32_t refused[STREAMS_REFUSED_MAX];
	size_t refused_count;
	uint32_t ended[STREAMS_ENDED_MAX];
	size_t ended_count; /* of all times */
	uint64_t requests, resets;
};

void streams_init(struct streams *s);
void streams_fini(struct streams *s);

/* The next request, of a stream higher than any before, behind which the client
 * has more to send.  False: too many are open, and nothing changed. */
bool streams_open(struct streams *s, uint32_t stream);
bool streams_is_open(const struct streams *s, uint32_t stream);
/* The client has said its last on it, also where it was not open. */
void streams_close(struct streams *s, uint32_t stream);

/* The edge answers it, not the backend.  False: too many are refused. */
bool streams_refuse(struct streams *s, uint32_t stream);
bool streams_is_refused(const struct streams *s, uint32_t stream);

/* The backend has reset it; one that the client never opened is passed over.
 * What the client had sent by then may still come: of the last
 * STREAMS_ENDED_MAX it is known for what it is. */
void streams_end(struct streams *s, uint32_t stream);
bool streams_has_ended(const struct streams *s, uint32_t stream);

/* One was reset by the client's doing.  False: it is a way to have work done
 * for nothing (CVE-2023-44487, CVE-2025-8671).  Few resets, or of many
 * requests, are a user's. */
bool streams_reset(struct streams *s);

#endif
