/*
 * A thousand days of renewals in virtual time, with a caller that is killed now
 * and then and CAs that fail in every way they can: no gap in the validity of
 * what is served, no order beyond the limits of the CA.
 *
 * The seed is printed; a failure is repeated by putting it into seeds[].
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "acme_ca.h"
#include "acme_drive.h"

#include "acme/ledger.h"

enum {
	DAYS = 1000,
	CAS_MAX = 2,
};

struct site {
	struct drive at[CAS_MAX]; /* one client a CA */
	size_t ca_count;
	struct ledger ledger;
	struct buf ledger_stored, renewal_stored;
	struct renewal renewal;
	bool has_certificate;
	int64_t not_after, now;
	uint64_t random;
	unsigned renewed, failed, killed, asked;
	int64_t down_until[CAS_MAX];
	int64_t closest; /* least left of the validity at a renewal */
};

/* xorshift64: repeatable, and no more than that. */
static uint64_t draw(struct site *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->random;
}

/* What this process would find on disk after a crash. */
static void store(struct site *s)
{
	buf_reset(&s->ledger_stored);
	buf_reset(&s->renewal_stored);
	assert_int_equal(ledger_save(&s->ledger, &s->ledger_stored), RC_OK);
	assert_int_equal(renewal_save(&s->renewal, &s->renewal_stored), RC_OK);
}

static void restart(struct site *s)
{
	assert_int_equal(ledger_load(&s->ledger, buf_span(&s->ledger_stored)), RC_OK);
	assert_int_equal(renewal_load(&s->renewal, buf_span(&s->renewal_stored)), RC_OK);
	s->killed++;
}

/* The weather of this job at this CA. */
static void weather(struct site *s, size_t i)
{
	struct drive *d = &s->at[i];

	d->now = s->now;
	d->ca.is_down = s->now < s->down_until[i];
	d->ca.is_ari_past = draw(s) % 20 == 0;
	d->ca.ari_runs = draw(s) % 3 == 0;
	d->ca.has_ari = draw(s) % 10 != 0;
	d->ca.loops = draw(s) % 4 == 0;
	d->trouble = draw(s) % 2 ? CA_FINE : (enum ca_trouble)(draw(s) % CA_TROUBLES);
	d->trouble_at = (uint32_t)(draw(s) % 12);
	d->trouble_lasts = draw(s) % 3 ? 1 + (uint32_t)(draw(s) % 12) : 1000;
	d->ca.trouble_left = 0;
	d->kill_in = draw(s) % 3 ? -1 : (int)(draw(s) % 30);
}

/* A CA is away for days, sometimes, and then there for as long at least. */
static void storms(struct site *s, int64_t longest)
{
	for (size_t i = 0; i < s->ca_count; i++)
		if (s->now > s->down_until[i] + longest && draw(s) % 12 == 0)
			s->down_until[i] = s->now + (int64_t)(draw(s) % (uint64_t)longest);
}

static void served(struct site *s, size_t i)
{
	struct certcheck_chain chain;

	drive_check_chain(&s->at[i]);
	assert_int_equal(certcheck_read(&chain, acme_chain(s->at[i].a)), CERTCHECK_OK);
	if (s->has_certificate && s->not_after - s->now < s->closest)
		s->closest = s->not_after - s->now;
	s->not_after = chain.cert[0].not_after;
	s->has_certificate = true;
	renewal_init(&s->renewal, &chain.cert[0], s->now);
	s->renewed++;
	certcheck_fini(&chain);
}

static void settle(struct site *s, size_t i, enum acme_end end, const struct sha256 *hash)
{
	const char *directory = s->at[i].ca.base;
	const struct acme_outcome *o = acme_outcome(s->at[i].a);

	s->now = s->at[i].now;
	if (end == ACME_END_OK) {
		ledger_succeeded(&s->ledger, directory, hash, s->now);
		served(s, i);
		return;
	}
	s->failed++;
	/* After a crash in the middle nobody knows how it ended. */
	ledger_failed(&s->ledger, directory, hash,
		      &(struct ledger_failure){
			      .retry_at = end == ACME_END_NONE ? 0 : o->retry_at,
			      .deadline = s->has_certificate ? s->not_after : 0,
			      .may_have_issued = end == ACME_END_NONE ||
						 acme_may_have_issued(s->at[i].a),
			      .random = draw(s),
		      },
		      s->now);
}

static void renew(struct site *s)
{
	const char *directories[CAS_MAX];
	struct ledger_choice choice;
	struct sha256 hash;
	struct ledger_ask ask = { .names = &hash };
	struct drive *d;
	enum acme_end end;

	names_hash(&s->at[0].names, &hash);
	for (size_t i = 0; i < s->ca_count; i++)
		directories[i] = s->at[i].ca.base;
	ask.is_early = s->has_certificate && renewal_is_early(&s->renewal, s->now);
	choice = ledger_choose(&s->ledger, directories, s->ca_count, &ask, s->now);
	if (choice.at > s->now) {
		/* What is early now is not for ever. */
		s->now = choice.at;
		if (ask.is_early && renewal_by_lifetime(&s->renewal) < choice.at)
			s->now = renewal_by_lifetime(&s->renewal);
		return;
	}
	d = &s->at[choice.ca];
	weather(s, choice.ca);
	if (acme_has_order(d->a)) {
		end = drive_resume(d);
	} else {
		assert_int_equal(ledger_book(&s->ledger, d->ca.base, &ask, s->now), RC_OK);
		store(s);
		end = drive_order(d, s->renewal.is_replaced ? NULL : s->renewal.id);
	}
	if (end == ACME_END_NONE)
		restart(s);
	settle(s, choice.ca, end, &hash);
	store(s);
}

