/*
 * archive: which images an archive of `docker save` holds, and their ids.
 *
 * An image's id is the SHA-256 of its configuration: that is computed here from
 * the archive's bytes, not believed from a file name.
 *
 * Source: moby image/spec v1.2 ("Combined Image JSON + Filesystem Changeset
 * Format"); POSIX ustar.
 */
#ifndef POSTERN_CLI_ARCHIVE_H
#define POSTERN_CLI_ARCHIVE_H

#include "compose/app.h"

enum {
	ARCHIVE_ERROR_MAX = 512,
	ARCHIVE_IMAGES_MAX = COMPOSE_SERVICES_MAX,
};

struct archive {
	struct app_image images[ARCHIVE_IMAGES_MAX]; /* one a tag */
	size_t count;
};

/*
 * RC_SYS        it cannot be read
 * RC_MALFORMED  no tar, or no such archive
 * RC_LIMIT      more tags than fit
 * error is a line; *out is untouched then.
 */
enum rc archive_read(struct archive *out, const char *path,
		     char error[ARCHIVE_ERROR_MAX]);

/* The image of that name, with its tag; NULL: it is not there. */
const struct app_image *archive_find(const struct archive *a,
				     const char *name);

#endif
