/*
 * loglist: which CT logs there are, who runs them, and what browsers think of
 * each: the log list in version 3 of its JSON.
 *
 * Believed only after its signature was checked against a key that the caller
 * pins: whoever replaces the list chooses the logs.  A log's id must be the
 * hash of its key; an id twice is refused.  Members nobody here knows are
 * skipped; a log in a state nobody here knows is refused with the list.
 *
 * Pure; memory from the caller's arena only.
 *
 * Source: log list schema v3 (www.gstatic.com/ct/log_list/v3); RFC 6962 §3.2
 * (log ids).
 */
#ifndef POSTERN_CT_LOGLIST_H
#define POSTERN_CT_LOGLIST_H

#include "base/arena.h"
#include "base/rc.h"
#include "ct/sct.h"

enum {
	LOGLIST_MAX = 4 * 1024 * 1024, /* bytes of JSON */
	LOGLIST_ARENA = 16 * 1024 * 1024, /* enough for that */
	LOGLIST_LOGS_MAX = 1024,
	LOGLIST_OPERATORS_MAX = 256,
};

enum loglist_state {
	LOGLIST_PENDING,
	LOGLIST_QUALIFIED,
	LOGLIST_USABLE,
	LOGLIST_READONLY,
	LOGLIST_RETIRED,
	LOGLIST_REJECTED,
};
/* "pending", "qualified", ... as the list has them. */
const char *loglist_state_name(enum loglist_state state);

/* Who ran a log until when. */
struct loglist_past {
	struct span operator_name;
	int64_t until; /* unix seconds, exclusive */
};

/* Spans borrow the list's text or the arena. */
struct loglist_log {
	uint8_t id[SCT_LOG_ID_LEN];
	struct span spki; /* the key, DER */
	struct span description;
	struct span operator_name; /* who runs it now */
	const struct loglist_past *past; /* earlier ones, oldest first */
	size_t past_count;
	/* RFC 6962 log: 'url'.  Tiled log: where it is read from
	 * ('monitoring_url') and where submitted to ('submission_url') */
	struct span url, submission_url;
	uint64_t mmd_s; /* maximum merge delay */
	int64_t state_at; /* unix seconds: since when */
	int64_t expiry_from, expiry_until; /* unix seconds; until exclusive */
	uint64_t final_size;
	struct merkle_hash final_root;
	enum loglist_state state;
	bool is_tiled; /* static-ct-api: no RFC 6962 read API */
	bool has_final; /* READONLY: the tree it ended with, final_* */
	bool has_interval; /* it takes what expires from expiry_from on */
	bool is_test; /* log_type "test" */
};

struct loglist {
	struct span version;
	int64_t made_at; /* log_list_timestamp, unix seconds */
	const struct loglist_log *logs;
	size_t count;
};

/*
 * The signature file is by this key (SPKI, DER; RSA or ECDSA with SHA-256) over
 * the list's bytes as served.
 */
[[nodiscard]] bool loglist_signed(struct span json, struct span signature,
				  struct span spki);

/*
 * RC_OK         *out is filled; borrows 'json' and the arena
 * RC_MALFORMED  not JSON, or not such a list
 * RC_LIMIT      larger than LOGLIST_MAX, more logs or operators than above, or
 *               the arena is full
 *
 * On failure *out is untouched.
 */
enum rc loglist_read(struct loglist *out, struct arena *arena,
		     struct span json);

/* NULL: no log of that id. */
const struct loglist_log *loglist_find(const struct loglist *list,
				       const uint8_t id[SCT_LOG_ID_LEN]);
/* Who ran the log at that time. */
struct span loglist_operator_at(const struct loglist_log *log, int64_t at);

#endif
