/*
 * rc: why a function failed, said in terms of what the caller can do about it.
 *
 * A code tells the reaction, not the line of code.  An answer (a verdict, a
 * miss, "need more") is never an rc: it is the module's own enum.
 */
#ifndef POSTERN_BASE_RC_H
#define POSTERN_BASE_RC_H

enum [[nodiscard]] rc{
	RC_OK = 0,
	RC_MALFORMED, /* the bytes break their grammar; refuse the sender */
	RC_UNSUPPORTED, /* well formed, but a version or option we do not do */
	RC_LIMIT, /* a bound of ours was reached; try later or smaller */
	RC_DENIED, /* understood and not allowed */
	RC_STALE, /* was right once: expired, replayed, superseded */
	RC_CLOSED, /* the other side is gone */
	RC_SYS, /* a system call failed; errno says why, read it now */
	RC_CRYPTO, /* a check or operation of the crypto library failed */
};

/* The stable lower-case name of a code, for logs: "ok", "malformed", ... */
const char *rc_name(enum rc rc);

#endif
