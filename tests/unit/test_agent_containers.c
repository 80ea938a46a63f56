/*
 * What docker-compose is run with, and that it is ended in time: a script of
 * that name plays it.  What of its output may be kept.
 */
#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/containers.h"
#include "folder.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/sock.h"

/* Says what it sees; "up" takes long when there is a file called "slow". */
static const char script[] =
	"#!/bin/sh\n"
	"there=$(dirname \"$0\")\n"
	"{ echo \"args $*\"; env | sort | sed 's/^/env /'\n"
	"  while [ \"$1\" != --project-directory ]; do shift; done\n"
	"  cd \"$2\" && ls -A | sed 's/^/file /'; wc -c <.env | sed 's/^/size /'\n"
	"  cat docker-compose.yml; } >>\"$there/said\"\n"
	"case \" $* \" in *' up '*) [ -e \"$there/slow\" ] && sleep 1000 ;; esac\n"
	"exit 0\n";

struct bench {
	struct folder folder;
	char socket[128], status[128], said[128], text[16384];
	int listen_fd;
	struct loop *loop;
	struct manifest manifest;
	struct log log;
	struct containers *c;
	bool is_done;
};

static void bench_start(struct bench *b, bool is_slow)
{
	static char compose[] = "services: {}\n";
	char path[128], error[NODE_ERROR_MAX] = "", address[160];
	struct containers_options o = { .log = &b->log, .manifest = &b->manifest };
	struct sock_addr at;

	*b = (struct bench){ .log = { .fd = 2, .program = "test" },
			     .manifest = { .name = "hello", .compose = compose } };
	folder_make(&b->folder);
	assert_int_equal(file_replace(folder_file(path, &b->folder, "docker-compose"),
				      span_str(script), 0700),
			 RC_OK);
	if (is_slow)
		assert_int_equal(file_replace(folder_file(path, &b->folder, "slow"), span_str(""),
					      0600),
				 RC_OK);
	folder_file(b->said, &b->folder, "said");
	o.socket = folder_file(b->socket, &b->folder, "docker.sock");
	o.status = folder_file(b->status, &b->folder, "run/agent.sock");
	snprintf(address, sizeof(address), "unix:%s", o.socket);
	assert_true(sock_addr_parse(&at, span_str(address)));
	b->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(b->listen_fd, &at.sa, at.len), 0);
	assert_int_equal(listen(b->listen_fd, 16), 0);
	assert_int_equal(loop_new(&b->loop), RC_OK);
	o.loop = b->loop;
	snprintf(address, sizeof(address), "%s:/usr/bin:/bin", b->folder.path);
	setenv("PATH", address, 1);
	setenv("UNMEASURED", "1", 1);
	if (containers_new(&b->c, &o, error))
		fail_msg("%s", error);
}

/* Until what was said holds the text. */
static void wait_said(struct bench *b, const char *want)
{
	for (int i = 0; i < 500; i++) {
		struct buf text;

		buf_init(&text, sizeof(b->text) - 1);
		if (file_read(&text, b->said) == RC_OK) {
			memcpy(b->text, buf_span(&text).p, buf_span(&text).n);
			b->text[buf_span(&text).n] = '\0';
		}
		buf_fini(&text);
		if (strstr(b->text, want))
			return;
		usleep(20000);
	}
	fail_msg("no \"%s\" in:\n%s", want, b->text);
}

static void done(void *arg)
{
	*(bool *)arg = true;
}

static void bench_end(struct bench *b)
{
	char path[128];

	containers_down(b->c, done, &b->is_done);
	for (int i = 0; i < 1000 && !b->is_done; i++)
		assert_int_equal(loop_turn(b->loop, 20), RC_OK);
	assert_true(b->is_done);
	containers_free(b->c);
	/* nothing of it is left */
	assert_int_equal(rmdir(folder_file(path, &b->folder, "run")), 0);
	loop_free(b->loop);
	close(b->listen_fd);
	folder_remove(&b->folder);
}

static void only_the_manifest_says_what_runs(void **state)
{
	static struct bench b;
	char *line, *rest = NULL;

	(void)state;
	bench_start(&b, false);
	wait_said(&b, "services: {}\n");
	assert_non_null(strstr(b.text, "up -d"));
	assert_non_null(strstr(b.text, "--env-file"));
	assert_non_null(strstr(b.text, "file .env\nfile docker-compose.yml\nsize 0\n"));
	for (line = strtok_r(b.text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		/* the shell's own */
		bool is_known = !strncmp(line, "env PATH=/usr/", 14) ||
				!strncmp(line, "env PWD=", 8) ||
				!strncmp(line, "env HOME=/tmp/postern-unit-", 27);

		if (!strncmp(line, "env ", 4) && !is_known)
			fail_msg("%s", line);
	}
	bench_end(&b);
}

static void stop_does_not_wait_for_up(void **state)
{
	static struct bench b;
	uint64_t start = clock_boot_ms();

	(void)state;
	bench_start(&b, true);
	wait_said(&b, "services: {}\n");
	containers_down(b.c, done, &b.is_done);
	wait_said(&b, " down\n");
	bench_end(&b);
	assert_true(clock_boot_ms() - start < 15000);
}

static const struct {
	const char *lines, *said, *kept;
} hidings[] = {
	{ "A=secret\n", "a secret, secret", "a ******, ******" },
	{ "A=abc\n", "abc is too short", "abc is too short" },
	/* one is the other's beginning, or lies within it, in either order */
	{ "A=hunter2\nB=hunter2-long\n", "is hunter2-long here", "is ************ here" },
	{ "A=hunter2-long\nB=hunter2\n", "is hunter2-long here", "is ************ here" },
	{ "A=word\nB=passwords\n", "passwords", "*********" },
	/* they overlap */
	{ "A=abcdef\nB=defghi\n", "xabcdefghix", "x*********x" },
	{ "A=aaaa\n", "baaaaaab", "b******b" },
	{ "A=abab\n", "ababab", "******" },
	/* an asterisk is no letter of a value */
	{ "A=abcd\nB=****\nC=x**** \n", "xabcd ", "x**** " },
	{ "A=secret\n", "", "" },
};

static void values_are_hidden_wherever_they_lie(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hidings) / sizeof(hidings[0]); i++) {
		struct envs envs = { 0 };
		char text[64];
		size_t line, n = strlen(hidings[i].said);

		assert_int_equal(envs_read_lines(&envs, span_str(hidings[i].lines), &line),
				 RC_OK);
		memcpy(text, hidings[i].said, n + 1);
		containers_hide(&envs, (uint8_t *)text, n);
		assert_string_equal(text, hidings[i].kept);
		envs_fini(&envs);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_manifest_says_what_runs),
		cmocka_unit_test(stop_does_not_wait_for_up),
		cmocka_unit_test(values_are_hidden_wherever_they_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
