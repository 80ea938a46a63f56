/* keybook: keys that come, are used and retire, and the document they are kept in. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "certd/keybook.h"

static struct custody_key key(uint8_t n, const char *use)
{
	struct custody_key k = { .made_at = 1000 + n };

	memset(k.point.xy, n, sizeof(k.point.xy));
	spki_hash(&k.spki, &k.point);
	strcpy(k.use, use);
	return k;
}

static struct sha256 tbs(uint8_t n)
{
	struct sha256 h;

	memset(h.b, n, sizeof(h.b));
	return h;
}

static void add(struct keybook *h, uint8_t n, const char *use)
{
	const struct custody_key k = key(n, use);

	assert_int_equal(keybook_add(h, &k), RC_OK);
}

static void unused_key_is_found_until_it_is_used(void **state)
{
	struct keybook *h = mem_new(sizeof(*h));
	const struct sha256 t = tbs(9);

	(void)state;
	assert_null(keybook_unused(h, "a"));
	add(h, 1, "a");
	add(h, 2, "b");
	assert_ptr_equal(keybook_unused(h, "a"), &h->keys[0]);
	assert_ptr_equal(keybook_unused(h, "b"), &h->keys[1]);
	assert_int_equal(keybook_issued(h, &h->keys[0].spki, &t, 50), RC_OK);
	assert_null(keybook_unused(h, "a"));
	/* Only the newest counts: an older one without a certificate was given up. */
	add(h, 3, "b");
	assert_ptr_equal(keybook_unused(h, "b"), &h->keys[2]);
	free(h);
}

static void older_keys_of_the_same_use_retire(void **state)
{
	struct keybook *h = mem_new(sizeof(*h));
	const struct sha256 t = tbs(9);

	(void)state;
	add(h, 1, "a");
	add(h, 2, "b");
	add(h, 3, "a");
	assert_int_equal(keybook_issued(h, &h->keys[2].spki, &t, 50), RC_OK);
	assert_int_equal(h->keys[0].retired_at, 50);
	assert_int_equal(h->keys[1].retired_at, 0);
	assert_int_equal(h->keys[2].retired_at, 0);
	/* Once is enough. */
	assert_int_equal(keybook_issued(h, &h->keys[2].spki, &t, 60), RC_OK);
	assert_int_equal(h->keys[0].retired_at, 50);
	assert_int_equal(h->keys[2].tbs_count, 1);
	free(h);
}

static void certificates_of_one_key_are_bounded(void **state)
{
	struct keybook *h = mem_new(sizeof(*h));
	struct sha256 t;

	(void)state;
	add(h, 1, "a");
	for (uint8_t n = 0; n < CUSTODY_TBS_MAX + 3; n++) {
		t = tbs(n);
		assert_int_equal(keybook_issued(h, &h->keys[0].spki, &t, 0), RC_OK);
	}
	assert_int_equal(h->keys[0].tbs_count, CUSTODY_TBS_MAX);
	assert_int_equal(h->keys[0].tbs[0].b[0], 3);
	free(h);
}

static void unknown_key_is_denied(void **state)
{
	struct keybook *h = mem_new(sizeof(*h));
	const struct sha256 t = tbs(9);

	(void)state;
	assert_int_equal(keybook_issued(h, &t, &t, 0), RC_DENIED);
	free(h);
}

static void full_history_is_a_limit_and_fits_its_document(void **state)
{
	struct keybook *h = mem_new(sizeof(*h)), *back = mem_new(sizeof(*back));
	struct custody_key k = key(1, "0123456789abcdef");
	struct buf json;

	(void)state;
	k.tbs_count = CUSTODY_TBS_MAX;
	for (int i = 0; i < CUSTODY_KEYS_MAX; i++)
		assert_int_equal(keybook_add(h, &k), RC_OK);
	assert_int_equal(keybook_add(h, &k), RC_LIMIT);
	buf_init(&json, FORM_SECRET_MAX);
	assert_int_equal(keybook_write(&json, h), RC_OK);
	assert_int_equal(keybook_read(back, buf_span(&json)), RC_OK);
	assert_memory_equal(h, back, sizeof(*h));
	buf_fini(&json);
	free(h);
	free(back);
}

static void every_prefix_and_other_documents_are_malformed(void **state)
{
	static const char *const table[] = {
		"",
		"{}",
		"[]",
		"{\"v\":2,\"keys\":[]}",
		"{\"v\":1,\"keys\":{}}",
		"{\"v\":1,\"keys\":[{}]}",
	};
	struct keybook *h = mem_new(sizeof(*h)), *back = mem_new(sizeof(*back));
	struct buf json;

	(void)state;
	add(h, 1, "a");
	buf_init(&json, FORM_SECRET_MAX);
	assert_int_equal(keybook_write(&json, h), RC_OK);
	for (size_t n = 0; n < json.n; n++)
		assert_int_equal(keybook_read(back, span_of(json.p, n)), RC_MALFORMED);
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		assert_int_equal(keybook_read(back, span_str(table[i])), RC_MALFORMED);
	assert_int_equal(back->count, 0);
	buf_fini(&json);
	free(h);
	free(back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unused_key_is_found_until_it_is_used),
		cmocka_unit_test(older_keys_of_the_same_use_retire),
		cmocka_unit_test(certificates_of_one_key_are_bounded),
		cmocka_unit_test(unknown_key_is_denied),
		cmocka_unit_test(full_history_is_a_limit_and_fits_its_document),
		cmocka_unit_test(every_prefix_and_other_documents_are_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
