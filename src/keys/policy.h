/*
 * policy: the release policy: which apps get which keys when they run which
 * code, which nodes the service has; and what it decides.  It comes as a
 * document (keys/policy_read.h reads it) that a quorum of the service's
 * administrators signs (keys/authority.h):
 *
 *   {"policy":{
 *      "type":"postern/kms-policy/v1",
 *      "serial":3,                        grows with each
 *      "issued":"2026-11-28T00:00:00Z",
 *      "nodes":["<40 hex: instance id>", ...],      1..16
 *      "images":[{"name":"guest-1","mr_td":"<96 hex>","rtmr0":"<96 hex>",
 *                 "rtmr1":"<96 hex>","rtmr2":"<96 hex>"}],
 *      "kms":[{"app":"<40 hex>","image":"kms-2"}],
 *      "release":"quorum",                or "known"
 *      "majority_lost":false,
 *      "simulated":false,                 true: simulated TEEs may ask
 *      "apps":[{
 *         "app":"<40 hex>",
 *         "images":["guest-1"],
 *         "manifests":["<64 hex: SHA-256>", ...],
 *         "instance_keys":["disk","seal","app/"],
 *         "app_keys":["env"],
 *         "min_epoch":1,
 *         "per_minute":600,               of the app; of one instance: a tenth
 *         "instances":[{"instance":"<40 hex>","denied":true},
 *                      {"instance":"<40 hex>","name":"disk","floor":7}]}]},
 *    "signatures":[{"key":"<128 hex>","signature":"<128 hex>"}]}
 *
 * Members from "images" down may be left out, and so may those of an app from
 * "manifests" down; "rtmr0", which depends on the machine's size, may be
 * left out of an image.  A member that is not named here, or one that comes
 * twice, makes the document malformed: what is not understood may have been
 * meant to restrict.
 *
 * "manifests" of an app are the ones that get its keys: versions of it, each
 * of which says by "continues" whose keys it asks for (manifest/lineage.h).
 * The list is the whole list, so the first manifest, whose hash begins with the
 * app id, must stand in it, too, as long as it is to get them.  Left out: the
 * first manifest alone.
 *
 * A purpose in a list that ends in "/" stands for all that begin so.
 * "release":"known" lets a node that does not see a majority go on releasing
 * by the policy it knows; "quorum" does not, so that what was withdrawn is not
 * given out by a node that was cut off.  Default: "quorum".
 *
 * A policy adds one node to those of the one before or leaves one out, so that
 * any majority of the old ones and any of the new ones share a node.
 * "majority_lost":true says that there is no old majority any more which could
 * promise something beside the new one; then any nodes may come and go.
 *
 * Pure.  Source: docs/PROTOCOL.kms.md §2.
 */
#ifndef POSTERN_KEYS_POLICY_H
#define POSTERN_KEYS_POLICY_H

#include "crypto/hash.h"
#include "keys/message.h"

enum {
	KEYS_POLICY_MAX = 60 * 1024, /* bytes, signatures included */
	KEYS_POLICY_TREE_MAX = 4 * 1024 * 1024,
	KEYS_POLICY_ERROR_MAX = 160,
	KEYS_NODES_MAX = 16,
	KEYS_IMAGES_MAX = 64,
	KEYS_APPS_MAX = 1024,
	KEYS_PURPOSES_MAX = 64, /* of one list */
	KEYS_MANIFESTS_MAX = 64, /* of one app */
	KEYS_INSTANCES_MAX = 1024, /* of one app */
	KEYS_REGISTER_LEN = 48,
	KEYS_RATE_DEFAULT = 600, /* releases a minute of one app */
	KEYS_RATE_MAX = 10000000,
};

/* The registers that say what code runs. */
struct keys_measurement {
	uint8_t mr_td[KEYS_REGISTER_LEN], rtmr0[KEYS_REGISTER_LEN],
		rtmr1[KEYS_REGISTER_LEN], rtmr2[KEYS_REGISTER_LEN];
};
bool keys_measurement_equal(const struct keys_measurement *a,
			    const struct keys_measurement *b);

/* A verified peer.  'app' is a claim of its manifest until the policy was
 * asked; the manifest is measured. */
struct keys_subject {
	uint8_t app[KEYS_ID_LEN], instance[KEYS_ID_LEN];
	struct sha256 manifest;
	struct keys_measurement measurement;
	bool is_simulated;
};

struct keys_image {
	const char *name;
	struct keys_measurement measurement;
	bool is_rtmr0_free;
};

struct keys_purposes {
	const struct span *patterns;
	size_t count;
};

struct keys_instance {
	uint8_t id[KEYS_ID_LEN];
	bool is_denied;
	const char *name; /* NULL: no floor */
	uint64_t floor; /* of the number kept under that name */
};

struct keys_app {
	uint8_t id[KEYS_ID_LEN];
	uint64_t images; /* bit i: images[i] */
	bool lists_manifests; /* "manifests" is there */
	const struct sha256 *manifests;
	size_t manifest_count;
	struct keys_purposes of_instance, of_app;
	uint32_t min_epoch; /* 0: none */
	uint32_t per_minute;
	const struct keys_instance *instances;
	size_t instance_count;
};

struct keys_kms {
	uint8_t app[KEYS_ID_LEN];
	size_t image; /* index */
};

struct keys_policy {
	uint32_t serial; /* 1.. */
	int64_t issued_at;
	uint8_t nodes[KEYS_NODES_MAX][KEYS_ID_LEN];
	size_t node_count; /* 1.. */
	const struct keys_image *images;
	size_t image_count;
	const struct keys_kms *kms;
	size_t kms_count;
	bool releases_alone, accepts_simulated, is_majority_lost;
	const struct keys_app *apps;
	size_t app_count;
	size_t signer_count;
};

/* NULL: not in it. */
const struct keys_app *keys_policy_app(const struct keys_policy *p,
				       const uint8_t app[KEYS_ID_LEN]);

bool keys_app_has_manifest(const struct keys_app *app,
			   const struct sha256 *manifest);
/* Its manifest's hash begins with its app's id: it is the app's first one. */
bool keys_policy_is_founder(const struct keys_subject *s);
/* May this peer be released anything at all? */
enum keys_reason keys_policy_admits(const struct keys_policy *p,
				    const struct keys_subject *s);
/*
 * May it have this key?  'newest' is the newest root's epoch, which an epoch
 * of 0 stands for.  Includes keys_policy_admits().
 */
enum keys_reason keys_policy_allows(const struct keys_policy *p,
				    const struct keys_subject *s,
				    const struct keys_wanted *wanted,
				    uint32_t newest);
/* May it keep and raise a number of that name?  The purpose must be one of the
 * instance's.  *floor is what the policy says it is at least. */
enum keys_reason keys_policy_epoch(uint64_t *floor,
				   const struct keys_policy *p,
				   const struct keys_subject *s,
				   const char *name);

bool keys_policy_has_node(const struct keys_policy *p,
			  const uint8_t instance[KEYS_ID_LEN]);
/*
 * Is this peer code that may hold the roots: the same as 'own', or one that the
 * policy (NULL: none yet) lists?  Says nothing of membership.  A manifest that
 * continues another is none of these, whichever app it names.
 */
bool keys_policy_is_kms(const struct keys_policy *p,
			const struct keys_subject *s,
			const struct keys_subject *own);

/* How many nodes come and go with the second in the place of the first. */
size_t keys_policy_node_changes(const struct keys_policy *from,
				const struct keys_policy *to);

/* How many of n nodes are a majority. */
size_t keys_majority(size_t node_count);

#endif
