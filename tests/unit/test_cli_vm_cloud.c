/* vm_cloud: what a guest is told of its place, and the row that a policy gets. */
#include "folder.h"

#include "base/mem.h"
#include "cli/fmt.h"
#include "cli/vm_cloud.h"

#define ID "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c"

static void configs_written(void **state)
{
	static const char *const nodes[] = { "192.0.2.2:8446", "192.0.2.3:8446" };
	static const struct {
		struct vm_config config;
		const char *want;
	} rows[] = {
		{ { .node = "a", .gateway_address = "192.0.2.1:443", .gateway_name = "gateway.x" },
		  "{\"node\":\"a\",\"gateway\":{\"address\":\"192.0.2.1:443\","
		  "\"name\":\"gateway.x\"}}" },
		{ { .node = "a",
		    .gateway_address = "192.0.2.1:443",
		    .gateway_name = "gateway.x",
		    .address = "10.0.2.15/24",
		    .route = "10.0.2.2",
		    .collateral_url = "https://c",
		    .root = "P\"EM\n" },
		  "{\"node\":\"a\",\"gateway\":{\"address\":\"192.0.2.1:443\","
		  "\"name\":\"gateway.x\"},"
		  "\"net\":{\"address\":\"10.0.2.15/24\",\"route\":\"10.0.2.2\"},"
		  "\"collateral\":{\"url\":\"https://c\"},\"simulated_root\":\"P\\\"EM\\u000a\"}" },
		{ { .node = "a",
		    .gateway_address = "g:1",
		    .gateway_name = "g",
		    .kms = nodes,
		    .kms_count = 2,
		    .address = "10.0.0.1/24" },
		  "{\"node\":\"a\",\"gateway\":{\"address\":\"g:1\",\"name\":\"g\"},"
		  "\"kms\":[\"192.0.2.2:8446\",\"192.0.2.3:8446\"],"
		  "\"net\":{\"address\":\"10.0.0.1/24\"}}" },
		{ { .node = "a",
		    .gateway_address = "g:1",
		    .gateway_name = "g",
		    .address = "10.0.0.1/24",
		    .route = "",
		    .collateral_url = "" },
		  "{\"node\":\"a\",\"gateway\":{\"address\":\"g:1\",\"name\":\"g\"},"
		  "\"net\":{\"address\":\"10.0.0.1/24\"}}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(buf_fini)
		struct buf out = { 0 };
		AUTO(buf_fini)
		struct buf small = { 0 };

		buf_init(&out, 4096);
		buf_init(&small, 16);
		assert_true(vm_config_write(&out, &rows[i].config));
		assert_true(span_equal_str(buf_span(&out), rows[i].want));
		assert_false(vm_config_write(&small, &rows[i].config));
	}
}

static void rows_taken(void **state)
{
	static const char row[] = "  - name: \"x\"\n    mr_td: ab\n";
	AUTO(arena_fini)
	struct arena arena;
	char error[VM_CLOUD_ERROR_MAX] = "", path[128];
	struct image image = { 0 };
	struct folder f;

	(void)state;
	arena_init(&arena, 1024 * 1024);
	folder_make(&f);
	image.folder = f.path;
	assert_null(vm_cloud_image_row(&arena, &image, error));
	assert_non_null(strstr(error, "/policy.yaml: No such file"));
	assert_int_equal(fmt_file(folder_file(path, &f, "policy.yaml"), 0644, "nothing\n"), RC_OK);
	assert_null(vm_cloud_image_row(&arena, &image, error));
	assert_int_equal(fmt_file(path, 0644,
				  fmt(&arena, "# layout ovmf\n# a note\nimages:\n%s", row)),
			 RC_OK);
	assert_string_equal(vm_cloud_image_row(&arena, &image, error), row);
	folder_remove(&f);
}

static void services_that_a_manifest_names_heeded(void **state)
{
	static const struct {
		const char *name, *manifest;
		size_t count; /* of nodes that are left */
		enum rc want;
	} rows[] = {
		{ "none_named", "{}", 0, RC_OK },
		{ "ours", "{\"key_service\":\"" ID "\"}", 2, RC_OK },
		{ "anothers", "{\"key_service\":\"ff\"}", 2, RC_DENIED },
		{ "no_json", "{", 2, RC_SYS },
	};
	char path[128];
	struct folder f;

	(void)state;
	folder_make(&f);
	folder_file(path, &f, "manifest.json");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vm_cloud c = { .name = "c", .keys.count = 2, .key_service = ID };
		struct vm_cloud without = { .name = "c" };
		char error[VM_CLOUD_ERROR_MAX] = "";

		assert_int_equal(fmt_file(path, 0644, rows[i].manifest), RC_OK);
		if (vm_cloud_heed(&c, path, error) != rows[i].want ||
		    c.keys.count != rows[i].count || !error[0] != !rows[i].want)
			fail_msg("%s: %s", rows[i].name, error);
		if (rows[i].want != RC_SYS)
			assert_int_equal(vm_cloud_heed(&without, path, error), RC_OK);
	}
	folder_remove(&f);
}

/* Of a cloud without a key service nobody is told. */
static void no_service_is_not_told(void **state)
{
	const struct vm_cloud cloud = { .name = "c" };
	const struct image image = { 0 };
	char error[VM_CLOUD_ERROR_MAX] = "";
	bool told = true;

	(void)state;
	assert_int_equal(vm_cloud_list_app(&told, &cloud, &image, "/nonexistent", error), RC_OK);
	assert_false(told);
}

static void no_cloud_is_said(void **state)
{
	AUTO(arena_fini)
	struct arena arena;
	char error[VM_CLOUD_ERROR_MAX] = "";
	struct vm_cloud c = { .port = 77 };

	(void)state;
	arena_init(&arena, 1024 * 1024);
	assert_int_equal(vm_cloud_find(&c, &arena, "unit-no-cloud", error), RC_CLOSED);
	assert_non_null(strstr(error, "no cloud unit-no-cloud runs"));
	assert_int_equal(c.port, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configs_written),
		cmocka_unit_test(rows_taken),
		cmocka_unit_test(services_that_a_manifest_names_heeded),
		cmocka_unit_test(no_service_is_not_told),
		cmocka_unit_test(no_cloud_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
