#include "io/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"

enum {
	FIRST_INHERITED_FD = 3, /* sd_listen_fds(3): SD_LISTEN_FDS_START */
	CLOEXEC_NONBLOCK = SOCK_CLOEXEC | SOCK_NONBLOCK,
	UNIX_HEAD_LEN = offsetof(struct sockaddr_un, sun_path),
};

static bool parse_unix(struct sock_addr *out, struct span path)
{
	struct sock_addr a = { 0 };

	if (path.n == 0 || path.n >= sizeof(a.un.sun_path) ||
	    memchr(path.p, 0, path.n))
		return false;
	a.un.sun_family = AF_UNIX;
	memcpy(a.un.sun_path, path.p, path.n);
	a.len = (socklen_t)(UNIX_HEAD_LEN + path.n + 1);
	*out = a;
	return true;
}

/* Splits "host:port" or "[host]:port" at the last colon. */
static bool split_host(char host[INET6_ADDRSTRLEN], bool *is_v6,
		       uint16_t *port, struct span text)
{
	size_t colon = text.n;
	struct span h;
	uint64_t number;

	while (colon > 0 && text.p[colon - 1] != ':')
		colon--;
	if (colon == 0 ||
	    !text_u64(&number, span_of(text.p + colon, text.n - colon), 65535))
		return false;
	h = span_of(text.p, colon - 1);
	*is_v6 = h.n >= 2 && h.p[0] == '[' && h.p[h.n - 1] == ']';
	if (*is_v6)
		h = span_of(h.p + 1, h.n - 2);
	if (h.n == 0 || h.n >= INET6_ADDRSTRLEN || memchr(h.p, 0, h.n))
		return false;
	memcpy(host, h.p, h.n);
	host[h.n] = '\0';
	*port = (uint16_t)number;
	return true;
}

bool sock_addr_parse(struct sock_addr *out, struct span text)
{
	const struct span scheme = span_str("unix:");
	char host[INET6_ADDRSTRLEN];
	struct sock_addr a = { 0 };
	uint16_t port;
	bool is_v6;

	if (span_has_prefix(text, scheme)) {
		(void)rd_skip(&text, scheme.n); /* it is there */
		return parse_unix(out, text);
	}
	if (!split_host(host, &is_v6, &port, text))
		return false;
	if (is_v6) {
		a.in6.sin6_family = AF_INET6;
		a.in6.sin6_port = htons(port);
		a.len = sizeof(a.in6);
	} else {
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons(port);
		a.len = sizeof(a.in);
	}
	if (inet_pton(a.sa.sa_family, host,
		      is_v6 ? (void *)&a.in6.sin6_addr : &a.in.sin_addr) != 1)
		return false;
	*out = a;
	return true;
}

void sock_addr_write(struct wr *w, const struct sock_addr *a)
{
	char host[INET6_ADDRSTRLEN] = "";

	switch (a->sa.sa_family) {
	case AF_UNIX:
		/* A client that did not bind has no path. */
		wr_printf(w, "unix:%.*s", (int)sizeof(a->un.sun_path),
			  a->len > UNIX_HEAD_LEN
				  ? a->un.sun_path
				  : "");
		break;
	case AF_INET:
		inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof(host));
		wr_printf(w, "%s:%u", host, ntohs(a->in.sin_port));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof(host));
		wr_printf(w, "[%s]:%u", host, ntohs(a->in6.sin6_port));
		break;
	default:
		wr_str(w, "none");
	}
}