static void ask(struct site *s)
{
	struct drive *d = &s->at[0];
	struct certcheck_chain chain;
	enum acme_end end;

	s->asked++;
	if (certcheck_read(&chain, acme_chain(d->a)) != CERTCHECK_OK) {
		renewal_miss(&s->renewal, 0, s->now); /* it came from the other CA */
		return;
	}
	weather(s, 0);
	d->kill_in = -1;
	assert_int_equal(acme_ask_renewal(d->a, chain.der[0]), RC_OK);
	end = drive_run(d);
	s->now = d->now;
	if (end == ACME_END_OK)
		renewal_take(&s->renewal, acme_window(d->a), s->now, draw(s));
	else
		renewal_miss(&s->renewal, acme_outcome(d->a)->retry_at, s->now);
	store(s);
	certcheck_fini(&chain);
}

/* The most events within any 'span' seconds. */
static size_t densest(const int64_t *at, size_t count, int64_t span)
{
	size_t most = 0;

	for (size_t i = 0, first = 0; i < count; i++) {
		while (at[first] + span <= at[i])
			first++;
		if (i - first + 1 > most)
			most = i - first + 1;
	}
	return most;
}

static void check_limits(const struct site *s)
{
	for (size_t i = 0; i < s->ca_count; i++) {
		const struct ca *ca = &s->at[i].ca;

		/* Let's Encrypt's: 5 certificates a name set in 7 days, 300 orders
		 * in 3 hours; and by our own waits never more than these. */
		assert_in_range(densest(ca->issued_at, ca->issued, 7 * CA_DAY), 0, 5);
		assert_in_range(densest(ca->order_at, ca->orders_made, 3 * 3600), 0, 8);
		assert_in_range(densest(ca->order_at, ca->orders_made, 3600), 0, 6);
		assert_int_equal(ca->accounts_made, 1);
		assert_int_equal(ca->shown_count, 0);
	}
}

static void site_init(struct site *s, size_t cas, int64_t life, uint64_t seed)
{
	static const char *const names[] = { "*.example.org", "example.org", NULL };
	static const char *const bases[] = { "https://ca.example", "https://second.example" };

	memset(s, 0, sizeof(*s));
	s->random = seed;
	s->now = DRIVE_START;
	s->ca_count = cas;
	s->closest = INT64_MAX;
	ledger_init(&s->ledger);
	buf_init(&s->ledger_stored, LEDGER_STATE_MAX);
	buf_init(&s->renewal_stored, RENEWAL_STATE_MAX);
	for (size_t i = 0; i < cas; i++) {
		drive_init_at(&s->at[i], CHALLENGE_DNS_01, bases[i]);
		s->at[i].ca.life = life;
		drive_names(&s->at[i], names);
		drive_register(&s->at[i]);
	}
}

static void site_fini(struct site *s)
{
	buf_fini(&s->ledger_stored);
	buf_fini(&s->renewal_stored);
	for (size_t i = 0; i < s->ca_count; i++)
		drive_fini(&s->at[i]);
}

static void live(size_t cas, int64_t life, int64_t longest_storm, uint64_t seed)
{
	struct site *s = mem_new(sizeof(*s));
	const int64_t end = DRIVE_START + (int64_t)DAYS * CA_DAY;

	site_init(s, cas, life, seed);
	while (s->now < end) {
		int64_t renew_at = s->has_certificate ? renewal_at(&s->renewal) : s->now;
		int64_t ask_at = s->has_certificate ? renewal_ask_at(&s->renewal) : INT64_MAX;

		storms(s, longest_storm);
		if (ask_at < renew_at) {
			s->now = ask_at > s->now ? ask_at : s->now;
			ask(s);
		} else {
			s->now = renew_at > s->now ? renew_at : s->now;
			renew(s);
		}
		if (s->has_certificate && s->now >= s->not_after)
			fail_msg("seed %ju: a gap after %jd days", (uintmax_t)seed,
				 (intmax_t)((s->now - DRIVE_START) / CA_DAY));
	}
	check_limits(s);
	print_message("seed %ju: %zu CA, life %jd h: %u renewed, %u failures, %u kills, ",
		      (uintmax_t)seed, cas, (intmax_t)(life / 3600), s->renewed, s->failed,
		      s->killed);
	print_message("%u windows asked, least validity left %jd h\n", s->asked,
		      (intmax_t)(s->closest / 3600));
	site_fini(s);
	free(s);
}

static const uint64_t seeds[] = { 1, 2 };

static void one_ca_ninety_days(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
		live(1, 90 * CA_DAY, 8 * CA_DAY, seeds[i]);
}

static void two_cas_one_hundred_and_sixty_hours(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++)
		live(2, 160 * 3600, 2 * CA_DAY, seeds[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_ca_ninety_days),
		cmocka_unit_test(two_cas_one_hundred_and_sixty_hours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
