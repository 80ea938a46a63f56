#include "crypto/rng.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void rng_bytes(void *out, size_t n)
{
	uint8_t *at = out;

	while (n) {
		ssize_t got = getrandom(at, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		/* Without entropy no promise of ours can be kept. */
		if (got <= 0)
			abort();
		at += got;
		n -= (size_t)got;
	}
}

uint32_t rng_u32(void)
{
	uint32_t v;

	rng_bytes(&v, sizeof(v));
	return v;
}
