/* form: what is sealed comes back for its owner alone, and each other one is told why. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "seal/form.h"

static const struct key32 root = { .b = { 1, 2, 3 } };
static const uint8_t nonce[XAEAD_NONCE_LEN] = { 9, 9, 9 };
#define SECRET "the account key"

static struct form_owner owner(void)
{
	struct form_owner o = { .provider = FORM_SIMULATOR };

	memset(o.measurement, 0x11, sizeof(o.measurement));
	memset(o.app, 0x22, sizeof(o.app));
	memset(o.instance, 0x33, sizeof(o.instance));
	return o;
}

static void seal(struct buf *out)
{
	const struct form_owner o = owner();

	buf_init(out, FORM_MAX);
	assert_int_equal(form_write(out, &root, &o, "account", 7, nonce, span_str(SECRET)),
			 RC_OK);
}

static enum form_reason read_as(struct span sealed, const struct form_owner *o,
				const struct key32 *key, const char *purpose)
{
	AUTO(buf_fini)
	struct buf out = { 0 };
	uint64_t epoch = 99;
	enum form_reason r;

	buf_init(&out, FORM_SECRET_MAX);
	r = form_read(&out, &epoch, key, o, purpose, sealed);
	if (r) {
		assert_int_equal(out.n, 0);
		assert_int_equal(epoch, 99);
	} else {
		assert_true(span_equal_str(buf_span(&out), SECRET));
		assert_int_equal(epoch, 7);
	}
	return r;
}

static void owner_reads_it_back(void **state)
{
	AUTO(buf_fini)
	struct buf sealed;
	const struct form_owner o = owner();

	(void)state;
	seal(&sealed);
	assert_int_equal(read_as(buf_span(&sealed), &o, &root, "account"), FORM_OK);
	/* Nothing of the secret stands there. */
	assert_null(memmem(buf_span(&sealed).p, sealed.n, SECRET, 6));
}

static void empty_secret_is_one(void **state)
{
	AUTO(buf_fini)
	struct buf sealed, out;
	const struct form_owner o = owner();
	uint64_t epoch;

	(void)state;
	buf_init(&sealed, FORM_MAX);
	buf_init(&out, FORM_SECRET_MAX);
	assert_int_equal(form_write(&sealed, &root, &o, "x", 0, nonce, (struct span){ 0 }), RC_OK);
	assert_int_equal(form_read(&out, &epoch, &root, &o, "x", buf_span(&sealed)), FORM_OK);
	assert_int_equal(out.n, 0);
	assert_int_equal(epoch, 0);
}

static void others_are_told_why(void **state)
{
	static const struct {
		const char *name;
		enum form_provider provider;
		uint8_t measurement, app, instance, key;
		const char *purpose;
		enum form_reason want;
	} table[] = {
		{ "other_provider", FORM_KMS, 0x11, 0x22, 0x33, 1, "account",
		  FORM_OTHER_PROVIDER },
		{ "other_measurement", FORM_SIMULATOR, 0x12, 0x22, 0x33, 1, "account",
		  FORM_OTHER_MEASUREMENT },
		{ "other_app", FORM_SIMULATOR, 0x11, 0x23, 0x33, 1, "account", FORM_OTHER_APP },
		{ "other_instance", FORM_SIMULATOR, 0x11, 0x22, 0x34, 1, "account",
		  FORM_OTHER_INSTANCE },
		{ "other_purpose", FORM_SIMULATOR, 0x11, 0x22, 0x33, 1, "key-1",
		  FORM_OTHER_PURPOSE },
		{ "purpose_longer", FORM_SIMULATOR, 0x11, 0x22, 0x33, 1, "accounts",
		  FORM_OTHER_PURPOSE },
		{ "other_platform", FORM_SIMULATOR, 0x11, 0x22, 0x33, 2, "account",
		  FORM_NOT_AUTHENTIC },
	};
	AUTO(buf_fini)
	struct buf sealed;

	(void)state;
	seal(&sealed);
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct form_owner o = owner();
		struct key32 key = root;

		o.provider = table[i].provider;
		o.measurement[31] = table[i].measurement;
		o.app[19] = table[i].app;
		o.instance[0] = table[i].instance;
		key.b[0] = table[i].key;
		if (read_as(buf_span(&sealed), &o, &key, table[i].purpose) != table[i].want)
			fail_msg("%s", table[i].name);
	}
}

