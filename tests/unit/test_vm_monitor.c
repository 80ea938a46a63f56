/* monitor: a QEMU played by a thread: one that answers, one that stalls, one
 * that talks nonsense. */
#include "folder.h"

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "vm/monitor.h"

enum {
	TIMEOUT_MS = 2000,
	SHORT_MS = 100,
};

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n"
#define READY "{\"return\": {}, \"id\": 1}\r\n"

/* What is sent after each question; the first is the greeting. */
struct script {
	const char *say[4];
	bool stays; /* open after the last */
	int listen_fd;
	char heard[1024];
	pthread_t thread;
};

static void hear_line(int fd, struct script *s)
{
	size_t n = strlen(s->heard);

	while (n + 1 < sizeof(s->heard) && read(fd, s->heard + n, 1) == 1) {
		if (s->heard[n++] == '\n')
			return;
	}
}

static void *play(void *arg)
{
	struct script *s = arg;
	int fd = accept(s->listen_fd, NULL, NULL);
	char last;

	for (int i = 0; s->say[i]; i++) {
		if (i > 0)
			hear_line(fd, s);
		(void)!send(fd, s->say[i], strlen(s->say[i]), MSG_NOSIGNAL);
	}
	if (s->stays) /* until the other side goes */
		while (read(fd, &last, 1) > 0)
			;
	close(fd);
	return NULL;
}

static void begin(struct script *s, const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	strcpy(a.sun_path, path);
	s->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listen_fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s->listen_fd, 1), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, play, s), 0);
}

static void end(struct script *s)
{
	pthread_join(s->thread, NULL);
	close(s->listen_fd);
}

static void question_answered(void **state)
{
	struct script s = {
		.say = { GREETING, READY,
			 "{\"event\": \"RESUME\", \"timestamp\": {}}\r\n"
			 "{\"return\": {\"status\": \"other\"}, \"id\": 1}\r\n"
			 "{\"return\": {\"status\": \"running\"}, \"id\": 2}\r\n" },
		.stays = true,
	};
	char path[128], error[MONITOR_ERROR_MAX] = "";
	const struct jtree *value = NULL;
	struct monitor m;
	struct folder f;

	(void)state;
	folder_make(&f);
	begin(&s, folder_file(path, &f, "qmp"));
	assert_int_equal(monitor_open(&m, path, TIMEOUT_MS, error), RC_OK);
	assert_int_equal(monitor_ask(&m, &value, "query-status", (struct span){ 0 }, TIMEOUT_MS,
				     error),
			 RC_OK);
	assert_true(span_equal_str(jtree_get(value, "status")->text, "running"));
	monitor_close(&m);
	end(&s);
	assert_string_equal(s.heard, "{\"execute\":\"qmp_capabilities\",\"id\":1}\r\n"
				     "{\"execute\":\"query-status\",\"id\":2}\r\n");
	folder_remove(&f);
}

static void refusal_has_its_words(void **state)
{
	struct script s = { .say = { GREETING, READY,
				     "{\"error\": {\"class\": \"GenericError\", \"desc\": "
				     "\"no such node\"}, \"id\": 2}\r\n" },
			    .stays = true };
	char path[128], error[MONITOR_ERROR_MAX] = "";
	struct monitor m;
	struct folder f;

	(void)state;
	folder_make(&f);
	begin(&s, folder_file(path, &f, "qmp"));
	assert_int_equal(monitor_open(&m, path, TIMEOUT_MS, error), RC_OK);
	assert_int_equal(monitor_ask(&m, NULL, "block_resize", span_str("{\"size\":1}"),
				     TIMEOUT_MS, error),
			 RC_DENIED);
	assert_string_equal(error, "QMP: GenericError: no such node");
	monitor_close(&m);
	end(&s);
	folder_remove(&f);
}

static void bad_openings_fail(void **state)
{
	static char long_line[QMP_LINE_MAX + 1024];
	const struct {
		const char *name;
		struct script script;
		enum rc want;
	} rows[] = {
		{ "silent", { .say = { "" }, .stays = true }, RC_LIMIT },
		{ "half_a_greeting", { .say = { "{\"QMP\": {" }, .stays = true }, RC_LIMIT },
		{ "closes_at_once", { .say = { "" } }, RC_CLOSED },
		{ "no_json", { .say = { "SSH-2.0-x\r\n" }, .stays = true }, RC_MALFORMED },
		{ "no_greeting",
		  { .say = { "{\"return\": {}}\r\n" }, .stays = true },
		  RC_MALFORMED },
		{ "greets_twice", { .say = { GREETING, GREETING }, .stays = true }, RC_MALFORMED },
		{ "stalls_after_greeting", { .say = { GREETING }, .stays = true }, RC_LIMIT },
		{ "answers_another",
		  { .say = { GREETING, "{\"return\": {}, \"id\": 9}\n" }, .stays = true },
		  RC_LIMIT },
		{ "endless_line", { .say = { long_line }, .stays = true }, RC_LIMIT },
	};

	(void)state;
	memset(long_line, 'x', sizeof(long_line) - 1);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct script s = rows[i].script;
		char path[128], error[MONITOR_ERROR_MAX] = "";
		struct monitor m = { .fd = 77 };
		struct folder f;

		print_message("%s\n", rows[i].name);
		folder_make(&f);
		begin(&s, folder_file(path, &f, "qmp"));
		assert_int_equal(monitor_open(&m, path, SHORT_MS, error), rows[i].want);
		assert_int_equal(m.fd, 77);
		assert_memory_equal(error, "QMP: ", 5);
		end(&s);
		folder_remove(&f);
	}
}

static void nobody_listens(void **state)
{
	char error[MONITOR_ERROR_MAX] = "", path[200];
	struct monitor m;

	(void)state;
	assert_int_equal(monitor_open(&m, "/tmp/postern-no-such-socket", SHORT_MS, error),
			 RC_CLOSED);
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_not_equal(monitor_open(&m, path, SHORT_MS, error), RC_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(question_answered),
		cmocka_unit_test(refusal_has_its_words),
		cmocka_unit_test(bad_openings_fail),
		cmocka_unit_test(nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
