/*
 * guard: between a client and a server of libnghttp2, neither of which knows of
 * it, over random cuts and random requests; then each rule by itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#include "http2/guard.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static const struct vouch PLAIN = { .name = { (const uint8_t *)"a.example", 9 } };
static const struct vouch FORWARDING = {
	.name = { (const uint8_t *)"a.example", 9 },
	.is_forwarding = true,
	.client = { (const uint8_t *)"192.0.2.7", 9 },
	.certificate = { (const uint8_t *)"Hash=00", 7 },
};

static uint64_t seed;
static unsigned rnd(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

enum {
	STREAMS_MAX = 4096,
};

/* libnghttp2 writes to neither. */
static nghttp2_nv nv(const char *name, const char *value)
{
	return (nghttp2_nv){ (uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
			     strlen(value), 0 };
}

/* What both ends saw of each stream. */
struct seen {
	unsigned status; /* the client: of the response */
	bool is_closed; /* the client's stream */
	bool is_served; /* the server had the request */
	bool is_ours; /* the server saw our field of forwarding, and not the client's */
	size_t sent, got; /* bytes of the request's body */
	bool is_certified;
};

struct pair {
	nghttp2_session *client, *server;
	struct guard guard;
	struct seen seen[STREAMS_MAX];
	bool is_broken;
};

static int on_client_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name,
			    size_t name_n, const uint8_t *value, size_t value_n, uint8_t flags,
			    void *arg)
{
	struct pair *p = arg;

	(void)s;
	(void)flags;
	if (span_equal_str(span_of(name, name_n), ":status") && value_n == 3)
		p->seen[f->hd.stream_id].status = (unsigned)atoi((const char *)value);
	return 0;
}

static int on_client_close(nghttp2_session *s, int32_t id, uint32_t error, void *arg)
{
	struct pair *p = arg;

	(void)s;
	(void)error;
	p->seen[id].is_closed = true;
	return 0;
}

static int on_server_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name,
			    size_t name_n, const uint8_t *value, size_t value_n, uint8_t flags,
			    void *arg)
{
	struct span n = span_of(name, name_n), v = span_of(value, value_n);
	struct pair *p = arg;

	(void)s;
	(void)flags;
	if (span_equal_str(n, ":authority"))
		assert_true(span_equal_str(v, "a.example"));
	if (span_equal_str(n, "x-forwarded-for") && span_equal_str(v, "192.0.2.7"))
		p->seen[f->hd.stream_id].is_ours = true;
	if (span_equal_str(n, "x-forwarded-for") && span_equal_str(v, "6.6.6.6"))
		assert_false(p->guard.vouch->is_forwarding);
	if (span_equal_str(n, "x-forwarded-client-cert")) {
		p->seen[f->hd.stream_id].is_certified = true;
		assert_true(!p->guard.vouch->is_forwarding ||
			    span_equal(v, p->guard.vouch->certificate));
	}
	return 0;
}

static int on_server_data(nghttp2_session *s, uint8_t flags, int32_t id, const uint8_t *data,
			  size_t n, void *arg)
{
	struct pair *p = arg;

	(void)s;
	(void)flags;
	(void)data;
	p->seen[id].got += n;
	return 0;
}

static int on_server_frame(nghttp2_session *s, const nghttp2_frame *f, void *arg)
{
	struct pair *p = arg;

	if (f->hd.type != NGHTTP2_HEADERS && f->hd.type != NGHTTP2_DATA)
		return 0;
	p->seen[f->hd.stream_id].is_served = true;
	if (f->hd.flags & NGHTTP2_FLAG_END_STREAM) {
		/* Its table grows with each response. */
		char text[16] = "";
		nghttp2_nv list[] = { nv(":status", "200"), nv("x-stream", text) };

		list[1].valuelen = (size_t)snprintf(text, sizeof(text), "%d", f->hd.stream_id);
		assert_int_equal(nghttp2_submit_response(s, f->hd.stream_id, list, 2, NULL), 0);
	}
	return 0;
}

