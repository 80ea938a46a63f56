/*
 * proof: the CAA sets that govern a name, with everything DNSSEC needs to show
 * them to somebody who asks no name server; kept in the evidence and checked at
 * any later time, with getdns.
 *
 * A proof is one sequence of bytes, big-endian, each length tiles exactly:
 *
 *	"postern-dns-proof/1" LF
 *	u8   levels (1..127)
 *	per level, from the name to its top-level domain:
 *	     u16 n, n bytes: the answer to "CAA of this level", a DNS message
 *	         (RFC 1035 §4.1) with its RRSIG, NSEC and NSEC3 records
 *	u24 n, n bytes: the chain: DNSKEY, DS, NSEC.. records and their RRSIGs,
 *	     wire form without compression, one after another as in RFC 9102
 *	     §2.2, up to the anchor, for all levels
 *
 * The level's answer also proves the absence of a set below the one that
 * governs: NSEC or NSEC3 records are in it.  The anchor is not: whoever checks
 * has it.  A proof is good as long as every signature in it is (days to weeks).
 *
 * What cannot be had (a zone without DNSSEC) is in the proof as it was served;
 * checked, it is INSECURE where the absence of a DS record is proved, else
 * BOGUS, never SECURE.
 *
 * Source: RFC 4035 §5; RFC 5155; RFC 9102 §2.2.
 */
#ifndef POSTERN_RESOLVE_PROOF_H
#define POSTERN_RESOLVE_PROOF_H

#include "base/buf.h"
#include "dns/climb.h"
#include "dns/proofform.h"
#include "io/sock.h"

enum {
	PROOF_MAX = PROOFFORM_MAX, /* bytes */
};

/* Where to get one.  Borrowed. */
struct proof_source {
	/* Recursive servers that answer DNSSEC queries, or authoritative ones
	 * that hold every zone in question; tried in turn. */
	const struct sock_addr *servers;
	size_t server_count; /* 1.. */
	struct span anchors; /* as validator_config */
	unsigned timeout_ms; /* for each question */
};

/*
 * Collects a proof for every level of 'name' and appends it to *out.
 *
 * RC_MALFORMED  anchors cannot be read, or the name has no level
 * RC_LIMIT      larger than out's room or PROOF_MAX, or no answer in time
 * RC_CLOSED     no server has an answer
 */
enum rc proof_collect(struct buf *out, const struct proof_source *source,
		      const struct dns_name *name);

/*
 * Checks a proof with 'anchors' at the time 'at' (seconds since 1970) and gives
 * the finished CLIMB_ALL climb of 'name' that it shows, as a live one would be:
 * each level SECURE, INSECURE or BOGUS.
 *
 * RC_MALFORMED  not a proof, or of another name, or an anchor cannot be read
 * RC_LIMIT      no room in the arena
 *
 * On failure *out is untouched.
 */
enum rc proof_check(struct climb *out, struct arena *arena, struct span proof,
		    const struct dns_name *name, struct span anchors,
		    int64_t at);

#endif
