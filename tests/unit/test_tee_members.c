/*
 * Every member of TCB info (SGX v2, SGX v3, TDX v3) and of a QE identity, one
 * at a time: left out, of each other type, of another length, no hex, no date,
 * out of range, twice.  What the reader then says must be that it is malformed,
 * unless the member is one that no verifier needs, which are listed.
 */
#include "unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tee/qeidentity.h"
#include "tee/tcbinfo.h"
#include "tee_vectors.h"

enum {
	PATH_MAX_LEN = 256,
	ARENA_BYTES = 1024 * 1024,
};

struct document {
	const char *name;
	json_t *root;
	bool is_qe;
	size_t tried, accepted;
};

/* Members that may be missing or odd, by the end of the way to them: what a
 * component is, for people; as any member that is not known. */
static const char *const free_members[] = {
	".category",
	".type",
};

/* Members that may be missing, but not odd. */
static const char *const optional[] = {
	".advisoryIDs", /* a level without advisories has none */
	".tdxModuleIdentities", /* absent before module version 1 */
};

static bool ends_with(const char *path, const char *end)
{
	size_t n = strlen(path), m = strlen(end);

	return n >= m && strcmp(path + n - m, end) == 0;
}

static bool is_free(const char *path)
{
	for (size_t i = 0; i < sizeof(free_members) / sizeof(free_members[0]); i++)
		if (ends_with(path, free_members[i]))
			return true;
	return false;
}

static bool is_optional(const char *path)
{
	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++)
		if (ends_with(path, optional[i]))
			return true;
	return is_free(path);
}

static enum tee_reason read_text(const struct document *d, struct span text)
{
	struct arena arena;
	enum tee_reason reason;

	arena_init(&arena, ARENA_BYTES);
	if (d->is_qe) {
		struct qeidentity q, kept;

		memset(&q, 0x5a, sizeof(q));
		kept = q;
		reason = qeidentity_parse(&q, &arena, text);
		if (reason)
			assert_memory_equal(&q, &kept, sizeof(q));
	} else {
		struct tcbinfo t, kept;

		memset(&t, 0x5a, sizeof(t));
		kept = t;
		reason = tcbinfo_parse(&t, &arena, text);
		if (reason)
			assert_memory_equal(&t, &kept, sizeof(t));
	}
	arena_fini(&arena);
	return reason;
}

static enum tee_reason read_tree(const struct document *d)
{
	char *text = json_dumps(d->root, JSON_COMPACT);
	uint8_t *copy = vector_copy(span_str(text));
	enum tee_reason reason = read_text(d, span_of(copy, strlen(text)));

	free(copy);
	free(text);
	return reason;
}

static void expect(struct document *d, const char *path, const char *what, bool is_accepted)
{
	enum tee_reason reason = read_tree(d);
	bool is_status = ends_with(path, ".tcbStatus") && reason == TEE_TCB_UNRECOGNIZED;

	d->tried++;
	d->accepted += reason == TEE_OK;
	if (is_accepted ? reason != TEE_OK : reason != TEE_COLLATERAL_MALFORMED && !is_status)
		fail_msg("%s: %s %s: %s", d->name, path, what, tee_reason_name(reason));
}

/* Values that no member of the given kind may have. */
static const char *const not_text[] = { "null", "true", "7", "[]", "{}", "[\"\"]" };
static const char *const not_number[] = { "null", "true", "\"7\"", "[]", "{}", "\"\"" };
static const char *const not_array[] = { "null", "true", "7", "\"\"", "{}", "\"[]\"" };
static const char *const not_object[] = { "null", "true", "7", "\"\"", "[]", "[{}]" };

enum {
	ODD_VALUES = 6,
};

static const char *const *odd_values(const json_t *member)
{
	if (json_is_string(member))
		return not_text;
	if (json_is_integer(member))
		return not_number;
	return json_is_array(member) ? not_array : not_object;
}

/* Puts the text's value for the member, looks, and puts it back. */
static void try_value(struct document *d, json_t *object, const char *key, const char *path,
		      const char *text, bool is_accepted)
{
	json_t *kept = json_incref(json_object_get(object, key));

	assert_int_equal(json_object_set_new(object, key, json_loads(text, JSON_DECODE_ANY, NULL)),
			 0);
	expect(d, path, text, is_accepted);
	json_object_set_new(object, key, kept);
}

