/*
 * A stream of records that the peer sealed, and bytes that it did not, read in
 * two ways: whole into a large buffer, and in steps into a small one.
 *
 * Input: any number of (kind, length, bytes); kind 0 is bytes as they are, else
 * they are sealed, the last of them being type or padding.
 *
 * Promised: both ways end in the same answer with the same data, none of which
 * comes after a failure or an end; what is said back is the same; no more than
 * what was sealed as data comes out.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tls/light.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum {
	WIRE_MAX = 1 << 18,
};

static void start(struct light *l, uint8_t in, uint8_t out)
{
	*l = (struct light){ .suite = ENGINE_AES_128_GCM };
	memset(l->in.secret, in, 32);
	memset(l->out.secret, out, 32);
	l->in.secret_len = l->out.secret_len = 32;
	if (!record_start(&l->in, l->suite, 0) || !record_start(&l->out, l->suite, 0))
		abort();
}

/* As the peer would write it, whatever is in it. */
static bool seal(struct light *peer, struct engine *e, struct buf *wire, struct span inner)
{
	uint8_t record[5 + 256 + 16], nonce[12];
	struct wr w = wr_over(record, 5);
	int i;

	memcpy(nonce, peer->out.iv, 12);
	for (i = 0; i < 8; i++)
		nonce[4 + i] ^= (uint8_t)(peer->out.count >> (56 - 8 * i));
	peer->out.count++;
	wr_u8(&w, 23);
	wr_be16(&w, 0x0303);
	wr_be16(&w, (uint16_t)(inner.n + 16));
	engine_seal(e, peer->suite, record + 5, &peer->out.key, nonce, wr_span(&w),
		    span_of(inner.p, inner.n - 1), inner.p[inner.n - 1]);
	return buf_add(wire, span_of(record, 5 + inner.n + 16));
}

static size_t write_wire(struct engine *e, struct buf *wire, struct span s)
{
	struct light peer;
	size_t sealed = 0;
	struct span bytes;
	uint8_t kind;

	start(&peer, 2, 1);
	while (rd_u8(&s, &kind) && rd_vec8(&s, &bytes)) {
		if (bytes.n == 0)
			continue;
		if (kind == 0 ? !buf_add(wire, bytes) : !seal(&peer, e, wire, bytes))
			break;
		sealed += kind ? bytes.n - 1 : 0;
	}
	return sealed;
}

static enum light_status take(struct engine *e, struct buf *got, struct buf *said,
			      struct span wire, size_t step, size_t cap)
{
	static uint8_t bytes[WIRE_MAX];
	enum light_status status = LIGHT_WANT;
	struct buf in = { 0 };
	struct light l;
	size_t n;

	start(&l, 1, 2);
	buf_init(&in, WIRE_MAX);
	while (wire.n > 0 && status == LIGHT_WANT) {
		n = step < wire.n ? step : wire.n;
		assert(buf_add(&in, span_of(wire.p, n)));
		(void)rd_skip(&wire, n);
		while ((status = light_read(&l, e, &in, said, bytes, cap, &n)) == LIGHT_OK) {
			assert(n > 0 && n <= cap);
			assert(buf_add(got, span_of(bytes, n)));
		}
		assert(n == 0);
		assert((status == LIGHT_FAILED) == (l.error != NULL));
	}
	/* Told again, and nothing with it. */
	if (status != LIGHT_WANT)
		assert(light_read(&l, e, &in, said, bytes, cap, &n) == status && n == 0);
	buf_fini(&in);
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct engine *e;
	struct buf wire, got[2], said[2];
	size_t step, sealed;
	enum light_status whole;
	int i;

	if (n == 0)
		return 0;
	if (!e)
		e = engine_new();
	step = data[0] ? data[0] : 1;
	buf_init(&wire, WIRE_MAX);
	sealed = write_wire(e, &wire, span_of(data + 1, n - 1));
	for (i = 0; i < 2; i++) {
		buf_init(&got[i], WIRE_MAX);
		buf_init(&said[i], WIRE_MAX);
	}
	whole = take(e, &got[0], &said[0], buf_span(&wire), WIRE_MAX, WIRE_MAX);
	assert(take(e, &got[1], &said[1], buf_span(&wire), step, 1 + step / 16) == whole);
	assert(span_equal(buf_span(&got[0]), buf_span(&got[1])));
	assert(span_equal(buf_span(&said[0]), buf_span(&said[1])));
	assert(got[0].n <= sealed);
	for (i = 0; i < 2; i++) {
		buf_fini(&got[i]);
		buf_fini(&said[i]);
	}
	buf_fini(&wire);
	return 0;
}
