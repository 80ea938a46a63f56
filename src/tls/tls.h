/*
 * tls: our words for libssl.
 *
 * A connection is sans-I/O: ciphertext goes in and out through buffers, so the
 * caller owns the socket, the loop and the order of things.  TLS 1.3 only, but
 * where tls_conn_agree() admits 1.2; no compression, no renegotiation, no early
 * data; X25519MLKEM768 where the linked OpenSSL has it, else X25519 or P-256,
 * in resumed sessions, too.  Sessions are resumed where tls_conn_resume() says
 * so, nowhere else.
 *
 * A context may be used by several threads at once, a connection by one.
 *
 * Source: RFC 8446; exporter: RFC 8446 §7.5; ALPN: RFC 7301.
 */
#ifndef POSTERN_TLS_TLS_H
#define POSTERN_TLS_TLS_H

#include "base/buf.h"
#include "base/rc.h"
#include "base/span.h"
#include "crypto/hash.h"

struct engine;
struct tickets;
struct tls_context;
struct tls_conn;
struct tls_peer;

enum {
	TLS_ERROR_MAX = 256,
	/* Bytes a connection holds at most, undecrypted and unsent. */
	TLS_INPUT_MAX = 264 * 1024,
	TLS_OUTPUT_MAX = 4 * 1024 * 1024,
	/* The largest certificate message of a peer of the attested channel. */
	TLS_PEER_CERT_MAX = 16 * 1024,
	/* ... and of a server of anybody's. */
	TLS_PEER_CHAIN_MAX = 64 * 1024,
};

/* TLS alert descriptions we send by name (RFC 8446 §6). */
enum tls_alert {
	TLS_ALERT_CLOSE_NOTIFY = 0,
	TLS_ALERT_HANDSHAKE_FAILURE = 40,
	TLS_ALERT_DECODE_ERROR = 50,
	TLS_ALERT_PROTOCOL_VERSION = 70,
	TLS_ALERT_INTERNAL_ERROR = 80,
	TLS_ALERT_USER_CANCELED = 90,
	TLS_ALERT_UNRECOGNIZED_NAME = 112,
	TLS_ALERT_NO_APPLICATION_PROTOCOL = 120,
};

/*
 * Writes a plaintext fatal alert record, for a hello that is refused unread.
 * Seven bytes; nothing when *out has no room for them.
 */
void tls_write_alert(struct buf *out, enum tls_alert alert);

/*
 * A server with a certificate chain and key from PEM.  'alpn' lists protocols
 * in order of preference, NULL-terminated (NULL: ALPN is ignored); a client
 * that offers ALPN without a common protocol is refused.
 * RC_CRYPTO: error says what is wrong with the certificate or key.
 */
enum rc tls_server_new(struct tls_context **out, struct span chain_pem,
		       struct span key_pem, const char *const *alpn,
		       char error[TLS_ERROR_MAX]);

/*
 * Each dNSName of the server's certificate as it stands there, in turn; false
 * when fn says so, or the extension is malformed.
 */
typedef bool tls_each_name_fn(void *arg, struct span name);
[[nodiscard]] bool tls_context_each_name(const struct tls_context *c,
					 tls_each_name_fn *fn, void *arg);

/*
 * One end of the attested channel: a P-256 key and self-signed certificate
 * made here and now, never stored; mutual authentication with any peer
 * certificate (what it proves comes from the evidence); no tickets, no
 * resumption; ALPN 'alpn' required on both sides.
 */
enum rc tls_attested_new(struct tls_context **out, bool is_server,
			 const char *alpn, char error[TLS_ERROR_MAX]);

/*
 * A client that takes any certificate, for who judges it afterwards, when
 * nothing has been said yet: see tls_conn_peer_chain().  'alpn' is offered
 * (NULL: none), and a server need not choose.
 */
enum rc tls_client_new(struct tls_context **out, const char *const *alpn,
		       char error[TLS_ERROR_MAX]);

/* Connections made from it live on. */
void tls_context_free(struct tls_context *c);

/*
 * server_name: sent as SNI by a client; NULL for a server.  Returns owned.
 * RC_CRYPTO: libssl refuses it (a name it cannot send).
 */
enum rc tls_conn_new(struct tls_conn **out, struct tls_context *c,
		     const char *server_name);
void tls_conn_free(struct tls_conn *c);
/*
 * A server that minds the name: fn sees that of each ClientHello ("" none), of
 * the second too that a HelloRetryRequest brings; false refuses the handshake
 * with unrecognized_name.
 */
typedef bool tls_name_fn(void *arg, const char *name);
void tls_conn_mind_name(struct tls_conn *c, tls_name_fn *fn, void *arg);

/*
 * A server's connection, before its first bytes: gives out a ticket (one) under
 * the keys of *t, which it borrows until it dies, and takes tickets that were
 * given out for the same 'scope'.  With a ticket of another scope, of keys that
 * are gone, or for a context of tls_attested_new(), there is a full handshake.
 * False when libssl refuses.
 */
