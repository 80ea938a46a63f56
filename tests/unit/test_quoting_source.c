/*
 * source: which source is chosen, and the simulator's client against a platform
 * played by a thread that answers what the test tells it to.
 */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "folder.h"
#include "quoting/simproto.h"
#include "quoting/source.h"
#include "quoting/source_devtdx.h"
#include "quoting/source_tsm.h"

static const uint8_t report_data[64] = "what the quote is over";
static const char *const no_marks[] = { NULL };

/* A kernel that has a provider, or answers every mkdir with an error. */
static int make_answer(void *world, const char *folder)
{
	(void)folder;
	return *(int *)world;
}

static int drop_ok(void *world, const char *folder)
{
	(void)world;
	(void)folder;
	return 0;
}

static int put_ok(void *world, const char *file, struct span content)
{
	(void)world;
	(void)file;
	(void)content;
	return 0;
}

static int get_tdx(void *world, const char *file, struct buf *out)
{
	(void)world;
	(void)file;
	return buf_add(out, span_str("tdx_guest\n")) ? 0 : EFBIG;
}

static int get_sev(void *world, const char *file, struct buf *out)
{
	(void)world;
	(void)file;
	return buf_add(out, span_str("sev_guest\n")) ? 0 : EFBIG;
}

/* A device that gives reports, or refuses every one. */
static int report_answer(void *world, const char *device, uint8_t report[TDREPORT_LEN],
			 const uint8_t data[QUOTE_REPORT_DATA_LEN])
{
	(void)device;
	memset(report, 0, TDREPORT_LEN);
	memcpy(report, "\x81", 1);
	memcpy(report + 128, data, QUOTE_REPORT_DATA_LEN);
	memset(report + 720, 0x77, 48); /* RTMR0 */
	return *(int *)world;
}

static int dial_nobody(void *world, int *fd, uint32_t port)
{
	(void)world, (void)fd, (void)port;
	return ECONNREFUSED;
}

static const struct devtdx_ops tdx_device = { report_answer, dial_nobody };
static const struct tsm_ops tdx_kernel = { make_answer, drop_ok, put_ok, get_tdx };
static const struct tsm_ops sev_kernel = { make_answer, drop_ok, put_ok, get_sev };
static const char *const marked[] = { "/nowhere/tdx_guest", "/", NULL };

/* clang-format off */
static const struct {
	const char *name;
	const struct tsm_ops *ops;
	int mkdir_error;
	int device_error;
	const char *simulator;
	const char *const *marks;
	const char *want; /* name of the source; NULL: none */
	const char *error; /* part of what is said */
} table[] = {
	{ "tdx_is_used", &tdx_kernel, 0, ENOENT, NULL, no_marks, "tdx_guest", NULL },
	{ "tdx_wins_over_a_simulator", &tdx_kernel, 0, ENOENT, "/sim", no_marks, "tdx_guest", NULL },
	{ "simulator_where_no_tdx_is", &tdx_kernel, ENOENT, ENOENT, "/sim", no_marks, "simulator", NULL },
	{ "simulator_where_no_provider_is", &tdx_kernel, ENXIO, ENOENT, "/sim", no_marks, "simulator", NULL },
	{ "nothing_at_all_names_the_path", &tdx_kernel, ENOENT, ENOENT, NULL, no_marks, NULL, "/fake/report: No such file or directory; /fake/tdx_guest: No such file or directory; and no simulator" },
	{ "no_provider_is_said", &tdx_kernel, ENXIO, ENOENT, NULL, no_marks, NULL, "/fake/report has no provider" },
	{ "not_root_is_said", &tdx_kernel, EACCES, ENOENT, NULL, no_marks, NULL, "it takes root" },
	{ "other_tee_is_said", &sev_kernel, 0, ENOENT, NULL, no_marks, NULL, "is for sev_guest, not TDX" },
	{ "device_where_no_configfs_is", &tdx_kernel, ENOENT, 0, NULL, no_marks, "tdx_guest_vsock", NULL },
	{ "configfs_wins_over_the_device", &tdx_kernel, 0, 0, NULL, no_marks, "tdx_guest", NULL },
	{ "device_wins_over_a_simulator", &tdx_kernel, ENXIO, 0, "/sim", no_marks, "tdx_guest_vsock", NULL },
	{ "device_that_needs_root_is_said", &tdx_kernel, ENOENT, EACCES, NULL, no_marks, NULL, "/fake/tdx_guest: Permission denied (it takes root)" },
	{ "simulator_on_tdx_machine_refused", &tdx_kernel, EACCES, ENOENT, "/sim", marked, NULL, "no simulator on a TDX machine (/)" },
};
/* clang-format on */

