/* ledger: limits, waits, the choice of a CA, and the same after a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "acme/ledger.h"

enum {
	NOW = 1'800'000'000,
	DAY = 86'400,
};
#define A "https://a.example/directory"
#define B "https://b.example/directory"

static const struct sha256 set = { { 1 } }, other = { { 2 } };
static const struct ledger_ask in_time = { .names = &set }, early = { &set, true };

static int64_t fail_at(struct ledger *l, const char *ca, int64_t now, struct ledger_failure f)
{
	ledger_failed(l, ca, &set, &f, now);
	return ledger_order_at(l, ca, &in_time) - now;
}

static void waits_grow_and_end_with_success(void **state)
{
	static const int64_t want[] = { 60, 600, 6000, DAY, DAY };
	static struct ledger l;

	(void)state;
	ledger_init(&l);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(fail_at(&l, A, NOW, (struct ledger_failure){ 0 }), want[i]);
	/* A quarter more at most, drawn. */
	assert_int_equal(fail_at(&l, A, NOW, (struct ledger_failure){ .random = DAY / 4 }),
			 DAY + DAY / 4);
	assert_int_equal(fail_at(&l, A, NOW, (struct ledger_failure){ .random = DAY / 4 + 1 }),
			 DAY);
	assert_int_equal(ledger_resume_at(&l, A, &set), NOW + DAY);
	assert_int_equal(ledger_resume_at(&l, A, &other), 0);
	/* The CA's word counts when it is later. */
	assert_int_equal(fail_at(&l, A, NOW,
				 (struct ledger_failure){ .retry_at = NOW + 5 * DAY }),
			 5 * DAY);
	assert_int_equal(fail_at(&l, A, NOW, (struct ledger_failure){ .retry_at = NOW + 5 }), DAY);
	/* Where the certificate ends soon, an eighth of what is left. */
	assert_int_equal(fail_at(&l, A, NOW,
				 (struct ledger_failure){ .deadline = NOW + 4 * DAY }),
			 DAY / 2);
	assert_int_equal(fail_at(&l, A, NOW, (struct ledger_failure){ .deadline = NOW + 60 }),
			 6000);
	assert_int_equal(fail_at(&l, A, NOW, (struct ledger_failure){ .deadline = NOW - 60 }),
			 6000);
	assert_int_equal(fail_at(&l, A, NOW,
				 (struct ledger_failure){ .deadline = NOW + 90 * DAY }),
			 DAY);
	ledger_succeeded(&l, A, &set, NOW);
	assert_true(ledger_order_at(&l, A, &in_time) <= NOW);
}

static void a_name_set_has_its_limit(void **state)
{
	static struct ledger l;

	(void)state;
	ledger_init(&l);
	for (int i = 0; i < LEDGER_SET_ORDERS; i++) {
		assert_int_equal(ledger_book(&l, A, &in_time, NOW + i), RC_OK);
		ledger_succeeded(&l, A, &set, NOW + i);
	}
	assert_int_equal(ledger_book(&l, A, &in_time, NOW + LEDGER_SET_SPAN - 1), RC_DENIED);
	assert_int_equal(ledger_order_at(&l, A, &in_time), NOW + LEDGER_SET_SPAN);
	/* What is booked is gone on with all the same, unless it has to wait. */
	assert_int_equal(ledger_resume_at(&l, A, &set), 0);
	assert_int_equal(ledger_resume_at(&l, B, &set), 0);
	/* Others, and another CA, are free. */
	assert_int_equal(ledger_order_at(&l, A, &(struct ledger_ask){ .names = &other }), 0);
	assert_int_equal(ledger_order_at(&l, B, &in_time), 0);
	assert_int_equal(ledger_book(&l, A, &in_time, NOW + LEDGER_SET_SPAN), RC_OK);
}

static void early_ones_leave_half_for_those_in_time(void **state)
{
	static struct ledger l;

	(void)state;
	ledger_init(&l);
	for (int i = 0; i < LEDGER_SET_EARLY; i++)
		assert_int_equal(ledger_book(&l, A, &early, NOW), RC_OK);
	assert_int_equal(ledger_book(&l, A, &early, NOW), RC_DENIED);
	assert_int_equal(ledger_book(&l, A, &in_time, NOW), RC_OK);
	assert_int_equal(ledger_order_at(&l, A, &early), NOW + LEDGER_SET_SPAN);
}

