/*
 * ccel: firmware logs of two real machines, read event by event as another
 * reader reads them, replayed to what another implementation computed, and
 * compared with registers; a real quote's log in this form; what is refused.
 */
#include "unit.h"

#include <jansson.h>
#include <string.h>

#include "base/text.h"
#include "tee/ccel.h"
#include "tee/ccel_text.h"
#include "tee/document.h"
#include "tee_vectors.h"

enum {
	LOG_MAX = 8192,
	PADDING = 64, /* bytes FF at the end of the recorded logs */
};

/* clang-format off */
static const struct {
	const char *file;
	unsigned events[QUOTE_RTMR_COUNT];
	const char *rtmr[QUOTE_RTMR_COUNT]; /* NULL: no event, all zero */
} recorded[] = {
	{ "ccel_dstack.bin", { 13, 5, 0, 0 }, {
		"274c2344116db7c663470693b5ba62b8621eac28cb41d2f816ddf188f9f423f9"
		"00a1c44d32386fd3c993dc814e62af9d",
		"bdcf4ee0f7fdfe7c73fbb19ded73193aee23a6726b86d3b282ea097cf4c9ed7a"
		"0db21b5c1ccd513e410d90e310836b26" } },
	{ "ccel_ovmf.bin", { 14, 4, 2, 0 }, {
		"8566f998798db09443b244c62de9a3041fb02e2e6936c4396d784bba2e901773"
		"29ec5aba3bb484404f2ab9cc90abe193",
		"775b9f6bfe99f8a31396f0d0218e67ffa796d3b96ccf961cbb0deba48c79c00f"
		"082cda1a5567c1c16305f1fc210c13c6",
		"94eaf7a7bf398ed8d888c91057ae0261802e4f3df084213a76ca7f0b5055ac9d"
		"2241de43cd58d9e8b49c503bbf25f34a" } },
};
/* clang-format on */

static struct span load(const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), TDX_VECTORS "eventlog/%s", name);
	return vector_load(path);
}

static void recorded_logs_replayed(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct span log = load(recorded[i].file);
		struct ccel_registers r;

		print_message("%s\n", recorded[i].file);
		assert_int_equal(ccel_replay(&r, log), TEE_OK);
		for (size_t k = 0; k < QUOTE_RTMR_COUNT; k++) {
			uint8_t want[QUOTE_MR_LEN] = { 0 };
			const char *hex = recorded[i].rtmr[k];

			assert_int_equal(r.event_count[k], recorded[i].events[k]);
			assert_true(!hex || text_hex_decode(want, sizeof(want), span_str(hex)));
			assert_memory_equal(r.rtmr[k].b, want, sizeof(want));
		}
		vector_free(log);
	}
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	assert_non_null(text);
	return text;
}

/* Another reader's account of the same event. */
static void same_event(const struct ccel_event *e, const json_t *want)
{
	const json_t *digest = json_array_get(json_object_get(want, "digests"), 0);
	uint8_t bytes[LOG_MAX];
	size_t n;

	assert_int_equal(e->index, json_integer_value(json_object_get(want, "index")));
	assert_string_equal(ccel_type_name(e->type), text_of(want, "type_name"));
	assert_true(text_base64_decode(bytes, sizeof(bytes), &n, span_str(text_of(want, "event"))));
	assert_true(span_equal(e->data, span_of(bytes, n)));
	assert_true(text_hex_decode(bytes, 48, span_str(text_of(digest, "digest"))));
	assert_true(span_equal(e->digest, span_of(bytes, 48)));
	assert_int_equal(ccel_is_data_measured(e),
			 json_is_true(json_object_get(want, "digest_matches_event")));
}