static void source_is_chosen_in_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		int error = table[i].mkdir_error, device_error = table[i].device_error;
		const struct quote_source_options o = {
			.simulator = table[i].simulator,
			.tsm_path = "/fake/report",
			.tdx_marks = table[i].marks,
			.tsm_ops = table[i].ops,
			.tsm_world = &error,
			.device_path = "/fake/tdx_guest",
			.device_ops = &tdx_device,
			.device_world = &device_error,
		};
		struct quote_source *s = NULL;
		char text[256] = "";

		print_message("%s\n", table[i].name);
		if (!table[i].want) {
			assert_int_equal(quote_source_open(&s, &o, text), RC_UNSUPPORTED);
			assert_null(s);
			assert_non_null(strstr(text, table[i].error));
			continue;
		}
		assert_int_equal(quote_source_open(&s, &o, text), RC_OK);
		assert_string_equal(quote_source_name(s), table[i].want);
		assert_int_equal(quote_source_is_simulated(s),
				 strcmp(table[i].want, "simulator") == 0);
		quote_source_free(s);
	}
}

static void device_serves_what_it_can(void **state)
{
	static const uint8_t rtmr0[48] = { [0 ... 47] = 0x77 };
	const struct sha384 digest = { 0 };
	int no_such_file = ENOENT, fine = 0;
	const struct quote_source_options o = {
		.tsm_path = "/fake/report",
		.measurements_path = "/nowhere",
		.tsm_ops = &tdx_kernel,
		.tsm_world = &no_such_file,
		.device_path = "/fake/tdx_guest",
		.device_config_path = "/nowhere",
		.device_ops = &tdx_device,
		.device_world = &fine,
	};
	struct quote_source *s = NULL;
	struct sha384 value;
	struct buf out;
	char text[256];

	(void)state;
	assert_int_equal(quote_source_open(&s, &o, text), RC_OK);
	buf_init(&out, QUOTE_MAX);
	assert_int_equal(quote_source_get(s, &out, report_data), RC_CLOSED);
	assert_int_equal(quote_source_rtmr(s, 0, &value), RC_OK);
	assert_memory_equal(value.b, rtmr0, sizeof(rtmr0));
	assert_int_equal(quote_source_rtmr(s, 4, &value), RC_DENIED);
	assert_int_equal(quote_source_extend(s, 1, &digest), RC_DENIED);
	quote_source_free(s);
}

/* The platform: answers one request a connection with 'reply'. */
struct platform {
	struct folder folder;
	char path[128];
	int fd;
	pthread_t thread;
	struct span reply; /* n == 0: closes without a word */
	bool echoes; /* replies OK with the request's own first 48 bytes */
	unsigned connections; /* to serve before the thread ends */
};

static void answer(struct platform *p, int fd)
{
	uint8_t request[256], bytes[512];
	struct wr w = WR_ARRAY(bytes);
	size_t n = 0, whole;
	struct span frame;

	while (simproto_frame(&frame, &whole, span_of(request, n), 200) == SIMPROTO_MORE) {
		ssize_t got = recv(fd, request + n, sizeof(request) - n, 0);
		if (got <= 0)
			return;
		n += (size_t)got;
	}
	if (p->echoes)
		simproto_reply_write(&w, SIMPROTO_OK, span_of(frame.p + 1, frame.n - 1));
	else
		wr_bytes(&w, p->reply);
	(void)!send(fd, bytes, w.n, MSG_NOSIGNAL);
}

static void *run_platform(void *arg)
{
	struct platform *p = arg;

	for (unsigned i = 0; i < p->connections; i++) {
		int fd = accept(p->fd, NULL, NULL);

		answer(p, fd);
		close(fd);
	}
	return NULL;
}

