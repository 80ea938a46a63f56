/*
 * guest: what the manifest says of the guest API and of secrets: which
 * container may ask for what, and which environment variables may be given.
 *
 *   "guest": {
 *     "raw_quotes": false,
 *     "containers": {"web": ["info", "quote", "key:web-*", "sign:web-id"]},
 *     "env_signers": ["<64 hex: an Ed25519 key>"]
 *   },
 *   "allowed_envs": ["DB_PASSWORD"]
 *
 * A container that is not listed has no socket, and one that is listed may do
 * what its rules say and nothing more.  A rule is a word, and for "key" and
 * "sign" a path behind a colon, which ends in "*" for all paths that begin so:
 *
 *   info      who this is, and its registers
 *   quote     a quote over bytes hashed under the container's own label
 *   evidence  the same over the app's public keys
 *   key:P     the private keys whose path is P
 *   sign:P    signatures by those keys, which stay where they are
 *   tls-key   a fresh key with a certificate of the app's authority
 *   event     extend RTMR3; not in a manifest with an ingress
 *
 * To check a signature and to ask for the version needs no rule.  "raw_quotes":
 * report data as the container chooses it, which lets it say anything that this
 * machine could say.
 *
 * "allowed_envs" is dstack's key.  With "env_signers", an envelope of variables
 * counts only with a signature of one of them; without, anyone who has the
 * app's public key can make one, its host too.
 */
#ifndef POSTERN_MANIFEST_GUEST_H
#define POSTERN_MANIFEST_GUEST_H

#include <stdbool.h>

#include "base/rc.h"
#include "base/span.h"

enum {
	GUEST_CONTAINERS_MAX = 16,
	GUEST_RULES_MAX = 16, /* of one container */
	GUEST_NAME_MAX = 64, /* of a container, with a NUL */
	GUEST_PATH_MAX = 128, /* of a key, with a NUL */
	GUEST_SIGNERS_MAX = 8,
	GUEST_SIGNER_LEN = 32,
	GUEST_ENVS_MAX = 64,
	GUEST_ENV_NAME_MAX = 64, /* with a NUL */
};

enum guest_right {
	GUEST_INFO,
	GUEST_QUOTE,
	GUEST_EVIDENCE,
	GUEST_KEY,
	GUEST_SIGN,
	GUEST_TLS_KEY,
	GUEST_EVENT,
	GUEST_RIGHT_COUNT,
};
/* "info", "quote", ..., "tls-key"; they stay. */
const char *guest_right_name(enum guest_right r);

struct guest_rule {
	enum guest_right right;
	char path[GUEST_PATH_MAX]; /* KEY, SIGN: without the "*" */
	bool is_prefix;
};

struct guest_container {
	char name[GUEST_NAME_MAX]; /* the compose file's: [a-z0-9._-] */
	struct guest_rule rules[GUEST_RULES_MAX];
	size_t rule_count;
};

struct manifest_guest {
	bool has_raw_quotes;
	struct guest_container containers[GUEST_CONTAINERS_MAX];
	size_t container_count;
	uint8_t signers[GUEST_SIGNERS_MAX][GUEST_SIGNER_LEN];
	size_t signer_count;
	bool lists_envs; /* "allowed_envs" is there */
	char envs[GUEST_ENVS_MAX][GUEST_ENV_NAME_MAX];
	size_t env_count;
};

/* path: of KEY and SIGN; of another right it is empty. */
bool guest_allows(const struct guest_container *c, enum guest_right right,
		  struct span path);

/* A variable's name: [A-Za-z_][A-Za-z0-9_]*, and none that would change how
 * docker-compose itself works (PATH, LD_*, DOCKER_*, COMPOSE_*, ...). */
bool guest_is_env_name(struct span name);
/* It is in the list. */
bool guest_allows_env(const struct manifest_guest *g, struct span name);

#endif
