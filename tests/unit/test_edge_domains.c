/* domains: names looked up in a time of our own, by a resolver we play. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/domains.h"

enum {
	START = 1'000'000,
	SECOND = 1000,
	NAMES = 8,
	ASKING = 3,
	TIMEOUT = 2 * SECOND,
	TTL_MAX = 300 * SECOND,
	LOG = 256,
};

struct world {
	struct domains *d;
	char asked[LOG][NAME_MAX_LEN + 1]; /* by question */
	bool dropped[LOG];
	uint64_t last;
	bool is_mute; /* nothing can be asked */
};

/* Someone who waits, and what was said. */
struct client {
	struct domains_waiter w;
	struct domain_answer answer;
	int told;
};

static bool play_ask(void *arg, uint64_t question, const char *name)
{
	struct world *w = arg;

	assert_true(question < LOG && question > w->last);
	if (w->is_mute)
		return false;
	w->last = question;
	strcpy(w->asked[question], name);
	return true;
}

static void play_drop(void *arg, uint64_t question)
{
	struct world *w = arg;

	assert_true(w->asked[question][0] && !w->dropped[question]);
	w->dropped[question] = true;
}

static void told(void *arg, const struct domain_answer *answer)
{
	struct client *c = arg;

	c->answer = *answer;
	c->told++;
}