static void platform_start(struct platform *p)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	folder_make(&p->folder);
	folder_file(p->path, &p->folder, "tee.sock");
	memcpy(at.sun_path, p->path, strlen(p->path) + 1);
	p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(p->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(p->fd, 64), 0);
	assert_int_equal(pthread_create(&p->thread, NULL, run_platform, p), 0);
}

static void platform_stop(struct platform *p)
{
	pthread_join(p->thread, NULL);
	close(p->fd);
	folder_remove(&p->folder);
}

static struct quote_source *open_simulated(const char *path)
{
	static int no_such_file = ENOENT;
	const struct quote_source_options o = {
		.simulator = path,
		.tdx_marks = no_marks,
		.tsm_ops = &tdx_kernel,
		.tsm_world = &no_such_file,
	};
	struct quote_source *s = NULL;
	char error[256];

	assert_int_equal(quote_source_open(&s, &o, error), RC_OK);
	return s;
}

/* clang-format off */
static const uint8_t ok_3[] = { 0, 0, 0, 4, SIMPROTO_OK, 'a', 'b', 'c' };
static const uint8_t denied[] = { 0, 0, 0, 1, SIMPROTO_DENIED };
static const uint8_t malformed[] = { 0, 0, 0, 1, SIMPROTO_MALFORMED };
static const uint8_t failed[] = { 0, 0, 0, 1, SIMPROTO_FAILED };
static const uint8_t cut[] = { 0, 0, 0, 9, SIMPROTO_OK, 'a' };
static const uint8_t endless[] = { 0xff, 0, 0, 0, SIMPROTO_OK };
static const uint8_t other[] = "HTTP/1.1 400 Bad Request\r\n";

static const struct {
	const char *name;
	struct span reply;
	enum rc want;
} replies[] = {
	{ "ok_is_taken", { ok_3, sizeof(ok_3) }, RC_OK },
	{ "denied_is_denied", { denied, sizeof(denied) }, RC_DENIED },
	{ "malformed_is_malformed", { malformed, sizeof(malformed) }, RC_MALFORMED },
	{ "failed_is_an_io_error", { failed, sizeof(failed) }, RC_SYS },
	{ "cut_reply_is_closed", { cut, sizeof(cut) }, RC_CLOSED },
	{ "no_reply_is_closed", { NULL, 0 }, RC_CLOSED },
	{ "endless_reply_is_malformed", { endless, sizeof(endless) }, RC_MALFORMED },
	{ "other_protocol_is_malformed", { other, sizeof(other) }, RC_MALFORMED },
};
/* clang-format on */

static void replies_are_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
		struct platform p = { .reply = replies[i].reply, .connections = 1 };
		struct buf out;

		platform_start(&p);
		struct quote_source *s = open_simulated(p.path);
		buf_init(&out, 100);
		print_message("%s\n", replies[i].name);
		assert_int_equal(quote_source_get(s, &out, report_data), replies[i].want);
		if (replies[i].want == RC_SYS)
			assert_int_equal(errno, EIO);
		assert_int_equal(out.n, replies[i].want == RC_OK ? 3 : 0);
		buf_fini(&out);
		quote_source_free(s);
		platform_stop(&p);
	}
}

static void nobody_there_is_closed_and_found_again(void **state)
{
	struct platform p = { .echoes = true, .connections = 1 };
	struct folder f;
	struct buf out;
	char path[128];

	(void)state;
	folder_make(&f);
	struct quote_source *s = open_simulated(folder_file(path, &f, "tee.sock"));
	buf_init(&out, 100);
	assert_int_equal(quote_source_get(s, &out, report_data), RC_CLOSED);
	quote_source_free(s);
	folder_remove(&f);

	platform_start(&p);
	s = open_simulated(p.path);
	assert_int_equal(quote_source_get(s, &out, report_data), RC_OK);
	assert_int_equal(out.n, sizeof(report_data));
	platform_stop(&p); /* the socket file is gone */
	assert_int_equal(quote_source_get(s, &out, report_data), RC_CLOSED);
	quote_source_free(s);
	buf_fini(&out);
}

