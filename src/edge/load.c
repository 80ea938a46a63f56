#include "edge/load.h"

enum {
	/* A queue that is 9/10 full will refuse connections by itself soon. */
	QUEUE_TENTHS = 9,
};

static bool is_over(const struct load_limits *limits,
		    const struct load_signals *now)
{
	if (limits->lag_ms && now->lag_ms >= limits->lag_ms)
		return true;
	if (limits->memory && now->memory >= limits->memory)
		return true;
	return now->queue_max &&
	       now->queued * 10 >= now->queue_max * QUEUE_TENTHS;
}

void load_tick(struct load *l, const struct load_limits *limits,
	       const struct load_signals *now)
{
	if (is_over(limits, now)) {
		l->shed += LOAD_MORE;
		if (l->shed > LOAD_PARTS)
			l->shed = LOAD_PARTS;
	} else if (l->shed > 0) {
		l->shed -= LOAD_LESS;
	}
}

bool load_sheds(struct load *l)
{
	/* Spread: 7 and 16 have no common divisor. */
	l->turn = (l->turn + 7) % LOAD_PARTS;
	return l->turn < l->shed;
}

bool load_is_calm(const struct load *l)
{
	return l->shed == 0;
}
