#include "quoting/source_sim.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"

/* What a failed system call on the socket means to the caller. */
static enum rc failed(void)
{
	switch (errno) {
	case ENOENT:
	case ECONNREFUSED:
	case ECONNRESET:
	case EPIPE:
		return RC_CLOSED;
	case EAGAIN: /* SO_RCVTIMEO, SO_SNDTIMEO */
		errno = ETIMEDOUT;
		return RC_SYS;
	default:
		return RC_SYS;
	}
}

static int set_patience(int fd, int option)
{
	const struct timeval t = { .tv_sec = SOURCE_SIM_TIMEOUT_S };

	return setsockopt(fd, SOL_SOCKET, option, &t, sizeof(t));
}

static enum rc dial(int *fd, const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	size_t n = strlen(path);

	if (n >= sizeof(at.sun_path)) {
		errno = ENAMETOOLONG;
		return RC_SYS;
	}
	memcpy(at.sun_path, path, n + 1);
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0 ||
	    set_patience(*fd, SO_RCVTIMEO) || set_patience(*fd, SO_SNDTIMEO) ||
	    connect(*fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
		return failed();
	return RC_OK;
}

static enum rc send_all(int fd, struct span bytes)
{
	while (bytes.n) {
		ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return failed();
		(void)rd_skip(&bytes, (size_t)n); /* n is at most bytes.n */
	}
	return RC_OK;
}

/* Appends what comes next, at least a byte. */
static enum rc receive_some(int fd, struct buf *in)
{
	size_t room;
	uint8_t *at = buf_space(in, 8192, &room);
	ssize_t n;

	if (!room)
		return RC_MALFORMED; /* more than the longest reply */
	do
		n = recv(fd, at, room, 0);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return RC_CLOSED;
	if (n < 0)
		return failed();
	buf_commit(in, (size_t)n);
	return RC_OK;
}

static enum rc receive_frame(int fd, struct buf *in, struct span *frame)
{
	for (;;) {
		size_t whole;
		enum rc rc;

		switch (simproto_frame(frame, &whole, buf_span(in),
				       SIMPROTO_REPLY_MAX)) {
		case SIMPROTO_FRAME:
			return RC_OK;
		case SIMPROTO_TOO_LONG:
			return RC_MALFORMED;
		case SIMPROTO_MORE:
			rc = receive_some(fd, in);
			if (rc)
				return rc;
		}
	}
}

static enum rc take_reply(struct buf *out, struct span frame)
{
	enum simproto_status status;
	struct span body;
	enum rc rc = simproto_reply_read(&status, &body, frame);

	if (rc)
		return rc;
	switch (status) {
	case SIMPROTO_OK:
		return buf_add(out, body) ? RC_OK : RC_LIMIT;
	case SIMPROTO_DENIED:
		return RC_DENIED;
	case SIMPROTO_FAILED:
		errno = EIO;
		return RC_SYS;
	case SIMPROTO_MALFORMED:
		break;
	}
	return RC_MALFORMED;
}

enum rc source_sim_call(const char *path, const struct simproto_request *r,
			struct buf *out)
{
	AUTO(mem_auto_close)
	int fd = -1;
	AUTO(buf_fini)
	struct buf in = { 0 };
	uint8_t request[SIMPROTO_HEADER_LEN + SIMPROTO_REQUEST_MAX];
	struct wr w = WR_ARRAY(request);
	struct span frame;
	enum rc rc;

	buf_init(&in, SIMPROTO_HEADER_LEN + SIMPROTO_REPLY_MAX);
	simproto_request_write(&w, r);
	rc = dial(&fd, path);
	if (!rc)
		rc = send_all(fd, wr_span(&w));
	if (!rc)
		rc = receive_frame(fd, &in, &frame);
	return rc ? rc : take_reply(out, frame);
}
