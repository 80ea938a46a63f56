/* follow, heads: logs of both kinds read to their end in virtual time; each
 * misbehaviour by its alarm (A35, A36); positions kept; a million entries. */
#include "unit.h"

#include <malloc.h>

#include "log_server.h"

struct seen {
	size_t entries, unreadable, heads, proven_calls;
	uint64_t next; /* index expected */
	uint64_t proven;
	size_t alarms[FOLLOW_ALARM_COUNT];
	struct tree_head first, second; /* of the last conviction */
	unsigned status;
};

static void on_entry(void *arg, uint64_t index, const struct logentry *entry, struct span leaf)
{
	struct seen *s = arg;

	(void)leaf;
	assert_true(index <= s->next); /* again after a rewind, never a gap */
	s->next = index + 1;
	s->entries++;
	s->unreadable += entry == NULL;
	if (entry) {
		assert_int_equal(entry->type, SCT_ENTRY_X509);
		/* 603 is the one that MISSING_LEAF leaves out */
		assert_true(entry->timestamp_ms == 1000 + index || index == 603);
	}
}

static void on_head(void *arg, const struct sth *sth)
{
	struct seen *s = arg;

	(void)sth;
	s->heads++;
}

static void on_proven(void *arg, const struct tree_head *head)
{
	struct seen *s = arg;

	s->proven = head->size;
	s->proven_calls++;
}

static void on_alarm(void *arg, const struct follow_alarm *alarm)
{
	struct seen *s = arg;

	assert_non_null(follow_alarm_name(alarm->kind));
	s->alarms[alarm->kind]++;
	s->status = alarm->status;
	if (alarm->kind == FOLLOW_INCONSISTENT) {
		assert_true(follow_alarm_convicts(alarm->kind));
		s->first = alarm->first->head;
		s->second = alarm->second->head;
	}
}

static size_t alarms(const struct seen *s)
{
	size_t n = 0;

	for (size_t i = 0; i < FOLLOW_ALARM_COUNT; i++)
		n += s->alarms[i];
	return n;
}

static struct follow *begin(struct log_server *s, struct seen *seen, enum follow_start start)
{
	struct follow_config c = { .is_tiled = s->is_tiled,
				   .url = span_str(LOG_URL "/"),
				   .spki = s->log.spki,
				   .origin = span_str(LOG_ORIGIN),
				   .start = start,
				   .sink = { seen, on_entry, on_head, on_proven, on_alarm } };

	return follow_new(&c);
}

/* Runs until the follower waits until 'until' or later. */
static void run(struct follow *f, struct log_server *s, int64_t until)
{
	struct web_ask ask = { 0 };
	int64_t next;

	while (s->now < until) {
		struct web_answer a = { 0 };

		if (follow_next(f, &ask, &next, s->now) == FOLLOW_WAIT) {
			assert_true(next > s->now);
			s->now = next;
			continue;
		}
		follow_take(f, log_serve(s, &a, &ask) ? &a : NULL, s->now);
		web_answer_fini(&a);
	}
	web_ask_fini(&ask);
}

static void both(void (*test)(bool is_tiled))
{
	test(false);
	test(true);
}

static void grow(bool is_tiled)
{
	static const size_t sizes[] = { 0, 1, 2, 3, 255, 256, 257, 600, 600, 1024, 1999 };
	struct log_server s;
	struct seen seen = { 0 };
	struct follow_status status;
	struct follow *f;

	log_server_init(&s, is_tiled, 2000);
	f = begin(&s, &seen, FOLLOW_FROM_BEGINNING);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		s.size = sizes[i];
		run(f, &s, s.now + FOLLOW_POLL_S);
		assert_int_equal(seen.proven, sizes[i]);
		assert_int_equal(seen.entries, sizes[i]); /* each once */
	}
	assert_int_equal(alarms(&seen), 0);
	assert_int_equal(seen.heads, 10); /* one size came twice */
	follow_status(&status, f);
	assert_int_equal(status.read, 1999);
	assert_int_equal(status.proven, 1999);
	assert_int_equal(status.signed_size, 1999);
	assert_int_equal(status.failures, 0);
	assert_int_equal(status.unproven, 0);
	follow_free(f);
	log_server_fini(&s);
}

static void grows_and_is_read_once(void **state)
{
	(void)state;
	both(grow);
}

