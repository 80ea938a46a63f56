#include "edge/domains.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
	SLOTS = 4096, /* chains of names; a power of two */
	BUDGETS = 4096, /* sources that fall into one share it */
};

enum list_kind {
	LIST_ASKING, /* in the order of their deadlines */
	LIST_TARGET, /* known; the least recently used first */
	LIST_REFUSAL, /* the others; likewise */
	LISTS,
};

struct domains_entry {
	struct domains_entry *chain;
	struct domains_entry *prev, *next; /* of its list */
	enum list_kind list;
	uint64_t until_ms; /* deadline, or end of the answer's life */
	struct domain_answer answer;
	bool is_known; /* had a target when it was last told */

	/* LIST_ASKING */
	struct domains_waiter *waiters;
	uint64_t questions[DOMAIN_PLACES]; /* 0: not open */
	bool has_record;
	bool is_settled; /* 'answer' stands, whatever else comes */
	uint64_t ttl_ms; /* the least of all records' */

	bool is_telling; /* its waiters are being called: it must stay */

	char name[NAME_MAX_LEN + 1];
};

struct list {
	struct domains_entry *first, *last;
	size_t count;
};

struct budget {
	uint32_t spent;
	uint64_t at_ms; /* of the last refund */
};

struct domains {
	struct domains_limits limits;
	struct domains_carrier carrier;
	uint64_t key;
	uint64_t question; /* the last one's number */
	struct list lists[LISTS];
	size_t strangers; /* of LIST_ASKING: not known */
	struct domains_entry *slots[SLOTS];
	struct budget budgets[BUDGETS];
};

struct domains *domains_new(const struct domains_limits *limits,
			    const struct domains_carrier *carrier, uint64_t key)
{
	struct domains *d = mem_new(sizeof(*d));

	assert(limits->asking < limits->names);
	d->limits = *limits;
	d->carrier = *carrier;
	d->key = key | 1;
	return d;
}

/* Lists. */

static void list_remove(struct domains *d, struct domains_entry *e)
{
	struct list *l = &d->lists[e->list];

	if (e->prev)
		e->prev->next = e->next;
	else
		l->first = e->next;
	if (e->next)
		e->next->prev = e->prev;
	else
		l->last = e->prev;
	e->prev = e->next = NULL;
	l->count--;
}

static void list_append(struct domains *d, struct domains_entry *e,
			enum list_kind kind)
{
	struct list *l = &d->lists[kind];

	e->list = kind;
	e->prev = l->last;
	if (l->last)
		l->last->next = e;
	else
		l->first = e;
	l->last = e;
	l->count++;
}

static size_t slot_of(const struct domains *d, const char *name)
{
	uint64_t x = d->key;

	for (; *name; name++)
		x = (x ^ (uint8_t)*name) * d->key;
	return (size_t)(x >> 40) & (SLOTS - 1);
}

static struct domains_entry **find(struct domains *d, const char *name)
{
	struct domains_entry **at = &d->slots[slot_of(d, name)];

	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->chain;
	return at;
}

static void forget(struct domains *d, struct domains_entry *e)
{
	struct domains_entry **at = find(d, e->name);

	assert(!e->waiters);
	*at = e->chain;
	list_remove(d, e);
	free(e);
}

/* Questions. */

static void drop_questions(struct domains *d, struct domains_entry *e)
{
	for (size_t i = 0; i < DOMAIN_PLACES; i++) {
		if (e->questions[i])
			d->carrier.drop(d->carrier.arg, e->questions[i]);
		e->questions[i] = 0;
	}
}

static bool is_open(const struct domains_entry *e)
{
	for (size_t i = 0; i < DOMAIN_PLACES; i++)
		if (e->questions[i])
			return true;
	return false;
}

static void settle(struct domains_entry *e, enum domain_status status)
{
	e->is_settled = true;
	e->answer = (struct domain_answer){ .status = status };
}

/* Asks at a place, if the name has it. */
static void ask(struct domains *d, struct domains_entry *e,
		enum domain_place place)
{
	char name[NAME_MAX_LEN + 1];
	uint64_t question = ++d->question;

	if (!domain_place_name(name, place, e->name))
		return;
	if (d->carrier.ask(d->carrier.arg, question, name))
		e->questions[place] = question;
	else
		settle(e, DOMAIN_FAILED);
}

void domains_free(struct domains *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < LISTS; i++) {
		while (d->lists[i].first) {
			drop_questions(d, d->lists[i].first);
			forget(d, d->lists[i].first);
		}
	}
	free(d);
}

/* Answers. */

static uint64_t clamp(uint64_t v, uint64_t least, uint64_t most)
{
	if (v > most)
		v = most;
	return v < least ? least : v;
}

