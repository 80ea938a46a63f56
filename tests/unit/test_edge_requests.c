/* requests: what of a client's bytes goes on, what is kept, what is refused. */
#include "unit.h"

#include <stdlib.h>

#include "base/mem.h"
#include "edge/requests.h"
#include "tls/peer.h"

enum {
	READ_MAX = 16 * 1024,
};

struct world {
	struct requests *requests;
	struct buf out;
	struct span direct;
};

static void setup_at(struct world *w, bool is_h2, bool is_forwarding,
		     const struct tls_peer *certificate, struct span own_name)
{
	static const uint8_t id[VOUCH_ID_LEN] = { 1 };
	struct sock_addr client;

	assert_true(sock_addr_parse(&client, span_str("[2001:db8::7]:4711")));
	*w = (struct world){ 0 };
	w->requests = requests_new(&(struct requests_options){
		.is_h2 = is_h2,
		.name = span_str("a.test"),
		.is_forwarding = is_forwarding,
		.client = &client,
		.certificate = certificate,
		.id = id,
		.own_name = own_name,
		.read_max = READ_MAX,
	});
	buf_init(&w->out, requests_out_max(READ_MAX));
}

static void setup(struct world *w, bool is_h2, bool is_forwarding,
		  const struct tls_peer *certificate)
{
	setup_at(w, is_h2, is_forwarding, certificate, span_of(NULL, 0));
}

static void teardown(struct world *w)
{
	requests_free(w->requests);
	buf_fini(&w->out);
}

static enum requests_status take(struct world *w, const char *text)
{
	return requests_take(w->requests, &w->out, &w->direct, span_str(text), 7);
}

static void give(struct world *w, const char *text)
{
	struct span in = span_str(text), piece;

	while (requests_give(w->requests, &in, &piece) == REQUESTS_SEND)
		;
}

#define Z20 "00000000000000000000"
#define Z60 Z20 Z20 Z20
#define GET "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static void whole_request_is_not_copied(void **state)
{
	static const char text[] = GET;
	struct world w;

	(void)state;
	setup(&w, false, false, NULL);
	assert_int_equal(take(&w, text), REQUESTS_OK);
	assert_ptr_equal(w.direct.p, text);
	assert_int_equal(w.out.n, 0);
	teardown(&w);
}

static void part_of_a_head_is_timed(void **state)
{
	struct world w;

	(void)state;
	setup(&w, false, true, NULL);
	assert_int_equal(take(&w, "GET / HT"), REQUESTS_OK);
	assert_int_equal(w.direct.n + w.out.n, 0);
	assert_int_equal(w.requests->head_since_ms, 7);
	assert_int_equal(take(&w, "TP/1.1\r\nHost: a.test\r\n\r\n"), REQUESTS_OK);
	assert_int_equal(w.requests->head_since_ms, 0);
	assert_true(w.direct.n > 0);
	assert_non_null(memmem(w.direct.p, w.direct.n, "X-Forwarded-For: 2001:db8::7\r\n", 30));
	teardown(&w);
}

