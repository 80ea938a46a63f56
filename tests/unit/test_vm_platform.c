/* platform: what is asked of the simulated platform's owner, and what is made of its answers. */
#include "folder.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "vm/platform.h"

/* An owner that reads a line and answers what the test says, in pieces of 'piece' bytes. */
struct owner {
	struct folder folder;
	char path[128];
	int fd;
	pthread_t thread;
	const char *answer; /* NULL: hangs up */
	size_t n, piece;
	char asked[8192];
};

static void *serve(void *arg)
{
	struct owner *o = arg;
	int fd = accept(o->fd, NULL, NULL);
	size_t n = 0;

	while (n < sizeof(o->asked) - 1 && recv(fd, o->asked + n, 1, 0) == 1)
		if (o->asked[n++] == '\n')
			break;
	for (size_t at = 0; o->answer && at < o->n; at += o->piece) {
		const size_t left = o->n - at;

		if (send(fd, o->answer + at, left < o->piece ? left : o->piece, MSG_NOSIGNAL) < 0)
			break;
	}
	close(fd);
	return NULL;
}

static void start(struct owner *o, const char *answer, size_t n, size_t piece)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	*o = (struct owner){ .answer = answer, .n = n, .piece = piece };
	folder_make(&o->folder);
	folder_file(o->path, &o->folder, "control");
	assert_true(strlen(o->path) < sizeof(at.sun_path));
	strcpy(at.sun_path, o->path);
	o->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(o->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(o->fd, 1), 0);
	assert_int_equal(pthread_create(&o->thread, NULL, serve, o), 0);
}

static void end(struct owner *o)
{
	pthread_join(o->thread, NULL);
	close(o->fd);
	folder_remove(&o->folder);
}

static void questions_are_one_line(void **state)
{
	static const char ok[] = "{\"ok\":true}\n";
	struct platform_td td = { .name = "web",
				  .socket = "/run/a \"b\"",
				  .image = "base",
				  .manifest = "/m.json" };
	char error[PLATFORM_ERROR_MAX] = "";
	struct owner o;

	(void)state;
	start(&o, ok, sizeof(ok) - 1, 100);
	assert_int_equal(platform_launch(o.path, &td, error), RC_OK);
	end(&o);
	assert_string_equal(o.asked,
			    "{\"launch\":{\"name\":\"web\",\"socket\":\"/run/a \\\"b\\\"\","
			    "\"image\":\"base\",\"manifest\":\"/m.json\","
			    "\"debug\":false}}\n");
	td.measured = "/r.json";
	start(&o, ok, sizeof(ok) - 1, 100);
	assert_int_equal(platform_launch(o.path, &td, error), RC_OK);
	end(&o);
	assert_non_null(strstr(o.asked, "\"measured\":\"/r.json\",\"debug\":false"));
	start(&o, ok, sizeof(ok) - 1, 100);
	assert_int_equal(platform_stop(o.path, "web", error), RC_OK);
	end(&o);
	assert_string_equal(o.asked, "{\"stop\":\"web\"}\n");
}

static void answers(void **state)
{
	static const struct {
		const char *name, *answer;
		size_t piece;
		enum rc want;
		const char *error; /* how it ends */
	} cases[] = {
		{ "ok", "{\"ok\":true}\n", 100, RC_OK, "" },
		{ "byte_by_byte", "{\"ok\":true}\n", 1, RC_OK, "" },
		{ "more_beside_ok", "{\"ok\":true,\"later\":1}\n", 100, RC_OK, "" },
		{ "refused", "{\"ok\":false,\"error\":\"no image\"}\n", 100, RC_DENIED,
		  "platform: no image" },
		{ "words_are_escaped", "{\"error\":\"a\\u001b[31m\"}\n", 100, RC_DENIED, "[31m" },
		{ "refused_without_words", "{\"ok\":false}\n", 100, RC_DENIED,
		  "an answer that it never gives" },
		{ "ok_is_no_text", "{\"ok\":\"true\"}\n", 100, RC_DENIED,
		  "an answer that it never gives" },
		{ "error_is_no_number", "{\"error\":7}\n", 100, RC_DENIED,
		  "an answer that it never gives" },
		{ "no_json", "yes\n", 100, RC_DENIED, "an answer that it never gives" },
		{ "empty_line", "\n", 100, RC_DENIED, "an answer that it never gives" },
		{ "line_cut", "{\"ok\":true}", 100, RC_CLOSED, "Connection reset by peer" },
		{ "hung_up", NULL, 100, RC_CLOSED, "Connection reset by peer" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *answer = cases[i].answer;
		char error[PLATFORM_ERROR_MAX] = "";
		struct owner o;
		size_t n;
		enum rc rc;

		print_message("%s\n", cases[i].name);
		start(&o, answer, answer ? strlen(answer) : 0, cases[i].piece);
		rc = platform_stop(o.path, "web", error);
		end(&o);
		assert_int_equal(rc, cases[i].want);
		n = strlen(error);
		assert_true(n >= strlen(cases[i].error));
		assert_string_equal(error + n - strlen(cases[i].error), cases[i].error);
		for (size_t k = 0; k < n; k++)
			assert_in_range((uint8_t)error[k], 0x20, 0x7e);
	}
}

static void long_answers_are_none(void **state)
{
	char *large = malloc(64 * 1024), error[PLATFORM_ERROR_MAX] = "";
	struct owner o;

	(void)state;
	memset(large, ' ', 64 * 1024);
	start(&o, large, 64 * 1024, 4096);
	assert_int_equal(platform_stop(o.path, "web", error), RC_CLOSED);
	end(&o);
	free(large);
}

static void nobody_there(void **state)
{
	char error[PLATFORM_ERROR_MAX] = "", path[300], name[9000];

	(void)state;
	assert_int_equal(platform_stop("/nowhere/at/all", "web", error), RC_CLOSED);
	assert_non_null(strstr(error, "at /nowhere/at/all: No such file"));
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(platform_stop(path, "web", error), RC_CLOSED);
	assert_non_null(strstr(error, "File name too long"));
	/* A question that is too long is not asked. */
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(platform_stop("/nowhere/at/all", name, error), RC_CLOSED);
	assert_non_null(strstr(error, "Argument list too long"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions_are_one_line),
		cmocka_unit_test(answers),
		cmocka_unit_test(long_answers_are_none),
		cmocka_unit_test(nobody_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
