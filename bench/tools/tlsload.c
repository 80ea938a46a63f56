/*
 * tlsload: load for bench/edge.
 *
 *   tlsload KIND ADDRESS PORT NAME PARALLEL COUNT [BYTES|RATE [FROM|- [BEHIND]]]
 *     request, resume   COUNT connections with one request each
 *     keepalive         COUNT requests over PARALLEL connections
 *     pace              the same, RATE a second, however late the answers are
 *     bulk              COUNT answers of BYTES each over PARALLEL connections
 *     idle              PARALLEL connections with one request each, then nothing:
 *                       what it needs for TLS goes, so that many fit
 *     NAME is the server's.  With "pass" before it (passrequest, passbulk,
 *     passidle, passpace) NAME is a file with a TLS hello that is sent first,
 *     and no TLS is spoken; with "raw" there is neither.  FROM is the address to
 *     come from.  BEHIND is a port at ADDRESS where it is the backend itself, and
 *     never sleeps: what wakes up late is then not it.
 *
 * Says "ready" when connections are set up, goes on at a line of input, and
 * says "done N failed N seconds S p50 US p99 US".  One thread, epoll.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	CHUNK = 256 * 1024,
	RAW_ANSWER = 128,
	PATIENCE_S = 20, /* without an event */
	SAMPLES_MAX = 1 << 20,
};

enum kind {
	REQUEST,
	RESUME,
	KEEPALIVE,
	PACE,
	BULK,
	IDLE,
};

static const char *const kinds[] = { "request", "resume", "keepalive", "pace", "bulk", "idle" };

enum role {
	CLIENT,
	LISTENER,
	BACKEND,
};

struct peer {
	enum role role;
	struct peer *next; /* among those that wait for work */
	int fd;
	SSL *ssl; /* NULL: raw bytes */
	bool is_up, is_sent;
	long head; /* bytes of the answer's header, or of all when raw; 0 unknown */
	long got, want; /* bytes of the answer, header included */
	double asked_at;
};

struct load {
	int epoll_fd;
	enum kind kind;
	struct sockaddr_in to, from; /* from: family 0, the kernel chooses */
	SSL_CTX *ctx; /* NULL: raw bytes */
	SSL_SESSION *session;
	const char *name;
	char hello[4096]; /* "pass": sent first */
	size_t hello_len;
	char request[512];
	size_t request_len;
	long parallel, count, bytes;
	double rate;
	bool is_awake; /* it is the backend, too */
	bool is_running; /* set-up is over */
	long up, started, done, failed;
	struct peer *idle; /* PACE */
	float *samples;
	size_t sample_count;
	char scratch[CHUNK];
};

static void die(const char *what)
{
	fprintf(stderr, "tlsload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Connections that stay, from an address, of which there will be many: all but
 * the first are resumed, which makes them the same for less. */
static bool is_crowd(const struct load *l)
{
	return (l->kind == IDLE || l->kind == KEEPALIVE) && l->from.sin_family;
}

/* The port is chosen by where it goes, so that each can be used once a way. */
static void come_from(const struct load *l, int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&l->from, sizeof(l->from)) != 0)
		die("bind");
}

static void start(struct load *l)
{
	struct peer *p = calloc(1, sizeof(*p));
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data = { .ptr = p } };
	int one = 1, small = 4096;

	l->started++;
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd < 0)
		die("socket");
	setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (l->kind == IDLE || is_crowd(l))
		setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	if (l->from.sin_family)
		come_from(l, p->fd);
	if (connect(p->fd, (struct sockaddr *)&l->to, sizeof(l->to)) != 0 && errno != EINPROGRESS)
		die("connect");
	if (l->ctx) {
		p->ssl = SSL_new(l->ctx);
		SSL_set_fd(p->ssl, p->fd);
		SSL_set_tlsext_host_name(p->ssl, (uintptr_t)l->name);
		SSL_set_connect_state(p->ssl);
		if (l->session)
			SSL_set_session(p->ssl, l->session);
	}
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, p->fd, &e) != 0)
		die("epoll_ctl");
}

static bool is_one_each(const struct load *l)
{
	return l->kind == REQUEST || l->kind == RESUME;
}

