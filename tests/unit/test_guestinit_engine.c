/* Images that are there, against those that the manifest lists. */
#include "unit.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "folder.h"
#include "guestinit/engine.h"
#include "io/file.h"

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define MANIFEST "{\"images\":{\"web:1\":\"sha256:" ID_A "\"}}"

static const struct check {
	const char *name, *there;
	enum rc want;
	const char *error;
} checks[] = {
	{ "same_id", "[{\"Id\":\"sha256:" ID_A "\",\"RepoTags\":[\"web:1\"],\"SharedSize\":-1}]",
	  RC_OK, "" },
	{ "second_tag",
	  "[{\"Id\":\"sha256:" ID_B "\",\"RepoTags\":null},"
	  "{\"Id\":\"sha256:" ID_A "\",\"RepoTags\":[\"x:1\",\"web:1\"]}]",
	  RC_OK, "" },
	{ "other_id", "[{\"Id\":\"sha256:" ID_B "\",\"RepoTags\":[\"web:1\"]}]", RC_DENIED,
	  "image web:1: it is sha256:bbbb" },
	{ "id_without_algorithm", "[{\"Id\":\"" ID_A "\",\"RepoTags\":[\"web:1\"]}]", RC_DENIED,
	  "image web:1: it is" },
	{ "id_a_number", "[{\"Id\":1,\"RepoTags\":[\"web:1\"]}]", RC_DENIED,
	  "image web:1: it is nameless" },
	{ "right_id_under_another_name",
	  "[{\"Id\":\"sha256:" ID_A "\",\"RepoTags\":[\"web:2\"]}]", RC_DENIED,
	  "image web:1: the manifest lists it and it is not there" },
	{ "none", "[]", RC_DENIED, "image web:1: the manifest lists it and it is not there" },
	{ "no_list", "{}", RC_MALFORMED, "engine: " },
	{ "nothing", "", RC_MALFORMED, "engine: " },
	{ "no_json", "[", RC_MALFORMED, "engine: " },
};

static void each_check(void **state)
{
	struct manifest_launch l = { 0 };
	char why[MANIFEST_ERROR_MAX] = "";

	(void)state;
	assert_int_equal(manifest_launch_read(&l, span_str(MANIFEST), why), RC_OK);
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		char error[KERNEL_ERROR_MAX] = "";
		enum rc rc = engine_check(span_str(checks[i].there), &l, error);

		if (rc != checks[i].want || strncmp(error, checks[i].error,
						    strlen(checks[i].error)) != 0)
			fail_msg("%s: %s, %s", checks[i].name, rc_name(rc), error);
	}
	manifest_launch_fini(&l);
}

static void engine_that_is_away(void **state)
{
	struct manifest_launch l = { 0 };
	char error[KERNEL_ERROR_MAX] = "";

	(void)state;
	assert_false(engine_answers("/nonexistent/docker.sock"));
	assert_int_equal(engine_load("/nonexistent/docker.sock", NULL, &l, error), RC_SYS);
	assert_true(error[0]);
}

/* An engine that has what it was told to have, until it is given a tar. */
struct fake {
	int listen_fd;
	const char *there, *then;
	unsigned loads;
};

static const char good[] = "[{\"Id\":\"sha256:" ID_A "\",\"RepoTags\":[\"web:1\"]}]";
static const char other[] = "[{\"Id\":\"sha256:" ID_B "\",\"RepoTags\":[\"web:1\"]}]";

static void answer(int fd, const char *body)
{
	dprintf(fd, "HTTP/1.0 200 OK\r\n\r\n%s", body);
	shutdown(fd, SHUT_WR);
}

static void *be_engine(void *arg)
{
	struct fake *f = arg;
	int fd;

	while ((fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		char ask[4096] = "";
		ssize_t n = recv(fd, ask, sizeof(ask) - 1, 0);

		if (n > 0 && strncmp(ask, "POST /v1.41/images/load", 23) == 0) {
			f->loads++;
			answer(fd, "{}");
		} else if (n > 0) {
			answer(fd, f->loads ? f->then : f->there);
		}
		while (n > 0)
			n = recv(fd, ask, sizeof(ask), 0);
		close(fd);
	}
	return NULL;
}

static const struct load {
	const char *name, *there, *then;
	unsigned loads;
	enum rc want;
} load_rows[] = {
	{ "kept_images_are_not_loaded_again", good, good, 0, RC_OK },
	{ "missing_is_loaded", "[]", good, 1, RC_OK },
	{ "another_of_that_name_is_replaced", other, good, 1, RC_OK },
	{ "disk_without_it_refused", "[]", other, 1, RC_DENIED },
	{ "list_that_is_none_is_asked_for_again", "{}", good, 1, RC_OK },
};

static void each_load(void **state)
{
	struct manifest_launch l = { 0 };
	char why[MANIFEST_ERROR_MAX] = "";
	struct folder folder;
	char tar[128], disk[140];

	(void)state;
	folder_make(&folder);
	folder_file(tar, &folder, "tar");
	assert_int_equal(file_replace(tar, span_str("the images"), 0600), RC_OK);
	snprintf(disk, sizeof(disk), "..%s", tar); /* seen from /dev */
	assert_int_equal(manifest_launch_read(&l, span_str(MANIFEST), why), RC_OK);
	for (size_t i = 0; i < sizeof(load_rows) / sizeof(load_rows[0]); i++) {
		const struct load *row = &load_rows[i];
		struct fake f = { .there = row->there, .then = row->then };
		struct sockaddr_un at = { .sun_family = AF_UNIX };
		char error[KERNEL_ERROR_MAX] = "";
		pthread_t thread;
		enum rc rc;

		snprintf(at.sun_path, sizeof(at.sun_path), "%s/%zu", folder.path, i);
		f.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(bind(f.listen_fd, (struct sockaddr *)&at, sizeof(at)), 0);
		assert_int_equal(listen(f.listen_fd, 4), 0);
		assert_int_equal(pthread_create(&thread, NULL, be_engine, &f), 0);
		rc = engine_load(at.sun_path, disk, &l, error);
		shutdown(f.listen_fd, SHUT_RDWR);
		pthread_join(thread, NULL);
		close(f.listen_fd);
		if (rc != row->want || f.loads != row->loads)
			fail_msg("%s: %s after %u, %s", row->name, rc_name(rc), f.loads, error);
	}
	manifest_launch_fini(&l);
	folder_remove(&folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_check),
		cmocka_unit_test(engine_that_is_away),
		cmocka_unit_test(each_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
