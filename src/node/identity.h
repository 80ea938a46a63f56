/*
 * identity: who this node is, measured.
 *
 * The manifest's hash must be in the TD's MRCONFIGID, and the platform's events
 *
 *   system-preparing, app-id, compose-hash, instance-id, boot-mr-done
 *
 * are extended into RTMR3, in dstack's order and form.  The events follow from
 * the manifest and the instance id alone, so there is no log to keep on disk:
 * RTMR3 lives as long as the TD, and a program that starts again (or was killed
 * half-way through) finds in it how many of them it has extended already.  The
 * app's own events come after those (identity_extend()), and are kept in a file
 * (appevents.h), of which RTMR3 says how much is true.
 * Programs of a TD share the state folder and start at any time: a lock in it
 * (flock on "instance-lock") has one look and extend after the other.
 *
 * The instance id is made of a seed in the state folder and the app id, in
 * dstack's way:
 *
 *   instance_id = SHA-256(seed || app_id)[:20]
 *
 * The host chooses what stands in that folder.  It can take an instance's
 * identity away, or give the same to two TDs of one app, but it cannot aim:
 * measured code cannot be made to come under another app's id, or under the id
 * of another app's instance.  Only a manifest that says it continues an app
 * comes under that one's, and who gives something for an id asks whether it may
 * (manifest/lineage.h).
 *
 * Blocks (a quote, files): for a program's start.
 */
#ifndef POSTERN_NODE_IDENTITY_H
#define POSTERN_NODE_IDENTITY_H

#include "base/buf.h"
#include "base/rc.h"
#include "manifest/manifest.h"
#include "node/appevents.h"
#include "node/error.h"
#include "quoting/source.h"

#define NODE_VERSION "0.1.0"

struct identity {
	struct manifest manifest;
	struct buf manifest_bytes;
	uint8_t instance_id[MANIFEST_ID_LEN];
	struct eventlog events;
	struct buf eventlog; /* the same, as the JSON array */
	struct buf app_events; /* the app's of them, as in the file */
	struct buf claims; /* the JSON document for the channel */
};

struct identity_options {
	const char *manifest; /* file */
	/* folder, made when absent: "instance-seed", "instance-lock", and a
	 * file of trust.h */
	const char *state;
	const char *node; /* label in the claims */
	/* IDENTITY_SEED_LEN bytes; then the state folder, which may not be
	 * there yet, is left alone.  NULL: the seed is in the folder */
	const uint8_t *seed;
};

/*
 * Reads the manifest and the instance's seed (made at the first start),
 * compares MRCONFIGID, extends what is missing of the events.
 *
 * RC_OK         *out is filled: identity_fini()
 * RC_MALFORMED  the manifest or the seed's file
 * RC_DENIED     MRCONFIGID is another manifest's, or RTMR3 holds other events
 * RC_SYS, ...   files or the platform failed
 * On failure 'error' says what and why, and *out needs no identity_fini().
 */
enum rc identity_open(struct identity *out, const struct identity_options *o,
		      struct quote_source *source, char error[NODE_ERROR_MAX]);
void identity_fini(struct identity *id);

/* The claims for a channel of another purpose than a tunnel's; 'out' has room
 * for CHANNEL_CLAIMS_MAX. */
enum rc identity_claims(struct buf *out, const struct identity *id,
			const char *purpose);

/* Puts a mark into id->claims: channel/claims.h. */
enum rc identity_show_lineage(struct identity *id, const struct sha256 *mark);

/*
 * Extends RTMR3 by an event of the app and writes it down, before, so that no
 * moment of death leaves a register that nobody can explain.  'state' is the
 * folder that it was opened with.  Blocks; not while another thread looks at
 * id->eventlog.
 *
 * RC_MALFORMED, RC_LIMIT  eventlog_append(), appevents.h; nothing happened
 * RC_SYS, ...             the file, or quote_source_extend(); the log is as the
 *                         register was before
 */
enum rc identity_extend(struct identity *id, struct quote_source *source,
			const char *state, const char *event,
			struct span payload);

enum {
	IDENTITY_SEED_LEN = 32,
};
/* In the state folder: hex digits and a newline. */
#define IDENTITY_SEED_FILE "instance-seed"
/* The formula above. */
void identity_instance_id(uint8_t out[MANIFEST_ID_LEN],
			  const uint8_t seed[IDENTITY_SEED_LEN],
			  const uint8_t app_id[MANIFEST_ID_LEN]);

#endif
