/*
 * endpoint: where a peer is on the outer network: an IP address and UDP port.
 *
 * The room's own form of it, since protocol rooms know no sockets.
 */
#ifndef POSTERN_WIREGUARD_ENDPOINT_H
#define POSTERN_WIREGUARD_ENDPOINT_H

#include "base/span.h"
#include "base/wr.h"

enum {
	ENDPOINT_KEY_MAX = 18,
	ENDPOINT_SCOPE_MAX = 15, /* bytes of an interface's name */
};

struct endpoint {
	bool is_v6;
	uint16_t port; /* host order; never 0 in a parsed one */
	uint32_t scope_id; /* interface of a link-local IPv6 address, else 0 */
	uint8_t ip[16]; /* network order; the first 4 for IPv4 */
	/* our own address that it spoke to and is answered from, when known;
	 * no part of where it is */
	bool has_local;
	uint8_t local[16];
};

/*
 * "192.0.2.1:51820", "[2001:db8::1]:51820", "[fe80::1%3]:51820" (the scope as
 * a number).  False when it is none of these or the port is 0.
 */
bool endpoint_parse(struct endpoint *out, struct span text);
/*
 * Also "[fe80::1%eth0]:51820": 'scope' is then the name, and scope_id is for
 * the caller to fill in, since only a kernel knows it; otherwise it is empty.
 */
bool endpoint_parse_scoped(struct endpoint *out,
			   char scope[ENDPOINT_SCOPE_MAX + 1],
			   struct span text);
/* The same forms, written. */
void endpoint_write(struct wr *w, const struct endpoint *e);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
/* Address bytes then the port, big-endian, to out[0 .. n returned). */
size_t endpoint_key(uint8_t out[ENDPOINT_KEY_MAX], const struct endpoint *e);

/* An IP address in its usual text form; 4 or 16 bytes.  False otherwise. */
bool endpoint_ip_parse(uint8_t out[16], bool *is_v6, struct span text);
void endpoint_ip_write(struct wr *w, const uint8_t ip[16], bool is_v6);

#endif
