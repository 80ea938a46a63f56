/*
 * timers: what a peer does when nothing comes from outside: resend, keep alive,
 * renew, forget.  Only the decisions: what happened goes in, what is due comes
 * out.
 *
 * Source: WireGuard whitepaper §6.1 to §6.6.
 */
#ifndef POSTERN_WIREGUARD_TIMERS_H
#define POSTERN_WIREGUARD_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

enum {
	TIMERS_REKEY_TIMEOUT_MS = 5 * 1000,
	TIMERS_REKEY_ATTEMPT_MS = 90 * 1000,
	TIMERS_KEEPALIVE_MS = 10 * 1000,
	TIMERS_ZERO_MS = 3 * 180 * 1000,
	TIMERS_JITTER_MS = 333, /* at most; so that two sides do not collide */
	TIMERS_ATTEMPTS_MAX = TIMERS_REKEY_ATTEMPT_MS / TIMERS_REKEY_TIMEOUT_MS,
};

#define TIMERS_NEVER UINT64_MAX

enum timer {
	TIMER_RETRANSMIT, /* no response to an initiation */
	TIMER_KEEPALIVE, /* received, and sent nothing since */
	TIMER_NEW_HANDSHAKE, /* sent, and received nothing since */
	TIMER_ZERO, /* keys have not been renewed for long */
	TIMER_PERSISTENT, /* the interval the user asked for */
	TIMER_COUNT,
	TIMER_NONE = TIMER_COUNT,
};

struct timers {
	uint64_t at_ms[TIMER_COUNT]; /* TIMERS_NEVER: not armed */
	uint32_t attempts; /* initiations sent again */
	uint32_t jitter; /* state of a small generator; not secret */
	uint32_t persistent_ms; /* 0: off */
	bool wants_another_keepalive;
	bool has_renewed_late; /* one renewal by the receiving side */
	bool has_initiated;
	uint64_t initiated_ms;
};

/* 'seed' starts the jitter. */
void timers_init(struct timers *t, uint32_t seed);
/* Disarms all but the persistent one. */
void timers_stop(struct timers *t);

/* What happened. */
void timers_data_sent(struct timers *t, uint64_t now_ms);
void timers_data_received(struct timers *t, uint64_t now_ms);
void timers_any_sent(struct timers *t, uint64_t now_ms);
void timers_any_received(struct timers *t, uint64_t now_ms);
void timers_initiation_sent(struct timers *t, uint64_t now_ms);
void timers_session_derived(struct timers *t, uint64_t now_ms);
void timers_handshake_complete(struct timers *t);
/* 0 turns it off; otherwise the first one is due at once. */
void timers_set_persistent(struct timers *t, uint32_t interval_ms,
			   uint64_t now_ms);

/* An initiation was sent less than REKEY_TIMEOUT ago. */
bool timers_initiated_lately(const struct timers *t, uint64_t now_ms);

/* An initiation waits for its response. */
bool timers_is_handshaking(const struct timers *t);

/* The earliest deadline, or TIMERS_NEVER. */
uint64_t timers_next(const struct timers *t);

/*
 * The next timer that is due, disarmed, or TIMER_NONE.  The persistent one arms
 * itself again.
 */
enum timer timers_take(struct timers *t, uint64_t now_ms);

/* What TIMER_KEEPALIVE asked for was done: arms it again when more was received
 * while it was armed. */
void timers_keepalive_sent(struct timers *t, uint64_t now_ms);

/* A retransmission is due: true when one more may be tried, and counts it.
 * Else the attempts are over and the keys will be erased in time. */
bool timers_retry(struct timers *t, uint64_t now_ms);

#endif
