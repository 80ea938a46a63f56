/*
 * transfer: bytes from one end of a tunnel to the other, and their hash.
 *
 *   transfer receive ADDRESS:PORT                          takes one connection to its end
 *   transfer send ADDRESS:PORT BYTES SEED [BLOCK PAUSE_MS] rests after each block, if told so
 *
 * The bytes follow from the seed and do not repeat.  Both print how many there were and a hash:
 * SHA-256 over the hash so far and the next 64 KiB, again and again.  The receiver first prints
 * "ready"; the sender waits until the receiver has closed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "crypto/sha256.h"
#include "io/sock.h"

enum {
	PIECE = 64 << 10,
	CONNECT_S = 30,
};

struct digest {
	struct sha256 hash;
	uint8_t piece[PIECE];
	size_t n;
	uint64_t total;
};

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static void close_piece(struct digest *d)
{
	const struct span parts[] = { SPAN_ARRAY(d->hash.b), span_of(d->piece, d->n) };

	sha256_parts(&d->hash, parts, 2);
	d->total += d->n;
	d->n = 0;
}

static void finish(struct digest *d)
{
	uint8_t text[65];
	struct wr w = WR_ARRAY(text);

	if (d->n)
		close_piece(d);
	text_hex(&w, SPAN_ARRAY(d->hash.b));
	printf("%llu %.64s\n", (unsigned long long)d->total, (const char *)text);
}

static int socket_of(const struct sock_addr *a)
{
	const int on = 1;
	int fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	must(fd >= 0, "socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return fd;
}

static void receive(const struct sock_addr *at, struct digest *d)
{
	int listener = socket_of(at), fd;
	ssize_t n;

	must(bind(listener, &at->sa, at->len) == 0 && listen(listener, 1) == 0, "bind");
	puts("ready");
	(void)fflush(stdout);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	must(fd >= 0, "accept");
	while ((n = read(fd, d->piece + d->n, PIECE - d->n)) > 0) {
		d->n += (size_t)n;
		if (d->n == PIECE)
			close_piece(d);
	}
	must(n == 0, "read");
	(void)close(fd);
	(void)close(listener);
}

/* xorshift64 */
static void fill(uint8_t *p, size_t n, uint64_t *state)
{
	for (size_t i = 0; i < n; i += 8) {
		*state ^= *state << 13;
		*state ^= *state >> 7;
		*state ^= *state << 17;
		memcpy(p + i, state, n - i < 8 ? n - i : 8);
	}
}

/* The way may not be there yet. */
static int connected(const struct sock_addr *to)
{
	const struct timespec nap = { .tv_nsec = 100000000 };

	for (int i = 0;; i++) {
		int fd = socket_of(to);

		if (connect(fd, &to->sa, to->len) == 0)
			return fd;
		must(i < 10 * CONNECT_S, "connect");
		(void)close(fd);
		nanosleep(&nap, NULL);
	}
}

struct pace {
	uint64_t block;
	unsigned long pause_ms;
};

static void send_all(const struct sock_addr *to, uint64_t count, uint64_t seed,
		     const struct pace *pace, struct digest *d)
{
	const struct timespec rest = { .tv_sec = (time_t)(pace->pause_ms / 1000),
				       .tv_nsec = (long)(pace->pause_ms % 1000) * 1000000 };
	uint64_t state = seed * 2 + 1, in_block = 0;
	int fd = connected(to);
	uint8_t end;

	while (d->total < count) {
		uint64_t left = count - d->total;

		d->n = left < PIECE ? (size_t)left : PIECE;
		fill(d->piece, d->n, &state);
		for (size_t at = 0; at < d->n;) {
			size_t most = d->n - at;
			ssize_t n;

			if (pace->pause_ms && most > pace->block - in_block)
				most = (size_t)(pace->block - in_block);
			n = write(fd, d->piece + at, most);
			must(n > 0, "write");
			at += (size_t)n;
			in_block += (uint64_t)n;
			if (pace->pause_ms && in_block == pace->block) {
				nanosleep(&rest, NULL);
				in_block = 0;
			}
		}
		close_piece(d);
	}
	must(shutdown(fd, SHUT_WR) == 0, "shutdown");
	must(read(fd, &end, 1) == 0, "the receiver's end");
	(void)close(fd);
}

int main(int argc, char **argv)
{
	static struct digest d;
	struct pace pace = { 0 };
	struct sock_addr a;

	if (argc < 3 || !sock_addr_parse(&a, span_str(argv[2])) || a.sa.sa_family == AF_UNIX) {
		(void)fputs("usage: transfer receive|send ADDRESS:PORT ...\n", stderr);
		return 2;
	}
	if (argc == 7)
		pace = (struct pace){ strtoull(argv[5], NULL, 10), strtoul(argv[6], NULL, 10) };
	if (!strcmp(argv[1], "receive") && argc == 3)
		receive(&a, &d);
	else if (!strcmp(argv[1], "send") && (argc == 5 || (argc == 7 && pace.block)))
		send_all(&a, strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10), &pace, &d);
	else
		return 2;
	finish(&d);
	return 0;
}
