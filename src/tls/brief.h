/*
 * brief: a server's handshake of TLS 1.3 in the one form that most clients ask
 * for, at half of what it costs with libssl: X25519, our P-256 certificate or a
 * session resumed with a new key exchange, no certificate of the client's, no
 * early data, no second hello.
 *
 * It is no other judge of what is right.  A hello that it does not serve, for
 * whatever reason, it leaves where it lies, unanswered: libssl then serves or
 * refuses it.  Only a hello that offers all that is wanted is taken up, and
 * then what may follow is little: the client's Finished, change_cipher_spec
 * before it, an alert in its place.
 *
 * Pure but for its random bytes: bytes in and out through buffers.
 *
 * Source: RFC 8446 §2, §4, §5, §7, appendix A.2, D.4; RFC 7301.
 */
#ifndef POSTERN_TLS_BRIEF_H
#define POSTERN_TLS_BRIEF_H

#include "tls/context.h"
#include "tls/light.h"
#include "tls/tickets.h"

/* What a connection is to be; borrowed until its handshake is over. */
struct brief_site {
	const struct tls_context *context; /* with an identity */
	const struct tickets *tickets; /* NULL: none given or taken */
	const struct sha256 *scope; /* of them */
	tls_name_fn *name_fn; /* NULL: any name */
	void *name_arg;
	struct engine *engine;
};

enum brief_status {
	BRIEF_OTHER, /* not for us: nothing was taken, nothing said */
	BRIEF_WANT, /* needs more ciphertext */
	BRIEF_DONE, /* *light carries on; the output may hold a ticket */
	BRIEF_FAILED, /* brief_error(); the output may hold an alert */
};

struct brief;

/* Returns owned: brief_free(), which erases its secrets. */
struct brief *brief_new(const struct brief_site *site);
void brief_free(struct brief *b);

/*
 * Goes on with what has come.  Until it has spoken its answer may be
 * BRIEF_OTHER, then never again.  What lies behind the handshake stays in 'in'.
 * *light, all zero at first, gets the keys of both directions.
 */
enum brief_status brief_go(struct brief *b, struct light *light, struct buf *in,
			   struct buf *out);

/* Our ServerHello is in the output. */
bool brief_has_spoken(const struct brief *b);
bool brief_is_resumed(const struct brief *b);
/* The protocol chosen, n == 0: none.  Borrowed from the context. */
struct span brief_alpn(const struct brief *b);
const char *brief_error(const struct brief *b); /* constant */

#endif
