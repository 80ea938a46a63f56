/*
 * light: keys of RFC 8448's trace, a libssl client at the other end of a whole
 * connection, and records that no client should send.
 */
#include "unit.h"

#include <openssl/err.h>

#include "base/mem.h"
#include "base/text.h"
#include "tls/light.h"
#include "tls_peer.h"

/* -- keys ------------------------------------------------------------------ */

/* RFC 8448 §3: secret, key and iv of application data. */
static const struct {
	const char *secret, *key, *iv;
} trace[] = {
	{ "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5",
	  "17422dda596ed5d9acd890e3c63f5051", "5b78923dee08579033e523d9" },
	{ "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643",
	  "9f02283b6c9c07efc26bb9f2ac92e356", "cf782b88dd83549aadf1e984" },
};

static void keys_follow_from_secrets(void **state)
{
	uint8_t want[32];
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct record_half half = { 0 };

		assert_true(text_hex_decode(half.secret, 32, span_str(trace[i].secret)));
		half.secret_len = 32;
		assert_true(record_start(&half, ENGINE_AES_128_GCM, 7));
		assert_true(text_hex_decode(want, 16, span_str(trace[i].key)));
		assert_memory_equal(half.key.b, want, 16);
		assert_true(text_hex_decode(want, 12, span_str(trace[i].iv)));
		assert_memory_equal(half.iv, want, 12);
		assert_int_equal(half.count, 7);
	}
}

