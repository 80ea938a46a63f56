/* keybook: keys that come, are used and retire, and the document they are kept in. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "certd/keybook.h"
#include "json_odd.h"

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
	assert_int_equal(keybook_issued(h, &h->keys[0].spki, &t, 90, 50), RC_OK);
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
	assert_int_equal(keybook_issued(h, &h->keys[2].spki, &t, 90, 50), RC_OK);
	assert_int_equal(h->keys[0].retired_at, 50);
	assert_int_equal(h->keys[1].retired_at, 0);
	assert_int_equal(h->keys[2].retired_at, 0);
	/* Once is enough. */
	assert_int_equal(keybook_issued(h, &h->keys[2].spki, &t, 90, 60), RC_OK);
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
		assert_int_equal(keybook_issued(h, &h->keys[0].spki, &t, 90, 0), RC_OK);
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
	assert_int_equal(keybook_issued(h, &t, &t, 90, 0), RC_DENIED);
	free(h);
}

/* 16 certificates of 160 hours that are renewed at half their life, for ten years: what is kept
 * stays below a hundred and ninety keys, and none whose certificate is good is dropped. */
static void old_keys_make_room(void **state)
{
	enum {
		HOUR = 3600,
		LIFE = 160 * HOUR,
		EVERY = 80 * HOUR,
		MONTH = 30 * 24 * HOUR,
	};
	struct keybook *h = mem_new(sizeof(*h));
	size_t most = 0;

	(void)state;
	for (int64_t now = HOUR; now < (int64_t)10 * 365 * 24 * HOUR; now += EVERY)
		for (int n = 0; n < 16; n++) {
			struct custody_key k = key((uint8_t)(n + 1), ""), old;
			const struct sha256 t = tbs(9);
			uint64_t made = (uint64_t)now + (uint64_t)n;

			snprintf(k.use, sizeof(k.use), "u%d", n);
			k.made_at = now;
			memcpy(k.spki.b, &made, sizeof(made));
			while (keybook_drop(h, &old, now))
				assert_true(old.retired_at && old.not_after + MONTH <= now);
			assert_int_equal(keybook_add(h, &k), RC_OK);
			assert_int_equal(keybook_issued(h, &k.spki, &t, now + LIFE, now), RC_OK);
			most = h->count > most ? h->count : most;
		}
	print_message("%zu keys at most\n", most);
	assert_in_range(most, 16 * 9, 190);
	free(h);
}

/* When its certificates end is not known of a key that an older version wrote, or whose issuance
 * was never heard of. */
static void key_of_unknown_end_is_kept_for_the_longest_life(void **state)
{
	enum {
		DAY = 86400
	};
	struct keybook *h = mem_new(sizeof(*h));
	struct custody_key k = key(1, "a"), old;

	(void)state;
	k.retired_at = DAY;
	assert_int_equal(keybook_add(h, &k), RC_OK);
	assert_false(keybook_drop(h, &old, (int64_t)(1 + 398 + 30) * DAY - 1));
	assert_true(keybook_drop(h, &old, (int64_t)(1 + 398 + 30) * DAY));
	assert_int_equal(h->count, 0);
	k.retired_at = 0;
	k.made_at = 5000;
	assert_int_equal(keybook_add(h, &k), RC_OK);
	assert_false(keybook_drop(h, &old, (int64_t)10000 * DAY));
	/* Since when names are ours is not forgotten with the first key. */
	assert_int_equal(h->begun_at, 1001);
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

static void beginning_outlives_its_key(void **state)
{
	static const struct {
		const char *json;
		int64_t want; /* -1: malformed */
	} cases[] = {
		{ "{\"v\":1,\"begun_at\":7,\"keys\":[]}", 7 },
		{ "{\"v\":1,\"keys\":[]}", 0 },
		{ "{\"v\":1,\"begun_at\":\"7\",\"keys\":[]}", -1 },
	};
	struct keybook *h = mem_new(sizeof(*h)), *back = mem_new(sizeof(*back));
	struct buf json;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		enum rc rc = keybook_read(h, span_str(cases[i].json));

		assert_int_equal(rc, cases[i].want < 0 ? RC_MALFORMED : RC_OK);
		if (!rc)
			assert_int_equal(h->begun_at, cases[i].want);
	}
	memset(h, 0, sizeof(*h));
	add(h, 1, "a");
	h->begun_at = 3;
	buf_init(&json, FORM_SECRET_MAX);
	assert_int_equal(keybook_write(&json, h), RC_OK);
	assert_int_equal(keybook_read(back, buf_span(&json)), RC_OK);
	assert_int_equal(back->begun_at, 3);
	buf_fini(&json);
	free(h);
	free(back);
}

static enum rc read_document(struct arena *arena, struct span text)
{
	struct keybook *h = mem_new(sizeof(*h));
	enum rc rc;

	(void)arena;
	h->count = 77;
	rc = keybook_read(h, text);
	if (rc)
		assert_int_equal(h->count, 77);
	free(h);
	return rc;
}

static bool read_odd(void *arg, struct span text)
{
	(void)arg;
	return read_document(NULL, text) == RC_OK;
}

static void members_one_by_one(void **state)
{
	/* Ours, under seal; later versions may say more. */
	static const char *const may[] = { "* more", ".begun_at gone", ".begun_at 7",
					   ".keys array", ".keys.? gone", ".keys.? twice",
					   "*.use text", "*_at 7", "*.not_after gone",
					   "*.not_after 7", "*.tbs array", "*.tbs.0 gone",
					   "*.tbs.0 twice", NULL };
	struct keybook *h = mem_new(sizeof(*h));
	struct odd o = { .read = read_odd, .may = may };
	const struct sha256 t = tbs(9);
	struct buf json;
	char *text;

	(void)state;
	add(h, 1, "a");
	add(h, 2, "b");
	assert_int_equal(keybook_issued(h, &h->keys[0].spki, &t, 90, 50), RC_OK);
	buf_init(&json, 1 << 20);
	assert_int_equal(keybook_write(&json, h), RC_OK);
	text = strndup((const char *)json.p, json.n);
	odd_each(&o, text);
	free(text);
	buf_fini(&json);
	free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unused_key_is_found_until_it_is_used),
		cmocka_unit_test(older_keys_of_the_same_use_retire),
		cmocka_unit_test(certificates_of_one_key_are_bounded),
		cmocka_unit_test(unknown_key_is_denied),
		cmocka_unit_test(old_keys_make_room),
		cmocka_unit_test(key_of_unknown_end_is_kept_for_the_longest_life),
		cmocka_unit_test(beginning_outlives_its_key),
		cmocka_unit_test(full_history_is_a_limit_and_fits_its_document),
		cmocka_unit_test(every_prefix_and_other_documents_are_malformed),
		cmocka_unit_test(members_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