[[nodiscard]] bool tls_conn_resume(struct tls_conn *c, const struct tickets *t,
				   const struct sha256 *scope);
bool tls_conn_is_resumed(const struct tls_conn *c);
/*
 * A server's connection, before its first bytes: once the handshake is done
 * libssl's part of it goes, and tls/light.h carries the data, with this engine,
 * which it borrows until it dies.  What is asked after the handshake is then
 * answered by tls_conn_alpn() and tls_conn_is_resumed() alone.  Where libssl
 * agreed to what light does not know, another cipher or records of a length
 * of the client's (RFC 6066 §4), it all stays as it was.
 */
void tls_conn_be_light(struct tls_conn *c, struct engine *e);
bool tls_conn_is_light(const struct tls_conn *c);
/* Whether its handshake was tls/brief.h's, and is over. */
bool tls_conn_is_brief(const struct tls_conn *c);

/*
 * A server's connection, before its first bytes: the end of its handshake keeps
 * tls-exporter (RFC 9266), which is else gone with libssl.  Of TLS 1.2 only
 * with the extended master secret, which all of ours have.
 */
void tls_conn_keep_binding(struct tls_conn *c);
/* NULL: it was not kept.  Borrowed from c. */
const struct key32 *tls_conn_binding(const struct tls_conn *c);

enum tls_status {
	TLS_OK, /* done, or bytes were moved */
	TLS_WANT, /* needs more ciphertext from the peer */
	TLS_EOF, /* the peer sent close_notify */
	TLS_FAILED, /* broken: tls_conn_error(); the output may hold an alert */
};

/* Gives ciphertext received.  Copied.  RC_LIMIT: over TLS_INPUT_MAX, nothing
 * was taken. */
enum rc tls_feed(struct tls_conn *c, struct span ciphertext);
/* The peer closed its side of the TCP connection. */
void tls_feed_eof(struct tls_conn *c);
/* Ciphertext to send; consume with buf_consume() what was sent. */
struct buf *tls_output(struct tls_conn *c);

/* How many more bytes tls_feed() takes now. */
size_t tls_feed_room(const struct tls_conn *c);
/* Gives memory of empty buffers back; for a connection that waits. */
void tls_conn_trim(struct tls_conn *c);
/*
 * Ciphertext that was received, for who has it written there by recv(2) rather
 * than by tls_feed(): buf_space(), buf_commit().  Its storage may be lent and
 * taken back while it is empty, as the output's may.
 */
struct buf *tls_input(struct tls_conn *c);

/*
 * Goes on with the handshake; TLS_OK once it is complete.  A peer that does not
 * agree to the context's ALPN is TLS_FAILED, and so is one that closes early.
 */
enum tls_status tls_handshake(struct tls_conn *c);
/*
 * Gives a server's handshake up.  The output gets an alert while alerts still
 * go in clear, before the ServerHello; later libssl has no way to send one.
 */
void tls_abandon(struct tls_conn *c, enum tls_alert alert);
/*
 * Decrypts up to cap bytes.  TLS_OK: *n > 0; else *n is 0.  The end of the TCP
 * stream without close_notify is a truncation: TLS_FAILED; so is a flood of
 * key updates without data between them.  An update may leave an answer in the
 * output.
 */
enum tls_status tls_read(struct tls_conn *c, void *out, size_t cap, size_t *n);
/*
 * Encrypts all of 'plain' into the output.  The caller watches its size: what
 * does not fit under TLS_OUTPUT_MAX breaks the connection (TLS_FAILED).
 */
enum tls_status tls_write(struct tls_conn *c, struct span plain);
/* Puts close_notify into the output, once; the other direction stays open. */
void tls_close(struct tls_conn *c);

/* After the handshake. */
const char *tls_conn_alpn(const struct tls_conn *c); /* "" none; borrowed */
const char *tls_conn_server_name(const struct tls_conn *c); /* "" none */
bool tls_conn_is_tls13(const struct tls_conn *c);
/* The client's certificate, verified as tls_conn_agree() asked; NULL: none.
 * Borrowed from c. */
const struct tls_peer *tls_conn_peer(const struct tls_conn *c);
/* SHA-256 of the SubjectPublicKeyInfo; false when there is no certificate. */
bool tls_conn_own_spki(const struct tls_conn *c, struct sha256 *out);
bool tls_conn_peer_spki(const struct tls_conn *c, struct sha256 *out);
/*
 * The certificates the peer sent, in DER, leaf first: copied into the arena.
 * How many, at most 'max'; 0 when there is none or no room.
 */
struct arena;
size_t tls_conn_peer_chain(const struct tls_conn *c, struct span *chain,
			   size_t max, struct arena *arena);
/* RFC 8446 §7.5; false when libssl refuses: the caller must give up. */
[[nodiscard]] bool tls_export(const struct tls_conn *c, uint8_t out[32],
			      const char *label, struct span context);
/* Why it failed, one line, for logs. */
const char *tls_conn_error(const struct tls_conn *c);

#endif
