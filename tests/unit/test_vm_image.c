/* image: what an image's manifest must say, and that its paths stay below it. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "vm/image.h"

enum {
	ARENA_MAX = 256 * 1024,
	TEXT_MAX = 4096,
};

#define FILE_OF(path) "{\"path\":\"" path "\",\"sha256\":\"00\",\"bytes\":7}"
#define QEMU \
	",\"qemu\":{\"program\":\"qemu/bin/q\",\"firmware_folders\":[\"qemu/share\"," \
	"\"qemu/bios\"]}"
#define FORMAT "\"format\":\"postern-image/1\""
#define NAME ",\"name\":\"postern-0.1.0-ab-simulated\""
#define SIMULATED ",\"simulated\":true"
#define FILES(kernel) \
	",\"files\":{\"kernel\":" kernel ",\"initrd\":" FILE_OF("initrd") ",\"root\":" FILE_OF( \
		"root.img") ",\"firmware\":" FILE_OF("firmware.fd") "}"
#define CMDLINE ",\"cmdline\":\"console=ttyS0 postern.root=ab\""
#define MEMORY ",\"memory_min_mib\":768"
#define WHOLE \
	"{" FORMAT NAME SIMULATED FILES(FILE_OF("vmlinuz")) CMDLINE MEMORY QEMU \
		",\"packages\":[{\"name\":\"x\"}]}"

static enum rc read_text(struct image *out, struct arena *arena, const char *text, char *error)
{
	arena_init(arena, ARENA_MAX);
	return image_read(out, arena, "/images/a", span_str(text), error);
}

static void whole_manifest_read(void **state)
{
	AUTO(arena_fini)
	struct arena arena;
	char error[VM_ERROR_MAX] = "";
	struct image i;

	(void)state;
	assert_int_equal(read_text(&i, &arena, WHOLE, error), RC_OK);
	assert_string_equal(i.folder, "/images/a");
	assert_string_equal(i.name, "postern-0.1.0-ab-simulated");
	assert_true(i.is_simulated);
	assert_string_equal(i.kernel.path, "/images/a/vmlinuz");
	assert_int_equal(i.kernel.bytes, 7);
	assert_string_equal(i.initrd.path, "/images/a/initrd");
	assert_string_equal(i.root.path, "/images/a/root.img");
	assert_string_equal(i.firmware.path, "/images/a/firmware.fd");
	assert_string_equal(i.cmdline, "console=ttyS0 postern.root=ab");
	assert_int_equal(i.memory_min_mib, 768);
	assert_string_equal(i.qemu, "/images/a/qemu/bin/q");
	assert_string_equal(i.firmware_folders[1], "/images/a/qemu/bios");
	assert_null(i.firmware_folders[2]);
}

static void manifest_without_qemu_read(void **state)
{
	AUTO(arena_fini)
	struct arena arena;
	char error[VM_ERROR_MAX] = "";
	struct image i;

	(void)state;
	assert_int_equal(read_text(&i, &arena,
				   "{" FORMAT NAME ",\"simulated\":false" FILES(FILE_OF("k"))
					   CMDLINE MEMORY "}",
				   error),
			 RC_OK);
	assert_false(i.is_simulated);
	assert_null(i.qemu);
	assert_null(i.firmware_folders[0]);
}

static void mistakes_are_named(void **state)
{
	static const struct {
		const char *name, *text, *want;
		enum rc rc;
	} rows[] = {
		{ "no_json", "{", "no JSON object", RC_MALFORMED },
		{ "a_list", "[]", "no JSON object", RC_MALFORMED },
		{ "another_format", "{\"format\":\"postern-image/2\"}", "postern-image/1",
		  RC_UNSUPPORTED },
		{ "no_format", "{\"name\":\"x\"}", "postern-image/1", RC_UNSUPPORTED },
		{ "no_name", "{" FORMAT SIMULATED FILES(FILE_OF("k")) CMDLINE MEMORY "}", "name",
		  RC_MALFORMED },
		{ "name_with_blank",
		  "{" FORMAT ",\"name\":\"a b\"" SIMULATED FILES(FILE_OF("k")) CMDLINE MEMORY "}",
		  "name", RC_MALFORMED },
		{ "simulated_not_said", "{" FORMAT NAME FILES(FILE_OF("k")) CMDLINE MEMORY "}",
		  "simulated", RC_MALFORMED },
		{ "simulated_is_text",
		  "{" FORMAT NAME ",\"simulated\":\"no\"" FILES(FILE_OF("k")) CMDLINE MEMORY "}",
		  "simulated", RC_MALFORMED },
		{ "no_files", "{" FORMAT NAME SIMULATED CMDLINE MEMORY "}", "files",
		  RC_MALFORMED },
		{ "kernel_is_text",
		  "{" FORMAT NAME SIMULATED FILES("\"vmlinuz\"") CMDLINE MEMORY "}", "kernel",
		  RC_MALFORMED },
		{ "kernel_without_size",
		  "{" FORMAT NAME SIMULATED FILES("{\"path\":\"k\"}") CMDLINE MEMORY "}", "bytes",
		  RC_MALFORMED },
		{ "kernel_absolute",
		  "{" FORMAT NAME SIMULATED FILES(FILE_OF("/boot/k")) CMDLINE MEMORY "}",
		  "kernel: expected a path below", RC_MALFORMED },
		{ "kernel_outside",
		  "{" FORMAT NAME SIMULATED FILES(FILE_OF("a/../../k")) CMDLINE MEMORY "}",
		  "kernel: expected a path below", RC_MALFORMED },
		{ "kernel_empty_part",
		  "{" FORMAT NAME SIMULATED FILES(FILE_OF("a//k")) CMDLINE MEMORY "}",
		  "kernel: expected a path below", RC_MALFORMED },
		{ "kernel_line",
		  "{" FORMAT NAME SIMULATED FILES(FILE_OF("a\\nk")) CMDLINE MEMORY "}",
		  "kernel: expected a path below", RC_MALFORMED },
		{ "no_cmdline", "{" FORMAT NAME SIMULATED FILES(FILE_OF("k")) MEMORY "}",
		  "cmdline", RC_MALFORMED },
		{ "no_memory", "{" FORMAT NAME SIMULATED FILES(FILE_OF("k")) CMDLINE "}",
		  "memory_min_mib", RC_MALFORMED },
		{ "qemu_is_text",
		  "{" FORMAT NAME SIMULATED FILES(FILE_OF("k")) CMDLINE MEMORY
		  ",\"qemu\":\"qemu\"}",
		  "qemu", RC_MALFORMED },
		{ "qemu_outside",
		  "{" FORMAT NAME SIMULATED FILES(FILE_OF("k")) CMDLINE MEMORY
		  ",\"qemu\":{\"program\":\"../qemu\",\"firmware_folders\":[]}}",
		  "program", RC_MALFORMED },
		{ "four_folders",
		  "{" FORMAT NAME SIMULATED FILES(FILE_OF("k")) CMDLINE MEMORY
		  ",\"qemu\":{\"program\":\"q\",\"firmware_folders\":[\"a\",\"b\",\"c\",\"d\"]}}",
		  "firmware_folders", RC_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(arena_fini)
		struct arena arena;
		char error[VM_ERROR_MAX] = "";
		struct image image = { .memory_min_mib = 77 };

		if (read_text(&image, &arena, rows[i].text, error) != rows[i].rc ||
		    !strstr(error, rows[i].want) || image.memory_min_mib != 77)
			fail_msg("%s: \"%s\"", rows[i].name, error);
	}
}

static void every_prefix_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n < strlen(WHOLE); n++) {
		AUTO(arena_fini)
		struct arena arena;
		AUTO(mem_auto_free)
		char *own = mem_dup_n(WHOLE, n);
		char error[VM_ERROR_MAX];
		struct image image = { .memory_min_mib = 77 };

		arena_init(&arena, ARENA_MAX);
		assert_int_equal(image_read(&image, &arena, "/i", span_of(own, n), error),
				 RC_MALFORMED);
		assert_int_equal(image.memory_min_mib, 77);
	}
}

static void small_arena_is_refused(void **state)
{
	(void)state;
	for (size_t max = 0; max < 4000; max += 50) {
		AUTO(arena_fini)
		struct arena arena;
		char error[VM_ERROR_MAX];
		struct image image = { .memory_min_mib = 77 };
		enum rc rc;

		arena_init(&arena, max);
		rc = image_read(&image, &arena, "/i", span_str(WHOLE), error);
		assert_true(rc == RC_OK || image.memory_min_mib == 77);
		assert_true(rc == RC_OK || rc == RC_LIMIT || rc == RC_MALFORMED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_manifest_read),
		cmocka_unit_test(manifest_without_qemu_read),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(every_prefix_refused),
		cmocka_unit_test(small_arena_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
