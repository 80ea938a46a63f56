#include "wgctl/userspace.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "io/clock.h"

enum {
	/* The device answers at once, and who asks has other things to do. */
	SILENCE_MS = 500,
	REQUEST_MS = 2000, /* of tens of thousands of peers, all in all */
	REPLY_MAX = 16 * 1024 * 1024,
	READ_STEP = 16 * 1024,
};

/* A request on its way. */
struct request {
	int fd;
	uint64_t deadline_ms;
};

/* Never waits: a device that does not take connections has its queue full, and
 * that is EAGAIN. */
static enum rc connect_to(int *fd, const struct sock_addr *at)
{
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0 || connect(*fd, &at->sa, at->len) != 0)
		return RC_SYS;
	return RC_OK;
}

bool userspace_is_there(const struct sock_addr *at)
{
	AUTO(mem_auto_close)
	int fd = -1;

	return connect_to(&fd, at) == RC_OK;
}

/* RC_SYS with ETIMEDOUT when nothing happens. */
static enum rc wait_for(const struct request *r, short events)
{
	for (;;) {
		struct pollfd p = { .fd = r->fd, .events = events };
		uint64_t now_ms = clock_boot_ms();
		uint64_t left_ms = SILENCE_MS;
		int n;

		if (now_ms >= r->deadline_ms)
			left_ms = 0;
		else if (r->deadline_ms - now_ms < left_ms)
			left_ms = r->deadline_ms - now_ms;
		n = poll(&p, 1, (int)left_ms);
		if (n > 0)
			return RC_OK;
		if (n == 0)
			errno = ETIMEDOUT;
		if (errno != EINTR)
			return RC_SYS;
	}
}

static enum rc send_all(const struct request *r, struct span b)
{
	while (b.n) {
		ssize_t n = send(r->fd, b.p, b.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN) {
			enum rc rc = wait_for(r, POLLOUT);

			if (rc)
				return rc;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EPIPE ? RC_CLOSED : RC_SYS;
		b = span_of(b.p + n, b.n - (size_t)n);
	}
	return RC_OK;
}

static enum rc receive(struct buf *reply, const struct request *r)
{
	while (!utext_is_whole(buf_span(reply))) {
		size_t room;
		uint8_t *at = buf_space(reply, READ_STEP, &room);
		enum rc rc;
		ssize_t n;

		if (room == 0)
			return RC_LIMIT;
		rc = wait_for(r, POLLIN);
		if (rc)
			return rc;
		n = recv(r->fd, at, room, 0);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
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
	struct request r = { .deadline_ms = clock_boot_ms() + REQUEST_MS };
	int error = 0;
	enum rc rc;

	buf_init(&reply, REPLY_MAX);
	rc = connect_to(&fd, at);
	r.fd = fd;
	if (!rc)
		rc = send_all(&r, request);
	if (!rc)
		rc = receive(&reply, &r);
	if (!rc)
		rc = utext_read(out, &error, buf_span(&reply), fn, arg);
	if (!rc && error) {
		errno = error;
		rc = RC_SYS;
	}
	return rc;
}
