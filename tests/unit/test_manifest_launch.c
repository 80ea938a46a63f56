/* What a manifest says of its virtual machine. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifest/launch.h"

#define APP "0f00112233445566778899aabbccddeeff00111e"
#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void all_read(void **state)
{
	static const char json[] =
		"{\"trust\":\"tcb:\\n  accept: [UpToDate]\\n\",\"name\":\"x\","
		"\"key_service\":\"" APP "\",\"images\":{"
		"\"web\":\"sha256:" ID "\","
		"\"registry.example.net:5000/a/web:1.2_3\":\"sha256:" ID "\"}}";
	struct manifest_launch l;
	char error[MANIFEST_ERROR_MAX] = "";

	(void)state;
	assert_int_equal(manifest_launch_read(&l, span_str(json), error), RC_OK);
	assert_string_equal(l.trust, "tcb:\n  accept: [UpToDate]\n");
	assert_int_equal(l.key_service[0], 0x0f);
	assert_int_equal(l.key_service[MANIFEST_ID_LEN - 1], 0x1e);
	assert_true(l.lists_images);
	assert_int_equal(l.image_count, 2);
	assert_string_equal(l.images[0].name, "web:latest");
	assert_string_equal(l.images[1].name, "registry.example.net:5000/a/web:1.2_3");
	assert_int_equal(l.images[1].id.b[0], 0x01);
	assert_int_equal(l.images[1].id.b[31], 0xef);
	manifest_launch_fini(&l);
	assert_null(l.trust);
}

static void none_read(void **state)
{
	struct manifest_launch l;
	char error[MANIFEST_ERROR_MAX] = "";

	(void)state;
	assert_int_equal(manifest_launch_read(&l, span_str("{}"), error), RC_OK);
	assert_null(l.trust);
	assert_true(span_is_zero(SPAN_ARRAY(l.key_service)));
	assert_false(l.lists_images);
	manifest_launch_fini(&l);
	assert_int_equal(manifest_launch_read(&l, span_str("{\"images\":{}}"), error), RC_OK);
	assert_true(l.lists_images);
	assert_int_equal(l.image_count, 0);
	manifest_launch_fini(&l);
}

static const struct refusal {
	const char *json, *error;
} refusals[] = {
	{ "", "manifest: " },
	{ "[]", "manifest: " },
	{ "{\"trust\":1}", "trust: " },
	{ "{\"trust\":\"\"}", "trust: " },
	{ "{\"trust\":\"a\\u0000b\"}", "manifest: " },
	{ "{\"trust\":\"a\",\"trust\":\"b\"}", "manifest: " },
	{ "{\"key_service\":1}", "key_service: " },
	{ "{\"key_service\":\"\"}", "key_service: " },
	{ "{\"key_service\":\"" APP "0\"}", "key_service: " },
	{ "{\"key_service\":\"0x" APP "\"}", "key_service: " },
	{ "{\"key_service\":\"" APP "\",\"key_service\":\"" APP "\"}", "manifest: " },
	/* to the agent it would mean any */
	{ "{\"key_service\":\"0000000000000000000000000000000000000000\"}", "key_service: " },
	{ "{\"images\":[]}", "images: " },
	{ "{\"images\":{\"\":\"sha256:" ID "\"}}", ": expected an image's name" },
	{ "{\"images\":{\"a b\":\"sha256:" ID "\"}}", "a b: expected an image's name" },
	{ "{\"images\":{\"-a\":\"sha256:" ID "\"}}", "-a: expected an image's name" },
	{ "{\"images\":{\"a@sha256:1\":\"sha256:" ID "\"}}",
	  "a@sha256:1: expected an image's name" },
	{ "{\"images\":{\"a\":\"sha256:" ID "\",\"a:latest\":\"sha256:" ID "\"}}",
	  "a:latest: listed twice" },
	{ "{\"images\":{\"a\":\"" ID "\"}}", "a: expected \"sha256:\"" },
	{ "{\"images\":{\"a\":\"sha256:" ID "0\"}}", "a: expected \"sha256:\"" },
	{ "{\"images\":{\"a\":\"sha512:" ID "\"}}", "a: expected \"sha256:\"" },
	{ "{\"images\":{\"a\":1}}", "a: expected \"sha256:\"" },
};

static void each_refusal_has_its_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *r = &refusals[i];
		char error[MANIFEST_ERROR_MAX] = "";
		struct manifest_launch l = { .image_count = 7 };
		enum rc rc = manifest_launch_read(&l, span_str(r->json), error);

		if (rc != RC_MALFORMED || strncmp(error, r->error, strlen(r->error)) != 0)
			fail_msg("%s: %s, %s", r->json, rc_name(rc), error);
		assert_int_equal(l.image_count, 7);
	}
}

static void more_images_than_the_bound_refused(void **state)
{
	char json[8192], error[MANIFEST_ERROR_MAX] = "";
	struct manifest_launch l;

	(void)state;
	for (int count = MANIFEST_IMAGES_MAX; count <= MANIFEST_IMAGES_MAX + 1; count++) {
		int n = snprintf(json, sizeof(json), "{\"images\":{");

		for (int i = 0; i < count; i++)
			n += snprintf(json + n, sizeof(json) - (size_t)n,
				      "%s\"i%d\":\"sha256:" ID "\"",
				      i ? "," : "", i);
		snprintf(json + n, sizeof(json) - (size_t)n, "}}");
		if (count > MANIFEST_IMAGES_MAX) {
			assert_int_equal(manifest_launch_read(&l, span_str(json), error),
					 RC_MALFORMED);
			continue;
		}
		assert_int_equal(manifest_launch_read(&l, span_str(json), error), RC_OK);
		assert_int_equal(l.image_count, count);
		manifest_launch_fini(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_read),
		cmocka_unit_test(none_read),
		cmocka_unit_test(each_refusal_has_its_reason),
		cmocka_unit_test(more_images_than_the_bound_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
