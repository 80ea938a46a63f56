#include "resolve/query.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/rng.h"
#include "io/clock.h"

enum {
	QUERY_MAX = DNS_NAME_MAX + 64,
	DATAGRAM_MAX = 4096,
	TRIES = 3,
	PREFIX_LEN = 2, /* RFC 7766 §8 */
};

/* What is left of the time, for poll(). */
static int left_ms(uint64_t until_ms)
{
	uint64_t now = clock_boot_ms();

	return now >= until_ms ? 0 : (int)(until_ms - now);
}

static enum rc wait_for(int fd, short events, uint64_t until_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do
		n = poll(&p, 1, left_ms(until_ms));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return RC_SYS;
	return n ? RC_OK : RC_LIMIT;
}

static enum rc write_all(int fd, struct span b, uint64_t until_ms)
{
	while (b.n) {
		enum rc rc = wait_for(fd, POLLOUT, until_ms);
		ssize_t n;

		if (rc)
			return rc;
		n = send(fd, b.p, b.n, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return RC_SYS;
		(void)rd_skip(&b, (size_t)n);
	}
	return RC_OK;
}

static enum rc read_all(int fd, uint8_t *p, size_t want, uint64_t until_ms)
{
	size_t got = 0;

	while (got < want) {
		enum rc rc = wait_for(fd, POLLIN, until_ms);
		ssize_t n;

		if (rc)
			return rc;
		n = recv(fd, p + got, want - got, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			return n ? RC_SYS : RC_CLOSED;
		got += (size_t)n;
	}
	return RC_OK;
}

static enum rc connect_tcp(int *fd, const struct sock_addr *to,
			   uint64_t until_ms)
{
	enum rc rc = sock_connect(fd, to);
	int error;

	if (!rc)
		rc = wait_for(*fd, POLLOUT, until_ms);
	if (rc)
		return rc;
	error = sock_error(*fd);
	if (error) {
		errno = error;
		return RC_SYS;
	}
	return RC_OK;
}

static enum rc send_message(int fd, struct span message, uint64_t until_ms)
{
	size_t n = message.n + PREFIX_LEN;
	AUTO(mem_auto_free)
	uint8_t *p = mem_new(n);
	struct wr w = wr_over(p, n);

	/* In one write: RFC 7766 §8. */
	wr_vec16(&w, message);
	return write_all(fd, wr_span(&w), until_ms);
}

static enum rc receive_message(int fd, struct buf *answer, uint64_t until_ms)
{
	uint8_t prefix[PREFIX_LEN];
	struct span at = SPAN_ARRAY(prefix);
	AUTO(mem_auto_free)
	uint8_t *p = NULL;
	uint16_t n = 0;
	enum rc rc = read_all(fd, prefix, sizeof(prefix), until_ms);

	if (rc)
		return rc;
	(void)rd_be16(&at, &n);
	p = mem_new(n ? n : 1);
	rc = read_all(fd, p, n, until_ms);
	if (!rc && !buf_add(answer, span_of(p, n)))
		rc = RC_LIMIT;
	return rc;
}

enum rc query_tcp(struct buf *answer, const struct sock_addr *to,
		  struct span message, unsigned timeout_ms)
{
	uint64_t until_ms = clock_boot_ms() + timeout_ms;
	AUTO(mem_auto_close)
	int fd = -1;
	enum rc rc = connect_tcp(&fd, to, until_ms);

	if (!rc)
		rc = send_message(fd, message, until_ms);
	if (!rc)
		rc = receive_message(fd, answer, until_ms);
	return rc;
}

/* Questions. */

/* A question, and where its answer goes. */
struct asking {
	struct dns_message *out;
	struct arena *arena;
	struct dns_ask ask;
	const struct dns_name *name;
	uint16_t type;
};

/* An answer to just this question, copied into the arena. */
static enum rc take(const struct asking *q, struct span bytes)
{
	char *copy = arena_dup(q->arena, bytes);
	struct dns_message m;
	enum rc rc;

	if (!copy)
		return RC_LIMIT;
	rc = dns_message_read(&m, q->arena, span_of(copy, bytes.n));
	if (rc)
		return rc;
	if (!dns_message_answers(&m, q->ask.id, q->name, q->type))
		return RC_MALFORMED;
	*q->out = m;
	return RC_OK;
}

/* Datagrams until one is the answer or the time is over. */
static enum rc receive_udp(const struct asking *q, int fd, uint64_t until_ms)
{
	uint8_t p[DATAGRAM_MAX];
	enum rc rc;

	while (!(rc = wait_for(fd, POLLIN, until_ms))) {
		ssize_t n = recv(fd, p, sizeof(p), 0);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n < 0)
			return RC_SYS;
		if (take(q, span_of(p, (size_t)n)) == RC_OK)
			return RC_OK;
	}
	return rc;
}

static enum rc open_udp(int *fd, const struct sock_addr *to)
{
	const int kind = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

	*fd = socket(to->sa.sa_family, kind /* SOCK_CLOEXEC */, 0);
	/* Connected: only that address can answer, and ICMP is told. */
	if (*fd < 0 || connect(*fd, &to->sa, to->len))
		return RC_SYS;
	return RC_OK;
}

static enum rc ask_udp(const struct asking *q, const struct sock_addr *to,
		       struct span message, uint64_t until_ms)
{
	uint64_t each_ms = (uint64_t)left_ms(until_ms) / TRIES + 1;
	enum rc rc = RC_LIMIT;
	int i;

	for (i = 0; i < TRIES && rc; i++) {
		AUTO(mem_auto_close)
		int fd = -1;

		rc = open_udp(&fd, to);
		if (!rc && send(fd, message.p, message.n, 0) < 0)
			rc = RC_SYS;
		if (!rc)
			rc = receive_udp(q, fd, clock_boot_ms() + each_ms);
	}
	return rc;
}

static enum rc ask_tcp(const struct asking *q, const struct sock_addr *to,
		       struct span message, uint64_t until_ms)
{
	AUTO(buf_fini)
	struct buf answer = { 0 };
	enum rc rc;

	buf_init(&answer, DNS_MESSAGE_MAX);
	rc = query_tcp(&answer, to, message, (unsigned)left_ms(until_ms));
	return rc ? rc : take(q, buf_span(&answer));
}

enum rc query_ask(struct dns_message *out, struct arena *arena,
		  const struct sock_addr *to, const struct dns_ask *ask,
		  const struct dns_name *name, uint16_t type,
		  unsigned timeout_ms)
{
	uint64_t until_ms = clock_boot_ms() + timeout_ms;
	uint8_t bytes[QUERY_MAX];
	struct wr w = WR_ARRAY(bytes);
	struct asking q = { out, arena, *ask, name, type };
	struct dns_message m;
	enum rc rc;

	rng_bytes(&q.ask.id, sizeof(q.ask.id));
	dns_message_query(&w, &q.ask, name, type);
	q.out = &m;
	rc = ask_udp(&q, to, wr_span(&w), until_ms);
	if (rc == RC_OK && m.flags & DNS_FLAG_TC)
		rc = ask_tcp(&q, to, wr_span(&w), until_ms);
	if (!rc)
		*out = m;
	return rc;
}
