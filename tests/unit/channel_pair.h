/*
 * channel_pair: two ends of the attested channel in memory, without TLS and
 * without TDX: a made-up exporter, quotes that are well formed but signed by
 * nobody, and a verifier that says what the test wants.
 *
 * Every knob of a side bends what it sends or what it is told, so that an
 * attack is one line.
 */
#ifndef POSTERN_TESTS_CHANNEL_PAIR_H
#define POSTERN_TESTS_CHANNEL_PAIR_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/wr.h"
#include "channel/binding.h"
#include "channel/claims.h"
#include "channel/message.h"
#include "channel/session.h"
#include "crypto/rng.h"
#include "crypto/x25519.h"
#include "tee/eventlog.h"

enum {
	PAIR_STEP_MS = 1000,
	PAIR_LEASE_MS = 600000,
	/* offsets in a v4 quote: 48 of header, then the TD report */
	FAKE_MR_CONFIG_ID = 48 + 184,
	FAKE_RTMR3 = 48 + 472,
	FAKE_REPORT_DATA = 48 + 520,
};

struct side {
	enum channel_role role;
	struct channel *channel;
	char manifest[256];
	struct channel_claims claims;
	struct buf claims_text, quote, log;
	uint8_t rtmr3[48];
	struct sha256 own_spki;
	uint8_t session_secret[32]; /* what the fake exporter knows */
	struct key32 wg_secret;
	uint8_t wg_public[32];
	const char *purpose;
	uint64_t talk_ms;
	const char *says; /* talk: at its turn; NULL: nothing */
	struct channel_assignment assignment;

	/* another platform and verifier than the fake ones */
	void (*make_quote)(struct side *s, const uint8_t report_data[64]);
	void (*verify)(struct side *s, struct tee_verdict *out, struct span quote);
	void *platform;

	/* knobs */
	bool has_no_exporter;
	const char *zero_label; /* for this label the exporter gives zeros */
	enum tee_reason verdict; /* what its verifier says of the peer */
	bool verifies_nothing; /* the callback fills nothing */
	bool says_unverified; /* TEE_OK without is_verified */
	bool does_not_quote, does_not_admit, does_not_assign;
	bool gives_zero_report_data;

	/* what happened */
	unsigned verified, quoted, keyed, assigned, heard;
	char word[64]; /* the last body heard */
	struct channel_event last, end;
	struct key32 psk;
	struct sha512 binder;
	struct buf sent; /* every byte it ever said */
};

static inline bool side_export(void *arg, uint8_t out[32], const char *label,
			       struct span context)
{
	const struct side *s = arg;
	const struct span parts[] = { SPAN_ARRAY(s->session_secret), span_str(label), context };
	struct sha256 h;

	if (s->has_no_exporter)
		return false;
	sha256_parts(&h, parts, 3);
	memcpy(out, h.b, 32);
	if (s->zero_label && strcmp(s->zero_label, label) == 0)
		memset(out, 0, 32);
	return true;
}

static inline void side_verify(void *arg, struct tee_verdict *out, struct span quote)
{
	struct side *s = arg;

	if (s->verify) {
		s->verify(s, out, quote);
		return;
	}
	if (s->verifies_nothing)
		return;
	out->reason = s->verdict;
	out->is_verified = s->verdict == TEE_OK && !s->says_unverified;
	out->is_simulated = true;
	if (s->verdict)
		(void)snprintf(out->detail, sizeof(out->detail), "our policy's secrets");
}

/* A quote that quote_parse() takes and no verifier would. */
static inline void fake_quote(struct buf *out, const uint8_t config_id[48],
			      const uint8_t rtmr3[48], const uint8_t report_data[64])
{
	static const uint8_t vendor[16] = { 0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
					    0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07 };
	uint8_t bytes[2048];
	struct wr w = WR_ARRAY(bytes);

	wr_le16(&w, 4);
	wr_le16(&w, 2);
	wr_le32(&w, 0x81);
	wr_zero(&w, 4);
	wr_bytes(&w, SPAN_ARRAY(vendor));
	wr_zero(&w, 20);
	wr_zero(&w, 184);
	wr_bytes(&w, span_of(config_id, 48));
	wr_zero(&w, 2 * 48 + 3 * 48);
	wr_bytes(&w, span_of(rtmr3, 48));
	wr_bytes(&w, span_of(report_data, 64));
	wr_le32(&w, 64 + 64 + 6 + 384 + 64 + 2 + 6);
	wr_zero(&w, 64 + 64);
	wr_le16(&w, 6);
	wr_le32(&w, 384 + 64 + 2 + 6);
	wr_zero(&w, 384 + 64 + 2);
	wr_le16(&w, 5);
	wr_le32(&w, 0);
	buf_reset(out);
	if (!buf_add(out, wr_span(&w)))
		abort();
}

