/*
 * order: the order object and what is said to make and finalize one.
 *
 * Source: RFC 8555 §7.1.3, §7.1.6, §7.4; RFC 9773 §5 (replaces);
 * draft-ietf-acme-profiles §4 (profile).
 */
#ifndef POSTERN_ACME_ORDER_H
#define POSTERN_ACME_ORDER_H

#include "acme/directory.h"
#include "acme/name.h"
#include "acme/problem.h"
#include "base/buf.h"

enum order_status {
	ORDER_PENDING,
	ORDER_READY,
	ORDER_PROCESSING,
	ORDER_VALID,
	ORDER_INVALID,
};

enum {
	ORDER_REPLACES_MAX = 128, /* an ARI certificate identifier */
};

/* What newOrder asks for.  Borrows. */
struct order_wish {
	const struct names *names;
	const char *profile; /* NULL or empty: the CA's own choice */
	const char *replaces; /* NULL or empty: it replaces none */
	int64_t not_before, not_after; /* 0: not asked for */
};

struct order_view {
	enum order_status status;
	int64_t expires_at; /* 0: not said */
	size_t authz_count;
	char authz[NAMES_MAX][ACME_URL_MAX];
	char finalize[ACME_URL_MAX];
	char certificate[ACME_URL_MAX]; /* empty until ORDER_VALID */
	bool has_error;
	struct problem error;
};

enum rc order_new_payload(struct buf *out, const struct order_wish *w);
/* Of newAuthz (§7.4.1). */
enum rc order_authz_payload(struct buf *out, const struct name *n);
enum rc order_finalize_payload(struct buf *out, struct span csr);
/* Of an authorization that is not needed any more (§7.5.2). */
enum rc order_deactivate_payload(struct buf *out);
/* Of revokeCert (§7.6); reason 0 is not written. */
enum rc order_revoke_payload(struct buf *out, struct span certificate,
			     unsigned reason);

/*
 * Reads an order object.  RC_MALFORMED: not one; its names are not 'names';
 * it has no or too many authorizations; a valid one has no certificate.  On
 * failure *out is in no certain state.
 */
enum rc order_read(struct order_view *out, const struct names *names,
		   struct span json, const char *base);

#endif
