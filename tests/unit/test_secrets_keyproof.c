/* A key with its proof: written, read, and what the quote is over. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "secrets/keyproof.h"

static const struct keyproof proof = {
	.app_id = { 1 },
	.instance_id = { 2 },
	.public_key = { 3 },
	.quote = { (const uint8_t *)"quote", 5 },
	.event_log = { (const uint8_t *)"[]", 2 },
};

static void written_is_read(void **state)
{
	struct keyproof got;
	struct arena arena;
	struct buf text;

	(void)state;
	buf_init(&text, KEYPROOF_TEXT_MAX);
	arena_init(&arena, KEYPROOF_ARENA_MAX);
	assert_int_equal(keyproof_write(&text, &proof), RC_OK);
	assert_true(keyproof_read(&got, &arena, buf_span(&text)));
	assert_memory_equal(got.app_id, proof.app_id, 20);
	assert_memory_equal(got.instance_id, proof.instance_id, 20);
	assert_memory_equal(got.public_key, proof.public_key, 32);
	assert_true(span_equal(got.quote, proof.quote) && span_equal(got.event_log,
								     proof.event_log));
	for (size_t n = 0; n + 1 < text.n; n++) {
		char *cut = mem_dup_n(text.p, n);
		struct arena a;

		arena_init(&a, KEYPROOF_ARENA_MAX);
		assert_false(keyproof_read(&got, &a, span_of(cut, n)));
		arena_fini(&a);
		free(cut);
	}
	buf_fini(&text);
	arena_fini(&arena);
}

/* By Python's hashlib, of the parts as the header has them. */
static void report_data_is_the_formulas(void **state)
{
	static const char want[] =
		"e5def1b6dc854cf07c44f4c3dfa382570d5bb32597430df0754cb5984e954b35"
		"94e6f59f05fea4a3f6a32614bc3ff9c1800609f45dafa43cd816c6b2d73954e2";
	struct sha512 got;
	uint8_t bytes[64];

	(void)state;
	keyproof_report_data(&got, &proof);
	assert_true(text_hex_decode(bytes, 64, span_str(want)));
	assert_memory_equal(got.b, bytes, 64);
}

static void secrets_follow_from_the_root(void **state)
{
	struct key32 a, b;

	(void)state;
	keyproof_secret(&a, &(struct key32){ { 1 } });
	keyproof_secret(&b, &(struct key32){ { 1 } });
	assert_memory_equal(a.b, b.b, 32);
	keyproof_secret(&b, &(struct key32){ { 2 } });
	assert_memory_not_equal(a.b, b.b, 32);
	assert_int_equal(a.b[0] & 7, 0); /* clamped */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_is_read),
		cmocka_unit_test(report_data_is_the_formulas),
		cmocka_unit_test(secrets_follow_from_the_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
