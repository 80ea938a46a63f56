/*
 * update: RFC 2136 messages: conditions, and what is to be done if all hold,
 * in one step.
 *
 *	dns_update_begin(&u, buffer..., id, &zone);
 *	dns_update_if_same(&u, &name, DNS_CAA, before, before_count);
 *	dns_update_delete_set(&u, &name, DNS_CAA);
 *	dns_update_add(&u, &name, DNS_CAA, ttl, rdata);
 *	ok = dns_update_end(&u, &message);
 *
 * Conditions come before changes.  The message is then signed (tsig.h).
 *
 * Pure.
 *
 * Source: RFC 2136 §2 (format), §3 (what a server makes of it).
 */
#ifndef POSTERN_DNS_UPDATE_H
#define POSTERN_DNS_UPDATE_H

#include "dns/message.h"

/* One being written. */
struct dns_update {
	struct wr w;
	uint16_t conditions, changes;
};

/* Over the caller's buffer of 'cap' bytes. */
void dns_update_begin(struct dns_update *u, void *p, size_t cap, uint16_t id,
		      const struct dns_name *zone);

/* Only if the set is exactly these RDATA, in any order; of none: if there is no
 * record of the type at the name. */
void dns_update_if_same(struct dns_update *u, const struct dns_name *name,
			uint16_t type, const struct span *rdatas, size_t count);
/* Only if some record of the type is there. */
void dns_update_if_any(struct dns_update *u, const struct dns_name *name,
		       uint16_t type);

void dns_update_add(struct dns_update *u, const struct dns_name *name,
		    uint16_t type, uint32_t ttl, struct span rdata);
void dns_update_delete(struct dns_update *u, const struct dns_name *name,
		       uint16_t type, struct span rdata);
void dns_update_delete_set(struct dns_update *u, const struct dns_name *name,
			   uint16_t type);

/* False: it did not fit. */
bool dns_update_end(struct dns_update *u, struct span *out);

#endif
