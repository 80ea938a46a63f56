/* hello: real hellos however they are cut, then every way to be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "sni/hello.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/* Hellos captured from real clients, one record each; Firefox's is made after
 * the order of its extensions, by tests/e2e/hellos.py. */
struct vector {
	const char *file;
	const char *sni;
	const char *alpn[3];
	bool offers_tls13;
};

static const struct vector VECTORS[] = {
	{ "openssl",
	  "abcdef0123456789abcdef0123456789abcdef01-443s.postern.localhost",
	  { "h2", "http/1.1" },
	  true },
	{ "openssl_tls12", "hello.postern.localhost", { NULL }, false },
	{ "openssl_no_name", "", { NULL }, true },
	{ "curl", "hello.postern.localhost", { "h2", "http/1.1" }, true },
	{ "chromium", "hello.postern.localhost", { "h2", "http/1.1" }, true },
	{ "gnutls", "hello.postern.localhost", { "http/1.1" }, true },
	{ "go", "hello.postern.localhost", { "h2", "http/1.1" }, true },
	{ "firefox", "hello.postern.localhost", { "h2", "http/1.1" }, true },
};

struct bytes {
	uint8_t p[HELLO_STREAM_MAX + 65536];
	size_t n;
};

static struct span load(struct bytes *b, const char *name)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "tests/vectors/hello/%s.bin", name);
	f = fopen(path, "rb");
	if (!f)
		fail_msg("%s: run from the top of the tree", path);
	b->n = fread(b->p, 1, sizeof(b->p), f);
	fclose(f);
	return span_of(b->p, b->n);
}

static void assert_is(const struct vector *v, const struct hello *h)
{
	size_t i;

	if (!span_equal_str(h->sni, v->sni))
		fail_msg("%s: name %.*s", v->file, (int)h->sni.n, h->sni.p);
	for (i = 0; v->alpn[i]; i++)
		assert_true(i < h->alpn_count && span_equal_str(h->alpn[i], v->alpn[i]));
	assert_int_equal(h->alpn_count, i);
	assert_int_equal(h->offers_tls13, v->offers_tls13);
}

/*
 * Feeds a stream that grows by 'step' bytes a call (0: first 'first', then
 * all), in an allocation of exactly the bytes there are.
 */
static enum hello_status feed_cut(struct hello_reader *r, struct hello *h, struct span stream,
				  size_t first, size_t step)
{
	enum hello_status status = HELLO_MORE;
	size_t n = first;

	hello_reader_init(r);
	for (;;) {
		uint8_t *copy = mem_new(n);

		memcpy(copy, stream.p, n);
		status = hello_feed(r, h, span_of(copy, n));
		free(copy);
		if (status != HELLO_MORE || n == stream.n)
			return status;
		n = step && n + step < stream.n ? n + step : stream.n;
	}
}

static void real_hellos_split_anywhere(void **state)
{
	static struct bytes b;
	struct hello_reader r;
	struct hello h;
	size_t i, cut;

	(void)state;
	for (i = 0; i < COUNT(VECTORS); i++) {
		struct span s = load(&b, VECTORS[i].file);

		for (cut = 0; cut <= s.n; cut++) {
			assert_int_equal(feed_cut(&r, &h, s, cut, 0), HELLO_DONE);
			assert_is(&VECTORS[i], &h);
			assert_int_equal(r.consumed, s.n);
			hello_reader_fini(&r);
		}
		assert_int_equal(feed_cut(&r, &h, s, 0, 1), HELLO_DONE);
		assert_is(&VECTORS[i], &h);
		hello_reader_fini(&r);
	}
}

/* The same handshake message in records of at most 'size' bytes. */
static struct span refragment(struct bytes *out, struct span stream, size_t size)
{
	struct wr w = WR_ARRAY(out->p);
	struct span message, part, all;

	assert_true(rd_skip(&stream, 3) && rd_vec16(&stream, &message));
	while (!rd_end(&message)) {
		assert_true(rd_n(&message, &part, message.n < size ? message.n : size));
		wr_u8(&w, 22);
		wr_be16(&w, 0x0301);
		wr_vec16(&w, part);
	}
	assert_true(wr_done(&w, &all));
	return all;
}

