/* luks: headers that libcryptsetup makes for us pass; every published attack on LUKS2 in
 * confidential VMs, and every other field changed, is called by its name. */
#include "disk_luks.h"
#include "folder.h"

#include <unistd.h>

#include "base/mem.h"
#include "disk/volume.h"

static const struct key32 passphrase = { .b = { 7, 7, 7 } };

struct world {
	struct folder folder;
	char data[128];
	struct buf header;
};

static int make_world(void **state)
{
	struct world *w = mem_new(sizeof(*w));
	char error[VOLUME_ERROR_MAX] = "";

	folder_make(&w->folder);
	folder_file(w->data, &w->folder, "data");
	fclose(mem_need(fopen(w->data, "w")));
	assert_int_equal(truncate(w->data, 32 * 1024 * 1024), 0);
	buf_init(&w->header, RECORD_HEADER_LEN);
	if (volume_make(&w->header, w->data, RECORD_PLAIN, &passphrase, error))
		fail_msg("%s", error);
	*state = w;
	return 0;
}

static int remove_world(void **state)
{
	struct world *w = *state;

	folder_remove(&w->folder);
	buf_fini(&w->header);
	free(w);
	return 0;
}

static uint8_t *copy_of(const struct world *w)
{
	return (uint8_t *)mem_dup_n(buf_span(&w->header).p, RECORD_HEADER_LEN);
}

static const char *check(const uint8_t *header)
{
	return luks_check(span_of(header, RECORD_HEADER_LEN), RECORD_PLAIN);
}

static void a_header_of_ours_passes(void **state)
{
	struct world *w = *state;

	assert_null(luks_check(buf_span(&w->header), RECORD_PLAIN));
}

/* And with other words for the same: the order of members, white space, escapes. */
static void only_its_meaning_counts(void **state)
{
	AUTO(mem_auto_free)
	uint8_t *header = copy_of(*state);

	luks_replace(header, "{\"type\":\"luks1\",\"stripes\":4000,",
		     "{ \"stripes\" : 4000,\n\"type\":\"luks\\u0031\",");
	assert_null(check(header));
}

struct change {
	const char *name, *from, *to, *want;
};

