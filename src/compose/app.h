/*
 * app: the manifest of an app, made of its Compose file and of what else must
 * be measured with it.
 *
 * The same inputs give the same bytes, hence the same app id.  Keys are those
 * of manifest/manifest.h, and those of manifest/launch.h, which belong to a CVM
 * that is a machine:
 *
 *   "images": { "hello:latest": "sha256:..." }
 *   "trust": "tcb: ..."       a policy: whom the app accepts as its gateway
 *   "key_service": "0f1e..."  the only key service that it believes
 *   "continues": "9f86..."    the app that it is an update of
 *
 * Pure.
 */
#ifndef POSTERN_COMPOSE_APP_H
#define POSTERN_COMPOSE_APP_H

#include "base/buf.h"
#include "compose/compose.h"

enum {
	APP_IMAGE_MAX = 255 + sizeof(":latest"), /* with a NUL */
};

/* A container image with a tag in its name, and its id: the SHA-256 of its
 * configuration, which holds those of its layers (OCI image-spec). */
struct app_image {
	char name[APP_IMAGE_MAX];
	char digest[sizeof("sha256:") + 64];
};

struct app {
	const char *name; /* a label: a-z, 0-9 and '-' */
	struct span compose; /* the file's exact bytes */
	const struct compose *read; /* what compose_read() found in them */
	const struct app_image *images; /* each name once */
	size_t image_count; /* 0: the manifest says nothing of images */
	const char *trust; /* text of a policy; NULL: none */
	const char *key_service; /* its app id in hex; NULL: none */
	const char *continues; /* an app id in hex; NULL: it founds its own */
};

/*
 * Appends the manifest's bytes, which manifest_read() accepts.
 *
 * RC_MALFORMED  it does not accept them: error says why
 * RC_LIMIT      larger than MANIFEST_MAX, or than out's room
 */
enum rc app_manifest(struct buf *out, const struct app *app,
		     char error[MANIFEST_ERROR_MAX]);

/* "hello" to "hello:latest", as an engine names what it loads.  False: too long
 * for one. */
bool app_image_name(char out[APP_IMAGE_MAX], const char *reference);

/*
 * A label made of any name: lower case, what is no letter or digit a '-', cut
 * at 15.  "app" where nothing is left.
 */
void app_label(char out[16], const char *name);

#endif