static void real_hellos_in_records_of_any_size(void **state)
{
	static struct bytes b, cut;
	struct hello_reader r;
	struct hello h;
	size_t i, size;

	(void)state;
	for (i = 0; i < COUNT(VECTORS); i++) {
		struct span s = load(&b, VECTORS[i].file);

		for (size = 1; size < s.n; size++) {
			struct span many = refragment(&cut, s, size);

			assert_int_equal(feed_cut(&r, &h, many, many.n, 0), HELLO_DONE);
			assert_is(&VECTORS[i], &h);
			hello_reader_fini(&r);
			if (size % 97 != 1)
				continue;
			assert_int_equal(feed_cut(&r, &h, many, 0, 1), HELLO_DONE);
			assert_is(&VECTORS[i], &h);
			hello_reader_fini(&r);
		}
	}
}

static void real_hellos_prefixes_want_more(void **state)
{
	static struct bytes b;
	struct hello_reader r;
	struct hello h;
	size_t i, n;

	(void)state;
	for (i = 0; i < COUNT(VECTORS); i++) {
		struct span s = load(&b, VECTORS[i].file);

		for (n = 0; n < s.n; n++) {
			memset(&h, 0xa5, sizeof(h));
			assert_int_equal(feed_cut(&r, &h, span_of(s.p, n), n, 0), HELLO_MORE);
			hello_reader_fini(&r);
		}
	}
}

/* Every prefix of the body ends early and is refused, in its own allocation. */
static void body_prefixes_refused(void **state)
{
	static struct bytes b;
	struct hello before, h;
	size_t n, whole_without_extensions;

	(void)state;
	memset(&h, 0xa5, sizeof(h));
	before = h;
	for (struct span s = load(&b, "chromium"); s.n; s.n = 0) {
		struct span body = span_of(s.p + 9, s.n - 9);

		/* TLS 1.2 allows a hello that ends before its extensions. */
		whole_without_extensions = 2 + 32 + 1 + 32 + 2;
		whole_without_extensions += (size_t)(body.p[67] << 8 | body.p[68]) + 2;
		for (n = 0; n < body.n; n++) {
			uint8_t *copy = mem_new(n);

			memcpy(copy, body.p, n);
			if (n == whole_without_extensions)
				assert_int_equal(hello_parse(&before, span_of(copy, n)), RC_OK);
			else
				assert_int_equal(hello_parse(&h, span_of(copy, n)), RC_MALFORMED);
			free(copy);
		}
	}
	memset(&before, 0xa5, sizeof(before));
	assert_memory_equal(&h, &before, sizeof(h));
}

/* A flipped byte anywhere gives some answer, never a name with other bytes. */
static void flipped_bytes_never_crash(void **state)
{
	static struct bytes b;
	struct hello_reader r;
	size_t i, bit, k;

	(void)state;
	for (struct span s = load(&b, "curl"); s.n; s.n = 0)
		for (i = 0; i < s.n; i++)
			for (bit = 0; bit < 8; bit++) {
				struct hello h = { 0 };

				b.p[i] ^= (uint8_t)(1u << bit);
				(void)feed_cut(&r, &h, s, s.n, 0);
				for (k = 0; k < h.sni.n; k++)
					assert_true(h.sni.p[k] > ' ' && h.sni.p[k] < 127);
				hello_reader_fini(&r);
				b.p[i] ^= (uint8_t)(1u << bit);
			}
}

/* Tables: a body is a valid start and the extensions given. */

struct body_case {
	const char *name;
	uint8_t extensions[64];
	size_t n; /* of them */
	enum rc want;
	const char *sni;
};

