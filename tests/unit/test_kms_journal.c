/* The audit log on disk: goes on after a restart, and after what a crash or a full disk leaves. */
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "io/file.h"
#include "kms/journal.h"

struct world {
	char path[64], error[NODE_ERROR_MAX];
	struct p256_private *key;
	struct journal *j;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	int fd;

	(void)snprintf(w->path, sizeof(w->path), "/tmp/test_kms_journal.XXXXXX");
	fd = mkstemp(w->path);
	assert_true(fd >= 0);
	close(fd);
	w->key = p256_private_generate();
	assert_int_equal(journal_open(&w->j, w->path, w->key, false, w->error), RC_OK);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	journal_free(w->j);
	p256_private_free(w->key);
	unlink(w->path);
	free(w);
	return 0;
}

static void add(struct world *w, const char *what)
{
	const struct keys_audit_event e = { .at = 1764288000, .event = "release", .what = what };

	journal_add(w->j, &e);
}

static void reopen(struct world *w)
{
	journal_free(w->j);
	w->j = NULL;
	assert_int_equal(journal_open(&w->j, w->path, w->key, false, w->error), RC_OK);
}

/* Every line of the file in order, and how many. */
static uint64_t walk(struct world *w)
{
	struct keys_audit_walk at = { .has_key = true };
	struct span rest, line;
	struct buf text;

	p256_private_point(w->key, &at.key);
	buf_init(&text, 1024 * 1024);
	assert_int_equal(file_read(&text, w->path), RC_OK);
	rest = buf_span(&text);
	while (rd_until(&rest, &line, '\n'))
		assert_int_equal(keys_audit_check(&at, line), KEYS_AUDIT_OK);
	assert_int_equal(at.signed_seq, at.chain.seq);
	buf_fini(&text);
	return at.chain.seq;
}

static void append(struct world *w, const char *bytes)
{
	int fd = open(w->path, O_WRONLY | O_APPEND);

	assert_int_equal(write(fd, bytes, strlen(bytes)), strlen(bytes));
	close(fd);
}

static void nothing_added_nothing_written(void **state)
{
	struct world *w = *state;

	assert_int_equal(journal_flush(w->j, 0), RC_OK);
	assert_int_equal(walk(w), 0);
}

static void batch_is_signed_once(void **state)
{
	struct world *w = *state;

	add(w, "a");
	add(w, "b");
	assert_int_equal(walk(w), 0); /* not before the flush */
	assert_int_equal(journal_flush(w->j, 0), RC_OK);
	assert_int_equal(walk(w), 3);
	assert_int_equal(journal_chain(w->j).seq, 3);
}

static void goes_on_after_a_restart(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 5; i++) {
		add(w, "x");
		assert_int_equal(journal_flush(w->j, 0), RC_OK);
		reopen(w);
	}
	assert_int_equal(walk(w), 10);
}

static void torn_line_is_taken_off(void **state)
{
	struct world *w = *state;

	append(w, "{\"seq\":1,\"ti"); /* the first line of all */
	reopen(w);
	add(w, "x");
	assert_int_equal(journal_flush(w->j, 0), RC_OK);
	append(w, "{\"seq\":3,\"time\":");
	reopen(w);
	assert_int_equal(walk(w), 2);
	add(w, "y");
	assert_int_equal(journal_flush(w->j, 0), RC_OK);
	assert_int_equal(walk(w), 4);
}

/* Lines in order that nothing signs, after the chain. */
static void append_unsigned(struct world *w, struct keys_audit_chain chain, int count)
{
	const struct keys_audit_event e = { .event = "release", .what = "by the host" };

	for (int i = 0; i < count; i++) {
		char line[KEYS_AUDIT_LINE_MAX] = "";
		struct wr out = wr_over(line, sizeof(line) - 1);

		keys_audit_write(&out, &chain, &e);
		append(w, line);
	}
}

