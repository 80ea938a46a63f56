#include "quoting/source_devtdx.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* after sys/socket.h, which it needs */
#include <linux/vm_sockets.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/clock.h"
#include "io/file.h"
#include "quoting/qgs.h"

enum {
	CONFIG_MAX = 4096,
};

/* struct tdx_report_req of the kernel. */
struct report_request {
	uint8_t report_data[QUOTE_REPORT_DATA_LEN];
	uint8_t report[TDREPORT_LEN];
};
#define TDX_CMD_GET_REPORT0 _IOWR('T', 1, struct report_request)
static_assert(TDX_CMD_GET_REPORT0 == 0xc4405401);

static int kernel_report(void *world, const char *device,
			 uint8_t report[TDREPORT_LEN],
			 const uint8_t report_data[QUOTE_REPORT_DATA_LEN])
{
	AUTO(mem_auto_close)
	int fd = open(device, O_RDWR | O_CLOEXEC);
	struct report_request r = { 0 };

	(void)world;
	if (fd < 0)
		return errno;
	memcpy(r.report_data, report_data, sizeof(r.report_data));
	if (ioctl(fd, TDX_CMD_GET_REPORT0, &r) != 0)
		return errno;
	memcpy(report, r.report, sizeof(r.report));
	return 0;
}

static int set_patience(int fd, int level, int option, uint64_t ms)
{
	const struct timeval t = {
		.tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000),
	};

	return setsockopt(fd, level, option, &t, sizeof(t)) ? errno : 0;
}

static int kernel_dial(void *world, int *fd, uint32_t port)
{
	const struct sockaddr_vm host = {
		.svm_family = AF_VSOCK,
		.svm_cid = VMADDR_CID_HOST,
		.svm_port = port,
	};
	int error;

	(void)world;
	*fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return errno;
	error = set_patience(*fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT,
			     DEVTDX_TIMEOUT_S * 1000);
	if (error)
		return error;
	if (connect(*fd, (const struct sockaddr *)&host, sizeof(host)) != 0)
		return errno;
	return 0;
}

const struct devtdx_ops devtdx_kernel = {
	.report = kernel_report,
	.dial = kernel_dial,
};

int devtdx_probe(const struct devtdx *d)
{
	static const uint8_t nothing[QUOTE_REPORT_DATA_LEN];
	uint8_t report[TDREPORT_LEN];

	return d->ops->report(d->world, d->device, report, nothing);
}

static struct span trim(struct span s)
{
	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
		(void)rd_skip(&s, 1); /* there is one */
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' ||
		       s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

bool devtdx_port(uint32_t *port, struct span config)
{
	struct span line, key, value;
	uint64_t v = DEVTDX_PORT;
	bool has_port = false;

	while (rd_until(&config, &line, '\n')) {
		value = trim(line);
		if (!rd_until(&value, &key, '=') ||
		    !span_equal_str(trim(key), "port"))
			continue;
		if (has_port || !text_u64(&v, trim(value), VMADDR_PORT_ANY - 1))
			return false;
		has_port = true;
	}
	if (!v)
		return false;
	*port = (uint32_t)v;
	return true;
}

/* 0 or an errno; a file that is not there is one that says nothing. */
static int find_port(const struct devtdx *d, uint32_t *port)
{
	AUTO(buf_fini)
	struct buf config = { 0 };
	enum rc rc;

	buf_init(&config, CONFIG_MAX);
	rc = file_read(&config, d->config);
	if (rc == RC_SYS && errno != ENOENT)
		return errno;
	if ((rc && rc != RC_SYS) || !devtdx_port(port, buf_span(&config)))
		return EINVAL;
	return 0;
}

/* What a failed call on the connection means. */
static enum rc failed(int error)
{
	errno = error == EAGAIN ? ETIMEDOUT : error; /* SO_RCVTIMEO and so on */
	switch (error) {
	case ECONNREFUSED:
	case ECONNRESET:
	case EPIPE:
		return RC_CLOSED;
	default:
		return RC_SYS;
	}
}

/* Sets how long the next call may take; ETIMEDOUT when no time is left. */
static int wait_until(int fd, int option, uint64_t deadline_ms)
{
	uint64_t now = clock_boot_ms();

	if (now >= deadline_ms)
		return ETIMEDOUT;
	return set_patience(fd, SOL_SOCKET, option, deadline_ms - now);
}

static enum rc send_all(int fd, struct span bytes, uint64_t deadline_ms)
{
	while (bytes.n) {
		int error = wait_until(fd, SO_SNDTIMEO, deadline_ms);
		ssize_t n;

		if (error)
			return failed(error);
		n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return failed(errno);
		(void)rd_skip(&bytes, (size_t)n); /* n is at most bytes.n */
	}
	return RC_OK;
}

/* Appends what comes next, at least a byte. */
static enum rc receive_some(int fd, struct buf *in, uint64_t deadline_ms)
{
	size_t room;
	uint8_t *at = buf_space(in, 8192, &room);
	int error;
	ssize_t n;

