/*
 * td, quoter, control and server together, as the program has them: a loop in a
 * thread of its own, and guests that reach it through the source they use in
 * production.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "folder.h"
#include "io/file.h"
#include "manifest/manifest.h"
#include "quoting/simproto.h"
#include "quoting/source.h"
#include "teesim/control.h"

enum {
	NOW = 1'800'000'000,
	DELAY_MS = 30,
};

#define MANIFEST "{\"name\":\"hello\"}"

struct world {
	struct folder folder;
	char a[128], b[128], manifest[128], control_path[128];
	struct log log;
	struct loop *loop;
	struct sim_pki pki;
	struct quoter quoter;
	struct sealing sealing;
	struct td_list tds;
	struct server control;
	pthread_t thread;
};

static void *run(void *arg)
{
	struct world *w = arg;

	(void)loop_run(w->loop); /* the tests notice when it does not run */
	return NULL;
}

static int start(void **state)
{
	struct world *w = mem_new(sizeof(*w));
	char error[TD_ERROR_MAX] = "";

	folder_make(&w->folder);
	folder_file(w->a, &w->folder, "a/tee.sock");
	folder_file(w->b, &w->folder, "b.sock");
	folder_file(w->control_path, &w->folder, "control.sock");
	folder_file(w->manifest, &w->folder, "manifest.json");
	assert_int_equal(file_replace(w->manifest, span_str(MANIFEST), 0644), RC_OK);
	w->log = (struct log){
		.fd = open("/dev/null", O_WRONLY | O_CLOEXEC),
		.program = "teesim",
		.max = LOG_DEBUG,
	};
	assert_int_equal(loop_new(&w->loop), RC_OK);
	assert_int_equal(sim_pki_generate(&w->pki, NULL, NOW), RC_OK);
	quoter_init(&w->quoter, w->loop, &w->pki, DELAY_MS);
	w->tds = (struct td_list){
		.loop = w->loop,
		.log = &w->log,
		.quoter = &w->quoter,
		.sealing = &w->sealing,
	};
	const struct td_spec a = {
		.name = "a",
		.socket = w->a,
		.image = "base",
		.manifest = w->manifest,
	};
	assert_int_equal(td_launch(&w->tds, &a, error), RC_OK);
	assert_int_equal(control_open(&w->control, w->control_path, &w->tds), RC_OK);
	assert_int_equal(pthread_create(&w->thread, NULL, run, w), 0);
	*state = w;
	return 0;
}

static void stop_loop(void *arg)
{
	loop_stop(arg);
}

static int finish(void **state)
{
	struct world *w = *state;
	struct stat st;

	loop_post(w->loop, stop_loop, w->loop);
	pthread_join(w->thread, NULL);
	server_close(&w->control);
	td_stop_all(&w->tds);
	quoter_fini(&w->quoter);
	(void)loop_turn(w->loop, 0); /* frees what was closed */
	loop_free(w->loop);
	sim_pki_fini(&w->pki);
	assert_int_not_equal(stat(w->a, &st), 0); /* the sockets are gone */
	assert_int_not_equal(stat(w->control_path, &st), 0);
	close(w->log.fd);
	folder_remove(&w->folder);
	free(w);
	return 0;
}

/* A guest's source: no TDX here, whatever machine the test runs on. */
static struct quote_source *guest(const char *socket)
{
	static const char *const no_marks[] = { NULL };
	const struct quote_source_options o = {
		.simulator = socket,
		.tsm_path = "/nowhere",
		.tdx_marks = no_marks,
	};
	struct quote_source *s = NULL;
	char error[256];

	assert_int_equal(quote_source_open(&s, &o, error), RC_OK);
	return s;
}

