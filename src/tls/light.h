/*
 * light: a TLS 1.3 connection after its handshake, as little as it can be: the
 * keys of two directions and how many records each has carried.
 *
 * libssl keeps some 13 KiB for a connection that waits, and copies each record
 * twice; this keeps 300 bytes and copies none.  It knows what may come after a
 * handshake without early data and without authentication of clients later:
 * data, alerts, key updates.  Whatever else comes is refused with the alert
 * that RFC 8446 names.  Stricter than that document: a key update is one
 * message, whole and alone in its record.
 *
 * Pure: bytes in and out through buffers.
 *
 * Source: RFC 8446 §4.6.3, §5, §6, §7.2.
 */
#ifndef POSTERN_TLS_LIGHT_H
#define POSTERN_TLS_LIGHT_H

#include "base/buf.h"
#include "tls/record.h"

struct light {
	enum engine_suite suite;
	struct record_half in, out;
	size_t plain_left, tail_left; /* of a record opened in place */
	unsigned empties; /* records since the peer last sent data */
	bool is_closed; /* we have sent close_notify, or a fatal alert */
	bool is_ended; /* the peer has sent close_notify */
	const char *error; /* constant; NULL: none */
};

enum light_status {
	LIGHT_OK,
	LIGHT_WANT, /* more ciphertext */
	LIGHT_END, /* close_notify */
	LIGHT_FAILED, /* error says why; the output may hold an alert */
};

void light_wipe(struct light *l);

/*
 * Takes up to cap > 0 bytes of data from the records in 'in'; LIGHT_OK means
 * that *n > 0.  A record that does not fit is opened where it lies in 'in'.
 */
enum light_status light_read(struct light *l, struct engine *e, struct buf *in,
			     struct buf *out, uint8_t *bytes, size_t cap,
			     size_t *n);
/* Adds records with all of 'plain' to out.  LIGHT_FAILED: over its bound. */
enum light_status light_write(struct light *l, struct engine *e,
			      struct buf *out, struct span plain);
/* Adds close_notify, once. */
void light_close(struct light *l, struct engine *e, struct buf *out);

#endif