/* One misbehaviour after 500 good entries, then good again with 1,500. */
static void misbehave(bool is_tiled)
{
	static const struct {
		const char *name;
		enum misbehaviour how;
		size_t size;
		enum follow_alarm_kind want;
		bool recovers;
	} cases[] = {
		{ "head_not_signed", BAD_HEAD_SIGNATURE, 700, FOLLOW_BAD_SIGNATURE, true },
		{ "A36_fork", FORK, 500, FOLLOW_INCONSISTENT, true },
		{ "A35_entries_missing", MISSING_LEAF, 700, FOLLOW_ROOT_MISMATCH, true },
		{ "A36_other_history", OTHER_HISTORY, 700, FOLLOW_ROOT_MISMATCH, true },
		{ "head_is_old", STALE_HEAD, 500, FOLLOW_STALE, true },
		{ "head_from_the_future", FUTURE_HEAD, 700, FOLLOW_FUTURE, true },
		{ "unavailable", ERROR_503, 700, FOLLOW_NO_ANSWER, true },
		{ "silent", NO_ANSWER, 700, FOLLOW_NO_ANSWER, true },
		{ "error_page", ERROR_PAGE, 700, FOLLOW_BAD_ANSWER, true },
		{ "gzip_cut", GZIP_CUT, 700, FOLLOW_BAD_ANSWER, true },
		{ "coding_nobody_asked_for", OTHER_CODING, 700, FOLLOW_BAD_ANSWER, true },
		{ "truncated", TRUNCATED, 700, FOLLOW_BAD_ANSWER, true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct log_server s;
		struct seen seen = { 0 };
		struct follow *f;

		print_message("%s%s\n", cases[i].name, is_tiled ? " (tiles)" : "");
		log_server_init(&s, is_tiled, 2000);
		f = begin(&s, &seen, FOLLOW_FROM_BEGINNING);
		s.size = 500;
		run(f, &s, s.now + 10);
		assert_int_equal(seen.proven, 500);
		s.how = cases[i].how;
		s.size = cases[i].size;
		run(f, &s, s.now + (cases[i].how == STALE_HEAD ? 3 * DAY : 600));
		assert_true(seen.alarms[cases[i].want] > 0);
		assert_int_equal(seen.proven, cases[i].how == FUTURE_HEAD ? 700 : 500);
		/* asked ever more rarely, not in a loop */
		assert_true(s.asked < 5000);
		s.how = HONEST;
		s.size = 1500;
		run(f, &s, s.now + 3 * FOLLOW_RETRY_MAX_S);
		assert_int_equal(seen.proven, cases[i].recovers ? 1500 : 500);
		follow_free(f);
		log_server_fini(&s);
	}
}

static void misbehaviours(void **state)
{
	(void)state;
	both(misbehave);
}

/* A log that signed a false larger head and goes on honestly: reading past that
 * size with a good head convicts it, with both heads in hand. */
static void false_head_convicts_later(bool is_tiled)
{
	struct log_server s;
	struct seen seen = { 0 };
	struct follow *f;

	log_server_init(&s, is_tiled, 2000);
	f = begin(&s, &seen, FOLLOW_FROM_BEGINNING);
	s.size = 500;
	run(f, &s, s.now + 10);
	s.how = OTHER_HISTORY;
	s.size = 700;
	run(f, &s, s.now + 200);
	assert_int_equal(seen.alarms[FOLLOW_INCONSISTENT], 0);
	s.how = HONEST;
	s.size = 900;
	run(f, &s, s.now + 2 * FOLLOW_RETRY_MAX_S);
	assert_int_equal(seen.proven, 900);
	assert_int_equal(seen.alarms[FOLLOW_INCONSISTENT], 1);
	assert_int_equal(seen.first.size, 700);
	assert_int_equal(seen.second.size, 900);
	follow_free(f);
	log_server_fini(&s);
}

static void false_heads_convict_later(void **state)
{
	(void)state;
	both(false_head_convicts_later);
}

/* A36: a head remembered by somebody else, smaller than what was read: proven
 * when honest, convicting when of another history. */
static void remember(bool is_tiled)
{
	struct log_server s;
	struct seen seen = { 0 };
	struct sth honest, forked, unsigned_head;
	struct follow *f;

	log_server_init(&s, is_tiled, 2000);
	f = begin(&s, &seen, FOLLOW_FROM_BEGINNING);
	s.size = 1100;
	run(f, &s, s.now + 10);
	honest = log_head(&s, s.leaf, 333, s.now);
	forked = log_head(&s, s.fork, 334, s.now);
	unsigned_head = log_head(&s, s.leaf, 335, s.now);
	unsigned_head.signature[20] ^= 1;
	assert_false(follow_offer(f, &unsigned_head));
	assert_true(follow_offer(f, &honest));
	run(f, &s, s.now + FOLLOW_POLL_S);
	assert_int_equal(alarms(&seen), 0);
	assert_true(follow_offer(f, &forked));
	run(f, &s, s.now + FOLLOW_POLL_S);
	assert_int_equal(seen.alarms[FOLLOW_INCONSISTENT], 1);
	assert_int_equal(seen.first.size, 334);
	assert_int_equal(seen.second.size, 1100);
	/* and the empty tree, which needs no question */
	honest = log_head(&s, s.leaf, 0, s.now);
	assert_true(follow_offer(f, &honest));
	run(f, &s, s.now + FOLLOW_POLL_S);
	assert_int_equal(alarms(&seen), 1);
	follow_free(f);
	log_server_fini(&s);
}

static void remembered_heads(void **state)
{
	(void)state;
	both(remember);
}

static void from_end(bool is_tiled)
{
	static const size_t sizes[] = { 1, 2, 255, 256, 257, 1000 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct log_server s;
		struct seen seen = { .next = sizes[i] };
		struct follow *f;

		log_server_init(&s, is_tiled, 2000);
		f = begin(&s, &seen, FOLLOW_FROM_END);
		s.size = sizes[i];
		run(f, &s, s.now + 10);
		assert_int_equal(seen.proven, sizes[i]);
		assert_int_equal(seen.entries, 0);
		s.size += 300;
		run(f, &s, s.now + FOLLOW_POLL_S + 10);
		assert_int_equal(seen.proven, sizes[i] + 300);
		assert_int_equal(seen.entries, 300);
		assert_int_equal(alarms(&seen), 0);
		follow_free(f);
		log_server_fini(&s);
	}
}

static void beginning_at_the_end(void **state)
{
	(void)state;
	both(from_end);
}

/* Beginning at the end, over a tree that is not the signed one. */
static void false_end(bool is_tiled)
{
	struct log_server s;
	struct seen seen = { 0 };
	struct follow *f;

	log_server_init(&s, is_tiled, 2000);
	f = begin(&s, &seen, FOLLOW_FROM_END);
	s.size = 700;
	s.how = OTHER_HISTORY;
	run(f, &s, s.now + 600);
	assert_true(seen.alarms[FOLLOW_ROOT_MISMATCH] > 0);
	assert_int_equal(seen.entries, 0);
	assert_int_equal(seen.proven_calls, 0);
	follow_free(f);
	log_server_fini(&s);
}

static void false_ends(void **state)
{
	(void)state;
	both(false_end);
}

static void resume(bool is_tiled)
{
	struct log_server s;
	struct seen seen = { 0 };
	uint8_t *room = mem_new(FOLLOW_POSITION_MAX);
	struct wr w = wr_over(room, FOLLOW_POSITION_MAX);
	struct span position;
	struct follow *f;

	log_server_init(&s, is_tiled, 2000);
	f = begin(&s, &seen, FOLLOW_FROM_BEGINNING);
	s.size = 777;
	run(f, &s, s.now + 10);
	follow_position(f, &w);
	assert_true(wr_done(&w, &position));
	follow_free(f);
	f = begin(&s, &seen, FOLLOW_FROM_BEGINNING);
	for (size_t n = 0; n < position.n; n++)
		assert_int_equal(follow_resume(f, span_of(position.p, n)), RC_MALFORMED);
	for (size_t i = 0; i < position.n; i += 3) {
		room[i] ^= 0x10;
		/* another log, another tree: refused; a timestamp is not under
		 * a hash */
		(void)follow_resume(f, position);
		room[i] ^= 0x10;
	}
	/* behind formats, log id, flag and size stands the root, and at the end
	 * the frontier that has to lead to it */
	for (size_t at = 33 + 2 + 8; at < 33 + 2 + 8 + 32; at++) {
		room[at] ^= 1;
		assert_int_equal(follow_resume(f, position), RC_MALFORMED);
		room[at] ^= 1;
	}
	room[position.n - 2] ^= 1;
	assert_int_equal(follow_resume(f, position), RC_MALFORMED);
	room[position.n - 2] ^= 1;
	assert_int_equal(follow_resume(f, position), RC_OK);
	s.size = 1500;
	run(f, &s, s.now + FOLLOW_POLL_S);
	assert_int_equal(seen.proven, 1500);
	assert_int_equal(seen.entries, 1500); /* none twice, none left out */
	assert_int_equal(alarms(&seen), 0);
	follow_free(f);
	/* A36 over a restart: the old head is not forgotten */
	seen = (struct seen){ .next = 777 };
	f = begin(&s, &seen, FOLLOW_FROM_BEGINNING);
	assert_int_equal(follow_resume(f, position), RC_OK);
	s.how = FORK;
	s.size = 777;
	run(f, &s, s.now + FOLLOW_POLL_S);
	assert_true(seen.alarms[FOLLOW_INCONSISTENT] > 0);
	follow_free(f);
	free(room);
	log_server_fini(&s);
}

static void positions(void **state)
{
	(void)state;
	both(resume);
}

/* static-ct-api: "Clients MUST support Content-Encoding: gzip" */
static void compressed(bool is_tiled)
{
	struct log_server s;
	struct seen seen = { 0 };
	struct follow *f;

	log_server_init(&s, is_tiled, 2000);
	s.how = GZIP;
	f = begin(&s, &seen, FOLLOW_FROM_BEGINNING);
	s.size = 1234;
	run(f, &s, s.now + 10);
	assert_int_equal(seen.proven, 1234);
	assert_int_equal(alarms(&seen), 0);
	follow_free(f);
	log_server_fini(&s);
}

static void compressed_answers(void **state)
{
	(void)state;
	both(compressed);
}

static void partial_tiles_gone(void **state)
{
	struct log_server s;
	struct seen seen = { 0 };
	struct follow *f;

	(void)state;
	log_server_init(&s, true, 2048);
	f = begin(&s, &seen, FOLLOW_FROM_BEGINNING);
	s.how = NO_PARTIAL_TILES;
	s.size = 700;
	run(f, &s, s.now + 10);
	assert_int_equal(seen.proven, 700);
	assert_int_equal(seen.entries, 700);
	assert_int_equal(alarms(&seen), 0);
	follow_free(f);
	log_server_fini(&s);
}

/* An entry that is no entry: told, hashed, and no reason to stop; in a tile
 * nobody knows where the next one begins. */
static void unreadable_entries(void **state)
{
	struct log_server s;
	struct seen seen = { 0 };
	uint8_t bytes[32];
	struct follow *f;

	(void)state;
	log_server_init(&s, false, 2000);
	s.leaf[3] = stupid_leaf(bytes, log_leaf(bytes, 3, false));
	s.how = UNREADABLE_ENTRY;
	f = begin(&s, &seen, FOLLOW_FROM_BEGINNING);
	s.size = 100;
	run(f, &s, s.now + 10);
	assert_int_equal(seen.proven, 100);
	assert_int_equal(seen.unreadable, 1);
	follow_free(f);
	log_server_fini(&s);
	seen = (struct seen){ 0 };
	log_server_init(&s, true, 2000);
	s.how = UNREADABLE_ENTRY;
	f = begin(&s, &seen, FOLLOW_FROM_BEGINNING);
	s.size = 100;
	run(f, &s, s.now + 10);
	assert_int_equal(seen.proven_calls, 0);
	assert_true(seen.alarms[FOLLOW_BAD_ANSWER] > 0);
	follow_free(f);
	log_server_fini(&s);
}

/* More in a data tile than its width. */
static void tile_too_long(void **state)
{
	struct log_server s;
	struct seen seen = { 0 };
	struct follow *f;

	(void)state;
	log_server_init(&s, true, 2000);
	s.how = TRAILING;
	f = begin(&s, &seen, FOLLOW_FROM_BEGINNING);
	s.size = 100;
	run(f, &s, s.now + 10);
	assert_true(seen.alarms[FOLLOW_BAD_ANSWER] > 0);
	follow_free(f);
	log_server_fini(&s);
}

/* Entries that are of use until the last of them: the log is asked ever more
 * rarely all the same, and at once again when the tree is proven. */
static void mismatch_after_batches(bool is_tiled)
{
	static const enum follow_start starts[] = { FOLLOW_FROM_BEGINNING, FOLLOW_FROM_END };

	for (size_t i = 0; i < 2; i++) {
		struct log_server s;
		struct seen seen = { 0 };
		struct follow *f;

		log_server_init(&s, is_tiled, 2000);
		s.batch = 100;
		s.how = OTHER_HISTORY;
		s.size = 700;
		f = begin(&s, &seen, starts[i]);
		run(f, &s, s.now + 3600);
		/* 2 + 4 + ... + 2048 seconds, and the first */
		assert_in_range(seen.alarms[FOLLOW_ROOT_MISMATCH], 5, 12);
		follow_free(f);
		log_server_fini(&s);
	}
}

static void mismatches_after_batches(void **state)
{
	(void)state;
	both(mismatch_after_batches);
}

static void retry_after_heeded(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} cases[] = {
		{ "77", 77 },
		{ "3600", 3600 },
		{ "3601", FOLLOW_RETRY_MAX_S },
		{ "18446744073709551615", FOLLOW_RETRY_MAX_S },
		{ "1", FOLLOW_RETRY_MIN_S },
		{ "soon", FOLLOW_RETRY_MIN_S },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct log_server s;
		struct seen seen = { 0 };
		struct web_ask ask = { 0 };
		struct web_answer a = { 0 };
		struct follow *f;
		int64_t until;

		log_server_init(&s, false, 10);
		s.how = ERROR_503;
		s.retry_after = cases[i].text;
		f = begin(&s, &seen, FOLLOW_FROM_BEGINNING);
		assert_int_equal(follow_next(f, &ask, &until, s.now), FOLLOW_ASK);
		follow_take(f, log_serve(&s, &a, &ask) ? &a : NULL, s.now);
		assert_int_equal(seen.status, 503);
		assert_int_equal(follow_next(f, &ask, &until, s.now), FOLLOW_WAIT);
		assert_int_equal(until, s.now + cases[i].want);
		web_answer_fini(&a);
		web_ask_fini(&ask);
		follow_free(f);
		log_server_fini(&s);
	}
}

