#include "acme/ledger.h"

#include <string.h>

#include "acme/member.h"
#include "base/mem.h"
#include "base/text.h"
#include "json/jwrite.h"

enum {
	MINUTE = 60,
	DAY = 86'400,
	ARENA_MAX = 32 * 1024 * 1024,
	JITTER_PART = 4, /* a wait grows by up to a fourth */
	DEADLINE_PART = 8,
};

void ledger_init(struct ledger *l)
{
	*l = (struct ledger){ 0 };
}

int64_t ledger_pause(unsigned failures)
{
	static const int64_t pause[] = { 0, MINUTE, 10 * MINUTE, 100 * MINUTE };

	if (failures < sizeof(pause) / sizeof(pause[0]))
		return pause[failures];
	return DAY;
}

static size_t find_ca(const struct ledger *l, const char *directory)
{
	size_t i = 0;

	while (i < LEDGER_CAS_MAX && strcmp(l->ca[i].directory, directory) != 0)
		i++;
	return i;
}

static size_t find_set(const struct ledger *l, size_t ca,
		       const struct sha256 *names)
{
	size_t i = 0;

	while (i < LEDGER_SETS_MAX &&
	       !(l->set[i].is_used && l->set[i].ca == ca &&
		 span_equal(SPAN_ARRAY(l->set[i].names.b),
			    SPAN_ARRAY(names->b))))
		i++;
	return i;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* When fewer than 'cap' of these times lie within 'span' seconds. */
static int64_t free_at(const int64_t *times, size_t count, size_t cap,
		       int64_t span)
{
	return count < cap ? 0 : times[count - cap] + span;
}

int64_t ledger_order_at(const struct ledger *l, const char *directory,
			const struct ledger_ask *ask)
{
	const size_t cap = ask->is_early ? LEDGER_SET_EARLY : LEDGER_SET_ORDERS;
	const size_t c = find_ca(l, directory);
	int64_t at;
	size_t s;

	if (c == LEDGER_CAS_MAX)
		return 0;
	at = later(l->ca[c].not_before,
		   free_at(l->ca[c].orders, l->ca[c].order_count,
			   LEDGER_CA_ORDERS, LEDGER_CA_SPAN));
	s = find_set(l, c, ask->names);
	if (s == LEDGER_SETS_MAX)
		return at;
	at = later(at, l->set[s].not_before);
	return later(at, free_at(l->set[s].orders, l->set[s].order_count, cap,
				 LEDGER_SET_SPAN));
}

int64_t ledger_resume_at(const struct ledger *l, const char *directory,
			 const struct sha256 *names)
{
	const size_t c = find_ca(l, directory);
	size_t s;

	if (c == LEDGER_CAS_MAX)
		return 0;
	s = find_set(l, c, names);
	if (s == LEDGER_SETS_MAX)
		return l->ca[c].not_before;
	return later(l->ca[c].not_before, l->set[s].not_before);
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

void ledger_heed_clock(struct ledger *l, int64_t now)
{
	for (size_t i = 0; i < LEDGER_CAS_MAX; i++) {
		struct ledger_ca *ca = &l->ca[i];

		for (size_t k = 0; k < ca->order_count; k++)
			ca->orders[k] = sooner(ca->orders[k], now);
		ca->not_before = sooner(ca->not_before,
					now + LEDGER_WAIT_MAX);
	}
	for (size_t i = 0; i < LEDGER_SETS_MAX; i++) {
		struct ledger_set *s = &l->set[i];

		for (size_t k = 0; k < s->order_count; k++)
			s->orders[k] = sooner(s->orders[k], now);
		s->not_before = sooner(s->not_before, now + LEDGER_WAIT_MAX);
		s->touched_at = sooner(s->touched_at, now);
	}
}

static void push(int64_t *times, size_t *count, size_t cap, int64_t now)
{
	if (*count == cap) {
		memmove(times, times + 1, (cap - 1) * sizeof(times[0]));
		(*count)--;
	}
	times[(*count)++] = now;
}

static size_t need_ca(struct ledger *l, const char *directory)
{
	size_t c = find_ca(l, directory);

	if (c < LEDGER_CAS_MAX)
		return c;
	c = find_ca(l, "");
	if (c < LEDGER_CAS_MAX &&
	    strlen(directory) < sizeof(l->ca[c].directory))
		memcpy(l->ca[c].directory, directory, strlen(directory) + 1);
	else
		c = LEDGER_CAS_MAX;
	return c;
}

/* The set's entry; a new one takes the place of the one not used longest. */
static struct ledger_set *need_set(struct ledger *l, size_t ca,
				   const struct sha256 *names, int64_t now)
{
	size_t s = find_set(l, ca, names);

	if (s == LEDGER_SETS_MAX) {
		s = 0;
		for (size_t i = 0; i < LEDGER_SETS_MAX && l->set[s].is_used;
		     i++)
			if (!l->set[i].is_used ||
			    l->set[i].touched_at < l->set[s].touched_at)
				s = i;
		l->set[s] = (struct ledger_set){
			.is_used = true,
			.ca = (uint8_t)ca,
			.names = *names,
		};
	}
	l->set[s].touched_at = now;
	return &l->set[s];
}

enum rc ledger_book(struct ledger *l, const char *directory,
		    const struct ledger_ask *ask, int64_t now)
{
	struct ledger_set *set;
	size_t c;

	ledger_heed_clock(l, now);
	if (ledger_order_at(l, directory, ask) > now)
		return RC_DENIED;
	c = need_ca(l, directory);
	if (c == LEDGER_CAS_MAX)
		return RC_LIMIT;
	set = need_set(l, c, ask->names, now);
	push(l->ca[c].orders, &l->ca[c].order_count, LEDGER_CA_ORDERS, now);
	push(set->orders, &set->order_count, LEDGER_SET_ORDERS, now);
	return RC_OK;
}

/* What is long for a certificate of ninety days is the end of one of six. */
static int64_t pause_for(unsigned failures, int64_t left)
{
	const int64_t usual = ledger_pause(failures);
	int64_t pause = left / DEADLINE_PART;

	if (usual < DAY || !left || pause > usual)
		return usual;
	return later(pause, 100 * MINUTE);
}

void ledger_failed(struct ledger *l, const char *directory,
		   const struct sha256 *names, const struct ledger_failure *f,
		   int64_t now)
{
	const size_t c = need_ca(l, directory);
	struct ledger_set *set;
	int64_t pause, left = 0;

	if (c == LEDGER_CAS_MAX)
		return;
	set = need_set(l, c, names, now);
	if (set->order_count && !f->may_have_issued)
		set->order_count--;
	set->failures++;
	if (f->deadline)
		left = later(f->deadline - now, 1);
	pause = pause_for(set->failures, left);
	pause += (int64_t)(f->random % (uint64_t)(pause / JITTER_PART + 1));
	set->not_before = later(now + pause, f->retry_at);
	if (f->whole_ca)
		l->ca[c].not_before = later(l->ca[c].not_before, f->retry_at);
}

void ledger_succeeded(struct ledger *l, const char *directory,
		      const struct sha256 *names, int64_t now)
{
	const size_t c = need_ca(l, directory);
	struct ledger_set *set;

	if (c == LEDGER_CAS_MAX)
		return;
	set = need_set(l, c, names, now);
	set->failures = 0;
	set->not_before = 0;
}

static unsigned failures_of(const struct ledger *l, const char *directory,
			    const struct sha256 *names)
{
	const size_t c = find_ca(l, directory);
	size_t s;

	if (c == LEDGER_CAS_MAX)
		return 0;
	s = find_set(l, c, names);
	return s < LEDGER_SETS_MAX ? l->set[s].failures : 0;
}

struct ledger_choice ledger_choose(struct ledger *l,
				   const char *const *directories,
				   size_t count, const struct ledger_ask *ask,
				   int64_t now)
{
	struct ledger_choice best = { 0, INT64_MAX };

	ledger_heed_clock(l, now);
	for (size_t i = 0; i < count; i++) {
		const char *ca = directories[i];
		const int64_t at = ledger_order_at(l, ca, ask);

		if (failures_of(l, ca, ask->names) < LEDGER_SWITCH &&
		    at <= now + LEDGER_PATIENCE)
			return (struct ledger_choice){ i, at };
		if (at < best.at)
			best = (struct ledger_choice){ i, at };
	}
	return best;
}

static void save_times(struct jwrite *j, const int64_t *times, size_t count)
{
	jwrite_array(j, "orders");
	for (size_t i = 0; i < count; i++)
		jwrite_number(j, NULL, (uint64_t)times[i]);
	jwrite_end(j);
}

static void save_sets(struct jwrite *j, const struct ledger *l, size_t ca)
{
	jwrite_array(j, "sets");
	for (size_t i = 0; i < LEDGER_SETS_MAX; i++) {
		const struct ledger_set *s = &l->set[i];

		if (!s->is_used || s->ca != ca)
			continue;
		jwrite_object(j, NULL);
		jwrite_hex(j, "names", SPAN_ARRAY(s->names.b));
		save_times(j, s->orders, s->order_count);
		jwrite_number(j, "failures", s->failures);
		jwrite_number(j, "notBefore", (uint64_t)s->not_before);
		jwrite_number(j, "touchedAt", (uint64_t)s->touched_at);
		jwrite_end(j);
	}
	jwrite_end(j);
}

enum rc ledger_save(const struct ledger *l, struct buf *out)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_number(&j, "version", 1);
	jwrite_array(&j, "cas");
	for (size_t i = 0; i < LEDGER_CAS_MAX; i++) {
		if (!l->ca[i].directory[0])
			continue;
		jwrite_object(&j, NULL);
		jwrite_str(&j, "directory", l->ca[i].directory);
		save_times(&j, l->ca[i].orders, l->ca[i].order_count);
		jwrite_number(&j, "notBefore", (uint64_t)l->ca[i].not_before);
		save_sets(&j, l, i);
		jwrite_end(&j);
	}
	jwrite_end(&j);
	jwrite_end(&j);
	return jwrite_done(&j) ? RC_OK : RC_LIMIT;
}

/* Times in order, at most cap of them. */
static bool load_times(int64_t *times, size_t *count, size_t cap,
		       const struct jtree *list)
{
	if (!list || list->count > cap)
		return false;
	for (const struct jtree *v = list->first; v; v = v->next) {
		if (v->type != JTREE_NUMBER || v->number > INT64_MAX)
			return false;
		times[(*count)++] = (int64_t)v->number;
	}
	return true;
}

static bool load_set(struct ledger_set *out, const struct jtree *v, size_t ca)
{
	struct ledger_set s = { .is_used = true, .ca = (uint8_t)ca };
	const struct jtree *names = jtree_get(v, "names");
	int64_t failures;

	if (!names || names->type != JTREE_TEXT ||
	    !text_hex_decode(s.names.b, sizeof(s.names.b), names->text) ||
	    !load_times(s.orders, &s.order_count, LEDGER_SET_ORDERS,
			member_list(v, "orders")) ||
	    !member_number(&failures, v, "failures") || failures > UINT16_MAX ||
	    !member_number(&s.not_before, v, "notBefore") ||
	    !member_number(&s.touched_at, v, "touchedAt"))
		return false;
	s.failures = (unsigned)failures;
	*out = s;
	return true;
}

static bool load_ca(struct ledger *l, size_t at, size_t *set_count,
		    const struct jtree *v)
{
	struct ledger_ca *ca = &l->ca[at];
	const struct jtree *directory = jtree_get(v, "directory");
	const struct jtree *sets = member_list(v, "sets");

	if (!directory || directory->type != JTREE_TEXT ||
	    !directory->text.n ||
	    directory->text.n >= sizeof(ca->directory) || !sets ||
	    !load_times(ca->orders, &ca->order_count, LEDGER_CA_ORDERS,
			member_list(v, "orders")) ||
	    !member_number(&ca->not_before, v, "notBefore"))
		return false;
	memcpy(ca->directory, directory->text.p, directory->text.n);
	for (const struct jtree *s = sets->first; s; s = s->next)
		if (*set_count == LEDGER_SETS_MAX ||
		    !load_set(&l->set[(*set_count)++], s, at))
			return false;
	return true;
}

enum rc ledger_load(struct ledger *out, struct span state)
{
	AUTO(arena_fini)
	struct arena arena = { 0 };
	AUTO(mem_auto_free)
	struct ledger *l = mem_new(sizeof(*l));
	const struct jtree *top, *cas;
	size_t ca_count = 0, set_count = 0;
	int64_t version;

	if (state.n > LEDGER_STATE_MAX)
		return RC_MALFORMED;
	arena_init(&arena, ARENA_MAX);
	top = jtree_read(&arena, state);
	cas = member_list(top, "cas");
	if (!member_number(&version, top, "version") || version != 1 || !cas ||
	    cas->count > LEDGER_CAS_MAX)
		return RC_MALFORMED;
	for (const struct jtree *v = cas->first; v; v = v->next)
		if (!load_ca(l, ca_count++, &set_count, v))
			return RC_MALFORMED;
	*out = *l;
	return RC_OK;
}