/* Texts near the right one: shorter, longer, another alphabet, empty. */
static void try_texts(struct document *d, json_t *object, const char *key, const char *path)
{
	const char *was = json_string_value(json_object_get(object, key));
	const size_t n = strlen(was);
	char text[512];

	assert_true(n > 0 && n + 4 < sizeof(text));
	snprintf(text, sizeof(text), "\"%.*s\"", (int)n - 1, was);
	try_value(d, object, key, path, text, false);
	snprintf(text, sizeof(text), "\"%s0\"", was);
	try_value(d, object, key, path, text, false);
	snprintf(text, sizeof(text), "\"%s \"", was);
	try_value(d, object, key, path, text, false);
	snprintf(text, sizeof(text), "\"%s\\u00e9\"", was);
	try_value(d, object, key, path, text, false);
	snprintf(text, sizeof(text), "\"?%s\"", was + 1);
	try_value(d, object, key, path, text, false);
	try_value(d, object, key, path, "\"\"", false);
}

static void try_dates(struct document *d, json_t *object, const char *key, const char *path)
{
	static const char *const odd[] = {
		"\"2025-06-19T10:33:00\"",
		"\"2025-06-19T10:33:00+00:00\"",
		"\"2025-06-19 10:33:00Z\"",
		"\"2025-06-19T10:33:00.000Z\"",
		"\"2025-06-19T10:33:60Z\"",
		"\"2025-06-19T24:00:00Z\"",
		"\"2025-06-31T10:33:00Z\"",
		"\"2025-13-01T10:33:00Z\"",
		"\"2025-02-29T10:33:00Z\"",
		"\"1969-12-31T23:59:59Z\"",
		"\"2025-6-19T10:33:00Z\"",
		"\"20250619T103300Z\"",
		"\"2025-06-19T10:33:00z\"",
		"\"Thu, 19 Jun 2025 10:33:00 GMT\"",
		"\" 2025-06-19T10:33:00Z\"",
		"\"10000-06-19T10:33:00Z\"",
	};

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		try_value(d, object, key, path, odd[i], false);
	try_value(d, object, key, path, "\"2024-02-29T10:33:00Z\"", true);
	try_value(d, object, key, path, "\"9999-12-31T23:59:59Z\"", true);
}

static void try_numbers(struct document *d, json_t *object, const char *key, const char *path)
{
	static const struct {
		const char *end;
		const char *max, *over;
	} limits[] = {
		{ ".svn", "255", "256" },
		{ ".pcesvn", "65535", "65536" },
		{ ".isvsvn", "65535", "65536" },
		{ ".isvprodid", "65535", "65536" },
		{ ".tcbEvaluationDataNumber", "4294967295", "4294967296" },
		{ ".tcbType", "0", "1" },
		{ "svn", "255", "256" }, /* sgxtcbcomp01svn */
	};

	try_value(d, object, key, path, "-1", false);
	try_value(d, object, key, path, "1.0", false);
	try_value(d, object, key, path, "1e0", false);
	try_value(d, object, key, path, "9223372036854775807", false);
	if (ends_with(path, ".version"))
		return;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (!ends_with(path, limits[i].end))
			continue;
		try_value(d, object, key, path, limits[i].max, true);
		try_value(d, object, key, path, limits[i].over, false);
		return;
	}
	fail_msg("%s: %s: a number without known limits", d->name, path);
}

static void try_absent(struct document *d, json_t *object, const char *key, const char *path)
{
	json_t *kept = json_incref(json_object_get(object, key));
	char other[PATH_MAX_LEN];

	json_object_del(object, key);
	expect(d, path, "absent", is_optional(path));
	/* another name that begins alike, and one in the other case */
	snprintf(other, sizeof(other), "%s_", key);
	json_object_set(object, other, kept);
	expect(d, path, "renamed", is_optional(path));
	json_object_del(object, other);
	json_object_set_new(object, key, kept);
}

static void walk(struct document *d, json_t *node, const char *path);

static void try_member(struct document *d, json_t *object, const char *key, const char *path)
{
	json_t *member = json_object_get(object, key);
	const char *const *odd = odd_values(member);

	try_absent(d, object, key, path);
	for (size_t i = 0; i < ODD_VALUES; i++)
		try_value(d, object, key, path, odd[i], is_free(path));
	if (is_free(path))
		return;
	if (json_is_integer(member))
		try_numbers(d, object, key, path);
	else if (ends_with(path, "Date") || ends_with(path, ".nextUpdate"))
		try_dates(d, object, key, path);
	if (json_is_string(member))
		try_texts(d, object, key, path);
	else
		walk(d, member, path);
}

