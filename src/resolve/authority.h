/*
 * authority: what each authoritative name server of a zone serves now, asked
 * of it directly.  Blocks.
 *
 * A CA asks any of them, from several places; a record counts as published
 * when every address of every one has it and none has what should be gone.
 *
 * Source: RFC 1034 §4.2.1 (zone cuts); RFC 2181 §6.1; RFC 7766 (TCP);
 *         RFC 6891 (EDNS); RFC 8555 §8.4 (dns-01).
 */
#ifndef POSTERN_RESOLVE_AUTHORITY_H
#define POSTERN_RESOLVE_AUTHORITY_H

#include "dns/message.h"
#include "resolve/validator.h"

enum {
	AUTHORITY_SERVERS_MAX = 64, /* addresses */
	AUTHORITY_VALUES_MAX = 32,
	AUTHORITY_ALIASES_MAX = 8, /* CNAMEs one after another */
};

struct authority_server {
	struct dns_name name; /* as the NS record has it */
	struct sock_addr address;
};

/* The zone that holds a name, and who serves it. */
struct authority {
	struct dns_name zone;
	/* Where the name's aliases led; the name itself: none. */
	struct dns_name target;
	struct authority_server servers[AUTHORITY_SERVERS_MAX];
	size_t count;
	size_t unresolved; /* NS names without any address */
	uint32_t negative_ttl_s; /* RFC 2308 §5: how long absence is kept */
	enum dns_trust trust; /* of what led here */
};

/*
 * Finds them for the end of the name's CNAMEs (a delegated challenge).  'port'
 * is 53 but for tests.
 *
 * RC_DENIED  no zone or no name server's address can be found
 * RC_LIMIT   over a bound above, or aliases go in a circle
 */
enum rc authority_find(struct authority *out, struct validator *r,
		       const struct dns_name *name, uint16_t port);

/* What one server says of a name and type. */
enum authority_state {
	AUTHORITY_AS_WANTED,
	AUTHORITY_MISSING, /* a value that should be there is not */
	AUTHORITY_STALE, /* a value that should be gone is still there */
	AUTHORITY_SILENT, /* no answer */
	AUTHORITY_ERROR, /* an rcode, or not authoritative for it */
};
const char *authority_state_name(enum authority_state s);

/* Every value in 'present' has to be there, none of 'absent' may be; with
 * 'exactly', no other either.  Values are RDATA. */
struct authority_want {
	unsigned type;
	const struct span *present, *absent;
	size_t present_count, absent_count;
	bool exactly;
};

struct authority_report {
	enum authority_state states[AUTHORITY_SERVERS_MAX];
	uint8_t rcodes[AUTHORITY_SERVERS_MAX]; /* of ERROR */
	size_t as_wanted; /* how many are */
};

/* Asks each once, timeout_ms each. */
void authority_check(struct authority_report *out, const struct authority *a,
		     const struct authority_want *want, unsigned timeout_ms);

/*
 * Asks again and again until all are as wanted.  RC_LIMIT: not within wait_ms;
 * *out is the last look.
 */
enum rc authority_wait(struct authority_report *out, const struct authority *a,
		       const struct authority_want *want, unsigned wait_ms);

#endif