static void finish(struct load *l, struct peer *p, bool is_ok)
{
	if (p->ssl) {
		if (is_ok)
			SSL_shutdown(p->ssl);
		SSL_free(p->ssl);
		ERR_clear_error();
	}
	close(p->fd);
	free(p);
	if (is_ok)
		l->done++;
	else
		l->failed++;
	if (is_one_each(l) && l->is_running && l->started < l->count)
		start(l);
}

static bool put(struct load *l, struct peer *p)
{
	bool is_first = !p->is_up && l->hello_len;
	char both[sizeof(l->hello) + sizeof(l->request)];
	size_t n = is_first ? l->hello_len : 0;

	if (p->ssl)
		return SSL_write(p->ssl, l->request, (int)l->request_len) == (int)l->request_len;
	memcpy(both, l->hello, n);
	/* The hello alone has its answer; bulk asks for more behind it. */
	if (!is_first || l->kind == BULK) {
		memcpy(both + n, l->request, l->request_len);
		n += l->request_len;
	}
	return send(p->fd, both, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static void ask(struct load *l, struct peer *p, double at)
{
	p->got = p->want = p->head = 0;
	p->asked_at = at;
	/* A hello alone, or a request behind it, is answered by so much. */
	if (!p->is_up && l->hello_len && l->kind != BULK)
		p->want = p->head = RAW_ANSWER;
	if (!put(l, p))
		finish(l, p, false);
	else
		p->is_sent = true;
}

/* Reads the header's Content-Length once it is there. */
static void see_header(struct peer *p, char *bytes, size_t n)
{
	char *length, *end;

	bytes[n < CHUNK ? n : CHUNK - 1] = '\0';
	end = strstr(bytes, "\r\n\r\n");
	length = strcasestr(bytes, "content-length: ");
	if (!end || !length)
		die("an answer without its length in one piece");
	p->head = end + 4 - bytes;
	p->want = p->head + atol(length + 16);
}

static void answered(struct load *l, struct peer *p)
{
	double at = now();

	p->is_sent = false;
	if (!p->is_up) {
		p->is_up = true;
		l->up++;
	}
	if (l->kind == IDLE) {
		SSL_free(p->ssl);
		p->ssl = NULL;
		return;
	}
	if (is_one_each(l)) {
		finish(l, p, true);
		return;
	}
	if (!l->is_running) {
		p->next = l->idle;
		l->idle = p;
		return;
	}
	if (l->sample_count < SAMPLES_MAX)
		l->samples[l->sample_count++] = (float)((at - p->asked_at) * 1e6);
	l->done++;
	if (l->kind != PACE && l->started < l->count) {
		l->started++;
		ask(l, p, at);
	} else {
		p->next = l->idle;
		l->idle = p;
	}
}

/* One attempt to read; > 0 bytes, 0 blocked, -1 over. */
static long get(struct load *l, struct peer *p)
{
	long n;

	if (p->ssl) {
		n = SSL_read(p->ssl, l->scratch, CHUNK);
		if (n > 0)
			return n;
		return SSL_get_error(p->ssl, (int)n) == SSL_ERROR_WANT_READ ? 0 : -1;
	}
	n = recv(p->fd, l->scratch, CHUNK, l->kind == BULK && p->head ? MSG_TRUNC : 0);
	if (n > 0)
		return n;
	return n < 0 && errno == EAGAIN ? 0 : -1;
}

static void run_client(struct load *l, struct peer *p)
{
	long n;
	int r;

	if (!p->is_up && !p->is_sent) {
		if (p->ssl) {
			r = SSL_do_handshake(p->ssl);
			if (r != 1 && SSL_get_error(p->ssl, r) == SSL_ERROR_WANT_READ)
				return;
			if (r != 1) {
				finish(l, p, false);
				return;
			}
		}
		ask(l, p, now());
	}
	for (;;) {
		n = get(l, p);
		if (n == 0)
			return;
		if (n < 0) {
			finish(l, p, false);
			return;
		}
		/* A raw hello is answered by a blob; a request behind it comes next. */
		if (!p->want && l->hello_len && l->kind == BULK && !p->is_up) {
			p->is_up = true;
			l->up++;
			if (n <= RAW_ANSWER)
				continue;
			memmove(l->scratch, l->scratch + RAW_ANSWER, (size_t)(n -= RAW_ANSWER));
		}
		if (!p->want)
			see_header(p, l->scratch, (size_t)n);
		p->got += n;
		if (p->got >= p->want) {
			answered(l, p);
			/* It may be gone, or have asked again; an event tells. */
			if (is_one_each(l))
				return;
		}
	}
}

/* The backend, for those who do not sleep: each request is short, and comes in
 * one piece. */
static void begin_behind(struct load *l, const char *port)
{
	struct sockaddr_in at = l->to;
	struct peer *p = calloc(1, sizeof(*p));
	struct epoll_event e = { .events = EPOLLIN, .data = { .ptr = p } };
	int one = 1;

	p->role = LISTENER;
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	at.sin_port = htons((uint16_t)atoi(port));
	setsockopt(p->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(p->fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(p->fd, 4096) != 0)
		die("backend");
	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, p->fd, &e) != 0)
		die("epoll_ctl");
	l->is_awake = true;
}

static void accept_behind(struct load *l, const struct peer *listener)
{
	struct epoll_event e = { .events = EPOLLIN };
	struct peer *p;
	int fd, one = 1;

	while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		e.data.ptr = p = calloc(1, sizeof(*p));
		p->role = BACKEND;
		p->fd = fd;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &e) != 0)
			die("epoll_ctl");
	}
}