static void pair_open(struct pair *p, const struct vouch *vouch, uint32_t table)
{
	nghttp2_settings_entry settings[] = { { NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, table },
					      { NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000 } };
	nghttp2_session_callbacks *client, *server;

	memset(p, 0, sizeof(*p));
	guard_init(&p->guard, vouch);
	nghttp2_session_callbacks_new(&client);
	nghttp2_session_callbacks_new(&server);
	nghttp2_session_callbacks_set_on_header_callback(client, on_client_header);
	nghttp2_session_callbacks_set_on_stream_close_callback(client, on_client_close);
	nghttp2_session_callbacks_set_on_header_callback(server, on_server_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(server, on_server_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(server, on_server_frame);
	nghttp2_session_client_new(&p->client, client, p);
	nghttp2_session_server_new(&p->server, server, p);
	nghttp2_session_callbacks_del(client);
	nghttp2_session_callbacks_del(server);
	nghttp2_submit_settings(p->client, 0, NULL, 0);
	/* An empty SETTINGS is one, too. */
	nghttp2_submit_settings(p->server, 0, settings, table ? 2 : 0);
}

static void pair_close(struct pair *p)
{
	nghttp2_session_del(p->client);
	nghttp2_session_del(p->server);
	guard_fini(&p->guard);
}

typedef enum guard_step guard_fn(struct guard *g, struct span *in, struct span *piece);

/* What one end has to send, cut at random, through the guard to the other. */
static bool move(struct pair *p, nghttp2_session *from, nghttp2_session *to, guard_fn *fn)
{
	const uint8_t *bytes;
	struct span all, in, piece;
	enum guard_step step;
	bool is_any = false;
	ssize_t n;

	for (;;) {
		n = nghttp2_session_mem_send(from, &bytes);
		assert_true(n >= 0);
		all = span_of(bytes, (size_t)n);
		do {
			size_t cut = all.n ? 1 + rnd((unsigned)(rnd(3) ? all.n : 12)) : 0;

			assert_true(rd_n(&all, &in, cut < all.n ? cut : all.n));
			/* In an allocation of its own. */
			uint8_t *copy = malloc(in.n + 1);

			memcpy(copy, in.n ? in.p : (const uint8_t *)"", in.n);
			in.p = copy;
			while ((step = fn(&p->guard, &in, &piece)) == GUARD_SEND) {
				is_any = true;
				n = nghttp2_session_mem_recv(to, piece.p, piece.n);
				if (n != (ssize_t)piece.n)
					fail_msg("%s", nghttp2_strerror((int)n));
			}
			free(copy);
			p->is_broken |= step == GUARD_BROKEN;
			if (p->is_broken)
				return false;
		} while (all.n);
		if (!n)
			return is_any;
		if (all.n == 0 && nghttp2_session_want_write(from) == 0)
			return is_any;
	}
}

static void settle(struct pair *p)
{
	while (!p->is_broken &&
	       (int)move(p, p->client, p->server, guard_up) |
		       (int)move(p, p->server, p->client, guard_down))
		;
}

static ssize_t read_body(nghttp2_session *s, int32_t id, uint8_t *out, size_t cap, uint32_t *flags,
			 nghttp2_data_source *source, void *arg)
{
	size_t *left = source->ptr;
	size_t n = cap < *left ? cap : *left;

	(void)s;
	(void)arg;
	(void)id;
	memset(out, 'x', n);
	*left -= n;
	if (*left == 0)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

static int32_t ask(struct pair *p, const char *authority, size_t *body)
{
	char cookie[64];
	nghttp2_nv list[] = { nv(":method", *body ? "POST" : "GET"), nv(":scheme", "https"),
			      nv(":authority", authority), nv(":path", "/"),
			      nv("x-forwarded-for", "6.6.6.6"), nv("cookie", cookie),
			      nv("x-forwarded-client-cert", "Hash=66") };
	nghttp2_data_provider provider = { { .ptr = body }, read_body };

	snprintf(cookie, sizeof(cookie), "c=%u", rnd(5)); /* some repeat: the table is used */
	list[5] = nv("cookie", cookie);
	return nghttp2_submit_request(p->client, NULL, list, COUNT(list), *body ? &provider : NULL,
				      NULL);
}

/* Requests for the name are served as if no guard stood there, all others are
 * answered 421 and never seen by the server. */
static void test_random_connections(void **state)
{
	static const uint32_t tables[] = { 0, 1, 4096, 65536 };

	(void)state;
	for (uint64_t round = 1; round <= 200; round++) {
		static size_t bodies[200];
		bool is_ours[400] = { false };
		struct pair p;
		int misdirected = 0;

		seed = round * 0x9e3779b97f4a7c15ull;
		pair_open(&p, round & 1 ? &PLAIN : &FORWARDING, tables[round % COUNT(tables)]);
		for (int i = 0; i < 150; i++) {
			bool is_right = rnd(4) != 0 || misdirected == STREAMS_REFUSED_MAX;
			size_t length = rnd(3) ? 0 : rnd(100000);
			int32_t id;

			misdirected += !is_right;
			bodies[i] = length;
			id = ask(&p, is_right ? "a.example" : "b.example", &bodies[i]);
			assert_true(id > 0);
			is_ours[id] = is_right;
			p.seen[id].sent = length;
			if (rnd(2))
				settle(&p);
		}
		settle(&p);
		if (p.is_broken)
			fail_msg("round %llu: %s", (unsigned long long)round, p.guard.reason);
		for (int32_t id = 1; id < 300; id += 2) {
			const struct seen *s = &p.seen[id];

			assert_int_equal(s->status, is_ours[id] ? 200 : 421);
			assert_true(s->is_closed);
			assert_int_equal(s->is_served, is_ours[id]);
			assert_int_equal(s->got, is_ours[id] ? s->sent : 0);
			assert_int_equal(s->is_ours, is_ours[id] && !(round & 1));
			assert_int_equal(s->is_certified, is_ours[id]);
		}
		pair_close(&p);
	}
}

/* -- rules, one by one -- */

struct header {
	const char *name, *value;
};
#define RIGHT \
	{ ":method", "GET" }, { ":scheme", "https" }, \
	{ \
		":path", "/" \
	}
#define MINE \
	{ \
		":authority", "a.example" \
	}

struct row {
	const char *name;
	struct header list[8];
	const char *reason; /* NULL: passed */
	unsigned status;
};

static const struct row ROWS[] = {
	{ "plain_passed", { RIGHT, MINE }, NULL, 0 },
	{ "authority_in_capitals_with_dot_and_port_passed",
	  { RIGHT, { ":authority", "A.Example.:443" } },
	  NULL,
	  0 },
	{ "host_in_place_of_authority_passed", { RIGHT, { "host", "a.example" } }, NULL, 0 },
	{ "both_agree_passed", { RIGHT, MINE, { "host", "a.example" } }, NULL, 0 },
	{ "options_asterisk_passed",
	  { { ":method", "OPTIONS" }, { ":scheme", "https" }, { ":path", "*" }, MINE },
	  NULL,
	  0 },
	{ "te_trailers_passed", { RIGHT, MINE, { "te", "trailers" } }, NULL, 0 },
	{ "websocket_passed",
	  { { ":method", "CONNECT" }, /* RFC 8441 */
	    { ":protocol", "websocket" },
	    { ":scheme", "https" },
	    { ":path", "/" },
	    MINE },
	  NULL,
	  0 },
	{ "other_authority_misdirected",
	  { RIGHT, { ":authority", "b.example" } },
	  "misdirected",
	  421 },
	{ "other_host_misdirected", { RIGHT, { "host", "b.example" } }, "misdirected", 421 },
	{ "host_differs_refused", { RIGHT, MINE, { "host", "b.example" } }, "host", 400 },
	{ "host_twice_refused",
	  { RIGHT, MINE, { "host", "a.example" }, { "host", "a.example" } },
	  "host",
	  400 },
	{ "no_host_refused", { RIGHT }, "host", 400 },
	{ "authority_with_user_refused", { RIGHT, { ":authority", "u@a.example" } }, "host", 400 },
	{ "authority_empty_refused", { RIGHT, { ":authority", "" } }, "host", 400 },
	{ "authority_twice_refused", { RIGHT, MINE, MINE }, "pseudo", 400 },
	{ "method_missing_refused",
	  { { ":scheme", "https" }, { ":path", "/" }, MINE },
	  "pseudo",
	  400 },
	{ "method_with_space_refused",
	  { { ":method", "GE T" }, { ":scheme", "https" }, { ":path", "/" }, MINE },
	  "pseudo",
	  400 },
	{ "scheme_ftp_refused",
	  { { ":method", "GET" }, { ":scheme", "ftp" }, { ":path", "/" }, MINE },
	  "pseudo",
	  400 },
	{ "unknown_pseudo_refused", { RIGHT, MINE, { ":status", "200" } }, "pseudo", 400 },
	{ "pseudo_behind_field_refused", { RIGHT, { "a", "b" }, MINE }, "pseudo", 400 },
	{ "protocol_of_get_refused", { RIGHT, MINE, { ":protocol", "websocket" } }, "pseudo", 400 },
	{ "path_relative_refused",
	  { { ":method", "GET" }, { ":scheme", "https" }, { ":path", "a" }, MINE },
	  "path",
	  400 },
	{ "path_with_space_refused",
	  { { ":method", "GET" }, { ":scheme", "https" }, { ":path", "/ HTTP/1.1" }, MINE },
	  "path",
	  400 },
	{ "path_asterisk_of_get_refused",
	  { { ":method", "GET" }, { ":scheme", "https" }, { ":path", "*" }, MINE },
	  "path",
	  400 },
	{ "connect_refused", { { ":method", "CONNECT" }, MINE }, "connect", 501 },
	{ "name_in_capitals_refused", { RIGHT, MINE, { "Cookie", "a" } }, "field", 400 },
	{ "name_empty_refused", { RIGHT, MINE, { "", "a" } }, "field", 400 },
	{ "value_with_line_refused", { RIGHT, MINE, { "x", "a\r\nhost: b" } }, "field", 400 },
	{ "connection_refused", { RIGHT, MINE, { "connection", "x" } }, "field", 400 },
	{ "transfer_encoding_refused",
	  { RIGHT, MINE, { "transfer-encoding", "chunked" } },
	  "field",
	  400 },
	{ "upgrade_refused", { RIGHT, MINE, { "upgrade", "h2c" } }, "field", 400 },
	{ "te_gzip_refused", { RIGHT, MINE, { "te", "gzip" } }, "field", 400 },
	{ "length_twice_refused",
	  { RIGHT, MINE, { "content-length", "1" }, { "content-length", "1" } },
	  "length",
	  400 },
	{ "length_list_refused", { RIGHT, MINE, { "content-length", "1, 1" } }, "length", 400 },
};

/* Literal fields, not indexed, without Huffman: RFC 7541 §6.2.2. */
static void write_block(struct wr *w, const struct header *list, size_t count)
{
	for (size_t i = 0; i < count && list[i].name; i++) {
		wr_u8(w, 0);
		wr_vec8(w, span_str(list[i].name));
		wr_vec8(w, span_str(list[i].value));
	}
}

static void write_frame(struct wr *w, uint8_t type, uint8_t flags, uint32_t stream,
			struct span payload)
{
	frame_write(w, &(struct frame){ (uint32_t)payload.n, type, flags, stream });
	wr_bytes(w, payload);
}

static const char PREFACE[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

struct wire {
	uint8_t bytes[1 << 18];
	struct wr w;
};

static void wire_init(struct wire *x)
{
	x->w = WR_ARRAY(x->bytes);
	wr_str(&x->w, PREFACE);
	write_frame(&x->w, FRAME_SETTINGS, 0, 0, span_of(NULL, 0));
}

static void wire_headers(struct wire *x, uint8_t flags, uint32_t stream, const struct header *list,
			 size_t count)
{
	uint8_t room[4096];
	struct wr w = WR_ARRAY(room);

	write_block(&w, list, count);
	write_frame(&x->w, FRAME_HEADERS, flags, stream, wr_span(&w));
}

struct out {
	uint8_t up[1 << 18], down[1 << 16];
	size_t up_n, down_n;
	enum guard_step last;
};

static void run_down(struct guard *g, struct out *o, struct span in)
{
	struct span piece;

	while (guard_down(g, &in, &piece) == GUARD_SEND) {
		memcpy(o->down + o->down_n, piece.p, piece.n);
		o->down_n += piece.n;
	}
}

static void run_up(struct guard *g, struct out *o, struct span bytes, size_t step)
{
	struct span in, piece;

	o->last = GUARD_MORE;
	while (bytes.n && o->last == GUARD_MORE) {
		assert_true(rd_n(&bytes, &in, bytes.n < step ? bytes.n : step));
		while ((o->last = guard_up(g, &in, &piece)) == GUARD_SEND) {
			memcpy(o->up + o->up_n, piece.p, piece.n);
			o->up_n += piece.n;
		}
	}
}

static const uint8_t SERVER_SETTINGS[] = { 0, 0, 0, FRAME_SETTINGS, 0, 0, 0, 0, 0 };

static void run(struct guard *g, struct out *o, const struct vouch *vouch, const struct wire *x,
		size_t step)
{
	guard_init(g, vouch);
	o->up_n = 0;
	o->down_n = 0;
	run_up(g, o, wr_span(&x->w), step);
	run_down(g, o, SPAN_ARRAY(SERVER_SETTINGS));
	run_down(g, o, span_of(NULL, 0));
}

static void test_rules_in_every_cut(void **state)
{
	static struct wire x;
	static struct out o;
	struct guard g;

	(void)state;
	for (size_t i = 0; i < COUNT(ROWS); i++)
		for (size_t step = 1; step < 200; step += 1 + step / 8) {
			size_t before;

			wire_init(&x);
			before = x.w.n;
			wire_headers(&x, FRAME_END_HEADERS | FRAME_END_STREAM, 1, ROWS[i].list,
				     COUNT(ROWS[i].list));
			run(&g, &o, &PLAIN, &x, step);
			assert_int_equal(o.last, GUARD_MORE);
			assert_int_equal(o.up_n, ROWS[i].reason ? before : x.w.n);
			assert_memory_equal(o.up, x.bytes, o.up_n);
			if (ROWS[i].reason) {
				if (!g.why.reason || strcmp(g.why.reason, ROWS[i].reason) != 0)
					fail_msg("%s: %s", ROWS[i].name, g.why.reason);
				assert_int_equal(g.why.status, ROWS[i].status);
				/* the backend's SETTINGS, then HEADERS with the status */
				assert_int_equal(o.down_n, 9 + 9 + 5);
				assert_int_equal(o.down[9 + 3], FRAME_HEADERS);
			} else {
				assert_int_equal(o.down_n, 9);
			}
			guard_fini(&g);
		}
}

#define PATH(path) { ":method", "GET" }, { ":scheme", "https" }, { ":path", path }, MINE

/* The edge's own paths: the stream is sent to HTTP/1.1, and the next one goes
 * on; without such paths all are the backend's. */
static void test_own_path_is_for_http_1_1(void **state)
{
	static const struct vouch_own own = { .tls = { NULL, 0 } };
	static const struct header mine[] = { PATH("/evidences/quote.json") };
	static const struct header theirs[] = { PATH("/evidences-of-x") };
	struct vouch with = PLAIN;
	static struct wire x;
	static struct out o;
	struct guard g;

	(void)state;
	with.own = &own;
	for (int has_own = 0; has_own < 2; has_own++) {
		wire_init(&x);
		wire_headers(&x, FRAME_END_HEADERS | FRAME_END_STREAM, 1, mine, COUNT(mine));
		wire_headers(&x, FRAME_END_HEADERS | FRAME_END_STREAM, 3, theirs, COUNT(theirs));
		run(&g, &o, has_own ? &with : &PLAIN, &x, 7);
		assert_int_equal(o.last, GUARD_MORE);
		assert_int_equal(g.streams.requests, has_own ? 1 : 2);
		if (has_own) {
			static const uint8_t reset[] = { 0, 0, 4, FRAME_RST_STREAM, 0, 0, 0,
							 0, 1, 0, 0, 0, FRAME_HTTP_1_1_REQUIRED };

			assert_int_equal(o.down_n, 9 + sizeof(reset));
			assert_memory_equal(o.down + 9, reset, sizeof(reset));
			assert_string_equal(g.why.reason, "own_path");
		} else {
			assert_int_equal(o.down_n, 9);
		}
		guard_fini(&g);
	}
}

static const struct header GOOD[] = { RIGHT, MINE };
static const struct header WRONG[] = { RIGHT, { ":authority", "b.example" } };

/* Connections that end: what came, and why. */
static void add_even(struct wire *x)
{
	wire_headers(x, FRAME_END_HEADERS, 2, GOOD, COUNT(GOOD));
}
static void add_continuation(struct wire *x)
{
	write_frame(&x->w, FRAME_CONTINUATION, FRAME_END_HEADERS, 1, span_of(NULL, 0));
}
static void add_data_in_block(struct wire *x)
{
	wire_headers(x, 0, 1, GOOD, COUNT(GOOD));
	write_frame(&x->w, FRAME_DATA, 0, 1, span_str("x"));
}
static void add_other_continuation(struct wire *x)
{
	wire_headers(x, 0, 1, GOOD, COUNT(GOOD));
	write_frame(&x->w, FRAME_CONTINUATION, FRAME_END_HEADERS, 3, span_of(NULL, 0));
}
static void add_push(struct wire *x)
{
	write_frame(&x->w, FRAME_PUSH_PROMISE, FRAME_END_HEADERS, 1, span_str("\0\0\0\2"));
}
static void add_endless_block(struct wire *x)
{
	wire_headers(x, 0, 1, GOOD, COUNT(GOOD));
	for (int i = 0; i < GUARD_BLOCK_FRAMES_MAX; i++)
		write_frame(&x->w, FRAME_CONTINUATION, 0, 1, span_of(NULL, 0));
}
static void add_long_block(struct wire *x)
{
	static uint8_t zeros[GUARD_BLOCK_MAX];

	write_frame(&x->w, FRAME_HEADERS, 0, 1, SPAN_ARRAY(zeros));
}
static void add_long_frames(struct wire *x)
{
	static uint8_t zeros[GUARD_BLOCK_MAX / 2];

	write_frame(&x->w, FRAME_HEADERS, 0, 1, SPAN_ARRAY(zeros));
	write_frame(&x->w, FRAME_CONTINUATION, 0, 1, SPAN_ARRAY(zeros));
}
static void add_bad_hpack(struct wire *x)
{
	write_frame(&x->w, FRAME_HEADERS, FRAME_END_HEADERS, 1,
		    span_str("\xff\xff\xff\xff\xff\xff"));
}
static void add_bad_padding(struct wire *x)
{
	write_frame(&x->w, FRAME_HEADERS, FRAME_END_HEADERS | FRAME_PADDED, 1, span_str("\x09xx"));
}
static void add_no_padding(struct wire *x)
{
	write_frame(&x->w, FRAME_HEADERS, FRAME_END_HEADERS | FRAME_PADDED, 1, span_of(NULL, 0));
}
static void add_short_priority(struct wire *x)
{
	write_frame(&x->w, FRAME_HEADERS, FRAME_END_HEADERS | FRAME_WITH_PRIORITY, 1,
		    span_str("abcd"));
}
static void add_bomb(struct wire *x)
{
	uint8_t room[8192];
	struct wr w = WR_ARRAY(room);

	/* A long field into the table (§6.2.1), then again and again. */
	wr_u8(&w, 0x40);
	wr_vec8(&w, span_str("a"));
	wr_u8(&w, 0x7f); /* 127 + 3000 - 127 */
	wr_u8(&w, (3000 - 127) % 128 + 128);
	wr_u8(&w, (3000 - 127) / 128);
	wr_zero(&w, 3000);
	for (int i = 0; i < 100; i++)
		wr_u8(&w, 0x80 | 62);
	write_frame(&x->w, FRAME_HEADERS, FRAME_END_HEADERS, 1, wr_span(&w));
}
static void add_many_fields(struct wire *x)
{
	uint8_t room[FIELDS_COUNT_MAX + 1];

	memset(room, 0x82, sizeof(room)); /* ":method: GET" of the static table */
	write_frame(&x->w, FRAME_HEADERS, FRAME_END_HEADERS, 1, SPAN_ARRAY(room));
}
/* Behind a refused stream, the backend would take it for a new one. */
static void add_skipped(struct wire *x)
{
	wire_headers(x, FRAME_END_HEADERS | FRAME_END_STREAM, 7, WRONG, COUNT(WRONG));
	wire_headers(x, FRAME_END_HEADERS, 5, (const struct header[]){ { "x", "y" } }, 1);
}
static void add_closed(struct wire *x)
{
	wire_headers(x, FRAME_END_HEADERS, 1, GOOD, COUNT(GOOD));
	write_frame(&x->w, FRAME_DATA, FRAME_END_STREAM, 1, span_str("x"));
	wire_headers(x, FRAME_END_HEADERS, 1, (const struct header[]){ { "x", "y" } }, 1);
}
static void add_reset(struct wire *x)
{
	wire_headers(x, FRAME_END_HEADERS, 1, GOOD, COUNT(GOOD));
	write_frame(&x->w, FRAME_RST_STREAM, 0, 1, span_str("\1\1\1\1"));
	wire_headers(x, FRAME_END_HEADERS, 1, (const struct header[]){ { "x", "y" } }, 1);
}
static void add_streams(struct wire *x)
{
	for (uint32_t i = 0; i <= STREAMS_OPEN_MAX; i++)
		write_frame(&x->w, FRAME_HEADERS, FRAME_END_HEADERS, 2 * i + 1,
			    span_str("\x82\x87\x84\x41\x09"
				     "a.example"));
}
static void add_refusals(struct wire *x)
{
	for (uint32_t i = 0; i <= STREAMS_REFUSED_MAX; i++)
		wire_headers(x, FRAME_END_HEADERS | FRAME_END_STREAM, 2 * i + 1, WRONG,
			     COUNT(WRONG));
}
static void add_resets(struct wire *x)
{
	for (uint32_t i = 0; i <= STREAMS_RESETS_MAX; i++) {
		wire_headers(x, FRAME_END_HEADERS, 2 * i + 1, GOOD, COUNT(GOOD));
		write_frame(&x->w, FRAME_RST_STREAM, 0, 2 * i + 1, span_str("\0\0\0\x08"));
		write_frame(&x->w, FRAME_RST_STREAM, 0, 2 * i + 1,
			    SPAN_ARRAY(((const uint8_t[4]){ 0 })));
	}
}

static void test_what_ends_a_connection(void **state)
{
	static const struct {
		const char *name;
		void (*add)(struct wire *x);
		enum frame_error error;
		const char *reason;
	} rows[] = {
		{ "even_stream", add_even, FRAME_PROTOCOL_ERROR, "stream" },
		{ "lone_continuation", add_continuation, FRAME_PROTOCOL_ERROR, "continuation" },
		{ "data_in_block", add_data_in_block, FRAME_PROTOCOL_ERROR, "continuation" },
		{ "other_stream_in_block", add_other_continuation, FRAME_PROTOCOL_ERROR,
		  "continuation" },
		{ "push", add_push, FRAME_PROTOCOL_ERROR, "push" },
		{ "endless_block", add_endless_block, FRAME_ENHANCE_YOUR_CALM, "block_long" },
		{ "long_block", add_long_block, FRAME_ENHANCE_YOUR_CALM, "block_long" },
		{ "long_frames", add_long_frames, FRAME_ENHANCE_YOUR_CALM, "block_long" },
		{ "bad_hpack", add_bad_hpack, FRAME_COMPRESSION_ERROR, "hpack" },
		{ "bad_padding", add_bad_padding, FRAME_PROTOCOL_ERROR, "padding" },
		{ "no_padding", add_no_padding, FRAME_PROTOCOL_ERROR, "padding" },
		{ "short_priority", add_short_priority, FRAME_PROTOCOL_ERROR, "padding" },
		{ "bomb", add_bomb, FRAME_ENHANCE_YOUR_CALM, "fields_large" },
		{ "many_fields", add_many_fields, FRAME_ENHANCE_YOUR_CALM, "fields_large" },
		{ "skipped_stream", add_skipped, FRAME_PROTOCOL_ERROR, "stream_closed" },
		{ "closed_stream", add_closed, FRAME_PROTOCOL_ERROR, "stream_closed" },
		{ "reset_stream", add_reset, FRAME_PROTOCOL_ERROR, "stream_closed" },
		{ "streams", add_streams, FRAME_ENHANCE_YOUR_CALM, "streams" },
		{ "refusals", add_refusals, FRAME_ENHANCE_YOUR_CALM, "refusals" },
		{ "resets", add_resets, FRAME_ENHANCE_YOUR_CALM, "resets" },
	};
	static struct wire x;
	static struct out o;
	struct guard g;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t step = 1; step < 4000; step *= 7) {
			wire_init(&x);
			rows[i].add(&x);
			run(&g, &o, &PLAIN, &x, step);
			if (o.last != GUARD_BROKEN || g.error != rows[i].error ||
			    strcmp(g.reason, rows[i].reason) != 0)
				fail_msg("%s by %zu: %s", rows[i].name, step, g.reason);
			/* The last the client hears is a GOAWAY that says so. */
			assert_int_equal(o.down[o.down_n - 17 + 3], FRAME_GOAWAY);
			assert_int_equal(o.down[o.down_n - 1], rows[i].error);
			guard_fini(&g);
		}
}

static void test_other_preface_ends_it(void **state)
{
	struct span in = span_str("GET / HTTP/1.1\r\n"), piece;
	struct guard g;

	(void)state;
	guard_init(&g, &PLAIN);
	assert_int_equal(guard_up(&g, &in, &piece), GUARD_BROKEN);
	assert_string_equal(g.reason, "preface");
	assert_int_equal(guard_up(&g, &in, &piece), GUARD_BROKEN);
	guard_fini(&g);
}

/* Nothing of ours before the backend's SETTINGS, or inside a block of its. */
static void test_words_keep_their_place(void **state)
{
	static const uint8_t open[] = { 0, 0, 1, FRAME_HEADERS, 0, 0, 0, 0, 1, 0x88 };
	static const uint8_t close[] = { 0, 0, 0, FRAME_CONTINUATION, FRAME_END_HEADERS, 0, 0, 0,
					 1 };
	static struct wire x;
	static struct out o;
	struct guard g;

	(void)state;
	wire_init(&x);
	wire_headers(&x, FRAME_END_HEADERS, 1, WRONG, COUNT(WRONG));
	write_frame(&x.w, FRAME_DATA, 0, 1, span_str("dropped"));
	guard_init(&g, &PLAIN);
	o = (struct out){ .up_n = 0 };
	run_up(&g, &o, wr_span(&x.w), 1000);
	run_down(&g, &o, span_of(NULL, 0));
	assert_int_equal(o.down_n, 0);
	run_down(&g, &o, SPAN_ARRAY(SERVER_SETTINGS));
	/* SETTINGS, the answer, RST_STREAM, WINDOW_UPDATE of the 7 bytes */
	assert_int_equal(o.down_n, 9 + 14 + 13 + 13);
	assert_int_equal(o.down[o.down_n - 1], 7);
	wire_init(&x);
	x.w.n = 0;
	wire_headers(&x, FRAME_END_HEADERS | FRAME_END_STREAM, 3, WRONG, COUNT(WRONG));
	run_down(&g, &o, SPAN_ARRAY(open));
	run_up(&g, &o, wr_span(&x.w), 1000);
	run_down(&g, &o, SPAN_ARRAY(close));
	assert_int_equal(o.down_n, 49 + 10 + 9 + 14);
	assert_int_equal(o.down[49 + 10 + 3], FRAME_CONTINUATION);
	guard_fini(&g);
}

static void test_backend_settings_are_kept_to_our_table(void **state)
{
	static const uint8_t in[] = {
		0, 0, 18, FRAME_SETTINGS, 0, 0, 0, 0, 0,
		0, 1, 0, 1, 0, 0, /* 65536 */
		0, 4, 0, 1, 0, 0,
		0, 1, 0, 0, 0, 9, /* lower ones stay */
	};
	static struct out o;
	struct guard g;

	(void)state;
	for (size_t step = 1; step <= sizeof(in); step++) {
		guard_init(&g, &PLAIN);
		o = (struct out){ .up_n = 0 };
		for (size_t at = 0; at < sizeof(in); at += step) {
			size_t left = sizeof(in) - at;

			run_down(&g, &o, span_of(in + at, left < step ? left : step));
		}
		assert_int_equal(o.down_n, sizeof(in));
		assert_memory_equal(o.down + 9, "\0\1\0\0\x10\0\0\4\0\1\0\0\0\1\0\0\0\x09", 18);
		guard_fini(&g);
	}
}

static void test_backend_that_does_not_begin_with_settings(void **state)
{
	static const uint8_t ping[] = { 0, 0, 0, FRAME_PING, 0, 0, 0, 0, 0 };
	static const uint8_t large[] = { 0, 0x40, 1, FRAME_SETTINGS, 0, 0, 0, 0, 0 };
	struct span in = SPAN_ARRAY(ping), piece;
	struct guard g;

	(void)state;
	guard_init(&g, &PLAIN);
	assert_int_equal(guard_down(&g, &in, &piece), GUARD_BROKEN);
	assert_string_equal(g.reason, "backend_preface");
	guard_fini(&g);
	guard_init(&g, &PLAIN);
	in = SPAN_ARRAY(large);
	assert_int_equal(guard_down(&g, &in, &piece), GUARD_BROKEN);
	assert_string_equal(g.reason, "settings_long");
	guard_fini(&g);
}

/* Trailers of a stream that is served, and of one that is not. */
static void test_trailers(void **state)
{
	static const struct header good[] = { { "x-sum", "1" } };
	static const struct header bad[] = { { ":path", "/" } };
	static struct wire x;
	static struct out o;
	struct guard g;
	size_t n;

	(void)state;
	wire_init(&x);
	wire_headers(&x, FRAME_END_HEADERS, 1, GOOD, COUNT(GOOD));
	wire_headers(&x, FRAME_END_HEADERS | FRAME_END_STREAM, 1, good, COUNT(good));
	n = x.w.n;
	wire_headers(&x, FRAME_END_HEADERS, 3, WRONG, COUNT(WRONG));
	wire_headers(&x, FRAME_END_HEADERS | FRAME_END_STREAM, 3, good, COUNT(good));
	run(&g, &o, &PLAIN, &x, 1000);
	assert_int_equal(o.up_n, n);
	guard_fini(&g);

	wire_init(&x);
	wire_headers(&x, FRAME_END_HEADERS, 1, GOOD, COUNT(GOOD));
	n = x.w.n;
	wire_headers(&x, FRAME_END_HEADERS | FRAME_END_STREAM, 1, bad, COUNT(bad));
	run(&g, &o, &PLAIN, &x, 1000);
	/* Both ends see the stream reset. */
	assert_int_equal(o.up_n, n + 13);
	assert_int_equal(o.up[n + 3], FRAME_RST_STREAM);
	assert_int_equal(o.down_n, 9 + 13);
	assert_int_equal(o.down[9 + 3], FRAME_RST_STREAM);
	guard_fini(&g);
}

/* A stream that its client goes on with, and the backend's answer that ends it,
 * in cuts. */
static void call(struct guard *g, struct out *o, struct wire *x, uint32_t stream, uint32_t code,
		 size_t step)
{
	uint8_t room[32];
	struct wr w = WR_ARRAY(room);
	struct span rest, part;

	x->w.n = 0;
	wire_headers(x, FRAME_END_HEADERS, stream, GOOD, COUNT(GOOD));
	o->up_n = o->down_n = 0;
	run_up(g, o, wr_span(&x->w), 1000);
	write_frame(&w, FRAME_HEADERS, FRAME_END_HEADERS | FRAME_END_STREAM, stream,
		    span_str("\x88"));
	write_frame(&w, FRAME_RST_STREAM, 0, stream,
		    SPAN_ARRAY(((const uint8_t[4]){ 0, 0, 0, (uint8_t)code })));
	for (rest = wr_span(&w); rest.n;) {
		assert_true(rd_n(&rest, &part, rest.n < step ? rest.n : step));
		run_down(g, o, part);
	}
}

/* A server that has answered need not hear the rest (RFC 9113 §8.1): what the
 * client had sent by then is dropped, and the connection is as good as new. */
static void test_streams_that_the_backend_ends(void **state)
{
	static const struct header late[] = { { "x-sum", "1" } };
	static struct wire x;
	static struct out o;
	struct guard g;

	(void)state;
	wire_init(&x);
	run(&g, &o, &PLAIN, &x, 1000);
	for (uint32_t i = 0; i < 5000; i++) {
		call(&g, &o, &x, 2 * i + 1, FRAME_NO_ERROR, 1 + i % 24);
		assert_int_equal(o.last, GUARD_MORE);
		assert_int_equal(o.down_n, 9 + 1 + 13);
		assert_int_equal(g.streams.open.n, 0);
	}
	x.w.n = 0;
	o.up_n = 0;
	wire_headers(&x, FRAME_END_HEADERS | FRAME_END_STREAM, 9999, late, COUNT(late));
	wire_headers(&x, FRAME_END_HEADERS | FRAME_END_STREAM,
		     9999 - 2 * (STREAMS_ENDED_MAX - 1), late, COUNT(late));
	run_up(&g, &o, wr_span(&x.w), 1000);
	assert_int_equal(o.last, GUARD_MORE);
	assert_int_equal(o.up_n, 0);
	assert_true(g.is_rewriting);
	x.w.n = 0;
	wire_headers(&x, FRAME_END_HEADERS | FRAME_END_STREAM, 9999 - 2 * STREAMS_ENDED_MAX, late,
		     COUNT(late));
	run_up(&g, &o, wr_span(&x.w), 1000);
	assert_int_equal(o.last, GUARD_BROKEN);
	assert_string_equal(g.reason, "stream_closed");
	guard_fini(&g);
}

/* CVE-2025-8671 (MadeYouReset). */
static void test_F4_streams_the_client_has_reset(void **state)
{
	static const struct {
		uint32_t code;
		bool is_counted;
	} rows[] = {
		{ FRAME_NO_ERROR, false },
		{ FRAME_PROTOCOL_ERROR, true },
		{ 0x2, false }, /* INTERNAL_ERROR: the server's own */
		{ FRAME_FLOW_CONTROL_ERROR, true },
		{ FRAME_STREAM_CLOSED, true },
		{ FRAME_SIZE_ERROR, true },
		{ 0x7, false }, /* REFUSED_STREAM: too many at once */
		{ 0x8, false }, /* CANCEL */
		{ FRAME_ENHANCE_YOUR_CALM, true },
	};
	static struct wire x;
	static struct out o;
	struct guard g;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint32_t n = 0;

		wire_init(&x);
		run(&g, &o, &PLAIN, &x, 1000);
		do
			call(&g, &o, &x, 2 * n + 1, rows[i].code, 1 + n % 24);
		while (o.last == GUARD_MORE && ++n < 1000);
		assert_int_equal(n, rows[i].is_counted ? STREAMS_RESETS_MAX + 1 : 1000);
		if (rows[i].is_counted) {
			assert_string_equal(g.reason, "resets");
			assert_int_equal(g.error, FRAME_ENHANCE_YOUR_CALM);
		}
		guard_fini(&g);
	}
}

static void test_idle_holds_only_tables(void **state)
{
	static struct wire x;
	static struct out o;
	struct span none = { NULL, 0 }, piece;
	struct guard g;

	(void)state;
	wire_init(&x);
	wire_headers(&x, FRAME_END_HEADERS | FRAME_END_STREAM, 1, GOOD, COUNT(GOOD));
	wire_headers(&x, FRAME_END_HEADERS | FRAME_END_STREAM, 3, WRONG, COUNT(WRONG));
	run(&g, &o, &PLAIN, &x, 1000);
	(void)guard_up(&g, &none, &piece);
	(void)guard_down(&g, &none, &piece);
	assert_int_equal(g.streams.open.cap, 0);
	assert_int_equal(g.frames.cap + g.block.cap + g.words.cap + g.said.cap + g.settings.cap, 0);
	guard_fini(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_connections),
		cmocka_unit_test(test_rules_in_every_cut),
		cmocka_unit_test(test_own_path_is_for_http_1_1),
		cmocka_unit_test(test_what_ends_a_connection),
		cmocka_unit_test(test_other_preface_ends_it),
		cmocka_unit_test(test_words_keep_their_place),
		cmocka_unit_test(test_backend_settings_are_kept_to_our_table),
		cmocka_unit_test(test_backend_that_does_not_begin_with_settings),
		cmocka_unit_test(test_trailers),
		cmocka_unit_test(test_streams_that_the_backend_ends),
		cmocka_unit_test(test_F4_streams_the_client_has_reset),
		cmocka_unit_test(test_idle_holds_only_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
