/* seal: a folder of sealed files, what is done to it between two starts, and what is said then. */
#include "unit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "folder.h"
#include "io/file.h"
#include "seal/seal.h"

/* A platform that plays any: its key and measurement follow from the machine and the code. */
struct machine {
	uint8_t machine, code;
	bool refuses;
};

static enum rc give_key(void *arg, struct key32 *key, uint8_t measurement[FORM_MEASUREMENT_LEN],
			const char *label, char error[SEAL_ERROR_MAX])
{
	const struct machine *m = arg;

	assert_string_equal(label, "postern/seal/v1");
	if (m->refuses) {
		snprintf(error, SEAL_ERROR_MAX, "measurement not accepted");
		return RC_DENIED;
	}
	memset(key->b, m->machine ^ m->code, sizeof(key->b));
	memset(measurement, m->code, FORM_MEASUREMENT_LEN);
	return RC_OK;
}

static enum seal_reason open_as(struct seal **out, const struct folder *f, struct machine *m,
				uint8_t app, uint8_t instance)
{
	const struct seal_provider provider = { .kind = FORM_SIMULATOR, .key = give_key, .arg = m };
	struct seal_options o = { .folder = f->path, .provider = &provider };
	char error[SEAL_ERROR_MAX] = "";
	enum seal_reason r;

	o.app[0] = app;
	o.instance[0] = instance;
	*out = NULL;
	r = seal_open(out, &o, error);
	if (r)
		assert_true(error[0] != '\0');
	return r;
}

static struct machine here = { .machine = 1, .code = 2 };

static struct seal *open_here(const struct folder *f)
{
	struct seal *s;

	assert_int_equal(open_as(&s, f, &here, 1, 1), SEAL_OK);
	return s;
}

static enum seal_reason read_is(struct seal *s, const char *purpose, const char *want)
{
	AUTO(buf_fini)
	struct buf out = { 0 };
	enum seal_reason r;

	buf_init(&out, FORM_SECRET_MAX);
	r = seal_read(s, purpose, &out);
	if (r)
		assert_int_equal(out.n, 0);
	else
		assert_true(span_equal_str(buf_span(&out), want));
	return r;
}

static void copy_file(const struct folder *f, const char *from, const char *to)
{
	AUTO(buf_fini)
	struct buf bytes = { 0 };
	char path[128];

	buf_init(&bytes, FORM_MAX);
	assert_int_equal(file_read(&bytes, folder_file(path, f, from)), RC_OK);
	assert_int_equal(file_replace(folder_file(path, f, to), buf_span(&bytes), 0600), RC_OK);
}

static void content_outlives_the_process(void **state)
{
	struct folder f;
	struct seal *s;

	(void)state;
	folder_make(&f);
	s = open_here(&f);
	assert_int_equal(read_is(s, "account", ""), SEAL_ABSENT);
	assert_int_equal(seal_write(s, "account", span_str("one")), SEAL_OK);
	assert_int_equal(seal_write(s, "account", span_str("two")), SEAL_OK);
	seal_close(s);
	s = open_here(&f);
	assert_int_equal(read_is(s, "account", "two"), SEAL_OK);
	assert_true(seal_is_simulated(s));
	assert_int_equal(seal_measurement(s).p[0], 2);
	assert_int_equal(seal_generation(s), 3); /* begun, and written twice */
	seal_close(s);
	folder_remove(&f);
}

static void others_do_not_open_it(void **state)
{
	struct machine other_code = { .machine = 1, .code = 3 };
	struct machine other_machine = { .machine = 7, .code = 2 };
	struct machine refused = { .machine = 1, .code = 2, .refuses = true };
	const struct {
		const char *name;
		struct machine *m;
		uint8_t app, instance;
		int want;
	} table[] = {
		{ "other_measurement", &other_code, 1, 1, FORM_OTHER_MEASUREMENT },
		{ "other_app", &here, 2, 1, FORM_OTHER_APP },
		{ "other_instance", &here, 1, 2, FORM_OTHER_INSTANCE },
		{ "not_authentic", &other_machine, 1, 1, FORM_NOT_AUTHENTIC },
		{ "no_key", &refused, 1, 1, SEAL_NO_KEY },
	};
	struct folder f;
	struct seal *s;

	(void)state;
	folder_make(&f);
	seal_close(open_here(&f));
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		enum seal_reason r = open_as(&s, &f, table[i].m, table[i].app, table[i].instance);

		if ((int)r != table[i].want)
			fail_msg("%s: %s", table[i].name, seal_reason_name(r));
		assert_string_equal(seal_reason_name(r), table[i].name);
		assert_null(s);
	}
	folder_remove(&f);
}