static uint64_t life_of(const struct domains *d, const struct domains_entry *e)
{
	switch (e->answer.status) {
	case DOMAIN_FOUND:
		return clamp(e->ttl_ms, DOMAINS_TTL_MIN_MS,
			     d->limits.ttl_max_ms);
	case DOMAIN_NONE:
	case DOMAIN_MALFORMED:
	case DOMAIN_AMBIGUOUS:
		return clamp(e->ttl_ms, DOMAINS_TTL_MIN_MS,
			     DOMAINS_NEGATIVE_MAX_MS);
	case DOMAIN_NOT_SECURE:
	case DOMAIN_FAILED:
	case DOMAIN_TIMEOUT:
	case DOMAIN_BUSY:
	case DOMAIN_LIMITED:
		break;
	}
	return DOMAINS_FAILURE_MS;
}

void domains_leave(struct domains_waiter *w)
{
	if (!w->entry)
		return;
	if (w->prev)
		w->prev->next = w->next;
	else
		w->entry->waiters = w->next;
	if (w->next)
		w->next->prev = w->prev;
	w->entry = NULL;
	w->prev = w->next = NULL;
}

static void join(struct domains_entry *e, struct domains_waiter *w)
{
	w->entry = e;
	w->prev = NULL;
	w->next = e->waiters;
	if (w->next)
		w->next->prev = w;
	e->waiters = w;
}

/* That nobody could tell does not make a known name a stranger. */
static bool stays_known(const struct domains_entry *e)
{
	switch (e->answer.status) {
	case DOMAIN_FOUND:
		return true;
	case DOMAIN_NOT_SECURE:
	case DOMAIN_FAILED:
	case DOMAIN_TIMEOUT:
		return e->is_known;
	case DOMAIN_NONE:
	case DOMAIN_MALFORMED:
	case DOMAIN_AMBIGUOUS:
	case DOMAIN_BUSY:
	case DOMAIN_LIMITED:
		break;
	}
	return false;
}

/* The answer stands: keeps it and tells those who wait. */
static void finish(struct domains *d, struct domains_entry *e, uint64_t now_ms)
{
	const struct domain_answer answer = e->answer;
	struct domains_waiter *w;

	drop_questions(d, e);
	if (!e->is_known)
		d->strangers--;
	e->is_known = stays_known(e);
	list_remove(d, e);
	list_append(d, e, e->is_known ? LIST_TARGET : LIST_REFUSAL);
	e->until_ms = now_ms + life_of(d, e);
	/* Those who are told may call back, for other names or this one. */
	e->is_telling = true;
	while ((w = e->waiters)) {
		domains_leave(w);
		w->fn(w->arg, &answer);
	}
	e->is_telling = false;
}

/* Goes on when no question is open: to the parent, or to the end. */
static void proceed(struct domains *d, struct domains_entry *e, bool is_parent,
		    uint64_t now_ms)
{
	if (!e->is_settled && is_open(e))
		return;
	if (!e->is_settled && !e->has_record && !is_parent)
		ask(d, e, DOMAIN_WILDCARD);
	if (!e->is_settled && is_open(e))
		return;
	if (!e->is_settled && !e->has_record)
		settle(e, DOMAIN_NONE);
	finish(d, e, now_ms);
}

static void take_record(struct domains_entry *e, struct span rdata)
{
	struct domain_target target;

	if (e->is_settled)
		return;
	if (!domain_read(&target, rdata)) {
		settle(e, DOMAIN_MALFORMED);
		return;
	}
	if (e->has_record && !domain_same(&e->answer.target, &target)) {
		settle(e, DOMAIN_AMBIGUOUS);
		return;
	}
	e->has_record = true;
	e->answer = (struct domain_answer){ DOMAIN_FOUND, target };
}

static void take_result(struct domains_entry *e, const struct domains_result *r)
{
	uint64_t ttl_ms = (uint64_t)r->ttl_s * 1000;

	if (ttl_ms < e->ttl_ms)
		e->ttl_ms = ttl_ms;
	switch (r->outcome) {
	case DOMAINS_RECORDS:
		for (size_t i = 0; i < r->count && i < DOMAINS_RECORDS_MAX; i++)
			take_record(e, r->records[i]);
		if (r->count > DOMAINS_RECORDS_MAX && !e->is_settled)
			settle(e, DOMAIN_AMBIGUOUS);
		return;
	case DOMAINS_NOTHING:
		return;
	case DOMAINS_NOT_SECURE:
		settle(e, DOMAIN_NOT_SECURE);
		return;
	case DOMAINS_UNKNOWN:
		settle(e, DOMAIN_FAILED);
		return;
	}
}

void domains_result(struct domains *d, uint64_t question,
		    const struct domains_result *r, uint64_t now_ms)
{
	struct domains_entry *e = d->lists[LIST_ASKING].first;
	size_t place;

	for (; e && question; e = e->next) {
		for (place = 0; place < DOMAIN_PLACES; place++) {
			if (e->questions[place] != question)
				continue;
			e->questions[place] = 0;
			take_result(e, r);
			proceed(d, e, place == DOMAIN_WILDCARD, now_ms);
			return;
		}
	}
}

