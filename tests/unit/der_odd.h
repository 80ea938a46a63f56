/*
 * A DER document with one element odd at a time, lengths around it in order: it
 * is left out, has another tag, is empty, holds a NULL more, comes twice.  An
 * OCTET STRING that holds one element, as extensions do, is gone into.
 */
#ifndef POSTERN_TESTS_DER_ODD_H
#define POSTERN_TESTS_DER_ODD_H

#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/rc.h"
#include "base/wr.h"
#include "pki/der.h"

enum der_odd_how {
	DER_ODD_GONE,
	DER_ODD_TAG,
	DER_ODD_EMPTY,
	DER_ODD_MORE,
	DER_ODD_TWICE,
	DER_ODD_COUNT,
};

struct der_odd {
	/* RC_OK: it was read.  'der' is an allocation of its own, for ASan. */
	enum rc (*read)(void *arg, struct span der);
	/* What is read must be good for this, too; NULL: no such. */
	bool (*agrees)(void *arg, struct span der);
	void *arg;
	size_t at, target; /* which element, counted from the front */
	enum der_odd_how how;
	size_t tried, taken, wrong;
};

static inline void der_odd_header(struct wr *w, uint8_t tag, size_t n)
{
	wr_u8(w, tag);
	if (n < 0x80) {
		wr_u8(w, (uint8_t)n);
	} else if (n < 0x100) {
		wr_u8(w, 0x81);
		wr_u8(w, (uint8_t)n);
	} else {
		assert_true(n < 0x10000);
		wr_u8(w, 0x82);
		wr_be16(w, (uint16_t)n);
	}
}

static inline bool der_odd_holds_one(struct span content)
{
	struct span inner, whole;
	uint8_t tag;

	return der_any(&content, &tag, &inner, &whole) && rd_end(&content);
}

static inline void der_odd_write(struct der_odd *o, struct wr *w, struct span in)
{
	struct span content, whole;
	uint8_t tag;

	while (der_any(&in, &tag, &content, &whole)) {
		const bool is_it = o->at++ == o->target;
		const bool goes_in = tag & 0x20 ||
				     (tag == DER_OCTET_STRING && der_odd_holds_one(content));
		uint8_t *room = malloc(2 * content.n + 64);
		struct wr inner = wr_over(room, 2 * content.n + 64);

		assert_non_null(room);
		if (goes_in)
			der_odd_write(o, &inner, content);
		else
			wr_bytes(&inner, content);
		if (is_it && o->how == DER_ODD_EMPTY)
			inner.n = 0;
		if (is_it && o->how == DER_ODD_MORE)
			wr_bytes(&inner, span_of("\x05\x00", 2));
		if (is_it && o->how == DER_ODD_TAG)
			tag = tag == DER_UTF8_STRING ? DER_IA5_STRING : DER_UTF8_STRING;
		if (is_it && o->how == DER_ODD_TWICE) {
			der_odd_header(w, tag, inner.n);
			wr_bytes(w, wr_span(&inner));
		}
		if (!is_it || o->how != DER_ODD_GONE) {
			der_odd_header(w, tag, inner.n);
			wr_bytes(w, wr_span(&inner));
		}
		assert_false(inner.over || w->over);
		free(room);
	}
	assert_true(rd_end(&in));
}

static inline void der_odd_try(struct der_odd *o, struct span der)
{
	static const char *const names[] = { "gone", "tag", "empty", "more", "twice" };
	uint8_t *room = malloc(2 * der.n + 64), *own;
	struct wr w = wr_over(room, 2 * der.n + 64);
	enum rc rc;

	o->at = 0;
	der_odd_write(o, &w, der);
	own = malloc(w.n ? w.n : 1);
	memcpy(own, room, w.n);
	rc = o->read(o->arg, span_of(own, w.n));
	assert_true(rc == RC_OK || rc == RC_MALFORMED || rc == RC_UNSUPPORTED || rc == RC_LIMIT);
	o->tried++;
	o->taken += rc == RC_OK;
	if (rc == RC_OK && o->agrees && !o->agrees(o->arg, span_of(own, w.n))) {
		print_message("element %zu %s: read\n", o->target, names[o->how]);
		o->wrong++;
	}
	free(own);
	free(room);
}

/* The document itself must be read, and come out of the walk as it went in. */
static inline void der_odd_each(struct der_odd *o, struct span der)
{
	uint8_t *room = malloc(2 * der.n + 64);
	struct wr w = wr_over(room, 2 * der.n + 64);
	size_t count;

	o->target = SIZE_MAX;
	der_odd_write(o, &w, der);
	assert_true(span_equal(wr_span(&w), der));
	free(room);
	assert_int_equal(o->read(o->arg, der), RC_OK);
	assert_true(!o->agrees || o->agrees(o->arg, der));
	count = o->at;
	for (o->target = 0; o->target < count; o->target++)
		for (o->how = DER_ODD_GONE; o->how < DER_ODD_COUNT; o->how++)
			der_odd_try(o, der);
	print_message("%zu odd, %zu of them taken\n", o->tried, o->taken);
	assert_int_equal(o->wrong, 0);
}

#endif
