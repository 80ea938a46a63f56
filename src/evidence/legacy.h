/*
 * legacy: the four files that dstack-ingress serves below /evidences/, written
 * byte for byte as it writes them, and read strictly.
 *
 *   acme-account.json   the account: {"uri":"https://..."} and more
 *   cert-<name>.pem     one chain a name, leaf first; in older releases the
 *                       single file cert.pem
 *   sha256sum.txt       `sha256sum acme-account.json cert-*.pem`
 *   quote.json          the guest agent's reply to GetQuote
 *
 * report_data = SHA-256(sha256sum.txt) || 32 bytes, which are zero there and in
 * our strict mode, and SHA-256(core) in evidence of version 2.
 *
 * Stricter than sha256sum -c: the account first, then one or more certificates
 * in ascending order of bytes; no other name, none twice, no CR, no escape, no
 * binary mark, a line end behind every line.  Who reads a list differently from
 * us would believe in other files.
 *
 * Pure.
 *
 * Source: dstack-ingress, generate-evidences.sh (format only); GNU coreutils
 * manual, sha256sum; dstack guest agent, GetQuote.
 */
#ifndef POSTERN_EVIDENCE_LEGACY_H
#define POSTERN_EVIDENCE_LEGACY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/rc.h"
#include "crypto/hash.h"
#include "tee/quote.h"

#define LEGACY_ACCOUNT "acme-account.json"
#define LEGACY_SUMS "sha256sum.txt"
#define LEGACY_QUOTE "quote.json"

enum {
	LEGACY_FILES_MAX = 33, /* the account and 32 names */
	LEGACY_SUMS_MAX = 16 * 1024,
	LEGACY_ACCOUNT_MAX = 64 * 1024,
	LEGACY_CHAIN_MAX = 64 * 1024,
	LEGACY_QUOTE_MAX = 512 * 1024,
	LEGACY_URI_MAX = 512,
	LEGACY_NAME_MAX = 270, /* of a file: "cert-", a name, ".pem" */
};

/* One line of sha256sum.txt, or one file with its content. */
struct legacy_file {
	struct span name; /* of the file */
	struct sha256 hash;
};
struct legacy_sums {
	struct legacy_file files[LEGACY_FILES_MAX]; /* [0]: the account */
	size_t count;
};

/*
 * RC_OK         *out is filled; it borrows 'text'
 * RC_MALFORMED  anything that is not as above
 * RC_LIMIT      more than LEGACY_FILES_MAX lines, or over LEGACY_SUMS_MAX
 *
 * On failure *out is untouched.
 */
enum rc legacy_sums_read(struct legacy_sums *out, struct span text);
/* Appends the text.  RC_MALFORMED: not what legacy_sums_read() takes; RC_LIMIT:
 * it does not fit.  *out is unchanged then. */
enum rc legacy_sums_write(struct buf *out, const struct legacy_sums *sums);

/*
 * The name of the certificate's file for a host name, which may begin with
 * "*.": "cert-" name ".pem".  False: no such name, or it does not fit.
 */
bool legacy_cert_name(char out[LEGACY_NAME_MAX], struct span host);
/* Whose file it is: the host name, "" for cert.pem.  False: no such file. */
bool legacy_cert_host(struct span *host, struct span file);

/*
 * The account's URI: a top-level "uri" (certbot), "registration"."accountURL"
 * (lego 5) or "registration"."uri" (lego 4).  The text is in the arena.
 *
 * RC_MALFORMED  no strict JSON, none of the members, two that differ, or what
 *               is no https URI of visible ASCII
 * RC_LIMIT      larger than LEGACY_ACCOUNT_MAX, or no room in the arena
 */
enum rc legacy_account_read(struct span *uri, struct arena *arena,
			    struct span json);
/* Appends {"body":{},"uri":...,"registration":{"accountURL":...}}: nothing
 * that is private.  RC_MALFORMED: no such URI; RC_LIMIT: no room. */
enum rc legacy_account_write(struct buf *out, struct span uri);

/* GetQuote's reply; a span with n == 0: not there. */
struct legacy_quote {
	struct span quote; /* binary */
	struct span event_log; /* JSON text, as in tee/eventlog.h */
	struct span report_data; /* binary, 64 bytes */
	struct span vm_config; /* JSON text */
	struct span attestation; /* binary, of a form of dstack's own */
};
/*
 * "quote" must be there, in hex; the others may be missing or empty.  Unknown
 * members are passed over: agents of later versions have more.  Bytes are in
 * the arena.
 *
 * RC_MALFORMED  no strict JSON, or a member that is not of its form
 * RC_LIMIT      larger than LEGACY_QUOTE_MAX, or no room in the arena
 */
enum rc legacy_quote_read(struct legacy_quote *out, struct arena *arena,
			  struct span json);
/* Appends the reply, in the agent's order.  RC_LIMIT: no room. */
enum rc legacy_quote_write(struct buf *out, const struct legacy_quote *quote);

/* 'core' is NULL in strict mode. */
void legacy_report_data(uint8_t out[QUOTE_REPORT_DATA_LEN], struct span sums,
			const struct sha256 *core);

#endif
