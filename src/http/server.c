#include "http/server.h"

#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/pause.h"
#include "io/sock.h"

enum {
	CONNECTIONS_MAX = 64,
	CONNECTION_MEMORY = 16 * 1024,
	IDLE_S = 10,
	LIFE_MS = 60 * 1000,
	BACKLOG = 64,
};

struct http_server {
	struct loop *loop;
	struct sock_addr at;
	bool is_owners_only, needs_host;
	uid_t also; /* may enter, too; root when nobody else may */
	int listen_fd;
	struct MHD_Daemon *daemon;
	struct loop_watch listen_watch, daemon_watch;
	struct pause pause; /* of accepting */
	struct loop_timer timer; /* when libmicrohttpd wants to run again */
	size_t connection_count, connections_max;
	struct http_exchange *waiting; /* answered later */
	http_handler_fn *fn;
	void *arg;
};

/* A connection, from its start to its end as libmicrohttpd tells them. */
struct connection {
	struct http_server *server;
	int fd;
	struct loop_timer deadline;
	struct http_exchange *waiting; /* its one that is answered later */
};

enum stage {
	STAGE_BODY, /* is coming in */
	STAGE_WAITING, /* for its answer; libmicrohttpd holds the connection */
	STAGE_ANSWERED, /* and not sent */
	STAGE_GONE,
};

/* A request. */
struct http_exchange {
	struct http_answer answer; /* first: answers lead back to here */
	struct http_server *server;
	struct MHD_Connection *mhd;
	enum stage stage;
	struct buf body;
	void (*gone)(void *arg);
	void *arg;
	struct http_exchange *next, **at; /* of those who wait */
};

static void run(struct http_server *s)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;

	/* Fails for a daemon with threads only. */
	(void)MHD_run(s->daemon);
	if (MHD_get_timeout(s->daemon, &wait_ms) == MHD_YES)
		loop_timer_arm(s->loop, &s->timer,
			       loop_now_ms(s->loop) + wait_ms);
	else
		loop_timer_disarm(s->loop, &s->timer);
}

static void on_timer(void *arg)
{
	run(arg);
}

static void on_daemon(void *arg, uint32_t events)
{
	(void)events;
	run(arg);
}

/* ---- answers that come later ---- */

static struct connection *connection_of(struct MHD_Connection *mhd)
{
	return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
		->socket_context;
}

/* libmicrohttpd asks for the answer in its next run. */
static void resume(struct http_exchange *x, enum stage stage)
{
	struct http_server *s = x->server;

	x->stage = stage;
	*x->at = x->next;
	if (x->next)
		x->next->at = x->at;
	connection_of(x->mhd)->waiting = NULL;
	MHD_resume_connection(x->mhd);
	loop_timer_arm(s->loop, &s->timer, loop_now_ms(s->loop));
}

static void give_up(struct http_exchange *x)
{
	x->gone(x->arg);
	resume(x, STAGE_GONE);
}

struct http_answer *http_answer_later(const struct http_request *r,
				      void (*gone)(void *arg), void *arg)
{
	struct http_exchange *x = r->exchange;
	struct http_server *s = x->server;

	x->answer = (struct http_answer){
		.status = 200,
		.content_type = "application/json",
	};
	buf_init(&x->answer.body, HTTP_ANSWER_MAX);
	x->gone = gone;
	x->arg = arg;
	x->stage = STAGE_WAITING;
	x->next = s->waiting;
	x->at = &s->waiting;
	if (x->next)
		x->next->at = &x->next;
	s->waiting = x;
	connection_of(x->mhd)->waiting = x;
	return &x->answer;
}

void http_answer_send(struct http_answer *later)
{
	resume((struct http_exchange *)later, STAGE_ANSWERED);
}

const char *http_request_field(const struct http_request *r, const char *name)
{
	return MHD_lookup_connection_value(r->exchange->mhd, MHD_HEADER_KIND,
					   name);
}

/* ---- connections ---- */