/* clang-format off */
static const struct body_case BODIES[] = {
	{ "no_extensions_no_name", { 0 }, 0, RC_OK, "" },
	{ "one_name",
	  { 0,0, 0,8, 0,6, 0, 0,3,'a','.','b' }, 12, RC_OK, "a.b" },
	{ "name_with_every_kind_of_byte",
	  { 0,0, 0,11, 0,9, 0, 0,6,'a','Z','0','.','-','_' }, 15, RC_OK, "aZ0.-_" },
	{ "unknown_extension_skipped",
	  { 0x1a,0x1a, 0,1, 7,  0,0, 0,6, 0,4, 0, 0,1,'a' }, 15, RC_OK, "a" },
	{ "sni_twice_rejected",
	  { 0,0, 0,6, 0,4, 0, 0,1,'a',  0,0, 0,6, 0,4, 0, 0,1,'b' }, 20, RC_MALFORMED, NULL },
	{ "grease_twice_rejected",
	  { 0x1a,0x1a, 0,0,  0x1a,0x1a, 0,0 }, 8, RC_MALFORMED, NULL },
	{ "two_names_rejected",
	  { 0,0, 0,10, 0,8, 0, 0,1,'a', 0, 0,1,'b' }, 14, RC_MALFORMED, NULL },
	{ "name_type_other_rejected",
	  { 0,0, 0,6, 0,4, 1, 0,1,'a' }, 10, RC_MALFORMED, NULL },
	{ "name_type_other_first_rejected",
	  { 0,0, 0,10, 0,8, 1, 0,1,'a', 0, 0,1,'b' }, 14, RC_MALFORMED, NULL },
	{ "empty_sni_extension_rejected",
	  { 0,0, 0,0 }, 4, RC_MALFORMED, NULL },
	{ "empty_list_rejected",
	  { 0,0, 0,2, 0,0 }, 6, RC_MALFORMED, NULL },
	{ "empty_name_rejected",
	  { 0,0, 0,5, 0,3, 0, 0,0 }, 9, RC_MALFORMED, NULL },
	{ "list_shorter_than_extension_rejected",
	  { 0,0, 0,7, 0,4, 0, 0,1,'a','b' }, 11, RC_MALFORMED, NULL },
	{ "list_longer_than_extension_rejected",
	  { 0,0, 0,6, 0,5, 0, 0,1,'a' }, 10, RC_MALFORMED, NULL },
	{ "name_shorter_than_list_rejected",
	  { 0,0, 0,7, 0,5, 0, 0,1,'a','b' }, 11, RC_MALFORMED, NULL },
	{ "name_longer_than_list_rejected",
	  { 0,0, 0,6, 0,4, 0, 0,2,'a' }, 10, RC_MALFORMED, NULL },
	{ "nul_in_name_rejected",
	  { 0,0, 0,8, 0,6, 0, 0,3,'a',0,'b' }, 12, RC_MALFORMED, NULL },
	{ "space_in_name_rejected",
	  { 0,0, 0,6, 0,4, 0, 0,1,' ' }, 10, RC_MALFORMED, NULL },
	{ "slash_in_name_rejected",
	  { 0,0, 0,6, 0,4, 0, 0,1,'/' }, 10, RC_MALFORMED, NULL },
	{ "colon_in_name_read",
	  { 0,0, 0,6, 0,4, 0, 0,1,':' }, 10, RC_OK, ":" },
	{ "bracket_in_name_rejected",
	  { 0,0, 0,6, 0,4, 0, 0,1,'[' }, 10, RC_MALFORMED, NULL },
	{ "utf8_in_name_rejected",
	  { 0,0, 0,7, 0,5, 0, 0,2,0xc3,0xbc }, 11, RC_MALFORMED, NULL },
	{ "extension_longer_than_list_rejected",
	  { 0,0, 0,7, 0,4, 0, 0,1,'a' }, 10, RC_MALFORMED, NULL },
	{ "half_extension_header_rejected",
	  { 0,0, 0 }, 3, RC_MALFORMED, NULL },
	{ "psk_last_allowed",
	  { 0,0, 0,6, 0,4, 0, 0,1,'a',  0,41, 0,0 }, 14, RC_OK, "a" },
	{ "psk_not_last_rejected",
	  { 0,41, 0,0,  0,0, 0,6, 0,4, 0, 0,1,'a' }, 14, RC_MALFORMED, NULL },
	{ "alpn_empty_list_rejected",
	  { 0,16, 0,2, 0,0 }, 6, RC_MALFORMED, NULL },
	{ "alpn_empty_name_rejected",
	  { 0,16, 0,3, 0,1, 0 }, 7, RC_MALFORMED, NULL },
	{ "alpn_does_not_tile_rejected",
	  { 0,16, 0,4, 0,2, 2,'h' }, 8, RC_MALFORMED, NULL },
	{ "alpn_trailing_rejected",
	  { 0,16, 0,6, 0,3, 2,'h','2', 0 }, 10, RC_MALFORMED, NULL },
	{ "alpn_sixteen_allowed",
	  { 0,16, 0,34, 0,32, 1,'a',1,'a',1,'a',1,'a',1,'a',1,'a',1,'a',1,'a',
	    1,'a',1,'a',1,'a',1,'a',1,'a',1,'a',1,'a',1,'a' }, 38, RC_OK, "" },
	{ "alpn_seventeen_rejected",
	  { 0,16, 0,36, 0,34, 1,'a',1,'a',1,'a',1,'a',1,'a',1,'a',1,'a',1,'a',
	    1,'a',1,'a',1,'a',1,'a',1,'a',1,'a',1,'a',1,'a',1,'a' }, 40, RC_MALFORMED, NULL },
	{ "versions_allowed",
	  { 0,43, 0,5, 4, 3,4, 3,3 }, 9, RC_OK, "" },
	{ "versions_empty_rejected",
	  { 0,43, 0,1, 0 }, 5, RC_MALFORMED, NULL },
	{ "versions_odd_rejected",
	  { 0,43, 0,4, 3, 3,4,3 }, 8, RC_MALFORMED, NULL },
	{ "versions_trailing_rejected",
	  { 0,43, 0,4, 2, 3,4,3 }, 8, RC_MALFORMED, NULL },
};
/* clang-format on */

