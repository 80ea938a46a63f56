/* The frames of the attested channel: written, read back, and refused. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "channel/message.h"
#include "crypto/rng.h"

enum {
	HEAD = MESSAGE_HEADER_LEN
};

static struct span body_of(const struct wr *w)
{
	struct span s;

	assert_true(wr_done(w, &s));
	return span_of(s.p + HEAD, s.n - HEAD);
}

/* Bytes as the document lays them out. */
static void hello_is_the_documents_bytes(void **state)
{
	struct message_hello m = { .version = 1, .role = CHANNEL_SERVER, .round = 7 };
	uint8_t bytes[64], want[43] = { 1, 0, 0, 39, 0, 1, 2, 0, 0, 0, 7 };
	struct wr w = WR_ARRAY(bytes);

	(void)state;
	memset(m.nonce, 0xaa, sizeof(m.nonce));
	memset(want + 11, 0xaa, 32);
	message_write_hello(&w, &m);
	assert_int_equal(wr_span(&w).n, sizeof(want));
	assert_memory_equal(bytes, want, sizeof(want));
}

static void hello_written_is_read(void **state)
{
	struct message_hello m = { .version = 1, .role = CHANNEL_CLIENT, .round = 0xffffffff }, r;
	uint8_t bytes[64];
	struct wr w = WR_ARRAY(bytes);

	(void)state;
	rng_bytes(m.nonce, sizeof(m.nonce));
	message_write_hello(&w, &m);
	assert_int_equal(message_read_hello(&r, body_of(&w)), RC_OK);
	assert_int_equal(r.role, m.role);
	assert_int_equal(r.round, m.round);
	assert_memory_equal(r.nonce, m.nonce, 32);
}

static void evidence_written_is_read(void **state)
{
	struct message_evidence m = {
		.round = 3,
		.leaf_index = 4,
		.leaf_count = 1ull << 33,
		.path_count = 32,
		.claims = span_str("{}"),
		.manifest = span_str("manifest"),
		.eventlog = span_str("[]"),
		.quote = span_str("quote"),
	};
	struct message_evidence r;
	uint8_t bytes[2048];
	struct wr w = WR_ARRAY(bytes);

	(void)state;
	rng_bytes(m.path, sizeof(m.path));
	message_write_evidence(&w, &m);
	assert_int_equal(message_read_evidence(&r, body_of(&w)), RC_OK);
	assert_int_equal(r.round, 3);
	assert_int_equal(r.leaf_index, 4);
	assert_true(r.leaf_count == 1ull << 33);
	assert_int_equal(r.path_count, 32);
	assert_memory_equal(r.path, m.path, sizeof(m.path));
	assert_true(span_equal(r.claims, m.claims) && span_equal(r.manifest, m.manifest));
	assert_true(span_equal(r.eventlog, m.eventlog) && span_equal(r.quote, m.quote));
}

static const struct channel_assignment sound = {
	.wg_public = { 9 },
	.address = { 4, { 10, 88, 0, 2 }, 16 },
	.gateway = { 6, { 0xfd }, 64 },
	.endpoint_ip = { 6, { 0x20, 1 }, 128 },
	.endpoint_port = 51820,
	.allowed = { { 4, { 10, 88 }, 16 }, { 6, { 0 }, 0 } },
	.allowed_count = 2,
	.lease_ms = 600000,
	.keepalive_s = 25,
};

static void assign_written_is_read(void **state)
{
	struct message_assign m = { .round = 2, .assignment = sound }, r;
	uint8_t bytes[HEAD + MESSAGE_ASSIGN_MAX], again[sizeof(bytes)];
	struct wr w = WR_ARRAY(bytes), w2 = WR_ARRAY(again);

	(void)state;
	message_write_assign(&w, &m);
	assert_int_equal(message_read_assign(&r, body_of(&w)), RC_OK);
	message_write_assign(&w2, &r);
	assert_true(span_equal(wr_span(&w), wr_span(&w2)));
	assert_int_equal(r.assignment.lease_ms, 600000);
	assert_int_equal(r.assignment.allowed[0].len, 16);
}

/* The longest assignment is exactly the bound, so the bound is not a guess. */
static void longest_assign_fits(void **state)
{
	struct message_assign m = { .assignment = sound };
	uint8_t bytes[HEAD + MESSAGE_ASSIGN_MAX];
	struct wr w = WR_ARRAY(bytes);
	struct span s;

	(void)state;
	m.assignment.address = m.assignment.gateway;
	m.assignment.allowed_count = CHANNEL_ALLOWED_MAX;
	for (int i = 0; i < CHANNEL_ALLOWED_MAX; i++)
		m.assignment.allowed[i] = (struct channel_prefix){ .family = 6 };
	message_write_assign(&w, &m);
	assert_true(wr_done(&w, &s));
	assert_int_equal(s.n, sizeof(bytes));
}

