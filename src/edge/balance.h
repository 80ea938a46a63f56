/*
 * balance: which instance of an app a new connection goes to: the one with the
 * fewest connections of this worker, among those that work.
 *
 * Counts are a worker's own, so that nothing is shared on the way of a
 * connection.  The kernel spreads connections over workers without regard to
 * apps, so each worker sees a fair sample of an app's; loads that are even in
 * each are even in the sum, to within one connection a worker.
 *
 * Outlier ejection, also a worker's own: an instance that several connections
 * in a row could not reach gets none for a while, then one more chance; each
 * time it fails again the while is twice as long.  What is found out by health
 * checks comes in as a flag.
 *
 * Nobody is left out for good: at most half of an app's instances are ejected
 * at a time, what is ejected or failing is still tried after all others, and
 * when every instance fails its checks the checks count for nothing.
 *
 * Pure but for memory: times are the caller's.
 */
#ifndef POSTERN_EDGE_BALANCE_H
#define POSTERN_EDGE_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BALANCE_ID_LEN = 20,
	BALANCE_MAX = 64, /* instances to choose among */
	BALANCE_FAILURES = 3, /* in a row, and an instance is ejected */
	BALANCE_EJECT_MS = 5'000, /* the first time */
	BALANCE_EJECT_MAX_MS = 300'000,
	BALANCE_MEMORY = 4096, /* instances without a connection kept in mind */
};

struct balance_entry;

struct balance {
	struct balance_entry **slots; /* chains, by instance */
	uint64_t key;
	size_t count, idle_count; /* entries; those without a connection */
};

struct balance_candidate {
	const uint8_t *id; /* instance id */
	bool is_failing; /* by its health checks */
};

/* 'key' is random, so that nobody chooses ids that meet. */
void balance_init(struct balance *b, uint64_t key);
void balance_fini(struct balance *b);

/*
 * The order in which to try candidates: writes indexes of up to 'max' of them
 * to order[] and returns how many.  Among equals it begins at 'turn'.  count is
 * at most BALANCE_MAX.
 */
size_t balance_order(const struct balance *b, size_t *order, size_t max,
		     const struct balance_candidate *candidates, size_t count,
		     unsigned turn, uint64_t now_ms);

/* A connection to an instance begins and ends; in pairs. */
void balance_begin(struct balance *b, const uint8_t id[BALANCE_ID_LEN]);
void balance_end(struct balance *b, const uint8_t id[BALANCE_ID_LEN]);
/* What came of trying to reach one. */
void balance_worked(struct balance *b, const uint8_t id[BALANCE_ID_LEN],
		    uint64_t now_ms);
void balance_failed(struct balance *b, const uint8_t id[BALANCE_ID_LEN],
		    uint64_t now_ms);

/* For a look from outside. */
uint32_t balance_load(const struct balance *b,
		      const uint8_t id[BALANCE_ID_LEN]);
bool balance_is_ejected(const struct balance *b,
			const uint8_t id[BALANCE_ID_LEN], uint64_t now_ms);

#endif