static void only_what_may_have_issued_counts_for_the_set(void **state)
{
	static struct ledger l;
	int64_t now = NOW;

	(void)state;
	ledger_init(&l);
	for (int i = 0; i < 20; i++, now += 2 * DAY) {
		assert_int_equal(ledger_book(&l, A, &in_time, now), RC_OK);
		(void)fail_at(&l, A, now, (struct ledger_failure){ 0 });
	}
	for (int i = 0; i < LEDGER_SET_ORDERS; i++) {
		now = ledger_order_at(&l, A, &in_time);
		assert_int_equal(ledger_book(&l, A, &in_time, now), RC_OK);
		(void)fail_at(&l, A, now,
			      (struct ledger_failure){ .may_have_issued = true,
						       .deadline = now + 60 });
	}
	assert_true(ledger_order_at(&l, A, &in_time) > now + 6 * DAY);
}

static void an_account_has_its_limit(void **state)
{
	static struct ledger l;
	struct sha256 names = { 0 };
	const struct ledger_ask ask = { .names = &names };

	(void)state;
	ledger_init(&l);
	for (int i = 0; i < LEDGER_CA_ORDERS; i++) {
		names.b[0] = (uint8_t)i;
		names.b[1] = 7;
		assert_int_equal(ledger_book(&l, A, &ask, NOW + i), RC_OK);
	}
	names.b[0] = 0xff;
	assert_int_equal(ledger_book(&l, A, &ask, NOW + LEDGER_CA_ORDERS), RC_DENIED);
	assert_int_equal(ledger_order_at(&l, A, &ask), NOW + LEDGER_CA_SPAN);
	assert_int_equal(ledger_book(&l, A, &ask, NOW + LEDGER_CA_SPAN), RC_OK);
	/* A failure of the CA holds every name set back. */
	ledger_failed(&l, B, &set,
		      &(struct ledger_failure){ .whole_ca = true, .retry_at = NOW + 2 * DAY }, NOW);
	assert_int_equal(ledger_order_at(&l, B, &ask), NOW + 2 * DAY);
}

static void more_than_fits_is_refused_or_the_oldest_goes(void **state)
{
	static struct ledger l;
	char ca[64];
	struct sha256 names = { 0 };
	const struct ledger_ask ask = { .names = &names };

	(void)state;
	ledger_init(&l);
	for (int i = 0; i < LEDGER_CAS_MAX; i++) {
		snprintf(ca, sizeof(ca), "https://%d.example", i);
		assert_int_equal(ledger_book(&l, ca, &in_time, NOW), RC_OK);
	}
	assert_int_equal(ledger_book(&l, A, &in_time, NOW), RC_LIMIT);
	for (int i = 0; i < LEDGER_SETS_MAX; i++) {
		names.b[0] = (uint8_t)i;
		names.b[1] = 9;
		assert_int_equal(ledger_book(&l, ca, &ask, NOW + DAY * (i + 1)), RC_OK);
	}
	assert_int_equal(l.ca[LEDGER_CAS_MAX - 1].order_count, LEDGER_CA_ORDERS);
	for (int i = 0; i < LEDGER_SETS_MAX; i++)
		assert_int_equal(l.set[i].names.b[1], 9);
}

static void the_next_ca_is_asked_when_one_fails_or_waits(void **state)
{
	static const char *const cas[] = { A, B };
	static struct ledger l;
	struct ledger_choice c;

	(void)state;
	ledger_init(&l);
	c = ledger_choose(&l, cas, 2, &in_time, NOW);
	assert_int_equal(c.ca, 0);
	/* One failure is waited for. */
	(void)fail_at(&l, A, NOW, (struct ledger_failure){ 0 });
	c = ledger_choose(&l, cas, 2, &in_time, NOW);
	assert_int_equal(c.ca, 0);
	assert_int_equal(c.at, NOW + 60);
	(void)fail_at(&l, A, NOW, (struct ledger_failure){ 0 });
	assert_int_equal(ledger_choose(&l, cas, 2, &in_time, NOW).ca, 1);
	/* Both fail: the one that is free first. */
	for (int i = 0; i < 3; i++)
		(void)fail_at(&l, B, NOW, (struct ledger_failure){ 0 });
	c = ledger_choose(&l, cas, 2, &in_time, NOW);
	assert_int_equal(c.ca, 0);
	assert_int_equal(c.at, NOW + 600);
	/* A long wait is not for a second CA's customers. */
	ledger_init(&l);
	(void)fail_at(&l, A, NOW, (struct ledger_failure){ .retry_at = NOW + DAY });
	assert_int_equal(ledger_choose(&l, cas, 2, &in_time, NOW).ca, 1);
	assert_int_equal(ledger_choose(&l, cas, 1, &in_time, NOW).at, NOW + DAY);
}

