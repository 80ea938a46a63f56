#include "wgd/uapid.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"
#include "io/pause.h"
#include "io/sock.h"
#include "wireguard/uapi.h"

enum {
	BACKLOG = 16,
	CHUNK = 16384,
};

static const char folder[] = "/var/run/wireguard";

struct client {
	struct uapid *uapid;
	int fd; /* -1: free */
	struct loop_watch watch;
	struct buf in, out;
};

struct uapid {
	struct loop *loop;
	struct uapid_events events;
	struct sock_addr at;
	ino_t inode; /* of our socket: another one in its place is not ours */
	int listen_fd, notify_fd;
	struct loop_watch listen_watch, notify_watch;
	struct pause pause; /* of accepting */
	struct client clients[UAPID_CLIENTS_MAX];
};

static void client_close(struct client *c)
{
	if (c->fd < 0)
		return;
	loop_watch_del(c->uapid->loop, &c->watch);
	(void)close(c->fd); /* both ends are done with it */
	c->fd = -1;
	/* Requests and answers hold keys. */
	buf_wipe(&c->in);
	buf_wipe(&c->out);
}

/* Writes what is pending; false when the client is to be closed. */
static bool client_write(struct client *c)
{
	struct span b = buf_span(&c->out);

	while (b.n) {
		ssize_t n = send(c->fd, b.p, b.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			return false;
		buf_consume(&c->out, (size_t)n);
		b = buf_span(&c->out);
	}
	if (!b.n)
		buf_wipe(&c->out);
	loop_watch_set(c->uapid->loop, &c->watch, b.n ? EPOLLOUT : EPOLLIN);
	return true;
}

static bool client_answer(struct client *c)
{
	struct uapid *u = c->uapid;
	size_t n;

	while ((n = uapi_request_len(buf_span(&c->in)))) {
		struct span request = span_of(buf_span(&c->in).p, n);

		buf_init(&c->out, UAPI_ANSWER_MAX);
		if (!u->events.request(u->events.arg, &c->out, request) ||
		    !client_write(c))
			return false;
		buf_consume(&c->in, n);
		/* One answer at a time: the rest waits until it is read. */
		if (buf_span(&c->out).n)
			return true;
	}
	if (!buf_span(&c->in).n) {
		buf_wipe(&c->in);
		buf_init(&c->in, UAPI_REQUEST_MAX);
	}
	return true;
}

/* Whether a request ends in the last 'fresh' bytes.  In those before none does,
 * or it would have been answered: a long request is not searched anew with each
 * part of it that comes. */
static bool has_end(struct span received, size_t fresh)
{
	size_t from = received.n - fresh;

	if (from)
		from--;
	return received.p[0] == '\n' ||
	       memmem(received.p + from, received.n - from, "\n\n", 2);
}

/* False at the end of the stream, an error, or a request over the bound. */
static bool client_read(struct client *c)
{
	size_t room;
	uint8_t *at = buf_space(&c->in, CHUNK, &room);
	ssize_t n;

	if (!room)
		return false;
	n = read(c->fd, at, room);
	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0)
		return false;
	buf_commit(&c->in, (size_t)n);
	return !has_end(buf_span(&c->in), (size_t)n) || client_answer(c);
}

static void on_client(void *arg, uint32_t events)
{
	struct client *c = arg;
	bool ok = true;

	if (events & EPOLLOUT)
		ok = client_write(c) &&
		     (buf_span(&c->out).n || client_answer(c));
	else if (events & EPOLLIN)
		ok = client_read(c);
	else
		ok = false;
	if (!ok)
		client_close(c);
}

static void client_start(struct uapid *u, int fd)
{
	for (size_t i = 0; i < UAPID_CLIENTS_MAX; i++) {
		struct client *c = &u->clients[i];

		if (c->fd >= 0)
			continue;
		if (loop_watch_add(u->loop, &c->watch, fd, EPOLLIN, on_client,
				   c))
			break;
		c->fd = fd;
		buf_init(&c->in, UAPI_REQUEST_MAX);
		return;
	}
	(void)close(fd); /* too many at once */
}