/* clang-format off */
static const char *const said[] = {
	"TdxTable", "Fv(XXXXXXXX-XXXX-XXXX-XXXX-XXXXXXXXXXXX)",
	"SecureBoot (0 bytes)", "PK (0 bytes)", "KEK (0 bytes)", "db (0 bytes)",
	"dbx (0 bytes)", "0x00000000", "ACPI DATA", "ACPI DATA", "ACPI DATA",
	"0x1800b37c0000000000a2a5000000000000000000000000002a00000000000000...",
	"BootOrder (2 bytes)", "Boot0000 (62 bytes)",
	"Calling EFI Application from Boot Option", "0x00000000",
	"LOADED_IMAGE::LoadOptions", "Linux initrd",
	"Exit Boot Services Invocation", "Exit Boot Services Returned with Success",
};
/* clang-format on */

static void each_event_as_another_reader_reads_it(void **state)
{
	struct span log = load("ccel_ovmf.bin"), text = load("ccel_ovmf.json"), got;
	json_t *root = json_loadb((const char *)text.p, text.n, 0, NULL);
	const json_t *want = json_object_get(root, "uefi_event_logs");
	size_t i = 0;
	struct ccel_event e;
	struct ccel c;

	(void)state;
	assert_true(ccel_open(&c, log));
	while (ccel_next(&c, &e) == CCEL_EVENT) {
		char line[CCEL_TEXT_MAX];
		struct wr w = WR_ARRAY(line);

		assert_true(e.is_extended);
		same_event(&e, json_array_get(want, i));
		ccel_describe(&w, e.type, e.data);
		assert_true(wr_done(&w, &got));
		assert_true(span_equal_str(got, said[i]));
		i++;
	}
	assert_int_equal(i, json_array_size(want));
	assert_int_equal(c.rest.n, PADDING);
	assert_int_equal(ccel_next(&c, &e), CCEL_END);
	json_decref(root);
	vector_free(text);
	vector_free(log);
}

/* A log being written. */
struct made {
	uint8_t bytes[LOG_MAX];
	struct wr w;
};

struct algorithm {
	uint16_t id, len;
};
static const struct algorithm sha384_only[] = { { 12, 48 } };
static const struct algorithm two[] = { { 11, 32 }, { 12, 48 } };

static void put_header(struct made *m, const struct algorithm *a, uint32_t count)
{
	m->w = WR_ARRAY(m->bytes);
	wr_le32(&m->w, 0);
	wr_le32(&m->w, CCEL_EV_NO_ACTION);
	wr_zero(&m->w, 20);
	wr_le32(&m->w, 29 + 4 * count);
	wr_bytes(&m->w, span_of("Spec ID Event03", 16));
	wr_le32(&m->w, 0); /* class */
	wr_bytes(&m->w, span_of("\0\2\0\2", 4)); /* 2.0, errata, UINTN */
	wr_le32(&m->w, count);
	for (uint32_t i = 0; i < count; i++) {
		wr_le16(&m->w, a[i].id);
		wr_le16(&m->w, a[i].len);
	}
	wr_u8(&m->w, 0); /* no vendor information */
}

static void put_event(struct made *m, uint32_t index, uint32_t type, const uint8_t digest[48],
		      struct span data)
{
	wr_le32(&m->w, index);
	wr_le32(&m->w, type);
	wr_le32(&m->w, 1);
	wr_le16(&m->w, 12);
	wr_bytes(&m->w, span_of(digest, 48));
	wr_le32(&m->w, (uint32_t)data.n);
	wr_bytes(&m->w, data);
}

static struct span made_log(const struct made *m)
{
	struct span log;

	assert_true(wr_done(&m->w, &log));
	return log;
}

