/*
 * reason: why collateral could not be had.  The names are stable: logs, the
 * command's output and the tests use them.
 */
#ifndef POSTERN_PCS_REASON_H
#define POSTERN_PCS_REASON_H

/* X(CONSTANT, "stable-name").  Append only; nobody renames. */
#define PCS_REASONS(X) \
	X(PCS_OK, "ok") \
	/* no whole answer */ \
	X(PCS_UNREACHABLE, "server-unreachable") \
	X(PCS_TLS, "server-certificate-refused") \
	X(PCS_TIMEOUT, "server-timeout") \
	X(PCS_CUT, "answer-incomplete") \
	X(PCS_TOO_LARGE, "answer-too-large") \
	X(PCS_STOPPED, "stopped") \
	/* an answer that is a refusal */ \
	X(PCS_REDIRECT, "server-redirects") \
	X(PCS_BAD_REQUEST, "request-refused") \
	X(PCS_KEY, "key-required") \
	X(PCS_NOT_FOUND, "not-found") \
	X(PCS_RETIRED, "tcb-evaluation-retired") \
	X(PCS_BUSY, "server-busy") \
	X(PCS_PLATFORM, "platform-unknown") \
	X(PCS_NO_DATA, "no-cached-data") \
	X(PCS_SERVER, "server-error") \
	X(PCS_STATUS, "status-unexpected") \
	/* an answer that is not what was asked for */ \
	X(PCS_FORM, "answer-malformed") \
	X(PCS_CHAIN, "issuer-chain-missing") \
	X(PCS_REFUSED, "collateral-refused") \
	X(PCS_OTHER, "collateral-of-another-platform") \
	X(PCS_WENT_BACK, "tcb-evaluation-went-back") \
	X(PCS_OLDER, "collateral-went-back") \
	/* here */ \
	X(PCS_STORE, "store-failed") \
	X(PCS_NOTHING, "nothing-stored")

enum pcs_reason {
#define X(constant, name) constant,
	PCS_REASONS(X)
#undef X
	PCS_REASON_COUNT,
};

enum {
	PCS_DETAIL_MAX = 320,
};

/* What went wrong.  Zeroed: nothing. */
struct pcs_error {
	enum pcs_reason reason;
	unsigned retry_after_s; /* what the server asked for; 0: nothing */
	char detail[PCS_DETAIL_MAX]; /* for a person; says which document */
};

/* The stable name; never NULL. */
const char *pcs_reason_name(enum pcs_reason reason);

/* Fills *e and gives the reason back. */
enum pcs_reason pcs_fail(struct pcs_error *e, enum pcs_reason reason,
			 const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