/* Keys of no secret would be anybody's. */
static void no_keys_without_the_secret(void **state)
{
	static const struct {
		size_t len;
		enum engine_suite suite;
		bool want;
	} rows[] = {
		{ 0, ENGINE_AES_128_GCM, false },
		{ 31, ENGINE_AES_128_GCM, false },
		{ 48, ENGINE_AES_128_GCM, false },
		{ 32, ENGINE_CHACHA20, true },
		{ 32, ENGINE_AES_256_GCM, false },
		{ 48, ENGINE_AES_256_GCM, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct record_half half = { .secret_len = rows[i].len };

		assert_int_equal(record_start(&half, rows[i].suite, 0), rows[i].want);
	}
}

/* -- a libssl client --------------------------------------------------------- */

struct world {
	struct peer_pem pem;
	struct tls_context *context;
	struct engine *engine;
	struct tls_conn *server;
	struct peer_client client;
};

static void open_world(struct world *w, const char *suite, bool is_plain)
{
	char error[TLS_ERROR_MAX];

	memset(w, 0, sizeof(*w));
	assert_true(peer_pem_make(&w->pem));
	assert_int_equal(tls_server_new(&w->context, span_str(w->pem.chain), span_str(w->pem.key),
					NULL, error),
			 RC_OK);
	w->engine = engine_new();
	if (is_plain)
		engine_be_plain(w->engine);
	assert_int_equal(tls_conn_new(&w->server, w->context, NULL), RC_OK);
	tls_conn_be_light(w->server, w->engine);
	peer_client_init(&w->client, TLS1_3_VERSION);
	assert_int_equal(SSL_set_ciphersuites(w->client.ssl, suite), 1);
	assert_int_equal(peer_client_pump(&w->client, w->server), TLS_OK);
	assert_true(tls_conn_is_light(w->server));
}

static void close_world(struct world *w)
{
	peer_client_fini(&w->client);
	tls_conn_free(w->server);
	engine_free(w->engine);
	tls_context_free(w->context);
	ERR_clear_error();
}

/* What the client has to say reaches the server. */
static void carry_up(struct world *w)
{
	static char bytes[65536];
	int n;

	while ((n = BIO_read(w->client.out, bytes, sizeof(bytes))) > 0)
		assert_int_equal(tls_feed(w->server, span_of(bytes, (size_t)n)), RC_OK);
}

static void carry_down(struct world *w)
{
	struct buf *out = tls_output(w->server);

	if (out->n > 0)
		assert_int_equal(BIO_write(w->client.in, buf_span(out).p, (int)out->n), out->n);
	buf_consume(out, out->n);
}

static void say_up(struct world *w, size_t n)
{
	char *bytes = mem_new(n);

	memset(bytes, 'u', n);
	assert_int_equal(SSL_write(w->client.ssl, bytes, (int)n), n);
	free(bytes);
	carry_up(w);
}

/* Reads all there is in pieces of 'cap'; the status that ended it. */
static enum tls_status read_up(struct world *w, size_t cap, size_t *total)
{
	char *bytes = mem_new(cap);
	enum tls_status status;
	size_t n, i;

	*total = 0;
	while ((status = tls_read(w->server, bytes, cap, &n)) == TLS_OK) {
		for (i = 0; i < n; i++)
			assert_int_equal(bytes[i], 'u');
		*total += n;
	}
	free(bytes);
	return status;
}

static void say_down(struct world *w, size_t n)
{
	char *bytes = mem_new(n), *got = mem_new(n);
	size_t total = 0;
	int r;

	memset(bytes, 'd', n);
	assert_int_equal(tls_write(w->server, span_of(bytes, n)), TLS_OK);
	carry_down(w);
	while (total < n && (r = SSL_read(w->client.ssl, got + total, (int)(n - total))) > 0)
		total += (size_t)r;
	assert_int_equal(total, n);
	assert_memory_equal(got, bytes, n);
	free(bytes);
	free(got);
}

static const char *const names[] = { "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
				     "TLS_CHACHA20_POLY1305_SHA256" };

static void data_passes_both_ways_in_every_suite(void **state)
{
	static const size_t sizes[] = { 1, 15, 16, 17, 1000, 16383, 16384, 16385, 100000 };
	static const size_t caps[] = { 1 << 18, 16384, 100 };
	struct world w;
	size_t i, k, m, n;

	(void)state;
	for (i = 0; i < 6; i++) {
		open_world(&w, names[i % 3], i >= 3);
		for (k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
			for (m = 0; m < 3; m++) {
				say_up(&w, sizes[k]);
				assert_int_equal(read_up(&w, caps[m], &n), TLS_WANT);
				assert_int_equal(n, sizes[k]);
			}
			say_down(&w, sizes[k]);
		}
		close_world(&w);
	}
}

static void byte_by_byte_is_the_same(void **state)
{
	struct world w;
	char byte, got[64];
	size_t n, total = 0;

	(void)state;
	open_world(&w, names[0], false);
	assert_int_equal(SSL_write(w.client.ssl, "uuuu", 4), 4);
	while (BIO_read(w.client.out, &byte, 1) == 1) {
		assert_int_equal(total, 0);
		assert_int_equal(tls_feed(w.server, span_of(&byte, 1)), RC_OK);
		if (tls_read(w.server, got, sizeof(got), &n) == TLS_OK)
			total += n;
	}
	assert_int_equal(total, 4);
	close_world(&w);
}

static void keys_are_updated_by_either_side(void **state)
{
	struct world w;
	size_t n;
	int i, kind;

	(void)state;
	for (i = 0; i < 4; i++) {
		open_world(&w, names[i % 3], i == 3);
		say_up(&w, 10);
		kind = i % 2 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED;
		assert_int_equal(SSL_key_update(w.client.ssl, kind), 1);
		say_up(&w, 20);
		assert_int_equal(read_up(&w, 4096, &n), TLS_WANT);
		assert_int_equal(n, 30);
		/* An answer, if one is due, comes before this. */
		say_down(&w, 100);
		say_up(&w, 5);
		assert_int_equal(read_up(&w, 4096, &n), TLS_WANT);
		assert_int_equal(n, 5);
		close_world(&w);
	}
}

static void flood_of_key_updates_is_refused(void **state)
{
	struct world w;
	size_t n;
	int i;

	(void)state;
	open_world(&w, names[0], false);
	for (i = 0; i < 33; i++) {
		assert_int_equal(SSL_key_update(w.client.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
		assert_int_equal(SSL_do_handshake(w.client.ssl), 1);
		carry_up(&w);
		assert_int_equal(read_up(&w, 4096, &n), i < 32 ? TLS_WANT : TLS_FAILED);
	}
	assert_string_equal(tls_conn_error(w.server), "too many records without data");
	close_world(&w);
}

static void ends_are_told_apart(void **state)
{
	struct world w;
	char byte;
	size_t n;
	int r;

	(void)state;
	open_world(&w, names[0], false);
	tls_close(w.server);
	tls_close(w.server);
	carry_down(&w);
	r = SSL_read(w.client.ssl, &byte, 1);
	assert_int_equal(SSL_get_error(w.client.ssl, r), SSL_ERROR_ZERO_RETURN);
	/* The other way goes on, and ends in order. */
	say_up(&w, 3);
	(void)SSL_shutdown(w.client.ssl);
	carry_up(&w);
	tls_feed_eof(w.server);
	assert_int_equal(read_up(&w, 64, &n), TLS_EOF);
	assert_int_equal(n, 3);
	assert_int_equal(tls_output(w.server)->n, 0);
	assert_int_equal(tls_write(w.server, span_str("x")), TLS_FAILED);
	close_world(&w);

	open_world(&w, names[0], false);
	say_up(&w, 3);
	tls_feed_eof(w.server);
	assert_int_equal(read_up(&w, 64, &n), TLS_FAILED);
	assert_int_equal(n, 3);
	assert_string_equal(tls_conn_error(w.server), "unexpected eof");
	close_world(&w);
}

static void every_flipped_bit_is_refused_with_an_alert(void **state)
{
	static const char sent[] = "hello";
	uint8_t record[64];
	struct world w;
	size_t n, i;
	int len;

	(void)state;
	for (i = 0; i < 27ul * 8; i++) {
		open_world(&w, names[0], i % 2);
		assert_int_equal(SSL_write(w.client.ssl, sent, 5), 5);
		len = BIO_read(w.client.out, record, sizeof(record));
		assert_int_equal(len, 27);
		record[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(tls_feed(w.server, span_of(record, (size_t)len)), RC_OK);
		tls_feed_eof(w.server);
		assert_int_equal(read_up(&w, 64, &n), TLS_FAILED);
		assert_int_equal(n, 0);
		/* Longer than what came is no more than cut off. */
		if (strcmp(tls_conn_error(w.server), "unexpected eof") != 0) {
			carry_down(&w);
			len = SSL_read(w.client.ssl, record, 1);
			assert_int_equal(SSL_get_error(w.client.ssl, len), SSL_ERROR_SSL);
		}
		close_world(&w);
	}
}

/* -- records of our own making ---------------------------------------------- */

/* A sender and a receiver with one key; what 'from' seals 'to' opens. */
struct ends {
	struct engine *engine;
	struct light from, to;
	struct buf wire, answer;
};

static void open_ends(struct ends *e)
{
	memset(e, 0, sizeof(*e));
	e->engine = engine_new();
	memset(e->from.out.secret, 7, 32);
	memset(e->to.in.secret, 7, 32);
	memset(e->to.out.secret, 9, 32);
	e->from.out.secret_len = e->to.in.secret_len = e->to.out.secret_len = 32;
	assert_true(record_start(&e->from.out, ENGINE_AES_128_GCM, 0));
	assert_true(record_start(&e->to.in, ENGINE_AES_128_GCM, 0));
	assert_true(record_start(&e->to.out, ENGINE_AES_128_GCM, 0));
	buf_init(&e->wire, 1 << 20);
	buf_init(&e->answer, 1 << 20);
}

static void close_ends(struct ends *e)
{
	engine_free(e->engine);
	buf_fini(&e->wire);
	buf_fini(&e->answer);
}

/* Seals 'inner', whose last byte is the type or padding, as one record. */
static void seal(struct ends *e, struct span inner)
{
	uint8_t nonce[12], header[5], *sealed = mem_new(inner.n + 16);
	struct wr w = WR_ARRAY(header);
	int i;

	memcpy(nonce, e->from.out.iv, 12);
	for (i = 0; i < 8; i++)
		nonce[4 + i] ^= (uint8_t)(e->from.out.count >> (56 - 8 * i));
	e->from.out.count++;
	wr_u8(&w, 23);
	wr_be16(&w, 0x0303);
	wr_be16(&w, (uint16_t)(inner.n + 16));
	engine_seal(e->engine, ENGINE_AES_128_GCM, sealed, &e->from.out.key, nonce, wr_span(&w),
		    span_of(inner.p, inner.n - 1), inner.p[inner.n - 1]);
	assert_true(buf_add(&e->wire, wr_span(&w)));
	assert_true(buf_add(&e->wire, span_of(sealed, inner.n + 16)));
	free(sealed);
}

static enum light_status open_all(struct ends *e, size_t *total)
{
	uint8_t bytes[32768];
	enum light_status status;
	size_t n;

	*total = 0;
	while ((status = light_read(&e->to, e->engine, &e->wire, &e->answer, bytes, sizeof(bytes),
				    &n)) == LIGHT_OK)
		*total += n;
	return status;
}

#define B(...) ((const uint8_t[]){ __VA_ARGS__ }), sizeof((const uint8_t[]){ __VA_ARGS__ })

static const struct {
	const char *name;
	const uint8_t *inner;
	size_t n;
	enum light_status want;
	const char *error; /* NULL: none */
	bool has_alert;
} cases[] = {
	{ "data_taken", B('x', 23), LIGHT_WANT, NULL, false },
	{ "padded_data_taken", B('x', 23, 0, 0, 0), LIGHT_WANT, NULL, false },
	{ "empty_data_taken", B(23), LIGHT_WANT, NULL, false },
	{ "only_padding_refused", B(0, 0, 0), LIGHT_FAILED, "a record of padding", true },
	{ "close_notify_ends", B(1, 0, 21), LIGHT_END, NULL, false },
	{ "fatal_close_notify_ends", B(2, 0, 21), LIGHT_END, NULL, false },
	{ "user_canceled_ignored", B(1, 90, 21), LIGHT_WANT, NULL, false },
	{ "fatal_alert_unanswered", B(2, 40, 21), LIGHT_FAILED, "peer sent a fatal alert", false },
	{ "unknown_alert_is_fatal", B(1, 99, 21), LIGHT_FAILED, "peer sent a fatal alert", false },
	{ "short_alert_refused", B(1, 21), LIGHT_FAILED, "malformed alert", true },
	{ "two_alerts_refused", B(1, 0, 1, 0, 21), LIGHT_FAILED, "malformed alert", true },
	{ "key_update_taken", B(24, 0, 0, 1, 0, 22), LIGHT_WANT, NULL, false },
	{ "key_update_answered", B(24, 0, 0, 1, 1, 22), LIGHT_WANT, NULL, true },
	{ "key_update_2_refused", B(24, 0, 0, 1, 2, 22), LIGHT_FAILED, "malformed key update",
	  true },
	{ "long_key_update_refused", B(24, 0, 0, 2, 0, 0, 22), LIGHT_FAILED, "malformed key update",
	  true },
	{ "cut_key_update_refused", B(24, 0, 0, 1, 22), LIGHT_FAILED,
	  "unexpected handshake message", true },
	{ "key_update_with_more_refused", B(24, 0, 0, 1, 0, 24, 22), LIGHT_FAILED,
	  "unexpected handshake message", true },
	{ "client_hello_refused", B(1, 0, 0, 0, 22), LIGHT_FAILED, "unexpected handshake message",
	  true },
	{ "ticket_refused", B(4, 0, 0, 0, 22), LIGHT_FAILED, "unexpected handshake message", true },
	{ "empty_handshake_refused", B(22), LIGHT_FAILED, "unexpected handshake message", true },
	{ "inner_ccs_refused", B(1, 20), LIGHT_FAILED, "unexpected type of record", true },
	{ "heartbeat_refused", B(1, 0, 24), LIGHT_FAILED, "unexpected type of record", true },
};

static void records_are_judged(void **state)
{
	struct ends e;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		open_ends(&e);
		seal(&e, span_of(cases[i].inner, cases[i].n));
		if (open_all(&e, &n) != cases[i].want)
			fail_msg("%s", cases[i].name);
		if (cases[i].error)
			assert_string_equal(e.to.error, cases[i].error);
		else
			assert_null(e.to.error);
		if ((e.answer.n > 0) != cases[i].has_alert)
			fail_msg("%s: answer of %zu bytes", cases[i].name, e.answer.n);
		/* A failure or an end is told again, whatever comes. */
		if (cases[i].want != LIGHT_WANT) {
			seal(&e, span_of(cases[0].inner, cases[0].n));
			assert_int_equal(open_all(&e, &n), cases[i].want);
			assert_int_equal(n, 0);
		}
		close_ends(&e);
	}
}

static const struct {
	const char *name;
	uint8_t header[5];
	enum light_status want;
	const char *error;
} headers[] = {
	{ "plain_alert_refused",
	  { 21, 3, 3, 0, 2 },
	  LIGHT_FAILED,
	  "a record that is not encrypted" },
	{ "plain_handshake_refused",
	  { 22, 3, 3, 0, 20 },
	  LIGHT_FAILED,
	  "a record that is not encrypted" },
	{ "change_cipher_spec_refused",
	  { 20, 3, 3, 0, 1 },
	  LIGHT_FAILED,
	  "change_cipher_spec after the handshake" },
	{ "version_refused", { 23, 3, 1, 0, 20 }, LIGHT_FAILED, "a record that is not encrypted" },
	{ "tag_alone_refused", { 23, 3, 3, 0, 16 }, LIGHT_FAILED, "record too short" },
	{ "longest_is_waited_for", { 23, 3, 3, 0x41, 0x00 }, LIGHT_WANT, NULL },
	{ "too_long_refused", { 23, 3, 3, 0x41, 0x01 }, LIGHT_FAILED, "record too long" },
};

static void headers_are_judged_before_the_rest(void **state)
{
	struct ends e;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		open_ends(&e);
		assert_true(buf_add(&e.wire, span_of(headers[i].header, 5)));
		if (open_all(&e, &n) != headers[i].want)
			fail_msg("%s", headers[i].name);
		if (headers[i].error)
			assert_string_equal(e.to.error, headers[i].error);
		assert_int_equal(e.answer.n > 0, headers[i].want == LIGHT_FAILED);
		close_ends(&e);
	}
}

/* 2^14 bytes of data and padding together are the most (§5.4). */
static void too_much_data_overflows(void **state)
{
	static const struct {
		size_t data, padding;
		enum light_status want;
	} rows[] = {
		{ RECORD_PLAIN_MAX, 0, LIGHT_WANT },
		{ 1, RECORD_PLAIN_MAX - 1, LIGHT_WANT },
		{ RECORD_PLAIN_MAX + 1, 0, LIGHT_FAILED },
		{ RECORD_PLAIN_MAX, 1, LIGHT_FAILED },
		{ 1, RECORD_PLAIN_MAX, LIGHT_FAILED },
	};
	static uint8_t inner[RECORD_PLAIN_MAX + 2];
	struct ends e;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(inner, 0, sizeof(inner));
		memset(inner, 'x', rows[i].data);
		inner[rows[i].data] = 23;
		open_ends(&e);
		seal(&e, span_of(inner, rows[i].data + 1 + rows[i].padding));
		assert_int_equal(open_all(&e, &n), rows[i].want);
		if (rows[i].want == LIGHT_WANT)
			assert_int_equal(n, rows[i].data);
		else
			assert_string_equal(e.to.error, "record too long");
		close_ends(&e);
	}
}

static void flood_of_empty_records_is_refused(void **state)
{
	struct ends e;
	size_t n;
	int i;

	(void)state;
	open_ends(&e);
	for (i = 0; i < 100; i++) {
		seal(&e, span_of(cases[2].inner, cases[2].n));
		if (i % 20 == 0)
			seal(&e, span_of(cases[0].inner, cases[0].n));
	}
	assert_int_equal(open_all(&e, &n), LIGHT_WANT);
	for (i = 0; i < 33; i++)
		seal(&e, span_of(cases[2].inner, cases[2].n));
	assert_int_equal(open_all(&e, &n), LIGHT_FAILED);
	assert_string_equal(e.to.error, "too many records without data");
	close_ends(&e);
}

/* A writer changes its keys before a cipher's limit, and its reader follows. */
static void writer_renews_its_keys(void **state)
{
	static const uint8_t data[] = "data";
	struct ends e;
	size_t n;

	(void)state;
	open_ends(&e);
	e.from.out.count = (1ull << 24) - 1;
	e.to.in.count = (1ull << 24) - 1;
	assert_int_equal(light_write(&e.from, e.engine, &e.wire, SPAN_ARRAY(data)), LIGHT_OK);
	assert_int_equal(light_write(&e.from, e.engine, &e.wire, SPAN_ARRAY(data)), LIGHT_OK);
	assert_int_equal(e.from.out.count, 1);
	assert_int_equal(open_all(&e, &n), LIGHT_WANT);
	assert_int_equal(n, 2 * sizeof(data));
	assert_int_equal(e.to.in.count, 1);
	close_ends(&e);
}

static void output_over_its_bound_fails(void **state)
{
	static uint8_t data[40000];
	struct ends e;

	(void)state;
	open_ends(&e);
	buf_init(&e.wire, 20000);
	assert_int_equal(light_write(&e.from, e.engine, &e.wire, SPAN_ARRAY(data)), LIGHT_FAILED);
	assert_string_equal(e.from.error, "output over its bound");
	assert_true(e.wire.n <= 20000);
	close_ends(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_follow_from_secrets),
		cmocka_unit_test(no_keys_without_the_secret),
		cmocka_unit_test(data_passes_both_ways_in_every_suite),
		cmocka_unit_test(byte_by_byte_is_the_same),
		cmocka_unit_test(keys_are_updated_by_either_side),
		cmocka_unit_test(flood_of_key_updates_is_refused),
		cmocka_unit_test(ends_are_told_apart),
		cmocka_unit_test(every_flipped_bit_is_refused_with_an_alert),
		cmocka_unit_test(records_are_judged),
		cmocka_unit_test(headers_are_judged_before_the_rest),
		cmocka_unit_test(too_much_data_overflows),
		cmocka_unit_test(flood_of_empty_records_is_refused),
		cmocka_unit_test(writer_renews_its_keys),
		cmocka_unit_test(output_over_its_bound_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
