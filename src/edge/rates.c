#include "edge/rates.h"

static uint64_t one(const struct board_worker *w, enum rates_of of)
{
	switch (of) {
	case RATES_CONNECTIONS:
		return board_get(&w->accepted);
	case RATES_HANDSHAKES:
		return board_get(&w->handshakes);
	case RATES_REFUSED:
		return board_get(&w->shed) + board_get(&w->limited);
	case RATES_UP:
		return board_get(&w->up);
	case RATES_DOWN:
		return board_get(&w->down);
	case RATES_COUNT:
		break;
	}
	return 0;
}

uint64_t rates_total(const struct board *b, enum rates_of of)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < b->worker_count; i++)
		sum += one(&b->workers[i], of);
	return sum;
}

void rates_look(struct rates *r, const struct board *b, uint64_t now_ms)
{
	size_t at = r->n++ % (RATES_SECONDS + 1);
	int of;

	r->at_ms[at] = now_ms;
	for (of = 0; of < RATES_COUNT; of++)
		r->values[at][of] = rates_total(b, (enum rates_of)of);
}

uint64_t rates_per_s(const struct rates *r, enum rates_of of)
{
	size_t last = (r->n + RATES_SECONDS) % (RATES_SECONDS + 1);
	size_t first = r->n > RATES_SECONDS ? r->n % (RATES_SECONDS + 1) : 0;
	uint64_t ms;

	if (r->n < 2)
		return 0;
	ms = r->at_ms[last] - r->at_ms[first];
	if (ms == 0)
		return 0;
	return (r->values[last][of] - r->values[first][of]) * 1000 / ms;
}
