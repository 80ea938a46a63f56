/*
 * msgpack: MessagePack written piece by piece into a buffer, each value in its
 * shortest form, which is what dstack's encoder (rmp) writes.
 *
 * What does not fit is remembered, and msgpack_done() reports it, once, at the
 * end.  That as many values follow a map's or array's head as it says is the
 * caller's business.
 *
 * Source: the MessagePack specification, "Formats" (2013-04-21).
 */
#ifndef POSTERN_GUEST_MSGPACK_H
#define POSTERN_GUEST_MSGPACK_H

#include "base/buf.h"

struct msgpack {
	struct buf *to;
	bool failed;
};

/* Appends to 'to', which it borrows. */
struct msgpack msgpack_to(struct buf *to);
/* True when everything did fit. */
[[nodiscard]] bool msgpack_done(const struct msgpack *m);

/* Lengths are below 2^32 (asserted). */
void msgpack_map(struct msgpack *m, size_t pairs);
void msgpack_array(struct msgpack *m, size_t values);
void msgpack_text(struct msgpack *m, struct span utf8);
void msgpack_str(struct msgpack *m, const char *utf8);
void msgpack_bytes(struct msgpack *m, struct span bytes);
void msgpack_number(struct msgpack *m, uint64_t v);
/* An array of numbers: what a Vec<u8> of serde is. */
void msgpack_numbers(struct msgpack *m, struct span bytes);

#endif
