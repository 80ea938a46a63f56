/*
 * The program's table of moves against the drawing in the protocol document,
 * which is read here anew: every state with every step, legal or not.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "channel/message.h"
#include "channel/state.h"

#define DOCUMENT "docs/PROTOCOL.channel.md"

struct drawn {
	enum channel_state at, next;
	enum channel_step step;
};

static enum channel_state state_of(bool is_server, const char *name)
{
	for (enum channel_state s = 0; s < CHANNEL_STATE_COUNT; s++)
		if (strcmp(channel_state_name(s), name) == 0 &&
		    (s == CHANNEL_OVER || (s < CLIENT_WAITS_HELLO) == is_server))
			return s;
	fail_msg("%s: no state %s", DOCUMENT, name);
	return CHANNEL_STATE_COUNT;
}

static enum channel_step step_of(const char *name)
{
	for (enum channel_step s = 0; s < CHANNEL_STEP_COUNT; s++)
		if (strcmp(channel_step_name(s), name) == 0)
			return s;
	fail_msg("%s: no step %s", DOCUMENT, name);
	return CHANNEL_STEP_COUNT;
}

/* "client waits-hello --HELLO--> quotes" */
static size_t read_drawing(struct drawn *out, size_t max)
{
	FILE *f = fopen(DOCUMENT, "r");
	char line[512], who[16], at[32], step[32], next[32];
	size_t n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		bool is_server;

		if (sscanf(line, "%15s %31s --%31[A-Za-z]--> %31s", who, at, step, next) != 4)
			continue;
		is_server = strcmp(who, "server") == 0;
		assert_true(is_server || strcmp(who, "client") == 0);
		assert_true(n < max);
		out[n++] = (struct drawn){ state_of(is_server, at), state_of(is_server, next),
					   step_of(step) };
	}
	(void)fclose(f);
	return n;
}

static void table_is_the_drawing(void **state)
{
	struct drawn drawn[64];
	size_t n = read_drawing(drawn, 64), moves = 0;

	(void)state;
	assert_true(n >= 23);
	for (enum channel_state s = 0; s < CHANNEL_STATE_COUNT; s++) {
		for (enum channel_step e = 0; e < CHANNEL_STEP_COUNT; e++) {
			enum channel_state next = CHANNEL_STATE_COUNT, want = CHANNEL_STATE_COUNT;
			bool is_legal = channel_state_next(&next, s, e);

			for (size_t i = 0; i < n; i++)
				if (drawn[i].at == s && drawn[i].step == e)
					want = drawn[i].next;
			if (is_legal != (want != CHANNEL_STATE_COUNT) || next != want)
				fail_msg("%s --%s--> program %s, document %s",
					 channel_state_name(s),
					 channel_step_name(e), channel_state_name(next),
					 channel_state_name(want));
			moves += is_legal;
		}
	}
	assert_int_equal(moves, n); /* nothing is drawn twice */
}

/* From any state that hands out keys, every way back leads through a judged
 * one: in the graph, not in a run. */
static bool reaches(enum channel_state from, enum channel_state to, enum channel_state without)
{
	bool seen[CHANNEL_STATE_COUNT] = { 0 };
	bool grew = true;

	seen[from] = true;
	while (grew) {
		grew = false;
		for (enum channel_state s = 0; s < CHANNEL_STATE_COUNT; s++)
			for (enum channel_step e = 0; e < CHANNEL_STEP_COUNT; e++) {
				enum channel_state next;

				if (seen[s] && s != without && channel_state_next(&next, s, e) &&
				    !seen[next])
					grew = seen[next] = true;
			}
	}
	return seen[to];
}

static void no_way_around_the_verdict(void **state)
{
	(void)state;
	assert_true(reaches(SERVER_WAITS_HELLO, SERVER_KEYED, CHANNEL_STATE_COUNT));
	assert_false(reaches(SERVER_WAITS_HELLO, SERVER_QUOTES, SERVER_JUDGED));
	assert_false(reaches(SERVER_WAITS_HELLO, SERVER_KEYED, SERVER_JUDGED));
	assert_false(reaches(SERVER_OPEN, SERVER_KEYED, SERVER_JUDGED));
	assert_true(reaches(CLIENT_WAITS_HELLO, CLIENT_OPEN, CHANNEL_STATE_COUNT));
	assert_false(reaches(CLIENT_WAITS_HELLO, CLIENT_ADMITTED, CLIENT_JUDGED));
	assert_false(reaches(CLIENT_WAITS_HELLO, CLIENT_WAITS_ASSIGN, CLIENT_JUDGED));
	assert_false(reaches(CLIENT_OPEN, CLIENT_WAITS_ASSIGN, CLIENT_JUDGED));
	assert_true(reaches(SERVER_WAITS_HELLO, SERVER_HEARD, CHANNEL_STATE_COUNT));
	assert_false(reaches(SERVER_WAITS_HELLO, SERVER_HEARD, SERVER_JUDGED));
	assert_true(reaches(CLIENT_WAITS_HELLO, CLIENT_LISTENS, CHANNEL_STATE_COUNT));
	assert_false(reaches(CLIENT_WAITS_HELLO, CLIENT_LISTENS, CLIENT_JUDGED));
}

/* Reasons and bounds as the document's tables have them. */
static void reasons_and_bounds_are_the_documents(void **state)
{
	char text[32768] = "", want[64];
	FILE *f = fopen(DOCUMENT, "r");

	(void)state;
	assert_non_null(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 1000);
	(void)fclose(f);
	for (enum channel_reason r = CHANNEL_OK + 1; r < CHANNEL_REASON_COUNT; r++) {
		(void)snprintf(want, sizeof(want), "| %d %s |", (int)r, channel_reason_name(r));
		if (!strstr(text, want))
			fail_msg("%s lacks: %s", DOCUMENT, want);
	}
	assert_int_equal(MESSAGE_EVIDENCE_MAX, 398369);
	assert_int_equal(MESSAGE_ASSIGN_MAX, 387);
	assert_int_equal(MESSAGE_REFUSE_MAX, 258);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_is_the_drawing),
		cmocka_unit_test(no_way_around_the_verdict),
		cmocka_unit_test(reasons_and_bounds_are_the_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