static void on_connection(void *arg, uint32_t events)
{
	struct uapid *u = arg;
	struct sock_addr peer;
	enum rc rc;
	int fd;

	(void)events;
	while ((rc = sock_accept(&fd, &peer, u->listen_fd)) == RC_OK)
		client_start(u, fd);
	if (rc == RC_SYS)
		pause_begin(&u->pause, u->loop, &u->listen_watch);
}

static bool is_ours(const struct uapid *u)
{
	struct stat st;

	return lstat(u->at.un.sun_path, &st) == 0 && st.st_ino == u->inode;
}

static void on_folder(void *arg, uint32_t events)
{
	struct uapid *u = arg;
	uint8_t notices[4096];

	(void)events;
	while (read(u->notify_fd, notices, sizeof(notices)) > 0)
		;
	if (!is_ours(u))
		u->events.gone(u->events.arg);
}

static enum rc listen_private(struct uapid *u)
{
	mode_t old = umask(0177);
	enum rc rc = sock_listen(&u->listen_fd, &u->at, BACKLOG);
	struct stat st;

	umask(old);
	if (rc)
		return rc;
	if (lstat(u->at.un.sun_path, &st) != 0)
		return RC_SYS;
	u->inode = st.st_ino;
	return loop_watch_add(u->loop, &u->listen_watch, u->listen_fd, EPOLLIN,
			      on_connection, u);
}

static enum rc watch_folder(struct uapid *u)
{
	u->notify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (u->notify_fd < 0 ||
	    inotify_add_watch(u->notify_fd, folder,
			      IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF) < 0)
		return RC_SYS;
	return loop_watch_add(u->loop, &u->notify_watch, u->notify_fd, EPOLLIN,
			      on_folder, u);
}

static bool set_path(struct sock_addr *out, const char *interface)
{
	int n = snprintf(out->un.sun_path, sizeof(out->un.sun_path),
			 "%s/%s.sock", folder, interface);

	out->un.sun_family = AF_UNIX;
	out->len = sizeof(out->un);
	return n > 0 && (size_t)n < sizeof(out->un.sun_path);
}

static enum rc start(struct uapid *u, const char *interface)
{
	enum rc rc = RC_SYS;

	if (!set_path(&u->at, interface))
		errno = ENAMETOOLONG;
	else
		rc = file_make_dirs(folder, 0755);
	if (!rc)
		rc = listen_private(u);
	return rc ? rc : watch_folder(u);
}

enum rc uapid_new(struct uapid **out, struct loop *loop, const char *interface,
		  const struct uapid_events *events)
{
	struct uapid *u = mem_new(sizeof(*u));
	enum rc rc;

	u->loop = loop;
	u->events = *events;
	u->listen_fd = u->notify_fd = -1;
	for (size_t i = 0; i < UAPID_CLIENTS_MAX; i++)
		u->clients[i] = (struct client){ .uapid = u, .fd = -1 };
	rc = start(u, interface);
	if (rc) {
		uapid_free(u);
		return rc;
	}
	*out = u;
	return RC_OK;
}

void uapid_free(struct uapid *u)
{
	int error = errno;

	if (!u)
		return;
	for (size_t i = 0; i < UAPID_CLIENTS_MAX; i++)
		client_close(&u->clients[i]);
	pause_end(&u->pause);
	loop_watch_del(u->loop, &u->listen_watch);
	loop_watch_del(u->loop, &u->notify_watch);
	if (u->inode && is_ours(u))
		(void)unlink(u->at.un.sun_path); /* a stale one is replaced */
	mem_auto_close(&u->listen_fd);
	mem_auto_close(&u->notify_fd);
	free(u);
	errno = error;
}
