/*
 * message: what is said on a channel of purpose "kms" once both sides are
 * verified: one question, one answer, in turn.
 *
 * A body is version u8, type u8, session 32 bytes, sequence u32, and the rest
 * as the type says.  The session is a value that only the two ends of this very
 * channel have (channel_session_id()), and the sequence counts questions from
 * 0, so that a body of another session, or one seen before, is none of this.
 *
 * Pure: bytes in, values out; spans borrow the body.
 *
 * Source: docs/PROTOCOL.kms.md §4, §5.
 */
#ifndef POSTERN_KEYS_MESSAGE_H
#define POSTERN_KEYS_MESSAGE_H

#include "base/rc.h"
#include "base/secret.h"
#include "base/wr.h"
#include "keys/derive.h"
#include "keys/reason.h"

#define KEYS_ALPN "postern-kms/1"
#define KEYS_CHANNEL_PURPOSE "kms"

enum {
	KEYS_VERSION_ONE = 1,
	KEYS_WANTED_MAX = 16,
	KEYS_DETAIL_MAX = 128, /* with its NUL */
	KEYS_SESSION_LEN = 32,
	KEYS_HEAD_LEN = 1 + 1 + KEYS_SESSION_LEN + 4,
	KEYS_BODY_MAX = 256 * 1024,
	/* the longest question of a CVM, and its answer */
	KEYS_ASK_MAX = KEYS_HEAD_LEN + 1 +
		       KEYS_WANTED_MAX * (4 + 1 + 1 + KEYS_PURPOSE_MAX),
};

enum keys_type {
	KEYS_GET = 1, /* CVM: keys */
	KEYS_KEYS = 2,
	KEYS_REFUSED = 3, /* the answer to anything */
	KEYS_EPOCH = 4, /* CVM: its number, raised or read */
	KEYS_EPOCH_IS = 5,
	KEYS_PUSH = 16, /* node: hold this (keys/cluster.h) */
	KEYS_HELD = 17,
};

struct keys_head {
	enum keys_type type;
	uint8_t session[KEYS_SESSION_LEN];
	uint32_t sequence;
};

/* One key that is asked for. */
struct keys_wanted {
	uint32_t epoch; /* of the root; 0: the newest */
	enum keys_scope scope;
	char purpose[KEYS_PURPOSE_MAX + 1];
};
struct keys_get {
	struct keys_wanted wanted[KEYS_WANTED_MAX];
	size_t count; /* 1.. */
};

/* One that is given. */
struct keys_key {
	uint32_t epoch;
	struct key32 key;
};
void keys_key_wipe(struct keys_key *k);
struct keys_keys {
	struct keys_key keys[KEYS_WANTED_MAX]; /* in the order asked for */
	size_t count;
};
/* For AUTO(). */
void keys_keys_wipe(struct keys_keys *k);

struct keys_refused {
	enum keys_reason reason; /* a number not known: KEYS_UNKNOWN */
	char detail[KEYS_DETAIL_MAX]; /* printable ASCII; else '?' */
};

struct keys_epoch {
	char name[KEYS_PURPOSE_MAX + 1]; /* as a purpose */
	uint64_t raise_to; /* 0: only read */
};

/* Reads the head of a body and takes it off.  RC_MALFORMED; RC_UNSUPPORTED:
 * another version.  On failure nothing is changed. */
enum rc keys_read_head(struct keys_head *out, struct span *body);
/* The rest, to its last byte.  RC_MALFORMED: *out is untouched. */
enum rc keys_read_get(struct keys_get *out, struct span rest);
enum rc keys_read_keys(struct keys_keys *out, struct span rest);
enum rc keys_read_refused(struct keys_refused *out, struct span rest);
enum rc keys_read_epoch(struct keys_epoch *out, struct span rest);
enum rc keys_read_epoch_is(uint64_t *out, struct span rest);

/* Each writes a whole body; what does not fit shows in wr_done(). */
void keys_write_head(struct wr *w, const struct keys_head *h);
void keys_write_get(struct wr *w, const struct keys_head *h,
		    const struct keys_get *m);
void keys_write_keys(struct wr *w, const struct keys_head *h,
		     const struct keys_keys *m);
void keys_write_refused(struct wr *w, const struct keys_head *h,
			const struct keys_refused *m);
void keys_write_epoch(struct wr *w, const struct keys_head *h,
		      const struct keys_epoch *m);
void keys_write_epoch_is(struct wr *w, const struct keys_head *h,
			 uint64_t value);

#endif