uint64_t domains_deadline(const struct domains *d)
{
	const struct domains_entry *e = d->lists[LIST_ASKING].first;

	return e ? e->until_ms : UINT64_MAX;
}

void domains_expire(struct domains *d, uint64_t now_ms)
{
	struct domains_entry *e;

	while ((e = d->lists[LIST_ASKING].first) && e->until_ms <= now_ms) {
		settle(e, DOMAIN_TIMEOUT);
		finish(d, e, now_ms);
	}
}

/* New names. */

/* One new name of a source; false: it has had too many. */
static bool spend(struct domains *d, uint64_t source, uint64_t now_ms)
{
	uint64_t x = (source ^ d->key) * 0x9e37'79b9'7f4a'7c15;
	struct budget *b = &d->budgets[((x ^ x >> 32) * d->key >> 40) %
				       BUDGETS];
	uint64_t refund = (now_ms - b->at_ms) / DOMAINS_EVERY_MS;

	b->spent = refund < b->spent ? b->spent - (uint32_t)refund : 0;
	b->at_ms += refund * DOMAINS_EVERY_MS;
	if (b->spent >= DOMAINS_BURST)
		return false;
	b->spent++;
	return true;
}

/* What goes first to make room; NULL: nothing can. */
static struct domains_entry *oldest(const struct domains *d)
{
	static const enum list_kind order[] = { LIST_REFUSAL, LIST_TARGET };

	for (size_t i = 0; i < 2; i++) {
		struct domains_entry *e = d->lists[order[i]].first;

		while (e && e->is_telling)
			e = e->next;
		if (e)
			return e;
	}
	return NULL;
}

static size_t count_names(const struct domains *d)
{
	size_t n = 0;

	for (size_t i = 0; i < LISTS; i++)
		n += d->lists[i].count;
	return n;
}

static bool refuse(struct domain_answer *out, enum domain_status status)
{
	*out = (struct domain_answer){ .status = status };
	return true;
}

static void start(struct domains *d, struct domains_entry *e, uint64_t now_ms)
{
	list_append(d, e, LIST_ASKING);
	e->until_ms = now_ms + d->limits.timeout_ms;
	e->ttl_ms = UINT64_MAX;
	ask(d, e, DOMAIN_OWN);
	if (!e->is_settled)
		ask(d, e, DOMAIN_COMPAT);
	proceed(d, e, false, now_ms);
}

/* Asks again for a known name; its old answer is gone. */
static void refresh(struct domains *d, struct domains_entry *e, uint64_t now_ms)
{
	list_remove(d, e);
	e->answer = (struct domain_answer){ 0 };
	e->has_record = e->is_settled = false;
	start(d, e, now_ms);
}

static bool is_busy(const struct domains *d, bool is_known)
{
	size_t all = d->limits.asking;

	if (!is_known && d->strangers >= all - all / DOMAINS_RESERVE)
		return true;
	return d->lists[LIST_ASKING].count >= all;
}

/* Asks for a name nothing is known of. */
static struct domains_entry *begin(struct domains *d, const char *name,
				   uint64_t now_ms)
{
	struct domains_entry *e = mem_new(sizeof(*e)), *old;

	/* At most those being told just now come beyond the limit. */
	if (count_names(d) >= d->limits.names && (old = oldest(d)))
		forget(d, old);
	strncpy(e->name, name, NAME_MAX_LEN);
	*find(d, name) = e;
	d->strangers++;
	start(d, e, now_ms);
	return e;
}

bool domains_look(struct domains *d, struct domain_answer *out,
		  const char *name, uint64_t source, struct domains_waiter *w,
		  uint64_t now_ms)
{
	struct domains_entry *e = *find(d, name);

	if (e && e->list == LIST_TARGET && e->until_ms <= now_ms) {
		if (is_busy(d, true))
			return refuse(out, DOMAIN_BUSY);
		refresh(d, e, now_ms);
	} else if (e && e->list == LIST_REFUSAL && e->until_ms <= now_ms) {
		forget(d, e);
		e = NULL;
	}
	if (!e) {
		if (is_busy(d, false))
			return refuse(out, DOMAIN_BUSY);
		if (!spend(d, source, now_ms))
			return refuse(out, DOMAIN_LIMITED);
		e = begin(d, name, now_ms);
	}
	if (e->list == LIST_ASKING) {
		join(e, w);
		return false;
	}
	list_remove(d, e);
	list_append(d, e, e->list);
	*out = e->answer;
	return true;
}

struct domains_counts domains_count(const struct domains *d)
{
	return (struct domains_counts){
		.names = count_names(d),
		.asking = d->lists[LIST_ASKING].count,
		.questions = d->question,
	};
}
