/* guest_read: the part of manifest.c that reads guest.h's keys. */
#ifndef POSTERN_MANIFEST_GUEST_READ_H
#define POSTERN_MANIFEST_GUEST_READ_H

#include <jansson.h>

#include "manifest/guest.h"

/* Why and where a manifest is refused. */
struct guest_fault {
	char key[160]; /* "guest.containers.web[2]" */
	const char *expected; /* static */
};

/*
 * Reads "guest" and "allowed_envs" of the manifest's object.  RC_OK: *out is
 * owned, free(); NULL when neither is there.  RC_MALFORMED: *fault says why.
 */
enum rc guest_read(struct manifest_guest **out, const json_t *root,
		   struct guest_fault *fault);

#endif
