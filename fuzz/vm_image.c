/*
 * An image that is read has paths below its folder, a name that policies take
 * and no more firmware folders than fit.
 */
#include <assert.h>
#include <string.h>

#include "vm/image.h"

static void check_path(const char *path)
{
	assert(strncmp(path, "/folder/", 8) == 0 && path[8]);
	assert(!strstr(path, "/../") && !strstr(path, "//"));
	assert(strcmp(path + strlen(path) - 2, "..") != 0 || path[strlen(path) - 3] != '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = { .max = 256 * 1024 };
	char error[VM_ERROR_MAX] = "";
	struct image i = { .memory_min_mib = 77 };
	enum rc rc = image_read(&i, &arena, "/folder", span_of(data, size), error);

	assert(arena.used <= arena.max);
	if (rc) {
		assert(error[0] && memchr(error, 0, sizeof(error)));
		assert(i.memory_min_mib == 77 && !i.name);
	} else {
		size_t folders = 0;

		check_path(i.kernel.path);
		check_path(i.initrd.path);
		check_path(i.root.path);
		check_path(i.firmware.path);
		if (i.qemu)
			check_path(i.qemu);
		for (; i.firmware_folders[folders]; folders++)
			check_path(i.firmware_folders[folders]);
		assert(folders <= VM_FIRMWARE_FOLDERS_MAX);
		assert(strlen(i.name) >= 1 && strlen(i.name) <= IMAGE_NAME_MAX);
	}
	arena_fini(&arena);
	return 0;
}
