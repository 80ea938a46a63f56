/*
 * tsig: messages signed with a key that both sides have.
 *
 * HMAC with SHA-256, SHA-384 or SHA-512, whole; the older ones and truncated
 * MACs are refused (RFC 8945 §6, §5.2.2.1).
 *
 * Pure: the time is an input.
 *
 * Source: RFC 8945.
 */
#ifndef POSTERN_DNS_TSIG_H
#define POSTERN_DNS_TSIG_H

#include "base/rc.h"
#include "base/secret.h"
#include "dns/message.h"

enum {
	TSIG_SECRET_MAX = 128,
	TSIG_MAC_MAX = 64,
	TSIG_FUDGE_S = 300, /* RFC 8945 §10 */
};

enum tsig_algorithm {
	TSIG_SHA256,
	TSIG_SHA384,
	TSIG_SHA512,
	TSIG_ALGORITHMS,
};

struct tsig_key {
	struct dns_name name;
	enum tsig_algorithm algorithm;
	uint8_t secret[TSIG_SECRET_MAX];
	size_t secret_len;
};

/*
 * Reads a key: its name, "hmac-sha256" (-sha384, -sha512; a dot at the end and
 * letter case do not matter), and its secret in base64.
 *
 * RC_MALFORMED    no name or no base64; fewer than 16 bytes
 * RC_UNSUPPORTED  another algorithm
 * RC_LIMIT        a longer secret than TSIG_SECRET_MAX
 */
enum rc tsig_key_read(struct tsig_key *out, struct span name,
		      struct span algorithm, struct span secret);
/* For AUTO(). */
void tsig_key_wipe(struct tsig_key *k);

struct tsig_mac {
	uint8_t b[TSIG_MAC_MAX];
	size_t n;
};

/*
 * Signs the message that 'w' holds, and nothing else, by appending a TSIG
 * record; 'mac' is what the answer's signature will cover.  An overflow is in
 * the writer.
 */
void tsig_sign(struct wr *w, struct tsig_mac *mac, const struct tsig_key *key,
	       int64_t now);

enum tsig_verdict {
	TSIG_GOOD,
	TSIG_ABSENT, /* not signed at all */
	/* The record says that no MAC could be made: BADKEY or BADSIG.  Nobody
	 * vouches for such an answer (RFC 8945 §5.3.2). */
	TSIG_UNSIGNED,
	TSIG_WRONG_KEY, /* another key or algorithm than ours */
	TSIG_WRONG_MAC,
	TSIG_WRONG_TIME, /* the MAC is right, the time is not */
	TSIG_MALFORMED,
};
/* "good", "absent", ... */
const char *tsig_verdict_name(enum tsig_verdict v);

struct tsig_report {
	enum tsig_verdict verdict;
	unsigned error; /* the server's, RFC 8945 §3: 0 or DNS_BAD* */
	/* With error BADTIME: the server's clock; else 0.  Believe it of GOOD
	 * and WRONG_TIME only. */
	int64_t server_time;
};

/* Checks the answer to a message whose MAC was 'request'. */
void tsig_verify(struct tsig_report *out, struct span message,
		 const struct tsig_key *key, const struct tsig_mac *request,
		 int64_t now);

#endif