static void key_and_refusal_written_are_read(void **state)
{
	struct message_key k = { .round = 1, .wg_public = { 1, 2, 3 } }, kr;
	struct message_refusal f = { .reason = CHANNEL_PURPOSE, .detail = "purpose" }, fr;
	uint8_t a[64], b[64];
	struct wr wa = WR_ARRAY(a), wb = WR_ARRAY(b);

	(void)state;
	message_write_key(&wa, &k);
	assert_int_equal(message_read_key(&kr, body_of(&wa)), RC_OK);
	assert_memory_equal(&k, &kr, sizeof(k));
	message_write_refusal(&wb, MESSAGE_WITHDRAW, &f);
	assert_int_equal(b[0], MESSAGE_WITHDRAW);
	assert_int_equal(message_read_refusal(&fr, body_of(&wb)), RC_OK);
	assert_int_equal(fr.reason, CHANNEL_PURPOSE);
	assert_string_equal(fr.detail, "purpose");
}

/* Refusal details go into logs: whatever a peer sends, they are printable. */
static void refusal_detail_is_made_printable(void **state)
{
	static const uint8_t body[] = { 0xff, 0xff, 4, 'a', 0x1b, 0, 0xff };
	struct message_refusal r;

	(void)state;
	assert_int_equal(message_read_refusal(&r, SPAN_ARRAY(body)), RC_OK);
	assert_int_equal(r.reason, CHANNEL_UNKNOWN);
	assert_string_equal(r.detail, "a???");
}

enum reader {
	HELLO,
	EVIDENCE,
	KEY,
	ASSIGN,
	REFUSAL
};

static enum rc read_any(enum reader which, struct span body)
{
	union {
		struct message_hello hello;
		struct message_evidence evidence;
		struct message_key key;
		struct message_assign assign;
		struct message_refusal refusal;
		uint8_t bytes[4096];
	} out, before;
	enum rc rc = RC_OK;

	memset(&out, 0x5a, sizeof(out));
	memcpy(&before, &out, sizeof(out));
	switch (which) {
	case HELLO:
		rc = message_read_hello(&out.hello, body);
		break;
	case EVIDENCE:
		rc = message_read_evidence(&out.evidence, body);
		break;
	case KEY:
		rc = message_read_key(&out.key, body);
		break;
	case ASSIGN:
		rc = message_read_assign(&out.assign, body);
		break;
	case REFUSAL:
		rc = message_read_refusal(&out.refusal, body);
		break;
	}
	if (rc)
		assert_memory_equal(&out, &before, sizeof(out));
	return rc;
}

/* Every prefix of every message, each in its own allocation, and one byte
 * more: all malformed, outputs untouched. */
static void each_prefix_and_one_byte_more_malformed(void **state)
{
	struct message_evidence e = {
		.leaf_count = 2,
		.path_count = 1,
		.claims = span_str("{}"),
		.manifest = span_str("m"),
		.eventlog = span_str("[]"),
		.quote = span_str("q"),
	};
	struct message_hello h = { .version = 1 };
	struct message_assign a = { .assignment = sound };
	struct message_refusal f = { .reason = CHANNEL_TIMEOUT, .detail = "d" };
	struct message_key k = { 0 };
	static uint8_t bytes[5][1024];
	struct wr w[5];

	(void)state;
	for (size_t i = 0; i < 5; i++)
		w[i] = wr_over(bytes[i], sizeof(bytes[i]));
	message_write_hello(&w[HELLO], &h);
	message_write_evidence(&w[EVIDENCE], &e);
	message_write_key(&w[KEY], &k);
	message_write_assign(&w[ASSIGN], &a);
	message_write_refusal(&w[REFUSAL], MESSAGE_REFUSE, &f);
	for (enum reader i = HELLO; i <= REFUSAL; i++) {
		struct span body = body_of(&w[i]);

		assert_int_equal(read_any(i, body), RC_OK);
		for (size_t n = 0; n < body.n; n++) {
			uint8_t *copy = malloc(n ? n : 1);

			memcpy(copy, body.p, n);
			assert_int_equal(read_any(i, span_of(copy, n)), RC_MALFORMED);
			free(copy);
		}
		assert_int_equal(read_any(i, span_of(body.p, body.n + 1)), RC_MALFORMED);
	}
}

static void other_version_unsupported(void **state)
{
	static const uint8_t v2[] = { 0, 2, 1, 2, 3 };
	static const uint8_t v0[] = { 0, 0 };

	(void)state;
	assert_int_equal(read_any(HELLO, SPAN_ARRAY(v2)), RC_UNSUPPORTED);
	assert_int_equal(read_any(HELLO, SPAN_ARRAY(v0)), RC_UNSUPPORTED);
}

