/*
 * wghand: many WireGuard peers that shake hands, for bench/wireguard.
 *
 *   wghand keys COUNT                   prints their public keys, hex, one a line
 *   wghand run ADDRESS PORT KEY COUNT   each shakes hands once with the device of this public key
 *                                       (hex); prints how many did, how many cookies they were
 *                                       sent, and the seconds
 *
 * Peer i speaks from 10.200.(i / 256).(i mod 256), which are to be local addresses.  WINDOW of them
 * are under way at a time; each that hears nothing for a second tries again.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "wireguard/cookie.h"
#include "wireguard/message.h"
#include "wireguard/noise.h"

enum {
	COUNT_MAX = 65'536,
	WINDOW = 64,
	RETRY_MS = 1000,
	GIVE_UP_MS = 120'000,
};

struct hand {
	struct noise_identity id;
	struct noise_handshake h;
	struct cookie_maker cookies;
	uint64_t sent_ms; /* 0: not under way */
	bool is_done;
};

struct crowd {
	struct hand *hands;
	uint32_t count, next, done, cookies;
	struct sockaddr_in to;
	int fd;
};

static void must(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

static int64_t clock_ns(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t); /* cannot fail */
	return t.tv_sec * 1'000'000'000ll + t.tv_nsec;
}

static uint64_t now_ms(void)
{
	return (uint64_t)clock_ns(CLOCK_MONOTONIC) / 1'000'000;
}

/* The keys of a benchmark: the same each time, and no secret. */
static void identity_of(struct noise_identity *id, uint32_t i)
{
	struct key32 secret = { { 1, 2, 3 } };

	memcpy(secret.b + 8, &i, sizeof(i));
	noise_identity_set(id, &secret);
}

static void say_from(struct crowd *c, uint32_t i, const uint8_t *bytes, size_t n)
{
	union {
		struct cmsghdr header;
		uint8_t room[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control = { 0 };
	struct in_pktinfo from = { .ipi_spec_dst.s_addr = htonl(10u << 24 | 200u << 16 | i) };
	uint8_t copy[MESSAGE_INITIATION_LEN];
	struct iovec v = { copy, n };
	struct msghdr m = { .msg_name = &c->to,
			    .msg_namelen = sizeof(c->to),
			    .msg_iov = &v,
			    .msg_iovlen = 1,
			    .msg_control = control.room,
			    .msg_controllen = sizeof(control.room) };

	memcpy(copy, bytes, n);
	control.header.cmsg_level = IPPROTO_IP;
	control.header.cmsg_type = IP_PKTINFO;
	control.header.cmsg_len = CMSG_LEN(sizeof(from));
	memcpy(CMSG_DATA(&control.header), &from, sizeof(from));
	must(sendmsg(c->fd, &m, 0) == (ssize_t)n || errno == ENOBUFS, "sendmsg");
}

static void initiate(struct crowd *c, uint32_t i)
{
	struct hand *h = &c->hands[i];
	uint8_t bytes[MESSAGE_INITIATION_LEN], timestamp[MESSAGE_TIMESTAMP_LEN];
	struct message_initiation m;
	struct wr w = WR_ARRAY(bytes);

	noise_timestamp(timestamp, clock_ns(CLOCK_REALTIME));
	must(noise_initiation_create(&m, &h->h, &h->id, timestamp, i + 1) == RC_OK, "initiation");
	message_initiation_write(&w, &m);
	h->sent_ms = now_ms();
	cookie_stamp(&h->cookies, bytes, sizeof(bytes), h->sent_ms);
	say_from(c, i, bytes, sizeof(bytes));
}

static void hear(struct crowd *c, struct span b)
{
	struct noise_result r;
	struct message_response response;
	struct message_cookie cookie;
	uint32_t i;

	if (message_cookie_read(&cookie, b)) {
		i = cookie.receiver - 1;
		if (i >= c->count || !cookie_take(&c->hands[i].cookies, &cookie, now_ms()))
			return;
		c->cookies++;
		initiate(c, i);
	} else if (message_response_read(&response, b)) {
		i = response.receiver - 1;
		if (i >= c->count || c->hands[i].is_done ||
		    noise_response_open(&r, &c->hands[i].h, &c->hands[i].id, &response))
			return;
		c->hands[i].is_done = true;
		c->hands[i].sent_ms = 0;
		c->done++;
		if (c->next < c->count)
			initiate(c, c->next++);
	}
}

static void retry(struct crowd *c)
{
	for (uint32_t i = 0; i < c->next; i++)
		if (c->hands[i].sent_ms && now_ms() - c->hands[i].sent_ms >= RETRY_MS)
			initiate(c, i);
}

static double run(struct crowd *c)
{
	const uint64_t begin = now_ms();
	uint64_t retried = begin;

	while (c->next < WINDOW && c->next < c->count)
		initiate(c, c->next++);
	while (c->done < c->count && now_ms() - begin < GIVE_UP_MS) {
		struct pollfd p = { .fd = c->fd, .events = POLLIN };
		uint8_t b[2048];
		ssize_t n;

		(void)poll(&p, 1, 100); /* a signal ends the program anyway */
		while ((n = recv(c->fd, b, sizeof(b), MSG_DONTWAIT)) >= 0)
			hear(c, span_of(b, (size_t)n));
		if (now_ms() - retried > 100) {
			retry(c);
			retried = now_ms();
		}
	}
	return (double)(now_ms() - begin) / 1e3;
}

static void print_key(const struct noise_identity *id)
{
	for (size_t i = 0; i < sizeof(id->public_key); i++)
		(void)printf("%02x", id->public_key[i]);
	(void)puts("");
}

int main(int argc, char **argv)
{
	bool is_keys = argc == 3 && !strcmp(argv[1], "keys");
	bool is_run = argc == 6 && !strcmp(argv[1], "run");
	struct crowd c = { .fd = -1 };
	uint8_t key[MESSAGE_KEY_LEN];
	double seconds;

	if (!is_keys && !is_run)
		return 2;
	c.count = (uint32_t)strtoul(argv[argc - 1], NULL, 10);
	if (c.count > COUNT_MAX)
		return 2;
	c.hands = mem_new_array(c.count, sizeof(*c.hands));
	for (uint32_t i = 0; i < c.count; i++) {
		identity_of(&c.hands[i].id, i);
		if (is_keys)
			print_key(&c.hands[i].id);
	}
	if (is_run) {
		c.to = (struct sockaddr_in){
			.sin_family = AF_INET,
			.sin_port = htons((uint16_t)strtoul(argv[3], NULL, 10)),
		};
		must(inet_pton(AF_INET, argv[2], &c.to.sin_addr) == 1, argv[2]);
		must(text_hex_decode(key, sizeof(key), span_str(argv[4])), "key");
		c.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		must(c.fd >= 0, "socket");
		for (uint32_t i = 0; i < c.count; i++) {
			noise_peer_set(&c.hands[i].h, &c.hands[i].id, key);
			cookie_maker_set(&c.hands[i].cookies, key);
		}
		seconds = run(&c);
		(void)printf("%u %u %.3f\n", c.done, c.cookies, seconds);
		(void)close(c.fd);
	}
	free(c.hands);
	return 0;
}
