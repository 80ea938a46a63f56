/* setup: whole or not at all, and what a running edge cannot change to. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/setup.h"
#include "folder.h"
#include "io/file.h"
#include "tls_peer.h"

struct place {
	struct folder folder;
	char yaml[128], chain[128], key[128];
};

static void put(const struct place *p, const char *more)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "base: example.net\nlisten: [ \"127.0.0.1:1\" ]\n"
		 "certificate: { chain: %s, key: %s }\nworkers: 2\n%s",
		 p->chain, p->key, more);
	assert_int_equal(file_replace(p->yaml, span_str(text), 0600), RC_OK);
}

static void make(struct place *p)
{
	struct peer_pem pem;

	folder_make(&p->folder);
	folder_file(p->yaml, &p->folder, "edge.yaml");
	folder_file(p->chain, &p->folder, "chain.pem");
	folder_file(p->key, &p->folder, "key.pem");
	assert_true(peer_pem_make(&pem));
	assert_int_equal(file_replace(p->chain, span_str(pem.chain), 0600), RC_OK);
	assert_int_equal(file_replace(p->key, span_str(pem.key), 0600), RC_OK);
	put(p, "");
}

static struct setup *load(const struct place *p)
{
	char error[SETUP_ERROR_MAX];
	struct files files = { 0 };
	struct setup *s;

	assert_int_equal(setup_load(&s, &files, p->yaml, error), RC_OK);
	assert_int_equal(files.count, 3);
	files_fini(&files);
	return s;
}

static void mistakes_leave_nothing(void **state)
{
	char error[SETUP_ERROR_MAX];
	struct setup *s = NULL;
	struct files files = { 0 };
	struct place p;

	(void)state;
	make(&p);
	setup_free(load(&p));
	put(&p, "colour: red\n");
	assert_int_equal(setup_load(&s, &files, p.yaml, error), RC_MALFORMED);
	assert_non_null(strstr(error, ":5: colour"));
	files_fini(&files);
	put(&p, "");
	assert_int_equal(file_replace(p.key, span_str("no key"), 0600), RC_OK);
	assert_int_equal(setup_load(&s, &files, p.yaml, error), RC_CRYPTO);
	files_fini(&files);
	assert_int_equal(remove(p.key), 0);
	assert_int_equal(setup_load(&s, &files, p.yaml, error), RC_SYS);
	assert_non_null(strstr(error, p.key));
	files_fini(&files);
	assert_int_equal(setup_load(&s, &files, "/nonexistent/x", error), RC_SYS);
	assert_non_null(strstr(error, "/nonexistent/x"));
	assert_null(s);
	files_fini(&files);
	folder_remove(&p.folder);
}

static const struct {
	const char *more, *obstacle; /* NULL: it can change */
} changes[] = {
	{ "", NULL },
	{ "log: debug\nlimits: { connections: 5, per_source: 2, lag: 1ms }\n", NULL },
	{ "timeouts: { idle: 1s }\nlog_format: json\n", NULL },
	{ "store: /elsewhere\n", "store" },
	{ "admin: /run/a\n", "admin" },
	{ "metrics: /run/m\n", "metrics" },
	{ "admin_uid: 7\n", "admin_uid" },
	{ "pid_file: /run/p\n", "pid_file" },
	{ "limits: { buffer: 16384 }\n", "limits.buffer" },
};

static void some_keys_need_a_new_process(void **state)
{
	struct setup *before, *after;
	const char *got;
	struct place p;
	size_t i;

	(void)state;
	make(&p);
	before = load(&p);
	for (i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		put(&p, changes[i].more);
		after = load(&p);
		got = setup_obstacle(before, after);
		if ((got == NULL) != (changes[i].obstacle == NULL) ||
		    (got && strcmp(got, changes[i].obstacle) != 0))
			fail_msg("%s: %s", changes[i].more, got ? got : "none");
		setup_free(after);
	}
	setup_free(before);
	folder_remove(&p.folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_leave_nothing),
		cmocka_unit_test(some_keys_need_a_new_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
