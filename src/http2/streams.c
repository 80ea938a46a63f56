#include "http2/streams.h"

enum {
	STREAM_LEN = sizeof(uint32_t),
};

void streams_init(struct streams *s)
{
	*s = (struct streams){ 0 };
	buf_init(&s->open, STREAMS_OPEN_MAX * STREAM_LEN);
}

void streams_fini(struct streams *s)
{
	buf_fini(&s->open);
}

static size_t count_open(const struct streams *s)
{
	return s->open.n / STREAM_LEN;
}

static uint8_t *place(const struct streams *s, size_t at)
{
	return s->open.p + s->open.at + at * STREAM_LEN;
}

/* Where a stream stands, or would stand, among those that are open. */
static bool find(size_t *at, const struct streams *s, uint32_t stream)
{
	size_t low = 0, high = count_open(s), middle;
	uint32_t there = 0;

	while (low < high) {
		middle = low + (high - low) / 2;
		memcpy(&there, place(s, middle), STREAM_LEN);
		if (there == stream) {
			*at = middle;
			return true;
		}
		if (there < stream)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

bool streams_open(struct streams *s, uint32_t stream)
{
	return buf_add(&s->open, span_of(&stream, STREAM_LEN));
}

bool streams_is_open(const struct streams *s, uint32_t stream)
{
	size_t at;

	return find(&at, s, stream);
}

/* Those before it move up: in the usual case it is the first. */
void streams_close(struct streams *s, uint32_t stream)
{
	size_t at;

	if (!find(&at, s, stream))
		return;
	memmove(place(s, 1), place(s, 0), at * STREAM_LEN);
	buf_consume(&s->open, STREAM_LEN);
	if (!s->open.n)
		buf_fini(&s->open);
}

bool streams_refuse(struct streams *s, uint32_t stream)
{
	if (s->refused_count == STREAMS_REFUSED_MAX)
		return false;
	s->refused[s->refused_count++] = stream;
	streams_close(s, stream);
	return true;
}

static bool is_among(const uint32_t *streams, size_t n, uint32_t stream)
{
	for (size_t i = 0; i < n; i++)
		if (streams[i] == stream)
			return true;
	return false;
}

bool streams_is_refused(const struct streams *s, uint32_t stream)
{
	return is_among(s->refused, s->refused_count, stream);
}

void streams_end(struct streams *s, uint32_t stream)
{
	if (stream > s->last)
		return;
	s->ended[s->ended_count++ % STREAMS_ENDED_MAX] = stream;
	streams_close(s, stream);
}

bool streams_has_ended(const struct streams *s, uint32_t stream)
{
	size_t n = s->ended_count < STREAMS_ENDED_MAX ? s->ended_count
						      : STREAMS_ENDED_MAX;

	return is_among(s->ended, n, stream);
}

bool streams_reset(struct streams *s)
{
	return ++s->resets <= STREAMS_RESETS_MAX ||
	       s->resets <= s->requests / 2;
}
