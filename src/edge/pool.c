#include "edge/pool.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum {
	/* Slots count, one for each piece that the network card made: with
	 * pieces of a packet's size this is some 370 KB. */
	PIPE_SIZE = 1024 * 1024,
	/* What a user who has many gets unasked is worth no call (pipe(7)). */
	PIPE_SIZE_LEAST = 64 * 1024,
};

void pool_init(struct pool *p, size_t buffer_len)
{
	*p = (struct pool){ .buffer_len = buffer_len };
}

static void pipe_free(struct pipe *pipe)
{
	(void)close(pipe->in);
	(void)close(pipe->out);
	free(pipe);
}

void pool_fini(struct pool *p)
{
	while (p->buffer_count > 0)
		free(p->buffers[--p->buffer_count]);
	while (p->pipe_count > 0)
		pipe_free(p->pipes[--p->pipe_count]);
	*p = (struct pool){ 0 };
}

void pool_lend(struct pool *p, struct buf *b)
{
	uint8_t *storage;

	if (b->cap >= p->buffer_len || b->max < p->buffer_len)
		return;
	if (p->buffer_count > 0)
		storage = p->buffers[--p->buffer_count];
	else
		storage = mem_new(p->buffer_len);
	if (b->n > 0)
		memcpy(storage, b->p + b->at, b->n);
	free(b->p);
	b->p = storage;
	b->at = 0;
	b->cap = p->buffer_len;
}

void pool_settle(struct pool *p, struct buf *b)
{
	if (b->n > 0 || b->cap == 0)
		return;
	if (b->cap != p->buffer_len || p->buffer_count == POOL_BUFFERS_MAX) {
		buf_fini(b);
		return;
	}
	p->buffers[p->buffer_count++] = b->p;
	buf_init(b, b->max);
}

struct pipe *pool_pipe(struct pool *p)
{
	struct pipe *pipe;
	int ends[2];

	if (p->pipe_count > 0)
		return p->pipes[--p->pipe_count];
	if (p->pipes_open == POOL_PIPES_MAX ||
	    pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return NULL;
	pipe = mem_new(sizeof(*pipe));
	*pipe = (struct pipe){ .in = ends[1], .out = ends[0] };
	if (fcntl(pipe->in, F_SETPIPE_SZ, PIPE_SIZE) < 0 &&
	    fcntl(pipe->in, F_GETPIPE_SZ) < PIPE_SIZE_LEAST) {
		pipe_free(pipe);
		return NULL;
	}
	p->pipes_open++;
	return pipe;
}

void pool_pipe_back(struct pool *p, struct pipe *pipe)
{
	if (!pipe)
		return;
	if (pipe->n == 0) {
		assert(p->pipe_count < POOL_PIPES_MAX);
		p->pipes[p->pipe_count++] = pipe;
		return;
	}
	p->pipes_open--;
	pipe_free(pipe);
}