/* The quote of this side over a batch's root. */
static inline void side_quote(struct side *s, const struct merkle_hash *root)
{
	uint8_t config_id[48], report_data[64] = { 0 };

	manifest_config_id(config_id, span_str(s->manifest));
	if (!s->gives_zero_report_data)
		channel_report_data(report_data, root);
	if (s->make_quote) {
		s->make_quote(s, report_data);
		return;
	}
	fake_quote(&s->quote, config_id, s->rtmr3, report_data);
}

static inline void side_log_event(struct side *s, struct eventlog *log, const char *name,
				  struct span payload)
{
	struct sha384 digest, value;

	if (eventlog_append(log, &digest, name, payload))
		abort();
	memcpy(value.b, s->rtmr3, 48);
	eventlog_extend(&value, &digest);
	memcpy(s->rtmr3, value.b, 48);
}

/* The log of what claims and manifest say, and the RTMR3 it leads to. */
static inline void side_measure(struct side *s)
{
	struct eventlog log;
	struct sha256 hash;

	memset(s->rtmr3, 0, sizeof(s->rtmr3));
	sha256_of(&hash, span_str(s->manifest));
	memcpy(s->claims.app_id, hash.b, MANIFEST_ID_LEN);
	s->claims.manifest_hash = hash;
	eventlog_init(&log);
	side_log_event(s, &log, "app-id", SPAN_ARRAY(s->claims.app_id));
	side_log_event(s, &log, "compose-hash", SPAN_ARRAY(hash.b));
	side_log_event(s, &log, "instance-id", SPAN_ARRAY(s->claims.instance_id));
	side_log_event(s, &log, "boot-mr-done", span_of(NULL, 0));
	buf_reset(&s->log);
	if (eventlog_text(&log, &s->log))
		abort();
	eventlog_fini(&log);
}

static inline void side_claim(struct side *s)
{
	buf_reset(&s->claims_text);
	if (channel_claims_write(&s->claims_text, &s->claims))
		abort();
}

static inline void side_init(struct side *s, enum channel_role role)
{
	bool is_client = role == CHANNEL_CLIENT;

	*s = (struct side){ .role = role, .purpose = "cvm-tunnel" };
	(void)snprintf(s->manifest, sizeof(s->manifest),
		       "{\"manifest_version\":2,\"name\":\"%s\",\"allowed_envs\":[\"A\"],"
		       "\"ports\":[{\"port\":80}]}",
		       is_client ? "hello" : "gateway");
	buf_init(&s->claims_text, CHANNEL_CLAIMS_MAX);
	buf_init(&s->quote, QUOTE_MAX);
	buf_init(&s->log, EVENTLOG_MAX);
	buf_init(&s->sent, 16 * 1024 * 1024);
	memset(s->claims.instance_id, is_client ? 0x11 : 0x22, MANIFEST_ID_LEN);
	(void)snprintf(s->claims.node_id, sizeof(s->claims.node_id), "%s",
		       is_client ? "cvm-1" : "gw-1");
	(void)snprintf(s->claims.purpose, sizeof(s->claims.purpose), "cvm-tunnel");
	(void)snprintf(s->claims.version, sizeof(s->claims.version), "0.1.0");
	side_measure(s);
	side_claim(s);
	memset(s->own_spki.b, is_client ? 0xc1 : 0x5e, 32);
	x25519_generate(&s->wg_secret);
	x25519_public(s->wg_public, &s->wg_secret);
	s->assignment = (struct channel_assignment){
		.address = { 4, { 10, 88, 0, 2 }, 16 },
		.gateway = { 4, { 10, 88, 0, 1 }, 16 },
		.endpoint_ip = { 4, { 198, 51, 100, 1 }, 32 },
		.endpoint_port = 51820,
		.allowed = { { 4, { 10, 88, 0, 1 }, 32 } },
		.allowed_count = 1,
		.lease_ms = PAIR_LEASE_MS,
		.keepalive_s = 25,
	};
}

static inline void side_start(struct side *s, const struct sha256 *peer_spki, uint64_t now_ms)
{
	struct channel_params p = {
		.role = s->role,
		.own_spki = s->own_spki,
		.peer_spki = *peer_spki,
		.claims = buf_span(&s->claims_text),
		.manifest = span_str(s->manifest),
		.purpose = s->purpose,
		.export = side_export,
		.verify = side_verify,
		.arg = s,
		.step_timeout_ms = PAIR_STEP_MS,
		.talk_ms = s->talk_ms,
	};

	memcpy(p.wg_public, s->wg_public, 32);
	channel_free(s->channel);
	s->channel = channel_new(&p, now_ms);
}