/* Where things stand in what write_body() makes. */
enum {
	AT_VERSION = 0,
	AT_SESSION_ID = 34,
	AT_SUITES = 35,
	AT_COMPRESSION = 39,
	AT_EXTENSIONS = 41,
};

static struct span write_body(uint8_t *out, size_t cap, struct span extensions)
{
	struct wr w = wr_over(out, cap);
	struct span all;

	wr_be16(&w, 0x0303);
	wr_zero(&w, 32);
	wr_vec8(&w, span_str(""));
	wr_be16(&w, 2);
	wr_be16(&w, 0x1301);
	wr_be16(&w, 0x0100);
	wr_vec16(&w, extensions);
	assert_true(wr_done(&w, &all));
	return all;
}

static void extension_table(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(BODIES); i++) {
		const struct body_case *c = &BODIES[i];
		uint8_t bytes[256];
		struct hello h, before;
		struct span body = write_body(bytes, sizeof(bytes), span_of(c->extensions, c->n));
		enum rc rc;

		memset(&h, 0xa5, sizeof(h));
		before = h;
		rc = hello_parse(&h, body);
		if (rc != c->want)
			fail_msg("%s: %s", c->name, rc_name(rc));
		if (rc == RC_OK && !span_equal_str(h.sni, c->sni))
			fail_msg("%s: other name", c->name);
		if (rc != RC_OK)
			assert_memory_equal(&h, &before, sizeof(h));
	}
}

static void name_lengths(void **state)
{
	static uint8_t bytes[1024], ext[512];
	struct hello h;
	size_t n;

	(void)state;
	for (n = 1; n <= 256; n++) {
		struct wr w = WR_ARRAY(ext);
		size_t i;

		wr_be16(&w, 0);
		wr_be16(&w, (uint16_t)(n + 5));
		wr_be16(&w, (uint16_t)(n + 3));
		wr_u8(&w, 0);
		wr_be16(&w, (uint16_t)n);
		for (i = 0; i < n; i++)
			wr_u8(&w, 'x');
		assert_int_equal(hello_parse(&h, write_body(bytes, sizeof(bytes), wr_span(&w))),
				 n <= HELLO_NAME_MAX ? RC_OK : RC_MALFORMED);
	}
}

struct patch {
	const char *name;
	size_t at;
	uint8_t value;
	enum rc want;
};

static const struct patch PATCHES[] = {
	{ "as_it_is", AT_VERSION, 3, RC_OK },
	{ "ssl2_version_unsupported", AT_VERSION, 0, RC_UNSUPPORTED },
	{ "tls11_unsupported", AT_VERSION + 1, 2, RC_UNSUPPORTED },
	{ "newer_legacy_version_rejected", AT_VERSION + 1, 4, RC_MALFORMED },
	{ "major_4_rejected", AT_VERSION, 4, RC_MALFORMED },
	{ "session_id_past_end_rejected", AT_SESSION_ID, 200, RC_MALFORMED },
	{ "suites_odd_rejected", AT_SUITES + 1, 1, RC_MALFORMED },
	{ "suites_empty_rejected", AT_SUITES + 1, 0, RC_MALFORMED },
	{ "compression_empty_rejected", AT_COMPRESSION, 0, RC_MALFORMED },
	{ "compression_without_null_rejected", AT_COMPRESSION + 1, 1, RC_MALFORMED },
	{ "extensions_longer_than_body_rejected", AT_EXTENSIONS + 1, 12, RC_MALFORMED },
	{ "extensions_shorter_than_body_rejected", AT_EXTENSIONS + 1, 0, RC_MALFORMED },
};

