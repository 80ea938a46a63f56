#include "io/passfd.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

enum rc passfd_pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0
		       ? RC_OK
		       : RC_SYS;
}

static enum rc wait_for(int sock, short events, int timeout_ms)
{
	struct pollfd p = { .fd = sock, .events = events };
	int n;

	do {
		n = poll(&p, 1, timeout_ms);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return RC_SYS;
	return n == 0 ? RC_LIMIT : RC_OK;
}

/* The longest control message, aligned as one must be. */
union control {
	struct cmsghdr head;
	uint8_t bytes[CMSG_SPACE(sizeof(int) * PASSFD_COUNT_MAX)];
};

static void add_fds(struct msghdr *m, union control *c, const int *fds,
		    size_t count)
{
	size_t n = sizeof(int) * count;

	m->msg_control = c->bytes;
	m->msg_controllen = CMSG_SPACE(n);
	c->head = (struct cmsghdr){ .cmsg_level = SOL_SOCKET,
				    .cmsg_type = SCM_RIGHTS,
				    .cmsg_len = CMSG_LEN(n) };
	memcpy(CMSG_DATA(&c->head), fds, n);
}

enum rc passfd_send(int sock, struct span message, const int *fds,
		    size_t count, int timeout_ms)
{
	union control control = { 0 };
	struct iovec part = { .iov_base = (void *)(uintptr_t)message.p,
			      .iov_len = message.n };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t n;
	enum rc rc;

	if (message.n == 0 || message.n > PASSFD_BYTES_MAX ||
	    count > PASSFD_COUNT_MAX)
		return RC_LIMIT;
	if (count)
		add_fds(&m, &control, fds, count);
	rc = wait_for(sock, POLLOUT, timeout_ms);
	if (rc)
		return rc;
	do {
		n = sendmsg(sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return RC_OK;
	if (errno == EPIPE || errno == ECONNRESET)
		return RC_CLOSED;
	return errno == EAGAIN ? RC_LIMIT : RC_SYS;
}

void passfd_fini(struct passfd *m)
{
	size_t i;

	for (i = 0; i < m->count; i++)
		mem_auto_close(&m->fds[i]);
	m->count = 0;
}

static void take_fds(struct passfd *out, struct msghdr *m)
{
	struct cmsghdr *c;
	size_t n;

	for (c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		/* The kernel makes one of them, as large as our buffer. */
		memcpy(out->fds, CMSG_DATA(c), n * sizeof(int));
		out->count = n;
	}
}

enum rc passfd_recv(int sock, struct passfd *out, int timeout_ms)
{
	union control control = { 0 };
	struct iovec part = { .iov_base = out->bytes,
			      .iov_len = sizeof(out->bytes) };
	struct msghdr m = { .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof(control.bytes) };
	ssize_t n;
	enum rc rc;

	out->n = out->count = 0;
	rc = wait_for(sock, POLLIN, timeout_ms);
	if (rc)
		return rc;
	do {
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return RC_LIMIT;
	if (n < 0)
		return errno == ECONNRESET ? RC_CLOSED : RC_SYS;
	take_fds(out, &m);
	if (n == 0) {
		passfd_fini(out);
		return RC_CLOSED;
	}
	if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		passfd_fini(out);
		return RC_MALFORMED;
	}
	out->n = (size_t)n;
	return RC_OK;
}
