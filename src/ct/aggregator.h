/*
 * aggregator: asking services that read the logs for others which certificates
 * they know: crt.sh and Cert Spotter.
 *
 * Nothing they say is proven, and silence is their usual way to fail, so what
 * could hide a certificate is a failure and not an answer: a list cut at its
 * limit, no rows where there were some, a page that is no JSON, a row whose
 * certificate cannot be had. Certificates are judged by their own bytes
 * (ct/watchset.h, ct/history.h), never by what a row says of them.
 *
 * One round asks for every name of a watch set, and for the wildcards of every
 * ancestor. The caller performs the requests.
 *
 * Source: crt.sh's certwatch_db (q, match, output, d; its cap of 10,000 rows);
 * Cert Spotter API v1, "issuances".
 */
#ifndef POSTERN_CT_AGGREGATOR_H
#define POSTERN_CT_AGGREGATOR_H

#include "ct/watchset.h"
#include "web/exchange.h"

enum {
	AGGREGATOR_ROWS_CAP = 10000, /* crt.sh's, whatever there is beyond */
	AGGREGATOR_ANSWER_MAX = 24 * 1024 * 1024,
	AGGREGATOR_ARENA = 128 * 1024 * 1024,
	AGGREGATOR_QUERIES_MAX = 2048,
	AGGREGATOR_SEEN_MAX = 128 * 1024, /* ids of rows */
	AGGREGATOR_PAGES_MAX = 1000, /* of one query of Cert Spotter */
};

enum aggregator_kind {
	AGGREGATOR_CRTSH,
	AGGREGATOR_CERTSPOTTER,
};

/* Stable names: aggregator_answer_name(). */
enum aggregator_answer {
	AGGREGATOR_OK,
	AGGREGATOR_NO_ANSWER, /* none, or an HTTP error */
	AGGREGATOR_THROTTLED, /* 429 or 503: ask less often */
	AGGREGATOR_NOT_JSON, /* a page, whatever its status says */
	AGGREGATOR_MALFORMED, /* JSON, but not such a list; no certificate */
	AGGREGATOR_TRUNCATED, /* cut at a limit of theirs or ours */
	AGGREGATOR_WENT_SILENT, /* no rows where there were some */
	AGGREGATOR_ANSWER_COUNT,
};
const char *aggregator_answer_name(enum aggregator_answer a);

/* Spans and pointers are borrowed for the aggregator's life. */
struct aggregator_config {
	enum aggregator_kind kind;
	struct span url; /* "https://crt.sh", without what follows */
	struct span token; /* Cert Spotter's key; n == 0: none */
	const struct watchset *names;
	void *arg;
	/* A certificate or precertificate in DER; 0: no time is known.  Nothing
	 * lives longer than the call. */
	void (*found)(void *arg, struct span der, uint64_t logged_at_ms);
};

struct aggregator;
/* Returns owned: aggregator_free(). */
struct aggregator *aggregator_new(const struct aggregator_config *config);
void aggregator_free(struct aggregator *a);
/* For AUTO(). */
void aggregator_auto(struct aggregator **a);

/* Begins a round: certificates of earlier rounds are not given again. */
void aggregator_begin(struct aggregator *a);
/* The next question of the round; false: it is at its end.  'ask' is the
 * caller's, begun anew here. */
bool aggregator_next(struct aggregator *a, struct web_ask *ask);
/* The answer to it; NULL: there was none.  A failure ends that query and not
 * the round, but with 429 nothing more is asked in it. */
enum aggregator_answer aggregator_take(struct aggregator *a,
				       const struct web_answer *answer);

struct aggregator_status {
	enum aggregator_answer worst; /* of the round: OK, or the first other */
	size_t queries, failed; /* of the round */
	size_t rows; /* of the round, new or not */
	size_t found; /* certificates given, of the round */
	unsigned retry_after_s; /* 0: it did not say */
};
void aggregator_status(struct aggregator_status *out,
		       const struct aggregator *a);

/* What has to outlive the process: rows seen, and which queries had some. */
void aggregator_write(struct wr *w, const struct aggregator *a);
/* RC_MALFORMED: not such bytes, or of other names watched (a row that was of
 * no use for those may be for these: all is asked for anew); nothing has
 * changed. */
enum rc aggregator_read(struct aggregator *a, struct span s);

#endif
