/*
 * link: one attested-channel connection on an event loop: socket, TLS, session
 * and quotes put together, so that its owner sees session events only.
 */
#ifndef POSTERN_CHANNEL_LINK_H
#define POSTERN_CHANNEL_LINK_H

#include "channel/batch.h"
#include "channel/session.h"
#include "io/loop.h"
#include "io/sock.h"
#include "tls/tls.h"

struct link;

struct link_options {
	struct loop *loop;
	struct tls_context *tls; /* tls_attested_new() */
	struct batch *batch;
	enum channel_role role;
	const char *server_name; /* client: SNI, "gateway.<base>" */
	const char *purpose; /* "cvm-tunnel" */
	struct span claims, manifest;
	uint8_t wg_public[32]; /* server: its WireGuard key */
	/* the event log's JSON as of now; called when evidence is made */
	enum rc (*eventlog)(void *arg, struct buf *out);
	channel_verify_fn *verify;
	/* VERIFIED, KEY_WANTED, KEYED, ASSIGNED, TALK, HEARD, WITHDRAWN,
	 * REFUSED: answered through channel_*(link_channel(l)) inside the call,
	 * or later and then link_flush().  QUOTE is answered by the link
	 * itself.  The PSK in *e is erased after the call. */
	void (*event)(void *arg, struct link *l, const struct channel_event *e);
	/* the link is over, for whatever reason (a line for the log); called
	 * once, last, from a timer of the loop; the owner calls link_free() in
	 * it or later */
	void (*closed)(void *arg, struct link *l, const char *why);
	void *arg; /* of the four */
	uint64_t handshake_timeout_ms, step_timeout_ms;
	uint64_t round_min_ms, talk_ms; /* as in channel_params */
	const char *alpn; /* that tls agrees to; NULL: CHANNEL_ALPN */
};

/*
 * Takes fd (a connected or connecting TCP or unix socket, non-blocking).
 * Returns owned.  Copies the options' struct; what it points to is borrowed
 * for the link's life.  RC_SYS, RC_CRYPTO: fd is still the caller's.
 */
enum rc link_new(struct link **out, const struct link_options *options, int fd);
/* Closes at once, without a word and without closed(); allowed in any callback
 * of the link. */
void link_free(struct link *l);
/* NULL before the first event: there is no session before TLS is up. */
struct channel *link_channel(struct link *l);
/* Sends what the session has to say now, after an answer outside an event (or
 * channel_renew, channel_refuse, channel_withdraw).  May call event(). */
void link_flush(struct link *l);
/* Sends what is pending, then closes. */
void link_close(struct link *l, const char *why);

#endif
