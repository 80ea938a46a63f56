/* record: whose a disk is, read strictly; every reason reached, every byte of it covered. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "disk/record.h"

static const struct key32 root = { .b = { 1, 2, 3 } };

static struct record whole(void)
{
	struct record r = {
		.state = RECORD_WHOLE,
		.integrity = RECORD_HMAC,
		.generation = 0x0102030405060708,
		.owner = { .provider = RECORD_KMS, .key_epoch = 3 },
	};

	memset(r.seed, 0x11, sizeof(r.seed));
	memset(r.owner.app, 0x22, sizeof(r.owner.app));
	memset(r.owner.measurement, 0x44, sizeof(r.owner.measurement));
	record_instance(r.owner.instance, r.seed, r.owner.app);
	return r;
}

static struct record begun(void)
{
	struct record r = whole();

	r.state = RECORD_BEGUN;
	r.generation = 0;
	return r;
}

/* With the hash of this header. */
static void write_slot(uint8_t slot[RECORD_LEN], struct record *r, struct span header)
{
	struct record_keys keys;

	if (r->state == RECORD_WHOLE)
		sha256_of(&r->header_hash, header);
	record_keys_derive(&keys, &root, &r->owner);
	record_write(slot, r, &keys);
}

static uint8_t *new_header(void)
{
	uint8_t *header = mem_new(RECORD_HEADER_LEN);

	header[0] = 'L';
	header[RECORD_HEADER_LEN - 1] = 'K';
	return header;
}

static void assert_same(const struct record *a, const struct record *b)
{
	uint8_t x[RECORD_LEN], y[RECORD_LEN];
	struct record_keys keys = { 0 };

	record_write(x, a, &keys);
	record_write(y, b, &keys);
	assert_memory_equal(x, y, RECORD_LEN);
}

static void what_is_written_is_read(void **state)
{
	AUTO(mem_auto_free)
	uint8_t *header = new_header();
	uint8_t slot[RECORD_LEN];
	struct record in, out;

	(void)state;
	in = whole();
	write_slot(slot, &in, span_of(header, RECORD_HEADER_LEN));
	assert_int_equal(record_read(&out, SPAN_ARRAY(slot)), DISK_OK);
	assert_same(&in, &out);
	in = begun();
	write_slot(slot, &in, (struct span){ 0 });
	assert_int_equal(record_read(&out, SPAN_ARRAY(slot)), DISK_OK);
	assert_same(&in, &out);
}

/* The layout that docs/PROTOCOL.disk.md draws. */
static void fields_stand_where_the_protocol_has_them(void **state)
{
	AUTO(mem_auto_free)
	uint8_t *header = new_header();
	static const uint8_t layout[20] = { 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x08,
					    0x80, 0, 0, 0, 0, 0, 0, 0x10, 0, 0 };
	uint8_t slot[RECORD_LEN];
	struct record r = whole();
	struct sha256 hash;

	(void)state;
	write_slot(slot, &r, span_of(header, RECORD_HEADER_LEN));
	assert_memory_equal(slot, "PSTNDISK\1\2\2\1\0\0\0\3\1\2\3\4\5\6\7\10", 24);
	assert_memory_equal(slot + 24, r.seed, 32);
	assert_memory_equal(slot + 56, r.owner.app, 20);
	assert_memory_equal(slot + 76, r.owner.instance, 20);
	assert_memory_equal(slot + 96, r.owner.measurement, 32);
	assert_memory_equal(slot + 128, layout, 20);
	sha256_of(&hash, span_of(header, RECORD_HEADER_LEN));
	assert_memory_equal(slot + 148, hash.b, 32);
	assert_true(span_is_zero(span_of(slot + 212, RECORD_LEN - 212)));
}

