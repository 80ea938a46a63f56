/*
 * netload: traffic for bench/wireguard.
 *
 *   netload answer ADDRESS PORT                 answers TCP requests with themselves
 *   netload ask ADDRESS PORT SECONDS SIZE       asks one after the other; prints how many, and
 *                                               the median and the 99th percentile in microseconds
 *   netload sink ADDRESS PORT                   counts datagrams; prints how many at SIGTERM
 *   netload send ADDRESS PORT SECONDS SIZE RATE sends datagrams, RATE a second (0: all it can);
 *                                               prints how many
 *   netload flood ADDRESS PORT SECONDS RATE HEX sends this datagram from ever other forged
 *                                               addresses and ports; prints how many
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum {
	SIZE_MAX_ = 65536,
	SAMPLES_MAX = 1 << 22,
	BATCH = 32,
};

static double now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static struct sockaddr_in address_of(char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET };

	a.sin_port = htons((uint16_t)strtoul(argv[3], NULL, 10));
	must(inet_pton(AF_INET, argv[2], &a.sin_addr) == 1, argv[2]);
	return a;
}

static int socket_of(int type)
{
	const int on = 1;
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	must(fd >= 0, "socket");
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return fd;
}

static void answer(const struct sockaddr_in *at)
{
	static char b[SIZE_MAX_];
	int fd = socket_of(SOCK_STREAM), client;
	const int on = 1;

	must(bind(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 && listen(fd, 8) == 0, "bind");
	puts("ready");
	(void)fflush(stdout);
	while ((client = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		ssize_t n;

		(void)setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		while ((n = read(client, b, sizeof(b))) > 0)
			if (write(client, b, (size_t)n) != n)
				break;
		(void)close(client);
	}
}

static int by_size(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static void ask(const struct sockaddr_in *to, double seconds, size_t size)
{
	static char b[SIZE_MAX_];
	float *took = mem_new_array(SAMPLES_MAX, sizeof(*took));
	int fd = socket_of(SOCK_STREAM);
	size_t n = 0;
	double begin, at;

	must(connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0, "connect");
	begin = at = now_s();
	while (at - begin < seconds && n < SAMPLES_MAX) {
		double then = at;

		must(write(fd, b, size) == (ssize_t)size, "write");
		for (size_t got = 0; got < size;) {
			ssize_t more = read(fd, b, size - got);

			must(more > 0, "read");
			got += (size_t)more;
		}
		at = now_s();
		took[n++] = (float)((at - then) * 1e6);
	}
	qsort(took, n, sizeof(*took), by_size);
	printf("%zu %.1f %.1f\n", n, (double)took[n / 2], (double)took[n * 99 / 100]);
	free(took);
	(void)close(fd);
}

static void on_term(int signal)
{
	(void)signal;
}

static void sink(const struct sockaddr_in *at)
{
	static char b[BATCH][2048];
	const struct sigaction a = { .sa_handler = on_term };
	struct mmsghdr m[BATCH] = { 0 };
	struct iovec v[BATCH];
	const int room = 8 << 20;
	int fd = socket_of(SOCK_DGRAM), n;
	unsigned long count = 0;

	must(sigaction(SIGTERM, &a, NULL) == 0, "sigaction");
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	must(bind(fd, (const struct sockaddr *)at, sizeof(*at)) == 0, "bind");
	for (int i = 0; i < BATCH; i++) {
		v[i] = (struct iovec){ b[i], sizeof(b[i]) };
		m[i].msg_hdr.msg_iov = &v[i];
		m[i].msg_hdr.msg_iovlen = 1;
	}
	puts("ready");
	(void)fflush(stdout);
	while ((n = recvmmsg(fd, m, BATCH, MSG_WAITFORONE, NULL)) > 0)
		count += (unsigned long)n;
	printf("%lu\n", count);
}

static void send_datagrams(const struct sockaddr_in *to, double seconds, size_t size, double rate)
{
	static char b[SIZE_MAX_];
	struct mmsghdr m[BATCH] = { 0 };
	struct iovec v = { b, size };
	int fd = socket_of(SOCK_DGRAM);
	unsigned long count = 0;
	double begin = now_s();

	must(connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0, "connect");
	for (int i = 0; i < BATCH; i++) {
		m[i].msg_hdr.msg_iov = &v;
		m[i].msg_hdr.msg_iovlen = 1;
	}
	for (double at = begin; at - begin < seconds; at = now_s()) {
		int n;

		if (rate > 0 && (double)count > (at - begin) * rate) {
			usleep(200);
			continue;
		}
		n = sendmmsg(fd, m, BATCH, 0);
		must(n > 0 || errno == ENOBUFS, "sendmmsg");
		count += n > 0 ? (unsigned long)n : 0;
	}
	printf("%lu\n", count);
	(void)close(fd);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed;
}

/* An IPv4 header (RFC 791) and a UDP header (RFC 768) without checksum; the kernel fills in the
 * IPv4 lengths and checksum. */
