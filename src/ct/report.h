/*
 * report: a Certificate Problem Report about a certificate that should not be,
 * in plain English for a person to read and send.
 *
 * Source: CA/Browser Forum Baseline Requirements §4.9.1.1, §4.9.3, §4.9.5.
 */
#ifndef POSTERN_CT_REPORT_H
#define POSTERN_CT_REPORT_H

#include "base/buf.h"
#include "ct/history.h"

enum {
	REPORT_MAX = 64 * 1024, /* bytes of one */
	REPORT_NAMES_MAX = 100, /* names listed one by one */
};

struct report_facts {
	/* the account that CAA allows; n == 0: not known */
	struct span account_uri;
	int64_t holds_at; /* unix seconds: CAA had to be heeded since */
	int64_t now;
};
/* Appends the report.  False: it does not fit, and nothing is appended. */
[[nodiscard]] bool report_write(struct buf *to, const struct history_cert *c,
				const struct report_facts *facts);

#endif