/* Its time is up: libmicrohttpd sees the end of the stream and closes it. */
static void on_deadline(void *arg)
{
	struct connection *c = arg;

	(void)shutdown(c->fd, SHUT_RDWR); /* it may have gone already */
	if (c->waiting)
		give_up(c->waiting);
}

/* Over the limit, clients wait in the backlog until another has gone. */
static void watch_listener(struct http_server *s)
{
	if (s->listen_watch.is_added && !pause_is_on(&s->pause))
		loop_watch_set(s->loop, &s->listen_watch,
			       s->connection_count < s->connections_max
				       ? EPOLLIN
				       : 0);
}

static void on_connection(void *arg, struct MHD_Connection *mhd,
			  void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct http_server *s = arg;
	struct connection *c = *context;

	switch (code) {
	case MHD_CONNECTION_NOTIFY_STARTED:
		c = mem_new(sizeof(*c));
		*c = (struct connection){
			.server = s,
			.fd = MHD_get_connection_info(
				      mhd, MHD_CONNECTION_INFO_CONNECTION_FD)
				      ->connect_fd,
			.deadline = { .fn = on_deadline, .arg = c },
		};
		*context = c;
		s->connection_count++;
		loop_timer_arm(s->loop, &c->deadline,
			       loop_now_ms(s->loop) + LIFE_MS);
		break;
	case MHD_CONNECTION_NOTIFY_CLOSED:
		loop_timer_disarm(s->loop, &c->deadline);
		free(c);
		*context = NULL;
		s->connection_count--;
		watch_listener(s);
		break;
	}
}

static void on_completed(void *arg, struct MHD_Connection *mhd, void **context,
			 enum MHD_RequestTerminationCode code)
{
	struct http_exchange *x = *context;

	(void)arg;
	(void)mhd;
	(void)code;
	if (x) {
		buf_wipe(&x->body);
		buf_wipe(&x->answer.body);
		shared_unref(x->answer.shared);
	}
	free(x);
	*context = NULL;
}

static void give_back(void *shared)
{
	shared_unref(shared);
}

/* Of the body that the answer has, or shares: no copy is made for a reader,
 * however slow, and what was sent is erased. */
static struct MHD_Response *response_of(struct http_answer *a)
{
	struct MHD_Response *r;
	struct span body;

	if (!a->shared)
		a->shared = shared_of(&a->body);
	body = shared_span(a->shared);
	/* Its parameter is not const for those who hand over. */
	r = MHD_create_response_from_buffer_with_free_callback_cls(
		body.n, (void *)(uintptr_t)body.p, give_back, a->shared);
	if (r)
		(void)shared_ref(a->shared);
	return r;
}

static enum MHD_Result send_answer(struct MHD_Connection *mhd,
				   struct http_answer *a)
{
	static const struct {
		const char *name, *value;
	} headers[] = {
		{ "Cache-Control", "no-store" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "Content-Security-Policy",
		  "default-src 'none'; style-src 'unsafe-inline'; "
		  "base-uri 'none'; form-action 'none'; "
		  "frame-ancestors 'none'" },
		{ "Referrer-Policy", "no-referrer" },
	};
	struct MHD_Response *r = response_of(a);
	char seconds[16];
	enum MHD_Result result;