/* Each is a header that opens, or that opened in some release of cryptsetup. */
static const struct change attacks[] = {
	/* CVE-2025-59054, CVE-2025-58356: the data in clear */
	{ "null_cipher_of_the_data", "\"iv_tweak\":\"0\",\"encryption\":\"aes-xts-plain64\"",
	  "\"iv_tweak\":\"0\",\"encryption\":\"cipher_null-ecb\"", "segments.0.encryption" },
	/* the volume key in clear: any passphrase opens it */
	{ "null_cipher_of_the_keyslot",
	  "\"258048\",\"encryption\":\"aes-xts-plain64\"",
	  "\"258048\",\"encryption\":\"cipher_null-ecb\"", "keyslots.0.area.encryption" },
	{ "linear_segment", "{\"type\":\"crypt\"", "{\"type\":\"linear\"", "segments.0.type" },
	{ "second_segment", "\"segments\":{", "\"segments\":{\"1\":{\"type\":\"linear\","
					      "\"offset\":\"2097152\",\"size\":\"dynamic\"},",
	  "segments" },
	{ "second_keyslot", "\"keyslots\":{", "\"keyslots\":{\"1\":{\"type\":\"luks2\"},",
	  "keyslots" },
	{ "segment_elsewhere", "\"1048576\"", "\"2097152\"", "segments.0.offset" },
	{ "segment_shorter", "\"dynamic\"", "\"4194304\"", "segments.0.size" },
	{ "other_tweak", "\"iv_tweak\":\"0\"", "\"iv_tweak\":\"8\"", "segments.0.iv_tweak" },
	{ "smaller_sectors", "\"sector_size\":4096", "\"sector_size\":512",
	  "segments.0.sector_size" },
	{ "integrity_that_does_nothing", "\"sector_size\":4096",
	  "\"sector_size\":4096,\"integrity\":{\"type\":\"none\"}", "segments.0" },
	/* CVE-2021-4122: a decryption that a crash is said to have cut short */
	{ "reencryption", "\"config\":{", "\"config\":{\"requirements\":{\"mandatory\":"
					  "[\"online-reencrypt-v2\"]},",
	  "config" },
	{ "flags", "\"config\":{", "\"config\":{\"flags\":[\"allow-discards\"],", "config" },
	{ "token", "\"tokens\":{}", "\"tokens\":{\"0\":{\"type\":\"x\",\"keyslots\":[\"0\"]}}",
	  "tokens" },
	{ "digest_of_no_segment", "\"segments\":[\"0\"]", "\"segments\":[]", "digests.0.segments" },
	{ "digest_of_no_keyslot", "\"keyslots\":[\"0\"]", "\"keyslots\":[\"1\"]",
	  "digests.0.keyslots" },
	{ "second_digest", "\"digests\":{", "\"digests\":{\"1\":{},", "digests" },
	{ "keyslot_elsewhere", "\"offset\":\"32768\"", "\"offset\":\"36864\"",
	  "keyslots.0.area.offset" },
	{ "argon", "\"type\":\"pbkdf2\",\"hash\":\"sha256\",\"iterations\":1000",
	  "\"type\":\"argon2id\",\"hash\":\"sha256\",\"iterations\":1000",
	  "keyslots.0.kdf.type" },
	{ "work_for_hours", "\"iterations\":1000", "\"iterations\":4294967295",
	  "keyslots.0.kdf.iterations" },
	{ "short_volume_key", "\"key_size\":64,\"af\"", "\"key_size\":32,\"af\"",
	  "keyslots.0.key_size" },
	{ "keyslot_unbound", "\"type\":\"luks2\",\"key_size\"",
	  "\"type\":\"luks2\",\"priority\":0,\"key_size\"", "keyslots.0" },
	{ "few_stripes", "\"stripes\":4000", "\"stripes\":1", "keyslots.0.af.stripes" },
	{ "short_salt", "\"kdf\":{", "\"kdf\":{\"time\":4,", "keyslots.0.kdf" },
	{ "area_of_another_kind", "\"type\":\"raw\"", "\"type\":\"datashift\"",
	  "keyslots.0.area.type" },
	{ "member_twice", "\"config\":{", "\"config\":{\"json_size\":\"12288\",", "json" },
	{ "unknown_member", "\"tokens\":{}", "\"tokens\":{},\"x\":{}", "json" },
	{ "number_as_text", "\"stripes\":4000", "\"stripes\":\"4000\"", "keyslots.0.af.stripes" },
	{ "no_json", "{\"keyslots\"", "[\"keyslots\"", "json" },
	{ "sizes", "\"json_size\":\"12288\"", "\"json_size\":\"16384\"", "config.json_size" },
	{ "keyslots_size", "\"keyslots_size\":\"524288\"", "\"keyslots_size\":\"528384\"",
	  "config.keyslots_size" },
};

static void attacks_are_called_by_name(void **state)
{
	for (size_t i = 0; i < sizeof(attacks) / sizeof(*attacks); i++) {
		AUTO(mem_auto_free)
		uint8_t *header = copy_of(*state);
		const char *what;

		luks_replace(header, attacks[i].from, attacks[i].to);
		what = check(header);
		if (!what || strcmp(what, attacks[i].want) != 0)
			fail_msg("%s: %s", attacks[i].name, what ? what : "passes");
	}
}

/* Why this module is there: the library itself opens these with our passphrase. */
static void libcryptsetup_alone_takes_some_of_them(void **state)
{
	static const size_t opens[] = { 0, 5, 7, 8 };
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(opens) / sizeof(*opens); i++) {
		const struct change *c = &attacks[opens[i]];
		AUTO(mem_auto_free)
		uint8_t *header = copy_of(w);
		char error[VOLUME_ERROR_MAX] = "";

		luks_replace(header, c->from, c->to);
		if (volume_map(NULL, span_of(header, RECORD_HEADER_LEN), w->data, &passphrase,
			       VOLUME_TRY, error))
			fail_msg("%s: %s", c->name, error);
		assert_non_null(check(header));
	}
}

