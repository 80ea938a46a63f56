#include "ct/gunzip.h"

#include <limits.h>

/* inflate()'s input is not written to. */
#define ZLIB_CONST
#include <zlib.h>

#include "base/mem.h"

enum {
	PIECE = 64 * 1024,
	GZIP_ONLY = 16 + MAX_WBITS, /* inflateInit2: no zlib header */
};

static void auto_end(z_stream *z)
{
	(void)inflateEnd(z); /* fails only for a stream that never was */
}

/* One piece of output; Z_OK: more to come, Z_STREAM_END: a member ended. */
static int piece(struct buf *to, z_stream *z)
{
	size_t room;
	uint8_t *at = buf_space(to, PIECE, &room);
	int answer;

	if (!room)
		return Z_BUF_ERROR;
	z->next_out = at;
	z->avail_out = (unsigned)(room < PIECE ? room : PIECE);
	room = z->avail_out;
	answer = inflate(z, Z_NO_FLUSH);
	buf_commit(to, room - z->avail_out);
	return answer;
}

enum rc gunzip(struct buf *to, struct span in)
{
	AUTO(auto_end)
	z_stream z = { 0 };

	if (in.n > UINT_MAX)
		return RC_LIMIT;
	z.next_in = in.p;
	z.avail_in = (unsigned)in.n;
	mem_need(inflateInit2(&z, GZIP_ONLY) == Z_OK ? to : NULL);
	for (;;) {
		unsigned before = z.avail_in;
		size_t written = to->n;
		int answer = piece(to, &z);

		if (answer == Z_STREAM_END) {
			if (!z.avail_in)
				return RC_OK;
			(void)inflateReset(&z); /* another member follows */
			continue;
		}
		if (answer == Z_BUF_ERROR && !buf_room(to))
			return RC_LIMIT;
		/* Neither read nor written: it ends in the middle. */
		if (answer != Z_OK ||
		    (z.avail_in == before && to->n == written))
			return RC_MALFORMED;
	}
}
