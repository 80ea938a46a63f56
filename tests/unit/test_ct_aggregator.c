/* aggregator: what is asked, rows read, and every way to be silent (A43). */
#include "unit.h"

#include "base/text.h"
#include "ct/aggregator.h"
#include "pki/pem.h"
#include "vectors.h"
#include "web_pki.h"

struct found {
	size_t count;
	uint64_t logged_at_ms;
	size_t der_len;
};

static void on_found(void *arg, struct span der, uint64_t logged_at_ms)
{
	struct found *f = arg;

	f->count++;
	f->logged_at_ms = logged_at_ms;
	f->der_len = der.n;
}

static struct watchset *watch(const char *name, enum watchset_scope scope)
{
	struct watchset *w = watchset_new();

	assert_int_equal(watchset_add_name(w, span_str(name), scope), RC_OK);
	return w;
}

static struct aggregator *make(enum aggregator_kind kind, const struct watchset *w,
			       struct found *f)
{
	struct aggregator_config c = { .kind = kind,
				       .url = span_str("https://a.example"),
				       .token = span_str("k"),
				       .names = w,
				       .arg = f,
				       .found = on_found };

	return aggregator_new(&c);
}

static enum aggregator_answer give(struct aggregator *a, unsigned status, const char *body)
{
	struct web_answer answer = { 0 };
	enum aggregator_answer got;

	web_answer_init(&answer, status, AGGREGATOR_ANSWER_MAX);
	assert_true(buf_add(&answer.body, span_str(body)));
	if (status == 429)
		assert_int_equal(web_answer_field(&answer, span_str("Retry-After"),
						  span_str("120")),
				 RC_OK);
	got = aggregator_take(a, &answer);
	web_answer_fini(&answer);
	return got;
}

/* crt.sh: with match=, or names with a hyphen are looked up another way; the
 * ancestors' wildcards, too. */
