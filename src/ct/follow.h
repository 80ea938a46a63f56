/*
 * follow: reading one CT log to its end, again and again: every entry, against
 * every head it signs.
 *
 * A head counts only when the log signed it; entries are believed when a signed
 * head's root is the root over them, and reading begins again at the last such
 * place when it is not. Entries are reported as they come, so that an alarm
 * does not wait for that proof. What the log signed and cannot prove to be one
 * growing tree is reported with both heads.
 *
 * The caller performs requests and keeps the time: follow_next() says what to
 * ask or until when to wait, follow_take() takes the answer. Memory is one
 * answer and what is made of it. The position is bytes that the caller keeps.
 *
 * Source: RFC 6962 §4, §5.3; C2SP static-ct-api (monitoring APIs).
 */
#ifndef POSTERN_CT_FOLLOW_H
#define POSTERN_CT_FOLLOW_H

#include "ct/heads.h"
#include "ct/logentry.h"
#include "web/exchange.h"

enum {
	FOLLOW_POLL_S = 60, /* between two questions for a head */
	FOLLOW_RETRY_MIN_S = 2,
	FOLLOW_RETRY_MAX_S = 3600,
	FOLLOW_STALE_S = 86400, /* a head at least this old is an alarm */
	FOLLOW_FUTURE_S = 300, /* how far a log's clock may be ahead */
	FOLLOW_TILE_MAX = 48 * 1024 * 1024, /* bytes of a data tile */
	FOLLOW_POSITION_MAX = HEADS_BYTES_MAX + 64,
};

enum follow_alarm_kind {
	FOLLOW_BAD_SIGNATURE, /* a head that the log did not sign */
	FOLLOW_INCONSISTENT, /* two signed heads cannot both be true */
	FOLLOW_ROOT_MISMATCH, /* the entries do not make the signed tree */
	FOLLOW_STALE, /* the newest head is old */
	FOLLOW_FUTURE, /* a head from the future */
	FOLLOW_BAD_ANSWER, /* an answer that cannot be read */
	FOLLOW_NO_ANSWER, /* no answer, or an HTTP error */
	FOLLOW_TOO_MANY_HEADS, /* more unproven heads than can be kept */
	FOLLOW_ALARM_COUNT,
};
/* "bad_signature", "inconsistent", ... */
const char *follow_alarm_name(enum follow_alarm_kind kind);
/* The log itself is at fault, and not the way to it. */
bool follow_alarm_convicts(enum follow_alarm_kind kind);

struct follow_alarm {
	enum follow_alarm_kind kind;
	unsigned status; /* NO_ANSWER: of HTTP; 0: none came */
	/* INCONSISTENT: both; ROOT_MISMATCH, STALE, FUTURE, BAD_SIGNATURE: the
	 * first; others NULL */
	const struct sth *first, *second;
};

/* Whom to tell.  Nothing given to these lives longer than the call. */
struct follow_sink {
	void *arg;
	/* An entry that cannot be read comes as NULL; 'leaf' is what the tree
	 * has (for tiled logs empty, when it is known). */
	void (*entry)(void *arg, uint64_t index, const struct logentry *entry,
		      struct span leaf);
	/* A head the log signed, seen for the first time: to be kept. */
	void (*head)(void *arg, const struct sth *sth);
	/* All up to here is proven; follow_position() has changed. */
	void (*proven)(void *arg, const struct tree_head *head);
	void (*alarm)(void *arg, const struct follow_alarm *alarm);
};

enum follow_start {
	FOLLOW_FROM_BEGINNING,
	FOLLOW_FROM_END, /* only entries after the first head */
};

/* Spans are borrowed for the follower's life. */
struct follow_config {
	bool is_tiled;
	struct span url; /* RFC 6962: the log's; tiled: monitoring prefix */
	struct span spki; /* the log's key */
	struct span origin; /* tiled: of its checkpoints */
	enum follow_start start;
	unsigned poll_s; /* 0: FOLLOW_POLL_S */
	unsigned batch; /* entries a question; 0: RFC6962_COUNT_MAX */
	struct follow_sink sink;
};

struct follow;
/* Returns owned: follow_free(). */
struct follow *follow_new(const struct follow_config *config);
void follow_free(struct follow *f);
/* For AUTO(). */
void follow_auto(struct follow **f);

/* Goes on where follow_position() was written.  RC_MALFORMED: not such bytes,
 * or of another log; then nothing has changed. */
enum rc follow_resume(struct follow *f, struct span position);
void follow_position(const struct follow *f, struct wr *w);

/* A head that somebody else has of this log: to be proven consistent, too.
 * False: the log did not sign it. */
[[nodiscard]] bool follow_offer(struct follow *f, const struct sth *sth);

enum follow_want {
	FOLLOW_ASK, /* perform *ask, then follow_take() */
	FOLLOW_WAIT, /* nothing before *until */
};
/* 'ask' is the caller's, begun anew here.  now and *until in unix seconds. */
enum follow_want follow_next(struct follow *f, struct web_ask *ask,
			     int64_t *until, int64_t now);
/* The answer to the last FOLLOW_ASK; NULL: there was none. */
void follow_take(struct follow *f, const struct web_answer *answer,
		 int64_t now);

struct follow_status {
	uint64_t read; /* entries so far */
	uint64_t proven; /* of those */
	uint64_t signed_size; /* of the newest head */
	struct merkle_hash signed_root; /* its root */
	uint64_t signed_at_ms; /* its time; 0: none yet */
	int64_t heard_at; /* unix seconds: last answer of use; 0: never */
	unsigned failures; /* in a row */
	size_t unproven; /* heads that wait for a proof */
};
void follow_status(struct follow_status *out, const struct follow *f);

#endif