static void what_nothing_signs_is_taken_off(void **state)
{
	struct world *w = *state;

	append_unsigned(w, journal_chain(w->j), 2); /* the first batch, cut short */
	append(w, "{\"seq\":3,");
	reopen(w);
	assert_int_equal(journal_chain(w->j).seq, 0);
	add(w, "x");
	assert_int_equal(journal_flush(w->j, 0), RC_OK);
	append_unsigned(w, journal_chain(w->j), 100);
	reopen(w);
	assert_int_equal(journal_chain(w->j).seq, 2);
	assert_int_equal(walk(w), 2);
	add(w, "y");
	assert_int_equal(journal_flush(w->j, 0), RC_OK);
	assert_int_equal(walk(w), 4);
}

static void assert_refused(struct world *w)
{
	struct journal *j = NULL;

	assert_int_equal(journal_open(&j, w->path, w->key, false, w->error), RC_MALFORMED);
}

static void rewritten_history_is_not_signed(void **state)
{
	struct world *w = *state;
	struct p256_private *other = p256_private_generate(), *own = w->key;
	int fd;

	add(w, "x");
	assert_int_equal(journal_flush(w->j, 0), RC_OK);
	fd = open(w->path, O_WRONLY);
	assert_int_equal(pwrite(fd, "{\"seq\":1,\"time\":\"1999", 22, 0), 22);
	close(fd);
	assert_refused(w);
	/* The same by a key of the host's, whole. */
	journal_free(w->j);
	assert_int_equal(truncate(w->path, 0), 0);
	assert_int_equal(journal_open(&w->j, w->path, other, false, w->error), RC_OK);
	add(w, "x");
	assert_int_equal(journal_flush(w->j, 0), RC_OK);
	assert_refused(w);
	/* Without its signatures it is nobody's. */
	assert_int_equal(truncate(w->path, 0), 0);
	append_unsigned(w, journal_chain(w->j), 1);
	assert_refused(w);
	w->key = own;
	p256_private_free(other);
}

static void new_key_begins_a_new_file(void **state)
{
	struct world *w = *state;
	char aside[80];

	for (int i = 1; i <= 2; i++) {
		add(w, "x");
		assert_int_equal(journal_flush(w->j, 0), RC_OK);
		journal_free(w->j);
		p256_private_free(w->key);
		w->key = p256_private_generate();
		assert_int_equal(journal_open(&w->j, w->path, w->key, true, w->error), RC_OK);
		assert_int_equal(walk(w), 0);
	}
	for (int i = 1; i <= 2; i++) {
		(void)snprintf(aside, sizeof(aside), "%s.%d", w->path, i);
		assert_int_equal(unlink(aside), 0);
	}
	/* An empty one is no log to keep. */
	journal_free(w->j);
	assert_int_equal(journal_open(&w->j, w->path, w->key, true, w->error), RC_OK);
	(void)snprintf(aside, sizeof(aside), "%s.1", w->path);
	assert_int_equal(access(aside, F_OK), -1);
}

static void other_file_refused(void **state)
{
	struct world *w = *state;
	struct journal *j = NULL;

	append(w, "this is no audit log\n");
	assert_int_equal(journal_open(&j, w->path, w->key, false, w->error), RC_MALFORMED);
	assert_non_null(strstr(w->error, w->path));
	assert_int_equal(journal_open(&j, "/nowhere/at/all", w->key, false, w->error), RC_SYS);
}

static void full_disk_leaves_what_was(void **state)
{
	struct rlimit before, small;
	struct world *w = *state;

	add(w, "x");
	assert_int_equal(journal_flush(w->j, 0), RC_OK);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 700; /* the second batch is cut within */
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	add(w, "y");
	assert_int_equal(journal_flush(w->j, 0), RC_SYS);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(journal_chain(w->j).seq, 2);
	assert_int_equal(walk(w), 2);
	add(w, "z");
	assert_int_equal(journal_flush(w->j, 0), RC_OK);
	assert_int_equal(walk(w), 4);
	reopen(w);
	assert_int_equal(journal_chain(w->j).seq, 4);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(nothing_added_nothing_written),
		T(batch_is_signed_once),
		T(goes_on_after_a_restart),
		T(torn_line_is_taken_off),
		T(what_nothing_signs_is_taken_off),
		T(rewritten_history_is_not_signed),
		T(new_key_begins_a_new_file),
		T(other_file_refused),
		T(full_disk_leaves_what_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