static void one_process_has_it(void **state)
{
	struct folder f;
	struct seal *first, *second;

	(void)state;
	folder_make(&f);
	first = open_here(&f);
	assert_int_equal(open_as(&second, &f, &here, 1, 1), SEAL_BUSY);
	seal_close(first);
	seal_close(open_here(&f));
	folder_remove(&f);
}

static void older_file_is_rolled_back(void **state)
{
	struct folder f;
	struct seal *s;

	(void)state;
	folder_make(&f);
	s = open_here(&f);
	assert_int_equal(seal_write(s, "account", span_str("one")), SEAL_OK);
	copy_file(&f, "account.sealed", "old");
	assert_int_equal(seal_write(s, "account", span_str("two")), SEAL_OK);
	copy_file(&f, "old", "account.sealed");
	assert_int_equal(read_is(s, "account", ""), SEAL_ROLLED_BACK);
	seal_close(s);
	s = open_here(&f);
	assert_int_equal(read_is(s, "account", ""), SEAL_ROLLED_BACK);
	seal_close(s);
	folder_remove(&f);
}

static void file_taken_away_is_missing(void **state)
{
	struct folder f;
	struct seal *s;
	char path[128];

	(void)state;
	folder_make(&f);
	s = open_here(&f);
	assert_int_equal(seal_write(s, "account", span_str("one")), SEAL_OK);
	seal_close(s);
	assert_int_equal(unlink(folder_file(path, &f, "account.sealed")), 0);
	s = open_here(&f);
	assert_int_equal(read_is(s, "account", ""), SEAL_MISSING);
	seal_close(s);
	folder_remove(&f);
}

static void ledger_taken_away_is_missing(void **state)
{
	struct folder f;
	struct seal *s;
	char path[128];

	(void)state;
	folder_make(&f);
	s = open_here(&f);
	assert_int_equal(seal_write(s, "account", span_str("one")), SEAL_OK);
	seal_close(s);
	assert_int_equal(unlink(folder_file(path, &f, "epochs.sealed")), 0);
	assert_int_equal(open_as(&s, &f, &here, 1, 1), SEAL_MISSING);
	folder_remove(&f);
}

static void file_in_anothers_place_is_refused(void **state)
{
	struct folder f;
	struct seal *s;

	(void)state;
	folder_make(&f);
	s = open_here(&f);
	assert_int_equal(seal_write(s, "key-1", span_str("one")), SEAL_OK);
	assert_int_equal(seal_write(s, "key-2", span_str("two")), SEAL_OK);
	copy_file(&f, "key-1.sealed", "key-2.sealed");
	assert_int_equal((int)read_is(s, "key-2", ""), FORM_OTHER_PURPOSE);
	seal_close(s);
	folder_remove(&f);
}

static void crash_before_the_ledger_keeps_the_new_content(void **state)
{
	struct folder f;
	struct seal *s;

	(void)state;
	folder_make(&f);
	s = open_here(&f);
	assert_int_equal(seal_write(s, "account", span_str("one")), SEAL_OK);
	copy_file(&f, "epochs.sealed", "old-ledger");
	assert_int_equal(seal_write(s, "account", span_str("two")), SEAL_OK);
	seal_close(s);
	copy_file(&f, "old-ledger", "epochs.sealed");
	s = open_here(&f);
	assert_int_equal(read_is(s, "account", "two"), SEAL_OK);
	assert_int_equal(seal_write(s, "account", span_str("three")), SEAL_OK);
	assert_int_equal(read_is(s, "account", "three"), SEAL_OK);
	seal_close(s);
	folder_remove(&f);
}

static void forgotten_leaves_its_place(void **state)
{
	char purpose[16];
	struct folder f;
	struct seal *s;

	(void)state;
	folder_make(&f);
	s = open_here(&f);
	for (int i = 0; i < SEAL_PURPOSES_MAX + 20; i++) {
		snprintf(purpose, sizeof(purpose), "p%d", i);
		assert_int_equal(seal_write(s, purpose, span_str("x")), SEAL_OK);
		assert_int_equal(seal_forget(s, purpose), SEAL_OK);
		assert_int_equal(read_is(s, purpose, ""), SEAL_ABSENT);
	}
	seal_close(s);
	folder_remove(&f);
}

