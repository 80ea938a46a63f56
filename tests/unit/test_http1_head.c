/* head: each rule of RFC 9112 that two readers could take two ways, by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "http1/head.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define GET "GET / HTTP/1.1\r\n"
#define HOST "Host: a.example\r\n"
#define END "\r\n"

/* status 0: accepted, then 'reason' is the host */
struct row {
	const char *name, *head;
	unsigned status;
	const char *reason;
};

static const struct row REQUESTS[] = {
	{ "plain_accepted", GET HOST END, 0, "a.example" },
	{ "post_accepted", "POST /x?y=%00 HTTP/1.1\r\n" HOST "Content-Length: 5\r\n" END, 0,
	  "a.example" },
	{ "host_with_port_accepted", GET "Host: a.example:8443\r\n" END, 0, "a.example" },
	{ "host_with_empty_port_accepted", GET "Host: a.example:\r\n" END, 0, "a.example" },
	{ "host_literal_accepted", GET "Host: [2001:db8::1]:443\r\n" END, 0, "[2001:db8::1]" },
	{ "http10_without_host_accepted", "GET / HTTP/1.0\r\n" END, 0, "" },
	{ "absolute_target_accepted", "GET https://a.example/x HTTP/1.1\r\n" HOST END, 0,
	  "a.example" },
	{ "absolute_target_case_accepted", "GET HTTP://A.Example:80?q HTTP/1.1\r\n" HOST END, 0,
	  "A.Example" },
	{ "asterisk_accepted", "OPTIONS * HTTP/1.1\r\n" HOST END, 0, "a.example" },
	{ "value_with_tab_and_latin1_accepted", GET HOST "X: a\tb\xe4\r\n" END, 0, "a.example" },
	{ "empty_value_accepted", GET HOST "X:\r\n" END, 0, "a.example" },
	{ "websocket_accepted",
	  GET HOST "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" END,
	  0, "a.example" },
	{ "te_trailers_accepted", GET HOST "TE: trailers\r\nConnection: TE, close\r\n" END, 0,
	  "a.example" },
	{ "length_zero_accepted", GET HOST "Content-Length: 0\r\n" END, 0, "a.example" },

	{ "no_spaces_rejected", "GET\r\n" HOST END, 400, "request_line" },
	{ "two_words_rejected", "GET /\r\n" HOST END, 400, "request_line" },
	{ "two_spaces_rejected", "GET  / HTTP/1.1\r\n" HOST END, 400, "request_line" },
	{ "space_in_target_rejected", "GET /a b HTTP/1.1\r\n" HOST END, 400, "request_line" },
	{ "trailing_space_rejected", "GET / HTTP/1.1 \r\n" HOST END, 400, "request_line" },
	{ "tab_for_space_rejected", "GET\t/ HTTP/1.1\r\n" HOST END, 400, "request_line" },
	{ "empty_first_line_rejected", "\r\n" GET HOST END, 400, "request_line" },
	{ "method_with_slash_rejected", "G/T / HTTP/1.1\r\n" HOST END, 400, "request_line" },
	{ "lower_case_version_rejected", "GET / http/1.1\r\n" HOST END, 400, "request_line" },
	{ "http2_preface_rejected", "PRI * HTTP/2.0\r\n" END, 505, "version" },
	{ "http20_rejected", "GET / HTTP/2.0\r\n" HOST END, 505, "version" },
	{ "http12_rejected", "GET / HTTP/1.2\r\n" HOST END, 505, "version" },
	{ "target_relative_rejected", "GET a HTTP/1.1\r\n" HOST END, 400, "target" },
	{ "target_fragment_rejected", "GET /#a HTTP/1.1\r\n" HOST END, 400, "target" },
	{ "target_latin1_rejected", "GET /\xe4 HTTP/1.1\r\n" HOST END, 400, "target" },
	{ "target_control_rejected", "GET /\x01 HTTP/1.1\r\n" HOST END, 400, "target" },
	{ "target_ftp_rejected", "GET ftp://a.example/ HTTP/1.1\r\n" HOST END, 400, "target" },
	{ "target_user_rejected", "GET http://u@a.example/ HTTP/1.1\r\n" HOST END, 400, "target" },
	{ "target_no_host_rejected", "GET http:/// HTTP/1.1\r\n" HOST END, 400, "target" },
	{ "asterisk_of_get_rejected", "GET * HTTP/1.1\r\n" HOST END, 400, "target" },
	{ "connect_rejected", "CONNECT a.example:443 HTTP/1.1\r\n" HOST END, 501, "connect" },

	{ "host_missing_rejected", GET END, 400, "host" },
	{ "host_twice_rejected", GET HOST HOST END, 400, "host" },
	{ "host_empty_rejected", GET "Host:\r\n" END, 400, "host" },
	{ "host_list_rejected", GET "Host: a.example, b.example\r\n" END, 400, "host" },
	{ "host_user_rejected", GET "Host: b@a.example\r\n" END, 400, "host" },
	{ "host_path_rejected", GET "Host: a.example/b\r\n" END, 400, "host" },
	{ "host_port_word_rejected", GET "Host: a.example:80a\r\n" END, 400, "host" },
	{ "host_port_large_rejected", GET "Host: a.example:65536\r\n" END, 400, "host" },
	{ "host_percent_rejected", GET "Host: a%2eexample\r\n" END, 400, "host" },
	{ "host_literal_open_rejected", GET "Host: [::1\r\n" END, 400, "host" },
	{ "host_literal_bytes_rejected", GET "Host: [a b]\r\n" END, 400, "host" },
	{ "host_of_target_differs_rejected", "GET http://b.example/ HTTP/1.1\r\n" HOST END, 400,
	  "host" },

	{ "space_before_colon_rejected", GET "Host : a.example\r\n" END, 400, "field" },
	{ "folded_line_rejected", GET HOST "X: a\r\n b\r\n" END, 400, "field" },
	{ "folded_line_with_a_colon_rejected", GET HOST "X: a\r\n b: c\r\n" END, 400, "field" },
	{ "folded_first_line_rejected", GET " " HOST END, 400, "field" },
	{ "no_colon_rejected", GET HOST "X\r\n" END, 400, "field" },
	{ "empty_name_rejected", GET HOST ": a\r\n" END, 400, "field" },
	{ "name_latin1_rejected", GET HOST "\xe4: a\r\n" END, 400, "field" },
	{ "bare_cr_in_value_rejected", GET HOST "X: a\rTransfer-Encoding: chunked\r\n" END, 400,
	  "field" },
	{ "bare_cr_in_name_rejected", GET HOST "X\r: a\r\n" END, 400, "field" },
	{ "del_in_value_rejected", GET HOST "X: a\x7f\r\n" END, 400, "field" },
	{ "bytes_behind_rejected", GET HOST END "X", 400, "field" },

	{ "length_twice_rejected", GET HOST "Content-Length: 5\r\nContent-Length: 5\r\n" END, 400,
	  "length" },
	{ "length_list_rejected", GET HOST "Content-Length: 5, 5\r\n" END, 400, "length" },
	{ "length_sign_rejected", GET HOST "Content-Length: +5\r\n" END, 400, "length" },
	{ "length_zero_before_rejected", GET HOST "Content-Length: 05\r\n" END, 400, "length" },
	{ "length_hex_rejected", GET HOST "Content-Length: 0x5\r\n" END, 400, "length" },
	{ "length_empty_rejected", GET HOST "Content-Length: \r\n" END, 400, "length" },
	{ "length_2_63_rejected", GET HOST "Content-Length: 9223372036854775808\r\n" END, 400,
	  "length" },
	{ "length_and_coding_rejected",
	  GET HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END, 400,
	  "length_and_coding" },
	{ "coding_and_length_zero_rejected",
	  GET HOST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n" END, 400,
	  "length_and_coding" },
	{ "coding_twice_rejected",
	  GET HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" END, 400,
	  "coding" },
	{ "coding_identity_rejected", GET HOST "Transfer-Encoding: identity\r\n" END, 501,
	  "coding_unknown" },
	{ "coding_list_rejected", GET HOST "Transfer-Encoding: gzip, chunked\r\n" END, 501,
	  "coding_unknown" },
	{ "coding_quoted_rejected", GET HOST "Transfer-Encoding: \"chunked\"\r\n" END, 501,
	  "coding_unknown" },
	{ "coding_vertical_tab_rejected", GET HOST "Transfer-Encoding: \x0b"
						   "chunked\r\n" END,
	  400, "field" },
	{ "coding_in_http10_rejected", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" END, 400,
	  "coding" },

	{ "connection_names_a_field_rejected",
	  GET HOST "Connection: close, X-Forwarded-For\r\n" END,
	  400, "connection" },
	{ "connection_names_host_rejected",
	  GET HOST "Connection: Host\r\n" END, 400, "connection" },
	{ "upgrade_without_option_rejected",
	  GET HOST "Upgrade: websocket\r\n" END, 400, "upgrade" },
	{ "upgrade_twice_rejected",
	  GET HOST "Connection: upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n" END, 400, "upgrade" },
	{ "upgrade_to_h2c_rejected",
	  GET HOST "Connection: upgrade\r\nUpgrade: websocket, H2C\r\n" END, 400, "upgrade" },
	{ "upgrade_with_body_rejected",
	  GET HOST "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n" END, 400,
	  "upgrade" },
	{ "upgrade_in_http10_rejected",
	  "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" END, 400, "upgrade" },
};

