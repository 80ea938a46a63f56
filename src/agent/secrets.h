/*
 * secrets: the app's environment variables, from the envelope that its host was
 * handed (secrets/envelope.h) to docker-compose.
 *
 * Where the manifest lists "allowed_envs", containers are not started before an
 * envelope is there and opens: a host that keeps it back must not be able to
 * have the app run without its passwords.  An envelope of no variables will do.
 *
 * The newest serial that was opened is remembered in a sealed file
 * (seal/seal.h, purpose "env-seen"), so an older envelope is refused after a
 * restart too.  A host that rolls the whole state folder back, or takes it
 * away, takes that memory with it: against that stands the disk's own epoch.
 *
 * All of it blocks: for the containers' thread.
 */
#ifndef POSTERN_AGENT_SECRETS_H
#define POSTERN_AGENT_SECRETS_H

#include "agent/appkeys.h"
#include "agent/measured.h"
#include "io/log.h"
#include "seal/seal.h"
#include "secrets/envelope.h"

struct secrets;

struct secrets_options {
	const struct log *log;
	const struct identity *identity;
	struct measured *measured;
	const struct appkeys *keys;
	const struct seal_provider *seal;
	const char *state; /* folder; "env-seal" in it is ours */
	const char *envelope; /* the file, from the host */
};

/*
 * Gets the app's key and makes the proof of its public half.  RC_SYS, ...:
 * error says why.  Copies options; returns owned: secrets_free().
 */
enum rc secrets_new(struct secrets **out, const struct secrets_options *options,
		    char error[NODE_ERROR_MAX]);
void secrets_free(struct secrets *s);

/* The document of secrets/keyproof.h, for whoever asks; borrowed. */
struct span secrets_proof(const struct secrets *s);

/*
 * Reads the envelope.  RC_OK: *out is owned, envs_fini().  RC_CLOSED: there is
 * none yet; RC_DENIED: it is refused; otherwise this machine's fault.  error
 * says why, without a word of what is in it; a refusal is logged when it is
 * another than the last.
 */
enum rc secrets_take(void *secrets, struct envs *out,
		     char error[NODE_ERROR_MAX]);

#endif