/* Evidence whose numbers are out of bounds, a byte at a time. */
static void evidence_bounds_malformed(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t value;
	} rows[] = {
		{ "leaf_index_is_leaf_count", 11, 2 },
		{ "leaf_count_zero", 19, 0 },
		{ "path_not_of_hashes", 21, 31 },
		{ "claims_too_long_for_body", 22, 0xff },
	};
	struct message_evidence e = { .leaf_count = 2, .path_count = 1, .claims = span_str("{}") };
	uint8_t bytes[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wr w = WR_ARRAY(bytes);

		message_write_evidence(&w, &e);
		bytes[HEAD + rows[i].at + (i == 3 ? 32 : 0)] = rows[i].value;
		if (read_any(EVIDENCE, body_of(&w)) != RC_MALFORMED)
			fail_msg("%s", rows[i].name);
	}
}

/* Parts longer than their own bound, though the frame could carry them. */
static void evidence_part_over_its_bound_malformed(void **state)
{
	static uint8_t zero[EVENTLOG_MAX + 1];
	const size_t cap = 2 * CHANNEL_MESSAGE_MAX;
	uint8_t *bytes = malloc(cap);

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct message_evidence e = { .leaf_count = 1 };
		struct wr w = wr_over(bytes, cap);

		if (i == 0)
			e.claims = span_of(zero, CHANNEL_CLAIMS_MAX + 1);
		if (i == 1)
			e.manifest = span_of(zero, MANIFEST_MAX + 1);
		if (i == 2)
			e.eventlog = span_of(zero, EVENTLOG_MAX + 1);
		if (i == 3)
			e.quote = span_of(zero, QUOTE_MAX + 1);
		message_write_evidence(&w, &e);
		assert_int_equal(read_any(EVIDENCE, body_of(&w)), RC_MALFORMED);
	}
	free(bytes);
}

static void role_zero_and_three_malformed(void **state)
{
	uint8_t body[39] = { 0, 1 };

	(void)state;
	assert_int_equal(read_any(HELLO, SPAN_ARRAY(body)), RC_MALFORMED);
	body[2] = 3;
	assert_int_equal(read_any(HELLO, SPAN_ARRAY(body)), RC_MALFORMED);
}

static void refusal_that_says_ok_malformed(void **state)
{
	static const uint8_t body[] = { 0, 0, 0 };

	(void)state;
	assert_int_equal(read_any(REFUSAL, SPAN_ARRAY(body)), RC_MALFORMED);
}

static void unsound_assignments_refused(void **state)
{
	struct channel_assignment a;

	(void)state;
	assert_true(message_assignment_is_sound(&sound));
#define UNSOUND(change) \
	a = sound; \
	change; \
	assert_false(message_assignment_is_sound(&a))
	UNSOUND(a.address.family = 5);
	UNSOUND(a.address.len = 33);
	UNSOUND(a.gateway.len = 129);
	UNSOUND(a.endpoint_ip.len = 127);
	UNSOUND(a.endpoint_port = 0);
	UNSOUND(a.lease_ms = 0);
	UNSOUND(a.allowed_count = CHANNEL_ALLOWED_MAX + 1);
	UNSOUND(a.allowed[0].bytes[3] = 1);
	UNSOUND(a.allowed[0].bytes[2] = 0x80);
}

/* The same on the wire: what cannot be meant is not read. */
static void unsound_assign_malformed(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t value;
	} rows[] = {
		{ "address_family_5", 36, 5 },
		{ "address_length_33", 37, 33 },
		{ "endpoint_not_a_host", 61, 127 },
		{ "allowed_count_17", 86, 17 },
		{ "allowed_with_host_bits", 92, 1 },
	};
	struct message_assign m = { .assignment = sound };
	uint8_t bytes[HEAD + MESSAGE_ASSIGN_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct wr w = WR_ARRAY(bytes);

		message_write_assign(&w, &m);
		bytes[HEAD + rows[i].at] = rows[i].value;
		if (read_any(ASSIGN, body_of(&w)) != RC_MALFORMED)
			fail_msg("%s", rows[i].name);
	}
	for (size_t at = 78; at < 84; at++) { /* port, then lease: not zero */
		struct wr w = WR_ARRAY(bytes);

		message_write_assign(&w, &m);
		memset(bytes + HEAD + (at < 80 ? 78 : 80), 0, at < 80 ? 2 : 4);
		assert_int_equal(read_any(ASSIGN, body_of(&w)), RC_MALFORMED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hello_is_the_documents_bytes),
		cmocka_unit_test(hello_written_is_read),
		cmocka_unit_test(evidence_written_is_read),
		cmocka_unit_test(assign_written_is_read),
		cmocka_unit_test(longest_assign_fits),
		cmocka_unit_test(key_and_refusal_written_are_read),
		cmocka_unit_test(refusal_detail_is_made_printable),
		cmocka_unit_test(each_prefix_and_one_byte_more_malformed),
		cmocka_unit_test(other_version_unsupported),
		cmocka_unit_test(evidence_bounds_malformed),
		cmocka_unit_test(evidence_part_over_its_bound_malformed),
		cmocka_unit_test(role_zero_and_three_malformed),
		cmocka_unit_test(refusal_that_says_ok_malformed),
		cmocka_unit_test(unsound_assignments_refused),
		cmocka_unit_test(unsound_assign_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
