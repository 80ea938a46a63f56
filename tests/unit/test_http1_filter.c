/* filter: whole connections, cut in every way, to the same end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http1/filter.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))
#define HOST "Host: a.example\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST "\r\n"
#define ASK "GET /ws HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define SWITCHED "HTTP/1.1 101 Switching Protocols\r\n\r\n"
#define ID "00010203040506070809" \
	   "0a0b0c0d0e0f"

static const struct vouch PLAIN = {
	.name = { (const uint8_t *)"a.example", 9 },
};
static const struct vouch FORWARDING = {
	.name = { (const uint8_t *)"a.example", 9 },
	.is_forwarding = true,
	.client = { (const uint8_t *)"192.0.2.7", 9 },
	.id = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
};

static const struct vouch CERTIFIED = {
	.name = { (const uint8_t *)"a.example", 9 },
	.is_forwarding = true,
	.client = { (const uint8_t *)"192.0.2.7", 9 },
	.certificate = { (const uint8_t *)"Hash=00;Subject=\"CN=a\"", 22 },
	.id = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
};

/* With a service of the edge's own beside the app. */
static const struct vouch_own OWN = {
	.binding = { (const uint8_t *)"00ff", 4 },
	.tls = { (const uint8_t *)"TLSv1.3", 7 },
};
static const struct vouch OWNING = {
	.name = { (const uint8_t *)"a.example", 9 },
	.own = &OWN,
	.own_name = { (const uint8_t *)"a.example", 9 },
};
#define EV "GET /evidences/x HTTP/1.1\r\n" HOST
#define EV_OLD "GET /evidences/x HTTP/1.0\r\n" HOST
#define OWN_ADDED \
	"Postern-Name: a.example\r\nPostern-Exporter: 00ff\r\n" \
	"Postern-Tls: TLSv1.3\r\n\r\n"
#define LIES "Postern-Name: b\r\nPOSTERN_TLS: x\r\npostern-anything: y\r\n"

/* A turn: the client's bytes, then the backend's. */
struct turn {
	const char *up, *down;
};
enum end {
	END_MORE,
	END_HELD,
	END_REFUSED
};
struct row {
	const char *name;
	const struct vouch *vouch;
	struct turn turns[4];
	const char *sent; /* to the backend */
	enum end end;
	const char *reason;
	bool may_answer;
};

#define ADDED(n) \
	"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n" \
	"X-Request-Id: " ID "-" n "\r\n\r\n"