/* In an allocation of its own, so that ASan sees a read behind it. */
static bool read_request(struct head_request *r, const char *text, size_t n,
			 struct head_refusal *why, char *host, size_t cap)
{
	uint8_t *copy = mem_new(n + !n);
	bool is_ok;

	memcpy(copy, text, n);
	is_ok = head_request(r, span_of(copy, n), why);
	if (is_ok)
		snprintf(host, cap, "%.*s", (int)r->host.n, (const char *)r->host.p);
	free(copy);
	return is_ok;
}

static void test_requests(void **state)
{
	struct head_refusal why;
	struct head_request r;
	char host[256];

	(void)state;
	for (size_t i = 0; i < COUNT(REQUESTS); i++) {
		const struct row *row = &REQUESTS[i];
		bool is_ok = read_request(&r, row->head, strlen(row->head), &why, host,
					  sizeof(host));

		if (is_ok != (row->status == 0) ||
		    strcmp(is_ok ? host : why.reason, row->reason) != 0 ||
		    (!is_ok && why.status != row->status))
			fail_msg("%s: %s", row->name, is_ok ? host : why.reason);
	}
}

static void test_every_prefix_rejected(void **state)
{
	struct head_refusal why;
	struct head_request r;
	char host[256];

	(void)state;
	for (size_t i = 0; i < COUNT(REQUESTS); i++)
		for (size_t n = 0; !REQUESTS[i].status && n < strlen(REQUESTS[i].head); n++)
			if (read_request(&r, REQUESTS[i].head, n, &why, host, sizeof(host)))
				fail_msg("%s: %zu bytes", REQUESTS[i].name, n);
}

