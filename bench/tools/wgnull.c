/*
 * chapoly without cryptography: messages are only copied, once, and every one is
 * taken for authentic.  postern-wg linked with it (build/.../tool/wgnull) shows
 * what a tunnel costs beside its cipher.  For measuring only; never installed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/chapoly.h"

struct chapoly {
	uint8_t room[65536];
};

bool chapoly_has(enum chapoly_path path)
{
	return path == CHAPOLY_PORTABLE;
}

enum chapoly_path chapoly_best(void)
{
	return CHAPOLY_PORTABLE;
}

struct chapoly *chapoly_new(enum chapoly_path path)
{
	(void)path;
	return mem_new(sizeof(struct chapoly));
}

void chapoly_free(struct chapoly *c)
{
	free(c);
}

static void copy(struct chapoly *c, const struct chapoly_job *j)
{
	memcpy(c->room, j->bytes, j->n);
}

void chapoly_seal(struct chapoly *c, struct chapoly_job *jobs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		copy(c, &jobs[i]);
		memset(jobs[i].bytes + jobs[i].n, 0, CHAPOLY_TAG_LEN);
	}
}

void chapoly_open(struct chapoly *c, struct chapoly_job *jobs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		copy(c, &jobs[i]);
		jobs[i].is_authentic = true;
	}
}
