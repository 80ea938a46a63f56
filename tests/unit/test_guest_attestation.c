/* dstack's form of an attestation: what its own encoder's libraries (rmp-serde 1.3,
 * serde-human-bytes 0.1) made of the same facts, and what is refused. */
#include "unit.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "guest/attestation.h"

#define DIGEST_11 \
	"111111111111111111111111111111111111111111111111" \
	"111111111111111111111111111111111111111111111111"
#define DIGEST_22 \
	"222222222222222222222222222222222222222222222222" \
	"222222222222222222222222222222222222222222222222"

static const char log_text[] =
	"[{\"imr\":0,\"event_type\":4,\"digest\":\"" DIGEST_11
	"\",\"event\":\"\",\"event_payload\":\"\"},"
	"{\"imr\":3,\"event_type\":134217729,\"digest\":\"" DIGEST_22
	"\",\"event\":\"app-id\",\"event_payload\":\"deadbeef\"}]";

static const uint8_t quote[] = { 1, 0x7f, 0x80, 0xff };

static const uint8_t *report_data(void)
{
	static const uint8_t bytes[64] = {
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
		0x90,
	};

	return bytes;
}

static struct attestation made_of(const char *event_log)
{
	return (struct attestation){ SPAN_ARRAY(quote), span_str(event_log),
				     span_of(report_data(), 64) };
}

static void it_is_what_dstacks_encoder_writes(void **state)
{
	static const char before[] =
		"83a776657273696f6e01a8706c6174666f726d82a46b696e64a3746478a46461746182a5"
		"71756f746594017fcc80ccffa96576656e745f6c6f679285a3696d7200aa6576656e745f"
		"7479706504a6646967657374c43011111111111111111111111111111111111111111111"
		"1111111111111111111111111111111111111111111111111111a56576656e74a0ad6576"
		"656e745f7061796c6f6164c40085a3696d7203aa6576656e745f74797065ce08000001a6"
		"646967657374c43022222222222222222222222222222222222222222222222222222222"
		"2222222222222222222222222222222222222222a56576656e74a66170702d6964ad6576"
		"656e745f7061796c6f6164c404deadbeefa5737461636b82a46b696e64a664737461636b"
		"a46461746183ab7265706f72745f64617461dc0040";
	static const char after[] =
		"ae72756e74696d655f6576656e74739182a56576656e74a66170702d6964a77061796c6f"
		"6164c404deadbeefa6636f6e666967a0";
	const struct attestation a = made_of(log_text);
	AUTO(buf_fini)
	struct buf out = { 0 };
	uint8_t want[1024];
	size_t n = 0, more = 0;

	(void)state;
	assert_true(text_hex_decode_any(want, sizeof(want), &n, span_str(before)));
	for (size_t i = 0; i < 64; i++) {
		want[n++] = 0xcc;
		want[n++] = 0x90;
	}
	assert_true(text_hex_decode_any(want + n, sizeof(want) - n, &more, span_str(after)));
	buf_init(&out, ATTESTATION_MAX);
	assert_int_equal(attestation_write(&out, &a), RC_OK);
	assert_int_equal(buf_span(&out).n, n + more);
	assert_memory_equal(buf_span(&out).p, want, n + more);
}

static void a_log_of_another_form_is_refused(void **state)
{
#define EVENT(imr, digest, more) \
	"[{\"imr\":" imr ",\"event_type\":134217729,\"digest\":\"" digest \
	"\",\"event\":\"x\"" more "}]"
	static const struct {
		const char *name, *log;
		enum rc want;
	} cases[] = {
		{ "empty_log", "[]", RC_OK },
		{ "whole_event", EVENT("3", DIGEST_11, ",\"event_payload\":\"\""), RC_OK },
		{ "nothing", "", RC_MALFORMED },
		{ "no_json", "[", RC_MALFORMED },
		{ "no_array", "{}", RC_MALFORMED },
		{ "event_is_no_object", "[1]", RC_MALFORMED },
		{ "register_four", EVENT("4", DIGEST_11, ",\"event_payload\":\"\""), RC_MALFORMED },
		{ "digest_short", EVENT("3", "11", ",\"event_payload\":\"\""), RC_MALFORMED },
		{ "digest_missing", EVENT("3", "", ",\"event_payload\":\"\""), RC_MALFORMED },
		{ "payload_missing", EVENT("3", DIGEST_11, ""), RC_MALFORMED },
		{ "payload_no_hex",
		  EVENT("3", DIGEST_11, ",\"event_payload\":\"zz\""), RC_MALFORMED },
		{ "payload_odd", EVENT("3", DIGEST_11, ",\"event_payload\":\"1\""), RC_MALFORMED },
		{ "other_version",
		  EVENT("3", DIGEST_11, ",\"event_payload\":\"\",\"version\":2"), RC_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct attestation a = made_of(cases[i].log);
		AUTO(buf_fini)
		struct buf out = { 0 };
		enum rc rc;

		buf_init(&out, ATTESTATION_MAX);
		rc = attestation_write(&out, &a);
		if (rc != cases[i].want || (rc && buf_span(&out).n))
			fail_msg("%s: %s", cases[i].name, rc_name(rc));
	}
}

static void it_has_to_fit(void **state)
{
	const struct attestation a = made_of(log_text);
	AUTO(buf_fini)
	struct buf whole = { 0 };
	size_t n;

	(void)state;
	buf_init(&whole, ATTESTATION_MAX);
	assert_int_equal(attestation_write(&whole, &a), RC_OK);
	n = buf_span(&whole).n;
	for (size_t room = 0; room <= n; room++) {
		AUTO(buf_fini)
		struct buf out = { 0 };

		buf_init(&out, room);
		assert_int_equal(attestation_write(&out, &a), room < n ? RC_LIMIT : RC_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_what_dstacks_encoder_writes),
		cmocka_unit_test(a_log_of_another_form_is_refused),
		cmocka_unit_test(it_has_to_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