static void body_field_table(void **state)
{
	static const uint8_t ext[] = { 0x1a, 0x1a, 0, 0 };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(PATCHES); i++) {
		uint8_t bytes[64];
		struct hello h;
		struct span body = write_body(bytes, sizeof(bytes), SPAN_ARRAY(ext));
		enum rc rc;

		bytes[PATCHES[i].at] = PATCHES[i].value;
		rc = hello_parse(&h, body);
		if (rc != PATCHES[i].want)
			fail_msg("%s: %s", PATCHES[i].name, rc_name(rc));
	}
}

static void session_id_of_33_rejected(void **state)
{
	uint8_t bytes[128] = { 3, 3 };
	struct hello h;

	(void)state;
	bytes[34] = 33;
	bytes[34 + 34 + 1] = 2;
	bytes[34 + 34 + 4] = 1;
	assert_int_equal(hello_parse(&h, span_of(bytes, 34 + 34 + 6)), RC_MALFORMED);
}

/* Streams: records around a message. */
struct stream_case {
	const char *name;
	uint8_t bytes[48];
	size_t n;
	enum hello_status want;
	size_t known_at; /* bytes after which the answer is known */
};

/* clang-format off */
static const struct stream_case STREAMS[] = {
	{ "http_request_not_tls", "GET / HTTP/1.1\r\n", 16, HELLO_NOT_TLS, 1 },
	{ "ssh_banner_not_tls", "SSH-2.0-x\r\n", 11, HELLO_NOT_TLS, 1 },
	{ "proxy_header_not_tls", "PROXY TCP4 ", 11, HELLO_NOT_TLS, 1 },
	{ "ssl2_hello_not_tls", { 0x80,0x2e,1,3,1,0,0x15,0,0,0,0x10 }, 11, HELLO_NOT_TLS, 1 },
	{ "alert_not_tls", { 21,3,1,0,2,1,0 }, 7, HELLO_NOT_TLS, 1 },
	{ "application_data_not_tls", { 23,3,3,0,1,0 }, 6, HELLO_NOT_TLS, 1 },
	{ "record_major_2_not_tls", { 22,2,0,0,1,1 }, 6, HELLO_NOT_TLS, 2 },
	{ "record_empty_malformed", { 22,3,1,0,0 }, 5, HELLO_MALFORMED, 5 },
	{ "record_too_long_malformed", { 22,3,1,0x40,1 }, 5, HELLO_MALFORMED, 5 },
	{ "record_of_16384_wants_more", { 22,3,1,0x40,0,1,0,0x3f,0xfc }, 9, HELLO_MORE, 0 },
	{ "server_hello_malformed", { 22,3,1,0,4,2,0,0,0 }, 9, HELLO_MALFORMED, 6 },
	{ "hello_request_malformed", { 22,3,1,0,4,0,0,0,0 }, 9, HELLO_MALFORMED, 6 },
	{ "oversized_too_large", { 22,3,1,0,5,1,1,0,0,3 }, 10, HELLO_TOO_LARGE, 9 },
	{ "length_of_16_mebibyte_too_large", { 22,3,1,0,5,1,0xff,0xff,0xff,3 }, 10, HELLO_TOO_LARGE, 9 },
	{ "largest_wants_more", { 22,3,1,0,5,1,0,0xff,0xfc,3 }, 10, HELLO_MORE, 0 },
	{ "second_message_malformed",
	  { 22,3,1,0,7, 1,0,0,2, 3,3, 1 }, 12, HELLO_MALFORMED, 9 },
	{ "empty_body_malformed", { 22,3,1,0,4,1,0,0,0 }, 9, HELLO_MALFORMED, 9 },
	{ "old_version_is_old", { 22,3,1,0,6,1,0,0,2,3,1 }, 11, HELLO_OLD, 11 },
	{ "alert_inside_message_malformed",
	  { 22,3,1,0,5,1,0,0,9,3, 21,3,3,0,2,1,0 }, 17, HELLO_MALFORMED, 11 },
	{ "other_major_inside_message_malformed",
	  { 22,3,1,0,5,1,0,0,9,3, 22,4,3,0,2,1,0 }, 17, HELLO_MALFORMED, 12 },
	{ "empty_record_inside_message_malformed",
	  { 22,3,1,0,5,1,0,0,9,3, 22,3,3,0,0 }, 15, HELLO_MALFORMED, 15 },
};
/* clang-format on */

