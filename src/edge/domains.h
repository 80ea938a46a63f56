/*
 * domains: custom names being looked up and those known, as one worker keeps
 * them.
 *
 * A name that is new is asked for once, however many connections wait for it:
 * at its own two places at the same time and, when neither has a record, at
 * its parent's.  All records found must say the same.  What came out is kept:
 * targets as long as their records live, within bounds; that there is none, or
 * none that can be used, for at most a minute; failures for seconds.
 *
 * So that nobody makes the gateway a means against name servers or itself: a
 * source may bring up so many new names and no more, so many names are asked
 * for at a time, so many are kept (those without a target go first), and each
 * has a deadline.
 *
 * A name that had a target stays known when its life ends: the target is not
 * told any more, but asking for it again costs no source anything, and a part
 * of what is asked for at a time is for such names alone, so that strangers'
 * names do not take those in use out of service.  It is known until its zone
 * says otherwise, or it goes to make room, the least recently used first.
 *
 * No I/O: questions go out by a function, results come in by another, times
 * are the caller's.
 */
#ifndef POSTERN_EDGE_DOMAINS_H
#define POSTERN_EDGE_DOMAINS_H

#include "edge/domain.h"

enum {
	DOMAINS_RECORDS_MAX = 4, /* of one place that are looked at */
	DOMAINS_TTL_MIN_MS = 5'000,
	DOMAINS_NEGATIVE_MAX_MS = 60'000,
	DOMAINS_FAILURE_MS = 5'000,
	/* New names of one source: at once, and then one every ... */
	DOMAINS_BURST = 20,
	DOMAINS_EVERY_MS = 1'000,
	/* One of so many that are asked for at a time is for known names. */
	DOMAINS_RESERVE = 4,
};

struct domains_limits {
	size_t names; /* kept, those being asked for among them */
	size_t asking; /* names being asked for at a time; less than 'names' */
	uint64_t timeout_ms; /* for a name, whatever it takes */
	uint64_t ttl_max_ms; /* a target is kept no longer */
};

/* How one question ended. */
enum domains_outcome {
	DOMAINS_RECORDS,
	DOMAINS_NOTHING, /* no such name, or no TXT record there */
	DOMAINS_NOT_SECURE,
	DOMAINS_UNKNOWN, /* the resolver failed */
};

struct domains_result {
	enum domains_outcome outcome;
	/* RDATA; of more than DOMAINS_RECORDS_MAX only the first */
	struct span records[DOMAINS_RECORDS_MAX];
	size_t count; /* how many there are */
	uint32_t ttl_s;
};

/* Someone who waits for a name.  Zeroed but for fn and arg: does not wait. */
struct domains_waiter {
	struct domains_waiter *prev, *next;
	struct domains_entry *entry;
	void (*fn)(void *arg, const struct domain_answer *answer);
	void *arg;
};

/* What carries questions out; set before the first name. */
struct domains_carrier {
	/* Asks for TXT records.  domains_result() comes later, not from
	 * within.  False: it cannot be asked now. */
	bool (*ask)(void *arg, uint64_t question, const char *name);
	/* Its result is not awaited any more. */
	void (*drop)(void *arg, uint64_t question);
	void *arg;
};

struct domains;

/* 'key' is random.  Returns owned: domains_free(). */
struct domains *domains_new(const struct domains_limits *limits,
			    const struct domains_carrier *carrier,
			    uint64_t key);
/* Nobody may be waiting.  Questions under way are dropped. */
void domains_free(struct domains *d);

/*
 * Looks a name (lower case) up for a source, any number that stands for it.
 * True: *out is the answer.  False: 'w' waits; its fn is called once, from
 * domains_result() or domains_expire(), and may call back here.
 */
bool domains_look(struct domains *d, struct domain_answer *out,
		  const char *name, uint64_t source, struct domains_waiter *w,
		  uint64_t now_ms);
/* Waits no more; harmless when it does not. */
void domains_leave(struct domains_waiter *w);

/* A question ended.  One that nobody knows (any more) changes nothing. */
void domains_result(struct domains *d, uint64_t question,
		    const struct domains_result *r, uint64_t now_ms);

/* When domains_expire() is due; UINT64_MAX: never. */
uint64_t domains_deadline(const struct domains *d);
void domains_expire(struct domains *d, uint64_t now_ms);

struct domains_counts {
	size_t names, asking;
	uint64_t questions; /* asked so far */
};
struct domains_counts domains_count(const struct domains *d);

#endif