void sock_addr_unmap(struct sock_addr *a)
{
	struct sock_addr v4 = { .in = { .sin_family = AF_INET },
				.len = sizeof(v4.in) };

	if (a->sa.sa_family != AF_INET6 ||
	    !IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
		return;
	v4.in.sin_port = a->in6.sin6_port;
	memcpy(&v4.in.sin_addr, a->in6.sin6_addr.s6_addr + 12, 4);
	*a = v4;
}

bool sock_addr_equal(const struct sock_addr *a, const struct sock_addr *b)
{
	if (a->sa.sa_family != b->sa.sa_family)
		return false;
	switch (a->sa.sa_family) {
	case AF_UNIX:
		return strncmp(a->un.sun_path, b->un.sun_path,
			       sizeof(a->un.sun_path)) == 0;
	case AF_INET:
		return a->in.sin_port == b->in.sin_port &&
		       a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	case AF_INET6:
		return a->in6.sin6_port == b->in6.sin6_port &&
		       a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
		       span_equal(SPAN_ARRAY(a->in6.sin6_addr.s6_addr),
				  SPAN_ARRAY(b->in6.sin6_addr.s6_addr));
	default:
		return true;
	}
}

/* Closes *fd and leaves errno as it was. */
static enum rc give_up(int *fd)
{
	int error = errno;

	mem_auto_close(fd);
	*fd = -1;
	errno = error;
	return RC_SYS;
}

static bool set_flag(int fd, int level, int option)
{
	const int on = 1;

	return setsockopt(fd, level, option, &on, sizeof(on)) == 0;
}

/*
 * Removes a socket file that nobody listens at any more.  A living listener's
 * file stays, and bind() then says EADDRINUSE; so does a file of another kind.
 */
static void remove_stale(const struct sock_addr *at)
{
	AUTO(mem_auto_close)
	int fd = -1;
	struct stat st;

	if (lstat(at->un.sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | CLOEXEC_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, &at->sa, at->len) != 0 &&
	    errno == ECONNREFUSED)
		(void)unlink(at->un.sun_path); /* bind() reports what is left */
}

enum sharing {
	ALONE,
	SHARED,
};

static enum rc open_bound(int *fd, const struct sock_addr *at, int type,
			  enum sharing sharing)
{
	sa_family_t family = at->sa.sa_family;

	*fd = socket(family, type | CLOEXEC_NONBLOCK, 0);
	if (*fd < 0)
		return RC_SYS;
	if (family == AF_UNIX)
		remove_stale(at);
	else if (type == SOCK_STREAM &&
		 !set_flag(*fd, SOL_SOCKET, SO_REUSEADDR))
		return give_up(fd);
	/* So that 0.0.0.0 and [::] can be listed side by side. */
	if (family == AF_INET6 && !set_flag(*fd, IPPROTO_IPV6, IPV6_V6ONLY))
		return give_up(fd);
	if (sharing == SHARED && !set_flag(*fd, SOL_SOCKET, SO_REUSEPORT))
		return give_up(fd);
	if (bind(*fd, &at->sa, at->len) != 0)
		return give_up(fd);
	return RC_OK;
}

enum rc sock_listen(int *fd, const struct sock_addr *at, int backlog)
{
	enum rc rc = open_bound(fd, at, SOCK_STREAM, ALONE);

	if (rc)
		return rc;
	if (listen(*fd, backlog) != 0)
		return give_up(fd);
	return RC_OK;
}

enum rc sock_listen_more(int *fd, const struct sock_addr *at, int backlog)
{
	enum rc rc = open_bound(fd, at, SOCK_STREAM, SHARED);

	if (rc)
		return rc;
	if (listen(*fd, backlog) != 0)
		return give_up(fd);
	return RC_OK;
}

/* Sharing is asked of the kernel, which then lets any of our user's programs
 * in: so that a second one is noticed, look without asking first. */
static enum rc check_free(const struct sock_addr *at)
{
	int fd;
	enum rc rc = open_bound(&fd, at, SOCK_STREAM, ALONE);

	if (!rc)
		mem_auto_close(&fd);
	return rc;
}

enum rc sock_listen_group(int *fds, size_t count, const struct sock_addr *at,
			  int backlog)
{
	enum rc rc = check_free(at);
	size_t n = 0;

	while (n < count && !rc) {
		rc = sock_listen_more(&fds[n], at, backlog);
		if (!rc)
			n++;
	}
	while (rc && n > 0)
		(void)give_up(&fds[--n]);
	return rc;
}

enum rc sock_udp(int *fd, const struct sock_addr *at)
{
	return open_bound(fd, at, SOCK_DGRAM, ALONE);
}

enum rc sock_udp_beside(int *fd, int other)
{
	struct sock_addr at = { .len = sizeof(at.in6) };

	*fd = -1;
	if (getsockname(other, &at.sa, &at.len) != 0 ||
	    !set_flag(other, SOL_SOCKET, SO_REUSEPORT))
		return RC_SYS;
	return open_bound(fd, &at, SOCK_DGRAM, SHARED);
}

/* accept(2): errors of the connection that was lost before we took it. */
static bool is_lost_peer(int error)
{
	switch (error) {
	case ECONNABORTED:
	case EINTR:
	case EPROTO:
	case ENETDOWN:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case EOPNOTSUPP:
	case ENETUNREACH:
		return true;
	default:
		return false;
	}
}

enum rc sock_accept(int *fd, struct sock_addr *peer, int listen_fd)
{
	struct sock_addr a;

	do {
		a = (struct sock_addr){ .len = sizeof(a.un) };
		*fd = accept4(listen_fd, &a.sa, &a.len, CLOEXEC_NONBLOCK);
	} while (*fd < 0 && is_lost_peer(errno));
	if (*fd < 0)
		return errno == EAGAIN ? RC_CLOSED : RC_SYS;
	sock_addr_unmap(&a);
	*peer = a;
	return RC_OK;
}

static enum rc open_stream(int *fd, const struct sock_addr *to)
{
	*fd = socket(to->sa.sa_family, SOCK_STREAM | CLOEXEC_NONBLOCK, 0);
	return *fd < 0 ? RC_SYS : RC_OK;
}

static enum rc connect_stream(int *fd, const struct sock_addr *to)
{
	if (connect(*fd, &to->sa, to->len) != 0 && errno != EINPROGRESS)
		return give_up(fd);
	return RC_OK;
}

enum rc sock_connect(int *fd, const struct sock_addr *to)
{
	enum rc rc = open_stream(fd, to);

	return rc ? rc : connect_stream(fd, to);
}

enum rc sock_connect_eager(int *fd, const struct sock_addr *to,
			   struct span first, size_t *sent)
{
	const int off = 0;
	enum rc rc = open_stream(fd, to);
	ssize_t n = 0;

	*sent = 0;
	if (rc)
		return rc;
	/* tcp(7).  Unix sockets refuse it; nothing depends on it. */
	(void)setsockopt(*fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
	rc = connect_stream(fd, to);
	if (rc || first.n == 0)
		return rc;
	n = send(*fd, first.p, first.n, MSG_NOSIGNAL);
	/* EAGAIN: it is connecting yet. */
	if (n < 0 && errno != EAGAIN)
		return give_up(fd);
	*sent = n > 0 ? (size_t)n : 0;
	return RC_OK;
}

int sock_error(int fd)
{
	socklen_t n = sizeof(int);
	int error = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
		return errno;
	return error;
}

/* A number from the environment that the supervisor set for us. */
static bool env_u64(uint64_t *v, const char *name)
{
	const char *text = getenv(name);

	return text && text_u64(v, span_str(text), INT32_MAX);
}

enum rc sock_inherited(int *fd, unsigned index)
{
	socklen_t n = sizeof(int);
	uint64_t pid, count;
	int is_listening = 0, flags, at;

	*fd = -1;
	if (!env_u64(&pid, "LISTEN_PID") || !env_u64(&count, "LISTEN_FDS") ||
	    pid != (uint64_t)getpid() || index >= count) {
		errno = ENOENT;
		return RC_SYS;
	}
	at = FIRST_INHERITED_FD + (int)index;
	if (getsockopt(at, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &n) != 0)
		return RC_SYS;
	if (!is_listening) {
		errno = EINVAL;
		return RC_SYS;
	}
	flags = fcntl(at, F_GETFL);
	if (flags < 0 || fcntl(at, F_SETFL, flags | O_NONBLOCK) != 0 ||
	    fcntl(at, F_SETFD, FD_CLOEXEC) != 0)
		return RC_SYS;
	*fd = at;
	return RC_OK;
}