/* NUL and the other control bytes, in every place of a good head. */
static void test_control_byte_anywhere_rejected(void **state)
{
	static const char good[] =
		"POST /x HTTP/1.1\r\n" HOST "Content-Length: 5\r\nX: y\r\n" END;
	char text[sizeof(good)], host[256];
	struct head_refusal why;
	struct head_request r;

	(void)state;
	for (size_t at = 0; at + 1 < sizeof(good); at++)
		for (int c = 0; c < 32; c++) {
			memcpy(text, good, sizeof(good));
			if (c == '\t' || c == text[at])
				continue;
			text[at] = (char)c;
			if (read_request(&r, text, sizeof(good) - 1, &why, host, sizeof(host)))
				fail_msg("byte %d at %zu", c, at);
		}
}

static void test_limits(void **state)
{
	char *text = mem_new(HEAD_MAX + 1);
	struct head_refusal why;
	struct head_request r;
	char host[256];
	int n;

	(void)state;
	n = sprintf(text, "GET /%0*d HTTP/1.1\r\n" HOST END, HEAD_TARGET_MAX - 1, 0);
	assert_true(read_request(&r, text, (size_t)n, &why, host, sizeof(host)));
	n = sprintf(text, "GET /%0*d HTTP/1.1\r\n" HOST END, HEAD_TARGET_MAX, 0);
	assert_false(read_request(&r, text, (size_t)n, &why, host, sizeof(host)));
	assert_int_equal(why.status, 414);
	for (int count = HEAD_FIELDS_MAX - 2; count <= HEAD_FIELDS_MAX; count++) {
		n = sprintf(text, GET HOST);
		for (int i = 0; i < count; i++)
			n += sprintf(text + n, "X: y\r\n");
		n += sprintf(text + n, END);
		/* The empty line needs a place, too. */
		bool is_ok = read_request(&r, text, (size_t)n, &why, host, sizeof(host));

		assert_int_equal(is_ok, count + 1 < HEAD_FIELDS_MAX);
		if (!is_ok)
			assert_int_equal(why.status, 431);
	}
	free(text);
}

