/* name: the forms of the grammar, then every short label against a stupid
 * reader that tries all readings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "sni/name.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define BASE "example.net"
#define HEX "0123456789abcdef0123456789abcdef01234567"
#define L60 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct row {
	const char *host;
	enum rc want;
	enum name_kind kind;
	enum name_mode mode;
	uint16_t port;
	const char *id;
	bool id_is_hex;
};

#define APP(host, mode, port, id) \
	{ \
		host "." BASE, RC_OK, NAME_APP, mode, port, id, false \
	}
#define APPX(host, mode, port) \
	{ \
		host "." BASE, RC_OK, NAME_APP, mode, port, HEX, true \
	}
#define OUTSIDE(host) \
	{ \
		host, RC_OK, NAME_CUSTOM, 0, 0, "", false \
	}
#define NO(host) \
	{ \
		host, RC_MALFORMED, 0, 0, 0, "", false \
	}

static const struct row ROWS[] = {
	/* design §4, row by row */
	APPX(HEX, NAME_TERMINATE, 80),
	APPX(HEX "-8080", NAME_TERMINATE, 8080),
	APPX(HEX "-443s", NAME_PASSTHROUGH, 443),
	APPX(HEX "-50051g", NAME_H2, 50051),
	APPX(HEX "-s", NAME_PASSTHROUGH, 443),
	APPX(HEX "-g", NAME_H2, 80),
	APPX(HEX "-65535s", NAME_PASSTHROUGH, 65535),
	APPX(HEX "-1", NAME_TERMINATE, 1),
	APP("hello", NAME_TERMINATE, 80, "hello"),
	APP("hello-443s", NAME_PASSTHROUGH, 443, "hello"),
	APP("my-app", NAME_TERMINATE, 80, "my-app"),
	APP("my-app-8080", NAME_TERMINATE, 8080, "my-app"),
	APP("my-app-12ab", NAME_TERMINATE, 80, "my-app-12ab"),
	APP("s", NAME_TERMINATE, 80, "s"),
	APP("80", NAME_TERMINATE, 80, "80"),
	APP("xn--bcher-kva", NAME_TERMINATE, 80, "xn--bcher-kva"),
	APP(L60 "abc", NAME_TERMINATE, 80, L60 "abc"),
	APP("gateways", NAME_TERMINATE, 80, "gateways"),
	/* 39 and 41 digits are no id */
	APP("0123456789abcdef0123456789abcdef0123456", NAME_TERMINATE, 80,
	    "0123456789abcdef0123456789abcdef0123456"),
	APP(HEX "0", NAME_TERMINATE, 80, HEX "0"),
	{ "gateway." BASE, RC_OK, NAME_GATEWAY, 0, 0, "", false },
	/* case and the trailing dot */
	{ "HeLLo-443S.Example.NET", RC_OK, NAME_APP, NAME_PASSTHROUGH, 443, "hello", false },
	{ "hello." BASE ".", RC_OK, NAME_APP, NAME_TERMINATE, 80, "hello", false },
	{ "0123456789ABCDEF0123456789ABCDEF01234567." BASE, RC_OK, NAME_APP, 0, 80, HEX, true },
	{ "GATEWAY." BASE ".", RC_OK, NAME_GATEWAY, 0, 0, "", false },
	/* outside the base */
	OUTSIDE("www.example.org"),
	OUTSIDE(BASE),
	OUTSIDE("badexample.net"),
	OUTSIDE("net"),
	OUTSIDE("example.net.evil.org"),
	/* refused suffixes */
	NO("hello-443sg." BASE),
	NO("hello-443gs." BASE),
	NO("hello-sg." BASE),
	NO("hello-gs." BASE),
	NO("hello-ss." BASE),
	NO("hello-0." BASE),
	NO("hello-0s." BASE),
	NO("hello-080." BASE),
	NO("hello-0443s." BASE),
	NO("hello-65536." BASE),
	NO("hello-99999s." BASE),
	NO("hello-18446744073709551617." BASE),
	NO("hello-8080-443s." BASE),
	NO("hello-s-g." BASE),
	NO("hello-." BASE),
	NO("hello--80." BASE),
	NO("-80." BASE),
	NO("-s." BASE),
	NO("-hello." BASE),
	NO("gateway-443s." BASE),
	NO("gateway-80." BASE),
	/* no host names */
	NO(""),
	NO("."),
	NO(".."),
	NO("." BASE),
	NO("hello." BASE ".."),
	NO("a.hello." BASE),
	NO("hello.." BASE),
	NO("he_llo." BASE),
	NO("he llo." BASE),
	NO("hello." BASE "\x01"),
	NO("h\xc3\xa9llo." BASE),
	NO("*." BASE),
	NO("192.0.2.1"),
	NO("www.example.123"),
	NO("[::1]"),
	NO(L60 "abcd." BASE),
	NO("www." L60 "abcd.org"),
};

