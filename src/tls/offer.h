/*
 * offer: what a ClientHello of TLS 1.3 offers, as far as tls/brief.h takes it
 * up.  Whatever is malformed, and whatever would change the handshake in a way
 * that brief does not know, is not read: such a hello is libssl's, which then
 * serves it or says what is wrong with it.
 *
 * Pure.  Extensions that a server may ignore are skipped, unread.
 *
 * Source: RFC 8446 §4.1.2, §4.2; RFC 6066 §3; RFC 7301 §3.1.
 */
#ifndef POSTERN_TLS_OFFER_H
#define POSTERN_TLS_OFFER_H

#include "base/span.h"

enum {
	OFFER_X25519 = 0x001d, /* NamedGroup, RFC 8446 §4.2.7 */
	OFFER_X25519MLKEM768 = 0x11ec, /* draft-ietf-tls-ecdhe-mlkem */
	OFFER_SHARES_MAX = 8, /* key shares; with more it is not read */
};

/* Spans borrow the message. */
struct offer {
	struct span session_id; /* 0..32 bytes, to be echoed */
	struct span suites; /* two bytes each, in the client's order */
	struct span groups; /* the same */
	struct span name; /* host_name, without a NUL; n == 0: none */
	struct span alpn; /* names, each with its length; n == 0: none */
	struct span x25519; /* its share, 32 bytes; n == 0: none */
	bool takes_ecdsa_p256; /* with SHA-256, as a signature of ours */
	bool takes_psk_dhe; /* psk_dhe_ke: resumption with a key exchange */
	/* pre_shared_key, of which there are as many of one as of the other;
	 * n == 0: none */
	struct span identities, binders;
	/* The message's bytes before its binders, which these cover. */
	struct span bound;
};

/* Reads a handshake message with its header, whole.  False, and *out is
 * untouched: it is not for brief. */
[[nodiscard]] bool offer_read(struct offer *out, struct span message);

/* Takes the next identity and its binder; false: there is none. */
[[nodiscard]] bool offer_next_psk(struct offer *o, struct span *identity,
				  struct span *binder);

/* Whether a list of two bytes each holds 'wanted'. */
bool offer_lists(struct span list, uint16_t wanted);

#endif
