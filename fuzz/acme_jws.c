/*
 * What a CA makes us sign: its nonce and URLs.  Promised: a JWS that is written
 * reads back as JSON whose header has exactly these texts and no other member;
 * one that is not written leaves nothing behind.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "acme/jws.h"
#include "base/text.h"
#include "json/jtree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct span text_of(const struct jtree *object, const char *key)
{
	const struct jtree *v = jtree_get(object, key);

	assert(v && v->type == JTREE_TEXT);
	return v->text;
}

static void check(struct span jws, const struct jws_head *head, struct span payload)
{
	struct arena arena = { 0 };
	const struct jtree *top, *h;
	uint8_t *text = malloc(jws.n);
	size_t n;

	arena_init(&arena, 1 << 22);
	top = jtree_read(&arena, jws);
	assert(top && top->count == 3);
	assert(text_base64url_decode(text, jws.n, &n, text_of(top, "payload")));
	assert(span_equal(span_of(text, n), payload));
	assert(text_base64url_decode(text, jws.n, &n, text_of(top, "protected")));
	h = jtree_read(&arena, span_of(text, n));
	/* A NUL in a text is written, and refused by our strict reader. */
	if (h) {
		assert(h->count == (head->nonce.n ? 4 : 3));
		assert(span_equal(text_of(h, "url"), head->url));
		assert(!head->nonce.n || span_equal(text_of(h, "nonce"), head->nonce));
		assert(!head->kid.n || span_equal(text_of(h, "kid"), head->kid));
		assert(!!head->kid.n != !!jtree_get(h, "jwk"));
	} else {
		assert(memchr(head->url.p, 0, head->url.n) || memchr(head->kid.p, 0, head->kid.n) ||
		       memchr(head->nonce.p, 0, head->nonce.n));
	}
	free(text);
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct p256_private *key;
	struct span s = span_of(data, n);
	struct jws_head head = { 0 };
	struct buf out = { 0 };

	if (!key)
		key = p256_private_generate();
	if (!rd_vec8(&s, &head.url) || !rd_vec8(&s, &head.nonce) || !rd_vec8(&s, &head.kid))
		return 0;
	buf_init(&out, 1 << 20);
	if (jws_sign(&out, &head, key, s) == RC_OK)
		check(buf_span(&out), &head, s);
	else
		assert(out.n == 0);
	buf_fini(&out);
	return 0;
}
