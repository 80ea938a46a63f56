/*
 * work: what libcrypto needs set up for one verification, kept for the next.
 *
 * A pool belongs to one prepared collateral.  A verification takes a piece and
 * gives it back, so that each is used by one thread at a time; a thread that
 * finds none makes one.  Nothing waits and nothing is shared but the pool's
 * places, each of which changes hands in one atomic exchange.
 *
 * Only for prepare.c and verify.c.
 */
#ifndef POSTERN_TEE_WORK_H
#define POSTERN_TEE_WORK_H

#include <stdatomic.h>

#include "crypto/hash.h"
#include "crypto/p256.h"

enum {
	/* Kept at rest: more threads than that at once verify as well, but
	 * make and free what they need. */
	WORK_IDLE_MAX = 16,
};

struct work {
	struct hasher *hasher;
	struct p256_verifier *p256;
};

struct work_pool {
	_Atomic(struct work *) idle[WORK_IDLE_MAX];
};

/* Owned by the caller until work_give(). */
struct work *work_take(struct work_pool *pool);
void work_give(struct work_pool *pool, struct work *w);
/* Frees what is at rest; nothing of the pool may be in use. */
void work_pool_fini(struct work_pool *pool);

#endif
