/*
 * app: the manifest of an app, made of its Compose file and of what else must
 * be measured with it.
 *
 * The same inputs give the same bytes, hence the same app id.  Keys are those
 * of manifest/manifest.h, and two more that belong to a CVM that is a machine:
 *
 *   "images": [ {"name": "hello", "digest": "sha256:..."} ]
 *   "trust": "tcb: ..."       a policy: whom the app accepts as its gateway
 *
 * Pure.
 */
#ifndef POSTERN_COMPOSE_APP_H
#define POSTERN_COMPOSE_APP_H

#include "base/buf.h"
#include "compose/compose.h"

/* A container image as the compose file names it, and its id: the SHA-256 of
 * its configuration, which holds those of its layers (OCI image-spec). */
struct app_image {
	const char *name;
	char digest[sizeof("sha256:") + 64];
};

struct app {
	const char *name; /* a label: a-z, 0-9 and '-' */
	struct span compose; /* the file's exact bytes */
	const struct compose *read; /* what compose_read() found in them */
	const struct app_image *images;
	size_t image_count;
	const char *trust; /* text of a policy; NULL: none */
};

/*
 * Appends the manifest's bytes, which manifest_read() accepts.
 *
 * RC_MALFORMED  it does not accept them: error says why
 * RC_LIMIT      larger than MANIFEST_MAX, or than out's room
 */
enum rc app_manifest(struct buf *out, const struct app *app,
		     char error[MANIFEST_ERROR_MAX]);

/*
 * A label made of any name: lower case, what is no letter or digit a '-', cut
 * at 15.  "app" where nothing is left.
 */
void app_label(char out[16], const char *name);

#endif
