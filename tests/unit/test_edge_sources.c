/* sources: counts against a plain array, and what one source is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "edge/sources.h"

static struct sock_addr at(const char *text)
{
	struct sock_addr a;

	assert_true(sock_addr_parse(&a, span_str(text)));
	return a;
}

static struct sock_addr source(unsigned i)
{
	struct sock_addr a = at("10.0.0.0:1");

	a.in.sin_addr.s_addr = htonl(0x0a000000 + i);
	a.in.sin_port = (in_port_t)i;
	return a;
}

/* Against a plain array of counts, in a table as full as it gets. */
static void sources_count_like_an_array(void **state)
{
	enum {
		SOURCES = 40,
		MAX = 64,
		LIMIT = 5
	};
	unsigned counts[SOURCES] = { 0 }, total = 0, step, i;
	struct sources s;

	(void)state;
	srand(7);
	sources_init(&s, MAX, 0x1234567);
	for (step = 0; step < 200000; step++) {
		struct sock_addr a;

		i = (unsigned)rand() % SOURCES;
		a = source(i);
		if (rand() % 2 && counts[i]) {
			sources_remove(&s, &a);
			counts[i]--;
			total--;
		} else if (total < MAX) {
			bool is_added = sources_add(&s, &a, LIMIT);

			assert_int_equal(is_added, counts[i] < LIMIT);
			counts[i] += is_added;
			total += is_added;
		}
	}
	sources_fini(&s);
}

static void a_slash_64_is_one_source(void **state)
{
	struct sock_addr a = at("[2001:db8::1]:1"), b = at("[2001:db8::ffff:2]:2");
	struct sock_addr c = at("[2001:db8:0:1::1]:1"), v4 = at("0.0.0.0:1"), none = at("[::]:1");
	struct sources s;

	(void)state;
	sources_init(&s, 8, 99);
	assert_true(sources_add(&s, &a, 1));
	assert_false(sources_add(&s, &b, 1));
	assert_true(sources_add(&s, &c, 1));
	assert_true(sources_add(&s, &v4, 1));
	assert_true(sources_add(&s, &none, 1));
	sources_remove(&s, &b);
	assert_true(sources_add(&s, &a, 1));
	sources_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_count_like_an_array),
		cmocka_unit_test(a_slash_64_is_one_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