static void refused_records(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t xor ;
		bool of_begun;
		enum disk_reason want;
	} table[] = {
		{ "magic", 0, 1, false, DISK_NOT_OURS },
		{ "magic_end", 7, 1, false, DISK_NOT_OURS },
		{ "version", 8, 3, false, DISK_VERSION },
		{ "provider_zero", 9, 2, false, DISK_VERSION },
		{ "provider_three", 9, 1, false, DISK_VERSION },
		{ "state_zero", 10, 2, false, DISK_MALFORMED },
		{ "state_three", 10, 1, false, DISK_MALFORMED },
		{ "whole_said_to_be_begun", 10, 3, false, DISK_MALFORMED },
		{ "begun_said_to_be_whole", 10, 3, true, DISK_MALFORMED },
		{ "integrity_two", 11, 3, false, DISK_MALFORMED },
		{ "begun_with_generation", 23, 1, true, DISK_MALFORMED },
		{ "header_elsewhere", 133, 2, false, DISK_MALFORMED },
		{ "header_longer", 137, 1, false, DISK_MALFORMED },
		{ "data_elsewhere", 145, 1, false, DISK_MALFORMED },
		{ "begun_with_hash", 148, 1, true, DISK_MALFORMED },
		{ "begun_with_mac", 211, 1, true, DISK_MALFORMED },
		{ "bytes_behind_it", 212, 1, false, DISK_MALFORMED },
		{ "byte_at_the_end", 4095, 1, false, DISK_MALFORMED },
		{ "byte_behind_a_begun_one", 4095, 1, true, DISK_MALFORMED },
	};
	AUTO(mem_auto_free)
	uint8_t *header = new_header();

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		struct record r = table[i].of_begun ? begun() : whole(), out = whole();
		uint8_t slot[RECORD_LEN];

		write_slot(slot, &r, span_of(header, RECORD_HEADER_LEN));
		slot[table[i].at] ^= table[i].xor ;
		out.generation = 99;
		if (record_read(&out, SPAN_ARRAY(slot)) != table[i].want || out.generation != 99)
			fail_msg("%s", table[i].name);
	}
}

static void every_prefix_is_refused(void **state)
{
	AUTO(mem_auto_free)
	uint8_t *header = new_header();
	uint8_t slot[RECORD_LEN];
	struct record r = whole(), out;

	(void)state;
	write_slot(slot, &r, span_of(header, RECORD_HEADER_LEN));
	for (size_t n = 0; n < RECORD_LEN; n += n < 256 ? 1 : 111) {
		AUTO(mem_auto_free)
		char *part = mem_dup_n(slot, n);

		assert_int_equal(record_read(&out, span_of(part, n)), DISK_TRUNCATED);
	}
}

/* Whatever is changed is noticed: by the grammar, by the MAC, by the header's hash. */
static void every_byte_is_authenticated(void **state)
{
	AUTO(mem_auto_free)
	uint8_t *header = new_header();
	struct span h = span_of(header, RECORD_HEADER_LEN);
	uint8_t slot[RECORD_LEN];
	struct record r = whole();
	struct record_keys keys, other;

	(void)state;
	write_slot(slot, &r, h);
	record_keys_derive(&keys, &root, &r.owner);
	assert_true(record_is_authentic(SPAN_ARRAY(slot), &keys, h));
	for (size_t i = 0; i < RECORD_LEN; i++) {
		slot[i] ^= 0x20;
		assert_false(record_is_authentic(SPAN_ARRAY(slot), &keys, h));
		slot[i] ^= 0x20;
	}
	for (size_t i = 0; i < RECORD_HEADER_LEN; i += i < 20000 ? 997 : 40009) {
		header[i] ^= 1;
		assert_false(record_is_authentic(SPAN_ARRAY(slot), &keys, h));
		header[i] ^= 1;
	}
	assert_false(record_is_authentic(SPAN_ARRAY(slot), &keys, span_of(header, h.n - 1)));
	other = keys;
	other.mac.b[31] ^= 1;
	assert_false(record_is_authentic(SPAN_ARRAY(slot), &other, h));
	assert_true(record_is_authentic(SPAN_ARRAY(slot), &keys, h));
}

static void a_begun_record_is_never_authentic(void **state)
{
	AUTO(mem_auto_free)
	uint8_t *header = new_header();
	uint8_t slot[RECORD_LEN];
	struct record r = begun();
	struct record_keys keys;

	(void)state;
	write_slot(slot, &r, (struct span){ 0 });
	record_keys_derive(&keys, &root, &r.owner);
	assert_false(record_is_authentic(SPAN_ARRAY(slot), &keys,
					 span_of(header, RECORD_HEADER_LEN)));
}

/* A record with another owner written into it has other keys, each of them. */
static void keys_follow_from_all_that_owns(void **state)
{
	struct record_owner owners[7];
	struct record_keys keys[7];
	struct key32 other = root;

	(void)state;
	for (size_t i = 0; i < 7; i++)
		owners[i] = whole().owner;
	owners[1].provider = RECORD_SIMULATOR;
	owners[2].key_epoch++;
	owners[3].app[19] ^= 1;
	owners[4].instance[0] ^= 1;
	owners[5].measurement[31] ^= 1;
	other.b[31] ^= 1;
	for (size_t i = 0; i < 7; i++)
		record_keys_derive(&keys[i], i == 6 ? &other : &root, &owners[i]);
	for (size_t i = 0; i < 7; i++) {
		assert_memory_not_equal(keys[i].mac.b, keys[i].luks.b, 32);
		for (size_t k = 0; k < i; k++) {
			assert_memory_not_equal(keys[i].mac.b, keys[k].mac.b, 32);
			assert_memory_not_equal(keys[i].luks.b, keys[k].luks.b, 32);
			assert_memory_not_equal(keys[i].fs, keys[k].fs, RECORD_UUID_LEN);
		}
	}
}