static int dial(const char *path)
{
	const struct timeval patience = { .tv_sec = 10 };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(at.sun_path, path, strlen(path) + 1);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void send_bytes(int fd, struct span b)
{
	assert_int_equal(send(fd, b.p, b.n, MSG_NOSIGNAL), b.n);
}

/* Reads to the end of a line, or of the stream. */
static void read_line(int fd, char line[512])
{
	size_t n = 0;

	while (n < 511 && recv(fd, line + n, 1, 0) == 1)
		if (line[n++] == '\n')
			break;
	line[n] = '\0';
}

/* One command on a connection of its own. */
static void control(struct world *w, const char *command, char answer[512])
{
	int fd = dial(w->control_path);

	send_bytes(fd, span_str(command));
	send_bytes(fd, span_str("\n"));
	read_line(fd, answer);
	close(fd);
}

static void launch(struct world *w, const char *name, const char *socket, const char *more)
{
	char command[512], answer[512];

	snprintf(command, sizeof(command),
		 "{\"launch\":{\"name\":\"%s\",\"socket\":\"%s\",\"image\":\"base\"%s}}", name,
		 socket, more);
	control(w, command, answer);
	assert_string_equal(answer, "{\"ok\":true}\n");
}

static void get_quote(const char *socket, uint8_t mark, struct buf *out, struct quote *q)
{
	struct quote_source *s = guest(socket);
	uint8_t data[64];

	memset(data, mark, sizeof(data));
	buf_init(out, QUOTE_MAX);
	assert_int_equal(quote_source_get(s, out, data), RC_OK);
	assert_int_equal(quote_parse(q, buf_span(out)), TEE_OK);
	assert_true(span_equal(quote_report_data(q), SPAN_ARRAY(data)));
	quote_source_free(s);
}

static void quote_has_the_registers_of_the_td(void **state)
{
	struct world *w = *state;
	uint8_t id[MANIFEST_CONFIG_ID_LEN];
	struct sha384 mr_td;
	struct buf bytes;
	struct quote q;

	get_quote(w->a, 7, &bytes, &q);
	sim_image_register(&mr_td, "base", "mrtd");
	manifest_config_id(id, span_str(MANIFEST));
	assert_true(span_equal(q.td.mr_td, SPAN_ARRAY(mr_td.b)));
	assert_true(span_equal(q.td.mr_config_id, SPAN_ARRAY(id)));
	assert_true(span_is_zero(q.td.rtmr[3]));
	assert_int_equal(q.td.td_attributes & SIM_TD_DEBUG, 0);
	buf_fini(&bytes);
}

/* An agent that restarts finds RTMR3 as it left it; a new launch does not. */
static void rtmr3_lives_as_long_as_the_launch(void **state)
{
	const struct sha384 digest = { "an event" };
	struct world *w = *state;
	struct sha384 first, again;
	struct buf bytes;
	struct quote q;
	char answer[512];

	struct quote_source *s = guest(w->a);
	assert_int_equal(quote_source_extend(s, 3, &digest), RC_OK);
	assert_int_equal(quote_source_rtmr(s, 3, &first), RC_OK);
	assert_false(span_is_zero(SPAN_ARRAY(first.b)));
	quote_source_free(s);
	s = guest(w->a);
	assert_int_equal(quote_source_rtmr(s, 3, &again), RC_OK);
	assert_memory_equal(&first, &again, sizeof(first));
	get_quote(w->a, 1, &bytes, &q);
	assert_true(span_equal(q.td.rtmr[3], SPAN_ARRAY(first.b)));
	buf_fini(&bytes);

	control(w, "{\"stop\":\"a\"}", answer);
	assert_string_equal(answer, "{\"ok\":true}\n");
	assert_int_equal(quote_source_rtmr(s, 3, &again), RC_CLOSED);
	launch(w, "a", w->a, "");
	assert_int_equal(quote_source_rtmr(s, 3, &again), RC_OK);
	assert_true(span_is_zero(SPAN_ARRAY(again.b)));
	quote_source_free(s);
}

static void tds_do_not_share_registers(void **state)
{
	const struct sha384 digest = { "an event" };
	struct world *w = *state;
	struct sha384 value;

	launch(w, "b", w->b, ",\"debug\":false");
	struct quote_source *a = guest(w->a), *b = guest(w->b);
	assert_int_equal(quote_source_extend(a, 3, &digest), RC_OK);
	assert_int_equal(quote_source_rtmr(b, 3, &value), RC_OK);
	assert_true(span_is_zero(SPAN_ARRAY(value.b)));
	quote_source_free(a);
	quote_source_free(b);
}

static void get_key(const char *socket, const char *label, struct key32 *out)
{
	struct quote_source *s = guest(socket);
	struct sha256 hash;

	sha256_of(&hash, span_str(label));
	assert_int_equal(quote_source_key(s, out, &hash), RC_OK);
	quote_source_free(s);
}

/* What a TD logs in RTMR3 leaves its keys as they are; other code, another manifest or the debug
 * bit give others. */
static void keys_follow_the_measurement(void **state)
{
	static const struct {
		const char *name, *more;
		bool same;
	} table[] = {
		{ "same_launch_again", "MANIFEST", true },
		{ "no_manifest", "", false },
		{ "debug", "MANIFEST,\"debug\":true", false },
	};
	const struct sha384 digest = { "an event" };
	struct world *w = *state;
	struct key32 first, again;
	char more[256], answer[512];

	get_key(w->a, "one", &first);
	struct quote_source *s = guest(w->a);
	assert_int_equal(quote_source_extend(s, 3, &digest), RC_OK);
	get_key(w->a, "one", &again);
	assert_memory_equal(&first, &again, sizeof(first));
	get_key(w->a, "two", &again);
	assert_memory_not_equal(&first, &again, sizeof(first));
	assert_int_equal(quote_source_extend(s, 2, &digest), RC_OK);
	get_key(w->a, "one", &again);
	assert_memory_not_equal(&first, &again, sizeof(first));
	quote_source_free(s);
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		const char *rest = table[i].more;

		more[0] = '\0';
		if (strncmp(rest, "MANIFEST", 8) == 0)
			snprintf(more, sizeof(more), ",\"manifest\":\"%s\"%s", w->manifest,
				 rest + 8);
		launch(w, "b", w->b, more);
		get_key(w->b, "one", &again);
		if ((memcmp(&first, &again, sizeof(first)) == 0) != table[i].same)
			fail_msg("%s", table[i].name);
		control(w, "{\"stop\":\"b\"}", answer);
	}
}

