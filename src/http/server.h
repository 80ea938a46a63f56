/*
 * server: a small HTTP/1.1 server on a unix socket, for the admin API, the
 * guest API and the status page.  Its handler runs in the loop's thread, and
 * answers at once or later.
 *
 * Answers may be looked at in a browser: they forbid it to run or load anything
 * but a style in the page itself, to be framed, and to send anything anywhere.
 *
 * libmicrohttpd reads and writes HTTP; its epoll descriptor is watched by our
 * loop, so that it needs no thread.  A connection lives a minute at most,
 * whatever its client does; 64 are open at once (http_server_limit) and others
 * wait; a request's body is at most 64 KiB and its head 16 KiB.
 */
#ifndef POSTERN_HTTP_SERVER_H
#define POSTERN_HTTP_SERVER_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/rc.h"
#include "base/shared.h"
#include "io/loop.h"

enum {
	HTTP_BODY_MAX = 64 * 1024,
	/* the metrics of 65,536 tunnels, whatever they count */
	HTTP_ANSWER_MAX = 32 * 1024 * 1024,
	HTTP_CONNECTIONS_MAX = 4096, /* that a server can be told to take */
};

struct http_exchange;

/* Borrowed for the handler's call. */
struct http_request {
	const char *method; /* "GET" also for HEAD, which gets no body */
	/* As sent, not unescaped: it begins with '/', printable ASCII, without
	 * the query. */
	const char *path;
	struct span body;
	struct http_exchange *exchange; /* for the two functions below */
};

/* Filled by the handler. */
struct http_answer {
	unsigned status; /* 200 at first */
	const char *content_type; /* "application/json" at first; static */
	unsigned retry_after_s; /* a header of it; 0, at first: none */
	struct buf body; /* empty at first; at most HTTP_ANSWER_MAX */
	/* NULL at first.  Otherwise sent in the place of 'body', without a copy
	 * of its own: a reference that the answer takes. */
	struct shared *shared;
};

typedef void http_handler_fn(void *arg, const struct http_request *request,
			     struct http_answer *answer);

/* The first field of that name, in any case; NULL: none.  Borrowed for the
 * handler's call. */
const char *http_request_field(const struct http_request *r, const char *name);

/*
 * In the handler: the answer comes later.  What the handler puts in its own
 * then counts for nothing; the one returned is for the caller to fill, and
 * http_answer_send() in the loop's thread, at any time after the handler, sends
 * it and ends it.
 *
 * Where the connection's minute is over before that, or the server is freed,
 * gone(arg) is called instead, and the answer is dead after it.  That a client
 * has hung up is seen no sooner.
 */
struct http_answer *http_answer_later(const struct http_request *r,
				      void (*gone)(void *arg), void *arg);
void http_answer_send(struct http_answer *later);

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
/* The same for clients that say no Host, which means nothing on a socket of
 * files: dstack's Rust SDK. */
enum rc http_server_new_hostless(struct http_server **out, struct loop *loop,
				 const char *path, mode_t mode,
				 http_handler_fn *fn, void *arg);
/* Of a server for its owner only: lets one more user in.  RC_SYS with errno. */
enum rc http_server_admit(struct http_server *s, uid_t uid);
/* Before connections come: so many are open at once, and wait to be; at most
 * HTTP_CONNECTIONS_MAX.  Descriptors are for the caller to have.  RC_SYS with
 * errno. */
enum rc http_server_limit(struct http_server *s, size_t count);
/* Closes every connection and removes the socket's file. */
void http_server_free(struct http_server *s);

#endif
