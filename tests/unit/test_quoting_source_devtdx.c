/*
 * source_devtdx against a kernel and a host played by this test: the kernel
 * gives the report that a recorded quote was made from, the host answers with
 * that quote, in pieces, late, with another's, or not at all.  The ioctl and
 * the vsock connection themselves need TDX and are not run.
 */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "folder.h"
#include "io/file.h"
#include "quoting/qgs.h"
#include "quoting/source_devtdx.h"
#include "tdreport_vectors.h"
#include "tee_vectors.h"

enum answer {
	ANSWER_WHOLE,
	ANSWER_BYTE_BY_BYTE,
	ANSWER_OTHER_QUOTE,
	ANSWER_NO_QUOTE,
	ANSWER_REFUSAL,
	ANSWER_NONSENSE,
	ANSWER_TOO_MUCH,
	ANSWER_HALF,
	ANSWER_HANG_UP,
};

/* The kernel and the host. */
struct world {
	struct span quote_bytes, other_bytes;
	struct quote quote;
	enum answer answer;
	int report_error, dial_error;
	uint32_t port; /* that was dialled */
	unsigned dials;
	uint8_t request[QGS_REQUEST_LEN];
	int fd; /* the host's end */
	pthread_t host;
	bool is_running;
};

static int fake_report(void *arg, const char *device, uint8_t report[TDREPORT_LEN],
		       const uint8_t report_data[QUOTE_REPORT_DATA_LEN])
{
	struct world *w = arg;

	assert_string_equal(device, "/fake/tdx_guest");
	if (w->report_error)
		return w->report_error;
	tdreport_of(report, &w->quote);
	memcpy(report + 128, report_data, QUOTE_REPORT_DATA_LEN);
	return 0;
}

static void say(int fd, struct span bytes, size_t piece)
{
	while (bytes.n) {
		ssize_t n = send(fd, bytes.p, bytes.n < piece ? bytes.n : piece, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		(void)rd_skip(&bytes, (size_t)n);
	}
}

static void respond(struct wr *w, uint32_t error, struct span quote)
{
	uint32_t size = 24 + (uint32_t)quote.n;

	wr_be32(w, size);
	wr_le16(w, 1);
	wr_le16(w, 0);
	wr_le32(w, 1);
	wr_le32(w, size);
	wr_le32(w, error);
	wr_le32(w, 0);
	wr_le32(w, (uint32_t)quote.n);
	wr_bytes(w, quote);
}

static void *run_host(void *arg)
{
	static const uint8_t much[QGS_REPLY_MAX + 4];
	struct world *w = arg;
	uint8_t bytes[8192];
	struct wr out = WR_ARRAY(bytes);
	size_t n = 0;

	while (n < sizeof(w->request)) {
		ssize_t got = recv(w->fd, w->request + n, sizeof(w->request) - n, 0);

		if (got <= 0)
			break;
		n += (size_t)got;
	}
	respond(&out, w->answer == ANSWER_REFUSAL ? 0x12001 : 0,
		w->answer == ANSWER_OTHER_QUOTE ? w->other_bytes
		: w->answer == ANSWER_NO_QUOTE	? span_str("not a quote at all")
						: w->quote_bytes);
	if (w->answer == ANSWER_NONSENSE)
		say(w->fd, span_str("HTTP/1.1 400 Bad Request\r\n\r\n"), 1024);
	else if (w->answer == ANSWER_TOO_MUCH)
		say(w->fd, SPAN_ARRAY(much), 65536);
	else if (w->answer == ANSWER_HALF)
		say(w->fd, span_of(bytes, out.n / 2), 1024);
	else if (w->answer != ANSWER_HANG_UP)
		say(w->fd, wr_span(&out), w->answer == ANSWER_BYTE_BY_BYTE ? 1 : 65536);
	close(w->fd);
	return NULL;
}

static int fake_dial(void *arg, int *fd, uint32_t port)
{
	struct world *w = arg;
	int ends[2];

	w->port = port;
	w->dials++;
	if (w->dial_error)
		return w->dial_error;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	*fd = ends[0];
	w->fd = ends[1];
	assert_int_equal(pthread_create(&w->host, NULL, run_host, w), 0);
	w->is_running = true;
	return 0;
}

static const struct devtdx_ops fake_ops = { fake_report, fake_dial };

static void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->quote_bytes = tee_vector_quote("quotes/tdx_v4_90c0_dstack.bin");
	w->other_bytes = tee_vector_quote("quotes/tdx_v4_b0c0_uptodate.bin");
	assert_int_equal(quote_parse(&w->quote, w->quote_bytes), TEE_OK);
}