static void debug_td_says_so_in_its_quote(void **state)
{
	struct world *w = *state;
	struct buf bytes;
	struct quote q;

	launch(w, "b", w->b, ",\"debug\":true");
	get_quote(w->b, 1, &bytes, &q);
	assert_int_equal(q.td.td_attributes & SIM_TD_DEBUG, SIM_TD_DEBUG);
	assert_true(span_is_zero(q.td.mr_config_id));
	buf_fini(&bytes);
}

static void *one_quote(void *arg)
{
	struct buf bytes;
	struct quote q;

	get_quote(arg, (uint8_t)(uintptr_t)pthread_self(), &bytes, &q);
	buf_fini(&bytes);
	return NULL;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1'000'000;
}

static void quotes_are_made_one_at_a_time(void **state)
{
	struct world *w = *state;
	int64_t began = now_ms();
	pthread_t id[5];

	for (size_t i = 0; i < 5; i++)
		assert_int_equal(pthread_create(&id[i], NULL, one_quote, w->a), 0);
	for (size_t i = 0; i < 5; i++)
		pthread_join(id[i], NULL);
	assert_true(now_ms() - began >= 5 * DELAY_MS);
}

/* The guest's connection is closed, whatever it waits for. */
static void stop_ends_a_quote_under_way(void **state)
{
	struct world *w = *state;
	uint8_t request[SIMPROTO_HEADER_LEN + SIMPROTO_REQUEST_MAX], byte;
	const struct simproto_request r = { .op = SIMPROTO_QUOTE };
	struct wr wr = WR_ARRAY(request);
	char answer[512];
	struct buf bytes;
	struct quote q;
	int fd[3];

	simproto_request_write(&wr, &r);
	for (size_t i = 0; i < 3; i++) {
		fd[i] = dial(w->a);
		send_bytes(fd[i], wr_span(&wr));
	}
	close(fd[1]); /* one does not wait for its quote */
	control(w, "{\"stop\":\"a\"}", answer);
	assert_string_equal(answer, "{\"ok\":true}\n");
	assert_true(recv(fd[0], &byte, 1, 0) <= 0);
	assert_true(recv(fd[2], &byte, 1, 0) <= 0);
	close(fd[0]);
	close(fd[2]);
	/* The queue holds nothing of theirs: the next quote is the next. */
	launch(w, "a", w->a, "");
	get_quote(w->a, 1, &bytes, &q);
	buf_fini(&bytes);
}