static void answer_behind(struct load *l, struct peer *p)
{
	static const char answer[] =
		"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nhello, world\n";
	ssize_t n = recv(p->fd, l->scratch, CHUNK, 0);

	if (n > 0)
		send(p->fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
	if (n > 0 || (n < 0 && errno == EAGAIN))
		return;
	close(p->fd);
	free(p);
}

static void run_peer(struct load *l, struct peer *p)
{
	switch (p->role) {
	case CLIENT:
		run_client(l, p);
		break;
	case LISTENER:
		accept_behind(l, p);
		break;
	case BACKEND:
		answer_behind(l, p);
		break;
	}
}

static void turn(struct load *l, double wait_s)
{
	struct timespec wait;
	struct epoll_event events[256];
	int n, i;

	if (l->is_awake)
		wait_s = 0;
	wait.tv_sec = (time_t)wait_s;
	wait.tv_nsec = (long)((wait_s - (double)wait.tv_sec) * 1e9);
	n = epoll_pwait2(l->epoll_fd, events, 256, &wait, NULL);
	if (n == 0 && wait_s >= PATIENCE_S)
		die("no answer for long");
	for (i = 0; i < n; i++)
		run_peer(l, events[i].data.ptr);
}

static void set_up(struct load *l)
{
	long wanted = l->kind == RESUME ? 1 : l->parallel;

	if (l->kind == REQUEST)
		return;
	while (l->up + l->failed < wanted || (l->kind == RESUME && !l->session)) {
		/* Not all at once, which a short queue would not take. */
		while (l->started < wanted && l->started - l->up < 64)
			start(l);
		turn(l, PATIENCE_S);
	}
	l->started = l->done = 0;
}

static void pace(struct load *l)
{
	double begin = now(), due;
	struct peer *p;

	while (l->done + l->failed < l->count) {
		due = begin + (double)l->started / l->rate;
		while (l->started < l->count && l->idle && due <= now()) {
			p = l->idle;
			l->idle = p->next;
			l->started++;
			ask(l, p, due);
			due = begin + (double)l->started / l->rate;
		}
		due -= now();
		turn(l, l->started == l->count || !l->idle ? PATIENCE_S : due > 0 ? due
										  : 0);
	}
}

static void run(struct load *l)
{
	struct peer *p;

	l->is_running = true;
	if (l->kind == IDLE)
		return;
	if (l->kind == PACE) {
		pace(l);
		return;
	}
	if (is_one_each(l))
		while (l->started < l->parallel && l->started < l->count)
			start(l);
	while ((p = l->idle) != NULL && l->started < l->count) {
		l->idle = p->next;
		l->started++;
		ask(l, p, now());
	}
	while (l->done + l->failed < l->count)
		turn(l, PATIENCE_S);
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct load *l = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	if ((l->kind != RESUME && !is_crowd(l)) || l->session)
		return 0;
	l->session = session;
	return 1;
}

static void prepare_tls(struct load *l)
{
	char groups[] = "X25519"; /* libssl's macro takes no constant */
	l->ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_app_data(l->ctx, l);
	SSL_CTX_set_min_proto_version(l->ctx, TLS1_3_VERSION);
	/* What browsers ask for first. */
	SSL_CTX_set_ciphersuites(l->ctx, "TLS_AES_128_GCM_SHA256");
	SSL_CTX_set1_groups_list(l->ctx, groups);
	SSL_CTX_set_session_cache_mode(l->ctx, SSL_SESS_CACHE_CLIENT |
						       SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(l->ctx, keep_session);
	SSL_CTX_set_options(l->ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(l->ctx, SSL_MODE_RELEASE_BUFFERS);
	if (l->kind == BULK) {
		SSL_CTX_set_read_ahead(l->ctx, 1);
		SSL_CTX_set_default_read_buffer_len(l->ctx, 64 * 1024);
	}
}

static void prepare_hello(struct load *l)
{
	FILE *f = fopen(l->name, "rb");

	if (!f)
		die(l->name);
	l->hello_len = fread(l->hello, 1, sizeof(l->hello), f);
	fclose(f);
}

static void prepare_request(struct load *l)
{
	const char *host = l->ctx ? l->name : "bench";
	const char *close = is_one_each(l) ? "Connection: close\r\n" : "";
	char path[32] = "/";

	if (l->kind == BULK)
		snprintf(path, sizeof(path), "/%ld", l->bytes);
	l->request_len = (size_t)snprintf(l->request, sizeof(l->request),
					  "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", path, host,
					  close);
}

static int by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static void report(struct load *l, double seconds)
{
	float p50 = 0, p99 = 0;

	if (l->sample_count) {
		qsort(l->samples, l->sample_count, sizeof(*l->samples), by_size);
		p50 = l->samples[l->sample_count / 2];
		p99 = l->samples[l->sample_count * 99 / 100];
	}
	printf("done %ld failed %ld seconds %.4f p50 %.1f p99 %.1f\n", l->done, l->failed, seconds,
	       (double)p50, (double)p99);
}

static int client(struct load *l, char **argv)
{
	bool is_pass = strncmp(argv[1], "pass", 4) == 0, is_raw = strncmp(argv[1], "raw", 3) == 0;
	const char *kind = argv[1] + (is_pass ? 4 : is_raw ? 3
							   : 0);
	double begin;
	char line[8];

	while (l->kind <= IDLE && strcmp(kind, kinds[l->kind]) != 0)
		l->kind++;
	if (l->kind > IDLE)
		return 2;
	l->name = argv[4];
	l->parallel = atol(argv[5]);
	l->count = atol(argv[6]);
	l->bytes = argv[7] ? atol(argv[7]) : 0;
	if (argv[7] && argv[8] && strcmp(argv[8], "-") != 0) {
		l->from.sin_family = AF_INET;
		if (inet_pton(AF_INET, argv[8], &l->from.sin_addr) != 1)
			return 2;
	}
	l->rate = (double)l->bytes;
	l->samples = malloc(SAMPLES_MAX * sizeof(*l->samples));
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (is_pass)
		prepare_hello(l);
	else if (!is_raw)
		prepare_tls(l);
	prepare_request(l);
	if (argv[7] && argv[8] && argv[9])
		begin_behind(l, argv[9]);
	set_up(l);
	puts("ready");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	begin = now();
	run(l);
	report(l, now() - begin);
	fflush(stdout);
	if (is_crowd(l) && !fgets(line, sizeof(line), stdin))
		return 1;
	return l->failed ? 1 : 0;
}

int main(int argc, char **argv)
{
	static struct load l = { .to = { .sin_family = AF_INET } };

	signal(SIGPIPE, SIG_IGN);
	if (argc < 7 || inet_pton(AF_INET, argv[2], &l.to.sin_addr) != 1)
		return 2;
	l.to.sin_port = htons((uint16_t)atoi(argv[3]));
	return client(&l, argv);
}
