/*
 * bind: what ties an accepted quote to whoever asked for it and to what ran:
 * its report data, and event logs that must lead to its registers.
 *
 * Each takes a verdict and does nothing unless that is an acceptance; a
 * disagreement turns it into a refusal with reason and detail.  The quote's
 * bytes, which the verdict borrows, must still be there.
 */
#ifndef POSTERN_TEE_BIND_H
#define POSTERN_TEE_BIND_H

#include "tee/eventlog.h"
#include "tee/verify.h"

/*
 * The report data is 'expected', at most QUOTE_REPORT_DATA_LEN bytes, and zero
 * after it; TEE_REPORT_DATA otherwise.
 */
void tee_bind_report_data(struct tee_verdict *v, struct span expected);

/*
 * The log in dstack's form agrees: see eventlog_check().  Gives what the
 * platform's events state; *identity is untouched after a refusal.
 */
void tee_bind_runtime_log(struct tee_verdict *v,
			  struct eventlog_identity *identity, struct span log);

/* The firmware's log agrees: see ccel_compare(). */
void tee_bind_firmware_log(struct tee_verdict *v, struct span log);

#endif
