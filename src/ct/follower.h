/*
 * follower: the inside of ct/follow: its state, and what asking and taking
 * share. Nobody else includes this.
 */
#ifndef POSTERN_CT_FOLLOWER_H
#define POSTERN_CT_FOLLOWER_H

#include "ct/follow.h"
#include "ct/note.h"
#include "ct/tile.h"

/* What the last question was. */
enum asked {
	ASKED_NOTHING,
	ASKED_HEAD,
	ASKED_ENTRIES,
	ASKED_LAST, /* the last entry, to begin behind it */
	ASKED_PROOF, /* that it is the last, RFC 6962 */
	ASKED_CONSISTENCY, /* RFC 6962 */
	ASKED_TILE, /* for either of the two, tiled */
};

struct follow {
	struct follow_config config;
	struct note_key key; /* tiled */
	struct heads heads;
	struct frontier work; /* read, perhaps not proven */
	struct sth newest; /* of all heads, by time */
	bool has_newest, is_stale;

	enum asked asked;
	uint64_t asked_from, asked_count; /* ENTRIES */
	bool wants_full; /* the partial tile is gone: ask for the full one */
	uint64_t tiles_size; /* the tree that 'tiles' are of */
	struct sth subject; /* LAST, PROOF, CONSISTENCY, TILE: which head */
	bool has_last_leaf;
	struct merkle_hash last_leaf; /* PROOF */

	/* tiles of the proof under way; contents are owned */
	struct tile_set tiles;
	size_t tile; /* which was asked for */

	int64_t head_due, wait_until, heard_at;
	unsigned failures;
	unsigned mismatches; /* since the last commit */
};

/* Tells the sink; either head may be NULL. */
void follower_alarm(const struct follow *f, enum follow_alarm_kind kind,
		    const struct sth *first, const struct sth *second);
/* Nothing is asked for a while, each time for longer. */
void follower_back_off(struct follow *f, int64_t now);
/* Both of these. */
void follower_fail(struct follow *f, enum follow_alarm_kind kind, int64_t now);
/* An answer of use came. */
void follower_succeed(struct follow *f, int64_t now);

/* A head whose signature holds. */
void follower_offer(struct follow *f, const struct sth *sth);
/* The tree up to 'work' is one that the log signed. */
void follower_commit(struct follow *f);
/* It is not the one that this head says: begins again where all was proven. */
void follower_mismatch(struct follow *f, const struct sth *head, int64_t now);

/* The audit path of the subject's last leaf: reading begins behind it. */
void follower_take_end(struct follow *f, const struct treeproof *p,
		       const struct merkle_hash *leaf, int64_t now);
/* The proof that the subject is the beginning of what was read. */
void follower_take_consistency(struct follow *f, const struct treeproof *p,
			       int64_t now);
void follower_drop_tiles(struct follow *f);

#endif