/* dstack keeps its logs as JSON; the same events in the firmware's form. */
static void put_dstack_events(struct made *m)
{
	struct span report = vector_load(TDX_VECTORS "dstack/quote-report.json"), text;
	const struct jtree *e;
	struct arena arena;
	uint32_t imr, type;
	uint8_t digest[48];

	arena_init(&arena, DOCUMENT_TREE_MAX);
	e = document_load(&arena, report);
	assert_true(document_text(e, "event_log", &text));
	e = document_load(&arena, text);
	assert_non_null(e);
	assert_int_equal(e->count, 28);
	for (e = e->first; e; e = e->next) {
		assert_true(document_u32(e, "imr", &imr, 3) &&
			    document_u32(e, "event_type", &type, UINT32_MAX) &&
			    document_hex(e, "digest", digest, 48));
		put_event(m, imr + 1, type, digest, (struct span){ 0 });
	}
	arena_fini(&arena);
	vector_free(report);
}

static void log_of_a_real_quote_agrees(void **state)
{
	struct span bytes = tee_vector_quote("quotes/tdx_v4_90c0_dstack.bin");
	uint8_t zero[QUOTE_MR_LEN] = { 0 }, *other;
	struct ccel_registers r;
	struct made m;
	struct quote q;
	unsigned rtmr = 9;

	(void)state;
	assert_int_equal(quote_parse(&q, bytes), TEE_OK);
	put_header(&m, sha384_only, 1);
	put_dstack_events(&m);
	assert_int_equal(ccel_replay(&r, made_log(&m)), TEE_OK);
	assert_int_equal(ccel_compare(&rtmr, &q, &r), TEE_OK);
	assert_int_equal(rtmr, 9);

	for (unsigned i = 0; i < QUOTE_RTMR_COUNT; i++) {
		struct span kept = q.td.rtmr[i];

		other = vector_copy(kept);
		other[47] ^= 1;
		q.td.rtmr[i] = span_of(other, QUOTE_MR_LEN);
		assert_int_equal(ccel_compare(&rtmr, &q, &r), TEE_LOG_MISMATCH);
		assert_int_equal(rtmr, i);
		q.td.rtmr[i] = kept;
		free(other);
	}

	/* a log without events of a register says that it is zero; RTMR3 is
	 * another log's when this one has none of it */
	put_header(&m, sha384_only, 1);
	assert_int_equal(ccel_replay(&r, made_log(&m)), TEE_OK);
	assert_int_equal(ccel_compare(&rtmr, &q, &r), TEE_LOG_MISMATCH);
	assert_int_equal(rtmr, 0);
	for (unsigned i = 0; i < 3; i++)
		q.td.rtmr[i] = SPAN_ARRAY(zero);
	assert_int_equal(ccel_compare(&rtmr, &q, &r), TEE_OK);

	q.tee = QUOTE_SGX;
	rtmr = 9;
	assert_int_equal(ccel_compare(&rtmr, &q, &r), TEE_LOG_MALFORMED);
	assert_int_equal(rtmr, 9);
	vector_free(bytes);
}

static void only_measured_events_are_replayed(void **state)
{
	const uint8_t digest[48] = { 7 };
	struct sha384 want = { 0 };
	struct span parts[] = { SPAN_ARRAY(want.b), SPAN_ARRAY(digest) };
	struct ccel_registers r;
	struct made m;

	(void)state;
	put_header(&m, two, 2);
	put_event(&m, 0, 4, digest, span_str("MRTD: told, not extended"));
	put_event(&m, 1, CCEL_EV_NO_ACTION, digest, span_str("nor this"));
	wr_le32(&m.w, 2); /* an event without any digest, for information */
	wr_le32(&m.w, CCEL_EV_NO_ACTION);
	wr_le32(&m.w, 0);
	wr_le32(&m.w, 0);
	wr_le32(&m.w, 3); /* both digests, SHA-256 first */
	wr_le32(&m.w, 4);
	wr_le32(&m.w, 2);
	wr_le16(&m.w, 11);
	wr_zero(&m.w, 32);
	wr_le16(&m.w, 12);
	wr_bytes(&m.w, SPAN_ARRAY(digest));
	wr_le32(&m.w, 0);
	wr_zero(&m.w, 40);
	assert_int_equal(ccel_replay(&r, made_log(&m)), TEE_OK);
	sha384_parts(&want, parts, 2);
	assert_memory_equal(r.rtmr[2].b, want.b, 48);
	assert_int_equal(r.event_count[0] + r.event_count[1] + r.event_count[3], 0);
	assert_int_equal(r.event_count[2], 1);
}