static enum rc parse(struct name *out, const char *host, size_t n)
{
	char *copy = mem_dup_n(host, n);
	enum rc rc = name_parse(out, span_of(copy, n), span_str(BASE));

	free(copy);
	return rc;
}

static void table_of_forms(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(ROWS); i++) {
		const struct row *r = &ROWS[i];
		struct name n, before;
		enum rc rc;

		memset(&n, 0xa5, sizeof(n));
		before = n;
		rc = parse(&n, r->host, strlen(r->host));
		if (rc != r->want)
			fail_msg("%s: %s", r->host, rc_name(rc));
		if (rc != RC_OK) {
			assert_memory_equal(&n, &before, sizeof(n));
			continue;
		}
		if (n.kind != r->kind || n.mode != r->mode || n.port != r->port ||
		    strcmp(n.id, r->id) != 0 || n.id_is_hex != r->id_is_hex)
			fail_msg("%s: kind %d mode %d port %d id %s", r->host, (int)n.kind,
				 (int)n.mode, n.port, n.id);
	}
}

static void nul_inside_refused(void **state)
{
	struct name n;

	(void)state;
	assert_int_equal(parse(&n, "hello\0." BASE, 7 + strlen(BASE)), RC_MALFORMED);
	assert_int_equal(parse(&n, "hello." BASE "\0", 7 + strlen(BASE)), RC_MALFORMED);
}

static void full_name_is_canonical(void **state)
{
	struct name n;

	(void)state;
	assert_int_equal(parse(&n, "WWW.Example.ORG.", 16), RC_OK);
	assert_string_equal(n.full, "www.example.org");
}

static void lengths_of_names(void **state)
{
	char host[300];
	struct name n;
	size_t len, i;

	(void)state;
	for (len = 1; len <= 260; len++) {
		for (i = 0; i < len; i++)
			host[i] = i % 50 == 49 ? '.' : 'a';
		if (host[len - 1] == '.')
			host[len - 1] = 'a';
		assert_int_equal(parse(&n, host, len), len <= NAME_MAX_LEN ? RC_OK : RC_MALFORMED);
	}
	memset(host, 'a', sizeof(host));
	for (i = 49; i < 253; i += 50)
		host[i] = '.';
	host[253] = '.';
	assert_int_equal(parse(&n, host, 254), RC_OK);
}

/* The stupid reader: every way to write a label as an id and a suffix. */

struct reading {
	char id[32];
	enum name_mode mode;
	unsigned port;
};

/* A number is a port when it is in range and printing it gives it back. */
static bool stupid_port(const char *s, size_t n, unsigned *port)
{
	char text[32];
	unsigned long p = strtoul(s, NULL, 10);

	snprintf(text, sizeof(text), "%lu", p);
	if (p < 1 || p > 65535 || strlen(text) != n || strncmp(text, s, n) != 0)
		return false;
	*port = (unsigned)p;
	return true;
}

/* The grammar's suffix productions. */
static bool stupid_suffix(const char *s, struct reading *r)
{
	size_t n = strlen(s);

	*r = (struct reading){ .mode = NAME_TERMINATE, .port = 80 };
	if (n == 0)
		return true;
	if (s[0] != '-')
		return false;
	if (strcmp(s, "-s") == 0) {
		r->mode = NAME_PASSTHROUGH;
		r->port = 443;
		return true;
	}
	if (strcmp(s, "-g") == 0) {
		r->mode = NAME_H2;
		return true;
	}
	if (s[n - 1] == 's' || s[n - 1] == 'g') {
		r->mode = s[n - 1] == 's' ? NAME_PASSTHROUGH : NAME_H2;
		n--;
	}
	return n > 1 && stupid_port(s + 1, n - 1, &r->port);
}

