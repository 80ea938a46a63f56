/*
 * postern-attacker: two attacks on the attested channel, for the demo and the
 * tests.  It speaks TLS and the channel's framing as well as anybody, has every
 * byte of a genuine CVM's evidence, and no TEE of its own.
 *
 *   postern-attacker relay LISTEN UPSTREAM SNI [--record FILE]
 *       A man in the middle: takes a CVM's connection, opens its own to the
 *       real gateway, and hands every frame on, both ways, as it came.
 *       --record keeps the client's EVIDENCE frame.
 *
 *   postern-attacker replay FILE UPSTREAM SNI
 *       A client of its own that shows the EVIDENCE of another session.
 *
 * SNI "kms" is the key service's channel, which has an ALPN of its own.
 *
 * Prints one line of JSON: what it saw, who refused and why, and how many KEY,
 * ASSIGN and DATA frames passed.  Exit status: 0 the attack was refused and no key
 * was seen, 1 it succeeded, 2 it could not be tried.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel/message.h"
#include "crypto/rng.h"
#include "crypto/x25519.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/sock.h"
#include "tls/tls.h"

#define KMS_ALPN "postern-kms/1"

enum {
	SESSION_MS = 30000, /* longest life of one attempt */
	TURN_MS = 20, /* what a connection being made is looked at after */
	SEEN_MAX = 32, /* frames a side may send before we lose interest */
	EXIT_REFUSED = 0,
	EXIT_SUCCEEDED = 1,
	EXIT_NOT_TRIED = 2,
};

/* One connection: to the CVM ("client") or to the gateway ("server"), named by
 * who is at its other end. */
struct leg {
	const char *peer;
	int fd;
	struct tls_conn *tls;
	struct buf plain; /* decrypted, not yet taken as frames */
	bool is_up, is_over;
	uint8_t seen[SEEN_MAX]; /* types of the frames the peer sent */
	size_t seen_count;
};

struct attack {
	const char *name;
	struct leg legs[2]; /* client, server; replay has the second alone */
	const struct leg *refused_by;
	struct message_refusal refusal;
	unsigned keys_seen;
	const char *record;
	bool is_recorded;
};

static int cannot(const char *what)
{
	fprintf(stderr, "postern-attacker: %s: %s\n", what, strerror(errno));
	return EXIT_NOT_TRIED;
}

/* ---- one leg */

static bool leg_open(struct leg *l, const char *peer, int fd, struct tls_context *tls,
		     const char *sni)
{
	*l = (struct leg){ .peer = peer, .fd = fd };
	buf_init(&l->plain, 4 * CHANNEL_MESSAGE_MAX);
	return tls_conn_new(&l->tls, tls, sni) == RC_OK;
}

static void leg_close(struct leg *l)
{
	tls_conn_free(l->tls);
	buf_fini(&l->plain);
	if (l->tls)
		(void)close(l->fd);
	*l = (struct leg){ 0 };
}