static void world_fini(struct world *w)
{
	vector_free(w->quote_bytes);
	vector_free(w->other_bytes);
}

static struct devtdx device_of(struct world *w)
{
	return (struct devtdx){
		.device = "/fake/tdx_guest",
		.config = "/nowhere/tdx-attest.conf",
		.ops = &fake_ops,
		.world = w,
	};
}

static enum rc get_quote(const struct devtdx *d, struct world *w, struct buf *out)
{
	enum rc rc = devtdx_quote(d, out, w->quote.td.report_data.p);
	int error = errno;

	if (w->is_running)
		pthread_join(w->host, NULL);
	w->is_running = false;
	errno = error;
	return rc;
}

/* clang-format off */
static const struct {
	const char *name;
	enum answer answer;
	int report_error, dial_error;
	enum rc want;
	int error; /* errno beside RC_SYS */
} table[] = {
	{ "quote_given", ANSWER_WHOLE, 0, 0, RC_OK, 0 },
	{ "quote_in_pieces_given", ANSWER_BYTE_BY_BYTE, 0, 0, RC_OK, 0 },
	{ "quote_of_another_td_refused", ANSWER_OTHER_QUOTE, 0, 0, RC_SYS, EBADMSG },
	{ "no_quote_refused", ANSWER_NO_QUOTE, 0, 0, RC_SYS, EBADMSG },
	{ "refusal_reported", ANSWER_REFUSAL, 0, 0, RC_SYS, EREMOTEIO },
	{ "other_protocol_refused", ANSWER_NONSENSE, 0, 0, RC_SYS, EBADMSG },
	{ "endless_answer_refused", ANSWER_TOO_MUCH, 0, 0, RC_SYS, EBADMSG },
	{ "half_an_answer_is_closed", ANSWER_HALF, 0, 0, RC_CLOSED, 0 },
	{ "hang_up_is_closed", ANSWER_HANG_UP, 0, 0, RC_CLOSED, 0 },
	{ "no_service_is_closed", ANSWER_WHOLE, 0, ECONNREFUSED, RC_CLOSED, 0 },
	{ "service_that_resets_is_closed", ANSWER_WHOLE, 0, ECONNRESET, RC_CLOSED, 0 },
	{ "no_vsock_reported", ANSWER_WHOLE, 0, ENODEV, RC_SYS, ENODEV },
	{ "silent_host_times_out", ANSWER_WHOLE, 0, EAGAIN, RC_SYS, ETIMEDOUT },
	{ "report_refused_by_kernel", ANSWER_WHOLE, EIO, 0, RC_SYS, EIO },
};
/* clang-format on */

static void each_answer_has_its_outcome(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct world w;
		struct devtdx d;
		struct buf out;
		enum rc rc;

		print_message("%s\n", table[i].name);
		world_init(&w);
		d = device_of(&w);
		w.answer = table[i].answer;
		w.report_error = table[i].report_error;
		w.dial_error = table[i].dial_error;
		buf_init(&out, QUOTE_MAX);
		rc = get_quote(&d, &w, &out);
		assert_int_equal(rc, table[i].want);
		if (rc == RC_SYS)
			assert_int_equal(errno, table[i].error);
		assert_true(span_equal(buf_span(&out),
				       rc ? (struct span){ 0 } : w.quote_bytes));
		assert_int_equal(w.dials, !table[i].report_error);
		buf_fini(&out);
		world_fini(&w);
	}
}

static void host_is_sent_our_report(void **state)
{
	uint8_t report[TDREPORT_LEN], want[QGS_REQUEST_LEN];
	struct wr to = WR_ARRAY(want);
	struct world w;
	struct devtdx d;
	struct buf out;

	(void)state;
	world_init(&w);
	d = device_of(&w);
	buf_init(&out, 100); /* too small for any quote */
	assert_int_equal(get_quote(&d, &w, &out), RC_LIMIT);
	assert_int_equal(buf_span(&out).n, 0);
	tdreport_of(report, &w.quote);
	qgs_request_write(&to, report);
	assert_memory_equal(w.request, want, sizeof(want));
	assert_int_equal(w.port, DEVTDX_PORT); /* no file says another */
	buf_fini(&out);
	world_fini(&w);
}

