#include "wireguard/replay.h"

#include <string.h>

/* Moves the window so that 'word' is its newest, clearing what is reused. */
static void advance(struct replay *r, uint64_t word)
{
	uint64_t newest = r->next ? (r->next - 1) / REPLAY_WORD_BITS : 0;

	if (word - newest >= REPLAY_WORDS) {
		memset(r->words, 0, sizeof(r->words));
		return;
	}
	for (uint64_t w = newest + 1; w <= word; w++)
		r->words[w % REPLAY_WORDS] = 0;
}

bool replay_accept(struct replay *r, uint64_t counter)
{
	uint64_t word = counter / REPLAY_WORD_BITS;
	uint64_t bit = 1ull << counter % REPLAY_WORD_BITS;
	uint64_t *at = &r->words[word % REPLAY_WORDS];

	if (counter >= REPLAY_REJECT_AFTER)
		return false;
	if (counter >= r->next) {
		advance(r, word);
		r->next = counter + 1;
	} else if (r->next - 1 - counter >= REPLAY_WINDOW) {
		return false;
	}
	if (*at & bit)
		return false;
	*at |= bit;
	return true;
}
