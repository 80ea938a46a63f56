/*
 * note: signed notes and their keys: what checkpoints of tiled logs and
 * statements of witnesses are written in.
 *
 * A note with a known key whose signature fails is refused as a whole;
 * signatures of unknown keys are skipped.  Types read: Ed25519 (1), timestamped
 * Ed25519 cosignatures (4) and RFC 6962 tree head signatures of static-ct logs
 * (5).
 *
 * Pure; no allocation but libcrypto's for a signature.
 *
 * Source: C2SP signed-note; tlog-cosignature; static-ct-api (Checkpoints).
 */
#ifndef POSTERN_CT_NOTE_H
#define POSTERN_CT_NOTE_H

#include "base/rc.h"
#include "base/wr.h"
#include "ct/treeproof.h"
#include "pki/webkey.h"

enum {
	NOTE_MAX = 256 * 1024, /* bytes of a note */
	NOTE_SIGNATURES_MAX = 64,
	NOTE_SIGNATURE_MAX = 8 * 1024, /* bytes of one, decoded */
	NOTE_NAME_MAX = 255,
};

/* Signature types, signed-note "Signature types". */
enum note_type {
	NOTE_ED25519 = 0x01,
	NOTE_COSIGNATURE = 0x04,
	NOTE_TREE_HEAD = 0x05,
};

/* A key whose signatures we check. */
struct note_key {
	enum note_type type;
	struct span name; /* borrowed */
	uint32_t id;
	uint8_t key[WEBKEY_ED25519_LEN]; /* ED25519, COSIGNATURE */
	struct span spki; /* TREE_HEAD: the log's, DER; borrowed */
};
/*
 * Reads a verifier key, name+hex id+base64, of type 1 or 4.  RC_MALFORMED also
 * when the id is not the key's; RC_UNSUPPORTED: another type.  Borrows 'text'.
 */
enum rc note_key_read(struct note_key *out, struct span text);
/* The key of a static-ct log: its origin and its SPKI, both borrowed. */
void note_key_of_log(struct note_key *out, struct span origin,
		     struct span spki);
/* A name that a note's key may have. */
bool note_is_name(struct span name);

struct note_signature {
	struct span name;
	uint32_t key_id;
	struct span base64; /* of key id and signature, as it stands */
};
/* Borrows the note's bytes. */
struct note {
	struct span text; /* with its last newline: what is signed */
	struct note_signature signature[NOTE_SIGNATURES_MAX];
	size_t count;
};
/*
 * RC_MALFORMED: no signature, a byte below 0x20 but newline, not UTF-8, a line
 * that is no signature line.  RC_LIMIT: larger than NOTE_MAX or more signatures
 * than above.  On failure *out is untouched.
 */
enum rc note_parse(struct note *out, struct span bytes);

enum note_answer {
	NOTE_SIGNED,
	NOTE_UNSIGNED, /* none of the signatures is this key's */
	NOTE_BAD_SIGNATURE, /* one is, and does not hold: refuse the note */
};
/*
 * Asks for the key's signature.  *at, with NOTE_SIGNED: seconds since 1970 that
 * a cosignature says, milliseconds that a tree head says; else 0.
 */
enum note_answer note_verify(uint64_t *at, const struct note *n,
			     const struct note_key *key);

/* The bytes of this key's first signature, without the key id; false: none, or
 * longer than cap. */
bool note_signature_bytes(void *out, size_t cap, size_t *len,
			  const struct note *n, const struct note_key *key);

/* A checkpoint: the text of a log's signed note. */
struct checkpoint {
	struct span origin;
	struct tree_head head;
	struct span extensions; /* further lines; n == 0: none */
};
/* RC_MALFORMED: not three lines of origin, size and root, or an empty line
 * after them. */
enum rc checkpoint_parse(struct checkpoint *out, struct span text);

#endif