	if (!r)
		return MHD_NO;
	result = MHD_add_response_header(r, "Content-Type", a->content_type);
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++)
		if (result == MHD_YES)
			result = MHD_add_response_header(r, headers[i].name,
							 headers[i].value);
	(void)snprintf(seconds, sizeof(seconds), "%u", a->retry_after_s);
	if (result == MHD_YES && a->retry_after_s)
		result = MHD_add_response_header(r, "Retry-After", seconds);
	if (result == MHD_YES)
		result = MHD_queue_response(mhd, a->status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result send_error(struct MHD_Connection *mhd, unsigned status,
				  const char *json)
{
	struct http_answer a = {
		.status = status,
		.content_type = "application/json",
	};
	enum MHD_Result result;

	buf_init(&a.body, HTTP_ANSWER_MAX);
	if (!buf_add(&a.body, span_str(json)))
		return MHD_NO;
	result = send_answer(mhd, &a);
	buf_fini(&a.body);
	shared_unref(a.shared);
	return result;
}

/* A length that is known beforehand to be too much. */
static bool is_too_long(struct MHD_Connection *mhd)
{
	const char *length = MHD_lookup_connection_value(
		mhd, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	uint64_t n;

	return length && !text_u64(&n, span_str(length), HTTP_BODY_MAX);
}

/* The path of "http://host/path", which servers must take (RFC 9112 §3.2.2). */
static const char *origin_form(const char *target)
{
	static const char scheme[] = "http://";
	size_t n = sizeof(scheme) - 1;

	if (strncmp(target, scheme, n) != 0)
		return target;
	target = strchr(target + n, '/');
	return target ? target : "/";
}

static bool is_plain_path(const char *path)
{
	if (path[0] != '/')
		return false;
	for (const char *c = path; *c; c++)
		if (*c <= ' ' || *c > '~')
			return false;
	return true;
}

static enum MHD_Result begin(struct http_server *s, struct MHD_Connection *mhd,
			     const char *path, void **context)
{
	struct http_exchange *x;

	if (!is_plain_path(origin_form(path)))
		return send_error(mhd, 400, "{\"error\":\"bad_path\"}\n");
	if (is_too_long(mhd))
		return send_error(mhd, 413, "{\"error\":\"too_large\"}\n");
	x = mem_new(sizeof(*x));
	x->server = s;
	x->mhd = mhd;
	buf_init(&x->body, HTTP_BODY_MAX);
	*context = x;
	return MHD_YES;
}

static enum MHD_Result answer(struct http_exchange *x, const char *method,
			      const char *path)
{
	const struct http_request request = {
		.method = strcmp(method, "HEAD") == 0 ? "GET" : method,
		.path = origin_form(path),
		.body = buf_span(&x->body),
		.exchange = x,
	};
	struct http_answer a = {
		.status = 200,
		.content_type = "application/json",
	};
	enum MHD_Result result;

	buf_init(&a.body, HTTP_ANSWER_MAX);
	x->server->fn(x->server->arg, &request, &a);
	if (x->stage == STAGE_WAITING) {
		MHD_suspend_connection(x->mhd);
		result = MHD_YES;
	} else {
		result = send_answer(x->mhd, &a);
	}
	buf_wipe(&a.body);
	shared_unref(a.shared);
	return result;
}

/* Called for a request's head, then for each piece of its body, then once with
 * no piece; and once more when it was resumed. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *mhd,
				  const char *path, const char *method,
				  const char *version, const char *piece,
				  size_t *piece_len, void **context)
{
	struct http_exchange *x = *context;

	(void)version;
	if (!x)
		return begin(arg, mhd, path, context);
	if (*piece_len) {
		/* Without a length beforehand: all there is to do is close. */
		if (!buf_add(&x->body, span_of(piece, *piece_len)))
			return MHD_NO;
		*piece_len = 0;
		return MHD_YES;
	}
	switch (x->stage) {
	case STAGE_BODY:
		return answer(x, method, path);
	case STAGE_ANSWERED:
		return send_answer(mhd, &x->answer);
	case STAGE_WAITING:
	case STAGE_GONE:
		break;
	}
	return MHD_NO;
}

/* Paths are compared as sent; an escaped byte is no other byte's name here. */
static size_t keep_escapes(void *arg, struct MHD_Connection *mhd, char *text)
{
	(void)arg;
	(void)mhd;
	return strlen(text);
}

static bool is_allowed(const struct http_server *s, int fd)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);

	if (!s->is_owners_only)
		return true;
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid() ||
		peer.uid == s->also);
}

static void on_listen(void *arg, uint32_t events)
{
	struct http_server *s = arg;
	struct sock_addr peer;
	enum rc rc = RC_OK;
	int fd;

	(void)events;
	while (s->connection_count < s->connections_max) {
		rc = sock_accept(&fd, &peer, s->listen_fd);
		if (rc)
			break;
		/* A connection it cannot take, libmicrohttpd closes. */
		if (!is_allowed(s, fd))
			close(fd);
		else
			(void)MHD_add_connection(s->daemon, fd, &peer.sa,
						 peer.len);
	}
	if (rc == RC_SYS)
		pause_begin(&s->pause, s->loop, &s->listen_watch);
	watch_listener(s);
	run(s);
}