/* One event of RTMR0 with SHA-384, and where a log goes wrong. */
enum {
	AT_TYPE = 4,
	AT_SHA1 = 8,
	AT_SPEC_LEN = 28,
	AT_NAME = 32,
	AT_MINOR = 52,
	AT_MAJOR = 53,
	AT_COUNT = 56,
	AT_ALG = 60,
	AT_ALG_LEN = 62,
	AT_VENDOR_LEN = 64,
	AT_EVENT = 65,
	AT_EVENT_INDEX = AT_EVENT,
	AT_EVENT_COUNT = AT_EVENT + 8,
	AT_EVENT_ALG = AT_EVENT + 12,
	AT_DATA_LEN = AT_EVENT + 62,
	AT_END = AT_EVENT + 66 + 4, /* data: 4 bytes */
};

/* clang-format off */
static const struct {
	const char *name;
	size_t at;
	uint8_t value;
	bool want;
} changed[] = {
	{ "unchanged_accepted", 0, 0, true },
	{ "header_index_is_not_judged", 0, 1, true },
	{ "header_of_another_type_refused", AT_TYPE, 4, false },
	{ "header_with_a_digest_refused", AT_SHA1 + 19, 1, false },
	{ "header_longer_than_its_fields_refused", AT_SPEC_LEN, 34, false },
	{ "header_shorter_than_its_fields_refused", AT_SPEC_LEN, 32, false },
	{ "header_longer_than_the_log_refused", AT_SPEC_LEN + 3, 1, false },
	{ "old_format_refused", AT_NAME + 14, '2', false },
	{ "name_without_nul_refused", AT_NAME + 15, ' ', false },
	{ "minor_version_1_refused", AT_MINOR, 1, false },
	{ "major_version_3_refused", AT_MAJOR, 3, false },
	{ "no_algorithm_refused", AT_COUNT, 0, false },
	{ "more_algorithms_than_fields_refused", AT_COUNT, 2, false },
	{ "four_billion_algorithms_refused", AT_COUNT + 3, 0xff, false },
	{ "unknown_algorithm_refused", AT_ALG, 0x77, false },
	{ "log_without_sha384_refused", AT_ALG, 0x28, false },
	{ "sha384_of_32_bytes_refused", AT_ALG_LEN, 32, false },
	{ "vendor_beyond_header_refused", AT_VENDOR_LEN, 1, false },
	{ "register_4_is_rtmr3", AT_EVENT_INDEX, 4, true },
	{ "register_5_refused", AT_EVENT_INDEX, 5, false },
	{ "register_in_high_byte_refused", AT_EVENT_INDEX + 3, 1, false },
	{ "event_without_digest_refused", AT_EVENT_COUNT, 0, false },
	{ "more_digests_than_algorithms_refused", AT_EVENT_COUNT, 2, false },
	{ "digest_of_unlisted_algorithm_refused", AT_EVENT_ALG, 11, false },
	{ "data_beyond_log_refused", AT_DATA_LEN, 200, false },
	{ "data_of_four_gigabytes_refused", AT_DATA_LEN + 3, 0xff, false },
	{ "byte_in_padding_refused", AT_END + 20, 1, false },
	{ "zero_in_padding_accepted", AT_END + 20, 0, true },
};
/* clang-format on */

static void make_one(struct made *m)
{
	static const uint8_t digest[48] = { 1 };

	put_header(m, sha384_only, 1);
	put_event(m, 1, 4, digest, span_of("\1\2\3\4", 4));
	assert_int_equal(m->w.n, AT_END);
	for (size_t i = 0; i < PADDING; i++)
		wr_u8(&m->w, 0xff);
}