	if (!room)
		return failed(EBADMSG);
	do {
		error = wait_until(fd, SO_RCVTIMEO, deadline_ms);
		n = error ? 0 : recv(fd, at, room, 0);
	} while (!error && n < 0 && errno == EINTR);
	if (error || n < 0)
		return failed(error ? error : errno);
	if (!n)
		return RC_CLOSED;
	buf_commit(in, (size_t)n);
	return RC_OK;
}

static enum rc receive_quote(int fd, struct buf *in, struct span *quote,
			     uint64_t deadline_ms)
{
	uint32_t error;

	for (;;) {
		enum rc rc;

		switch (qgs_reply_read(quote, &error, buf_span(in))) {
		case QGS_QUOTE:
			return RC_OK;
		case QGS_REFUSED:
			return failed(EREMOTEIO);
		case QGS_MALFORMED:
			return failed(EBADMSG);
		case QGS_MORE:
			rc = receive_some(fd, in, deadline_ms);
			if (rc)
				return rc;
		}
	}
}

/* Borrows 'in'. */
static enum rc ask(const struct devtdx *d, struct buf *in, struct span *quote,
		   const uint8_t report[TDREPORT_LEN])
{
	const uint64_t deadline_ms = clock_boot_ms() + DEVTDX_TIMEOUT_S * 1000;
	AUTO(mem_auto_close)
	int fd = -1;
	uint8_t request[QGS_REQUEST_LEN];
	struct wr w = WR_ARRAY(request);
	uint32_t port = 0;
	int error = find_port(d, &port);
	enum rc rc;

	if (!error)
		error = d->ops->dial(d->world, &fd, port);
	if (error)
		return failed(error);
	qgs_request_write(&w, report);
	rc = send_all(fd, wr_span(&w), deadline_ms);
	return rc ? rc : receive_quote(fd, in, quote, deadline_ms);
}

static bool is_quote_of(struct span quote, const uint8_t report[TDREPORT_LEN])
{
	struct tdreport r;
	struct quote q;

	return tdreport_parse(&r, span_of(report, TDREPORT_LEN)) &&
	       quote_parse(&q, quote) == TEE_OK && tdreport_is_quoted(&r, &q);
}

enum rc devtdx_quote(const struct devtdx *d, struct buf *out,
		     const uint8_t report_data[QUOTE_REPORT_DATA_LEN])
{
	AUTO(buf_fini)
	struct buf in = { 0 };
	uint8_t report[TDREPORT_LEN];
	struct span quote;
	int error = d->ops->report(d->world, d->device, report, report_data);
	enum rc rc;

	buf_init(&in, QGS_REPLY_MAX);
	if (error)
		return failed(error);
	rc = ask(d, &in, &quote, report);
	if (rc)
		return rc;
	if (!is_quote_of(quote, report))
		return failed(EBADMSG);
	return buf_add(out, quote) ? RC_OK : RC_LIMIT;
}

enum rc devtdx_rtmr(const struct devtdx *d, unsigned rtmr, struct sha384 *out)
{
	static const uint8_t nothing[QUOTE_REPORT_DATA_LEN];
	uint8_t report[TDREPORT_LEN];
	struct tdreport r;
	int error = d->ops->report(d->world, d->device, report, nothing);

	if (!error && !tdreport_parse(&r, SPAN_ARRAY(report)))
		error = EBADMSG;
	if (error)
		return failed(error);
	memcpy(out->b, r.rtmr[rtmr].p, sizeof(out->b));
	return RC_OK;
}