static size_t forge(uint8_t *b, const struct sockaddr_in *to, const char *hex, uint32_t *seed)
{
	size_t n = strlen(hex) / 2;
	uint32_t source = htonl(0xc6120000 | next_random(seed) >> 15); /* 198.18.0.0/15 */
	uint16_t port = (uint16_t)(next_random(seed) >> 16);

	memset(b, 0, 28);
	b[0] = 0x45;
	b[8] = 64;
	b[9] = IPPROTO_UDP;
	memcpy(b + 12, &source, 4);
	memcpy(b + 16, &to->sin_addr, 4);
	b[20] = (uint8_t)(port >> 8);
	b[21] = (uint8_t)port;
	memcpy(b + 22, &to->sin_port, 2);
	b[24] = (uint8_t)((n + 8) >> 8);
	b[25] = (uint8_t)(n + 8);
	for (size_t i = 0; i < n; i++) {
		const char digits[3] = { hex[2 * i], hex[2 * i + 1], 0 };

		b[28 + i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return 28 + n;
}

static void flood(const struct sockaddr_in *to, double seconds, double rate, const char *hex)
{
	static uint8_t b[SIZE_MAX_];
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	unsigned long count = 0;
	uint32_t seed = 1;
	double begin = now_s();

	must(fd >= 0, "socket");
	must(strlen(hex) < SIZE_MAX_, "the datagram");
	for (double at = begin; at - begin < seconds; at = now_s()) {
		size_t n;

		if ((double)count > (at - begin) * rate) {
			usleep(200);
			continue;
		}
		n = forge(b, to, hex, &seed);
		must(sendto(fd, b, n, 0, (const struct sockaddr *)to, sizeof(*to)) > 0 ||
			     errno == ENOBUFS,
		     "sendto");
		count++;
	}
	printf("%lu\n", count);
	(void)close(fd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in a;

	if (argc < 4) {
		(void)fputs("usage: netload answer|ask|sink|send|flood ADDRESS PORT ...\n", stderr);
		return 2;
	}
	a = address_of(argv);
	if (!strcmp(argv[1], "answer"))
		answer(&a);
	else if (!strcmp(argv[1], "sink"))
		sink(&a);
	else if (!strcmp(argv[1], "ask") && argc == 6)
		ask(&a, strtod(argv[4], NULL), strtoul(argv[5], NULL, 10));
	else if (!strcmp(argv[1], "send") && argc == 7)
		send_datagrams(&a, strtod(argv[4], NULL), strtoul(argv[5], NULL, 10),
			       strtod(argv[6], NULL));
	else if (!strcmp(argv[1], "flood") && argc == 7)
		flood(&a, strtod(argv[4], NULL), strtod(argv[5], NULL), argv[6]);
	else
		return 2;
	return 0;
}