static void two_requests_in_one_piece_get_two_replies(void **state)
{
	const struct simproto_request ask = { .op = SIMPROTO_QUOTE };
	const struct simproto_request rd = { .op = SIMPROTO_READ, .rtmr = 3 };
	struct world *w = *state;
	uint8_t request[256], reply[16384];
	struct wr wr = WR_ARRAY(request);
	struct span frame, body, rest;
	enum simproto_status status;
	size_t n = 0, whole = 0;
	int fd = dial(w->a);

	simproto_request_write(&wr, &ask);
	simproto_request_write(&wr, &rd);
	send_bytes(fd, wr_span(&wr));
	while (simproto_frame(&frame, &whole, span_of(reply, n), sizeof(reply)) == SIMPROTO_MORE ||
	       n < whole + SIMPROTO_HEADER_LEN + 1 + 48) {
		ssize_t got = recv(fd, reply + n, sizeof(reply) - n, 0);
		assert_true(got > 0);
		n += (size_t)got;
	}
	assert_int_equal(simproto_reply_read(&status, &body, frame), RC_OK);
	assert_true(body.n > 4000);
	rest = span_of(reply + whole, n - whole);
	assert_int_equal(simproto_frame(&frame, &whole, rest, sizeof(reply)), SIMPROTO_FRAME);
	assert_int_equal(simproto_reply_read(&status, &body, frame), RC_OK);
	assert_int_equal(body.n, 48);
	close(fd);
}

static void garbage_is_answered_once_and_closed(void **state)
{
	static const struct {
		const char *name;
		uint8_t bytes[8];
		size_t n;
	} table[] = {
		{ "http", "GET / HT", 8 },
		{ "length_zero", { 0, 0, 0, 0 }, 4 },
		{ "op_unknown", { 0, 0, 0, 1, 9 }, 5 },
		{ "register_nine", { 0, 0, 0, 2, SIMPROTO_READ, 9 }, 6 },
	};
	static const uint8_t want[] = { 0, 0, 0, 1, SIMPROTO_MALFORMED };
	struct world *w = *state;

	for (size_t i = 0; i < 4; i++) {
		uint8_t reply[8];
		int fd = dial(w->a);

		print_message("%s\n", table[i].name);
		send_bytes(fd, span_of(table[i].bytes, table[i].n));
		assert_int_equal(recv(fd, reply, sizeof(want), MSG_WAITALL), sizeof(want));
		assert_memory_equal(reply, want, sizeof(want));
		assert_true(recv(fd, reply, 1, 0) <= 0);
		close(fd);
	}
}

/* RTMR0 and 1 are the firmware's; the source does not even ask. */
static void firmwares_registers_are_denied(void **state)
{
	static const uint8_t want[] = { 0, 0, 0, 1, SIMPROTO_DENIED };
	const struct simproto_request r = { .op = SIMPROTO_EXTEND, .rtmr = 1 };
	struct world *w = *state;
	uint8_t request[128], reply[8];
	struct wr wr = WR_ARRAY(request);
	int fd = dial(w->a);

	simproto_request_write(&wr, &r);
	send_bytes(fd, wr_span(&wr));
	assert_int_equal(recv(fd, reply, sizeof(want), MSG_WAITALL), sizeof(want));
	assert_memory_equal(reply, want, sizeof(want));
	close(fd);
}

/* Connections beyond the limit wait until others go. */
static void crowd_is_served_in_the_end(void **state)
{
	struct world *w = *state;
	struct sha384 value;
	int fd[70];

	for (size_t i = 0; i < 70; i++)
		fd[i] = dial(w->a);
	for (size_t i = 0; i < 70; i++)
		close(fd[i]);
	struct quote_source *s = guest(w->a);
	assert_int_equal(quote_source_rtmr(s, 3, &value), RC_OK);
	quote_source_free(s);
}

