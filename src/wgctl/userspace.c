#include "wgctl/userspace.h"

#include <errno.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

enum {
	ANSWER_WITHIN_S = 5,
	REPLY_MAX = 16 * 1024 * 1024,
	READ_STEP = 16 * 1024,
};

/* Blocking, because the device answers at once. */
static enum rc connect_to(int *fd, const struct sock_addr *at)
{
	const struct timeval bound = { .tv_sec = ANSWER_WITHIN_S };

	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0 ||
	    setsockopt(*fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound)) ||
	    setsockopt(*fd, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof(bound)) ||
	    connect(*fd, &at->sa, at->len) != 0)
		return RC_SYS;
	return RC_OK;
}

bool userspace_is_there(const struct sock_addr *at)
{
	AUTO(mem_auto_close)
	int fd = -1;

	return connect_to(&fd, at) == RC_OK;
}

static enum rc send_all(int fd, struct span b)
{
	while (b.n) {
		ssize_t n = send(fd, b.p, b.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EPIPE ? RC_CLOSED : RC_SYS;
		b = span_of(b.p + n, b.n - (size_t)n);
	}
	return RC_OK;
}

static enum rc receive(struct buf *reply, int fd)
{
	while (!utext_is_whole(buf_span(reply))) {
		size_t room;
		uint8_t *at = buf_space(reply, READ_STEP, &room);
		ssize_t n;

		if (room == 0)
			return RC_LIMIT;
		n = recv(fd, at, room, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == ECONNRESET ? RC_CLOSED : RC_SYS;
		if (n == 0)
			return RC_CLOSED;
		buf_commit(reply, (size_t)n);
	}
	return RC_OK;
}

enum rc userspace_ask(const struct sock_addr *at, struct span request,
		      struct wgctl_device *out, utext_peer_fn *fn, void *arg)
{
	AUTO(mem_auto_close)
	int fd = -1;
	AUTO(buf_wipe)
	struct buf reply;
	int error = 0;
	enum rc rc;

	buf_init(&reply, REPLY_MAX);
	rc = connect_to(&fd, at);
	if (!rc)
		rc = send_all(fd, request);
	if (!rc)
		rc = receive(&reply, fd);
	if (!rc)
		rc = utext_read(out, &error, buf_span(&reply), fn, arg);
	if (!rc && error) {
		errno = error;
		rc = RC_SYS;
	}
	return rc;
}
