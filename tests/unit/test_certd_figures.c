/* figures: the lines that a status gives, and what is refused. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "certd/figures.h"

/* 2026-11-28T00:00:00Z */
#define NOW INT64_C(1795824000)

static const char whole[] =
	"{\"accounts\":[{\"directory\":\"https://ca/\\\"d\",\"standing\":\"ready\",\"url\":\"u\"},"
	"{\"directory\":\"https://b\",\"standing\":\"lost\"}],"
	"\"certificates\":[{\"names\":[\"a.test\",\"b.test\"],\"there\":true,"
	"\"not_after\":\"2026-12-28T12:00:00Z\",\"renew_at\":\"2026-11-28T00:00:01Z\"},"
	"{\"names\":[\"c.test\"],\"there\":false}],"
	"\"caa\":[{\"name\":\"a.test\",\"state\":\"drifted\"}],"
	"\"ledger\":[{\"directory\":\"https://b\",\"orders\":7,\"orders_max\":200}],"
	"\"events\":[{\"event\":\"order_failed\",\"end\":\"problem\",\"count\":3}],"
	"\"alarms\":[{\"kind\":\"caa_drifted\",\"about\":\"x\\\\y\\nz\"}],"
	"\"evidence\":{\"issued_at\":\"2026-11-27T23:00:00Z\","
	"\"expires_at\":\"2026-11-27T23:59:50Z\"},"
	"\"attest\":{\"answered\":9,\"waiting\":2},"
	"\"node\":{\"simulated\":true,\"generation\":5,\"audit_lines\":12}}";

static const char *const lines[] = {
	"\npostern_cert_account_ready{directory=\"https://ca/\\\"d\"} 1\n",
	"\npostern_cert_account_ready{directory=\"https://b\"} 0\n",
	"\n# TYPE postern_cert_certificate_there gauge\n",
	"\npostern_cert_certificate_there{name=\"a.test\"} 1\n",
	"\npostern_cert_certificate_there{name=\"c.test\"} 0\n",
	"\npostern_cert_certificate_days_left{name=\"a.test\"} 30.5\n",
	"\npostern_cert_certificate_not_after_seconds{name=\"a.test\"} 1798459200\n",
	"\npostern_cert_certificate_renew_at_seconds{name=\"a.test\"} 1795824001\n",
	"\npostern_cert_caa{name=\"a.test\",state=\"drifted\"} 1\n",
	"\npostern_cert_orders_booked{directory=\"https://b\"} 7\n",
	"\npostern_cert_orders_booked_max{directory=\"https://b\"} 200\n",
	"\npostern_cert_events_total{event=\"order_failed\",end=\"problem\"} 3\n",
	"\npostern_cert_alarms 1\n",
	"\npostern_cert_alarm{kind=\"caa_drifted\",about=\"x\\\\y\\nz\"} 1\n",
	"\npostern_cert_evidence_age_seconds 3600\n",
	"\npostern_cert_evidence_left_seconds -10\n",
	"\npostern_cert_attest_answered_total 9\n",
	"\npostern_cert_attest_waiting 2\n",
	"\npostern_cert_simulated 1\n",
	"\npostern_cert_generation 5\n",
	"\npostern_cert_audit_lines 12\n",
};

static void status_as_lines(void **state)
{
	struct buf out = { 0 };
	char *text;

	(void)state;
	buf_init(&out, 1 << 16);
	assert_int_equal(figures_write(&out, span_str(whole), NOW), RC_OK);
	text = mem_dup_n(buf_span(&out).p, out.n);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		if (!strstr(text, lines[i]))
			fail_msg("no %s in %s", lines[i], text);
	assert_null(strstr(text, "days_left{name=\"c.test\"}"));
	free(text);
	buf_fini(&out);
}

static void status_of_a_start(void **state)
{
	struct buf out = { 0 };

	(void)state;
	buf_init(&out, 1 << 16);
	assert_int_equal(figures_write(&out, span_str("{}"), NOW), RC_OK);
	assert_true(out.n > 0);
	buf_fini(&out);
}

static void what_is_no_status_refused(void **state)
{
	static const char *const rows[] = { "", "[]", "3", "{\"alarms\":[}", "{\"a\":1,\"a\":2}" };
	struct buf out = { 0 };

	(void)state;
	buf_init(&out, 1 << 16);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(figures_write(&out, span_str(rows[i]), NOW), RC_MALFORMED);
	buf_fini(&out);
	buf_init(&out, 100);
	assert_int_equal(figures_write(&out, span_str(whole), NOW), RC_LIMIT);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_as_lines),
		cmocka_unit_test(status_of_a_start),
		cmocka_unit_test(what_is_no_status_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