static void saved_and_loaded_it_is_the_same(void **state)
{
	const struct ledger_failure busy = { .retry_at = NOW + DAY, .whole_ca = true };
	static struct ledger l, back;
	struct buf once = { 0 }, twice = { 0 };

	(void)state;
	ledger_init(&l);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ledger_book(&l, A, &in_time, NOW + i * DAY), RC_OK);
	(void)fail_at(&l, B, NOW, busy);
	buf_init(&once, LEDGER_STATE_MAX);
	buf_init(&twice, LEDGER_STATE_MAX);
	assert_int_equal(ledger_save(&l, &once), RC_OK);
	assert_int_equal(ledger_load(&back, buf_span(&once)), RC_OK);
	assert_int_equal(ledger_order_at(&back, A, &in_time), ledger_order_at(&l, A, &in_time));
	assert_int_equal(ledger_order_at(&back, B, &in_time), ledger_order_at(&l, B, &in_time));
	assert_int_equal(ledger_save(&back, &twice), RC_OK);
	assert_true(span_equal(buf_span(&once), buf_span(&twice)));
	/* Every prefix is refused and changes nothing. */
	for (size_t n = 0; n < once.n; n++) {
		assert_int_equal(ledger_load(&l, span_of(buf_span(&once).p, n)), RC_MALFORMED);
		assert_int_equal(ledger_order_at(&l, B, &in_time), NOW + DAY);
	}
	buf_fini(&once);
	buf_fini(&twice);
}

/* Orders and waits of a clock that was years ahead, and is right again. */
static void clock_is_set_back(void **state)
{
	static const char *const cas[] = { A };
	const int64_t ahead = NOW + 3000LL * DAY;
	static struct ledger l;
	struct ledger_choice choice;

	(void)state;
	ledger_init(&l);
	for (size_t i = 0; i < LEDGER_SET_ORDERS; i++)
		assert_int_equal(ledger_book(&l, A, &in_time, ahead), RC_OK);
	/* Made now: the limit holds from here on, and not for years. */
	choice = ledger_choose(&l, cas, 1, &in_time, NOW);
	assert_int_equal(choice.at, NOW + LEDGER_SET_SPAN);
	assert_int_equal(ledger_order_at(&l, A, &in_time), NOW + LEDGER_SET_SPAN);
	assert_int_equal(ledger_book(&l, A, &in_time, NOW), RC_DENIED);
	assert_int_equal(ledger_book(&l, A, &in_time, NOW + LEDGER_SET_SPAN), RC_OK);

	ledger_init(&l);
	ledger_failed(&l, A, &set,
		      &(struct ledger_failure){ .retry_at = ahead, .whole_ca = true }, ahead);
	choice = ledger_choose(&l, cas, 1, &in_time, NOW);
	assert_int_equal(choice.at, NOW + LEDGER_WAIT_MAX);
	/* Once: it does not move with the time. */
	choice = ledger_choose(&l, cas, 1, &in_time, NOW + DAY);
	assert_int_equal(choice.at, NOW + LEDGER_WAIT_MAX);
	choice = ledger_choose(&l, cas, 1, &(struct ledger_ask){ .names = &other }, NOW + DAY);
	assert_int_equal(choice.at, NOW + LEDGER_WAIT_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waits_grow_and_end_with_success),
		cmocka_unit_test(a_name_set_has_its_limit),
		cmocka_unit_test(early_ones_leave_half_for_those_in_time),
		cmocka_unit_test(only_what_may_have_issued_counts_for_the_set),
		cmocka_unit_test(an_account_has_its_limit),
		cmocka_unit_test(more_than_fits_is_refused_or_the_oldest_goes),
		cmocka_unit_test(the_next_ca_is_asked_when_one_fails_or_waits),
		cmocka_unit_test(saved_and_loaded_it_is_the_same),
		cmocka_unit_test(clock_is_set_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