static void stream_table(void **state)
{
	size_t i, n, step;

	(void)state;
	for (i = 0; i < COUNT(STREAMS); i++) {
		const struct stream_case *c = &STREAMS[i];
		struct hello_reader r;
		struct hello h, before;

		memset(&h, 0xa5, sizeof(h));
		before = h;
		for (step = 1; step <= c->n; step++) {
			enum hello_status s = feed_cut(&r, &h, span_of(c->bytes, c->n), 0, step);

			hello_reader_fini(&r);
			if (s != c->want)
				fail_msg("%s: step %zu: %d", c->name, step, (int)s);
		}
		/* At once: not before, and not later than, the byte that earns it. */
		for (n = 0; n <= c->n; n++) {
			bool known = c->known_at && n >= c->known_at;
			enum hello_status s = feed_cut(&r, &h, span_of(c->bytes, n), n, 0);

			hello_reader_fini(&r);
			if (s != (known ? c->want : HELLO_MORE))
				fail_msg("%s: after %zu: %d", c->name, n, (int)s);
		}
		assert_memory_equal(&h, &before, sizeof(h));
	}
}

/* A whole hello of 'body_len' bytes in records of 'size'. */
static struct span big_hello(struct bytes *out, size_t body_len, size_t size)
{
	static struct bytes one;
	static uint8_t body[HELLO_MAX], padding[HELLO_MAX];
	struct wr w = WR_ARRAY(one.p), p = WR_ARRAY(padding);
	struct span rest, part, all;

	/* Extensions with one of padding (RFC 7685) that fills it up. */
	wr_be16(&p, 21);
	wr_be16(&p, (uint16_t)(body_len - AT_EXTENSIONS - 2 - 4));
	wr_zero(&p, body_len - AT_EXTENSIONS - 2 - 4);
	wr_u8(&w, 1);
	wr_vec24(&w, write_body(body, sizeof(body), wr_span(&p)));
	assert_true(wr_done(&w, &rest));
	w = WR_ARRAY(out->p);
	while (!rd_end(&rest)) {
		assert_true(rd_n(&rest, &part, rest.n < size ? rest.n : size));
		wr_u8(&w, 22);
		wr_be16(&w, 0x0303);
		wr_vec16(&w, part);
	}
	assert_true(wr_done(&w, &all));
	return all;
}

static void sizes_up_to_the_bound(void **state)
{
	static const size_t bodies[] = { 200, 4096, 16384, 16385, 40000, HELLO_MAX - 4 };
	static struct bytes b;
	struct hello_reader r;
	struct hello h;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bodies); i++) {
		struct span s = big_hello(&b, bodies[i], 16384);

		assert_int_equal(feed_cut(&r, &h, s, 0, 1000), HELLO_DONE);
		hello_reader_fini(&r);
	}
	/* In records so small that their headers pass the bound. */
	for (i = 1; i <= 1999; i += 1998) {
		struct span s = big_hello(&b, 25000, 1);

		assert_int_equal(feed_cut(&r, &h, s, 0, i * 5), HELLO_TOO_LARGE);
		assert_true(r.consumed <= HELLO_STREAM_MAX);
		hello_reader_fini(&r);
	}
}

static void bytes_behind_the_hello_stay(void **state)
{
	static struct bytes b;
	struct hello_reader r;
	struct hello h;
	struct span s;

	(void)state;
	s = load(&b, "curl");
	memcpy(b.p + b.n, "\x14\x03\x03\x00\x01\x01", 6);
	assert_int_equal(feed_cut(&r, &h, span_of(s.p, s.n + 6), s.n + 6, 0), HELLO_DONE);
	assert_int_equal(r.consumed, s.n);
	hello_reader_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_hellos_split_anywhere),
		cmocka_unit_test(real_hellos_in_records_of_any_size),
		cmocka_unit_test(real_hellos_prefixes_want_more),
		cmocka_unit_test(body_prefixes_refused),
		cmocka_unit_test(flipped_bytes_never_crash),
		cmocka_unit_test(extension_table),
		cmocka_unit_test(name_lengths),
		cmocka_unit_test(body_field_table),
		cmocka_unit_test(session_id_of_33_rejected),
		cmocka_unit_test(stream_table),
		cmocka_unit_test(sizes_up_to_the_bound),
		cmocka_unit_test(bytes_behind_the_hello_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