/* The binary header: offset in a copy, the byte's change, what it is called. */
static void binary_fields_are_called_by_name(void **state)
{
	static const struct {
		size_t at;
		const char *want;
	} table[] = {
		{ 0, "magic" },
		{ 7, "version" },
		{ 14, "hdr_size" },
		{ 24, "label" },
		{ 71, "label" },
		{ 72, "checksum_alg" },
		{ 103, "checksum_alg" },
		{ 168, "uuid" },
		{ 176, "uuid" },
		{ 207, "uuid" },
		{ 208, "subsystem" },
		{ 263, "hdr_offset" },
		{ 264, "padding" },
		{ 447, "padding" },
		{ 512, "padding" },
		{ 4095, "padding" },
	};

	for (size_t copy = 0; copy < 2; copy++) {
		for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
			AUTO(mem_auto_free)
			uint8_t *header = copy_of(*state);
			const char *what;

			header[copy * LUKS_COPY_LEN + table[i].at] ^= 0x80;
			luks_sum(header);
			what = check(header);
			if (!what || strcmp(what, table[i].want) != 0)
				fail_msg("%zu: %s", table[i].at, what ? what : "passes");
		}
	}
}

static void sums_and_copies_must_agree(void **state)
{
	static const size_t in_second_copy[] = { 23, 170, LUKS_BINARY_LEN + 40 };

	for (size_t i = 0; i < 3; i++) {
		AUTO(mem_auto_free)
		uint8_t *header = copy_of(*state);
		uint8_t *b = header + LUKS_COPY_LEN + in_second_copy[i];

		*b = *b == '1' ? '2' : '1';
		assert_string_equal(check(header), "checksum");
		luks_sum(header);
		assert_string_equal(check(header), "copies");
	}
}

static void nothing_may_hide_behind_the_json(void **state)
{
	AUTO(mem_auto_free)
	uint8_t *header = copy_of(*state);

	header[LUKS_COPY_LEN - 1] = '{';
	header[2 * LUKS_COPY_LEN - 1] = '{';
	luks_sum(header);
	assert_string_equal(check(header), "json");
}

static void every_prefix_is_refused(void **state)
{
	struct world *w = *state;

	for (size_t n = 0; n < RECORD_HEADER_LEN; n += n < 600 ? 7 : 9973) {
		AUTO(mem_auto_free)
		char *part = mem_dup_n(buf_span(&w->header).p, n);

		assert_non_null(luks_check(span_of(part, n), RECORD_PLAIN));
	}
}

/* By a byte anywhere in what is not random by its nature. */
static void a_changed_byte_is_noticed(void **state)
{
	AUTO(mem_auto_free)
	uint8_t *header = copy_of(*state);

	for (size_t i = 0; i < 2 * LUKS_COPY_LEN; i += 3) {
		header[i] ^= 4;
		if (!check(header))
			fail_msg("%zu", i);
		header[i] ^= 4;
	}
}

static void a_disk_without_integrity_is_none_with(void **state)
{
	struct world *w = *state;

	assert_string_equal(luks_check(buf_span(&w->header), RECORD_HMAC), "keyslots.0.key_size");
}

/* What libcryptsetup 2.6.1 wrote for a disk with integrity: it cannot be made without
 * device-mapper. */
static void integrity_has_its_own_profile(void **state)
{
	AUTO(mem_auto_free)
	uint8_t *header = copy_of(*state);

	luks_replace(header, "\"key_size\":64,\"af\"", "\"key_size\":96,\"af\"");
	luks_replace(header, "\"258048\"", "\"385024\"");
	luks_replace(header, "\"sector_size\":4096",
		     "\"sector_size\":4096,\"integrity\":{\"type\":\"hmac(sha256)\","
		     "\"journal_encryption\":\"none\",\"journal_integrity\":\"none\"}");
	assert_null(luks_check(span_of(header, RECORD_HEADER_LEN), RECORD_HMAC));
	assert_non_null(check(header));
	luks_replace(header, "hmac(sha256)", "none");
	assert_string_equal(luks_check(span_of(header, RECORD_HEADER_LEN), RECORD_HMAC),
			    "segments.0.integrity.type");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_of_ours_passes),
		cmocka_unit_test(only_its_meaning_counts),
		cmocka_unit_test(attacks_are_called_by_name),
		cmocka_unit_test(libcryptsetup_alone_takes_some_of_them),
		cmocka_unit_test(binary_fields_are_called_by_name),
		cmocka_unit_test(sums_and_copies_must_agree),
		cmocka_unit_test(nothing_may_hide_behind_the_json),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(a_changed_byte_is_noticed),
		cmocka_unit_test(a_disk_without_integrity_is_none_with),
		cmocka_unit_test(integrity_has_its_own_profile),
	};

	return cmocka_run_group_tests(tests, make_world, remove_world);
}
