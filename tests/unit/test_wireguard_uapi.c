/* The text of the UAPI: each line, each fault. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wireguard/uapi.h"

#define KEY "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
#define NOT_HEX "zz02030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
#define PEER "public_key=" KEY "\n"

static const struct {
	const char *name, *text;
	enum uapi_line want;
} requests[] = {
	{ "nothing", "", UAPI_END },
	{ "empty_line_ends", "\n", UAPI_END },
	{ "all_of_the_device",
	  "private_key=" KEY "\nlisten_port=51820\nfwmark=0\nreplace_peers=true\n\n", UAPI_END },
	{ "all_of_a_peer",
	  PEER "update_only=true\npreshared_key=" KEY "\nendpoint=192.0.2.1:5\n"
	       "persistent_keepalive_interval=25\nreplace_allowed_ips=true\n"
	       "allowed_ip=10.0.0.0/8\nallowed_ip=-10.0.0.0/9\nprotocol_version=1\n\n",
	  UAPI_END },
	{ "remove", PEER "remove=true\n\n", UAPI_END },
	{ "two_peers", PEER "remove=true\n" PEER "update_only=true\n\n", UAPI_END },
	{ "no_equals_is_a_protocol_error", "listen_port\n\n", UAPI_PROTOCOL },
	{ "unknown_key", "foo=1\n\n", UAPI_INVALID },
	{ "empty_key", "=1\n\n", UAPI_INVALID },
	{ "key_is_case_sensitive", "Listen_port=1\n\n", UAPI_INVALID },
	{ "space_before_key", " listen_port=1\n\n", UAPI_INVALID },
	{ "port_too_large", "listen_port=65536\n\n", UAPI_INVALID },
	{ "port_negative", "listen_port=-1\n\n", UAPI_INVALID },
	{ "port_not_a_number", "listen_port=1x\n\n", UAPI_INVALID },
	{ "port_empty", "listen_port=\n\n", UAPI_INVALID },
	{ "mark_too_large", "fwmark=4294967296\n\n", UAPI_INVALID },
	{ "mark_maximum", "fwmark=4294967295\n\n", UAPI_END },
	{ "replace_peers_false", "replace_peers=false\n\n", UAPI_INVALID },
	{ "key_short", "private_key=00\n\n", UAPI_INVALID },
	{ "key_long", "private_key=" KEY "00\n\n", UAPI_INVALID },
	{ "key_not_hex", "private_key=" NOT_HEX "\n\n", UAPI_INVALID },
	{ "peer_line_before_any_peer", "endpoint=192.0.2.1:5\n\n", UAPI_INVALID },
	{ "device_line_inside_a_peer", PEER "listen_port=1\n\n", UAPI_INVALID },
	{ "update_only_must_come_first", PEER "remove=true\nupdate_only=true\n\n", UAPI_INVALID },
	{ "endpoint_by_name", PEER "endpoint=example.net:5\n\n", UAPI_INVALID },
	{ "keepalive_too_large", PEER "persistent_keepalive_interval=65536\n\n", UAPI_INVALID },
	{ "allowed_without_length", PEER "allowed_ip=10.0.0.1\n\n", UAPI_INVALID },
	{ "allowed_plus_sign", PEER "allowed_ip=+10.0.0.1/32\n\n", UAPI_INVALID },
	{ "protocol_version_2", PEER "protocol_version=2\n\n", UAPI_INVALID },
	{ "g14_carriage_return", "listen_port=1\r\n\n", UAPI_INVALID },
	{ "fault_after_good_lines", "listen_port=1\nfwmark=1\nbad\n\n", UAPI_PROTOCOL },
};

static void each_line_and_each_fault(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		print_message("%s\n", requests[i].name);
		assert_int_equal(uapi_check(span_str(requests[i].text)), requests[i].want);
	}
}

static void values_are_read(void **state)
{
	struct span text = span_str("listen_port=51820\nfwmark=7\n" PEER
				    "endpoint=[2001:db8::1]:9\nallowed_ip=-10.1.2.3/8\n\n");
	struct uapi_reader r = { 0 };
	struct uapi_item i;

	(void)state;
	assert_int_equal(uapi_next(&r, &i, &text), UAPI_ITEM);
	assert_int_equal(i.kind, UAPI_LISTEN_PORT);
	assert_int_equal(i.number, 51820);
	assert_int_equal(uapi_next(&r, &i, &text), UAPI_ITEM);
	assert_int_equal(i.kind, UAPI_FWMARK);
	assert_int_equal(i.number, 7);
	assert_int_equal(uapi_next(&r, &i, &text), UAPI_ITEM);
	assert_int_equal(i.kind, UAPI_PUBLIC_KEY);
	assert_int_equal(i.key.b[0], 1);
	assert_int_equal(i.key.b[31], 32);
	assert_int_equal(uapi_next(&r, &i, &text), UAPI_ITEM);
	assert_int_equal(i.kind, UAPI_ENDPOINT);
	assert_true(i.endpoint.is_v6 && i.endpoint.port == 9);
	assert_int_equal(uapi_next(&r, &i, &text), UAPI_ITEM);
	assert_int_equal(i.kind, UAPI_ALLOWED);
	assert_true(i.is_removal && i.prefix.len == 8 && i.prefix.ip[1] == 0);
	assert_int_equal(uapi_next(&r, &i, &text), UAPI_END);
}

static void failed_line_leaves_item_untouched(void **state)
{
	struct span text = span_str("listen_port=x\n");
	struct uapi_reader r = { 0 };
	struct uapi_item i, before;

	(void)state;
	memset(&i, 0x33, sizeof(i));
	before = i;
	assert_int_equal(uapi_next(&r, &i, &text), UAPI_INVALID);
	assert_memory_equal(&i, &before, sizeof(i));
}

static void request_ends_with_an_empty_line(void **state)
{
	static const struct {
		const char *text;
		size_t want;
	} rows[] = {
		{ "", 0 },
		{ "g", 0 },
		{ "get=1", 0 },
		{ "get=1\n", 0 },
		{ "get=1\n\n", 7 },
		{ "get=1\n\nset=1\n\n", 7 },
		{ "\n", 1 },
		{ "\nget=1\n\n", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(uapi_request_len(span_str(rows[i].text)), rows[i].want);
}

static void operations(void **state)
{
	static const struct {
		const char *text;
		enum uapi_operation want;
	} rows[] = {
		{ "get=1\n\n", UAPI_GET },
		{ "set=1\na=b\n\n", UAPI_SET },
		{ "get=2\n\n", UAPI_BROKEN },
		{ "set=1 \n\n", UAPI_BROKEN },
		{ "GET=1\n\n", UAPI_BROKEN },
		{ "\n", UAPI_BROKEN },
		{ "", UAPI_BROKEN },
		{ "get\n\n", UAPI_BROKEN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct span s = span_str(rows[i].text);

		assert_int_equal(uapi_begin(&s), rows[i].want);
	}
}

static void written_lines(void **state)
{
	static const uint8_t key[32] = { 0xab };
	struct allowedips_prefix p;
	struct endpoint e;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	assert_true(allowedips_prefix_parse(&p, span_str("fd00::/8")));
	assert_true(endpoint_parse(&e, span_str("192.0.2.1:5")));
	assert_true(uapi_put_key(&b, "public_key", key));
	assert_true(uapi_put_number(&b, "tx_bytes", UINT64_MAX));
	assert_true(uapi_put_endpoint(&b, &e));
	assert_true(uapi_put_allowed(&b, &p));
	assert_true(uapi_put_errno(&b, 22));
	assert_true(uapi_put_errno(&b, 0));
	assert_true(span_equal_str(
		buf_span(&b),
		"public_key=ab00000000000000000000000000000000000000000000000000000000000000\n"
		"tx_bytes=18446744073709551615\nendpoint=192.0.2.1:5\nallowed_ip=fd00::/8\n"
		"errno=-22\n\nerrno=0\n\n"));
	buf_fini(&b);
	buf_init(&b, 5);
	assert_false(uapi_put_errno(&b, 0));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_line_and_each_fault),
		cmocka_unit_test(values_are_read),
		cmocka_unit_test(failed_line_leaves_item_untouched),
		cmocka_unit_test(request_ends_with_an_empty_line),
		cmocka_unit_test(operations),
		cmocka_unit_test(written_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