static void port_comes_from_the_file(void **state)
{
	struct folder folder;
	char path[128];
	struct world w;
	struct devtdx d;
	struct buf out;

	(void)state;
	world_init(&w);
	folder_make(&folder);
	folder_file(path, &folder, "tdx-attest.conf");
	d = device_of(&w);
	d.config = path;
	w.dial_error = ECONNREFUSED;
	buf_init(&out, QUOTE_MAX);
	assert_int_equal(file_replace(path, span_str("port=5000\n"), 0600), RC_OK);
	assert_int_equal(get_quote(&d, &w, &out), RC_CLOSED);
	assert_int_equal(w.port, 5000);
	assert_int_equal(file_replace(path, span_str("port=many\n"), 0600), RC_OK);
	assert_int_equal(get_quote(&d, &w, &out), RC_SYS);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(w.dials, 1);
	buf_fini(&out);
	folder_remove(&folder);
	world_fini(&w);
}

/* clang-format off */
static const struct {
	const char *name, *text;
	uint32_t want; /* 0: refused */
} configs[] = {
	{ "empty_is_the_usual_port", "", DEVTDX_PORT },
	{ "port_read", "port=4051", 4051 },
	{ "blanks_ignored", "# QGS\r\n\r\n \tport = 4051 \r\n", 4051 },
	{ "comment_is_no_port", "#port=1\n", DEVTDX_PORT },
	{ "other_keys_ignored", "ports=1\nuse=vsock\n", DEVTDX_PORT },
	{ "port_alone_refused", "port\n", 0 },
	{ "largest_port_read", "port=4294967294", 4294967294 },
	{ "any_port_refused", "port=4294967295", 0 },
	{ "port_0_refused", "port=0", 0 },
	{ "words_refused", "port=vsock", 0 },
	{ "no_number_refused", "port=", 0 },
	{ "sign_refused", "port=+4050", 0 },
	{ "two_ports_refused", "port=4050\nport=4050\n", 0 },
};
/* clang-format on */

static void configuration_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
		uint32_t port = 7;

		print_message("%s\n", configs[i].name);
		assert_int_equal(devtdx_port(&port, span_str(configs[i].text)),
				 configs[i].want != 0);
		assert_int_equal(port, configs[i].want ? configs[i].want : 7);
	}
}

static void registers_read_from_the_report(void **state)
{
	struct world w;
	struct devtdx d;
	struct sha384 value = { { 1 } };

	(void)state;
	world_init(&w);
	d = device_of(&w);
	assert_int_equal(devtdx_probe(&d), 0);
	for (unsigned i = 0; i < QUOTE_RTMR_COUNT; i++) {
		assert_int_equal(devtdx_rtmr(&d, i, &value), RC_OK);
		assert_memory_equal(value.b, w.quote.td.rtmr[i].p, sizeof(value.b));
	}
	w.report_error = EACCES;
	assert_int_equal(devtdx_probe(&d), EACCES);
	assert_int_equal(devtdx_rtmr(&d, 0, &value), RC_SYS);
	assert_int_equal(errno, EACCES);
	assert_memory_equal(value.b, w.quote.td.rtmr[3].p, sizeof(value.b));
	world_fini(&w);
}

static void device_that_is_none_is_said(void **state)
{
	struct devtdx d = { .device = "/nowhere/tdx_guest", .ops = &devtdx_kernel };

	(void)state;
	assert_int_equal(devtdx_probe(&d), ENOENT);
	d.device = "/dev/null";
	assert_int_equal(devtdx_probe(&d), ENOTTY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_answer_has_its_outcome),
		cmocka_unit_test(host_is_sent_our_report),
		cmocka_unit_test(port_comes_from_the_file),
		cmocka_unit_test(configuration_read),
		cmocka_unit_test(registers_read_from_the_report),
		cmocka_unit_test(device_that_is_none_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