static void each_rule_has_its_refusal(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++) {
		struct ccel_registers r, before;
		struct made m;
		enum tee_reason reason;

		print_message("%s\n", changed[i].name);
		make_one(&m);
		m.bytes[changed[i].at] = changed[i].value;
		memset(&r, 0x5a, sizeof(r));
		before = r;
		reason = ccel_replay(&r, made_log(&m));
		assert_int_equal(reason, changed[i].want ? TEE_OK : TEE_LOG_MALFORMED);
		if (reason)
			assert_memory_equal(&r, &before, sizeof(r));
	}
}

static void algorithms_twice_refused(void **state)
{
	static const struct algorithm twice[] = { { 12, 48 }, { 12, 48 } };
	static const uint8_t digest[48] = { 1 };
	struct ccel_registers r;
	struct made m;

	(void)state;
	put_header(&m, twice, 2);
	assert_int_equal(ccel_replay(&r, made_log(&m)), TEE_LOG_MALFORMED);
	put_header(&m, two, 2); /* and a digest twice in one event */
	wr_le32(&m.w, 1);
	wr_le32(&m.w, 4);
	wr_le32(&m.w, 2);
	for (int i = 0; i < 2; i++) {
		wr_le16(&m.w, 12);
		wr_bytes(&m.w, SPAN_ARRAY(digest));
	}
	wr_le32(&m.w, 0);
	assert_int_equal(ccel_replay(&r, made_log(&m)), TEE_LOG_MALFORMED);
	put_header(&m, two, 2); /* SHA-256 alone replays nothing */
	wr_le32(&m.w, 1);
	wr_le32(&m.w, 4);
	wr_le32(&m.w, 1);
	wr_le16(&m.w, 11);
	wr_zero(&m.w, 32);
	wr_le32(&m.w, 0);
	assert_int_equal(ccel_replay(&r, made_log(&m)), TEE_LOG_MALFORMED);
}

/* A log cut between events is a shorter log; anywhere else it is refused. */
static void every_prefix_refused_but_at_events(void **state)
{
	struct span log = load("ccel_ovmf.bin");
	size_t ends[32], count = 0, accepted = 0;
	struct ccel_event e;
	struct ccel c;

	(void)state;
	assert_true(ccel_open(&c, log));
	do {
		ends[count++] = log.n - c.rest.n;
	} while (ccel_next(&c, &e) == CCEL_EVENT);
	for (size_t n = 0, at = 0; n < log.n - PADDING; n++) {
		uint8_t *copy = vector_copy(span_of(log.p, n));
		struct ccel_registers r;
		enum tee_reason reason = ccel_replay(&r, span_of(copy, n));

		at += n > ends[at];
		assert_int_equal(reason, n == ends[at] ? TEE_OK : TEE_LOG_MALFORMED);
		accepted += !reason;
		free(copy);
	}
	assert_int_equal(accepted, 20);
	vector_free(log);
}

/* A change is refused or shows in a register, but for the data, which is a
 * claim: the digests are all that a quote is bound to. */
static void flipped_bytes_show(void **state)
{
	struct span log = load("ccel_dstack.bin");
	uint8_t *copy = vector_copy(log);
	struct ccel_registers want, got;
	struct ccel_event e;
	struct ccel c;
	size_t shown = 0;

	(void)state;
	assert_int_equal(ccel_replay(&want, log), TEE_OK);
	assert_true(ccel_open(&c, log));
	while (ccel_next(&c, &e) == CCEL_EVENT) {
		for (size_t i = 0; i < 48; i++) {
			size_t at = (size_t)(e.digest.p - log.p) + i;

			copy[at] ^= 0x40;
			assert_int_equal(ccel_replay(&got, span_of(copy, log.n)), TEE_OK);
			shown += memcmp(got.rtmr, want.rtmr, sizeof(want.rtmr)) != 0;
			copy[at] ^= 0x40;
		}
	}
	assert_int_equal(shown, 18 * 48);
	for (size_t at = 0; at < log.n; at++) {
		copy[at] ^= 0x10;
		(void)ccel_replay(&got, span_of(copy, log.n)); /* under ASan */
		copy[at] ^= 0x10;
	}
	free(copy);
	vector_free(log);
}

