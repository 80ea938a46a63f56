#include "edge/bulk.h"

enum {
	LARGE = 64 * 1024, /* a read that proves it */
	SMALL = 8 * 1024, /* a splice that was not worth its two calls */
	AT_ONCE = 1024 * 1024,
};

void bulk_see(struct bulk *b, size_t n)
{
	b->is_on = n >= LARGE;
}

bool bulk_is_on(const struct bulk *b)
{
	return b->is_on || b->pipe;
}

void bulk_drop(struct bulk *b, struct pool *pool)
{
	pool_pipe_back(pool, b->pipe);
	*b = (struct bulk){ 0 };
}

/* From the pipe to the sink: BULK_MOVED once the pipe is empty, and back. */
static enum bulk_status deliver(struct bulk *b, struct pool *pool,
				struct side *to, uint64_t *total)
{
	enum side_status status = SIDE_MOVED;
	size_t n;

	while (b->pipe->n > 0 && status == SIDE_MOVED) {
		status = side_splice_out(to, b->pipe->out, b->pipe->n, &n);
		b->pipe->n -= n;
		*total += n;
	}
	if (status == SIDE_BLOCKED)
		return BULK_WAIT;
	if (status == SIDE_BROKEN)
		return BULK_SINK_BROKEN;
	pool_pipe_back(pool, b->pipe);
	b->pipe = NULL;
	return BULK_MOVED;
}

/* From the source into an empty pipe: BULK_MOVED when it has bytes. */
static enum bulk_status take(struct bulk *b, struct pool *pool,
			     struct side *from)
{
	struct pipe *pipe = pool_pipe(pool);
	enum bulk_status status = BULK_WAIT;
	size_t n;

	if (!pipe) {
		b->is_on = false;
		return BULK_OFF;
	}
	switch (side_splice_in(from, pipe->in, AT_ONCE, &n)) {
	case SIDE_MOVED:
		b->is_on = n >= SMALL;
		pipe->n = n;
		b->pipe = pipe;
		return BULK_MOVED;
	case SIDE_BLOCKED:
		break;
	case SIDE_EOF:
		status = BULK_EOF;
		break;
	case SIDE_BROKEN:
		status = BULK_SOURCE_BROKEN;
		break;
	}
	pool_pipe_back(pool, pipe);
	return status;
}

enum bulk_status bulk_move(struct bulk *b, struct pool *pool,
			   struct side *from, struct side *to, uint64_t *total)
{
	enum bulk_status status = BULK_MOVED;

	if (b->pipe)
		return deliver(b, pool, to, total);
	/* What the sink does not take stays with its source. */
	if (!to->can_write || !from->can_read)
		return BULK_WAIT;
	status = take(b, pool, from);
	return status == BULK_MOVED ? deliver(b, pool, to, total) : status;
}