/* What was removed cannot be put back, nor pose as what is written after it. */
static void file_from_before_its_removal_stays_gone(void **state)
{
	struct folder f;
	struct seal *s;

	(void)state;
	folder_make(&f);
	s = open_here(&f);
	assert_int_equal(seal_write(s, "account", span_str("one")), SEAL_OK);
	assert_int_equal(seal_write(s, "account", span_str("two")), SEAL_OK);
	copy_file(&f, "account.sealed", "copy");
	assert_int_equal(seal_remove(s, "account"), SEAL_OK);
	seal_close(s);
	copy_file(&f, "copy", "account.sealed");
	s = open_here(&f);
	assert_int_equal(read_is(s, "account", ""), SEAL_ABSENT);
	assert_int_equal(seal_write(s, "account", span_str("three")), SEAL_OK);
	assert_int_equal(read_is(s, "account", "three"), SEAL_OK);
	seal_close(s);
	copy_file(&f, "copy", "account.sealed");
	s = open_here(&f);
	assert_int_equal(read_is(s, "account", ""), SEAL_ROLLED_BACK);
	seal_close(s);
	folder_remove(&f);
}

static void removed_is_absent(void **state)
{
	struct folder f;
	struct seal *s;
	char path[128];
	struct stat st;

	(void)state;
	folder_make(&f);
	s = open_here(&f);
	assert_int_equal(seal_write(s, "key-1", span_str("one")), SEAL_OK);
	assert_int_equal(seal_write(s, "key-2", span_str("two")), SEAL_OK);
	assert_int_equal(seal_remove(s, "key-1"), SEAL_OK);
	assert_int_equal(seal_remove(s, "key-1"), SEAL_OK);
	assert_int_equal(read_is(s, "key-1", ""), SEAL_ABSENT);
	assert_int_equal(read_is(s, "key-2", "two"), SEAL_OK);
	assert_int_not_equal(stat(folder_file(path, &f, "key-1.sealed"), &st), 0);
	seal_close(s);
	folder_remove(&f);
}

static void files_are_for_their_owner(void **state)
{
	struct folder f;
	struct seal *s;
	char path[128];
	struct stat st;

	(void)state;
	folder_make(&f);
	s = open_here(&f);
	assert_int_equal(seal_write(s, "key-1", span_str("one")), SEAL_OK);
	assert_int_equal(stat(folder_file(path, &f, "key-1.sealed"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	seal_close(s);
	folder_remove(&f);
}

static void bounds_are_kept(void **state)
{
	uint8_t *secret = mem_new(FORM_SECRET_MAX + 1);
	struct folder f;
	struct seal *s;
	char purpose[16];

	(void)state;
	folder_make(&f);
	s = open_here(&f);
	assert_int_equal(seal_write(s, "x", span_of(secret, FORM_SECRET_MAX + 1)), SEAL_FULL);
	assert_int_equal(read_is(s, "x", ""), SEAL_ABSENT);
	for (int i = 0; i < SEAL_PURPOSES_MAX; i++) {
		snprintf(purpose, sizeof(purpose), "p%d", i);
		assert_int_equal(seal_write(s, purpose, span_str("")), SEAL_OK);
	}
	assert_int_equal(seal_write(s, "one-more", span_str("")), SEAL_FULL);
	seal_close(s);
	folder_remove(&f);
	free(secret);
}

/* Killed at any moment, a folder holds one of the contents that were written, whole. */
static void kill_leaves_whole_content(void **state)
{
	struct folder f;
	char want[64];

	(void)state;
	folder_make(&f);
	for (int round = 0; round < 12; round++) {
		AUTO(buf_fini)
		struct buf out = { 0 };
		struct seal *s;
		pid_t child = fork();

		if (child == 0) {
			s = open_here(&f);
			for (;;) {
				memset(want, 'a' + round, sizeof(want));
				if (seal_write(s, "account", SPAN_ARRAY(want)))
					_exit(1);
			}
		}
		usleep(3000 + 1700 * (useconds_t)round);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		s = open_here(&f);
		buf_init(&out, FORM_SECRET_MAX);
		switch ((int)seal_read(s, "account", &out)) {
		case SEAL_OK:
			assert_int_equal(out.n, sizeof(want));
			for (size_t i = 1; i < out.n; i++)
				assert_int_equal(out.p[i], out.p[0]);
			break;
		case SEAL_ABSENT:
			break; /* killed before the first */
		default:
			fail();
		}
		seal_close(s);
	}
	folder_remove(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_outlives_the_process),
		cmocka_unit_test(others_do_not_open_it),
		cmocka_unit_test(one_process_has_it),
		cmocka_unit_test(older_file_is_rolled_back),
		cmocka_unit_test(file_taken_away_is_missing),
		cmocka_unit_test(ledger_taken_away_is_missing),
		cmocka_unit_test(file_in_anothers_place_is_refused),
		cmocka_unit_test(crash_before_the_ledger_keeps_the_new_content),
		cmocka_unit_test(removed_is_absent),
		cmocka_unit_test(forgotten_leaves_its_place),
		cmocka_unit_test(file_from_before_its_removal_stays_gone),
		cmocka_unit_test(files_are_for_their_owner),
		cmocka_unit_test(bounds_are_kept),
		cmocka_unit_test(kill_leaves_whole_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
