/*
 * validator: look-ups in the world's DNS, each validated by DNSSEC from anchors
 * that the caller gives, with libunbound.  Blocks.
 *
 * Without forwarders it asks from the root downwards; with them it asks these
 * and still validates by itself.  A vantage is a resolver with forwarders of
 * its own (climbing.h compares several).  Answers are kept for at most a
 * minute; whoever has just changed something makes a new resolver.
 *
 * Source: RFC 4035 §4, §5; RFC 1034 §3.6.2 (aliases); libunbound(3).
 */
#ifndef POSTERN_RESOLVE_VALIDATOR_H
#define POSTERN_RESOLVE_VALIDATOR_H

#include "base/arena.h"
#include "base/rc.h"
#include "dns/name.h"
#include "dns/trust.h"
#include "io/sock.h"

enum {
	VALIDATOR_SERVERS_MAX = 16,
	VALIDATOR_STUBS_MAX = 16,
};

/* A zone that is asked for at these servers and nowhere else. */
struct validator_stub {
	const char *zone;
	const struct sock_addr *servers;
	size_t server_count;
};

/* Borrowed for validator_new(). */
struct validator_config {
	/* DS or DNSKEY records, one a line as zone files have them; lines that
	 * begin with ';' are none.  Empty: nothing is ever SECURE. */
	struct span anchors;
	const struct sock_addr *forwarders;
	size_t forwarder_count; /* 0: from the root downwards */
	const struct validator_stub *stubs;
	size_t stub_count;
	/* What validation takes for now, seconds since 1970; 0: the clock. */
	int64_t now;
	/* How long a look-up may take; 0: as long as libunbound likes, which
	 * can be minutes where nobody answers.  With it a thread of
	 * libunbound's asks. */
	unsigned timeout_ms;
};

struct validator;

/*
 * RC_MALFORMED  an anchor or a stub's zone cannot be read
 * RC_LIMIT      over a bound above
 * RC_SYS        libunbound cannot start
 *
 * Returns owned: validator_free().
 */
enum rc validator_new(struct validator **out,
		      const struct validator_config *config);
void validator_free(struct validator *r);
/* For AUTO(). */
void validator_fini(struct validator **r);

/* What a look-up gave.  Spans lie in the arena. */
struct validator_answer {
	enum dns_trust trust;
	/* 0 NOERROR, 3 NXDOMAIN: count says if there is data.  With any other
	 * rcode trust is DNS_FAILED. */
	unsigned rcode;
	struct dns_name at; /* the end of the aliases */
	const struct span *rdatas; /* of the type asked for, at 'at' */
	size_t count; /* 0 too when trust is FAILED or BOGUS */
	uint32_t ttl_s;
	const char *why; /* of FAILED or BOGUS: for a person; "" otherwise */
};

/*
 * Looks the records of a type up, following aliases.  An answer that cannot be
 * had is an answer: DNS_FAILED.  RC_LIMIT: it does not fit into the arena.
 */
enum rc validator_ask(struct validator *r, struct validator_answer *out,
		      struct arena *arena, const struct dns_name *name,
		      unsigned type);

#endif
