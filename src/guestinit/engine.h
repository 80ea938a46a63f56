/*
 * engine: the container engine's images: loads the host's tar of them, and
 * checks that what carries a name is what the manifest lists under it.
 *
 * The engine checks each layer against the image's configuration while it loads
 * (the configuration names it by its hash), and names the image by the hash of
 * that configuration; so an id that is the manifest's is an image that is.
 * Tags that the manifest does not list are taken away.  An engine that has all
 * that the manifest lists, from an earlier start on the same encrypted disk,
 * is not given the tar again: it would only find out that it has each layer.
 *
 * Blocks; a process of its own.
 *
 * Source: Docker Engine API v1.41, /images.
 */
#ifndef POSTERN_GUESTINIT_ENGINE_H
#define POSTERN_GUESTINIT_ENGINE_H

#include "guestinit/kernel.h"
#include "manifest/launch.h"

/* Whether somebody listens on the unix socket. */
bool engine_answers(const char *path);

/*
 * Loads the disk (NULL: none) through the engine's socket, unless all that is
 * listed is there, then checks.
 *
 * RC_DENIED     an image that the manifest lists is missing or another one
 * RC_MALFORMED  the engine refuses the disk, or its answer makes no sense
 * RC_SYS        the engine or the disk failed
 * error says which and why.
 */
enum rc engine_load(const char *path, const char *disk,
		    const struct manifest_launch *launch, char *error);

/* The check alone, of what GET /images/json answers. */
enum rc engine_check(struct span json, const struct manifest_launch *launch,
		     char *error);

#endif
