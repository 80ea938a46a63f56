/*
 * webname: which host a name in a certificate stands for.
 *
 * A wildcard is "*" as the whole left-most label and stands for just one
 * label; nothing else with a "*" matches anything.  Case does not matter, one
 * trailing dot of the host is dropped.  The common name is never looked at.
 * Internationalised names are compared as A-labels only.
 *
 * Source: RFC 9525 §6.3, §6.4; RFC 5280 §4.2.1.6.
 */
#ifndef POSTERN_PKI_WEBNAME_H
#define POSTERN_PKI_WEBNAME_H

#include "base/span.h"
#include "pki/web.h"

enum {
	WEBNAME_MAX = 253,
	WEBNAME_LABEL_MAX = 63,
};

/* A host name: labels of letters, digits, '-' and '_' (which some hosts have),
 * none empty, no trailing dot; 1..253 bytes. */
bool webname_is_host(struct span name);
/* The same, or "*." and then a host name. */
bool webname_is_pattern(struct span name);

/* 'pattern', a dNSName, stands for 'host'. */
bool webname_matches(struct span pattern, struct span host);

/* Some subjectAltName of the certificate stands for 'host', a name or an IP
 * address as text (IPv6 without brackets). */
bool webname_covers(const struct web_cert *c, struct span host);

/* The address as 4 or 16 bytes; *n says which.  False: not an address. */
bool webname_address(uint8_t out[WEB_IPV6_LEN], size_t *n, struct span text);

#endif