/* Elements of a list: one too many of another type, and each for itself. */
static void try_elements(struct document *d, json_t *array, const char *path)
{
	static const char *const odd[] = { "null", "7", "\"INTEL SA\"", "[]" };
	char at[PATH_MAX_LEN];

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		json_array_append_new(array, json_loads(odd[i], JSON_DECODE_ANY, NULL));
		expect(d, path, odd[i], false);
		json_array_remove(array, json_array_size(array) - 1);
	}
	for (size_t i = 0; i < json_array_size(array); i++) {
		snprintf(at, sizeof(at), "%s[%zu]", path, i);
		walk(d, json_array_get(array, i), at);
	}
	if (ends_with(path, ".advisoryIDs") || !json_array_size(array))
		return;
	/* a level, a module or a component that comes twice */
	json_array_append_new(array, json_deep_copy(json_array_get(array, 0)));
	expect(d, path, "with the first one twice", false);
	json_array_remove(array, json_array_size(array) - 1);
}

static void walk(struct document *d, json_t *node, const char *path)
{
	char at[PATH_MAX_LEN];

	if (json_is_array(node)) {
		try_elements(d, node, path);
	} else if (json_is_object(node)) {
		/* a copy of the keys: members come and go meanwhile */
		json_t *keys = json_copy(node);
		const char *key;
		json_t *value;

		json_object_foreach(keys, key, value)
		{
			(void)value;
			snprintf(at, sizeof(at), "%s.%s", path, key);
			try_member(d, node, key, at);
		}
		json_decref(keys);
	}
}

/* The first element of each longer list stays, the first two of levels. */
static void shorten(json_t *node)
{
	const char *key;
	json_t *member;

	json_object_foreach(node, key, member)
	{
		if (strcmp(key, "tcbLevels") == 0)
			while (json_array_size(member) > 2)
				json_array_remove(member, 2);
		if (json_is_object(member))
			shorten(member);
		for (size_t i = 0; i < json_array_size(member); i++)
			shorten(json_array_get(member, i));
	}
}

static void every_member(const char *path, const char *key, bool is_qe, size_t least)
{
	struct span text = vector_load(path);
	json_t *whole = json_loadb((const char *)text.p, text.n, 0, NULL);
	struct document d = { .name = path, .is_qe = is_qe };

	d.root = json_deep_copy(json_object_get(whole, key));
	shorten(d.root);
	assert_int_equal(read_tree(&d), TEE_OK);
	walk(&d, d.root, "");
	assert_int_equal(read_tree(&d), TEE_OK); /* all was put back */
	print_message("%s: %zu changes, %zu of them harmless\n", path, d.tried, d.accepted);
	assert_true(d.tried > least && d.accepted < d.tried / 3);
	json_decref(d.root);
	json_decref(whole);
	vector_free(text);
}

static void of_tcb_info_for_tdx(void **state)
{
	(void)state;
	every_member(TDX_VECTORS "collateral/tdx_90c0_202602/tcb_info.json", "tcbInfo", false,
		     1500);
}

static void of_tcb_info_for_sgx(void **state)
{
	(void)state;
	every_member(TDX_VECTORS "collateral/sgx_00a067_202506/tcb_info.json", "tcbInfo", false,
		     500);
}

static void of_tcb_info_version_2(void **state)
{
	(void)state;
	every_member(TDX_VECTORS "intel-sample-sgx/tcbInfo.json", "tcbInfo", false, 300);
}

static void of_qe_identity(void **state)
{
	(void)state;
	every_member(TDX_VECTORS "collateral/tdx_90c0_202602/qe_identity.json", "enclaveIdentity",
		     true, 150);
	every_member(TDX_VECTORS "collateral/sgx_00a067_202506/qe_identity.json",
		     "enclaveIdentity", true, 150);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_tcb_info_for_tdx),
		cmocka_unit_test(of_tcb_info_for_sgx),
		cmocka_unit_test(of_tcb_info_version_2),
		cmocka_unit_test(of_qe_identity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