static inline void side_fini(struct side *s)
{
	channel_free(s->channel);
	buf_fini(&s->claims_text);
	buf_fini(&s->quote);
	buf_fini(&s->log);
	buf_fini(&s->sent);
}

/* Answers a QUOTE as a batch of one would. */
static inline void side_answer_quote(struct side *s, uint64_t now_ms)
{
	struct merkle_hash root;

	merkle_leaf(&root, hash_merkle_sha256, SPAN_ARRAY(s->binder.b));
	side_quote(s, &root);
	channel_quoted(s->channel, buf_span(&s->quote), buf_span(&s->log), 0, 1, NULL, 0, now_ms);
}

/* Does what one event asks for; false: there was none. */
static inline bool side_step(struct side *s, uint64_t now_ms)
{
	struct channel_event e;

	channel_next(s->channel, &e);
	if (e.kind == CHANNEL_NOTHING)
		return false;
	s->last = e;
	switch (e.kind) {
	case CHANNEL_QUOTE:
		s->quoted++;
		s->binder = e.binder;
		if (!s->does_not_quote)
			side_answer_quote(s, now_ms);
		break;
	case CHANNEL_VERIFIED:
		s->verified++;
		if (!s->does_not_admit)
			channel_admit(s->channel, now_ms);
		break;
	case CHANNEL_KEY_WANTED:
		channel_offer_key(s->channel, s->wg_public, now_ms);
		break;
	case CHANNEL_KEYED:
		s->keyed++;
		s->psk = e.psk;
		if (!s->does_not_assign)
			channel_assign(s->channel, &s->assignment, now_ms);
		break;
	case CHANNEL_ASSIGNED:
		s->assigned++;
		s->psk = e.psk;
		break;
	case CHANNEL_HEARD:
		s->heard++;
		(void)snprintf(s->word, sizeof(s->word), "%.*s", (int)e.data.n, e.data.p);
		[[fallthrough]];
	case CHANNEL_TALK:
		if (s->says)
			channel_say(s->channel, span_str(s->says), now_ms);
		if (s->role == CHANNEL_CLIENT)
			s->says = NULL;
		break;
	case CHANNEL_REFUSED:
	case CHANNEL_WITHDRAWN:
		s->end = e;
		break;
	case CHANNEL_NOTHING:
		break;
	}
	return true;
}

/* Moves what 'from' has to say to 'to' ('to' may be NULL); false: nothing. */
static inline bool side_move(struct side *from, struct side *to, uint64_t now_ms)
{
	struct buf *out = channel_output(from->channel);
	struct span s = buf_span(out);

	if (s.n == 0)
		return false;
	if (!buf_add(&from->sent, s))
		abort();
	if (to)
		channel_input(to->channel, s, now_ms);
	buf_consume(out, s.n);
	return true;
}

struct pair {
	struct side client, server;
};

static inline void pair_init(struct pair *p)
{
	side_init(&p->client, CHANNEL_CLIENT);
	side_init(&p->server, CHANNEL_SERVER);
	rng_bytes(p->client.session_secret, 32);
	memcpy(p->server.session_secret, p->client.session_secret, 32);
}

static inline void pair_start(struct pair *p)
{
	side_start(&p->client, &p->server.own_spki, 0);
	side_start(&p->server, &p->client.own_spki, 0);
}

static inline void pair_fini(struct pair *p)
{
	side_fini(&p->client);
	side_fini(&p->server);
}

/* Until neither has anything to say or to do. */
static inline void pair_run(struct pair *p, uint64_t now_ms)
{
	bool moved = true;

	while (moved) {
		moved = side_step(&p->client, now_ms);
		moved |= side_step(&p->server, now_ms);
		moved |= side_move(&p->client, &p->server, now_ms);
		moved |= side_move(&p->server, &p->client, now_ms);
	}
}

/* How many frames of a type stand in a stream of them. */
static inline unsigned frames_of(struct span stream, enum message_type type)
{
	unsigned count = 0;
	struct span body;
	uint8_t t;

	while (rd_u8(&stream, &t) && rd_vec24(&stream, &body))
		count += t == type;
	return count;
}

/* The n-th (from 0) frame of a type, header included. */
static inline struct span frame_of(struct span stream, enum message_type type, unsigned nth)
{
	struct span body, at = stream;
	uint8_t t;

	while (rd_u8(&stream, &t) && rd_vec24(&stream, &body)) {
		if (t == type && nth-- == 0)
			return span_of(at.p, body.n + MESSAGE_HEADER_LEN);
		at = stream;
	}
	return span_of(NULL, 0);
}

#endif
