/*
 * hello: the smallest app worth reaching: says over HTTP what it saw.
 *
 * GET / shows a page to a browser and JSON to everybody else: method, path,
 * headers, and how many requests carried each value of the header X-Marker.
 * Runs as the only process of its container, statically linked.
 */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum {
	PORT = 80,
	REQUEST_MAX = 16 * 1024,
	ANSWER_MAX = 128 * 1024, /* headers escaped sixfold, and the page */
	MARKERS_MAX = 64,
	MARKER_MAX = 128,
	CONNECTIONS_MAX = 64,
	IDLE_S = 10,
};

struct markers {
	pthread_mutex_t lock;
	struct {
		char value[MARKER_MAX];
		unsigned seen;
	} rows[MARKERS_MAX];
	unsigned requests, connections;
};

struct visit {
	struct markers *markers;
	int fd;
};

struct request {
	char *method, *path, *headers; /* parts of the bytes received */
	size_t length; /* of the whole, with its body */
	bool wants_page, wants_close;
	char marker[MARKER_MAX];
};

struct text {
	char *p;
	size_t n;
};

static void add(struct text *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void add(struct text *t, const char *format, ...)
{
	size_t room = ANSWER_MAX - t->n;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->p + t->n, room, format, args);
	va_end(args);
	if (n > 0)
		t->n += (size_t)n < room ? (size_t)n : room - 1;
}

/* For HTML and for JSON strings alike: what either could misread is hidden. */
static void add_safe(struct text *t, const char *s, size_t n, bool is_json)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c < 0x20 || c > 0x7e)
			add(t, is_json ? "\\u%04x" : "&#%u;", c);
		else if (is_json && (c == '"' || c == '\\'))
			add(t, "\\%c", c);
		else if (!is_json && strchr("<>&\"'", c))
			add(t, "&#%u;", c);
		else
			add(t, "%c", c);
	}
}

static unsigned count(struct markers *m, const char *marker)
{
	unsigned seen = 0;

	pthread_mutex_lock(&m->lock);
	m->requests++;
	for (size_t i = 0; *marker && i < MARKERS_MAX; i++) {
		if (!m->rows[i].value[0])
			snprintf(m->rows[i].value, MARKER_MAX, "%s", marker);
		if (strcmp(m->rows[i].value, marker) != 0)
			continue;
		seen = ++m->rows[i].seen;
		break;
	}
	pthread_mutex_unlock(&m->lock);
	return seen;
}

static void header(struct request *r, const char *line, size_t n)
{
	const char *colon = memchr(line, ':', n);
	size_t name, value;

	if (!colon)
		return;
	name = (size_t)(colon - line);
	colon++;
	while (colon < line + n && *colon == ' ')
		colon++;
	value = (size_t)(line + n - colon);
	if (name == 8 && strncasecmp(line, "X-Marker", 8) == 0)
		snprintf(r->marker, MARKER_MAX, "%.*s", (int)value, colon);
	else if (name == 6 && strncasecmp(line, "Accept", 6) == 0)
		r->wants_page = memmem(colon, value, "text/html", 9) != NULL;
	else if (name == 10 && strncasecmp(line, "Connection", 10) == 0)
		r->wants_close = value == 5 &&
				 strncasecmp(colon, "close", 5) == 0;
	else if (name == 14 && strncasecmp(line, "Content-Length", 14) == 0)
		r->length += (size_t)strtoul(colon, NULL, 10);
}

/* A whole head, ended by an empty line.  False: not HTTP. */
static bool parse(struct request *r, char *head, size_t n)
{
	char *end = strstr(head, "\r\n"), *space;

	*r = (struct request){ .method = head, .length = n };
	if (!end)
		return false;
	r->headers = end + 2;
	space = memchr(head, ' ', (size_t)(end - head));
	if (!space)
		return false;
	*space = '\0';
	r->path = space + 1;
	space = memchr(r->path, ' ', (size_t)(end - r->path));
	if (!space)
		return false;
	*space = '\0';
	for (char *line = r->headers; (end = strstr(line, "\r\n")) && end > line;
	     line = end + 2)
		header(r, line, (size_t)(end - line));
	return true;
}

static void add_headers(struct text *t, const struct request *r, bool is_json)
{
	const char *end;
	bool is_first = true;

	for (const char *line = r->headers;
	     (end = strstr(line, "\r\n")) && end > line; line = end + 2) {
		add(t, is_json ? (is_first ? "\"" : ", \"") : "<li><code>");
		add_safe(t, line, (size_t)(end - line), is_json);
		add(t, is_json ? "\"" : "</code>\n");
		is_first = false;
	}
}

static void add_json(struct text *t, const struct request *r, unsigned seen,
		     const char *address)
{
	add(t, "{\"app\": \"hello\", \"container\": \"%s\", \"method\": \"",
	    address);
	add_safe(t, r->method, strlen(r->method), true);
	add(t, "\", \"path\": \"");
	add_safe(t, r->path, strlen(r->path), true);
	add(t, "\", \"marker_seen\": %u, \"headers\": [", seen);
	add_headers(t, r, true);
	add(t, "]}\n");
}

