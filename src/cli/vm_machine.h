/*
 * vm_machine: the spec of a machine as its folder describes it: settings, the
 * image's manifest, the files that are there.
 */
#ifndef POSTERN_CLI_VM_MACHINE_H
#define POSTERN_CLI_VM_MACHINE_H

#include "vm/folder.h"
#include "vm/image.h"

enum {
	VM_MACHINE_ARENA_MAX = 8 * 1024 * 1024,
};

struct vm_machine {
	struct vm_settings settings;
	struct image image;
	struct vm_spec spec; /* but for tap_fd */
};

/*
 * The image in 'folder', which is made absolute.  RC_SYS: it cannot be read;
 * else as image_read().  RC_STALE: one of its files has another size than its
 * manifest says.  error is a line.
 */
enum rc vm_image_open(struct image *out, struct arena *arena,
		      const char *folder, char error[VM_ERROR_MAX]);

/*
 * Everything of an existing machine, checked.  RC_DENIED: an image that is
 * SIMULATED on a TDX machine, or the other way round.
 */
enum rc vm_machine_read(struct vm_machine *out, struct arena *arena,
			const char *name, char error[VM_ERROR_MAX]);

#endif
