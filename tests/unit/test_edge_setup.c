/* setup: whole or not at all, and what a running edge cannot change to. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static void anchors_come_with_the_other_files(void **state)
{
	char error[SETUP_ERROR_MAX], path[128], more[256];
	struct files files = { 0 }, packed = { 0 };
	struct setup *s = NULL;
	struct place p;
	int fd;

	(void)state;
	make(&p);
	s = load(&p);
	assert_int_equal(s->anchors.n, 0);
	setup_free(s);
	s = NULL;
	folder_file(path, &p.folder, "root.key");
	snprintf(more, sizeof(more), "dns: { servers: [ \"192.0.2.53:53\" ], anchor: %s }\n", path);
	put(&p, more);
	assert_int_equal(setup_load(&s, &files, p.yaml, error), RC_SYS);
	assert_non_null(strstr(error, path));
	assert_null(s);
	files_fini(&files);
	assert_int_equal(file_replace(path, span_str(". DS x"), 0600), RC_OK);
	assert_int_equal(setup_load(&s, &files, p.yaml, error), RC_OK);
	setup_free(s);
	/* A worker finds them where nothing is on disk. */
	assert_int_equal(files_pack(&files, &fd), RC_OK);
	assert_int_equal(files_unpack(&packed, fd), RC_OK);
	close(fd);
	assert_int_equal(remove(path), 0);
	assert_int_equal(setup_load(&s, &packed, p.yaml, error), RC_OK);
	assert_true(span_equal_str(buf_span(&s->anchors), ". DS x"));
	setup_free(s);
	files_fini(&packed);
	files_fini(&files);
	folder_remove(&p.folder);
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
	{ "default: hello.example.net\n", NULL },
	{ "tunnel: 10.88.0.1/16\n", "tunnel" },
	{ "dns: { servers: [ \"192.0.2.53:53\" ] }\n", "dns" },
};

#define DNS "dns: { servers: [ \"192.0.2.53:53\""

static const struct {
	const char *more, *obstacle;
} dns_changes[] = {
	{ DNS " ] }\n", NULL },
	{ DNS " ], ttl_max: 5m, timeout: 3s }\n", NULL }, /* what it is anyway */
	{ DNS ", \"192.0.2.54:53\" ] }\n", "dns" },
	{ "dns: { servers: [ \"192.0.2.53:54\" ] }\n", "dns" },
	{ DNS " ], timeout: 4s }\n", "dns" },
	{ DNS " ], ttl_max: 6m }\n", "dns" },
	{ DNS " ], names: 100 }\n", "dns" },
	{ DNS " ], asking: 7 }\n", "dns" },
	{ "", "dns" },
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
	put(&p, DNS " ] }\n");
	before = load(&p);
	for (i = 0; i < sizeof(dns_changes) / sizeof(*dns_changes); i++) {
		put(&p, dns_changes[i].more);
		after = load(&p);
		got = setup_obstacle(before, after);
		if ((got == NULL) != (dns_changes[i].obstacle == NULL))
			fail_msg("%s: %s", dns_changes[i].more, got ? got : "none");
		setup_free(after);
	}
	setup_free(before);
	folder_remove(&p.folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(anchors_come_with_the_other_files),
		cmocka_unit_test(mistakes_leave_nothing),
		cmocka_unit_test(some_keys_need_a_new_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
