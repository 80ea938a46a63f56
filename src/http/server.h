/*
 * server: a small HTTP/1.1 server on a unix socket, for the admin API, the
 * guest API and the status page.  Its handler runs in the loop's thread.
 *
 * Answers may be looked at in a browser: they forbid it to run or load anything
 * but a style in the page itself, to be framed, and to send anything anywhere.
 *
 * libmicrohttpd reads and writes HTTP; its epoll descriptor is watched by our
 * loop, so that it needs no thread.  A connection lives a minute at most,
 * whatever its client does; 64 are open at once and others wait; a request's
 * body is at most 64 KiB and its head 16 KiB.
 */
#ifndef POSTERN_HTTP_SERVER_H
#define POSTERN_HTTP_SERVER_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/rc.h"
#include "io/loop.h"

enum {
	HTTP_BODY_MAX = 64 * 1024,
	/* the metrics of 65,536 tunnels, whatever they count */
	HTTP_ANSWER_MAX = 32 * 1024 * 1024,
};

/* Borrowed for the handler's call. */
struct http_request {
	const char *method; /* "GET" also for HEAD, which gets no body */
	/* As sent, not unescaped: it begins with '/', printable ASCII, without
	 * the query. */
	const char *path;
	struct span body;
};

/* Filled by the handler. */
struct http_answer {
	unsigned status; /* 200 at first */
	const char *content_type; /* "application/json" at first; static */
	struct buf body; /* empty at first; at most HTTP_ANSWER_MAX */
};

typedef void http_handler_fn(void *arg, const struct http_request *request,
			     struct http_answer *answer);

struct http_server;

/*
 * Listens at 'path', whose file gets 'mode'; a stale file is replaced.  When
 * mode gives nothing to group and others, a process of another user, root
 * excepted, is also refused by its credentials (SO_PEERCRED).
 *
 * RC_SYS with errno.  Returns owned: http_server_free(), outside the handler
 * and before the loop is freed.
 */
enum rc http_server_new(struct http_server **out, struct loop *loop,
			const char *path, mode_t mode, http_handler_fn *fn,
			void *arg);
/* Of a server for its owner only: lets one more user in.  RC_SYS with errno. */
enum rc http_server_admit(struct http_server *s, uid_t uid);
/* Closes every connection and removes the socket's file. */
void http_server_free(struct http_server *s);

#endif