static void test_body_and_flags_of_requests(void **state)
{
	static const struct {
		const char *head;
		enum head_framing framing;
		uint64_t length;
		bool is_head, has_upgrade;
	} rows[] = {
		{ GET HOST END, HEAD_NO_BODY, 0, false, false },
		{ "HEAD / HTTP/1.1\r\n" HOST END, HEAD_NO_BODY, 0, true, false },
		{ "head / HTTP/1.1\r\n" HOST END, HEAD_NO_BODY, 0, false, false },
		{ GET HOST "content-length: 9223372036854775807\r\n" END, HEAD_LENGTH, INT64_MAX,
		  false,
		  false },
		{ GET HOST "Content-Length: 0\r\n" END, HEAD_NO_BODY, 0, false, false },
		{ GET HOST "TRANSFER-ENCODING: Chunked\r\n" END, HEAD_CHUNKED, 0, false, false },
		{ GET HOST "Connection: upgrade\r\nUpgrade: websocket\r\n" END, HEAD_NO_BODY, 0,
		  false,
		  true },
	};
	struct head_refusal why;
	struct head_request r;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(head_request(&r, span_str(rows[i].head), &why));
		assert_int_equal(r.framing, rows[i].framing);
		assert_int_equal(r.length, rows[i].length);
		assert_int_equal(r.is_head, rows[i].is_head);
		assert_int_equal(r.has_upgrade, rows[i].has_upgrade);
	}
}

static void expect_span(struct span s, const char *text)
{
	assert_int_equal(s.n, strlen(text));
	assert_memory_equal(s.p, text, s.n);
}

static void test_fields_in_turn(void **state)
{
	static const char *const want[][3] = {
		{ "Host", "a.example", "Host: a.example\r\n" },
		{ "X", "", "X:\r\n" },
		{ "x", "y: z", "x: \t y: z \r\n" },
	};
	static const char head[] = GET "Host: a.example\r\nX:\r\nx: \t y: z \r\n" END;
	struct head_request r;
	struct head_refusal why;
	struct head_field field;
	size_t n = 0;

	(void)state;
	assert_true(head_request(&r, span_str(head), &why));
	assert_int_equal(r.field_count, 3);
	for (struct span rest = r.fields; head_next(&rest, &field); n++) {
		assert_true(n < 3);
		expect_span(field.name, want[n][0]);
		expect_span(field.value, want[n][1]);
		expect_span(field.line, want[n][2]);
	}
	assert_int_equal(n, 3);
}

static void test_last_requests(void **state)
{
	static const struct {
		const char *head;
		bool is_last;
	} rows[] = {
		{ GET HOST END, false },
		{ GET HOST "Connection: keep-alive\r\n" END, false },
		{ GET HOST "Connection: te, Close\r\n" END, true },
		{ "GET / HTTP/1.0\r\n" HOST END, true },
		{ "GET / HTTP/1.0\r\n" HOST "Connection: TE, Keep-Alive\r\n" END, false },
		{ "GET / HTTP/1.0\r\n" HOST "Connection: keep-alive\r\nConnection: close\r\n" END,
		  true },
	};
	struct head_refusal why;
	struct head_request r;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(head_request(&r, span_str(rows[i].head), &why));
		assert_int_equal(r.is_last, rows[i].is_last);
	}
}

#define OK "HTTP/1.1 200 OK\r\n"

