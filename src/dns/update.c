#include "dns/update.h"

enum {
	OPCODE = DNS_OPCODE_UPDATE << 11,
	/* The offset of both counts in the header, RFC 2136 §2.2. */
	CONDITIONS_AT = 6,
};

void dns_update_begin(struct dns_update *u, void *p, size_t cap, uint16_t id,
		      const struct dns_name *zone)
{
	*u = (struct dns_update){ .w = wr_over(p, cap) };
	wr_be16(&u->w, id);
	wr_be16(&u->w, OPCODE);
	wr_be16(&u->w, 1);
	wr_zero(&u->w, 6);
	dns_write_name(&u->w, zone);
	wr_be16(&u->w, DNS_SOA);
	wr_be16(&u->w, DNS_IN);
}

static void put(struct dns_update *u, const struct dns_name *name,
		uint16_t type, uint16_t class, uint32_t ttl, struct span rdata)
{
	const struct dns_record r = {
		.owner = *name,
		.type = type,
		.class = class,
		.ttl = ttl,
		.rdata = rdata,
	};

	dns_write_record(&u->w, &r);
}

void dns_update_if_same(struct dns_update *u, const struct dns_name *name,
			uint16_t type, const struct span *rdatas, size_t count)
{
	size_t i;

	/* RFC 2136 §2.4.3: no such set. */
	if (count == 0) {
		put(u, name, type, DNS_CLASS_NONE, 0, (struct span){ 0 });
		u->conditions++;
	}
	/* §2.4.2: the set with just these values. */
	for (i = 0; i < count; i++) {
		put(u, name, type, DNS_IN, 0, rdatas[i]);
		u->conditions++;
	}
}

void dns_update_if_any(struct dns_update *u, const struct dns_name *name,
		       uint16_t type)
{
	/* §2.4.1 */
	put(u, name, type, DNS_CLASS_ANY, 0, (struct span){ 0 });
	u->conditions++;
}

void dns_update_add(struct dns_update *u, const struct dns_name *name,
		    uint16_t type, uint32_t ttl, struct span rdata)
{
	put(u, name, type, DNS_IN, ttl, rdata);
	u->changes++;
}

void dns_update_delete(struct dns_update *u, const struct dns_name *name,
		       uint16_t type, struct span rdata)
{
	/* §2.5.4 */
	put(u, name, type, DNS_CLASS_NONE, 0, rdata);
	u->changes++;
}

void dns_update_delete_set(struct dns_update *u, const struct dns_name *name,
			   uint16_t type)
{
	/* §2.5.2 */
	put(u, name, type, DNS_CLASS_ANY, 0, (struct span){ 0 });
	u->changes++;
}

bool dns_update_end(struct dns_update *u, struct span *out)
{
	struct wr counts;

	if (!wr_done(&u->w, out))
		return false;
	counts = wr_over(u->w.p + CONDITIONS_AT, 2 * sizeof(uint16_t));
	wr_be16(&counts, u->conditions);
	wr_be16(&counts, u->changes);
	return true;
}
