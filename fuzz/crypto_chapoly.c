/*
 * A batch of messages: each two bytes of length, a byte for the counter and the
 * key; the input over and over is what they hold.
 *
 * Promises: every path of this machine makes of them what libcrypto makes, opens
 * them again, and refuses one that was changed without giving any of it away.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"
#include "crypto/chapoly.h"

enum {
	JOBS_MAX = 20,
	LEN_MAX = 2048,
};

struct batch {
	struct key32 keys[JOBS_MAX];
	struct chapoly_job jobs[JOBS_MAX];
	size_t count;
};

static void batch_fini(struct batch *b)
{
	for (size_t i = 0; i < b->count; i++)
		free(b->jobs[i].bytes);
}

static void batch_init(struct batch *b, struct span in)
{
	struct span all = in;
	uint16_t n;
	uint8_t byte;

	*b = (struct batch){ 0 };
	while (b->count < JOBS_MAX && rd_be16(&in, &n) && rd_u8(&in, &byte)) {
		struct chapoly_job *j = &b->jobs[b->count];

		memset(b->keys[b->count].b, byte, 32);
		/* Exactly sized, so that ASan sees a byte too far. */
		*j = (struct chapoly_job){ .key = &b->keys[b->count] };
		j->counter = byte;
		j->n = n % (LEN_MAX + 1);
		j->bytes = mem_new(j->n + CHAPOLY_TAG_LEN);
		for (size_t i = 0; i < j->n; i++)
			j->bytes[i] = all.p[(i + b->count) % all.n];
		b->count++;
	}
}

static void compare(const struct batch *a, const struct batch *b)
{
	for (size_t i = 0; i < a->count; i++)
		assert(!memcmp(a->jobs[i].bytes, b->jobs[i].bytes, a->jobs[i].n + CHAPOLY_TAG_LEN));
}

static void put(struct chapoly *c, struct chapoly *reference, struct span in)
{
	struct batch a, b;
	size_t bad;

	batch_init(&a, in);
	batch_init(&b, in);
	chapoly_seal(c, a.jobs, a.count);
	chapoly_seal(reference, b.jobs, b.count);
	compare(&a, &b);
	bad = in.p[0] % (a.count + 1);
	if (bad < a.count)
		a.jobs[bad].bytes[in.p[in.n - 1] % (a.jobs[bad].n + CHAPOLY_TAG_LEN)] ^= 0x10;
	chapoly_open(c, a.jobs, a.count);
	chapoly_open(reference, b.jobs, b.count);
	for (size_t i = 0; i < a.count; i++) {
		assert(b.jobs[i].is_authentic);
		assert(a.jobs[i].is_authentic == (i != bad));
		if (i == bad)
			assert(span_is_zero(span_of(a.jobs[i].bytes, a.jobs[i].n)));
		else
			assert(!memcmp(a.jobs[i].bytes, b.jobs[i].bytes, a.jobs[i].n));
	}
	batch_fini(&a);
	batch_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct chapoly *paths[CHAPOLY_PATHS];

	if (!size)
		return 0;
	for (enum chapoly_path p = 0; p < CHAPOLY_PATHS; p++) {
		if (!paths[p] && chapoly_has(p))
			paths[p] = chapoly_new(p);
		if (paths[p])
			put(paths[p], paths[CHAPOLY_PORTABLE], span_of(data, size));
	}
	return 0;
}
