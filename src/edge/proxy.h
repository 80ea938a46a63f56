/*
 * proxy: the PROXY protocol header before a stream, that tells who the client
 * is: written to backends whose manifest asks, read only from listed sources.
 *
 * Read more strictly than the specification asks: TCP alone, canonical
 * addresses, lengths that tile, no element twice.  A stranger's header is never
 * read: its bytes are then no TLS, and refused.
 *
 * Source: haproxy.org, proxy-protocol.txt §2.1 (version 1), §2.2 (version 2).
 */
#ifndef POSTERN_EDGE_PROXY_H
#define POSTERN_EDGE_PROXY_H

#include "base/wr.h"
#include "io/sock.h"

enum {
	PROXY_ID_MAX = 128, /* bytes of PP2_TYPE_UNIQUE_ID, §2.2.5 */
	PROXY_ALPN_MAX = 255,
	PROXY_NAME_MAX = 255,
	PROXY_VERSION_MAX = 16, /* "TLSv1.3" */
	PROXY_CN_MAX = 64,
	PROXY_DIGEST_LEN = 32,
	/* PP2_TYPE_SSL with two elements inside, and the digest's. */
	PROXY_TLS_MAX = 3 + 5 + 3 + PROXY_VERSION_MAX + 3 + PROXY_CN_MAX + 3 +
			PROXY_DIGEST_LEN,
	/* Header, two IPv6 addresses, elements of 3 bytes and content. */
	PROXY_MAX = 16 + 36 + 3 * 3 + PROXY_ALPN_MAX + PROXY_NAME_MAX +
		    PROXY_ID_MAX + PROXY_TLS_MAX,
	PROXY_READ_MAX = 2048, /* of a header read */
};

enum proxy_version {
	PROXY_NONE,
	PROXY_V1,
	PROXY_V2,
};

/* TLS that ended at who writes the header: PP2_TYPE_SSL, §2.2.6. */
struct proxy_tls {
	struct span version; /* PP2_SUBTYPE_SSL_VERSION; at most 16 bytes */
	/* The client's certificate, verified; n == 0: there is none. */
	struct span digest; /* SHA-256 of its DER; our own element, 0xe4 */
	struct span common_name; /* PP2_SUBTYPE_SSL_CN, at most 64; or empty */
	bool is_resumed; /* it was shown when the session began */
};

/* Elements of version 2; each may be empty.  Version 1 has none. */
struct proxy_extra {
	struct span alpn, name, id; /* PP2_TYPE_ALPN, _AUTHORITY, _UNIQUE_ID */
	const struct proxy_tls *tls; /* or NULL; written alone, never read */
};

/*
 * TCP over IPv4 or IPv6; LOCAL or UNKNOWN, without addresses, when the two are
 * of another or of different families.
 */
void proxy_write(struct wr *w, enum proxy_version version,
		 const struct sock_addr *from, const struct sock_addr *to,
		 const struct proxy_extra *extra);

enum proxy_status {
	PROXY_MORE,
	PROXY_DONE, /* 'out' is filled */
	PROXY_MALFORMED,
};

struct proxy_header {
	size_t n; /* bytes it took */
	/* LOCAL or UNKNOWN: the sender speaks for itself, as a health check. */
	bool is_local;
	struct sock_addr from, to;
	struct proxy_extra extra; /* borrows the bytes */
};

/* 'bytes' begin with the header, of either version, and have at least those of
 * the call before.  Only PROXY_DONE writes 'out'. */
enum proxy_status proxy_read(struct proxy_header *out, struct span bytes);

#endif
