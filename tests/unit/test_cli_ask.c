/* ask: what comes of each answer a program of ours, or another, may give. */
#include "folder.h"

#include <pthread.h>
#include <unistd.h>

#include "cli/ask.h"
#include "io/sock.h"

struct ask_case {
	const char *name, *answer;
	enum rc want;
	const char *error; /* part of it */
};

#define HEAD(status) "HTTP/1.1 " status "\r\nConnection: close\r\n\r\n"

static const struct ask_case CASES[] = {
	{ "json", HEAD("200 OK") "{\"a\": 1}", RC_OK, NULL },
	{ "created", HEAD("201 Created") "{\"a\": 1}", RC_OK, NULL },
	{ "refusal_says_why", HEAD("404 Not Found") "{\"error\": \"no lease\"}", RC_DENIED,
	  "status 404: no lease" },
	{ "refusal_without_a_word", HEAD("500 Oh") "", RC_DENIED, "status 500" },
	{ "redirect_is_a_refusal", HEAD("302 Found") "{}", RC_DENIED, "status 302" },
	{ "no_json", HEAD("200 OK") "hello", RC_MALFORMED, "no JSON" },
	{ "nothing", HEAD("200 OK") "", RC_MALFORMED, "no JSON" },
	{ "key_twice", HEAD("200 OK") "{\"a\": 1, \"a\": 2}", RC_MALFORMED, "no JSON" },
	{ "no_http", "SSH-2.0-x\r\n", RC_MALFORMED, "no HTTP" },
	{ "closed", "", RC_CLOSED, "closed" },
	{ "cut", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", RC_CLOSED, "closed" },
};

struct fixture {
	struct folder folder;
	char path[128];
	int listen_fd;
};

/* Answers each case in turn. */
static void *serve(void *arg)
{
	struct fixture *f = arg;
	char question[1024];
	size_t i, n;

	for (i = 0; i < sizeof(CASES) / sizeof(*CASES); i++) {
		int fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC);

		n = strlen(CASES[i].answer);
		if (read(fd, question, sizeof(question)) <= 0 ||
		    write(fd, CASES[i].answer, n) != (ssize_t)n)
			return f; /* the case fails */
		close(fd);
	}
	return NULL;
}

static void answers_as_listed(void **state)
{
	struct sock_addr at = { .un = { .sun_family = AF_UNIX }, .len = sizeof(at.un) };
	json_t *const marker = (json_t *)state;
	char error[ASK_ERROR_MAX];
	struct fixture f;
	pthread_t thread;
	size_t i;

	folder_make(&f.folder);
	folder_file(f.path, &f.folder, "s");
	memcpy(at.un.sun_path, f.path, strlen(f.path) + 1);
	f.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f.listen_fd, &at.sa, at.len), 0);
	assert_int_equal(listen(f.listen_fd, 1), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve, &f), 0);
	for (i = 0; i < sizeof(CASES) / sizeof(*CASES); i++) {
		const struct ask_case *c = &CASES[i];
		json_t *out = marker;
		enum rc rc = ask(&out, f.path, "GET", "/v1/x", error);

		if (rc != c->want || (c->error && !strstr(error, c->error)))
			fail_msg("%s: %d %s", c->name, (int)rc, rc ? error : "");
		if (rc && out != marker)
			fail_msg("%s: out was touched", c->name);
		if (!rc)
			json_decref(out);
	}
	pthread_join(thread, NULL);
	close(f.listen_fd);
	unlink(f.path);
	assert_int_equal(ask(&(json_t *){ NULL }, f.path, "GET", "/", error), RC_CLOSED);
	assert_non_null(strstr(error, "No such file"));
	folder_remove(&f.folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_as_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
