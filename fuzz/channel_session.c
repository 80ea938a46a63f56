/*
 * Two sessions and somebody between them who reads a script: each byte is what
 * happens next, and bytes that follow are what is injected.  However it goes:
 * no key before a verdict, no key after a refusal, one last event, one frame
 * kept, and nothing said after the end.
 */
#include "../tests/unit/channel_pair.h"
#include "channel/core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check(const struct side *s)
{
	const struct channel *c = s->channel;
	struct span said = buf_span(&s->sent);

	require(c->in.n <= MESSAGE_HEADER_LEN + CHANNEL_MESSAGE_MAX);
	require(frames_of(said, MESSAGE_KEY) <= s->verified);
	require(frames_of(said, MESSAGE_ASSIGN) <= s->verified);
	require(s->keyed <= s->verified && s->assigned <= s->verified);
	if (s->verdict)
		require(s->verified == 0 && s->keyed == 0 && s->assigned == 0);
	if (core_is_over(c))
		require(c->in.cap == 0 && channel_deadline(c) == UINT64_MAX);
}

/* Moves up to n bytes on, the first of them bent by 'flip'. */
static void move(struct side *from, struct side *to, size_t n, uint8_t flip)
{
	struct buf *out = channel_output(from->channel);
	struct span s = buf_span(out);
	uint8_t *copy;

	n = n < s.n ? n : s.n;
	if (n == 0)
		return;
	copy = malloc(n);
	memcpy(copy, s.p, n);
	require(buf_add(&from->sent, span_of(copy, n)));
	copy[0] ^= flip;
	channel_input(to->channel, span_of(copy, n), 0);
	free(copy);
	buf_consume(out, n);
}

static void inject(struct side *to, struct span *script)
{
	struct span piece;
	uint8_t *copy;

	if (!rd_vec8(script, &piece))
		return;
	copy = malloc(piece.n + 1);
	memcpy(copy, piece.p, piece.n);
	channel_input(to->channel, span_of(copy, piece.n), 0);
	free(copy);
}

static void act(struct pair *p, uint8_t op, struct span *script)
{
	struct side *a = op & 0x80 ? &p->server : &p->client;
	struct side *b = op & 0x80 ? &p->client : &p->server;
	uint8_t n = 0, flip = 0;

	switch (op & 0x0f) {
	case 0:
		(void)side_step(a, 0);
		break;
	case 1:
		move(a, b, SIZE_MAX, 0);
		break;
	case 2:
		(void)rd_u8(script, &n);
		move(a, b, n, 0);
		break;
	case 3:
		(void)rd_u8(script, &flip);
		move(a, b, SIZE_MAX, flip);
		break;
	case 4:
		inject(a, script);
		break;
	case 5:
		channel_renew(a->channel, 0);
		break;
	case 6:
		channel_withdraw(a->channel, CHANNEL_LEASE_WITHDRAWN);
		break;
	case 7:
		channel_refuse(a->channel, CHANNEL_SHUTDOWN, "script");
		break;
	case 8:
		channel_admit(a->channel, 0);
		break;
	case 9:
		channel_offer_key(a->channel, a->wg_public, 0);
		break;
	case 10:
		channel_assign(a->channel, &a->assignment, 0);
		break;
	case 11:
		side_answer_quote(a, 0);
		break;
	case 12:
		(void)rd_u8(script, &n);
		channel_expire(a->channel, (uint64_t)n * 10000);
		break;
	default:
		pair_run(p, 0);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span script = span_of(data, size);
	struct pair p;
	uint8_t op;

	if (!rd_u8(&script, &op) || size > 2048)
		return 0;
	pair_init(&p);
	if (op & 1)
		p.client.verdict = TEE_POLICY_MEASUREMENT;
	if (op & 2)
		p.server.verdict = TEE_QUOTE_SIGNATURE;
	p.server.has_no_exporter = op & 4;
	pair_start(&p);
	for (int i = 0; i < 64 && rd_u8(&script, &op); i++) {
		act(&p, op, &script);
		check(&p.client);
		check(&p.server);
	}
	pair_fini(&p);
	return 0;
}
