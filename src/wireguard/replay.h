/*
 * replay: which counters of a session were seen, in a sliding window.
 *
 * Asked only after a message was authenticated: a forged counter must not move
 * the window.
 *
 * Source: RFC 6479 §3 (a ring of words, one of which is always being reused);
 * WireGuard whitepaper §5.4.6, §6.1.
 */
#ifndef POSTERN_WIREGUARD_REPLAY_H
#define POSTERN_WIREGUARD_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

enum {
	REPLAY_BITS = 8192,
	REPLAY_WORD_BITS = 64,
	REPLAY_WORDS = REPLAY_BITS / REPLAY_WORD_BITS,
	/* so far behind the newest a counter may be and still be told apart */
	REPLAY_WINDOW = REPLAY_BITS - REPLAY_WORD_BITS,
};

/* No message at or above this counter is sent or taken (whitepaper §6.1). */
#define REPLAY_REJECT_AFTER (UINT64_MAX - (1ull << 13))

/* Zeroed: nothing seen. */
struct replay {
	uint64_t next; /* 1 + the highest counter seen */
	uint64_t words[REPLAY_WORDS];
};

/*
 * True, and the counter is marked, when it is new.  False when it was seen, is
 * older than the window, or is REPLAY_REJECT_AFTER or more.
 */
[[nodiscard]] bool replay_accept(struct replay *r, uint64_t counter);

#endif
