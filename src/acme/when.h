/*
 * when: the times of ACME answers: RFC 3339 stamps and the Retry-After field.
 *
 * Source: RFC 3339 §5.6; RFC 9110 §10.2.3 (Retry-After), §5.6.7 (IMF-fixdate).
 */
#ifndef POSTERN_ACME_WHEN_H
#define POSTERN_ACME_WHEN_H

#include "base/span.h"
#include "web/exchange.h"

/*
 * Seconds since 1970 of a stamp with any offset; a fraction is cut off, a leap
 * second is the one before it.  False, and nothing written, for anything else.
 */
bool when_stamp(int64_t *unix_s, struct span text);

/*
 * When the answer allows another try: a number of seconds from 'now' on, or a
 * date.  0: it does not say, or says it twice or in no known form.  Never more
 * than WHEN_RETRY_MAX after now, and never before it.
 */
enum {
	WHEN_RETRY_MAX = 8 * 86'400,
};
int64_t when_retry(const struct web_answer *a, int64_t now);

#endif
