/*
 * kmsload: as many CVMs as can be, which ask a key service again and again.
 *
 *   kmsload FOLDER MANIFEST SIMULATOR ADDRESS SESSIONS EACH SECONDS
 *
 * FOLDER is as for kmsask.  SESSIONS channels at once; on each, EACH questions
 * for one key, then a new channel, with a new TLS connection and new evidence.
 * Prints "answers N channels N refused N seconds S" and, of the time between
 * a channel's connect and its first key, "latency MEDIAN P99" in milliseconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "channel/link.h"
#include "io/clock.h"
#include "keys/message.h"
#include "node/platform.h"

enum {
	LATENCIES_MAX = 200000,
};

struct load {
	struct loop *loop;
	struct platform platform;
	struct tls_context *tls;
	struct batch *batch;
	struct buf claims;
	struct sock_addr to;
	unsigned each, sessions;
	uint64_t ends_at;
	unsigned long answers, channels, refused;
	uint32_t latency[LATENCIES_MAX];
	size_t latencies;
};

struct session {
	struct load *load;
	struct link *link;
	struct keys_head head;
	uint64_t began_at;
	bool is_answered;
};

static void connect_one(struct session *s);

static void ask(struct session *s)
{
	struct keys_get m = { .wanted = { { 0, KEYS_OF_INSTANCE, "disk" } }, .count = 1 };
	struct channel *c = link_channel(s->link);
	uint8_t body[KEYS_ASK_MAX];
	struct wr w = WR_ARRAY(body);

	keys_write_get(&w, &s->head, &m);
	channel_say(c, wr_span(&w), loop_now_ms(s->load->loop));
}

static void heard(struct session *s, struct span body)
{
	struct load *l = s->load;
	struct keys_keys keys;
	struct keys_head h;

	if (keys_read_head(&h, &body) || h.type != KEYS_KEYS || keys_read_keys(&keys, body))
		l->refused++;
	else
		l->answers++;
	if (!s->is_answered && l->latencies < LATENCIES_MAX)
		l->latency[l->latencies++] = (uint32_t)(clock_boot_ms() - s->began_at);
	s->is_answered = true;
	s->head.sequence++;
	if (s->head.sequence < l->each)
		ask(s);
	else
		link_close(s->link, "done");
}

static void on_event(void *arg, struct link *link, const struct channel_event *e)
{
	struct session *s = arg;
	struct channel *c = link_channel(link);

	if (e->kind == CHANNEL_VERIFIED) {
		channel_admit(c, loop_now_ms(s->load->loop));
	} else if (e->kind == CHANNEL_TALK) {
		s->head = (struct keys_head){ .type = KEYS_GET };
		if (channel_session_id(c, s->head.session))
			ask(s);
	} else if (e->kind == CHANNEL_HEARD) {
		heard(s, e->data);
	} else if (e->kind == CHANNEL_REFUSED) {
		s->load->refused++;
	}
}

static void on_closed(void *arg, struct link *link, const char *why)
{
	struct session *s = arg;

	(void)why;
	s->load->channels++;
	s->link = NULL;
	link_free(link);
	connect_one(s);
}

static void on_verify(void *arg, struct tee_verdict *out, struct span quote)
{
	struct session *s = arg;

	trust_verify(s->load->platform.trust, out, quote, clock_unix_s());
}

static enum rc on_eventlog(void *arg, struct buf *out)
{
	struct session *s = arg;
	const struct buf *log = &s->load->platform.identity.eventlog;

	return buf_add(out, buf_span(log)) ? RC_OK : RC_LIMIT;
}

static void connect_one(struct session *s)
{
	struct load *l = s->load;
	const struct link_options o = {
		.loop = l->loop,
		.tls = l->tls,
		.batch = l->batch,
		.role = CHANNEL_CLIENT,
		.server_name = "kms",
		.alpn = KEYS_ALPN,
		.purpose = KEYS_CHANNEL_PURPOSE,
		.claims = buf_span(&l->claims),
		.manifest = buf_span(&l->platform.identity.manifest_bytes),
		.eventlog = on_eventlog,
		.verify = on_verify,
		.event = on_event,
		.closed = on_closed,
		.arg = s,
		.handshake_timeout_ms = 30000,
		.step_timeout_ms = 30000,
		.talk_ms = 60000,
	};
	int fd;

	if (clock_boot_ms() >= l->ends_at)
		return;
	s->began_at = clock_boot_ms();
	s->is_answered = false;
	if (sock_connect(&fd, &l->to) || link_new(&s->link, &o, fd)) {
		perror("kmsload: connect");
		exit(2);
	}
}

static int by_value(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void run(struct load *l, uint64_t seconds)
{
	struct session *all = mem_new_array(l->sessions, sizeof(*all));
	uint64_t began = clock_boot_ms(), took;

	l->ends_at = began + 1000 * seconds;
	for (unsigned i = 0; i < l->sessions; i++) {
		all[i].load = l;
		connect_one(&all[i]);
	}
	while (clock_boot_ms() < l->ends_at)
		if (loop_turn(l->loop, 100))
			exit(2);
	took = clock_boot_ms() - began;
	qsort(l->latency, l->latencies, sizeof(*l->latency), by_value);
	printf("answers %lu channels %lu refused %lu seconds %.3f\n", l->answers, l->channels,
	       l->refused, (double)took / 1000);
	if (l->latencies)
		printf("latency %u %u\n", l->latency[l->latencies / 2],
		       l->latency[l->latencies * 99 / 100]);
	for (unsigned i = 0; i < l->sessions; i++)
		link_free(all[i].link);
	free(all);
}

static const char *path(const char *folder, const char *name)
{
	static char rooms[4][4096];
	static unsigned next;
	char *out = rooms[next++ % 4];

	(void)snprintf(out, 4096, "%s/%s", folder, name);
	return out;
}

int main(int argc, char **argv)
{
	struct log log = { .fd = 2, .program = "kmsload", .max = LOG_ERROR };
	struct trust_settings trust = { 0 };
	struct quotes_settings quotes = { 0 };
	struct platform_options po = { .trust = &trust, .quotes = &quotes, .log = &log };
	struct load *l = mem_new(sizeof(*l));
	char error[NODE_ERROR_MAX] = "";

	if (argc != 8 || !sock_addr_parse(&l->to, span_str(argv[4])))
		return 2;
	trust.policy = path(argv[1], "policy");
	trust.collateral = path(argv[1], "collateral");
	trust.simulated_root = path(argv[1], "root.pem");
	po.identity = (struct identity_options){ .manifest = argv[2],
						 .state = path(argv[1], "state"),
						 .node = "load" };
	quotes.simulator = argv[3];
	l->sessions = (unsigned)atoi(argv[5]);
	l->each = (unsigned)atoi(argv[6]);
	buf_init(&l->claims, CHANNEL_CLAIMS_MAX);
	if (platform_open(&l->platform, &po, error) || loop_new(&l->loop) ||
	    identity_claims(&l->claims, &l->platform.identity, KEYS_CHANNEL_PURPOSE) ||
	    tls_attested_new(&l->tls, false, KEYS_ALPN, error) ||
	    batch_new(&l->batch, l->loop, quoter_quote, l->platform.source)) {
		fprintf(stderr, "kmsload: %s\n", error);
		return 2;
	}
	run(l, strtoull(argv[7], NULL, 10));
	batch_free(l->batch);
	tls_context_free(l->tls);
	loop_free(l->loop);
	platform_fini(&l->platform);
	buf_fini(&l->claims);
	free(l);
	return 0;
}
