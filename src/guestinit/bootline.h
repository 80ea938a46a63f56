/*
 * bootline: the one word of the kernel's command line that is ours, which says
 * what the root is: postern.root=<hash>:<salt>:<blocks>, of a dm-verity tree
 * with SHA-256 and blocks of 4096 bytes that follows the data on one disk.
 *
 * The command line is measured, so the word is the host's only as far as the
 * measurement says so.
 *
 * Pure.
 *
 * Source: Linux Documentation/admin-guide/device-mapper/verity.rst.
 */
#ifndef POSTERN_GUESTINIT_BOOTLINE_H
#define POSTERN_GUESTINIT_BOOTLINE_H

#include "base/rc.h"
#include "base/wr.h"
#include "crypto/hash.h"

enum {
	BOOTLINE_MAX = 4096, /* bytes of a command line */
	BOOTLINE_BLOCK = 4096, /* bytes of a block */
};

struct bootline {
	struct sha256 root, salt;
	uint64_t blocks; /* of data; 1..2^32 */
};

/* RC_MALFORMED: the word is missing, comes twice or is not of its form; *out is
 * untouched. */
enum rc bootline_read(struct bootline *out, struct span cmdline);

/* The parameters of the device-mapper target "verity", for a disk "major:minor"
 * that has data and tree.  Corruption stops the machine. */
void bootline_table(struct wr *w, const struct bootline *b, const char *disk);

#endif