static void test_responses(void **state)
{
	static const struct {
		const char *name, *head;
		bool is_ok;
		unsigned status;
		enum head_framing framing;
		uint64_t length;
	} rows[] = {
		{ "length", OK "Content-Length: 3\r\n" END, true, 200, HEAD_LENGTH, 3 },
		{ "length_zero", OK "Content-Length: 0\r\n" END, true, 200, HEAD_NO_BODY, 0 },
		{ "until_close", OK END, true, 200, HEAD_UNTIL_CLOSE, 0 },
		{ "chunked", OK "Transfer-Encoding: gzip, chunked\r\n" END, true, 200,
		  HEAD_CHUNKED, 0 },
		{ "gzip_only", OK "Transfer-Encoding: gzip\r\n" END, true, 200, HEAD_UNTIL_CLOSE,
		  0 },
		{ "no_content", "HTTP/1.1 204 No Content\r\n" END, true, 204, HEAD_NO_BODY, 0 },
		{ "not_modified_with_length", "HTTP/1.1 304 X\r\nContent-Length: 7\r\n" END, true,
		  304,
		  HEAD_NO_BODY, 7 },
		{ "switching", "HTTP/1.1 101 Switching Protocols\r\n" END, true, 101, HEAD_NO_BODY,
		  0 },
		{ "no_reason", "HTTP/1.0 500\r\n" END, true, 500, HEAD_UNTIL_CLOSE, 0 },
		{ "both_rejected", OK "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n" END,
		  false, 0,
		  0, 0 },
		{ "length_twice_rejected", OK "Content-Length: 3\r\nContent-Length: 3\r\n" END,
		  false, 0, 0,
		  0 },
		{ "length_word_rejected", OK "Content-Length: x\r\n" END, false, 0, 0, 0 },
		{ "status_short_rejected", "HTTP/1.1 20 OK\r\n" END, false, 0, 0, 0 },
		{ "status_large_rejected", "HTTP/1.1 600 OK\r\n" END, false, 0, 0, 0 },
		{ "status_small_rejected", "HTTP/1.1 099 OK\r\n" END, false, 0, 0, 0 },
		{ "status_long_rejected", "HTTP/1.1 2000 OK\r\n" END, false, 0, 0, 0 },
		{ "other_protocol_rejected", "SSH-2.0-OpenSSH\r\n" END, false, 0, 0, 0 },
		{ "field_rejected", OK "X y\r\n" END, false, 0, 0, 0 },
		{ "behind_rejected", OK END "x", false, 0, 0, 0 },
	};
	struct head_response r;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (head_response(&r, span_str(rows[i].head)) != rows[i].is_ok)
			fail_msg("%s", rows[i].name);
		if (rows[i].is_ok && (r.status != rows[i].status ||
				      r.framing != rows[i].framing || r.length != rows[i].length))
			fail_msg("%s", rows[i].name);
	}
}

static void test_scan(void **state)
{
	static const struct {
		const char *bytes;
		enum head_found want;
		size_t n;
	} rows[] = {
		{ "", HEAD_MORE, 0 },
		{ "GET", HEAD_MORE, 0 },
		{ "a\r\nb\r\n", HEAD_MORE, 0 },
		{ "a\r\nb\r\n\r", HEAD_MORE, 0 },
		{ "a\r\nb\r\n\r\nrest", HEAD_WHOLE, 8 },
		{ "\r\nx", HEAD_WHOLE, 2 },
		{ "a\nb\r\n\r\n", HEAD_BARE_LF, 0 },
		{ "a\r\n\n", HEAD_BARE_LF, 0 },
		{ "\n", HEAD_BARE_LF, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		/* At once, and byte by byte: the same. */
		for (size_t step = 1; step <= 64; step += 63) {
			struct head_scan s = { 0 };
			enum head_found found = HEAD_MORE;
			size_t n = 0, all = strlen(rows[i].bytes), at = 0;

			while (found == HEAD_MORE && at < all) {
				at = at + step > all ? all : at + step;
				found = head_scan(&s, span_of(rows[i].bytes, at), &n);
			}
			assert_int_equal(found, rows[i].want);
			assert_int_equal(n, rows[i].n);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_every_prefix_rejected),
		cmocka_unit_test(test_control_byte_anywhere_rejected),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_body_and_flags_of_requests),
		cmocka_unit_test(test_fields_in_turn),
		cmocka_unit_test(test_last_requests),
		cmocka_unit_test(test_responses),
		cmocka_unit_test(test_scan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
