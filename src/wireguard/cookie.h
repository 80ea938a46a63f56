/*
 * cookie: the two MACs of a handshake message, and the cookie by which a loaded
 * receiver makes sure of a sender's address before it works for it.
 *
 * The receiver's side is a cookie_checker, one a device; the sender's side a
 * cookie_maker, one a peer.  Checkers of one interface share a cookie_root, so
 * that each takes the cookies of every other.
 *
 * Source: WireGuard whitepaper §5.3, §5.4.4 (mac1, mac2), §5.4.7 (reply).
 */
#ifndef POSTERN_WIREGUARD_COOKIE_H
#define POSTERN_WIREGUARD_COOKIE_H

#include <stdatomic.h>

#include "base/secret.h"
#include "wireguard/endpoint.h"
#include "wireguard/message.h"

enum {
	COOKIE_SECRET_MS = 120 * 1000, /* both sides forget after it */
	COOKIE_MARGIN_MS = 5 * 1000, /* the sender a little earlier */
};

/* What the secrets come from.  May be used by several threads at once. */
struct cookie_root {
	struct key32 key;
	_Atomic uint64_t began_ms; /* 1 + when a secret was first asked for */
};
void cookie_root_init(struct cookie_root *r);
void cookie_root_wipe(struct cookie_root *r);

/* The receiver's side; zeroed but for the root, which is borrowed:
 * cookie_checker_set() first. */
struct cookie_checker {
	struct key32 mac1_key, reply_key;
	struct cookie_root *root;
	struct key32 secret; /* makes cookies; changes every two minutes */
	uint64_t period; /* 1 + number of that secret; 0: there is none yet */
};

void cookie_checker_set(struct cookie_checker *c,
			const uint8_t public_key[MESSAGE_KEY_LEN]);
void cookie_checker_wipe(struct cookie_checker *c);

enum cookie_verdict {
	COOKIE_INVALID, /* mac1 is wrong: the sender does not know our key */
	COOKIE_MAC1, /* mac1 is right, mac2 is not ours for this address */
	COOKIE_MAC2, /* both: the sender receives at its address */
};

/* Judges a whole initiation or response. */
enum cookie_verdict cookie_check(struct cookie_checker *c, struct span message,
				 const struct endpoint *source,
				 uint64_t now_ms);

/* The cookie for 'source', sealed for the sender of 'message'. */
void cookie_reply(struct cookie_checker *c, struct message_cookie *out,
		  struct span message, uint32_t sender,
		  const struct endpoint *source, uint64_t now_ms);

/* The sender's side; zeroed: cookie_maker_set() first. */
struct cookie_maker {
	struct key32 mac1_key, reply_key;
	uint8_t cookie[MESSAGE_MAC_LEN];
	uint64_t cookie_at_ms;
	bool has_cookie;
	/* mac1 of the last message, which a reply is sealed with, once */
	uint8_t last_mac1[MESSAGE_MAC_LEN];
	bool has_last_mac1;
};

void cookie_maker_set(struct cookie_maker *m,
		      const uint8_t public_key[MESSAGE_KEY_LEN]);
void cookie_maker_wipe(struct cookie_maker *m);

/* Fills in the two MACs that stand last in the n bytes of a message. */
void cookie_stamp(struct cookie_maker *m, uint8_t *message, size_t n,
		  uint64_t now_ms);

/*
 * Takes the cookie out of a reply.  False, nothing changed, when it does not
 * answer the last message stamped.
 */
[[nodiscard]] bool cookie_take(struct cookie_maker *m,
			       const struct message_cookie *reply,
			       uint64_t now_ms);

#endif
