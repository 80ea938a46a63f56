#include "wireguard/timers.h"

static bool is_armed(const struct timers *t, enum timer which)
{
	return t->at_ms[which] != TIMERS_NEVER;
}

static void disarm(struct timers *t, enum timer which)
{
	t->at_ms[which] = TIMERS_NEVER;
}

/* xorshift32: spreads retries, decides nothing else. */
static uint32_t jitter(struct timers *t)
{
	t->jitter ^= t->jitter << 13;
	t->jitter ^= t->jitter >> 17;
	t->jitter ^= t->jitter << 5;
	return t->jitter % (TIMERS_JITTER_MS + 1);
}

void timers_init(struct timers *t, uint32_t seed)
{
	*t = (struct timers){ .jitter = seed ? seed : 1 };
	for (unsigned i = 0; i < TIMER_COUNT; i++)
		t->at_ms[i] = TIMERS_NEVER;
}

void timers_stop(struct timers *t)
{
	for (unsigned i = 0; i < TIMER_COUNT; i++)
		if (i != TIMER_PERSISTENT)
			t->at_ms[i] = TIMERS_NEVER;
	t->attempts = 0;
	t->wants_another_keepalive = false;
	t->has_initiated = false;
}

static void any_traversal(struct timers *t, uint64_t now_ms)
{
	if (t->persistent_ms)
		t->at_ms[TIMER_PERSISTENT] = now_ms + t->persistent_ms;
}

void timers_data_sent(struct timers *t, uint64_t now_ms)
{
	if (!is_armed(t, TIMER_NEW_HANDSHAKE))
		t->at_ms[TIMER_NEW_HANDSHAKE] =
			now_ms + TIMERS_KEEPALIVE_MS +
			TIMERS_REKEY_TIMEOUT_MS + jitter(t);
}

void timers_data_received(struct timers *t, uint64_t now_ms)
{
	if (is_armed(t, TIMER_KEEPALIVE))
		t->wants_another_keepalive = true;
	else
		t->at_ms[TIMER_KEEPALIVE] = now_ms + TIMERS_KEEPALIVE_MS;
}

void timers_any_sent(struct timers *t, uint64_t now_ms)
{
	disarm(t, TIMER_KEEPALIVE);
	any_traversal(t, now_ms);
}

void timers_any_received(struct timers *t, uint64_t now_ms)
{
	disarm(t, TIMER_NEW_HANDSHAKE);
	any_traversal(t, now_ms);
}

void timers_initiation_sent(struct timers *t, uint64_t now_ms)
{
	t->has_initiated = true;
	t->initiated_ms = now_ms;
	t->at_ms[TIMER_RETRANSMIT] =
		now_ms + TIMERS_REKEY_TIMEOUT_MS + jitter(t);
}

void timers_session_derived(struct timers *t, uint64_t now_ms)
{
	t->at_ms[TIMER_ZERO] = now_ms + TIMERS_ZERO_MS;
}

void timers_handshake_complete(struct timers *t)
{
	disarm(t, TIMER_RETRANSMIT);
	t->attempts = 0;
	t->has_renewed_late = false;
}

void timers_set_persistent(struct timers *t, uint32_t interval_ms,
			   uint64_t now_ms)
{
	bool was_off = t->persistent_ms == 0;

	t->persistent_ms = interval_ms;
	if (!interval_ms)
		disarm(t, TIMER_PERSISTENT);
	else if (was_off)
		t->at_ms[TIMER_PERSISTENT] = now_ms;
	else
		any_traversal(t, now_ms);
}

bool timers_initiated_lately(const struct timers *t, uint64_t now_ms)
{
	return t->has_initiated &&
	       now_ms - t->initiated_ms < TIMERS_REKEY_TIMEOUT_MS;
}

bool timers_is_handshaking(const struct timers *t)
{
	return is_armed(t, TIMER_RETRANSMIT);
}

uint64_t timers_next(const struct timers *t)
{
	uint64_t next = TIMERS_NEVER;

	for (unsigned i = 0; i < TIMER_COUNT; i++)
		if (t->at_ms[i] < next)
			next = t->at_ms[i];
	return next;
}

enum timer timers_take(struct timers *t, uint64_t now_ms)
{
	for (unsigned i = 0; i < TIMER_COUNT; i++) {
		if (!is_armed(t, i) || t->at_ms[i] > now_ms)
			continue;
		disarm(t, i);
		if (i == TIMER_PERSISTENT)
			any_traversal(t, now_ms);
		return i;
	}
	return TIMER_NONE;
}

void timers_keepalive_sent(struct timers *t, uint64_t now_ms)
{
	if (!t->wants_another_keepalive)
		return;
	t->wants_another_keepalive = false;
	t->at_ms[TIMER_KEEPALIVE] = now_ms + TIMERS_KEEPALIVE_MS;
}

bool timers_retry(struct timers *t, uint64_t now_ms)
{
	if (t->attempts < TIMERS_ATTEMPTS_MAX) {
		t->attempts++;
		return true;
	}
	disarm(t, TIMER_KEEPALIVE);
	if (!is_armed(t, TIMER_ZERO))
		t->at_ms[TIMER_ZERO] = now_ms + TIMERS_ZERO_MS;
	return false;
}
