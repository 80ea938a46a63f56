/*
 * standing: how accounts, certificates and records stand, as JSON for the
 * operator.
 *
 * Pure.
 */
#ifndef POSTERN_CERTD_STANDING_H
#define POSTERN_CERTD_STANDING_H

#include "acme/ledger.h"
#include "certd/ca.h"
#include "certd/pins.h"
#include "certd/slot.h"

enum {
	STANDING_MAX = 256 * 1024,
};

/* A CA and its account, as the issuer has them. */
struct authority_entry {
	struct ca *ca;
	int64_t look_at; /* when its account is to be looked at */
	char why[NODE_ERROR_MAX]; /* it is not ready */
};

/* An array each, appended.  RC_LIMIT: it does not fit. */
enum rc standing_accounts(struct buf *out, const struct authority_entry *cas,
			  size_t count);
enum rc standing_certificates(struct buf *out, const struct slot *slots,
			      size_t count);
enum rc standing_caa(struct buf *out, const struct pins *pins,
		     const struct pins_view *views);
/* Orders of each CA that count against our limit at 'now'. */
enum rc standing_ledger(struct buf *out, const struct ledger *l, int64_t now);

#endif