static const struct row ROWS[] = {
	{ "own_head_is_written_anew",
	  &OWNING,
	  { { EV LIES "X: y\r\n\r\n", OK } },
	  EV "X: y\r\n" OWN_ADDED,
	  END_MORE,
	  NULL,
	  true },
	{ "own_then_app_then_own",
	  &OWNING,
	  { { EV "\r\n", OK }, { GET, OK }, { EV "\r\n", OK } },
	  EV OWN_ADDED GET EV OWN_ADDED,
	  END_MORE,
	  NULL,
	  true },
	{ "app_keeps_what_is_said_to_it",
	  &OWNING,
	  { { "GET / HTTP/1.1\r\n" HOST LIES "\r\n", OK } },
	  "GET / HTTP/1.1\r\n" HOST LIES "\r\n",
	  END_MORE,
	  NULL,
	  true },
	{ "nothing_is_own_without_a_service",
	  &PLAIN,
	  { { EV "\r\n", OK } },
	  EV "\r\n",
	  END_MORE,
	  NULL,
	  true },
	{ "own_body",
	  &OWNING,
	  { { "POST /.dstack/x HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", OK } },
	  "POST /.dstack/x HTTP/1.1\r\n" HOST "Content-Length: 3\r\n" OWN_ADDED "abc",
	  END_MORE,
	  NULL,
	  true },
	{ "other_service_before_the_answer",
	  &OWNING,
	  { { EV "\r\n" GET, "" } },
	  EV OWN_ADDED,
	  END_REFUSED,
	  "other_service",
	  false },
	{ "own_before_the_apps_answer_is_whole",
	  &OWNING,
	  { { GET, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no" }, { EV "\r\n", "" } },
	  GET,
	  END_REFUSED,
	  "other_service",
	  false },
	{ "own_put_refused",
	  &OWNING,
	  { { "PUT /evidences HTTP/1.1\r\n" HOST "\r\n", "" } },
	  "",
	  END_REFUSED,
	  "own_method",
	  true },
	{ "own_long_body_refused",
	  &OWNING,
	  { { "POST /evidences HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n", "" } },
	  "",
	  END_REFUSED,
	  "own_body",
	  true },
	{ "own_chunks_refused",
	  &OWNING,
	  { { "POST /evidences HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", "" } },
	  "",
	  END_REFUSED,
	  "own_body",
	  true },
	{ "own_upgrade_refused",
	  &OWNING,
	  { { "GET /evidences HTTP/1.1\r\n" HOST
	      "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
	      "" } },
	  "",
	  END_REFUSED,
	  "own_upgrade",
	  true },
	{ "own_misdirected_refused",
	  &OWNING,
	  { { "GET /evidences HTTP/1.1\r\nHost: b.example\r\n\r\n", "" } },
	  "",
	  END_REFUSED,
	  "misdirected",
	  true },
	{ "two_requests", &PLAIN, { { GET, OK }, { GET, OK } }, GET GET, END_MORE, NULL, true },
	{ "pipelined", &PLAIN, { { GET GET GET, OK OK OK } }, GET GET GET, END_MORE, NULL, true },
	{ "unanswered", &PLAIN, { { GET GET, OK } }, GET GET, END_MORE, NULL, false },
	{ "half_answered", &PLAIN, { { GET, "HTTP/1.1 200 OK\r\n" } }, GET, END_MORE, NULL, false },
	{ "body",
	  &PLAIN,
	  { { "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc" GET, OK } },
	  "POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc" GET,
	  END_MORE,
	  NULL,
	  false },
	{ "chunks",
	  &PLAIN,
	  { { "POST / HTTP/1.1\r\n" HOST
	      "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" GET,
	      OK } },
	  "POST / HTTP/1.1\r\n" HOST
	  "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" GET,
	  END_MORE,
	  NULL,
	  false },
	{ "body_that_looks_like_a_request_passes",
	  &PLAIN,
	  { { "POST / HTTP/1.1\r\n" HOST "Content-Length: 35\r\n\r\n"
	      "GET / HTTP/1.1\r\nHost: b.example\r\n\r\n",
	      OK } },
	  "POST / HTTP/1.1\r\n" HOST "Content-Length: 35\r\n\r\n"
	  "GET / HTTP/1.1\r\nHost: b.example\r\n\r\n",
	  END_MORE,
	  NULL,
	  true },
	{ "misdirected_refused",
	  &PLAIN,
	  { { "GET / HTTP/1.1\r\nHost: b.example\r\n\r\n", "" } },
	  "",
	  END_REFUSED,
	  "misdirected",
	  true },
	{ "second_misdirected_refused",
	  &PLAIN,
	  { { GET "GET / HTTP/1.1\r\nHost: b.example\r\n\r\n" GET, "" } },
	  GET,
	  END_REFUSED,
	  "misdirected",
	  false },
	{ "absolute_misdirected_refused",
	  &PLAIN,
	  { { "GET https://b.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n", "" } },
	  "",
	  END_REFUSED,
	  "misdirected",
	  true },
	{ "host_in_capitals_with_dot_and_port",
	  &PLAIN,
	  { { "GET / HTTP/1.1\r\nHost: A.EXAMPLE.:8443\r\n\r\n", OK } },
	  "GET / HTTP/1.1\r\nHost: A.EXAMPLE.:8443\r\n\r\n",
	  END_MORE,
	  NULL,
	  true },
	{ "bare_lf_refused",
	  &PLAIN,
	  { { "GET / HTTP/1.1\n" HOST "\r\n", "" } },
	  "",
	  END_REFUSED,
	  "bare_lf",
	  true },
	{ "bad_chunk_refused",
	  &PLAIN,
	  { { "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nx", "" } },
	  "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n",
	  END_REFUSED,
	  "chunk",
	  false },
	{ "forwarded",
	  &FORWARDING,
	  { { GET, OK },
	    { "GET /2 HTTP/1.1\r\nx-forwarded-for: 1.1.1.1\r\n" HOST "X_Forwarded_Proto: http\r\n"
	      "Forwarded: for=1.1.1.1\r\nX-Forwarded-Host: b\r\nX-Real_IP: 1.1.1.1\r\n"
	      "X-Request-ID: 7\r\nX-Real-IPs: kept\r\nAccept: */*\r\n\r\n",
	      OK } },
	  "GET / HTTP/1.1\r\n" HOST ADDED("0") "GET /2 HTTP/1.1\r\n" HOST
					       "X-Real-IPs: kept\r\nAccept: */*\r\n" ADDED("1"),
	  END_MORE,
	  NULL,
	  true },
	{ "certificate_is_said_by_us_alone",
	  &CERTIFIED,
	  { { "GET / HTTP/1.1\r\nX-Forwarded-Client-Cert: Hash=11\r\n" HOST
	      "x_forwarded-client_cert: Hash=11\r\n\r\n",
	      OK } },
	  "GET / HTTP/1.1\r\n" HOST
	  "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Client-Cert: Hash=00;Subject=\"CN=a\"\r\n"
	  "X-Forwarded-Proto: https\r\nX-Request-Id: " ID "-0\r\n\r\n",
	  END_MORE,
	  NULL,
	  true },
	{ "no_certificate_is_said_by_nobody",
	  &FORWARDING,
	  { { "GET / HTTP/1.1\r\nX-Forwarded-Client-Cert: Hash=11\r\n" HOST "\r\n", OK } },
	  "GET / HTTP/1.1\r\n" HOST ADDED("0"),
	  END_MORE,
	  NULL,
	  true },
	{ "not_forwarding_leaves_the_client's",
	  &PLAIN,
	  { { "GET / HTTP/1.1\r\n" HOST "X-Forwarded-For: 1.1.1.1\r\n\r\n", OK } },
	  "GET / HTTP/1.1\r\n" HOST "X-Forwarded-For: 1.1.1.1\r\n\r\n",
	  END_MORE,
	  NULL,
	  true },
	{ "upgrade_granted_passes_all",
	  &PLAIN,
	  { { ASK "early", SWITCHED "\x81" }, { "any\nthing", "" } },
	  ASK "earlyany\nthing",
	  END_MORE,
	  NULL,
	  false },
	{ "upgrade_waits",
	  &PLAIN,
	  { { ASK "GET / HTTP/1.1\r\nHost: b.example\r\n\r\n", "" } },
	  ASK,
	  END_HELD,
	  NULL,
	  false },
	{ "upgrade_denied_then_smuggled_refused",
	  &PLAIN,
	  { { ASK "GET / HTTP/1.1\r\nHost: b.example\r\n\r\n", OK } },
	  ASK,
	  END_REFUSED,
	  "misdirected",
	  true },
	{ "upgrade_behind_others",
	  &PLAIN,
	  { { GET ASK, OK "HTTP/1.1 100 Continue\r\n\r\n" SWITCHED }, { "raw", "raw" } },
	  GET ASK "raw",
	  END_MORE,
	  NULL,
	  false },
	{ "switch_nobody_asked_for_changes_nothing",
	  &PLAIN,
	  { { GET, SWITCHED }, { "raw", "" }, { "\n", "" } },
	  GET,
	  END_REFUSED,
	  "bare_lf",
	  false },
	{ "upgrade_after_a_lost_response_refused",
	  &PLAIN,
	  { { GET, "SSH-2.0-x\r\n\r\n" }, { ASK, "" } },
	  GET,
	  END_REFUSED,
	  "response_lost",
	  false },
	{ "response_to_head_has_no_body",
	  &PLAIN,
	  { { "HEAD / HTTP/1.1\r\n" HOST "\r\n" ASK,
	      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" SWITCHED },
	    { "raw", "" } },
	  "HEAD / HTTP/1.1\r\n" HOST "\r\n" ASK "raw",
	  END_MORE,
	  NULL,
	  false },
	{ "response_body_that_looks_like_a_switch",
	  &PLAIN,
	  { { GET ASK, "HTTP/1.1 200 OK\r\nContent-Length: 36\r\n\r\n" SWITCHED }, { "raw", "" } },
	  GET ASK,
	  END_HELD,
	  NULL,
	  false },
};

struct out {
	char sent[1 << 16];
	size_t n;
};

/* Gives what was held and new bytes; keeps what is held again. */
static enum end give(struct filter *f, struct out *o, char *held, size_t *held_n, const char *p,
		     size_t n)
{
	struct span in, piece;

	memcpy(held + *held_n, p, n);
	*held_n += n;
	in = span_of(held, *held_n);
	for (;;) {
		switch (filter_up(f, &in, &piece)) {
		case FILTER_SEND:
			memcpy(o->sent + o->n, piece.p, piece.n);
			o->n += piece.n;
			continue;
		case FILTER_MORE:
			assert_int_equal(in.n, 0);
			*held_n = 0;
			return END_MORE;
		case FILTER_HOLD:
			memmove(held, in.p, in.n);
			*held_n = in.n;
			return END_HELD;
		case FILTER_REFUSE:
			return END_REFUSED;
		}
	}
}

static void run(const struct row *row, size_t step)
{
	static char held[1 << 16];
	enum end end = END_MORE;
	struct out o = { .n = 0 };
	size_t held_n = 0, n;
	struct filter f;

	filter_init(&f, row->vouch);
	for (size_t t = 0; t < COUNT(row->turns) && row->turns[t].up; t++) {
		const struct turn *turn = &row->turns[t];

		for (size_t at = 0; at < strlen(turn->up); at += n) {
			n = strlen(turn->up) - at < step ? strlen(turn->up) - at : step;
			end = give(&f, &o, held, &held_n, turn->up + at, n);
		}
		for (size_t at = 0; at < strlen(turn->down); at += n) {
			n = strlen(turn->down) - at < step ? strlen(turn->down) - at : step;
			filter_down(&f, span_of(turn->down + at, n));
		}
		end = give(&f, &o, held, &held_n, "", 0);
	}
	if (end != row->end || o.n != strlen(row->sent) || memcmp(o.sent, row->sent, o.n) != 0)
		fail_msg("%s by %zu: end %d, sent %.*s", row->name, step, end, (int)o.n, o.sent);
	if (row->reason)
		assert_string_equal(f.why.reason, row->reason);
	if (filter_may_answer(&f) != row->may_answer)
		fail_msg("%s: may_answer", row->name);
	filter_fini(&f);
}

static void own_paths_are_exact(void **state)
{
	static const struct {
		const char *target;
		bool want;
	} rows[] = {
		{ "/evidences", true },
		{ "/evidences/", true },
		{ "/evidences/a/b?c", true },
		{ "/evidences?x", true },
		{ "/.dstack/", true },
		{ "/.well-known/acme-challenge/t", true },
		{ "https://a.example/evidences/x", true },
		{ "http://a.example:1/evidences", true },
		{ "/", false },
		{ "/evidences-of-x", false },
		{ "/evidence", false },
		{ "/evidences#", false },
		{ "/Evidences/", false },
		{ "//evidences/", false },
		{ "/x/evidences/", false },
		{ "/%65vidences/", false },
		{ "/.dstack", false },
		{ "/.well-known/acme-challenge", false },
		{ "https://evidences/", false },
		{ "https://a.example", false },
		{ "https://a.example/x/evidences/", false },
		{ "*", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (vouch_is_own_path(span_str(rows[i].target)) != rows[i].want)
			fail_msg("%s", rows[i].target);
}

/* The caller learns of the first piece for the other service, and when the
 * backend can be let go. */
static void switches_are_told(void **state)
{
	static const struct {
		const char *up;
		bool has_switched, is_idle;
	} rows[] = {
		{ GET, false, true },
		{ EV "\r\n", true, true },
		{ EV "\r\n", false, true },
		{ GET, true, true },
		{ EV_OLD "Connection: Keep-Alive\r\n\r\n", true, true },
		{ EV_OLD "\r\n", false, false },
		{ EV "Connection: te, close\r\n\r\n", false, false },
	};
	struct span piece;
	struct filter f;

	(void)state;
	filter_init(&f, &OWNING);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct span in = span_str(rows[i].up);

		assert_int_equal(filter_up(&f, &in, &piece), FILTER_SEND);
		assert_int_equal(f.has_switched, rows[i].has_switched);
		f.has_switched = false;
		assert_false(filter_is_idle(&f));
		filter_down(&f, span_str(OK));
		assert_int_equal(filter_is_idle(&f), rows[i].is_idle);
	}
	filter_fini(&f);
}

static void test_rows_in_every_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ROWS); i++) {
		for (size_t step = 1; step < 70; step++)
			run(&ROWS[i], step);
		run(&ROWS[i], 1 << 15);
	}
}

static void test_idle_holds_nothing(void **state)
{
	struct span in = span_str("GET / HTTP/1.1\r\n"), piece;
	struct filter f;

	(void)state;
	filter_init(&f, &FORWARDING);
	assert_int_equal(filter_up(&f, &in, &piece), FILTER_MORE);
	assert_true(f.head.cap > 0);
	in = span_str(HOST "\r\n");
	assert_int_equal(filter_up(&f, &in, &piece), FILTER_SEND);
	assert_int_equal(filter_up(&f, &in, &piece), FILTER_MORE);
	filter_down(&f, span_str(OK));
	assert_int_equal(f.head.cap + f.out.cap + f.down_head.cap, 0);
	filter_fini(&f);
}

static void test_long_head_refused(void **state)
{
	struct span in, piece;
	enum filter_step step;
	struct filter f;

	(void)state;
	for (size_t n = 1; n <= 4096; n *= 8) {
		static uint8_t text[4096];
		size_t given = 0;

		memset(text, 'x', sizeof(text));
		filter_init(&f, &PLAIN);
		do {
			in = span_of(text, n);
			step = filter_up(&f, &in, &piece);
			given += n;
		} while (step == FILTER_MORE && given < 2 * HEAD_MAX);
		assert_int_equal(step, FILTER_REFUSE);
		assert_int_equal(f.why.status, 431);
		assert_true(given <= HEAD_MAX + 4096);
		filter_fini(&f);
	}
}

/* A head with our lines in it is no longer than one of a client's may be. */
static void test_longest_head_forwarded(void **state)
{
	static char text[HEAD_MAX + 1];
	size_t ours = strlen(ADDED("0")) - 2, all, n;
	struct span in, piece;
	struct filter f;

	(void)state;
	for (size_t more = 0; more < 2; more++) {
		all = HEAD_MAX - ours + more;
		n = (size_t)sprintf(text, "GET / HTTP/1.1\r\n" HOST);
		while (n < all - 400)
			n += (size_t)sprintf(text + n, "X: %0294d\r\n", 0);
		n += (size_t)sprintf(text + n, "Y: %0*d\r\n\r\n", (int)(all - n - 7), 0);
		assert_int_equal(n, all);
		filter_init(&f, &FORWARDING);
		in = span_of(text, n);
		assert_int_equal(filter_up(&f, &in, &piece),
				 more ? FILTER_REFUSE : FILTER_SEND);
		assert_int_equal(more ? f.why.status : piece.n, more ? 431 : HEAD_MAX);
		filter_fini(&f);
	}
}

static void test_fields_with_ours_are_bounded(void **state)
{
	struct span in, piece;
	char text[4096];
	struct filter f;

	(void)state;
	for (int k = 0; k < 12; k++) {
		int count = HEAD_FIELDS_MAX - 6 + k / 2, ours = k % 2 ? 4 : 3;
		int n = sprintf(text, "GET / HTTP/1.1\r\n" HOST);

		for (int i = 1; i < count; i++)
			n += sprintf(text + n, "X: y\r\n");
		n += sprintf(text + n, "\r\n");
		filter_init(&f, ours == 4 ? &CERTIFIED : &FORWARDING);
		in = span_of(text, (size_t)n);
		assert_int_equal(filter_up(&f, &in, &piece),
				 count + ours < HEAD_FIELDS_MAX ? FILTER_SEND : FILTER_REFUSE);
		filter_fini(&f);
	}
}

static void test_pipeline_is_bounded(void **state)
{
	struct span in, piece;
	struct filter f;

	(void)state;
	filter_init(&f, &PLAIN);
	for (int i = 0; i < FILTER_PIPELINE_MAX; i++) {
		in = span_str(GET);
		assert_int_equal(filter_up(&f, &in, &piece), FILTER_SEND);
	}
	in = span_str(GET);
	assert_int_equal(filter_up(&f, &in, &piece), FILTER_HOLD);
	filter_down(&f, span_str(OK));
	assert_int_equal(filter_up(&f, &in, &piece), FILTER_SEND);
	assert_int_equal(filter_up(&f, &in, &piece), FILTER_MORE);
	filter_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_in_every_cut),
		cmocka_unit_test(own_paths_are_exact),
		cmocka_unit_test(switches_are_told),
		cmocka_unit_test(test_idle_holds_nothing),
		cmocka_unit_test(test_long_head_refused),
		cmocka_unit_test(test_longest_head_forwarded),
		cmocka_unit_test(test_fields_with_ours_are_bounded),
		cmocka_unit_test(test_pipeline_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
