/*
 * release: the release policy of a key service (keys/policy.h) as its one
 * administrator writes it: begun, added to, signed.
 *
 * A policy is the tree of the object "policy" of a document; what it holds and
 * nobody here knows of is kept.  An image is called after the hash of its
 * registers, so that the same registers are one image and others another,
 * whatever they are called where they come from.  Nothing is taken away again,
 * neither an image nor a manifest that a later one continues: that is
 * `postern kms policy`'s to do.
 *
 * Pure.
 */
#ifndef POSTERN_CLI_RELEASE_H
#define POSTERN_CLI_RELEASE_H

#include <jansson.h>

#include "base/buf.h"
#include "base/rc.h"
#include "crypto/p256.h"
#include "manifest/manifest.h"

enum {
	RELEASE_ERROR_MAX = 512,
};

/* Serial 0, and no node, image or app.  Simulated TEEs may ask; returns owned:
 * json_decref(). */
json_t *release_new(void);

/* The nodes of the service are these and no others; texts are 40 hex digits. */
void release_set_nodes(json_t *policy, const char *const *instances,
		       size_t count);

bool release_has_node(const json_t *policy, const char *instance);
/*
 * The same, one step: one node goes that is not wanted, or one comes that is
 * missing, as a service takes a policy.  True: they are these now.
 */
bool release_step_nodes(json_t *policy, const char *const *instances,
			size_t count);

/* A manifest that is to get its app's keys, and in which images. */
struct release_app {
	uint8_t id[MANIFEST_ID_LEN]; /* of the app: manifest/lineage.h */
	struct sha256 manifest;
	bool continues; /* it is not the app's first */
	const char *rows; /* elements of "images" of a policy.yaml */
};
/* The first three of a manifest's bytes; as lineage_of(). */
enum rc release_app_of(struct release_app *out, struct span manifest);

/*
 * Gives the app what a CVM asks for (the keys of its disk, sealed files,
 * environment, guest API and lineage) under that manifest, in each of its
 * images.  *changed becomes true when it had not all of that before, and is
 * left alone otherwise.
 *
 * RC_DENIED       the manifest continues an app that the policy does not have
 * RC_MALFORMED    the rows are no such list; error says where
 * RC_UNSUPPORTED  an image that does not pin MRTD, RTMR1 and RTMR2, which this
 *                 policy must have of it
 */
enum rc release_allow(json_t *policy, bool *changed,
		      const struct release_app *app,
		      char error[RELEASE_ERROR_MAX]);

/*
 * The signed document, with the next serial and that time.  RC_LIMIT: more than
 * a policy may hold; error says what.
 */
enum rc release_sign(struct buf *out, json_t *policy, int64_t now_s,
		     const struct p256_private *key,
		     char error[RELEASE_ERROR_MAX]);

#endif
