/*
 * page: the status page of a gateway, one HTML document that loads nothing and
 * runs nothing, and is read on a phone as well as on a wide screen.
 *
 * It is everyone's: apps by name, how fresh their evidence is, and sums.  No
 * address, key or node of a CVM.  Every text is escaped, wherever it is from.
 *
 * Pure: facts in, text out.
 */
#ifndef POSTERN_REGISTRAR_PAGE_H
#define POSTERN_REGISTRAR_PAGE_H

#include "base/buf.h"

enum {
	PAGE_MAX = 4 * 1024 * 1024,
	PAGE_TUNNELS_MAX = 500, /* shown; the rest is counted */
	PAGE_REFRESH_S = 10,
};

struct page_tunnel {
	const char *app, *tcb;
	const uint8_t *instance_id; /* its first 4 bytes are shown */
	int64_t evidence_age_s, left_s;
	int64_t handshake_age_s; /* -1: none yet */
};

/* What the edge says; its certificate's first name, or "". */
struct page_live {
	uint64_t connections, connections_per_s, handshakes_per_s;
	uint64_t refused_per_s, up_per_s, down_per_s; /* bytes */
	char certificate[256];
	int64_t certificate_left_s;
};

struct page {
	const char *base, *node, *version, *app_id;
	bool is_simulated;
	uint64_t lease_s, uptime_s;
	size_t tunnel_total; /* of which these are shown */
	const struct page_tunnel *tunnels;
	size_t tunnel_count;
	const struct page_live *live; /* NULL: the edge does not answer */
};

/* False: it does not fit. */
[[nodiscard]] bool page_write(struct buf *out, const struct page *p);

#endif
