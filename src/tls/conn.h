/*
 * conn: what a connection is, and three ways in which a server's differs from
 * libssl's: sessions of a scope, resumed by tickets (tls/tickets.h), an
 * ordinary handshake without libssl (tls/brief.h), and records without it once
 * the handshake is over (tls/light.h).  Internal to this room: others use
 * tls/tls.h.
 */
#ifndef POSTERN_TLS_CONN_H
#define POSTERN_TLS_CONN_H

#include "tls/brief.h"
#include "tls/context.h"
#include "tls/light.h"
#include "tls/peer.h"
#include "tls/tickets.h"

struct tls_conn {
	struct tls_context *context; /* one reference */
	/* Who carries it: neither yet, libssl, brief for the handshake, or
	 * light, when the other two are gone. */
	SSL *ssl;
	struct brief *brief;
	bool is_light, is_brief;
	struct buf in, out;
	bool is_in_eof; /* the peer closed TCP */
	bool is_failed;
	bool is_closed; /* close_notify is in the output */
	/* Key updates and tries to renegotiate, since it last sent data. */
	unsigned pauses;
	const char *bio_error; /* why the BIO failed; NULL: it did not */
	bool is_encrypted; /* what we send, since our ServerHello */
	tls_name_fn *name_fn; /* or NULL */
	void *name_arg;
	const struct tickets *tickets; /* or NULL: none is given or taken */
	struct sha256 scope; /* of them */
	struct engine *engine; /* or NULL: libssl to the end */
	struct light *light; /* keys as they become known; or NULL */
	bool is_resumed;
	/* What tls/terms.h agreed to. */
	bool admits_tls12, asks_certificate, needs_certificate;
	bool keeps_binding;
	struct key32 *binding; /* owned; NULL: not kept */
	struct tls_peer *peer; /* owned; NULL: no verified certificate */
	char alpn[TLS_ALPN_WIRE_MAX]; /* agreed on; "" none */
	char *error; /* owned; NULL: none */
};

/* Gives it to libssl, with all that was asked for before; true, too, when that
 * has it already.  False when libssl refuses. */
[[nodiscard]] bool tls_to_libssl(struct tls_conn *c);

/* One direction of it; ours is what we send. */
struct record_half *tls_half(struct light *l, int is_ours);
/* Tells libssl of its tickets and their scope, if there are any. */
[[nodiscard]] bool tls_take_scope(struct tls_conn *c);
/* The handshake is over: keeps what the client's certificate says, where one
 * was asked for.  False: it is not there, or not good. */
[[nodiscard]] bool tls_keep_peer(struct tls_conn *c);
/* The handshake is over and all of it in the output: lets libssl go, if that
 * was asked for and is possible. */
void tls_lighten(struct tls_conn *c);

#endif