static int setup_asking(void **state, size_t asking)
{
	const struct domains_limits limits = { NAMES, asking, TIMEOUT, TTL_MAX };
	struct world *w = test_calloc(1, sizeof(*w));
	const struct domains_carrier carrier = { play_ask, play_drop, w };

	w->d = domains_new(&limits, &carrier, 0x1234'5678'9abc'def0);
	*state = w;
	return 0;
}

static int setup(void **state)
{
	return setup_asking(state, ASKING);
}

static int setup_reserve(void **state)
{
	return setup_asking(state, DOMAINS_RESERVE);
}

static int teardown(void **state)
{
	struct world *w = *state;

	domains_free(w->d);
	test_free(w);
	return 0;
}

/* True: answered at once. */
static bool look(struct world *w, struct client *c, const char *name, uint64_t now)
{
	*c = (struct client){ .w = { .fn = told, .arg = c } };
	return domains_look(w->d, &c->answer, name, 1, &c->w, now);
}

/* The open question for a name of the DNS; 0: none. */
static uint64_t question(const struct world *w, const char *name)
{
	for (uint64_t q = w->last; q; q--)
		if (strcmp(w->asked[q], name) == 0)
			return w->dropped[q] ? 0 : q;
	return 0;
}

/* Answers a question with texts, separated by '|'; NULL: nothing there. */
static void answer(struct world *w, const char *name, const char *texts, uint32_t ttl,
		   uint64_t now)
{
	uint64_t q = question(w, name);
	struct domains_result r = { .outcome = DOMAINS_NOTHING, .ttl_s = ttl };
	uint8_t bytes[8][256];
	struct span rest = texts ? span_str(texts) : span_of(NULL, 0), text;

	if (!q)
		fail_msg("nobody asked for %s", name);
	while (rd_until(&rest, &text, '|')) {
		r.outcome = DOMAINS_RECORDS;
		bytes[r.count][0] = (uint8_t)text.n;
		memcpy(bytes[r.count] + 1, text.p, text.n);
		if (r.count < DOMAINS_RECORDS_MAX)
			r.records[r.count] = span_of(bytes[r.count], text.n + 1);
		r.count++;
	}
	w->asked[q][0] = '\0';
	domains_result(w->d, q, &r, now);
}

static void break_off(struct world *w, const char *name, enum domains_outcome outcome, uint64_t now)
{
	const struct domains_result r = { .outcome = outcome };
	uint64_t q = question(w, name);

	w->asked[q][0] = '\0';
	domains_result(w->d, q, &r, now);
}

#define OWN "_postern.www.a.org"
#define COMPAT "_dstack-app-address.www.a.org"
#define WILD "_dstack-app-address-wildcard.a.org"
#define NAME "www.a.org"

static const struct {
	const char *name;
	/* texts; NULL: nothing there; "?": the resolver fails; "!": forged */
	const char *own, *compat, *wild;
	enum domain_status want;
	uint16_t port;
} ROWS[] = {
	{ "own", "shop:443", NULL, "", DOMAIN_FOUND, 443 },
	{ "compat", NULL, "shop:444", "", DOMAIN_FOUND, 444 },
	{ "both_the_same", "shop:443", "SHOP:443", "", DOMAIN_FOUND, 443 },
	{ "both_differ_refused", "shop:443", "shop:444", "", DOMAIN_AMBIGUOUS, 0 },
	{ "two_records_refused", "shop:443|other:443", NULL, "", DOMAIN_AMBIGUOUS, 0 },
	{ "two_alike_records", "shop:443|Shop:443", NULL, "", DOMAIN_FOUND, 443 },
	{ "five_records_refused", "a:1|a:1|a:1|a:1|a:1", NULL, "", DOMAIN_AMBIGUOUS, 0 },
	{ "malformed_refused", "v=spf1 -all", NULL, "", DOMAIN_MALFORMED, 0 },
	{ "malformed_beside_good_refused", "shop:443|x", NULL, "", DOMAIN_MALFORMED, 0 },
	{ "malformed_compat_beside_good_refused", "shop:443", "x", "", DOMAIN_MALFORMED, 0 },
	{ "wildcard", NULL, NULL, "shop:445", DOMAIN_FOUND, 445 },
	{ "wildcard_malformed_refused", NULL, NULL, "shop", DOMAIN_MALFORMED, 0 },
	{ "nothing_refused", NULL, NULL, NULL, DOMAIN_NONE, 0 },
	{ "failure_refused", "?", NULL, "", DOMAIN_FAILED, 0 },
	{ "failure_beside_good_refused", "shop:443", "?", "", DOMAIN_FAILED, 0 },
	{ "failed_wildcard_refused", NULL, NULL, "?", DOMAIN_FAILED, 0 },
	{ "forged_refused", "!", NULL, "", DOMAIN_NOT_SECURE, 0 },
	{ "forged_beside_good_refused", "shop:443", "!", "", DOMAIN_NOT_SECURE, 0 },
};

static void play(struct world *w, const char *place, const char *texts)
{
	if (!question(w, place))
		return; /* settled before */
	if (texts && texts[0] == '?')
		break_off(w, place, DOMAINS_UNKNOWN, START);
	else if (texts && texts[0] == '!')
		break_off(w, place, DOMAINS_NOT_SECURE, START);
	else
		answer(w, place, texts, 60, START);
}

static void table_of_answers(void **state)
{
	for (size_t i = 0; i < sizeof(ROWS) / sizeof(*ROWS); i++) {
		/* In either order. */
		for (int turn = 0; turn < 2; turn++) {
			struct world *w;
			struct client c;

			(void)state;
			setup((void **)&w);
			assert_false(look(w, &c, NAME, START));
			assert_int_equal(question(w, WILD), 0);
			play(w, turn ? COMPAT : OWN, turn ? ROWS[i].compat : ROWS[i].own);
			play(w, turn ? OWN : COMPAT, turn ? ROWS[i].own : ROWS[i].compat);
			play(w, WILD, ROWS[i].wild);
			if (c.told != 1 || c.answer.status != ROWS[i].want ||
			    c.answer.target.port != ROWS[i].port)
				fail_msg("%s: told %d, %s", ROWS[i].name, c.told,
					 domain_reason(c.answer.status));
			assert_int_equal(domains_count(w->d).asking, 0);
			teardown((void **)&w);
		}
	}
}

static void asked_once_however_many_wait(void **state)
{
	struct client c[3], late;
	struct world *w = *state;

	for (int i = 0; i < 3; i++)
		assert_false(look(w, &c[i], NAME, START));
	assert_int_equal(domains_count(w->d).questions, 2);
	domains_leave(&c[1].w);
	domains_leave(&c[1].w);
	answer(w, OWN, "shop:443", 60, START);
	assert_int_equal(c[0].told, 0);
	answer(w, COMPAT, NULL, 60, START);
	assert_int_equal(c[0].told, 1);
	assert_int_equal(c[1].told, 0);
	assert_int_equal(c[2].told, 1);
	assert_true(look(w, &late, NAME, START + 1));
	assert_string_equal(late.answer.target.id, "shop");
	assert_int_equal(domains_count(w->d).questions, 2);
}

/* How long an answer is kept, by its records' time to live. */
static const struct {
	const char *name, *text;
	uint32_t ttl_s, kept_s;
} LIVES[] = {
	{ "target_as_its_record", "shop:443", 30, 30 },
	{ "target_at_least", "shop:443", 0, 5 },
	{ "target_at_most", "shop:443", 86400, 300 },
	{ "nothing_as_the_zone_says", NULL, 20, 20 },
	{ "nothing_at_most_a_minute", NULL, 86400, 60 },
	{ "nothing_at_least", NULL, 0, 5 },
	{ "malformed_at_most_a_minute", "x", 86400, 60 },
	{ "differing_at_most_a_minute", "a:1|b:1", 86400, 60 },
};

static void answers_are_kept_within_bounds(void **state)
{
	for (size_t i = 0; i < sizeof(LIVES) / sizeof(*LIVES); i++) {
		uint64_t end = START + LIVES[i].kept_s * SECOND;
		struct world *w;
		struct client c;

		(void)state;
		setup((void **)&w);
		assert_false(look(w, &c, NAME, START));
		answer(w, OWN, LIVES[i].text, LIVES[i].ttl_s, START);
		if (question(w, COMPAT))
			answer(w, COMPAT, NULL, 86400, START);
		if (question(w, WILD))
			answer(w, WILD, NULL, 86400, START);
		assert_int_equal(c.told, 1);
		if (!look(w, &c, NAME, end - 1))
			fail_msg("%s: gone too early", LIVES[i].name);
		if (look(w, &c, NAME, end))
			fail_msg("%s: kept too long", LIVES[i].name);
		domains_leave(&c.w);
		teardown((void **)&w);
	}
}

/* A refusal is kept like any answer: asking again costs nobody anything. */
static void failures_are_kept_for_seconds(void **state)
{
	struct world *w = *state;
	struct client c;

	assert_false(look(w, &c, NAME, START));
	break_off(w, OWN, DOMAINS_UNKNOWN, START);
	assert_int_equal(c.answer.status, DOMAIN_FAILED);
	assert_true(w->dropped[2]);
	assert_true(look(w, &c, NAME, START + 5 * SECOND - 1));
	assert_int_equal(c.answer.status, DOMAIN_FAILED);
	assert_false(look(w, &c, NAME, START + 5 * SECOND));
	domains_leave(&c.w);
}

static void deadline_is_over_all_questions(void **state)
{
	struct world *w = *state;
	struct client c, other;

	assert_int_equal(domains_deadline(w->d), UINT64_MAX);
	assert_false(look(w, &c, NAME, START));
	assert_false(look(w, &other, "b.org", START + 1));
	assert_int_equal(domains_deadline(w->d), START + TIMEOUT);
	answer(w, OWN, NULL, 60, START + TIMEOUT - 1);
	answer(w, COMPAT, NULL, 60, START + TIMEOUT - 1);
	assert_int_not_equal(question(w, WILD), 0);
	domains_expire(w->d, START + TIMEOUT - 1);
	assert_int_equal(c.told, 0);
	domains_expire(w->d, START + TIMEOUT);
	assert_int_equal(c.answer.status, DOMAIN_TIMEOUT);
	assert_int_equal(question(w, WILD), 0); /* dropped */
	assert_int_equal(other.told, 0);
	/* A result that comes after that is nobody's. */
	domains_result(w->d, w->last, &(struct domains_result){ .outcome = DOMAINS_NOTHING },
		       START + TIMEOUT);
	assert_int_equal(domains_deadline(w->d), START + TIMEOUT + 1);
	domains_expire(w->d, START + TIMEOUT + 1);
	assert_int_equal(other.told, 1);
	assert_int_equal(domains_deadline(w->d), UINT64_MAX);
}

static void so_many_asked_for_at_a_time(void **state)
{
	struct world *w = *state;
	struct client c[ASKING], more;
	char name[32];

	for (int i = 0; i < ASKING; i++) {
		sprintf(name, "n%d.org", i);
		assert_false(look(w, &c[i], name, START));
	}
	assert_true(look(w, &more, NAME, START));
	assert_int_equal(more.answer.status, DOMAIN_BUSY);
	/* Being busy is not kept; waiting for a name that is asked for is free. */
	assert_false(look(w, &more, "n0.org", START));
	domains_leave(&more.w);
	domains_expire(w->d, START + TIMEOUT);
	assert_false(look(w, &more, NAME, START + TIMEOUT));
	domains_leave(&more.w);
}

static void sources_have_a_budget(void **state)
{
	struct world *w = *state;
	struct domain_answer out;
	struct client c;
	char name[32];
	uint64_t now = START;
	unsigned n = 0;

	w->is_mute = true; /* each name is refused at once, and new */
	for (; n < DOMAINS_BURST; n++) {
		sprintf(name, "n%u.org", n);
		assert_true(look(w, &c, name, now));
		assert_int_equal(c.answer.status, DOMAIN_FAILED);
	}
	assert_true(look(w, &c, "more.org", now));
	assert_int_equal(c.answer.status, DOMAIN_LIMITED);
	/* What is known costs nothing, another source has its own. */
	assert_true(look(w, &c, name, now));
	assert_int_equal(c.answer.status, DOMAIN_FAILED);
	assert_true(domains_look(w->d, &out, "more.org", 2, &c.w, now));
	assert_int_equal(out.status, DOMAIN_FAILED);
	now += DOMAINS_EVERY_MS;
	assert_true(look(w, &c, "again.org", now));
	assert_int_equal(c.answer.status, DOMAIN_FAILED);
	assert_true(look(w, &c, "once-more.org", now));
	assert_int_equal(c.answer.status, DOMAIN_LIMITED);
}

static void find_out(struct world *w, const char *name, const char *text)
{
	char place[64];
	struct client c;

	assert_false(look(w, &c, name, START));
	snprintf(place, sizeof(place), "_postern.%s", name);
	answer(w, place, text, 60, START);
	snprintf(place, sizeof(place), "_dstack-app-address.%s", name);
	answer(w, place, NULL, 60, START);
	assert_int_equal(c.told, 1);
}

/* Names made up by strangers do not push out those with a target. */
static void memory_is_bounded_and_targets_go_last(void **state)
{
	struct world *w = *state;
	struct client c;
	char name[32];

	for (int i = 0; i < 4; i++) {
		sprintf(name, "t%d.org", i);
		find_out(w, name, "shop:443");
	}
	for (int i = 0; i < 14; i++) {
		sprintf(name, "n%d.org", i);
		find_out(w, name, NULL);
		assert_true(domains_count(w->d).names <= NAMES);
	}
	for (int i = 0; i < 4; i++) {
		sprintf(name, "t%d.org", i);
		assert_true(look(w, &c, name, START));
		assert_int_equal(c.answer.status, DOMAIN_FOUND);
	}
	assert_true(look(w, &c, "n13.org", START));
}

/* Strangers get three quarters; a known name is refreshed beside them. */
static void strangers_leave_room_for_known_names(void **state)
{
	struct client c[DOMAINS_RESERVE - 1], more;
	const uint64_t end = START + 60 * SECOND;
	struct world *w = *state;
	char name[32];
	bool told_at_once;

	find_out(w, NAME, "shop:443");
	for (int i = 0; i < DOMAINS_RESERVE - 1; i++) {
		sprintf(name, "n%d.org", i);
		assert_false(look(w, &c[i], name, end));
		domains_leave(&c[i].w); /* looked up nonetheless */
	}
	told_at_once = look(w, &more, "more.org", end);
	domains_leave(&more.w);
	assert_true(told_at_once);
	assert_int_equal(more.answer.status, DOMAIN_BUSY);
	assert_false(look(w, &more, NAME, end)); /* nor is the old one told */
	assert_int_equal(domains_count(w->d).asking, DOMAINS_RESERVE);
	/* Known still when nobody can tell, but not served. */
	break_off(w, OWN, DOMAINS_UNKNOWN, end);
	assert_int_equal(more.answer.status, DOMAIN_FAILED);
	domains_expire(w->d, end + TIMEOUT);
	for (int i = 0; i < DOMAINS_RESERVE - 1; i++) {
		sprintf(name, "m%d.org", i);
		assert_false(look(w, &c[i], name, end + 5 * SECOND));
		domains_leave(&c[i].w); /* looked up nonetheless */
	}
	assert_false(look(w, &more, NAME, end + 5 * SECOND));
	answer(w, OWN, "shop:444", 60, end + 5 * SECOND);
	answer(w, COMPAT, NULL, 60, end + 5 * SECOND);
	assert_int_equal(more.answer.status, DOMAIN_FOUND);
	assert_int_equal(more.answer.target.port, 444);
	domains_expire(w->d, end + 5 * SECOND + TIMEOUT);
}

static void known_names_cost_no_budget(void **state)
{
	const uint64_t end = START + 60 * SECOND;
	struct world *w = *state;
	struct client c;
	char name[32];

	find_out(w, NAME, "shop:443");
	w->is_mute = true;
	for (int i = 0; i < DOMAINS_BURST; i++) { /* refusals go, it stays */
		sprintf(name, "a%d.org", i);
		assert_true(look(w, &c, name, end));
	}
	assert_true(look(w, &c, "more.org", end));
	assert_int_equal(c.answer.status, DOMAIN_LIMITED);
	w->is_mute = false;
	assert_false(look(w, &c, NAME, end));
	domains_leave(&c.w);
}

static void ask_again(void *arg, const struct domain_answer *answer_)
{
	struct world *w = *(struct world **)arg;
	struct client c;

	(void)answer_;
	for (int i = 0; i < NAMES + 2; i++) {
		char name[32];

		sprintf(name, "back%d.org", i);
		assert_true(look(w, &c, name, START));
	}
}

/* Those who are told may fill the table before the next one is. */
static void telling_survives_calls_back(void **state)
{
	struct world *w = *state;
	struct domains_waiter back = { .fn = ask_again, .arg = &w };
	struct domain_answer out;
	struct client c;

	assert_false(look(w, &c, NAME, START));
	assert_false(domains_look(w->d, &out, NAME, 1, &back, START));
	answer(w, OWN, NULL, 60, START);
	answer(w, COMPAT, NULL, 60, START);
	w->is_mute = true;
	answer(w, WILD, NULL, 60, START);
	assert_int_equal(c.told, 1);
	assert_true(domains_count(w->d).names <= NAMES + 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_of_answers),
		T(asked_once_however_many_wait),
		cmocka_unit_test(answers_are_kept_within_bounds),
		T(failures_are_kept_for_seconds),
		T(deadline_is_over_all_questions),
		T(so_many_asked_for_at_a_time),
		T(sources_have_a_budget),
		T(memory_is_bounded_and_targets_go_last),
		T(telling_survives_calls_back),
		cmocka_unit_test_setup_teardown(strangers_leave_room_for_known_names, setup_reserve,
						teardown),
		T(known_names_cost_no_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