static void others_are_told_why(void **state)
{
	static const struct {
		const char *name;
		size_t at; /* in a record */
		enum disk_reason want;
	} table[] = {
		{ "same", RECORD_LEN, DISK_OK },
		{ "other_app", 60, DISK_OTHER_APP },
		{ "other_measurement", 100, DISK_OTHER_MEASUREMENT },
		{ "other_instance", 80, DISK_OTHER_INSTANCE },
		{ "seed_not_of_the_instance", 30, DISK_OTHER_INSTANCE },
	};
	AUTO(mem_auto_free)
	uint8_t *header = new_header();
	struct record_owner ours = whole().owner;
	uint8_t slot[RECORD_LEN + 1];
	struct record r = whole();

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		write_slot(slot, &r, span_of(header, RECORD_HEADER_LEN));
		slot[table[i].at] ^= 1;
		r = whole();
		assert_int_equal(record_read(&r, span_of(slot, RECORD_LEN)), DISK_OK);
		if (record_compare(&r, &ours) != table[i].want)
			fail_msg("%s", table[i].name);
		r = whole();
	}
	ours.provider = RECORD_SIMULATOR;
	assert_int_equal(record_compare(&r, &ours), DISK_OTHER_PROVIDER);
}

/* ---- two slots ---- */

enum content {
	ZERO,
	JUNK,
	BEGUN,
	OLD,
	NEW,
	OTHERS_NEW
};

static void fill(uint8_t *slot, enum content c)
{
	AUTO(mem_auto_free)
	uint8_t *header = new_header();
	struct record r = c == BEGUN ? begun() : whole();

	memset(slot, c == JUNK ? 0x5a : 0, RECORD_LEN);
	if (c == ZERO || c == JUNK)
		return;
	if (c != BEGUN)
		r.generation = c == OLD ? 7 : 8;
	if (c == OTHERS_NEW) {
		r.seed[0] ^= 1;
		record_instance(r.owner.instance, r.seed, r.owner.app);
	}
	write_slot(slot, &r, span_of(header, RECORD_HEADER_LEN));
}

static void of_two_slots_the_newest_comes_first(void **state)
{
	static const struct {
		const char *name;
		enum content slot[2];
		enum disk_reason want;
		size_t count;
		unsigned first; /* slot */
	} table[] = {
		{ "blank", { ZERO, ZERO }, DISK_OK, 0, 0 },
		{ "begun", { BEGUN, ZERO }, DISK_OK, 1, 0 },
		{ "made", { BEGUN, OLD }, DISK_OK, 2, 1 },
		{ "opened_once", { NEW, OLD }, DISK_OK, 2, 0 },
		{ "opened_twice", { OLD, NEW }, DISK_OK, 2, 1 },
		{ "torn", { JUNK, OLD }, DISK_OK, 1, 1 },
		{ "torn_other", { OLD, JUNK }, DISK_OK, 1, 0 },
		{ "other_disks_in_front", { OTHERS_NEW, OLD }, DISK_OK, 1, 0 },
		{ "none_of_ours", { JUNK, ZERO }, DISK_NOT_OURS, 0, 0 },
		{ "none_of_ours_behind", { ZERO, JUNK }, DISK_NOT_OURS, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		AUTO(mem_auto_free)
		uint8_t *slots = mem_new((size_t)2 * RECORD_LEN);
		struct record_found found[RECORD_SLOTS];
		enum disk_reason reason;
		size_t count = 99;

		fill(slots, table[i].slot[0]);
		fill(slots + RECORD_LEN, table[i].slot[1]);
		reason = record_choose(found, &count, span_of(slots, (size_t)2 * RECORD_LEN));
		if (reason != table[i].want || count != table[i].count ||
		    (count && found[0].slot != table[i].first))
			fail_msg("%s: %s, %zu, slot %u", table[i].name, disk_reason_name(reason),
				 count, found[0].slot);
	}
}

static void reasons_have_names(void **state)
{
	(void)state;
	for (int i = 0; i < DISK_REASON_COUNT; i++)
		assert_non_null(disk_reason_name((enum disk_reason)i));
	assert_string_equal(disk_reason_name(DISK_HEADER_NOT_AUTHENTIC), "header_not_authentic");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(fields_stand_where_the_protocol_has_them),
		cmocka_unit_test(refused_records),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(every_byte_is_authenticated),
		cmocka_unit_test(a_begun_record_is_never_authentic),
		cmocka_unit_test(keys_follow_from_all_that_owns),
		cmocka_unit_test(others_are_told_why),
		cmocka_unit_test(of_two_slots_the_newest_comes_first),
		cmocka_unit_test(reasons_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
