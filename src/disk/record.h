/*
 * record: the clear front of a data disk: whose it is, which LUKS2 header
 * belongs to it, how often it was opened; and under which key all that is true.
 *
 *        0  record, slot 0      4096 bytes
 *     4096  record, slot 1      4096
 *    65536  LUKS2 header      557056, never anywhere else (luks.h)
 *  1048576  data, encrypted, to the disk's end
 *
 * What lies between is neither written nor read.  A record:
 *
 *   magic        "PSTNDISK"
 *   version      u8: 1
 *   provider     u8: who holds the key: enum record_provider
 *   state        u8: enum record_state
 *   integrity    u8: enum record_integrity
 *   key epoch    u32: of the provider's root; 0: it has one only
 *   generation   u64: grows with each opening
 *   seed         32 bytes, of the instance id
 *   app          20 bytes
 *   instance     20 bytes: SHA-256(seed || app)[:20]
 *   measurement  32 bytes; zero with provider 2, who judges it elsewhere
 *   header at    u64: 65536
 *   header len   u32: 557056
 *   data at      u64: 1048576
 *   header hash  SHA-256 of the LUKS2 header's bytes, all of them
 *   MAC          HMAC-SHA256 over everything before it
 *   zeros        to the end of the slot
 *
 * Integers are big-endian.  While a disk is being made its record is "begun":
 * generation, hash and MAC are zero, and nothing in it is believed but that
 * there is no data yet, and even that only if the provider counts no opening.
 *
 * All keys come from the provider's and from whose the disk is, so a record
 * with another owner written into it is not authentic:
 *
 *   HKDF-SHA256(salt "postern/disk/v1", the provider's key,
 *               u8 length || use || provider || key epoch || app ||
 *               instance || measurement),  use: "mac", "luks", "fs"
 *
 * Pure: bytes in, values out.
 *
 * Source: docs/PROTOCOL.disk.md; RFC 2104; RFC 5869.
 */
#ifndef POSTERN_DISK_RECORD_H
#define POSTERN_DISK_RECORD_H

#include "base/secret.h"
#include "base/wr.h"
#include "crypto/hash.h"

enum {
	RECORD_LEN = 4096,
	RECORD_SLOTS = 2,
	RECORD_HEADER_AT = 64 * 1024,
	RECORD_HEADER_LEN = 32 * 1024 + 512 * 1024,
	RECORD_DATA_AT = 1024 * 1024,
	RECORD_SEED_LEN = 32,
	RECORD_ID_LEN = 20,
	RECORD_MEASUREMENT_LEN = 32,
	RECORD_UUID_LEN = 16,
};

enum record_provider {
	RECORD_SIMULATOR = 1, /* SIMULATED: the key of a simulated CPU */
	RECORD_KMS = 2, /* released by postern-kms */
};

enum record_state {
	RECORD_BEGUN = 1, /* no data yet */
	RECORD_WHOLE = 2,
};

enum record_integrity {
	RECORD_PLAIN = 0, /* encrypted: AES-XTS */
	RECORD_HMAC = 1, /* and each sector with HMAC-SHA256 */
};

/* Why a disk is not opened; the names stay.  X(CONSTANT, "name") */
#define DISK_REASONS(X) \
	X(DISK_OK, "ok") \
	X(DISK_NOT_OURS, "not_ours") /* neither blank nor with our magic */ \
	X(DISK_VERSION, "version") /* a later version's, or provider's */ \
	X(DISK_MALFORMED, "malformed") /* the record breaks its grammar */ \
	X(DISK_TRUNCATED, "truncated") /* too short for what it holds */ \
	X(DISK_OTHER_PROVIDER, "other_provider") \
	X(DISK_OTHER_MEASUREMENT, "other_measurement") /* other code's */ \
	X(DISK_OTHER_APP, "other_app") \
	X(DISK_OTHER_INSTANCE, "other_instance") \
	X(DISK_NO_KEY, "no_key") /* the provider gives none */ \
	X(DISK_HEADER_NOT_AUTHENTIC, "header_not_authentic") \
	X(DISK_HEADER_PROFILE, "header_profile") /* not as we write it */ \
	X(DISK_OTHER_DATA, "other_data") /* behind it is another's */ \
	X(DISK_ROLLED_BACK, "rolled_back") /* older than the count */ \
	X(DISK_NO_COUNT, "no_count") /* the provider cannot say or raise it */ \
	X(DISK_BUSY, "busy") /* open already */ \
	X(DISK_FILESYSTEM, "filesystem") /* not made, checked, mounted */ \
	X(DISK_CRYPT, "crypt") /* libcryptsetup or the kernel refuses */ \
	X(DISK_IO, "io")

enum disk_reason {
#define X(constant, name) constant,
	DISK_REASONS(X)
#undef X
	DISK_REASON_COUNT,
};
/* "ok", "not_ours", ... */
const char *disk_reason_name(enum disk_reason r);

/* Whose a disk is. */
struct record_owner {
	enum record_provider provider;
	uint32_t key_epoch;
	uint8_t app[RECORD_ID_LEN], instance[RECORD_ID_LEN];
	uint8_t measurement[RECORD_MEASUREMENT_LEN];
};

struct record {
	enum record_state state;
	enum record_integrity integrity;
	uint64_t generation; /* 0: begun */
	uint8_t seed[RECORD_SEED_LEN];
	struct record_owner owner;
	struct sha256 header_hash;
};

/* Everything that follows from the provider's key. */
struct record_keys {
	struct key32 mac, luks; /* luks: the keyslot's passphrase */
	uint8_t fs[RECORD_UUID_LEN]; /* file system's UUID; no secret */
};
void record_keys_derive(struct record_keys *out, const struct key32 *root,
			const struct record_owner *owner);
/* For AUTO(). */
void record_keys_wipe(struct record_keys *k);

/* SHA-256(seed || app)[:20] */
void record_instance(uint8_t out[RECORD_ID_LEN],
		     const uint8_t seed[RECORD_SEED_LEN],
		     const uint8_t app[RECORD_ID_LEN]);

/* Fills a slot, with the MAC if the record is whole ('keys' may be NULL if it
 * is not). */
void record_write(uint8_t slot[RECORD_LEN], const struct record *r,
		  const struct record_keys *keys);

/*
 * Reads a slot.  Nothing of it is known to be true yet.  DISK_NOT_OURS,
 * _VERSION, _TRUNCATED (shorter than a slot), _MALFORMED: *out is untouched.
 */
enum disk_reason record_read(struct record *out, struct span slot);

/* The MAC of a whole record is right, and it is of this LUKS2 header. */
bool record_is_authentic(struct span slot, const struct record_keys *keys,
			 struct span header);

/*
 * What the two slots say: candidates, the newest first; of two that differ in
 * more than generation, integrity, hash and state the older one is left out.
 * 'found' holds for each which slot it is.  *count is 0 and the answer DISK_OK
 * only if both slots are zero.
 */
struct record_found {
	struct record record;
	unsigned slot;
};
enum disk_reason record_choose(struct record_found out[RECORD_SLOTS],
			       size_t *count, struct span slots);

/* Is it ours?  DISK_OTHER_PROVIDER, _APP, _MEASUREMENT, _INSTANCE in this order
 * (a measurement covers the manifest, so the app is the better name for what
 * differs); also _INSTANCE: the seed is not that of the instance it names. */
enum disk_reason record_compare(const struct record *r,
				const struct record_owner *ours);

#endif
