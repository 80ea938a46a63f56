/*
 * name: what a host name under the gateway's base domain asks for.
 *
 *   <id>[-<port>][s|g].<base>
 *
 * <id> is an application id or instance id (40 hex digits), or an alias (an
 * LDH label).  The suffix is read from the right: "-443s" passthrough to port
 * 443, "-50051g" HTTP/2 only, "-8080" that port, "-s" passthrough to 443, "-g"
 * HTTP/2 only on 80; nothing: port 80.
 *
 * Exactly one reading of each name: what follows the last hyphen is a suffix
 * when it is digits, then any of 's' and 'g', or those alone; it must then be a
 * good one, and what stands before it must not end in another.  Anything else
 * belongs to the <id>.  So "my-app" is an alias, "app-080", "app-443sg" and
 * "app-80-90" are refused, and no alias may end like a suffix.
 *
 * Source: docs/DESIGN.md §4.
 */
#ifndef POSTERN_SNI_NAME_H
#define POSTERN_SNI_NAME_H

#include "base/rc.h"
#include "base/span.h"

enum {
	NAME_MAX_LEN = 253,
	NAME_LABEL_MAX = 63,
	NAME_ID_HEX_LEN = 40,
};

enum name_kind {
	NAME_APP, /* <id>... under the base */
	NAME_GATEWAY, /* "gateway.<base>" */
	NAME_CUSTOM, /* a name outside the base, or the base itself */
};

enum name_mode {
	NAME_TERMINATE, /* TLS ends at the edge */
	NAME_PASSTHROUGH, /* 's' */
	NAME_H2, /* 'g': terminated, ALPN h2 only */
};

struct name {
	enum name_kind kind;
	enum name_mode mode;
	/* NAME_APP only, zero otherwise: */
	uint16_t port; /* 1..65535 */
	bool id_is_hex; /* 40 hex digits: an app or instance id */
	char id[NAME_LABEL_MAX + 1]; /* lower case */
	char full[NAME_MAX_LEN + 1]; /* lower case, no trailing dot */
};

/*
 * Reads a host name against a base domain (lower case, no dots at its ends).
 * Case does not matter and one trailing dot is dropped.
 *
 * RC_OK         *out is filled
 * RC_MALFORMED  not a host name (RFC 1123 §2.1: LDH labels; an IP address is
 *               none), or a label under the base that no reading of the grammar
 *               gives (s and g together, port 0, leading zero, "gateway" with a
 *               suffix, more than one label, ...)
 *
 * On failure *out is untouched.
 */
enum rc name_parse(struct name *out, struct span host, struct span base);

/* An IP address where a host name belongs (RFC 6066 §3 forbids it, some clients
 * send it): dotted IPv4, or IPv6 without brackets (RFC 4291 §2.2). */
bool name_is_address(struct span host);

/* A base domain as name_parse() takes it. */
bool name_is_base(struct span base);

/* A label that can be an alias: an <id> that is read back as itself, neither
 * 40 hex digits nor "gateway". */
bool name_is_alias(struct span label);

#endif
