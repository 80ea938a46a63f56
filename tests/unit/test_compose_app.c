/* app: the manifest's bytes, which are the app's identity. */
#include "unit.h"

#include <string.h>

#include "base/mem.h"
#include "compose/app.h"

#define ID "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c"

static const char file[] = "services:\n  a:\n    image: x\n    ports: [\"80:80\", \"443:443\"]\n";

static enum rc make(struct buf *out, const char *text, struct app *app, char *error)
{
	static struct compose read;
	AUTO(arena_fini)
	struct arena arena;
	char ignored[COMPOSE_ERROR_MAX];

	arena_init(&arena, COMPOSE_ARENA_MAX);
	assert_int_equal(compose_read(&read, &arena, "c", span_str(text), ignored), RC_OK);
	app->compose = span_str(text);
	app->read = &read;
	buf_init(out, MANIFEST_MAX);
	return app_manifest(out, app, error);
}

static void bytes_are_exact(void **state)
{
	static const char want[] =
		"{\"manifest_version\":2,\"name\":\"shop\",\"runner\":\"docker-compose\","
		"\"docker_compose_file\":\"services:\\u000a  a:\\u000a    image: x\\u000a"
		"    ports: [\\\"80:80\\\", \\\"443:443\\\"]\\u000a\","
		"\"ports\":[{\"port\":80,\"protocol\":"
		"\"http\"},{\"port\":443,\"protocol\":\"tls\"}],\"egress\":false,\"images\":"
		"{\"x:latest\":\"sha256:ab\"},\"trust\":\"images: []\","
		"\"key_service\":\"" ID "\"}\n";
	struct app_image image = { "x:latest", "sha256:ab" };
	struct app app = { .name = "shop",
			   .images = &image,
			   .image_count = 1,
			   .trust = "images: []",
			   .key_service = ID };
	char error[MANIFEST_ERROR_MAX] = "";
	AUTO(buf_fini)
	struct buf text = { 0 };
	AUTO(buf_fini)
	struct buf again = { 0 };
	struct manifest m;

	(void)state;
	assert_int_equal(make(&text, file, &app, error), RC_OK);
	assert_true(span_equal_str(buf_span(&text), want));
	assert_int_equal(make(&again, file, &app, error), RC_OK);
	assert_true(span_equal(buf_span(&text), buf_span(&again)));
	assert_int_equal(manifest_read(&m, buf_span(&text), error), RC_OK);
	assert_string_equal(m.compose, file);
	assert_int_equal(m.port_count, 2);
	manifest_fini(&m);
}

static void bare_app_says_nothing_more(void **state)
{
	struct app app = { .name = "a" };
	char error[MANIFEST_ERROR_MAX] = "";
	AUTO(buf_fini)
	struct buf text = { 0 };

	(void)state;
	assert_int_equal(make(&text,
			      "services: { a: { image: x } }\nx-postern: { domains: [], egress: "
			      "true }\n",
			      &app, error),
			 RC_OK);
	assert_null(memmem(buf_span(&text).p, text.n, "\"images\"", 8));
	assert_null(memmem(buf_span(&text).p, text.n, "\"trust\"", 7));
	assert_non_null(memmem(buf_span(&text).p, text.n, "\"domains\":[]", 12));
	assert_non_null(memmem(buf_span(&text).p, text.n, "\"egress\":true", 13));
}

static void refused_by_the_manifests_reader(void **state)
{
	struct app app = { .name = "Not A Label" };
	char error[MANIFEST_ERROR_MAX] = "";
	AUTO(buf_fini)
	struct buf text = { 0 };
	AUTO(buf_fini)
	struct buf other = { 0 };

	(void)state;
	assert_int_equal(make(&text, file, &app, error), RC_MALFORMED);
	assert_non_null(strstr(error, "name"));
	assert_int_equal(text.n, 0);
	app.name = "a";
	assert_int_equal(make(&other,
			      "services: { a: { image: x } }\nx-postern: { domains: [\"a b\"] }\n",
			      &app, error),
			 RC_MALFORMED);
	assert_non_null(strstr(error, "domains"));
}

static void large_app_is_limit(void **state)
{
	AUTO(mem_auto_free)
	char *text = mem_new(COMPOSE_MAX);
	struct app app = { .name = "a" };
	char error[MANIFEST_ERROR_MAX] = "";
	AUTO(buf_fini)
	struct buf out = { 0 };

	(void)state;
	/* Each line end takes six bytes in a manifest. */
	strcpy(text, "services: { a: { image: x } }\n");
	memset(text + strlen(text), '\n', COMPOSE_MAX - strlen(text) - 1);
	assert_int_equal(make(&out, text, &app, error), RC_LIMIT);
	assert_int_equal(out.n, 0);
}

static void names_made(void **state)
{
	static const struct {
		const char *from, *label;
	} labels[] = {
		{ "hello", "hello" },
		{ "My App", "my-app" },
		{ "--x--", "x" },
		{ "", "app" },
		{ "___", "app" },
		{ "abcdefghijklmnopqrstuvwxyz", "abcdefghijklmno" },
		{ "12345678901234_x", "12345678901234" },
		{ "\xc3\xa9t\xc3\xa9", "t" },
	};
	static const struct {
		const char *from, *name;
	} images[] = {
		{ "hello", "hello:latest" },
		{ "hello:1", "hello:1" },
		{ "r.example:5000/a/b", "r.example:5000/a/b:latest" },
		{ "r.example:5000/a/b:2", "r.example:5000/a/b:2" },
	};
	char out[APP_IMAGE_MAX], label[16];

	(void)state;
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		app_label(label, labels[i].from);
		assert_string_equal(label, labels[i].label);
	}
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		assert_true(app_image_name(out, images[i].from));
		assert_string_equal(out, images[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_exact),
		cmocka_unit_test(bare_app_says_nothing_more),
		cmocka_unit_test(refused_by_the_manifests_reader),
		cmocka_unit_test(large_app_is_limit),
		cmocka_unit_test(names_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