static void add_page(struct text *t, const struct request *r,
		     const char *address)
{
	add(t,
	    "<!doctype html><html lang=en><meta charset=utf-8>"
	    "<meta name=viewport content='width=device-width'>"
	    "<title>hello from a confidential VM</title><style>"
	    "body{font:1rem/1.6 system-ui,sans-serif;max-width:44rem;"
	    "margin:3rem auto;padding:0 1rem;color:#1c2733;"
	    "background:#f7f5f0}h1{font-weight:600;margin-bottom:0}"
	    ".way{background:#fff;border-left:4px solid #2f6f4f;"
	    "padding:1rem;margin:1.5rem 0}code{font-size:.9em;"
	    "overflow-wrap:anywhere}small{color:#667}</style>"
	    "<h1>Hello.</h1><p>This page was made in a container at "
	    "<code>%s</code>, inside a CVM."
	    "<div class=way>your browser &#8594; <b>TLS 1.3</b> &#8594; "
	    "gateway &#8594; <b>attested WireGuard</b> &#8594; CVM &#8594; "
	    "this container</div><p>It saw <code>",
	    address);
	add_safe(t, r->method, strlen(r->method), false);
	add(t, " ");
	add_safe(t, r->path, strlen(r->path), false);
	add(t, "</code> with these headers:<ul>\n");
	add_headers(t, r, false);
	add(t, "</ul><small>The TEEs of this demo are SIMULATED.</small>\n");
}

static void own_address(int fd, char out[INET_ADDRSTRLEN])
{
	struct sockaddr_in a = { 0 };
	socklen_t n = sizeof(a);
	const uint8_t *b = (const uint8_t *)&a.sin_addr;

	(void)getsockname(fd, (struct sockaddr *)&a, &n);
	snprintf(out, INET_ADDRSTRLEN, "%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
}

static bool answer(const struct visit *v, const struct request *r)
{
	struct text body = { malloc(ANSWER_MAX), 0 };
	char address[INET_ADDRSTRLEN], head[256];
	unsigned seen = count(v->markers, r->marker);
	bool is_sent = false;
	int n;

	own_address(v->fd, address);
	if (body.p && r->wants_page)
		add_page(&body, r, address);
	else if (body.p)
		add_json(&body, r, seen, address);
	n = snprintf(head, sizeof(head),
		     "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n"
		     "Content-Length: %zu\r\nCache-Control: no-store\r\n"
		     "Connection: %s\r\n\r\n",
		     r->wants_page ? "text/html; charset=utf-8" : "application/json",
		     body.n, r->wants_close ? "close" : "keep-alive");
	if (body.p && send(v->fd, head, (size_t)n, MSG_MORE) == n)
		is_sent = strcmp(r->method, "HEAD") == 0 ||
			  send(v->fd, body.p, body.n, 0) == (ssize_t)body.n;
	free(body.p);
	return is_sent && !r->wants_close;
}

/* Requests one after another, their bodies read and forgotten. */
static void serve(const struct visit *v, char *bytes)
{
	size_t have = 0, skip = 0;

	for (;;) {
		ssize_t n = recv(v->fd, bytes + have, REQUEST_MAX - have, 0);
		char *end;

		if (n <= 0)
			return;
		have += (size_t)n;
		bytes[have] = '\0';
		for (;;) {
			size_t dropped = skip < have ? skip : have;
			struct request r;

			memmove(bytes, bytes + dropped, have - dropped + 1);
			have -= dropped;
			skip -= dropped;
			end = strstr(bytes, "\r\n\r\n");
			if (!end)
				break;
			if (!parse(&r, bytes, (size_t)(end + 4 - bytes)) ||
			    !answer(v, &r))
				return;
			skip = r.length;
		}
		if (have >= REQUEST_MAX - 1)
			return;
	}
}

static void *visit(void *arg)
{
	struct visit *v = arg;
	char *bytes = malloc(REQUEST_MAX + 1);

	if (bytes)
		serve(v, bytes);
	free(bytes);
	close(v->fd);
	pthread_mutex_lock(&v->markers->lock);
	v->markers->connections--;
	pthread_mutex_unlock(&v->markers->lock);
	free(v);
	return NULL;
}

static void receive(struct markers *m, int fd)
{
	struct timeval idle = { .tv_sec = IDLE_S };
	struct visit *v = malloc(sizeof(*v));
	bool is_welcome;
	pthread_t thread;

	pthread_mutex_lock(&m->lock);
	is_welcome = v && m->connections < CONNECTIONS_MAX;
	m->connections += is_welcome;
	pthread_mutex_unlock(&m->lock);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof(idle));
	if (is_welcome) {
		*v = (struct visit){ m, fd };
		if (pthread_create(&thread, NULL, visit, v) == 0) {
			pthread_detach(thread);
			return;
		}
		pthread_mutex_lock(&m->lock);
		m->connections--;
		pthread_mutex_unlock(&m->lock);
	}
	free(v);
	close(fd);
}

/* The first process of a container has no default action for signals. */
_Noreturn static void leave(int signal)
{
	(void)signal;
	_exit(0);
}

int main(void)
{
	static struct markers markers = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons(PORT) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;

	signal(SIGTERM, leave);
	signal(SIGINT, leave);
	signal(SIGPIPE, SIG_IGN);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(fd, 64) != 0) {
		perror("hello: port 80");
		return 1;
	}
	for (;;) {
		int peer = accept(fd, NULL, NULL);

		if (peer >= 0)
			receive(&markers, peer);
		else if (errno != EINTR)
			usleep(10000);
	}
}