static void sockets_have_their_modes(void **state)
{
	struct world *w = *state;
	struct stat st;

	assert_int_equal(stat(w->a, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0666);
	assert_int_equal(stat(w->control_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void control_refuses_with_words(void **state)
{
	static const struct {
		const char *name, *command, *want;
	} table[] = {
		{ "no_json", "hello", "expected a JSON object" },
		{ "empty_line", "", "expected a JSON object" },
		{ "array", "[]", "expected one of launch, stop, list" },
		{ "two_verbs", "{\"stop\":\"a\",\"list\":{}}", "expected one of" },
		{ "verb_twice", "{\"stop\":\"a\",\"stop\":\"a\"}", "expected a JSON object" },
		{ "unknown_verb", "{\"start\":\"a\"}", "expected one of" },
		{ "stop_number", "{\"stop\":1}", "stop: expected a name" },
		{ "stop_stranger", "{\"stop\":\"z\"}", "z: no such trust domain" },
		{ "launch_without_image", "{\"launch\":{\"name\":\"z\",\"socket\":\"/z\"}}",
		  "launch: expected name, socket, image" },
		{ "launch_unknown_key",
		  "{\"launch\":{\"name\":\"z\",\"socket\":\"/z\",\"image\":\"b\",\"x\":1}}",
		  "launch: expected" },
		{ "launch_debug_text",
		  "{\"launch\":{\"name\":\"z\",\"socket\":\"/z\",\"image\":\"b\","
		  "\"debug\":\"no\"}}",
		  "launch: expected" },
		{ "launch_bad_name",
		  "{\"launch\":{\"name\":\"../z\",\"socket\":\"/z\",\"image\":\"b\"}}",
		  "name and image are" },
		{ "launch_name_in_use",
		  "{\"launch\":{\"name\":\"a\",\"socket\":\"/z\",\"image\":\"b\"}}", "in use" },
		{ "launch_no_manifest",
		  "{\"launch\":{\"name\":\"z\",\"socket\":\"/z\",\"image\":\"b\","
		  "\"manifest\":\"/nowhere/m.json\"}}",
		  "/nowhere/m.json: No such file" },
		{ "launch_socket_nowhere",
		  "{\"launch\":{\"name\":\"z\",\"socket\":\"/dev/null/z\",\"image\":\"b\"}}",
		  "/dev/null/z: " },
	};
	struct world *w = *state;
	char answer[512];

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		control(w, table[i].command, answer);
		print_message("%s: %s", table[i].name, answer);
		assert_non_null(strstr(answer, "{\"ok\":false,\"error\":\""));
		assert_non_null(strstr(answer, table[i].want));
	}
	control(w, "{\"list\":{}}", answer);
	assert_string_equal(answer, "{\"ok\":true,\"tds\":[\"a\"]}\n");
}

static void line_without_end_is_closed(void **state)
{
	static const char noise[2 * CONTROL_LINE_MAX] = { ' ' };
	struct world *w = *state;
	int fd = dial(w->control_path);
	char answer[512];

	(void)!send(fd, noise, sizeof(noise), MSG_NOSIGNAL);
	read_line(fd, answer);
	assert_string_equal(answer, "");
	close(fd);
}

static void sixty_four_tds_are_the_limit(void **state)
{
	struct world *w = *state;
	char name[16], socket[128], command[512], answer[512];

	for (int i = 1; i < TD_MAX; i++) {
		snprintf(name, sizeof(name), "td-%d", i);
		launch(w, name, folder_file(socket, &w->folder, name), "");
	}
	snprintf(command, sizeof(command),
		 "{\"launch\":{\"name\":\"z\",\"socket\":\"%s\",\"image\":\"b\"}}", w->b);
	control(w, command, answer);
	assert_non_null(strstr(answer, "64 trust domains are running"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(quote_has_the_registers_of_the_td),
		TEST(rtmr3_lives_as_long_as_the_launch),
		TEST(tds_do_not_share_registers),
		TEST(keys_follow_the_measurement),
		TEST(debug_td_says_so_in_its_quote),
		TEST(quotes_are_made_one_at_a_time),
		TEST(stop_ends_a_quote_under_way),
		TEST(two_requests_in_one_piece_get_two_replies),
		TEST(garbage_is_answered_once_and_closed),
		TEST(firmwares_registers_are_denied),
		TEST(crowd_is_served_in_the_end),
		TEST(sockets_have_their_modes),
		TEST(control_refuses_with_words),
		TEST(line_without_end_is_closed),
		TEST(sixty_four_tds_are_the_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
