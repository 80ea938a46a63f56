/*
 * launch: what a manifest says of the virtual machine that runs it: whom it
 * trusts, whose key service it believes, and which container images it takes
 * from its host.
 *
 *   {
 *     "trust": "tcb: ...\nimages: ...",
 *     "key_service": "0f1e2d...",
 *     "images": { "hello:1.2": "sha256:9f86d0...", ... }
 *   }
 *
 * "trust" is the text of a policy (postern-policy(5)): which gateways and key
 * services the machine accepts.  It stands in the manifest because that is
 * measured; the host's word would not do.
 *
 * "key_service" is the app id of the only key service that is believed.  Its
 * administrators stand in its manifest, hence in that id: genuine code of the
 * service under a stranger's manifest obeys the stranger.
 *
 * "images" lists images by the names that the compose file uses, with the id
 * that `docker image inspect` shows: the SHA-256 of the image's configuration,
 * which names every layer by its hash.  A list that is there is the whole list.
 *
 * Pure.
 */
#ifndef POSTERN_MANIFEST_LAUNCH_H
#define POSTERN_MANIFEST_LAUNCH_H

#include "manifest/manifest.h"

enum {
	MANIFEST_IMAGES_MAX = 32,
	MANIFEST_IMAGE_NAME_MAX = 255,
};

struct manifest_image {
	/* "[host/]path[:tag]", with ":latest" where no tag was given */
	char name[MANIFEST_IMAGE_NAME_MAX + 1];
	struct sha256 id;
};

/* Zeroed: says nothing. */
struct manifest_launch {
	char *trust; /* owned; NULL: none */
	uint8_t key_service[MANIFEST_ID_LEN]; /* zero: none */
	bool lists_images; /* "images" is there */
	struct manifest_image *images; /* owned */
	size_t image_count;
};

/*
 * Reads these of a manifest's keys; what manifest_read() checks is not
 * checked again.  RC_MALFORMED: error names the key and what is expected; *out
 * is untouched.  Returns owned content: manifest_launch_fini().
 */
enum rc manifest_launch_read(struct manifest_launch *out, struct span json,
			     char error[MANIFEST_ERROR_MAX]);
void manifest_launch_fini(struct manifest_launch *l);

#endif
