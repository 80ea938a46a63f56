/* proxy: the PROXY v2 header by family. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "edge/proxy.h"

static struct sock_addr at(const char *text)
{
	struct sock_addr a;

	assert_true(sock_addr_parse(&a, span_str(text)));
	return a;
}

static void proxy_headers(void **state)
{
	static const uint8_t v4[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02"
				    "\x04\xd2\x01\xbb";
	struct sock_addr a = at("192.0.2.1:1234"), b = at("192.0.2.2:443");
	struct sock_addr six = at("[2001:db8::1]:1"), unix_addr = at("unix:/x");
	uint8_t bytes[PROXY_MAX];
	struct wr w = WR_ARRAY(bytes);

	(void)state;
	proxy_write(&w, &a, &b);
	assert_int_equal(w.n, 28);
	assert_memory_equal(bytes, v4, 28);
	w = WR_ARRAY(bytes);
	proxy_write(&w, &six, &six);
	assert_int_equal(w.n, 52);
	assert_false(w.over);
	assert_int_equal(bytes[13], 0x21);
	w = WR_ARRAY(bytes);
	proxy_write(&w, &a, &six);
	assert_int_equal(w.n, 16);
	assert_int_equal(bytes[12], 0x20);
	w = WR_ARRAY(bytes);
	proxy_write(&w, &unix_addr, &unix_addr);
	assert_int_equal(w.n, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proxy_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
