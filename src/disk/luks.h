/*
 * luks: the one LUKS2 header that we write, compared with one that is there,
 * field by field.
 *
 * LUKS2's header says how the data is encrypted, and nothing in the format
 * keeps who holds the disk from saying it otherwise: a null cipher for the
 * data or for the keyslot, a second keyslot, another offset.  A disk of ours
 * has a MAC over the header, so this is the second line: whatever was signed,
 * only this profile is handed to libcryptsetup and the kernel.
 *
 *   two copies of 16 KiB, equal but for magic, salt, offset and checksum
 *   one keyslot, PBKDF2 of 1000 rounds: the passphrase is a random key
 *   one segment from 1 MiB to the end, aes-xts-plain64, sectors of 4096
 *   with integrity: hmac(sha256), journal neither encrypted nor signed again
 *   no token, no flag, no requirement, no unknown member anywhere
 *
 * Pure: bytes in, a verdict out; memory of its own, bounded.
 *
 * Source: LUKS2 On-Disk Format Specification 1.1.1, §2 and §3; CVE-2025-59054,
 * CVE-2025-58356, CVE-2021-4122.
 */
#ifndef POSTERN_DISK_LUKS_H
#define POSTERN_DISK_LUKS_H

#include "disk/record.h"

enum {
	LUKS_COPY_LEN = 16 * 1024, /* binary header and JSON */
	LUKS_BINARY_LEN = 4096,
	LUKS_JSON_LEN = LUKS_COPY_LEN - LUKS_BINARY_LEN,
	LUKS_KEYSLOTS_LEN = RECORD_HEADER_LEN - 2 * LUKS_COPY_LEN,
	LUKS_SECTOR_LEN = 4096,
	LUKS_PBKDF_ROUNDS = 1000,
	LUKS_XTS_KEY_LEN = 64,
	LUKS_HMAC_KEY_LEN = 32,
	LUKS_UUID_TEXT_LEN = 36,
};
#define LUKS_CIPHER "aes"
#define LUKS_MODE "xts-plain64"
#define LUKS_ENCRYPTION LUKS_CIPHER "-" LUKS_MODE
#define LUKS_INTEGRITY "hmac(sha256)"

/*
 * NULL: 'header' (RECORD_HEADER_LEN bytes) is as we write it for this kind of
 * integrity.  Otherwise what is not, as a path in the JSON or the name of a
 * field: "segments.0.encryption", "checksum", ...; a constant.
 */
const char *luks_check(struct span header, enum record_integrity integrity);

#endif