/* A clock that was a month ahead: no log is left unread for a month. */
static void clock_is_set_back(void **state)
{
	static const enum misbehaviour before[] = { HONEST, ERROR_503 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct log_server s;
		struct seen seen = { 0 };
		struct web_ask ask = { 0 };
		struct follow *f;
		int64_t until;

		log_server_init(&s, false, 2000);
		s.size = 100;
		s.how = before[i];
		f = begin(&s, &seen, FOLLOW_FROM_BEGINNING);
		run(f, &s, s.now + 10);
		s.now -= 30 * DAY;
		s.how = HONEST;
		assert_int_equal(follow_next(f, &ask, &until, s.now), FOLLOW_WAIT);
		assert_in_range(until, s.now, s.now + FOLLOW_RETRY_MAX_S);
		s.size = 200;
		run(f, &s, s.now + FOLLOW_RETRY_MAX_S + FOLLOW_POLL_S + 10);
		assert_int_equal(seen.proven, 200);
		web_ask_fini(&ask);
		follow_free(f);
		log_server_fini(&s);
	}
}

/* A million entries: memory does not grow with them. */
static void million(bool is_tiled)
{
	struct log_server s;
	struct seen seen = { 0 };
	struct mallinfo2 before, after;
	struct follow *f;

	log_server_init(&s, is_tiled, 1000000);
	s.size = 1000;
	f = begin(&s, &seen, FOLLOW_FROM_BEGINNING);
	run(f, &s, s.now + 10);
	before = mallinfo2();
	s.size = 1000000;
	run(f, &s, s.now + FOLLOW_POLL_S + 10);
	after = mallinfo2();
	assert_int_equal(seen.proven, 1000000);
	assert_int_equal(seen.entries, 1000000);
	assert_int_equal(alarms(&seen), 0);
	print_message("%s: in use %zu then %zu bytes, arena %zu then %zu\n",
		      is_tiled ? "tiles" : "RFC 6962", before.uordblks, after.uordblks,
		      before.arena, after.arena);
	assert_true(after.uordblks < before.uordblks + 64 * 1024);
	assert_true(after.arena < before.arena + 16 * 1024 * 1024);
	follow_free(f);
	log_server_fini(&s);
}

static void million_entries_in_bounded_memory(void **state)
{
	(void)state;
	both(million);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_is_read_once),
		cmocka_unit_test(misbehaviours),
		cmocka_unit_test(false_heads_convict_later),
		cmocka_unit_test(remembered_heads),
		cmocka_unit_test(beginning_at_the_end),
		cmocka_unit_test(false_ends),
		cmocka_unit_test(positions),
		cmocka_unit_test(compressed_answers),
		cmocka_unit_test(partial_tiles_gone),
		cmocka_unit_test(unreadable_entries),
		cmocka_unit_test(tile_too_long),
		cmocka_unit_test(mismatches_after_batches),
		cmocka_unit_test(retry_after_heeded),
		cmocka_unit_test(clock_is_set_back),
		cmocka_unit_test(million_entries_in_bounded_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
