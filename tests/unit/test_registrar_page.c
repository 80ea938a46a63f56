/* page: what is on it, what is never on it, and whose texts it survives. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "registrar/page.h"

static const uint8_t id[20] = { 0xab, 0xcd, 0xef, 0x01, 0x23 };

static char *written(const struct page *p)
{
	struct buf b = { 0 };
	char *text;

	buf_init(&b, PAGE_MAX);
	assert_true(page_write(&b, p));
	text = mem_dup_n(buf_span(&b).p, b.n);
	buf_fini(&b);
	return text;
}

static struct page page_of(const struct page_tunnel *t, const struct page_live *l)
{
	return (struct page){
		.base = "example.net",
		.node = "gate",
		.version = "1",
		.app_id = "00ff",
		.lease_s = 600,
		.uptime_s = 300000,
		.tunnel_total = t ? 1 : 0,
		.tunnels = t,
		.tunnel_count = t ? 1 : 0,
		.live = l,
	};
}

static void has(const char *text, const char *want)
{
	if (!strstr(text, want))
		fail_msg("no %s in %s", want, text);
}

static void shows_tunnels_and_rates(void **state)
{
	const struct page_tunnel t = {
		.app = "hello",
		.tcb = "UpToDate",
		.instance_id = id,
		.evidence_age_s = 42,
		.left_s = 7300,
		.handshake_age_s = 150,
	};
	const struct page_live l = {
		.connections = 7,
		.down_per_s = 12345678,
		.certificate = "*.example.net",
		.certificate_left_s = 90 * 86400,
	};
	struct page p = page_of(&t, &l);
	char *text = written(&p);

	(void)state;
	has(text, "<span>hello</span>");
	has(text, "<code>abcdef01</code>");
	assert_null(strstr(text, "abcdef0123"));
	has(text, "42&nbsp;s old");
	has(text, "2&nbsp;min ago");
	has(text, "2&nbsp;h left");
	has(text, "12.3&nbsp;M</b><small>bytes to visitors/s");
	has(text, "*.example.net, 90&nbsp;days left");
	has(text, "3&nbsp;days");
	assert_null(strstr(text, "SIMULATED"));
	free(text);
}

static void says_what_is_not_there(void **state)
{
	const struct page_tunnel t = {
		.app = "a",
		.tcb = "",
		.instance_id = id,
		.handshake_age_s = -1,
	};
	const struct page_live l = { .certificate = "x", .certificate_left_s = -1 };
	struct page p = page_of(NULL, NULL);
	char *text;

	(void)state;
	p.is_simulated = true;
	text = written(&p);
	has(text, "SIMULATED");
	has(text, "None is connected.");
	has(text, "The edge does not say");
	free(text);
	p = page_of(&t, &l);
	p.tunnel_total = 3;
	text = written(&p);
	has(text, "none yet");
	has(text, "and 2 more");
	has(text, "<b>expired</b>");
	free(text);
}

/* Names come from manifests, which anybody writes. */
static void nobodys_text_is_markup(void **state)
{
	static const char evil[] = "<script>\"'&</script>";
	static const char good[] = "&lt;script&gt;&quot;&#39;&amp;&lt;/script&gt;";
	const struct page_tunnel t = { .app = evil, .tcb = evil, .instance_id = id };
	struct page_live l = { .connections = 1 };
	struct page p = page_of(&t, &l);
	const char *at;
	char *text;
	int n = 0;

	(void)state;
	strcpy(l.certificate, evil);
	p.base = p.node = p.version = p.app_id = evil;
	text = written(&p);
	assert_null(strstr(text, "<script"));
	for (at = text; (at = strstr(at, good)); at++)
		n++;
	assert_int_equal(n, 8); /* the base stands in title and head */
	free(text);
}

static void what_does_not_fit_is_no_page(void **state)
{
	struct page p = page_of(NULL, NULL);
	struct buf b = { 0 };

	(void)state;
	buf_init(&b, 1000);
	assert_false(page_write(&b, &p));
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_tunnels_and_rates),
		cmocka_unit_test(says_what_is_not_there),
		cmocka_unit_test(nobodys_text_is_markup),
		cmocka_unit_test(what_does_not_fit_is_no_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
