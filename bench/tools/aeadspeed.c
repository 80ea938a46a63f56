/* aeadspeed: how long each path of ChaCha20-Poly1305 takes a message, sealed and opened, alone and
 * in batches.  Lines: path, length, batch, ns to seal, ns to open; the best of many short runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "crypto/chapoly.h"

enum {
	BATCH_MAX = 64,
	ROOM = 2048,
	RUNS = 25,
	RUN_NS = 1'000'000,
};

static double now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void measure(struct chapoly *c, uint8_t *bytes, size_t n, size_t batch, double best[2])
{
	const struct key32 key = { { 1 } };
	struct chapoly_job jobs[BATCH_MAX];

	best[0] = best[1] = 1e18;
	for (int run = 0; run < RUNS; run++) {
		double spent[2] = { 0 };
		size_t rounds = 0;

		for (double begin = now_ns(), at = begin; at - begin < RUN_NS; rounds++) {
			double middle;

			for (size_t i = 0; i < batch; i++)
				jobs[i] = (struct chapoly_job){ &key, rounds, bytes + i * ROOM, n,
								false };
			at = now_ns();
			chapoly_seal(c, jobs, batch);
			middle = now_ns();
			chapoly_open(c, jobs, batch);
			spent[0] += middle - at;
			at = now_ns();
			spent[1] += at - middle;
		}
		for (int i = 0; i < 2; i++) {
			double each = spent[i] / (double)(rounds * batch);

			if (each < best[i])
				best[i] = each;
		}
	}
}

int main(void)
{
	static const char *const names[] = { "portable", "avx2", "avx512" };
	static const size_t lengths[] = { 64, 192, 512, 1420 };
	static const size_t batches[] = { 1, 2, 3, 4, 8, 16, 64 };
	uint8_t *bytes = mem_new_array(BATCH_MAX, ROOM);

	for (enum chapoly_path p = 0; p < CHAPOLY_PATHS; p++) {
		struct chapoly *c;

		if (!chapoly_has(p))
			continue;
		c = chapoly_new(p);
		for (size_t l = 0; l < sizeof(lengths) / sizeof(*lengths); l++)
			for (size_t b = 0; b < sizeof(batches) / sizeof(*batches); b++) {
				double ns[2];

				measure(c, bytes, lengths[l], batches[b], ns);
				printf("%s %zu %zu %.0f %.0f\n", names[p], lengths[l], batches[b],
				       ns[0], ns[1]);
			}
		chapoly_free(c);
	}
	free(bytes);
	return 0;
}