static enum rc start_daemon(struct http_server *s)
{
	s->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
			MHD_ALLOW_SUSPEND_RESUME,
		0, NULL, NULL,
		on_request, s,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX + 1,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
		MHD_OPTION_STRICT_FOR_CLIENT, s->needs_host ? 1 : 0,
		MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
		MHD_OPTION_END);
	return s->daemon ? RC_OK : RC_SYS;
}

static enum rc watch(struct http_server *s)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	enum rc rc;

	if (!info)
		return RC_SYS;
	rc = loop_watch_add(s->loop, &s->daemon_watch, info->epoll_fd, EPOLLIN,
			    on_daemon, s);
	if (rc)
		return rc;
	return loop_watch_add(s->loop, &s->listen_watch, s->listen_fd, EPOLLIN,
			      on_listen, s);
}

static bool set_address(struct sock_addr *out, const char *path)
{
	char text[sizeof("unix:") + sizeof(out->un.sun_path)];
	int n = snprintf(text, sizeof(text), "unix:%s", path);

	return n > 0 && (size_t)n < sizeof(text) &&
	       sock_addr_parse(out, span_of(text, (size_t)n));
}

/* Takes what is filled in of s; frees it where it fails. */
static enum rc start(struct http_server **out, struct http_server *s,
		     const char *path, mode_t mode)
{
	enum rc rc = RC_SYS;

	s->is_owners_only = (mode & 077) == 0;
	s->listen_fd = -1;
	s->connections_max = CONNECTIONS_MAX;
	s->timer = (struct loop_timer){ .fn = on_timer, .arg = s };
	errno = ENAMETOOLONG;
	if (set_address(&s->at, path))
		rc = sock_listen(&s->listen_fd, &s->at, BACKLOG);
	if (!rc && chmod(path, mode) != 0)
		rc = RC_SYS;
	if (!rc)
		rc = start_daemon(s);
	if (!rc)
		rc = watch(s);
	if (rc) {
		int error = errno;

		http_server_free(s);
		errno = error;
		return rc;
	}
	*out = s;
	return RC_OK;
}

enum rc http_server_new(struct http_server **out, struct loop *loop,
			const char *path, mode_t mode, http_handler_fn *fn,
			void *arg)
{
	struct http_server *s = mem_new(sizeof(*s));

	*s = (struct http_server){
		.loop = loop,
		.fn = fn,
		.arg = arg,
		.needs_host = true,
	};
	return start(out, s, path, mode);
}

enum rc http_server_new_hostless(struct http_server **out, struct loop *loop,
				 const char *path, mode_t mode,
				 http_handler_fn *fn, void *arg)
{
	struct http_server *s = mem_new(sizeof(*s));

	*s = (struct http_server){ .loop = loop, .fn = fn, .arg = arg };
	return start(out, s, path, mode);
}

enum rc http_server_admit(struct http_server *s, uid_t uid)
{
	/* The file's mode has no place for one more user: it lets everyone
	 * knock, and the credentials decide. */
	if (chmod(s->at.un.sun_path, 0666) != 0)
		return RC_SYS;
	s->also = uid;
	return RC_OK;
}

enum rc http_server_limit(struct http_server *s, size_t count)
{
	s->connections_max = count;
	/* Again, for a longer backlog. */
	return listen(s->listen_fd, (int)count) == 0 ? RC_OK : RC_SYS;
}

void http_server_free(struct http_server *s)
{
	if (!s)
		return;
	while (s->waiting)
		give_up(s->waiting);
	pause_end(&s->pause);
	loop_watch_del(s->loop, &s->listen_watch);
	loop_watch_del(s->loop, &s->daemon_watch);
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	loop_timer_disarm(s->loop, &s->timer);
	if (s->listen_fd >= 0) {
		(void)unlink(s->at.un.sun_path); /* it may be gone */
		close(s->listen_fd);
	}
	free(s);
}
