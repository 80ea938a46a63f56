/*
 * witness: which logs are believed and how many witnesses must have seen a
 * checkpoint: the policy file of transparency logs.
 *
 * A witness counts once however often it signs, and no two of a policy's keys
 * are the same key; each name is a member of one group at most, so that nobody
 * counts in two ways.
 *
 * Pure; memory from the caller only.
 *
 * Source: C2SP tlog-policy; tlog-cosignature (Ed25519).
 */
#ifndef POSTERN_CT_WITNESS_H
#define POSTERN_CT_WITNESS_H

#include "ct/note.h"

enum {
	WITNESS_POLICY_MAX = 64 * 1024, /* bytes of the file */
	WITNESS_LOGS_MAX = 32,
	/* witnesses and groups together */
	WITNESS_NAMES_MAX = 64,
};

/* A witness or a group. */
struct witness_name {
	struct span name;
	bool is_group;
	struct note_key key; /* a witness's */
	size_t threshold; /* a group's: how many members */
	bool is_member; /* of some group, or the quorum */
	size_t group; /* whose member: index of that group */
};
/* Borrows the file's bytes. */
struct witness_policy {
	struct note_key log[WITNESS_LOGS_MAX];
	size_t log_count;
	struct witness_name name[WITNESS_NAMES_MAX];
	size_t name_count;
	bool has_quorum;
	bool quorum_is_none; /* "quorum none": no witness is asked for */
	size_t quorum; /* index of the name */
};

/*
 * RC_MALFORMED    not the format; *line is the line at fault, from 1
 * RC_UNSUPPORTED  a key of a type that note_key_read() does not know
 * RC_LIMIT        larger than WITNESS_POLICY_MAX, more names or logs than above
 *
 * On failure *out is untouched.
 */
enum rc witness_policy_read(struct witness_policy *out, size_t *line,
			    struct span text);

enum witness_answer {
	WITNESS_OK,
	WITNESS_MALFORMED, /* not a note, or its text not a checkpoint */
	WITNESS_UNKNOWN_LOG, /* no log of the policy signed it */
	WITNESS_BAD_SIGNATURE, /* a known key's signature fails */
	WITNESS_TOO_FEW, /* the quorum is not reached */
	WITNESS_FUTURE, /* a cosignature's time is after now */
};
/* "ok", "malformed", ... */
const char *witness_answer_name(enum witness_answer answer);

struct witness_verdict {
	enum witness_answer answer;
	struct checkpoint checkpoint; /* borrows the note */
	size_t witnesses; /* of the policy that signed */
	/* the latest moment that enough witnesses agree it existed at: the
	 * earliest cosignature that counted; 0: none */
	uint64_t seen_at;
};
/* Fills *out whatever the answer.  'log' is another key that may sign for the
 * log beside the policy's; NULL: none.  now in unix seconds. */
void witness_judge(struct witness_verdict *out, struct span note,
		   const struct witness_policy *policy,
		   const struct note_key *log, int64_t now);

#endif
