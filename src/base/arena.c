#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"

enum {
	BLOCK_SIZE = 4096,
};

struct arena_block {
	struct arena_block *next;
	size_t n, cap;
	alignas(max_align_t) uint8_t bytes[];
};

void arena_init(struct arena *a, size_t max)
{
	*a = (struct arena){ .max = max };
}

void arena_fini(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
	arena_init(a, a->max);
}

void arena_wipe(struct arena *a)
{
	for (struct arena_block *b = a->blocks; b; b = b->next)
		secret_wipe(b->bytes, b->n);
	arena_fini(a);
}

static struct arena_block *block_with_room(struct arena *a, size_t n)
{
	size_t cap = n > BLOCK_SIZE ? n : BLOCK_SIZE;
	struct arena_block *b = a->blocks;

	if (b && n <= b->cap - b->n)
		return b;
	b = mem_new(sizeof(*b) + cap);
	*b = (struct arena_block){ .next = a->blocks, .cap = cap };
	a->blocks = b;
	return b;
}

void *arena_new(struct arena *a, size_t count, size_t n)
{
	const size_t align = alignof(max_align_t);
	struct arena_block *b;
	size_t size;
	void *at;

	if (__builtin_mul_overflow(count, n, &size) ||
	    __builtin_add_overflow(size, align - 1, &size))
		return NULL;
	size &= ~(align - 1);
	if (size > a->max - a->used)
		return NULL;
	b = block_with_room(a, size);
	at = b->bytes + b->n;
	b->n += size;
	a->used += size;
	return at;
}

char *arena_dup(struct arena *a, struct span s)
{
	char *copy = arena_new(a, 1, s.n + 1);

	if (copy && s.n)
		memcpy(copy, s.p, s.n);
	return copy;
}
