/* vm_cloud: what a guest is told of its place, and the row that a policy gets. */
#include "folder.h"

#include "base/mem.h"
#include "cli/fmt.h"
#include "cli/vm_cloud.h"

static void configs_written(void **state)
{
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
		cmocka_unit_test(no_cloud_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
