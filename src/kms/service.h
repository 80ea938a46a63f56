/*
 * service: what the node knows and decides: a question of a verified peer in,
 * an answer out, which may leave only after service_commit() said that state
 * and audit log are on disk.
 *
 * It has no sockets: gate.h brings questions, peers.h tells the other nodes.
 */
#ifndef POSTERN_KMS_SERVICE_H
#define POSTERN_KMS_SERVICE_H

#include "io/log.h"
#include "keys/authority.h"
#include "keys/cluster.h"
#include "keys/quorum.h"
#include "keys/rate.h"
#include "kms/config.h"
#include "kms/journal.h"
#include "kms/keep.h"

enum {
	SERVICE_SETTLE_MS = 1000, /* how long a slow node is waited for */
	SERVICE_EPOCH_MS = 5000, /* and a majority */
	SERVICE_FRESH_MS = 6000, /* how old what others told may be */
	SERVICE_PEER_MAX = 128, /* characters of a peer's address */
};

struct service_counts {
	uint64_t questions, releases, keys, refusals, epochs, pushes;
	uint64_t by_reason[KEYS_REASON_COUNT];
};

struct service {
	const struct config *config;
	const struct identity *identity;
	const struct log *log;
	struct keep *keep;
	struct journal *journal;
	struct keys_authority authority;
	struct keys_subject own;
	struct keys_cluster *cluster; /* in memory for secrets */
	struct keys_quorum quorum;
	struct keys_rate *apps, *instances, *sources;
	struct log_limit refusal_lines, rate_lines;
	struct service_counts counts;
	bool is_dirty; /* the cluster is not on disk as it is */
	/* Why a commit failed since the gate took it back to KEYS_OK: it may
	 * have been about answers that wait there for the end of the turn. */
	enum keys_reason failed;
};

/* A peer of the channel, verified. */
struct service_peer {
	struct keys_subject subject;
	const char *name; /* its address */
	struct span source; /* what of it is limited: an IP address */
	/* Our last words to it.  What it asks now is newer; when it said that,
	 * only whoever carries the bytes knows. */
	uint64_t said_at_ms;
};

/* An answer, or what it waits for. */
struct service_reply {
	struct buf body; /* of the answer; holds secrets: service_reply_wipe */
	struct keys_head head; /* of the question */
	bool is_refusal;
	bool is_waiting; /* for other nodes: service_epoch_check() */
	uint64_t asked_at_ms;
	uint8_t app[KEYS_ID_LEN], instance[KEYS_ID_LEN];
	char name[KEYS_PURPOSE_MAX + 1];
	uint64_t floor;
};
void service_reply_init(struct service_reply *r);
void service_reply_wipe(struct service_reply *r);

/*
 * Answers one question.  'session' is the channel's, and 'sequence' the one
 * that is due in it.  Malformed questions are answered, too.
 */
void service_ask(struct service *s, struct service_reply *out,
		 const struct service_peer *peer,
		 const uint8_t session[KEYS_SESSION_LEN], uint32_t sequence,
		 struct span body, uint64_t now_ms);

/*
 * Writes what changed and the audit log.  KEYS_OK; KEYS_AUDIT or KEYS_INTERNAL:
 * it is not on disk, and what was answered since the last call must be replaced
 * by service_refuse().
 */
enum keys_reason service_commit(struct service *s);
/* A node that may tell us what it holds. */
bool service_is_node(const struct service *s, const struct service_peer *peer);
/* Makes the reply a refusal. */
void service_refuse(struct service_reply *r, enum keys_reason reason,
		    const char *detail);

/* Fills a reply that waits, once enough nodes hold the number or its time is
 * over; false: not yet. */
bool service_epoch_check(struct service *s, struct service_reply *r,
			 uint64_t now_ms);

/* What another node answered, or a tick: makes a pending root active once all
 * nodes hold it.  True: commit. */
bool service_advance(struct service *s);

/* ---- the administrator ---- */

enum keys_reason service_bootstrap(struct service *s, struct span policy,
				   char error[KEYS_POLICY_ERROR_MAX]);
/* KEYS_NODES: more than one node comes or goes, without "majority_lost". */
enum keys_reason service_set_policy(struct service *s, struct span policy,
				    char error[KEYS_POLICY_ERROR_MAX]);
enum keys_reason service_rotate(struct service *s);

/* May it release keys now?  KEYS_OK, or why not. */
enum keys_reason service_ready(const struct service *s, uint64_t now_ms);

/* For the audit log: a peer that was refused before it could ask. */
void service_note_stranger(struct service *s, const char *peer,
			   const char *reason, const char *detail,
			   uint64_t now_ms);

#endif
