#include "guestinit/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "guestinit/kernel.h"
#include "quoting/simproto.h"

enum {
	PORT_WAIT_MS = 10000,
	ANSWER_MS = 12000, /* to take a request, and to answer: together less
			    * than the module waits */
	AWAY_MS = 100,
	FRAME_MAX = SIMPROTO_HEADER_LEN + SIMPROTO_REPLY_MAX,
};

/* A port whose host is away is never ready to write, only hung up. */
static bool wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };
	const struct timespec pause = { .tv_nsec = AWAY_MS * 1'000'000L };

	for (unsigned waited = 0; waited < ANSWER_MS; waited += AWAY_MS) {
		p.revents = 0;
		if (poll(&p, 1, AWAY_MS) == 1 && (p.revents & events))
			return true;
		if (p.revents & POLLHUP)
			(void)nanosleep(&pause, NULL);
	}
	return false;
}

static bool write_all(int fd, struct span bytes)
{
	while (bytes.n) {
		ssize_t n = wait_for(fd, POLLOUT) ? write(fd, bytes.p, bytes.n)
						  : -1;

		if (n < 0 && errno == EAGAIN)
			continue;
		if (n <= 0 || !rd_skip(&bytes, (size_t)n))
			return false;
	}
	return true;
}

/* What answers a request that nobody waits for any more. */
static void drop_rest(int fd)
{
	uint8_t rest[4096];

	while (read(fd, rest, sizeof(rest)) > 0)
		;
}

/* One whole frame; false: the platform is away, silent or makes no sense. */
static bool read_frame(int fd, struct buf *out)
{
	struct span content;
	size_t whole = 0, room;

	buf_reset(out);
	for (;;) {
		uint8_t *p;
		ssize_t n;

		switch (simproto_frame(&content, &whole, buf_span(out),
				       SIMPROTO_REPLY_MAX)) {
		case SIMPROTO_FRAME:
			return whole == out->n;
		case SIMPROTO_TOO_LONG:
			return false;
		case SIMPROTO_MORE:
			break;
		}
		p = buf_space(out, 1, &room);
		n = p && wait_for(fd, POLLIN) ? read(fd, p, room) : -1;
		if (n <= 0)
			return false;
		buf_commit(out, (size_t)n);
	}
}

static int open_port(void)
{
	char path[KERNEL_PATH_MAX];

	if (kernel_port(path, "org.postern.platform", PORT_WAIT_MS))
		return -1;
	return open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
}

/* What the module gets in any case. */
static void answer(int device, struct span frame)
{
	uint8_t failed[SIMPROTO_HEADER_LEN + 1];
	struct wr w = WR_ARRAY(failed);

	if (!frame.n) {
		simproto_reply_write(&w, SIMPROTO_FAILED, (struct span){ 0 });
		frame = wr_span(&w);
	}
	/* ESTALE: who asked has given up. */
	(void)!write(device, frame.p, frame.n);
}

int relay_run(const struct log *log)
{
	AUTO(mem_auto_close)
	int device = open("/dev/tsm_sim", O_RDWR | O_CLOEXEC);
	AUTO(buf_fini)
	struct buf frame = { 0 };
	uint8_t request[SIMPROTO_HEADER_LEN + SIMPROTO_REQUEST_MAX];
	int port = -1;

	buf_init(&frame, FRAME_MAX);
	if (device < 0) {
		log_event(log, LOG_ERROR, "relay_failed",
			  LERRNO("why", errno));
		return 1;
	}
	for (;;) {
		ssize_t n = read(device, request, sizeof(request));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 1;
		if (port < 0)
			port = open_port();
		if (port >= 0)
			drop_rest(port);
		if (port >= 0 &&
		    write_all(port, span_of(request, (size_t)n)) &&
		    read_frame(port, &frame)) {
			answer(device, buf_span(&frame));
			continue;
		}
		log_event(log, LOG_WARN, "platform_away");
		answer(device, (struct span){ 0 });
		if (port >= 0)
			close(port);
		port = -1;
	}
}
