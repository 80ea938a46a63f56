/*
 * tickets: the keys under which a server seals sessions for its clients to
 * keep, and their rotation.
 *
 * Keys of an epoch follow from a random seed by a one-way step an epoch, which
 * forgets what was before.  So workers that start from the same bytes have the
 * same keys at the same time without a word between them, and a process that is
 * replaced hands its bytes to the next; nothing is ever stored.  A ticket opens
 * in the epoch it was made in and in the next one: it is good for one epoch at
 * least, and a key exists for two at most.
 *
 * What an epoch's key gives who steals it: to resume sessions sealed under it
 * and to learn their secrets, not to read recorded traffic, because every
 * resumption makes a new key exchange (psk_dhe_ke).  Who has the seed also has
 * the keys of later epochs; who can read it reads the certificate's key, too.
 *
 * Source: RFC 8446 §2.2, §4.6.1, §8.1; RFC 5077 §4 (the ticket's form).
 */
#ifndef POSTERN_TLS_TICKETS_H
#define POSTERN_TLS_TICKETS_H

#include "base/secret.h"

enum {
	TICKETS_NAME_LEN = 16,
	/* People come back within half a day; RFC 8446 §4.6.1 allows a week. */
	TICKETS_EPOCH_S = 12 * 60 * 60,
	TICKETS_EPOCH_MS = TICKETS_EPOCH_S * 1000,
};

struct tickets_key {
	uint8_t name[TICKETS_NAME_LEN]; /* public: which key a ticket wants */
	struct key32 cipher, mac;
};

/* Plain bytes, to be copied between processes of one machine. */
struct tickets {
	struct key32 seed; /* of the current epoch */
	uint64_t ends_at_ms; /* the epoch; on the clock of io/loop.h */
	struct tickets_key now, before;
	bool has_before;
};

void tickets_init(struct tickets *t, uint64_t now_ms);
void tickets_wipe(struct tickets *t);
/* Goes on to the epoch of now_ms.  When it was far behind, tickets of before
 * are lost. */
void tickets_advance(struct tickets *t, uint64_t now_ms);

#endif
