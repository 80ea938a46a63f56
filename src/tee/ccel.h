/*
 * ccel: the event log of a trust domain's firmware: what was measured into
 * RTMR0..3 before and while the kernel started.
 *
 * A log is the TCG's crypto-agile one, as ACPI table CCEL points to it: a
 * header in the old form that lists the digest algorithms, then events, then
 * padding.  Events carry the digest that extended a register and data that
 * says what it is of.  Only the digests are bound to a quote: data is a claim
 * of whoever wrote the log unless its digest is the event's, which
 * ccel_is_data_measured() tells.
 *
 * Pure: bytes in, views out.  No allocation.
 *
 * Source: TCG PC Client Platform Firmware Profile 1.06, §10 (log format);
 * UEFI 2.10 §38.4.1 (register indexes on TDX); ACPI 6.5 §5.2.34 (CCEL).
 */
#ifndef POSTERN_TEE_CCEL_H
#define POSTERN_TEE_CCEL_H

#include "base/span.h"
#include "crypto/hash.h"
#include "tee/quote.h"
#include "tee/reason.h"

enum {
	CCEL_MAX = 1024 * 1024, /* bytes of log, padding included */
	CCEL_ALGORITHMS_MAX = 8,
	CCEL_INDEX_MRTD = 0, /* informative: never replayed */
	CCEL_INDEX_RTMR0 = 1, /* to 4: RTMR3 */
	CCEL_EV_NO_ACTION = 3, /* informative: extends nothing */
};

/* A log being read.  Borrows its bytes. */
struct ccel {
	struct span rest;
	unsigned algorithm_count; /* 1..CCEL_ALGORITHMS_MAX */
	struct {
		uint16_t id, digest_len;
	} algorithms[CCEL_ALGORITHMS_MAX];
};

/* One event; its spans borrow the log. */
struct ccel_event {
	uint32_t index; /* CCEL_INDEX_MRTD..4 */
	uint32_t type;
	struct span digest; /* SHA-384, 48 bytes; n == 0: it has none */
	struct span data;
	bool is_extended; /* the digest went into RTMR index - 1 */
};

enum ccel_step {
	CCEL_EVENT, /* *out is the next event */
	CCEL_END, /* only padding (bytes 00 and FF) is left */
	CCEL_MALFORMED,
};

/*
 * Reads the header.  False, *out untouched: longer than CCEL_MAX, not "Spec ID
 * Event03" of version 2.0, an algorithm twice or with another digest length
 * than it has, no SHA-384 among them, bytes left over in the header.
 */
bool ccel_open(struct ccel *out, struct span log);

/*
 * The next event.  CCEL_MALFORMED, and nothing changed: cut short, a register
 * that TDX does not have, a digest of an algorithm the header does not list or
 * twice of one, an event that extends a register without a SHA-384.
 */
enum ccel_step ccel_next(struct ccel *log, struct ccel_event *out);

/* The event's digest is that of its data, so the quote speaks for the data. */
bool ccel_is_data_measured(const struct ccel_event *e);

/* What a log leads to. */
struct ccel_registers {
	struct sha384 rtmr[QUOTE_RTMR_COUNT];
	unsigned event_count[QUOTE_RTMR_COUNT]; /* that extended it */
};

/* TEE_OK, or TEE_LOG_MALFORMED and *out untouched. */
enum tee_reason ccel_replay(struct ccel_registers *out, struct span log);

/*
 * Whether registers replayed from a log are those of a TD's quote.  RTMR0..2
 * must agree, also where the log has no event of one; RTMR3 belongs to the
 * running system, whose events firmware does not log: it is compared only when
 * the log holds events of it.
 *
 * TEE_OK             they agree
 * TEE_LOG_MISMATCH   *rtmr is the first that does not
 * TEE_LOG_MALFORMED  the quote is not a TD's; *rtmr untouched
 */
enum tee_reason ccel_compare(unsigned *rtmr, const struct quote *quote,
			     const struct ccel_registers *registers);

#endif
