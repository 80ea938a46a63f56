/*
 * brief_inside: what the parts of tls/brief.h know of each other: what a
 * handshake has in hand, and the server's answer to a hello.
 *
 * Source: RFC 8446 §4.1.3, §4.3, §4.4.
 */
#ifndef POSTERN_TLS_BRIEF_INSIDE_H
#define POSTERN_TLS_BRIEF_INSIDE_H

#include "tls/brief.h"
#include "tls/offer.h"
#include "tls/schedule.h"

enum {
	BRIEF_RANDOM_LEN = 32, /* §4.1.2 */
	BRIEF_HEADER_LEN = 4, /* of a handshake message, §4 */
	BRIEF_FINISHED = 20, /* a HandshakeType, §4 */
};

/* What is due. */
enum brief_step {
	STEP_HELLO,
	STEP_FINISHED,
};

/* What random bytes a handshake takes, asked for at once. */
struct brief_chance {
	uint8_t random[BRIEF_RANDOM_LEN];
	struct key32 secret;
	uint8_t ticket_nonce[ENGINE_NONCE_LEN], age_add[4];
};

struct brief {
	struct brief_site site;
	enum brief_step step;
	enum engine_suite suite;
	uint16_t suite_code;
	struct digest transcript;
	struct schedule schedule;
	struct record_half in; /* the client's handshake traffic */
	uint8_t finished[DIGEST_MAX]; /* verify_data that it owes */
	/* What has come of its Finished. */
	uint8_t message[BRIEF_HEADER_LEN + DIGEST_MAX];
	size_t message_len;
	unsigned ccs_count;
	struct span alpn;
	bool is_resumed;
	int psk_index;
	bool gives_ticket;
	struct brief_chance chance;
	const char *error;
};

/* What was chosen of a client's offer, and with which shared secret. */
struct brief_choice {
	struct offer offer;
	struct span message; /* its hello */
	struct key32 shared;
};

/*
 * The server's first flight: adds all of it to 'out', and to the messages so
 * far, and derives the keys of what follows: b->in, b->finished, *l.  False
 * when libcrypto refuses, or the output is over its bound.
 */
[[nodiscard]] bool brief_answer(struct brief *b, const struct brief_choice *c,
				struct light *l, struct buf *out);

#endif