static void log_over_the_limit_refused(void **state)
{
	uint8_t *big = mem_new(CCEL_MAX + 1);
	struct ccel_registers r;
	struct made m;
	struct span log;

	(void)state;
	put_header(&m, sha384_only, 1);
	log = made_log(&m);
	memcpy(big, log.p, log.n);
	assert_int_equal(ccel_replay(&r, span_of(big, CCEL_MAX)), TEE_OK);
	assert_int_equal(ccel_replay(&r, span_of(big, CCEL_MAX + 1)), TEE_LOG_MALFORMED);
	free(big);
}

#define LONG "0123456789012345678901234567890123456789"

/* clang-format off */
static const struct {
	const char *name;
	uint32_t type;
	const char *data;
	size_t n;
	const char *want;
} described[] = {
	{ "nothing_is_nothing", 4, "", 0, "" },
	{ "zeros_are_hex", 4, "\0\0\0\0", 4, "0x00000000" },
	{ "ascii_loses_its_nul", 5, "go\0", 3, "go" },
	{ "two_nuls_are_not_text", 5, "go\0\0", 4, "0x676f0000" },
	{ "utf16_is_text", 8, "v\0" "1\0" "\0\0", 6, "v1" },
	{ "utf16_beyond_ascii_is_hex", 8, "v\0" "1\1", 4, "0x76003101" },
	{ "long_text_is_cut", 13, LONG LONG "!", 81, LONG LONG "..." },
	{ "80_characters_are_not_cut", 13, LONG LONG, 80, LONG LONG },
	{ "escape_sequences_are_hex", 5, "\033[31m", 5, "0x1b5b33316d" },
	{ "tag_of_wrong_length_is_hex", 6, "\1\0\0\0\5\0\0\0ab", 10, "0x01000000050000006162" },
	{ "blob_description_is_text", 0x8000000a, "\2ab\xff\xff", 5, "ab" },
	{ "blob_description_too_long_is_hex", 0x8000000a, "\7ab", 3, "0x076162" },
	{ "variable_cut_short_is_hex", 0x80000001, "\1\2", 2, "0x0102" },
	{ "variable_name_beyond_data_is_hex", 0x80000001,
	  "0123456789abcdef\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0", 32,
	  "0x30313233343536373839616263646566ffffffffffffffff0000000000000000" },
	{ "variable_name_and_size", 0x800000e0,
	  "0123456789abcdef\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0d\0b\0X", 37, "db (1 bytes)" },
};
/* clang-format on */

static void data_is_described(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(described) / sizeof(described[0]); i++) {
		char line[CCEL_TEXT_MAX] = { 0 };
		struct wr w = wr_over(line, sizeof(line) - 1);

		print_message("%s\n", described[i].name);
		ccel_describe(&w, described[i].type, span_of(described[i].data, described[i].n));
		assert_false(w.over);
		assert_string_equal(line, described[i].want);
	}
	assert_string_equal(ccel_type_name(0), "EV_PREBOOT_CERT");
	assert_null(ccel_type_name(0x08000001));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_logs_replayed),
		cmocka_unit_test(each_event_as_another_reader_reads_it),
		cmocka_unit_test(log_of_a_real_quote_agrees),
		cmocka_unit_test(only_measured_events_are_replayed),
		cmocka_unit_test(each_rule_has_its_refusal),
		cmocka_unit_test(algorithms_twice_refused),
		cmocka_unit_test(every_prefix_refused_but_at_events),
		cmocka_unit_test(flipped_bytes_show),
		cmocka_unit_test(log_over_the_limit_refused),
		cmocka_unit_test(data_is_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
