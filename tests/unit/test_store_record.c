#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "store/record.h"

static struct store_lease full_lease(void)
{
	struct store_lease l = {
		.instance_id = { 1, 2, 3 },
		.app_id = { 4, 5, 6 },
		.app_name = "hello",
		.node_id = "cvm-1",
		.wg_public = { 7 },
		.address = { [10] = 0xff, 0xff, 10, 88, 0, 2 },
		.granted_unix_ms = 1,
		.renewed_unix_ms = 2,
		.expires_unix_ms = INT64_MAX,
		.boot_id = { 8, 9 },
		.expires_boot_ms = UINT64_MAX,
		.renewals = UINT32_MAX,
		.is_simulated = true,
		.image = "base",
		.tcb_status = "UpToDate",
		.port_count = STORE_PORTS_MAX,
	};

	for (unsigned i = 0; i < STORE_PORTS_MAX; i++)
		l.ports[i] = (struct store_port){
			.port = (uint16_t)(65535 - i),
			.protocol = (enum store_protocol)(i % 4),
			.proxy_protocol = i % 3,
			.is_forwarding = i % 2 == 0,
			.is_any_host = i % 5 == 0,
		};
	memset(l.app_name, 'n', STORE_LABEL_MAX - 1);
	return l;
}

static struct span written(uint8_t bytes[RECORD_MAX], const struct store_lease *l)
{
	struct wr w = wr_over(bytes, RECORD_MAX);
	struct span s = { 0 };

	record_write(&w, l);
	assert_true(wr_done(&w, &s));
	return s;
}

static void read_of_written_is_the_same(void **state)
{
	struct store_lease leases[2] = { full_lease() };
	uint8_t bytes[RECORD_MAX];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct store_lease got = { 0 };

		memcpy(got.instance_id, leases[i].instance_id, STORE_ID_LEN);
		assert_true(record_read(&got, written(bytes, &leases[i])));
		assert_memory_equal(&got, &leases[i], sizeof(got));
	}
}

static void every_prefix_refused(void **state)
{
	struct store_lease l = full_lease(), before, got;
	uint8_t bytes[RECORD_MAX];
	struct span s = written(bytes, &l);

	(void)state;
	memset(&got, 0x5a, sizeof(got));
	before = got;
	for (size_t n = 0; n < s.n; n++) {
		uint8_t *own = malloc(n ? n : 1);

		memcpy(own, s.p, n);
		assert_false(record_read(&got, span_of(own, n)));
		assert_memory_equal(&got, &before, sizeof(got));
		free(own);
	}
}

/* A record of no texts and no ports, with one byte set. */
static void wrong_bytes_refused(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t byte;
	} cases[] = {
		{ "older_version", 0, 1 },
		{ "newer_version", 0, RECORD_VERSION + 1 },
		{ "unknown_flag", 1 + 20 + 1 + 1 + 32 + 16 + 24 + 24 + 4, 2 },
		{ "text_too_long", 21, STORE_LABEL_MAX },
		{ "too_many_ports", 1 + 20 + 1 + 1 + 32 + 16 + 24 + 24 + 4 + 1 + 1 + 1,
		  STORE_PORTS_MAX + 1 },
	};
	struct store_lease l = { 0 }, got = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t bytes[RECORD_MAX] = { 0 };

		(void)written(bytes, &l);
		bytes[cases[i].at] = cases[i].byte;
		assert_false(record_read(&got, span_of(bytes, sizeof(bytes))));
	}
}

static void trailing_byte_refused(void **state)
{
	struct store_lease l = full_lease(), got = { 0 };
	uint8_t bytes[RECORD_MAX + 1] = { 0 };
	struct span s = written(bytes, &l);

	(void)state;
	assert_false(record_read(&got, span_of(s.p, s.n + 1)));
}

static void wrong_port_refused(void **state)
{
	struct store_lease l = { .port_count = 1 }, got = { 0 };
	uint8_t bytes[RECORD_MAX];
	struct span s = written(bytes, &l);

	(void)state;
	bytes[s.n - 2] = STORE_TLS + 1;
	assert_false(record_read(&got, s));
	bytes[s.n - 2] = STORE_TLS;
	assert_true(record_read(&got, s));
	bytes[s.n - 1] = 1 << 4; /* a flag nobody knows */
	assert_false(record_read(&got, s));
	bytes[s.n - 1] = 3; /* both versions of the PROXY header */
	assert_false(record_read(&got, s));
}

static void text_with_nul_refused(void **state)
{
	struct store_lease l = { .app_name = "ab" }, got = { 0 };
	uint8_t bytes[RECORD_MAX];
	struct span s = written(bytes, &l);

	(void)state;
	bytes[22] = 0;
	assert_false(record_read(&got, s));
}

/* A brief says the same in fewer bytes, for every port. */
static void brief_agrees_with_the_lease(void **state)
{
	struct store_lease l = full_lease();
	uint8_t bytes[RECORD_BRIEF_MAX];
	struct wr w = WR_ARRAY(bytes);
	struct record_view v, before;
	struct span s;

	(void)state;
	record_write_brief(&w, &l);
	assert_true(wr_done(&w, &s));
	for (uint32_t i = 0; i < l.port_count; i++) {
		assert_true(record_look(&v, s, l.ports[i].port));
		assert_int_equal(v.port.port, l.ports[i].port);
		assert_int_equal(v.port.protocol, l.ports[i].protocol);
		assert_int_equal(v.port.proxy_protocol, l.ports[i].proxy_protocol);
	}
	assert_true(span_equal(v.address, SPAN_ARRAY(l.address)));
	assert_int_equal(v.expires_unix_ms, l.expires_unix_ms);
	assert_true(record_look(&v, s, 1));
	assert_int_equal(v.port.port, 0);
	memset(&v, 0x5a, sizeof(v));
	before = v;
	for (size_t n = 0; n < s.n; n++) {
		assert_false(record_look(&v, span_of(s.p, n), 1));
		assert_memory_equal(&v, &before, sizeof(v));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_of_written_is_the_same),
		cmocka_unit_test(brief_agrees_with_the_lease),
		cmocka_unit_test(every_prefix_refused),
		cmocka_unit_test(wrong_bytes_refused),
		cmocka_unit_test(trailing_byte_refused),
		cmocka_unit_test(wrong_port_refused),
		cmocka_unit_test(text_with_nul_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