/* Claiming to be the owner in the clear fields does not help. */
static void every_flipped_byte_is_refused(void **state)
{
	AUTO(buf_fini)
	struct buf sealed;
	const struct form_owner o = owner();

	(void)state;
	seal(&sealed);
	for (size_t i = 0; i < sealed.n; i++) {
		sealed.p[i] ^= 1;
		assert_int_not_equal(read_as(buf_span(&sealed), &o, &root, "account"), FORM_OK);
		sealed.p[i] ^= 1;
	}
	/* The epoch and the nonce are under the tag. */
	sealed.p[8 + 1 + 1 + 32 + 40 + 8 + 7] ^= 1;
	assert_int_equal(read_as(buf_span(&sealed), &o, &root, "account"), FORM_NOT_AUTHENTIC);
}

static void relabelled_file_is_not_authentic(void **state)
{
	AUTO(buf_fini)
	struct buf sealed;
	struct form_owner thief = owner();

	(void)state;
	seal(&sealed);
	thief.app[0] = 0x77;
	sealed.p[8 + 1 + 1 + 32] = 0x77;
	assert_int_equal(read_as(buf_span(&sealed), &thief, &root, "account"),
			 FORM_NOT_AUTHENTIC);
}

static void every_prefix_is_truncated(void **state)
{
	AUTO(buf_fini)
	struct buf sealed;
	const struct form_owner o = owner();

	(void)state;
	seal(&sealed);
	for (size_t n = 0; n < sealed.n; n++) {
		uint8_t *copy = mem_new(n + !n);

		memcpy(copy, sealed.p, n);
		assert_int_equal(read_as(span_of(copy, n), &o, &root, "account"), FORM_TRUNCATED);
		free(copy);
	}
}

static void other_forms_are_named(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t value;
		enum form_reason want;
	} table[] = {
		{ "other_magic", 0, 'p', FORM_NOT_SEALED },
		{ "later_version", 8, 2, FORM_VERSION },
		{ "unknown_provider", 9, 3, FORM_VERSION },
		{ "no_purpose", 8 + 2 + 72, 0, FORM_MALFORMED },
		{ "secret_over_the_bound", 8 + 2 + 72 + 8 + 8 + 24, 1, FORM_MALFORMED },
	};
	AUTO(buf_fini)
	struct buf sealed;
	const struct form_owner o = owner();

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		seal(&sealed);
		sealed.p[table[i].at] = table[i].value;
		if (read_as(buf_span(&sealed), &o, &root, "account") != table[i].want)
			fail_msg("%s", table[i].name);
		buf_fini(&sealed);
	}
	seal(&sealed);
	assert_true(buf_add(&sealed, span_str("x")));
	assert_int_equal(read_as(buf_span(&sealed), &o, &root, "account"), FORM_MALFORMED);
}

static void too_long_is_a_limit(void **state)
{
	AUTO(buf_fini)
	struct buf out;
	uint8_t *secret = mem_new(FORM_SECRET_MAX + 1);
	const struct form_owner o = owner();

	(void)state;
	buf_init(&out, FORM_MAX);
	assert_int_equal(form_write(&out, &root, &o, "x", 1, nonce,
				    span_of(secret, FORM_SECRET_MAX + 1)),
			 RC_LIMIT);
	assert_int_equal(out.n, 0);
	assert_int_equal(form_write(&out, &root, &o, "x", 1, nonce,
				    span_of(secret, FORM_SECRET_MAX)),
			 RC_OK);
	free(secret);
}

static void purposes_are_plain_names(void **state)
{
	(void)state;
	assert_true(form_is_purpose("key-1"));
	assert_false(form_is_purpose(""));
	assert_false(form_is_purpose("../x"));
	assert_false(form_is_purpose("Key"));
	assert_false(form_is_purpose("a.b"));
	assert_false(form_is_purpose("01234567890123456789012345678901"
				     "23456789012345678901234567890123"));
}

static void reasons_have_names(void **state)
{
	(void)state;
	for (int r = 0; r < FORM_REASON_COUNT; r++)
		assert_non_null(form_reason_name((enum form_reason)r));
	assert_string_equal(form_reason_name(FORM_OTHER_APP), "other_app");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owner_reads_it_back),
		cmocka_unit_test(empty_secret_is_one),
		cmocka_unit_test(others_are_told_why),
		cmocka_unit_test(every_flipped_byte_is_refused),
		cmocka_unit_test(relabelled_file_is_not_authentic),
		cmocka_unit_test(every_prefix_is_truncated),
		cmocka_unit_test(other_forms_are_named),
		cmocka_unit_test(too_long_is_a_limit),
		cmocka_unit_test(purposes_are_plain_names),
		cmocka_unit_test(reasons_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