static void small_output_is_a_limit(void **state)
{
	struct platform p = { .echoes = true, .connections = 1 };
	struct buf out;

	(void)state;
	platform_start(&p);
	struct quote_source *s = open_simulated(p.path);
	buf_init(&out, 63);
	assert_int_equal(quote_source_get(s, &out, report_data), RC_LIMIT);
	assert_int_equal(out.n, 0);
	buf_fini(&out);
	quote_source_free(s);
	platform_stop(&p);
}

static void registers_have_their_bounds(void **state)
{
	struct platform p = { .reply = { ok_3, sizeof(ok_3) }, .connections = 1 };
	const struct sha384 digest = { "a digest" };
	struct sha384 value = { "before" };

	(void)state;
	platform_start(&p);
	struct quote_source *s = open_simulated(p.path);
	/* These never reach the platform. */
	assert_int_equal(quote_source_extend(s, 0, &digest), RC_DENIED);
	assert_int_equal(quote_source_extend(s, 1, &digest), RC_DENIED);
	assert_int_equal(quote_source_extend(s, 4, &digest), RC_DENIED);
	assert_int_equal(quote_source_extend(s, 259, &digest), RC_DENIED);
	assert_int_equal(quote_source_rtmr(s, 4, &value), RC_DENIED);
	/* Three bytes are no register. */
	assert_int_equal(quote_source_rtmr(s, 3, &value), RC_MALFORMED);
	assert_string_equal((const char *)value.b, "before");
	quote_source_free(s);
	platform_stop(&p);
}

static void key_of_another_length_is_none(void **state)
{
	struct platform p = { .reply = { ok_3, sizeof(ok_3) }, .connections = 1 };
	const struct sha256 label = { "a label" };
	struct key32 key = { "before" };

	(void)state;
	platform_start(&p);
	struct quote_source *s = open_simulated(p.path);
	assert_int_equal(quote_source_key(s, &key, &label), RC_MALFORMED);
	assert_string_equal((const char *)key.b, "before");
	quote_source_free(s);
	platform_stop(&p);
}

static void path_that_no_socket_has_is_said(void **state)
{
	char path[200];
	struct buf out;

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	struct quote_source *s = open_simulated(path);
	buf_init(&out, 100);
	assert_int_equal(quote_source_get(s, &out, report_data), RC_SYS);
	assert_int_equal(errno, ENAMETOOLONG);
	quote_source_free(s);
}

enum {
	THREADS = 6,
	ROUNDS = 20,
};

struct worker {
	struct quote_source *s;
	uint8_t mine;
	bool ok;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	uint8_t data[64];

	memset(data, w->mine, sizeof(data));
	w->ok = true;
	for (int i = 0; i < ROUNDS; i++) {
		struct buf out;

		buf_init(&out, QUOTE_MAX);
		w->ok = w->ok && quote_source_get(w->s, &out, data) == RC_OK &&
			span_equal(buf_span(&out), SPAN_ARRAY(data));
		buf_fini(&out);
	}
	return NULL;
}

static void threads_get_their_own_answers(void **state)
{
	struct platform p = { .echoes = true, .connections = THREADS * ROUNDS };
	struct worker w[THREADS];
	pthread_t id[THREADS];

	(void)state;
	platform_start(&p);
	struct quote_source *s = open_simulated(p.path);
	for (uint8_t i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ .s = s, .mine = (uint8_t)(i + 1) };
		assert_int_equal(pthread_create(&id[i], NULL, work, &w[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(id[i], NULL);
		assert_true(w[i].ok);
	}
	quote_source_free(s);
	platform_stop(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(source_is_chosen_in_order),
		cmocka_unit_test(device_serves_what_it_can),
		cmocka_unit_test(replies_are_understood),
		cmocka_unit_test(nobody_there_is_closed_and_found_again),
		cmocka_unit_test(small_output_is_a_limit),
		cmocka_unit_test(registers_have_their_bounds),
		cmocka_unit_test(key_of_another_length_is_none),
		cmocka_unit_test(path_that_no_socket_has_is_said),
		cmocka_unit_test(threads_get_their_own_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