static void leg_receive(struct leg *l)
{
	uint8_t chunk[16384];
	ssize_t n;

	while (tls_feed_room(l->tls) >= sizeof(chunk)) {
		n = recv(l->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		if (n < 0 && errno != EINTR) {
			l->is_over |= errno != EAGAIN;
			return;
		}
		if (n == 0) {
			tls_feed_eof(l->tls);
			return;
		}
		if (n > 0 && tls_feed(l->tls, span_of(chunk, (size_t)n)))
			return;
	}
}

static void leg_decrypt(struct leg *l)
{
	uint8_t plain[16384];
	enum tls_status status;
	size_t n;

	if (!l->is_up) {
		status = tls_handshake(l->tls);
		l->is_over |= status == TLS_FAILED || status == TLS_EOF;
		l->is_up = status == TLS_OK;
	}
	while (l->is_up && !l->is_over) {
		status = tls_read(l->tls, plain, sizeof(plain), &n);
		if (status == TLS_WANT)
			return;
		if (status != TLS_OK || !buf_add(&l->plain, span_of(plain, n)))
			l->is_over = true;
	}
}

static void leg_send(struct leg *l)
{
	struct buf *out = tls_output(l->tls);

	while (buf_span(out).n) {
		struct span s = buf_span(out);
		ssize_t n = send(l->fd, s.p, s.n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			l->is_over |= errno != EAGAIN;
			return;
		}
		buf_consume(out, (size_t)n);
	}
}

/* The next whole frame at the front of what came, header included. */
static bool leg_frame(const struct leg *l, struct span *frame)
{
	struct span s = buf_span(&l->plain), body;
	uint8_t type;

	if (!rd_u8(&s, &type) || !rd_vec24(&s, &body))
		return false;
	*frame = span_of(buf_span(&l->plain).p, MESSAGE_HEADER_LEN + body.n);
	return true;
}

/* Waits for any of the legs, at most until the session's end. */
static void wait_for(struct attack *a, uint64_t until_ms)
{
	struct pollfd fds[2];
	uint64_t now_ms = clock_boot_ms();

	for (int i = 0; i < 2; i++) {
		struct leg *l = &a->legs[i];

		fds[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
		if (l->tls && !l->is_over)
			fds[i].fd = l->fd;
		if (l->tls && buf_span(tls_output(l->tls)).n)
			fds[i].events |= POLLOUT;
	}
	if (now_ms < until_ms)
		(void)poll(fds, 2, TURN_MS);
	for (int i = 0; i < 2; i++) {
		struct leg *l = &a->legs[i];

		if (!l->tls || l->is_over)
			continue;
		leg_receive(l);
		leg_decrypt(l);
		leg_send(l);
	}
}

/* ---- what is seen */

static void note(struct attack *a, struct leg *from, struct span frame)
{
	struct span body = span_of(frame.p + MESSAGE_HEADER_LEN, frame.n - MESSAGE_HEADER_LEN);
	uint8_t type = frame.p[0];

	if (from->seen_count < SEEN_MAX)
		from->seen[from->seen_count++] = type;
	if (type == MESSAGE_KEY || type == MESSAGE_ASSIGN || type == MESSAGE_DATA)
		a->keys_seen++;
	if (type == MESSAGE_REFUSE && !a->refused_by &&
	    message_read_refusal(&a->refusal, body) == RC_OK)
		a->refused_by = from;
	if (type == MESSAGE_EVIDENCE && from == &a->legs[0] && a->record && !a->is_recorded)
		a->is_recorded = file_replace(a->record, frame, 0600) == RC_OK;
}

static const char *type_name(uint8_t type)
{
	static const char *const names[] = { "?", "HELLO", "EVIDENCE", "KEY",
					     "ASSIGN", "REFUSE", "WITHDRAW", "DATA" };

	return type <= MESSAGE_DATA ? names[type] : names[0];
}

static void print_leg(const struct leg *l)
{
	printf("\"from_%s\":[", l->peer);
	for (size_t i = 0; i < l->seen_count; i++)
		printf("%s\"%s\"", i ? "," : "", type_name(l->seen[i]));
	printf("],");
}

/* A refusal's detail is printable ASCII; these two are all JSON minds. */
static void print_text(const char *s)
{
	for (; *s; s++)
		printf(*s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
}

static int report(const struct attack *a)
{
	bool is_refused = a->refused_by && a->keys_seen == 0;

	printf("{\"attack\":\"%s\",", a->name);
	for (int i = 0; i < 2; i++)
		if (a->legs[i].peer)
			print_leg(&a->legs[i]);
	if (a->refused_by) {
		printf("\"refused_by\":\"%s\",\"reason\":\"%s\",\"detail\":\"", a->refused_by->peer,
		       channel_reason_name(a->refusal.reason));
		print_text(a->refusal.detail);
		printf("\",");
	}
	if (a->record)
		printf("\"recorded\":%s,", a->is_recorded ? "true" : "false");
	printf("\"refused\":%s,\"keys_seen\":%u}\n", is_refused ? "true" : "false", a->keys_seen);
	(void)fflush(stdout);
	return is_refused ? EXIT_REFUSED : EXIT_SUCCEEDED;
}

/* ---- relay */

/* Hands whole frames on as they came. */
static bool hand_on(struct attack *a, struct leg *from, struct leg *to)
{
	struct span frame;
	bool moved = false;

	while (to->is_up && leg_frame(from, &frame)) {
		note(a, from, frame);
		if (!to->is_over && tls_write(to->tls, frame) != TLS_OK)
			to->is_over = true;
		buf_consume(&from->plain, frame.n);
		moved = true;
	}
	leg_send(to);
	return moved;
}

static void relay_session(struct attack *a)
{
	uint64_t until_ms = clock_boot_ms() + SESSION_MS;
	struct leg *client = &a->legs[0], *server = &a->legs[1];
	bool is_over = false;

	while (!is_over && clock_boot_ms() < until_ms) {
		bool moved;

		wait_for(a, until_ms);
		moved = hand_on(a, client, server);
		moved |= hand_on(a, server, client);
		/* A side that ends has said all; so, at once, have we. */
		is_over = !moved && (client->is_over || server->is_over);
	}
	for (int i = 0; i < 2; i++) {
		tls_close(a->legs[i].tls);
		leg_send(&a->legs[i]);
	}
}

static int relay(struct attack *a, const struct sock_addr *listen_at,
		 const struct sock_addr *upstream, const char *sni, struct tls_context *as_server,
		 struct tls_context *as_client)
{
	struct pollfd wait = { .events = POLLIN };
	struct sock_addr peer;
	int fd, up;

	if (sock_listen(&wait.fd, listen_at, 8))
		return cannot("listen");
	/* Whoever connects and shows no evidence was not the victim. */
	for (;;) {
		if (poll(&wait, 1, -1) < 0 && errno != EINTR)
			return cannot("poll");
		if (sock_accept(&fd, &peer, wait.fd))
			continue;
		if (sock_connect(&up, upstream))
			return cannot("connect");
		if (!leg_open(&a->legs[0], "client", fd, as_server, NULL) ||
		    !leg_open(&a->legs[1], "server", up, as_client, sni))
			return cannot("tls");
		relay_session(a);
		if (a->refused_by || a->keys_seen)
			break;
		leg_close(&a->legs[0]);
		leg_close(&a->legs[1]);
	}
	(void)close(wait.fd);
	return report(a);
}

/* ---- replay */

static bool say_hello(struct leg *server)
{
	struct message_hello m = { .version = CHANNEL_VERSION, .role = CHANNEL_CLIENT };
	uint8_t bytes[MESSAGE_HEADER_LEN + MESSAGE_HELLO_LEN];
	struct wr w = WR_ARRAY(bytes);

	rng_bytes(m.nonce, sizeof(m.nonce));
	message_write_hello(&w, &m);
	return tls_write(server->tls, wr_span(&w)) == TLS_OK;
}

/* The gateway has accepted the evidence: goes on as the CVM would. */
static bool say_key(struct leg *server)
{
	struct message_key m = { .round = 0 };
	uint8_t bytes[MESSAGE_HEADER_LEN + MESSAGE_KEY_LEN];
	struct wr w = WR_ARRAY(bytes);
	struct key32 secret;

	x25519_generate(&secret);
	x25519_public(m.wg_public, &secret);
	message_write_key(&w, &m);
	return tls_write(server->tls, wr_span(&w)) == TLS_OK;
}

static bool answer(struct leg *server, uint8_t type, struct span evidence)
{
	switch (type) {
	case MESSAGE_HELLO:
		return tls_write(server->tls, evidence) == TLS_OK;
	case MESSAGE_EVIDENCE:
		return say_key(server);
	default:
		return false;
	}
}

static int replay(struct attack *a, const char *file, const struct sock_addr *upstream,
		  const char *sni, struct tls_context *as_client)
{
	uint64_t until_ms = clock_boot_ms() + SESSION_MS;
	struct leg *server = &a->legs[1];
	bool has_greeted = false, is_going = true;
	struct buf evidence;
	struct span frame;
	int fd;

	buf_init(&evidence, MESSAGE_HEADER_LEN + CHANNEL_MESSAGE_MAX);
	if (file_read(&evidence, file))
		return cannot(file);
	if (sock_connect(&fd, upstream) || !leg_open(server, "server", fd, as_client, sni))
		return cannot("connect");
	while (is_going && clock_boot_ms() < until_ms) {
		wait_for(a, until_ms);
		if (server->is_up && !has_greeted)
			has_greeted = say_hello(server);
		while (is_going && leg_frame(server, &frame)) {
			note(a, server, frame);
			is_going = answer(server, frame.p[0], buf_span(&evidence));
			buf_consume(&server->plain, frame.n);
		}
		leg_send(server);
		is_going &= !server->is_over;
	}
	buf_fini(&evidence);
	/* Neither refused nor accepted: nobody was there to ask. */
	if (!a->refused_by && a->keys_seen == 0 && server->seen_count < 2) {
		fprintf(stderr, "postern-attacker: no answer: %s\n", tls_conn_error(server->tls));
		return EXIT_NOT_TRIED;
	}
	return report(a);
}

static int usage(void)
{
	fputs("usage: postern-attacker relay LISTEN UPSTREAM SNI [--record FILE]\n"
	      "       postern-attacker replay FILE UPSTREAM SNI\n",
	      stderr);
	return EXIT_NOT_TRIED;
}

int main(int argc, char **argv)
{
	struct tls_context *as_client = NULL, *as_server = NULL;
	struct sock_addr listen_at, upstream;
	struct attack a = { 0 };
	char error[TLS_ERROR_MAX] = "";
	bool is_relay = argc > 1 && strcmp(argv[1], "relay") == 0;
	const char *alpn = CHANNEL_ALPN;
	int status;

	if (argc < 5 || (!is_relay && strcmp(argv[1], "replay") != 0) ||
	    (argc > 5 && (!is_relay || argc != 7 || strcmp(argv[5], "--record") != 0)))
		return usage();
	if (!sock_addr_parse(&upstream, span_str(argv[3])) ||
	    (is_relay && !sock_addr_parse(&listen_at, span_str(argv[2]))))
		return usage();
	if (strcmp(argv[4], "kms") == 0)
		alpn = KMS_ALPN;
	if (tls_attested_new(&as_client, false, alpn, error) ||
	    tls_attested_new(&as_server, true, alpn, error)) {
		fprintf(stderr, "postern-attacker: %s\n", error);
		return EXIT_NOT_TRIED;
	}
	a.name = argv[1];
	a.record = argc == 7 ? argv[6] : NULL;
	if (is_relay)
		status = relay(&a, &listen_at, &upstream, argv[4], as_server, as_client);
	else
		status = replay(&a, argv[2], &upstream, argv[4], as_client);
	leg_close(&a.legs[0]);
	leg_close(&a.legs[1]);
	tls_context_free(as_client);
	tls_context_free(as_server);
	return status;
}
