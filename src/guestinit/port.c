#include "guestinit/port.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "guestinit/kernel.h"
#include "guestinit/manage.h"

enum {
	PORT_WAIT_MS = 500,
	HOST_MS = 250, /* between two looks for a host that is away */
};

void port_open(struct port *p, const char *name)
{
	char path[KERNEL_PATH_MAX];

	*p = (struct port){ .fd = -1 };
	buf_init(&p->out, PORT_OUT_MAX);
	buf_init(&p->in, MANAGE_LINE_MAX);
	if (kernel_port(path, name, PORT_WAIT_MS) == RC_OK)
		p->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
}

void port_flush(struct port *p)
{
	while (p->out.n) {
		struct span all = buf_span(&p->out);
		ssize_t n = p->fd < 0 ? (ssize_t)all.n
				      : write(p->fd, all.p, all.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		buf_consume(&p->out, (size_t)n);
	}
}

void port_drain(struct port *p, unsigned wait_ms)
{
	struct pollfd ready = { .fd = p->fd, .events = POLLOUT };

	port_flush(p);
	while (p->out.n && poll(&ready, 1, (int)wait_ms) == 1 &&
	       !(ready.revents & POLLHUP))
		port_flush(p);
}

/* Each whole line; one that is too long is passed over to its end. */
static void take_lines(struct port *p)
{
	struct span rest = buf_span(&p->in);
	size_t taken = 0;

	for (;;) {
		const uint8_t *end = rest.n ? memchr(rest.p, '\n', rest.n)
					    : NULL;
		struct span line;

		if (!end)
			break;
		if (!rd_n(&rest, &line, (size_t)(end - rest.p)) ||
		    !rd_skip(&rest, 1))
			break;
		taken += line.n + 1;
		if (!p->is_skipping)
			p->fn(p->arg, line);
		p->is_skipping = false;
	}
	buf_consume(&p->in, taken);
	if (buf_room(&p->in))
		return;
	p->is_skipping = true;
	buf_reset(&p->in);
}

/* False: the host is away, or there is nothing more. */
static bool take_bytes(struct port *p)
{
	size_t room;
	uint8_t *to = buf_space(&p->in, 1, &room);
	ssize_t n = to ? read(p->fd, to, room) : -1;

	if (n <= 0)
		return false;
	buf_commit(&p->in, (size_t)n);
	take_lines(p);
	return true;
}

/* A port whose host is away is always "hung up": it is looked at now and then
 * instead of being watched. */
static void on_ready(void *arg, uint32_t events)
{
	struct port *p = arg;

	while ((events & EPOLLIN) && take_bytes(p))
		;
	port_flush(p);
	if (events & (EPOLLHUP | EPOLLERR)) {
		loop_watch_del(p->loop, &p->watch);
		loop_timer_arm(p->loop, &p->again,
			       loop_now_ms(p->loop) + HOST_MS);
	}
}

static void on_again(void *arg)
{
	struct port *p = arg;

	if (loop_watch_add(p->loop, &p->watch, p->fd, EPOLLIN, on_ready, p))
		loop_timer_arm(p->loop, &p->again,
			       loop_now_ms(p->loop) + HOST_MS);
	port_flush(p);
}

void port_watch(struct port *p, struct loop *loop, port_line_fn *fn, void *arg)
{
	p->loop = loop;
	p->fn = fn;
	p->arg = arg;
	p->again = (struct loop_timer){ .fn = on_again, .arg = p };
	if (p->fd >= 0)
		on_again(p);
}
