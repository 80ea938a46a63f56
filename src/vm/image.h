/*
 * image: the manifest of a guest image, image.json of docs/IMAGE.md: which
 * files a machine boots from, with which kernel command line, and what runs it.
 *
 * Pure: text in, paths out.  The files are not looked at.  Nothing here makes
 * the guest trusted: that is for its measurements to say.
 */
#ifndef POSTERN_VM_IMAGE_H
#define POSTERN_VM_IMAGE_H

#include "base/arena.h"
#include "vm/spec.h"

enum {
	IMAGE_JSON_MAX = 1024 * 1024,
	IMAGE_NAME_MAX = 63,
};

struct image_file {
	const char *path; /* absolute */
	uint64_t bytes; /* that it should have */
};

struct image {
	const char *folder; /* absolute */
	const char *name; /* as policies call it; [A-Za-z0-9._-] */
	bool is_simulated;
	struct image_file kernel, initrd, root, firmware;
	const char *cmdline;
	uint64_t memory_min_mib;
	const char *qemu; /* absolute; NULL: none came with it */
	const char *firmware_folders[VM_FIRMWARE_FOLDERS_MAX + 1];
};

/*
 * 'folder' is where image.json stands.  Texts live in the arena.
 *
 * RC_UNSUPPORTED  another format than postern-image/1
 * RC_MALFORMED    a member is missing, or not of its form: error says which; a
 *                 path is absolute or leaves the folder
 * RC_LIMIT        the arena has no room
 * On failure *out is untouched.
 */
enum rc image_read(struct image *out, struct arena *arena, const char *folder,
		   struct span json, char error[VM_ERROR_MAX]);

#endif
