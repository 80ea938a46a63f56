/* storage: which disk is meant.  The rest of it needs a kernel with device-mapper and is in
 * tests/e2e/test_vm_disk.py. */
#include "folder.h"

#include <sys/stat.h>

#include "agent/storage.h"
#include "base/mem.h"
#include "io/file.h"

static void add_disk(const struct folder *f, const char *name, const char *serial)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", f->path, name);
	assert_int_equal(mkdir(path, 0755), 0);
	if (!serial)
		return;
	snprintf(path, sizeof(path), "%s/%s/serial", f->path, name);
	assert_int_equal(file_replace(path, span_str(serial), 0644), RC_OK);
}

static void disks_are_found_by_serial_or_path(void **state)
{
	static const struct {
		const char *name, *device, *want; /* NULL: not found */
	} table[] = {
		{ "serial", "data", "/dev/vdb" },
		{ "serial_of_another", "root", "/dev/vda" },
		{ "serial_unknown", "dat", NULL },
		{ "serial_longer", "data2", NULL },
		{ "serial_empty_is_none", "loop", NULL },
		{ "path", "/dev/null", "/dev/null" },
		{ "path_of_nothing", "/dev/no-such-disk", NULL },
	};
	struct folder f;

	(void)state;
	folder_make(&f);
	add_disk(&f, "loop0", NULL);
	add_disk(&f, "vda", "root");
	add_disk(&f, "vdb", "data");
	add_disk(&f, "vdc", "");
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		char out[STORAGE_PATH_MAX] = "";
		bool is_found = storage_find(out, table[i].device, f.path);

		if (is_found != (table[i].want != NULL) ||
		    (is_found && strcmp(out, table[i].want) != 0))
			fail_msg("%s: %s", table[i].name, is_found ? out : "not found");
	}
	folder_remove(&f);
}

static void without_a_disk_there_is_nothing_to_do(void **state)
{
	const struct config c = { .storage = { .mount = "/var/lib", .ready = "/no/such/file" } };
	const struct log log = { .fd = 2, .program = "unit" };
	struct storage s = { .is_there = true };
	char error[NODE_ERROR_MAX] = "";

	(void)state;
	assert_int_equal(storage_open(&s, &c, &log, error), RC_OK);
	assert_false(s.is_there);
	assert_int_equal(storage_close(&c, error), RC_OK);
}

/* What is refused is told to who waits. */
static void a_failure_is_written_down(void **state)
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	const struct log log = { .fd = 2, .program = "unit" };
	struct config c = { .manifest = "/no/such/manifest" };
	struct folder f;
	struct storage s;
	char ready[128], error[NODE_ERROR_MAX] = "";

	(void)state;
	folder_make(&f);
	c.storage.device = "/dev/null";
	c.storage.mount = "/nowhere";
	c.storage.ready = folder_file(ready, &f, "ready");
	assert_int_equal(storage_open(&s, &c, &log, error), RC_SYS);
	buf_init(&text, 4096);
	assert_int_equal(file_read(&text, ready), RC_OK);
	assert_true(span_has_prefix(buf_span(&text),
				    span_str("{\"state\":\"refused\",\"reason\":\"failed\","
					     "\"why\":\"manifest /no/such/manifest")));
	folder_remove(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(disks_are_found_by_serial_or_path),
		cmocka_unit_test(without_a_disk_there_is_nothing_to_do),
		cmocka_unit_test(a_failure_is_written_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