/* An id ends in nothing that a suffix could be mistaken for. */
static bool stupid_id(const char *s)
{
	size_t n = strlen(s), i;
	const char *piece = strrchr(s, '-');

	if (n == 0 || s[0] == '-' || s[n - 1] == '-')
		return false;
	if (!piece)
		return true;
	i = strspn(piece + 1, "0123456789");
	i += strspn(piece + 1 + i, "sg");
	return piece[1 + i] != '\0';
}

static void check_label(const char *label)
{
	struct reading found = { .port = 0 }, r;
	size_t i, n = strlen(label), readings = 0;
	char host[64];
	struct name name;
	enum rc rc;

	for (i = 1; i <= n; i++) {
		if (!stupid_suffix(label + i, &r))
			continue;
		memcpy(r.id, label, i);
		r.id[i] = '\0';
		if (!stupid_id(r.id))
			continue;
		readings++;
		found = r;
	}
	if (readings > 1)
		fail_msg("%s has %zu readings", label, readings);
	snprintf(host, sizeof(host), "%s." BASE, label);
	rc = parse(&name, host, strlen(host));
	if ((rc == RC_OK) != (readings == 1))
		fail_msg("%s: %s, %zu readings", label, rc_name(rc), readings);
	if (rc == RC_OK && (name.mode != found.mode || name.port != found.port ||
			    strcmp(name.id, found.id) != 0))
		fail_msg("%s: %s port %d", label, name.id, name.port);
	assert_int_equal(name_is_alias(span_str(label)), stupid_id(label));
}

static void every_short_label_has_one_reading(void **state)
{
	static const char alphabet[] = "a01sg-";
	char label[16];
	unsigned long k, of_len = 1, rest;
	size_t len, i;

	(void)state;
	for (len = 1; len <= 7; len++) {
		of_len *= sizeof(alphabet) - 1;
		for (k = 0; k < of_len; k++) {
			rest = k;
			for (i = 0; i < len; i++) {
				label[i] = alphabet[rest % (sizeof(alphabet) - 1)];
				rest /= sizeof(alphabet) - 1;
			}
			label[len] = '\0';
			check_label(label);
		}
	}
}

static void aliases_and_bases(void **state)
{
	(void)state;
	assert_true(name_is_alias(span_str("hello")));
	assert_false(name_is_alias(span_str("gateway")));
	assert_false(name_is_alias(span_str(HEX)));
	assert_false(name_is_alias(span_str("hello-443s")));
	assert_false(name_is_alias(span_str("Hello")));
	assert_false(name_is_alias(span_str("")));
	assert_true(name_is_base(span_str(BASE)));
	assert_true(name_is_base(span_str("localhost")));
	assert_false(name_is_base(span_str("Example.net")));
	assert_false(name_is_base(span_str("." BASE)));
	assert_false(name_is_base(span_str(BASE ".")));
	assert_false(name_is_base(span_str("")));
}

static void addresses(void **state)
{
	static const struct {
		const char *text;
		bool is_address;
	} rows[] = {
		{ "192.0.2.1", true },
		{ "0.0.0.0", true },
		{ "::", true },
		{ "2001:DB8::1", true },
		{ "::ffff:192.0.2.1", true },
		{ "1:2:3:4:5:6:7:8", true },
		{ "192.0.2", false },
		{ "192.0.2.256", false },
		{ "192.0.2.1.", false },
		{ "0300.0.2.1", false },
		{ "3221225985", false },
		{ "[::1]", false },
		{ "::1%lo", false },
		{ ":", false },
		{ "1:2:3:4:5:6:7:8:9", false },
		{ "example.net", false },
		{ "192.0.2.1.example", false },
		{ "", false },
		{ "1111:2222:3333:4444:5555:6666:255.255.255.2555", false },
		{ "1111:2222:3333:4444:5555:6666:255.255.255.255", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (name_is_address(span_str(rows[i].text)) != rows[i].is_address)
			fail_msg("%s", rows[i].text);
	assert_false(name_is_address(span_of("::1\0", 4)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_of_forms),
		cmocka_unit_test(nul_inside_refused),
		cmocka_unit_test(full_name_is_canonical),
		cmocka_unit_test(lengths_of_names),
		cmocka_unit_test(every_short_label_has_one_reading),
		cmocka_unit_test(aliases_and_bases),
		cmocka_unit_test(addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
