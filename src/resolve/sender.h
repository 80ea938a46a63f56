/*
 * sender: RFC 2136 updates sent to a zone's primary server over TCP, signed by
 * TSIG, the answer's signature checked.  Blocks.
 *
 * Source: RFC 2136; RFC 8945; RFC 7766.
 */
#ifndef POSTERN_RESOLVE_SENDER_H
#define POSTERN_RESOLVE_SENDER_H

#include "dns/tsig.h"
#include "dns/update.h"
#include "io/sock.h"

/* Where and with which key.  Borrowed for each call. */
struct sender {
	struct sock_addr primary;
	const struct tsig_key *key;
	unsigned timeout_ms;
};

enum {
	SENDER_NO_ANSWER = 0xffff,
};

/* What became of an update. */
struct sender_result {
	/* RFC 2136 §2.2, or SENDER_NO_ANSWER: it may or may not be done */
	unsigned rcode;
	enum tsig_verdict signature; /* of the answer */
	unsigned tsig_error; /* the server's, RFC 8945 §3; 0: none */
	int64_t server_time; /* with BADTIME: its clock; 0 otherwise */
};

/*
 * Sends a finished update.  RC_OK: the answer was NOERROR and well signed.
 *
 * RC_DENIED   the server refused it; *result says how
 * RC_STALE    a prerequisite did not hold (YXDOMAIN, YXRRSET, NXRRSET,
 *             NXDOMAIN): somebody else changed the set
 * RC_CRYPTO   it says NOERROR without a good signature, or the server does not
 *             take ours: BADKEY, BADSIG, BADTIME
 * RC_MALFORMED  the answer is none to this
 * RC_LIMIT      no answer in time, or too large an update
 * RC_SYS        no connection; errno says
 */
enum rc sender_send(struct sender_result *result, const struct sender *s,
		    struct span update);

/* Adds or removes one TXT value; others at the name stay. */
enum rc sender_txt_add(struct sender_result *result, const struct sender *s,
		       const struct dns_name *zone, const struct dns_name *name,
		       uint32_t ttl_s, struct span text);
enum rc sender_txt_remove(struct sender_result *result, const struct sender *s,
			  const struct dns_name *zone,
			  const struct dns_name *name, struct span text);

/*
 * Replaces the CAA set of a name in one step, if it still is 'before' (RDATA;
 * count 0: no record).  There is no moment with neither set.  RC_STALE: it was
 * another.
 */
enum rc sender_caa_swap(struct sender_result *result, const struct sender *s,
			const struct dns_name *zone,
			const struct dns_name *name, uint32_t ttl_s,
			const struct span *before, size_t before_count,
			const struct span *after, size_t after_count);

#endif
