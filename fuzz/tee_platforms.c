/*
 * A list that is read was signed, has its form, and is read the same when it is
 * written again.  The input is a whole list, which nobody can have signed; then
 * the object in one that is signed here, to reach what stands behind the
 * signature.
 */
#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "tee/platforms.h"

enum {
	TEXT_MAX = PLATFORM_LIST_MAX + 1024,
};

static struct p256_private *key;
static struct p256_point point;
static uint8_t text[TEXT_MAX], again[TEXT_MAX];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	key = p256_private_generate();
	p256_private_point(key, &point);
	return 0;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_list(const struct platform_list *l)
{
	assert(platform_is_name(span_str(l->name)));
	assert(l->use == PLATFORM_ALLOW || l->use == PLATFORM_DENY);
	assert(l->issued_at <= l->expires_at);
	for (size_t i = 0; i < l->count; i++) {
		const struct platform *p = &l->platforms[i];

		assert(!p->operator|| platform_is_name(span_str(p->operator)));
		assert(p->level <= PLATFORM_LEVEL_MAX && p->until >= 0);
	}
}

static void check_same(const struct platform_list *a, const struct platform_list *b)
{
	assert(strcmp(a->name, b->name) == 0 && a->use == b->use && a->serial == b->serial);
	assert(a->issued_at == b->issued_at && a->expires_at == b->expires_at);
	assert(a->count == b->count);
	for (size_t i = 0; i < a->count; i++) {
		const struct platform *p = &a->platforms[i], *q = &b->platforms[i];

		assert(memcmp(p->ppid, q->ppid, sizeof(p->ppid)) == 0);
		assert(memcmp(p->instance, q->instance, sizeof(p->instance)) == 0);
		assert(p->until == q->until && p->level == q->level);
		assert(same_text(p->operator, q->operator));
	}
}

static void check_signed(struct arena *arena, struct span object)
{
	struct wr w = WR_ARRAY(text), v = WR_ARRAY(again);
	struct p256_signature signature;
	struct platform_list list, second;

	p256_sign(key, &signature, object);
	wr_str(&w, "{\"signature\":\"");
	text_hex(&w, SPAN_ARRAY(signature.rs));
	wr_str(&w, "\",\"platform_list\":");
	wr_bytes(&w, object);
	wr_str(&w, "}");
	if (w.over || platforms_read(&list, arena, wr_span(&w), &point))
		return;
	check_list(&list);
	platforms_write(&v, &list, key);
	if (v.over || v.n > PLATFORM_LIST_MAX)
		return; /* ours is longer than what was read */
	assert(platforms_read(&second, arena, wr_span(&v), &point) == TEE_OK);
	check_same(&list, &second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct platform_list list, kept;
	struct arena arena;

	arena_init(&arena, 8 * 1024 * 1024);
	memset(&list, 0x5a, sizeof(list));
	kept = list;
	assert(platforms_read(&list, &arena, span_of(data, size), &point) != TEE_OK);
	assert(memcmp(&list, &kept, sizeof(list)) == 0);
	check_signed(&arena, span_of(data, size));
	arena_fini(&arena);
	return 0;
}
