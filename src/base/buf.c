#include "base/buf.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"

enum {
	BUF_FIRST_CAP = 512,
};

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_fini(struct buf *b)
{
	free(b->p);
	buf_init(b, b->max);
}

void buf_wipe(struct buf *b)
{
	secret_wipe(b->p, b->cap);
	buf_fini(b);
}

void buf_reset(struct buf *b)
{
	b->at = b->n = 0;
}

struct span buf_span(const struct buf *b)
{
	return span_of(b->n ? b->p + b->at : NULL, b->n);
}

size_t buf_room(const struct buf *b)
{
	return b->max - b->n;
}

/* Makes room for n more bytes behind the content; n is within the bound. */
static void make_room(struct buf *b, size_t n)
{
	uint8_t *bigger;
	size_t cap;

	if (n <= b->cap - b->at - b->n)
		return;
	if (b->at && b->n) {
		memmove(b->p, b->p + b->at, b->n);
	}
	b->at = 0;
	if (n <= b->cap - b->n)
		return;
	cap = b->cap ? b->cap : BUF_FIRST_CAP;
	while (cap < b->n + n)
		cap *= 2;
	if (cap > b->max)
		cap = b->max;
	/* Not realloc: the old storage may hold secrets. */
	bigger = mem_new(cap);
	if (b->n)
		memcpy(bigger, b->p, b->n);
	secret_wipe(b->p, b->cap);
	free(b->p);
	b->p = bigger;
	b->cap = cap;
}

bool buf_add(struct buf *b, struct span bytes)
{
	if (bytes.n > buf_room(b))
		return false;
	if (bytes.n == 0)
		return true;
	make_room(b, bytes.n);
	memcpy(b->p + b->at + b->n, bytes.p, bytes.n);
	b->n += bytes.n;
	return true;
}

void buf_consume(struct buf *b, size_t n)
{
	assert(n <= b->n);
	b->n -= n;
	b->at = b->n ? b->at + n : 0;
}

uint8_t *buf_space(struct buf *b, size_t want, size_t *n)
{
	*n = want < buf_room(b) ? want : buf_room(b);
	if (*n == 0)
		return NULL;
	make_room(b, *n);
	return b->p + b->at + b->n;
}

void buf_commit(struct buf *b, size_t n)
{
	assert(n <= b->cap - b->at - b->n);
	b->n += n;
}
