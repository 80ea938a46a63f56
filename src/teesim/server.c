#include "teesim/server.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"
#include "io/sock.h"

enum {
	BACKLOG = 64,
	READ_STEP = 4096,
};

static void conn_free(void *arg)
{
	struct server_conn *c = arg;

	buf_wipe(&c->in);
	buf_fini(&c->out);
	mem_auto_free(&c);
}

static void unlink_conn(struct server *s, const struct server_conn *c)
{
	struct server_conn **at = &s->conns;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	s->conn_count--;
}

/* The one teardown.  The storage lives to the end of the turn. */
static void conn_close(struct server_conn *c)
{
	struct server *s = c->server;

	if (c->is_dead)
		return;
	c->is_dead = true;
	loop_watch_del(s->loop, &c->watch);
	loop_timer_disarm(s->loop, &c->deadline);
	close(c->fd);
	unlink_conn(s, c);
	if (s->kind->closed)
		s->kind->closed(c);
	if (s->is_open)
		loop_watch_set(s->loop, &s->watch, EPOLLIN);
	loop_defer(s->loop, conn_free, c);
}

static void conn_interest(struct server_conn *c)
{
	uint32_t events = EPOLLRDHUP;

	if (!c->is_held && !c->is_ending)
		events |= EPOLLIN;
	if (c->out.n)
		events |= EPOLLOUT;
	loop_watch_set(c->server->loop, &c->watch, events);
}

static void touch(struct server_conn *c)
{
	struct loop *l = c->server->loop;

	loop_timer_arm(l, &c->deadline,
		       loop_now_ms(l) + c->server->kind->idle_ms);
}

static void conn_flush(struct server_conn *c)
{
	while (c->out.n) {
		struct span b = buf_span(&c->out);
		ssize_t n = send(c->fd, b.p, b.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			conn_close(c);
			return;
		}
		buf_consume(&c->out, (size_t)n);
		touch(c);
	}
	if (c->is_ending && !c->out.n)
		conn_close(c);
	else
		conn_interest(c);
}

static void conn_read(struct server_conn *c)
{
	size_t room;
	uint8_t *at = buf_space(&c->in, READ_STEP, &room);
	ssize_t n;

	if (!room) { /* the owner takes whole requests; this is none */
		conn_close(c);
		return;
	}
	n = recv(c->fd, at, room, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_close(c);
		return;
	}
	buf_commit(&c->in, (size_t)n);
	touch(c);
	c->server->kind->input(c);
}

static void on_conn(void *arg, uint32_t events)
{
	struct server_conn *c = arg;

	if (events & (EPOLLHUP | EPOLLERR) ||
	    (events & EPOLLRDHUP && !(events & EPOLLIN))) {
		conn_close(c);
		return;
	}
	if (events & EPOLLOUT)
		conn_flush(c);
	if (events & EPOLLIN && !c->is_dead && !c->is_held && !c->is_ending)
		conn_read(c);
}

static void on_deadline(void *arg)
{
	conn_close(arg);
}

/* Root may speak for anybody; everyone else only for himself. */
static bool is_owner(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static void conn_new(struct server *s, int fd)
{
	struct server_conn *c = mem_new(sizeof(*c));

	*c = (struct server_conn){
		.server = s,
		.fd = fd,
		.deadline = { .fn = on_deadline, .arg = c },
	};
	buf_init(&c->in, s->kind->in_max);
	buf_init(&c->out, s->kind->out_max);
	if (loop_watch_add(s->loop, &c->watch, fd, EPOLLIN | EPOLLRDHUP,
			   on_conn, c)) {
		close(fd);
		conn_free(c);
		return;
	}
	c->next = s->conns;
	s->conns = c;
	s->conn_count++;
	touch(c);
}

static void on_listen(void *arg, uint32_t events)
{
	struct server *s = arg;
	struct sock_addr peer;
	enum rc rc;
	int fd;

	(void)events;
	while (s->conn_count < s->kind->conn_max) {
		rc = sock_accept(&fd, &peer, s->fd);
		if (rc == RC_SYS)
			pause_begin(&s->pause, s->loop, &s->watch);
		if (rc)
			return;
		if (s->kind->is_for_owner && !is_owner(fd))
			close(fd);
		else
			conn_new(s, fd);
	}
	loop_watch_set(s->loop, &s->watch, 0); /* until one closes */
}

static enum rc make_folder(const char *path)
{
	AUTO(mem_auto_free)
	char *folder = mem_dup(path);
	char *slash = strrchr(folder, '/');

	if (!slash || slash == folder)
		return RC_OK;
	*slash = '\0';
	return file_make_dirs(folder, 0755);
}

static enum rc listen_at(int *fd, const struct server *s)
{
	struct sock_addr at = { .un = { .sun_family = AF_UNIX } };
	enum rc rc = make_folder(s->path);

	if (rc)
		return rc;
	memcpy(at.un.sun_path, s->path, strlen(s->path) + 1);
	at.len = sizeof(at.un);
	return sock_listen(fd, &at, BACKLOG);
}

enum rc server_open(struct server *s, struct loop *loop, const char *path,
		    const struct server_kind *kind, void *arg)
{
	AUTO(mem_auto_close)
	int fd = -1;
	enum rc rc;

	*s = (struct server){
		.loop = loop,
		.kind = kind,
		.arg = arg,
		.fd = -1,
	};
	if (strlen(path) >= sizeof(s->path)) {
		errno = ENAMETOOLONG;
		return RC_SYS;
	}
	memcpy(s->path, path, strlen(path) + 1);
	rc = listen_at(&fd, s);
	if (!rc && chmod(path, kind->mode) != 0)
		rc = RC_SYS;
	if (!rc)
		rc = loop_watch_add(loop, &s->watch, fd, EPOLLIN, on_listen, s);
	if (rc)
		return rc;
	s->fd = fd;
	s->is_open = true;
	fd = -1;
	return RC_OK;
}

void server_close(struct server *s)
{
	if (!s->is_open)
		return;
	s->is_open = false;
	while (s->conns)
		conn_close(s->conns);
	pause_end(&s->pause);
	loop_watch_del(s->loop, &s->watch);
	close(s->fd);
	s->fd = -1;
	(void)unlink(s->path); /* a stale file is replaced at the next start */
}

void server_send(struct server_conn *c, struct span bytes)
{
	if (c->is_dead)
		return;
	if (!buf_add(&c->out, bytes))
		conn_close(c);
	else
		conn_flush(c);
}

void server_hold(struct server_conn *c, bool hold)
{
	c->is_held = hold;
	if (!c->is_dead)
		conn_interest(c);
}

void server_end(struct server_conn *c)
{
	c->is_ending = true;
	if (!c->is_dead)
		conn_flush(c);
}