static void certificate_is_said(void **state)
{
	static const struct {
		const char *subject, *want;
	} rows[] = {
		{ "CN=a\\, b",
		  "X-Forwarded-Client-Cert: Hash=abcd" Z60 ";Subject=\"CN=a\\, b\"\r\n" },
		{ "", "X-Forwarded-Client-Cert: Hash=abcd" Z60 "\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct tls_peer peer = { .sha256 = { 0xab, 0xcd } };
		struct world w;

		strcpy(peer.subject, rows[i].subject);
		setup(&w, false, true, &peer);
		memset(&peer, 'x', sizeof(peer)); /* it was copied */
		assert_int_equal(take(&w, GET), REQUESTS_OK);
		assert_non_null(memmem(w.direct.p, w.direct.n, rows[i].want, strlen(rows[i].want)));
		teardown(&w);
	}
}

/* A subject as long as may be has room. */
static void longest_certificate_is_said_whole(void **state)
{
	struct tls_peer peer = { 0 };
	struct world w;

	(void)state;
	memset(peer.subject, 's', TLS_PEER_SUBJECT_MAX);
	setup(&w, false, true, &peer);
	assert_int_equal(take(&w, GET), REQUESTS_OK);
	assert_non_null(memmem(w.direct.p, w.direct.n, peer.subject, TLS_PEER_SUBJECT_MAX));
	assert_non_null(memmem(w.direct.p, w.direct.n, "s\"\r\n", 4));
	teardown(&w);
}

static void upgrade_keeps_the_rest_until_it_is_answered(void **state)
{
	static const char upgrade[] = "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: upgrade\r\n"
				      "Upgrade: websocket\r\n\r\nearly";
	struct world w;

	(void)state;
	setup(&w, false, false, NULL);
	assert_int_equal(take(&w, upgrade), REQUESTS_OK);
	assert_int_equal(w.out.n, sizeof(upgrade) - 1 - 5);
	assert_true(requests_are_held(w.requests) && requests_are_waiting(w.requests));
	buf_reset(&w.out);
	give(&w, "HTTP/1.1 101 Yes\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
	assert_false(requests_are_waiting(w.requests));
	assert_int_equal(take(&w, ""), REQUESTS_OK);
	assert_true(span_equal_str(buf_span(&w.out), "early"));
	assert_false(requests_are_held(w.requests));
	teardown(&w);
}

static void refusal_has_a_place_only_when_nothing_is_awaited(void **state)
{
	struct requests_refusal why;
	struct world w;

	(void)state;
	setup(&w, false, false, NULL);
	assert_int_equal(take(&w, GET), REQUESTS_OK);
	give(&w, ANSWER);
	assert_int_equal(take(&w, "GET / HTTP/1.1\r\nHost: b.test\r\n\r\n"), REQUESTS_REFUSED);
	requests_refusal(w.requests, &why);
	assert_int_equal(why.status, 421);
	assert_string_equal(why.reason, "http_misdirected");
	teardown(&w);

	setup(&w, false, false, NULL);
	assert_int_equal(take(&w, GET "GET / HTTP/1.1\r\nHost: b.test\r\n\r\n"), REQUESTS_REFUSED);
	requests_refusal(w.requests, &why);
	assert_int_equal(why.status, 0);
	teardown(&w);
}

#define OWN "GET /evidences/ HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define POST_HEAD " HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\n"

/* A request for the other service may bring its body in the same read, and
 * nothing that is for the first may go before it. */
static void other_service_takes_the_body_with_the_head(void **state)
{
	static const struct {
		const char *first, *then;
		enum requests_status want;
		bool has_switched;
		const char *end; /* of what is put out */
	} rows[] = {
		{ OWN, "POST /" POST_HEAD "body", REQUESTS_OK, true, "\r\n\r\nbody" },
		{ GET, "POST /.dstack/" POST_HEAD "body", REQUESTS_OK, true, "\r\n\r\nbody" },
		{ GET, "POST /" POST_HEAD "body", REQUESTS_OK, false, "\r\n\r\nbody" },
		{ OWN, "POST /" POST_HEAD "body" GET, REQUESTS_OK, true, "body" GET },
		{ GET, GET OWN, REQUESTS_REFUSED, false, NULL },
		{ OWN, "POST /" POST_HEAD "body" OWN, REQUESTS_REFUSED, true, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		size_t n = rows[i].end ? strlen(rows[i].end) : 0;
		struct world w;
		struct span out;

		setup_at(&w, false, false, NULL, span_str("a.test"));
		assert_int_equal(take(&w, rows[i].first), REQUESTS_OK);
		assert_false(requests_have_switched(w.requests));
		buf_reset(&w.out);
		give(&w, ANSWER);
		assert_int_equal(take(&w, rows[i].then), rows[i].want);
		assert_int_equal(requests_have_switched(w.requests), rows[i].has_switched);
		out = buf_span(&w.out);
		if (n)
			assert_true(out.n > n && memcmp(out.p + out.n - n, rows[i].end, n) == 0);
		teardown(&w);
	}
}

static void h2_without_settings_needs_a_goaway(void **state)
{
	struct requests_refusal why;
	struct world w;

	(void)state;
	setup(&w, true, false, NULL);
	assert_int_equal(take(&w, GET), REQUESTS_REFUSED);
	assert_string_equal(w.requests->result, "http_preface");
	requests_refusal(w.requests, &why);
	assert_true(why.needs_goaway);
	assert_int_equal(why.error, FRAME_PROTOCOL_ERROR);
	teardown(&w);
}

static void much_is_put_out_in_turns(void **state)
{
	struct world w;
	size_t total = 0;
	char *text = mem_new(READ_MAX + 1);

	(void)state;
	setup(&w, false, true, NULL);
	assert_int_equal(take(&w,
			      "POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 16384\r\n\r\n"),
			 REQUESTS_OK);
	memset(text, 'x', READ_MAX);
	text[READ_MAX] = '\0';
	assert_int_equal(take(&w, text), REQUESTS_OK);
	assert_int_equal(w.direct.n, READ_MAX);
	/* Requests that grow by what the edge says, 512 bytes of them. */
	for (size_t i = 0; i + sizeof(GET) <= READ_MAX; i += sizeof(GET) - 1)
		memcpy(text + i, GET, sizeof(GET));
	assert_int_equal(take(&w, text), REQUESTS_OK);
	while (requests_are_held(w.requests)) {
		assert_true(w.out.n <= requests_out_max(READ_MAX));
		total += w.out.n;
		buf_reset(&w.out);
		if (requests_are_waiting(w.requests))
			for (int i = 0; i < FILTER_PIPELINE_MAX; i++)
				give(&w, ANSWER);
		assert_int_equal(take(&w, ""), REQUESTS_OK);
	}
	assert_true(total > READ_MAX);
	free(text);
	teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_request_is_not_copied),
		cmocka_unit_test(part_of_a_head_is_timed),
		cmocka_unit_test(certificate_is_said),
		cmocka_unit_test(longest_certificate_is_said_whole),
		cmocka_unit_test(upgrade_keeps_the_rest_until_it_is_answered),
		cmocka_unit_test(refusal_has_a_place_only_when_nothing_is_awaited),
		cmocka_unit_test(other_service_takes_the_body_with_the_head),
		cmocka_unit_test(h2_without_settings_needs_a_goaway),
		cmocka_unit_test(much_is_put_out_in_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
