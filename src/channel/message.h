/*
 * message: the frames of the attested channel, read and written.
 *
 * A frame is u8 type, u24 length, body; integers are big-endian.  A body is
 * read whole and to its last byte.  Pure: no session state, no I/O.
 *
 * Source: docs/PROTOCOL.channel.md §4, §5.
 */
#ifndef POSTERN_CHANNEL_MESSAGE_H
#define POSTERN_CHANNEL_MESSAGE_H

#include <assert.h>

#include "base/merkle.h"
#include "base/rc.h"
#include "base/span.h"
#include "base/wr.h"
#include "channel/session.h"

enum message_type {
	MESSAGE_HELLO = 1,
	MESSAGE_EVIDENCE = 2,
	MESSAGE_KEY = 3,
	MESSAGE_ASSIGN = 4,
	MESSAGE_REFUSE = 5,
	MESSAGE_WITHDRAW = 6,
	MESSAGE_DATA = 7, /* of channels that talk; the body is the owner's */
};

enum {
	MESSAGE_HEADER_LEN = 4,
	MESSAGE_HELLO_LEN = 39,
	/* What a HELLO of a later version may be, so that it is answered with
	 * version-unsupported and not with message-too-large. */
	MESSAGE_HELLO_MAX = 64,
	MESSAGE_KEY_LEN = 36,
	MESSAGE_PREFIX_MAX = 18,
	MESSAGE_ASSIGN_MAX = 4 + 32 + 3 * MESSAGE_PREFIX_MAX + 2 + 4 + 2 + 1 +
			     CHANNEL_ALLOWED_MAX * MESSAGE_PREFIX_MAX,
	MESSAGE_REFUSE_MAX = 2 + 1 + CHANNEL_DETAIL_MAX - 1,
	MESSAGE_EVIDENCE_MAX = 4 + 8 + 8 + 2 +
			       MERKLE_PATH_MAX * MERKLE_HASH_LEN + 2 +
			       CHANNEL_CLAIMS_MAX + 3 + MANIFEST_MAX + 3 +
			       EVENTLOG_MAX + 3 + QUOTE_MAX,
};
static_assert((size_t)MESSAGE_EVIDENCE_MAX <= CHANNEL_MESSAGE_MAX);
static_assert((size_t)CHANNEL_DATA_MAX <= CHANNEL_MESSAGE_MAX);

/* The longest body a frame of this type may have; 0: no such type. */
size_t message_max(uint8_t type);

struct message_hello {
	uint16_t version;
	enum channel_role role; /* the sender's */
	uint32_t round;
	uint8_t nonce[CHANNEL_NONCE_LEN];
};

/* Spans borrow the body, or what the writer was given. */
struct message_evidence {
	uint32_t round;
	uint64_t leaf_index, leaf_count;
	struct merkle_hash path[MERKLE_PATH_MAX];
	size_t path_count;
	struct span claims, manifest, eventlog, quote;
};

struct message_key {
	uint32_t round;
	uint8_t wg_public[32];
};

struct message_assign {
	uint32_t round;
	struct channel_assignment assignment;
};

/* REFUSE and WITHDRAW.  A number this build does not know reads as
 * CHANNEL_UNKNOWN; bytes of the detail outside printable ASCII as '?'. */
struct message_refusal {
	enum channel_reason reason;
	char detail[CHANNEL_DETAIL_MAX];
};

/*
 * Each reader takes a body and leaves *out untouched on failure.
 *
 * RC_MALFORMED    the grammar is broken, a bound is passed, bytes are left
 * RC_UNSUPPORTED  HELLO: another version
 */
enum rc message_read_hello(struct message_hello *out, struct span body);
enum rc message_read_evidence(struct message_evidence *out, struct span body);
enum rc message_read_key(struct message_key *out, struct span body);
enum rc message_read_assign(struct message_assign *out, struct span body);
enum rc message_read_refusal(struct message_refusal *out, struct span body);

/* Each writer writes one whole frame; what does not fit shows in wr_done(). */
void message_write_hello(struct wr *w, const struct message_hello *m);
void message_write_evidence(struct wr *w, const struct message_evidence *m);
void message_write_key(struct wr *w, const struct message_key *m);
void message_write_assign(struct wr *w, const struct message_assign *m);
void message_write_refusal(struct wr *w, enum message_type type,
			   const struct message_refusal *m);
void message_write_data(struct wr *w, struct span body);

/*
 * An assignment that can be written and is read back as it was: families,
 * lengths and counts in bounds, allowed prefixes without host bits, a lease.
 */
bool message_assignment_is_sound(const struct channel_assignment *a);

#endif