static void questions(void **state)
{
	static const struct {
		enum aggregator_kind kind;
		const char *name;
		enum watchset_scope scope;
		const char *want[6];
	} cases[] = {
		{ AGGREGATOR_CRTSH,
		  "dstack-prod7.a.example.net",
		  WATCHSET_NAME,
		  { "/?q=dstack-prod7.a.example.net&match=ILIKE&output=json",
		    "/?q=%2A.a.example.net&match=ILIKE&output=json",
		    "/?q=%2A.example.net&match=ILIKE&output=json" } },
		{ AGGREGATOR_CRTSH,
		  "app.example.net",
		  WATCHSET_SUBTREE,
		  { "/?q=app.example.net&match=ILIKE&output=json",
		    "/?q=%25.app.example.net&match=ILIKE&output=json",
		    "/?q=%2A.example.net&match=ILIKE&output=json" } },
		{ AGGREGATOR_CRTSH,
		  "*.example.net",
		  WATCHSET_NAME,
		  { "/?q=%25.example.net&match=ILIKE&output=json" } },
		{ AGGREGATOR_CRTSH,
		  "192.0.2.1",
		  WATCHSET_NAME,
		  { "/?q=192.0.2.1&match=ILIKE&output=json" } },
		{ AGGREGATOR_CERTSPOTTER,
		  "*.example.net",
		  WATCHSET_NAME,
		  { "/v1/issuances?domain=example.net&include_subdomains=true"
		    "&match_wildcards=true&expand=cert&expand=cert_der" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct watchset *w = watch(cases[i].name, cases[i].scope);
		struct found f = { 0 };
		struct aggregator *a = make(cases[i].kind, w, &f);
		struct aggregator_status st;
		struct web_ask ask = { 0 };
		size_t n = 0;

		for (; aggregator_next(a, &ask); n++) {
			assert_non_null(cases[i].want[n]);
			assert_true(span_has_prefix(span_str(ask.url),
						    span_str("https://a.example")));
			assert_string_equal(ask.url + strlen("https://a.example"),
					    cases[i].want[n]);
			assert_int_equal(ask.header_count,
					 cases[i].kind == AGGREGATOR_CERTSPOTTER);
			assert_int_equal(give(a, 200, "[]"), AGGREGATOR_OK);
		}
		assert_null(cases[i].want[n]);
		aggregator_status(&st, a);
		assert_int_equal(st.worst, AGGREGATOR_OK);
		assert_int_equal(st.queries, n);
		web_ask_fini(&ask);
		aggregator_free(a);
		watchset_free(w);
	}
}

static void silences(void **state)
{
	static const struct {
		const char *name;
		enum aggregator_kind kind;
		unsigned status; /* 0: no answer */
		const char *body;
		enum aggregator_answer want;
	} cases[] = {
		{ "none", AGGREGATOR_CRTSH, 0, "", AGGREGATOR_NO_ANSWER },
		{ "bad_gateway", AGGREGATOR_CRTSH, 502, "[]", AGGREGATOR_NO_ANSWER },
		{ "not_found", AGGREGATOR_CERTSPOTTER, 404, "[]", AGGREGATOR_NO_ANSWER },
		{ "throttled", AGGREGATOR_CRTSH, 429, "", AGGREGATOR_THROTTLED },
		{ "error_page_with_200", AGGREGATOR_CRTSH, 200, "<html>Sorry</html>",
		  AGGREGATOR_NOT_JSON },
		{ "empty_body", AGGREGATOR_CRTSH, 200, "", AGGREGATOR_NOT_JSON },
		{ "cut_off", AGGREGATOR_CRTSH, 200, "[{\"id\":1", AGGREGATOR_NOT_JSON },
		{ "object", AGGREGATOR_CERTSPOTTER, 200, "{\"code\":\"x\"}",
		  AGGREGATOR_MALFORMED },
		{ "row_without_id", AGGREGATOR_CRTSH, 200, "[{\"name_value\":\"a\"}]",
		  AGGREGATOR_MALFORMED },
		{ "row_without_certificate", AGGREGATOR_CERTSPOTTER, 200, "[{\"id\":\"7\"}]",
		  AGGREGATOR_MALFORMED },
		{ "ids_going_back", AGGREGATOR_CERTSPOTTER, 200,
		  "[{\"id\":\"7\",\"cert_der\":\"MAA=\"},{\"id\":\"7\",\"cert_der\":\"MAA=\"}]",
		  AGGREGATOR_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct watchset *w = watch("example.net", WATCHSET_NAME);
		struct found f = { 0 };
		struct aggregator *a = make(cases[i].kind, w, &f);
		struct aggregator_status st;
		struct web_ask ask = { 0 };

		print_message("%s\n", cases[i].name);
		assert_true(aggregator_next(a, &ask));
		assert_int_equal(cases[i].status ? give(a, cases[i].status, cases[i].body)
						 : aggregator_take(a, NULL),
				 cases[i].want);
		while (aggregator_next(a, &ask))
			assert_int_equal(give(a, 200, "[]"), AGGREGATOR_OK);
		aggregator_status(&st, a);
		assert_int_equal(st.worst, cases[i].want);
		assert_int_equal(st.failed, 1);
		assert_int_equal(st.retry_after_s, cases[i].status == 429 ? 120 : 0);
		assert_non_null(aggregator_answer_name(st.worst));
		web_ask_fini(&ask);
		aggregator_free(a);
		watchset_free(w);
	}
}

/* 10,000 rows is crt.sh's cap: what is beyond, nobody knows. */
static void truncated(void **state)
{
	struct watchset *w = watch("example.net", WATCHSET_NAME);
	struct found f = { 0 };
	struct aggregator *a = make(AGGREGATOR_CRTSH, w, &f);
	struct web_ask ask = { 0 };
	char *text = mem_new(10000 * 16 + 8);
	struct wr t = wr_over(text, 10000 * 16 + 7);

	(void)state;
	wr_str(&t, "[");
	for (int i = 1; i <= 10000; i++)
		wr_printf(&t, "%s{\"id\":%d}", i > 1 ? "," : "", i);
	wr_str(&t, "]");
	assert_true(aggregator_next(a, &ask));
	assert_int_equal(give(a, 200, text), AGGREGATOR_TRUNCATED);
	assert_false(aggregator_next(a, &ask));
	assert_int_equal(f.count, 0);
	free(text);
	web_ask_fini(&ask);
	aggregator_free(a);
	watchset_free(w);
}

static void crtsh_rows_are_fetched_once(void **state)
{
	static const char rows[] = "[{\"id\":5,\"entry_timestamp\":\"2026-01-01T00:00:00.123\","
				   "\"issuer_name\":\"C=US\",\"name_value\":\"a\\nb\"},"
				   "{\"id\":9,\"entry_timestamp\":null}]";
	struct watchset *w = watch("example.net", WATCHSET_NAME);
	struct found f = { 0 };
	struct aggregator *a = make(AGGREGATOR_CRTSH, w, &f), *b;
	struct span der = vector_load("tests/vectors/ct/go_cert.der"), kept;
	struct web_ask ask = { 0 };
	uint8_t room[4096], state_bytes[4096];
	struct wr pem = WR_ARRAY(room), out = WR_ARRAY(state_bytes);

	(void)state;
	pem_encode(&pem, PEM_CERTIFICATE, der);
	wr_u8(&pem, 0);
	assert_true(aggregator_next(a, &ask));
	assert_int_equal(give(a, 200, rows), AGGREGATOR_OK);
	assert_true(aggregator_next(a, &ask));
	assert_string_equal(ask.url, "https://a.example/?d=5");
	assert_int_equal(give(a, 200, (const char *)room), AGGREGATOR_OK);
	assert_int_equal(f.count, 1);
	assert_int_equal(f.der_len, der.n);
	assert_int_equal(f.logged_at_ms, 1767225600000);
	/* one that cannot be had is a failure, and asked for again */
	assert_true(aggregator_next(a, &ask));
	assert_string_equal(ask.url, "https://a.example/?d=9");
	assert_int_equal(give(a, 200, "<html>"), AGGREGATOR_MALFORMED);
	assert_false(aggregator_next(a, &ask));
	aggregator_begin(a);
	assert_true(aggregator_next(a, &ask));
	assert_int_equal(give(a, 200, rows), AGGREGATOR_OK);
	assert_true(aggregator_next(a, &ask));
	assert_string_equal(ask.url, "https://a.example/?d=9");
	assert_int_equal(give(a, 200, (const char *)room), AGGREGATOR_OK);
	assert_false(aggregator_next(a, &ask));
	assert_int_equal(f.count, 2);
	assert_int_equal(f.logged_at_ms, 0);
	/* kept over a restart, and silence after rows is noticed then, too */
	aggregator_write(&out, a);
	kept = wr_span(&out);
	b = make(AGGREGATOR_CRTSH, w, &f);
	for (size_t n = 0; n < kept.n; n++)
		if (aggregator_read(b, span_of(kept.p, n)) == RC_OK)
			assert_true(n == kept.n - 32); /* without that query */
	aggregator_free(b);
	b = make(AGGREGATOR_CRTSH, w, &f);
	assert_int_equal(aggregator_read(b, kept), RC_OK);
	assert_true(aggregator_next(b, &ask));
	assert_int_equal(give(b, 200, rows), AGGREGATOR_OK);
	assert_false(aggregator_next(b, &ask));
	aggregator_begin(b);
	assert_true(aggregator_next(b, &ask));
	assert_int_equal(give(b, 200, "[]"), AGGREGATOR_WENT_SILENT);
	web_ask_fini(&ask);
	aggregator_free(b);
	aggregator_free(a);
	vector_free(der);
	watchset_free(w);
}

/* A certificate that was of no use for the names of then may be for these. */
static void other_names_ask_anew(void **state)
{
	static const struct {
		const char *name;
		enum watchset_scope scope;
		enum rc want;
	} cases[] = {
		{ "example.net", WATCHSET_NAME, RC_OK },
		{ "example.net", WATCHSET_SUBTREE, RC_MALFORMED },
		{ "www.example.net", WATCHSET_NAME, RC_MALFORMED },
	};
	struct watchset *w = watch("example.net", WATCHSET_NAME);
	struct found f = { 0 };
	struct aggregator *a = make(AGGREGATOR_CERTSPOTTER, w, &f);
	struct web_ask ask = { 0 };
	uint8_t bytes[4096];
	struct wr out = WR_ARRAY(bytes);

	(void)state;
	assert_true(aggregator_next(a, &ask));
	assert_int_equal(give(a, 200, "[{\"id\":\"7\",\"cert_der\":\"MAA=\"}]"), AGGREGATOR_OK);
	assert_int_equal(f.count, 1);
	aggregator_write(&out, a);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct watchset *now = watch(cases[i].name, cases[i].scope);
		struct aggregator *b = make(AGGREGATOR_CERTSPOTTER, now, &f);

		f.count = 0;
		assert_int_equal(aggregator_read(b, wr_span(&out)), cases[i].want);
		assert_true(aggregator_next(b, &ask));
		assert_int_equal(give(b, 200, "[{\"id\":\"7\",\"cert_der\":\"MAA=\"}]"),
				 AGGREGATOR_OK);
		assert_int_equal(f.count, cases[i].want != RC_OK);
		aggregator_free(b);
		watchset_free(now);
	}
	web_ask_fini(&ask);
	aggregator_free(a);
	watchset_free(w);
}

/* 429: nothing more in this round; a wait beyond all reason is cut. */
static void throttled(void **state)
{
	static const struct {
		unsigned status;
		const char *after;
		unsigned want;
		bool goes_on;
	} cases[] = {
		{ 429, "120", 120, false },
		{ 429, "86401", 86400, false },
		{ 429, "18446744073709551615", 86400, false },
		{ 429, "soon", 0, false },
		{ 503, "120", 120, true },
	};
	struct watchset *w = watch("www.example.net", WATCHSET_NAME);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct found f = { 0 };
		struct aggregator *a = make(AGGREGATOR_CRTSH, w, &f);
		struct web_answer answer = { 0 };
		struct aggregator_status st;
		struct web_ask ask = { 0 };

		web_answer_init(&answer, cases[i].status, 1024);
		assert_int_equal(web_answer_field(&answer, span_str("Retry-After"),
						  span_str(cases[i].after)),
				 RC_OK);
		assert_true(aggregator_next(a, &ask));
		assert_int_equal(aggregator_take(a, &answer), AGGREGATOR_THROTTLED);
		aggregator_status(&st, a);
		assert_int_equal(st.worst, AGGREGATOR_THROTTLED);
		assert_int_equal(st.retry_after_s, cases[i].want);
		assert_int_equal(aggregator_next(a, &ask), cases[i].goes_on);
		aggregator_begin(a);
		assert_true(aggregator_next(a, &ask));
		web_answer_fini(&answer);
		web_ask_fini(&ask);
		aggregator_free(a);
	}
	watchset_free(w);
}

static void certspotter_pages(void **state)
{
	struct watchset *w = watch("example.net", WATCHSET_NAME);
	struct found f = { 0 };
	struct aggregator *a = make(AGGREGATOR_CERTSPOTTER, w, &f);
	struct web_ask ask = { 0 };

	(void)state;
	assert_true(aggregator_next(a, &ask));
	assert_null(strstr(ask.url, "after="));
	assert_int_equal(give(a, 200,
			      "[{\"id\":\"7\",\"cert_der\":\"MAA=\"},"
			      "{\"id\":\"9\",\"cert\":{\"type\":\"cert\",\"data\":\"MAA=\"}}]"),
			 AGGREGATOR_OK);
	assert_int_equal(f.count, 2);
	assert_true(aggregator_next(a, &ask));
	assert_non_null(strstr(ask.url, "&after=9"));
	assert_int_equal(give(a, 200, "[]"), AGGREGATOR_OK);
	assert_false(aggregator_next(a, &ask));
	aggregator_begin(a);
	assert_true(aggregator_next(a, &ask));
	assert_int_equal(give(a, 200, "[{\"id\":\"7\",\"cert_der\":\"MAA=\"}]"), AGGREGATOR_OK);
	assert_int_equal(f.count, 2); /* seen before */
	assert_true(aggregator_next(a, &ask));
	assert_int_equal(give(a, 200, "[]"), AGGREGATOR_OK);
	aggregator_begin(a);
	assert_true(aggregator_next(a, &ask));
	assert_int_equal(give(a, 200, "[]"), AGGREGATOR_WENT_SILENT);
	web_ask_fini(&ask);
	aggregator_free(a);
	watchset_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions),
		cmocka_unit_test(silences),
		cmocka_unit_test(truncated),
		cmocka_unit_test(crtsh_rows_are_fetched_once),
		cmocka_unit_test(other_names_ask_anew),
		cmocka_unit_test(throttled),
		cmocka_unit_test(certspotter_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
