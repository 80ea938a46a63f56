/*
 * issued: what postern-cert hands out to its edge: certificates with their
 * keys, proofs, the certificates that answer a CA's tls-alpn-01 challenge, and
 * answers, the texts that answer its http-01 challenge.
 *
 * One JSON document, made by a program of ours and read as a stranger's:
 *
 *   {"generation": 3,
 *    "certificates": [{"names": ["*.example.net"],
 *                      "chain": "<PEM>", "key": "<PEM>"}],
 *    "proofs": [{"name": "www.example.net", "chain": "<PEM>", "key": "<PEM>"}],
 *    "answers": [{"name": "www.example.net", "token": "...", "value": "..."}]}
 *
 * There may be no "answers".  Other members are skipped.  The master keeps it
 * in memory and hands it to workers, and to the next master, beside the files
 * of a setup; it never comes to a disk.
 *
 * Source: docs/CONFIGURATION.md, "cert"; RFC 8737 §3 (proofs);
 *         RFC 8555 §8.3 (answers).
 */
#ifndef POSTERN_EDGE_ISSUED_H
#define POSTERN_EDGE_ISSUED_H

#include "base/arena.h"
#include "base/rc.h"
#include "edge/files.h"

enum {
	ISSUED_MAX = 4 * 1024 * 1024, /* bytes of a document */
	/* Every text of it again, without escapes, and its nodes. */
	ISSUED_ARENA_MAX = 16 * 1024 * 1024,
	ISSUED_CERTIFICATES_MAX = 64,
	ISSUED_NAMES_MAX = 128, /* of one certificate */
	ISSUED_PROOFS_MAX = 64,
	ISSUED_ANSWERS_MAX = 64,
	ISSUED_TOKEN_MAX = 256, /* bytes, as acme/jws.h; a CA's have some 40 */
	ISSUED_VALUE_MAX = 512,
};

struct issued_entry {
	struct span *names; /* 1..ISSUED_NAMES_MAX; a proof has one */
	size_t name_count;
	struct span chain, key; /* PEM, not looked at */
};

struct issued_answer {
	struct span name; /* a host name */
	struct span token; /* of the path: base64url */
	struct span value; /* printable ASCII */
};

struct issued {
	uint64_t generation;
	struct issued_entry *certificates, *proofs;
	size_t certificate_count, proof_count;
	struct issued_answer *answers;
	size_t answer_count;
};

/*
 * Reads a document; *out borrows it and the arena, which has ISSUED_ARENA_MAX.
 * Both hold private keys: arena_wipe().
 *
 * RC_MALFORMED  no JSON, a member that is missing or of another type, a name
 *               that is no host name in lower case ("*." and one is for a
 *               certificate alone), a token or value of other bytes
 * RC_LIMIT      more than the bounds above
 * On failure *out is untouched.
 */
enum rc issued_read(struct issued *out, struct arena *arena,
		    struct span document);

/* Keeps a document beside a setup's files.  RC_LIMIT: one too many. */
enum rc issued_keep(struct files *f, struct span document);
/* False: none is there.  Borrows f. */
bool issued_find(const struct files *f, struct span *document);

#endif
