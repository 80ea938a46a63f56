/* Keys out of roots: the formula, what each part changes, purposes. */
#include "unit.h"

#include <string.h>

#include "base/text.h"
#include "crypto/hash.h"
#include "keys/derive.h"

static const uint8_t app[KEYS_ID_LEN] = { 0xa1 }, instance[KEYS_ID_LEN] = { 0xb2 };

static struct keys_root root_of(uint32_t epoch, uint8_t fill)
{
	struct keys_root r = { .epoch = epoch };

	memset(r.key.b, fill, sizeof(r.key.b));
	return r;
}

static void as_the_document_says(void **state)
{
	static const uint8_t info[] = {
		0, 0, 0, 3, /* epoch */
		2, /* scope */
		0xa1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* app */
		0xb2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* instance */
		4, 'd', 'i', 's', 'k', /* purpose */
	};
	struct keys_root root = root_of(3, 7);
	struct key32 got;
	uint8_t want[32];

	(void)state;
	keys_derive(&got, &root, KEYS_OF_INSTANCE, app, instance, span_str("disk"));
	hkdf_sha256(want, 32, span_str("postern/kms/v1"), SPAN_ARRAY(root.key.b),
		    SPAN_ARRAY(info));
	assert_memory_equal(got.b, want, 32);
}

static void every_part_counts(void **state)
{
	static const uint8_t other[KEYS_ID_LEN] = { 1 };
	struct keys_root a = root_of(1, 7), b = root_of(1, 8), c = root_of(2, 7);
	struct key32 k[8];

	(void)state;
	keys_derive(&k[0], &a, KEYS_OF_INSTANCE, app, instance, span_str("disk"));
	keys_derive(&k[1], &b, KEYS_OF_INSTANCE, app, instance, span_str("disk"));
	keys_derive(&k[2], &c, KEYS_OF_INSTANCE, app, instance, span_str("disk"));
	keys_derive(&k[3], &a, KEYS_OF_APP, app, instance, span_str("disk"));
	keys_derive(&k[4], &a, KEYS_OF_INSTANCE, other, instance, span_str("disk"));
	keys_derive(&k[5], &a, KEYS_OF_INSTANCE, app, other, span_str("disk"));
	keys_derive(&k[6], &a, KEYS_OF_INSTANCE, app, instance, span_str("disc"));
	keys_derive(&k[7], &a, KEYS_OF_INSTANCE, instance, app, span_str("disk"));
	for (size_t i = 0; i < 8; i++)
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(k[i].b, k[j].b, 32);
}

static void app_key_is_every_instances(void **state)
{
	struct keys_root root = root_of(1, 7);
	struct key32 a, b;

	(void)state;
	keys_derive(&a, &root, KEYS_OF_APP, app, instance, span_str("env"));
	keys_derive(&b, &root, KEYS_OF_APP, app, app, span_str("env"));
	assert_memory_equal(a.b, b.b, 32);
}

static void purposes(void **state)
{
	static const struct {
		const char *text;
		bool is_one, is_own;
	} table[] = {
		{ "disk", true, false },
		{ "app/tls-1.2_x", true, false },
		{ "kms/audit", true, true },
		{ "kmsx", true, false },
		{ "", false, false },
		{ "/disk", false, false },
		{ "disk/", false, false },
		{ "a//b", false, false },
		{ "Disk", false, false },
		{ "di sk", false, false },
		{ "/", false, false },
	};
	char longest[KEYS_PURPOSE_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		assert_int_equal(keys_is_purpose(span_str(table[i].text)), table[i].is_one);
		assert_int_equal(keys_purpose_is_own(span_str(table[i].text)), table[i].is_own);
	}
	memset(longest, 'a', sizeof(longest));
	assert_true(keys_is_purpose(span_of(longest, KEYS_PURPOSE_MAX)));
	assert_false(keys_is_purpose(span_of(longest, sizeof(longest))));
}

static void root_id_names_epoch_and_key(void **state)
{
	struct keys_root a = root_of(1, 7), b = root_of(2, 7), c = root_of(1, 8);
	uint8_t x[32], y[32], z[32];

	(void)state;
	keys_root_id(x, &a);
	keys_root_id(y, &b);
	keys_root_id(z, &c);
	assert_memory_not_equal(x, y, 32);
	assert_memory_not_equal(x, z, 32);
	assert_memory_not_equal(x, a.key.b, 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_document_says),
		cmocka_unit_test(every_part_counts),
		cmocka_unit_test(app_key_is_every_instances),
		cmocka_unit_test(purposes),
		cmocka_unit_test(root_id_names_epoch_and_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
