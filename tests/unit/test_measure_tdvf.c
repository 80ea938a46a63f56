/*
 * tdvf: Debian's OVMF read; images laid out here, with one field wrong each;
 * MRTD against its definition written out; hand-off blocks of real guests.
 */
#include "unit.h"

#include "base/text.h"
#include "measure/tdvf.h"
#include "tdvf_image.h"
#include "vectors.h"

#define OVMF "/usr/share/ovmf/OVMF.fd"
#define OVMF_PARTS "/usr/share/OVMF/"

static struct span join(struct span a, struct span b)
{
	uint8_t *p = mem_new(a.n + b.n);

	memcpy(p, a.p, a.n);
	memcpy(p + a.n, b.p, b.n);
	return span_of(p, a.n + b.n);
}

static void assert_digest(const struct sha384 *got, const char *want)
{
	char hex[97] = { 0 };
	struct wr w = wr_over(hex, 96);

	text_hex(&w, SPAN_ARRAY(got->b));
	assert_string_equal(hex, want);
}

static void put_gpa(uint8_t *block, uint64_t gpa)
{
	for (size_t i = 0; i < 8; i++)
		block[16 + i] = (uint8_t)(gpa >> (8 * i));
}

/* The chapter of the module's specification once more: one buffer, no stream. */
static void mrtd_by_hand(struct sha384 *out, const struct tdvf *t, bool two_pass)
{
	uint8_t *all = mem_new(16 * 1024 * 1024), *p = all;

	for (size_t i = 0; i < t->count; i++) {
		const struct tdvf_section *s = &t->section[i];
		size_t pages = s->memory_len / 4096;

		for (size_t step = 0; step < (two_pass ? 2 * pages : pages); step++) {
			size_t page = step % pages;
			bool adds = step < pages, extends = !two_pass || step >= pages;

			if (adds) {
				memcpy(p, "MEM.PAGE.ADD", 12);
				put_gpa(p, s->address + page * 4096);
				p += 128;
			}
			for (size_t c = 0; extends && s->is_measured && c < 16; c++) {
				uint64_t at = page * 4096 + c * 256;

				memcpy(p, "MR.EXTEND", 9);
				put_gpa(p, s->address + at);
				memcpy(p + 128, s->data.p + at, 256);
				p += 128 + 256;
			}
		}
	}
	sha384_of(out, span_of(all, (size_t)(p - all)));
	free(all);
}

static void debians_ovmf_read(void **state)
{
	static const struct {
		enum tdvf_type type;
		uint64_t address, memory_len;
		bool is_measured;
	} want[] = {
		{ TDVF_CODE, 0xffe20000, 0x1e0000, true },
		{ TDVF_VARIABLES, 0xffe00000, 0x20000, false },
		{ TDVF_MEMORY, 0x810000, 0x10000, false },
		{ TDVF_MEMORY, 0x80b000, 0x2000, false },
		{ TDVF_HOB, 0x809000, 0x2000, false },
		{ TDVF_MEMORY, 0x800000, 0x6000, false },
	};
	struct span image = vector_load(OVMF), code = vector_load(OVMF_PARTS "OVMF_CODE.fd");
	struct span store = vector_load(OVMF_PARTS "OVMF_VARS.fd");
	struct sha384 got, by_hand;
	struct tdvf t;

	(void)state;
	assert_int_equal(tdvf_read(&t, image), RC_OK);
	assert_int_equal(t.count, 6);
	for (size_t i = 0; i < t.count; i++) {
		assert_int_equal(t.section[i].type, want[i].type);
		assert_int_equal(t.section[i].address, want[i].address);
		assert_int_equal(t.section[i].memory_len, want[i].memory_len);
		assert_int_equal(t.section[i].is_measured, want[i].is_measured);
	}
	assert_true(span_equal(t.section[t.variables].data, store));
	assert_true(tdvf_is_store_empty(&t));
	for (int order = TDVF_PAGE_BY_PAGE; order <= TDVF_TWO_PASS; order++) {
		tdvf_mrtd(&got, &t, (enum tdvf_order)order);
		mrtd_by_hand(&by_hand, &t, order == TDVF_TWO_PASS);
		assert_memory_equal(got.b, by_hand.b, 48);
	}
	/* its metadata speak of the whole image */
	assert_int_equal(tdvf_read(&t, code), RC_MALFORMED);
	vector_free(image);
	vector_free(code);
	vector_free(store);
}

static void store_with_keys_is_not_empty(void **state)
{
	struct span code = vector_load(OVMF_PARTS "OVMF_CODE.fd");
	struct span store = vector_load(OVMF_PARTS "OVMF_VARS.ms.fd");
	struct span image = join(store, code);
	struct tdvf t;

	(void)state;
	assert_int_equal(tdvf_read(&t, image), RC_OK);
	assert_false(tdvf_is_store_empty(&t));
	vector_free(image);
	vector_free(code);
	vector_free(store);
}

/* OVMF's store of 4 MiB images is the one that the logs of real guests have. */
static void store_of_real_guests(void **state)
{
	struct span store = vector_load(OVMF_PARTS "OVMF_VARS_4M.fd");
	struct image image = image_make(store);
	struct sha384 got;
	struct tdvf t;

	(void)state;
	assert_int_equal(tdvf_read(&t, image_span(&image)), RC_OK);
	tdvf_variables(&got, &t);
	assert_digest(&got, "344bc51c980ba621aaa00da3ed7436f7d6e549197dfe699515dfa2c6583d95e6"
			    "412af21c097d473155875ffd561d6790");
	assert_true(tdvf_is_store_empty(&t));
	free(image.p);
	vector_free(store);
}

static void empty_store_byte_by_byte(void **state)
{
	uint8_t store[IMAGE_PAGE];
	struct image image;
	struct tdvf t;

	(void)state;
	image_empty_store(store);
	image = image_make(SPAN_ARRAY(store));
	assert_int_equal(tdvf_read(&t, image_span(&image)), RC_OK);
	assert_true(tdvf_is_store_empty(&t));
	for (size_t i = 0; i < IMAGE_PAGE; i++) {
		/* what of the two headers a reader need not look at; bytes
		 * after the store, which is 0xfb8 long */
		bool is_free = i < 40 || (i > 43 && i < 48) || (i > 49 && i < 72) ||
			       (i > 93 && i < 100) || i >= 72 + 0xfb8;

		image.p[i] ^= 0x80;
		/* another length leaves a store that is empty, or none */
		if (i < 88 || i > 91)
			assert_int_equal(tdvf_is_store_empty(&t), is_free);
		image.p[i] ^= 0x80;
	}
	image_put(&image, image.n - 88, IMAGE_PAGE - 72 + 1, 4);
	assert_false(tdvf_is_store_empty(&t));
	free(image.p);
}

/* The digests of real logs; which memory they had, their quote's vm_config says
 * (64 GiB) or this test (2 GiB). */
static void handoff_blocks_of_real_guests(void **state)
{
	struct span image = vector_load(OVMF);
	struct sha384 got;
	struct tdvf t;

	(void)state;
	assert_int_equal(tdvf_read(&t, image), RC_OK);
	assert_int_equal(tdvf_hob(&got, &t, UINT64_C(64) << 30), RC_OK);
	assert_digest(&got, "8ae1e425351df7992c444586eff99d35af3b779aa2b0e981cb4b73bc5b279f2a"
			    "de19b6a62a203fc3c3bbdaae80af596d");
	assert_int_equal(tdvf_hob(&got, &t, UINT64_C(2) << 30), RC_OK);
	assert_digest(&got, "0b8772e5b0b41b83e6044a68397e02f49fb47066b4fbe4917ea2c45c64f323fd"
			    "acbb37948f821ebaf8bc9c938ba8a749");
	vector_free(image);
}

static void handoff_blocks_need_their_memory(void **state)
{
	uint8_t store[IMAGE_PAGE];
	struct sha384 got = { { 9 } }, before = got, other;
	struct image image;
	struct tdvf t;

	(void)state;
	image_empty_store(store);
	image = image_make(SPAN_ARRAY(store));
	assert_int_equal(tdvf_read(&t, image_span(&image)), RC_OK);
	assert_int_equal(tdvf_hob(&got, &t, 0x820000 - 1), RC_LIMIT);
	assert_memory_equal(got.b, before.b, 48);
	assert_int_equal(tdvf_hob(&got, &t, 0x820000), RC_OK); /* nothing above */
	/* 2.75 GiB is where the memory is split */
	assert_int_equal(tdvf_hob(&got, &t, 0xb0000000), RC_OK);
	assert_int_equal(tdvf_hob(&other, &t, 0xb0000000 - IMAGE_PAGE), RC_OK);
	assert_memory_not_equal(got.b, other.b, 48);
	/* the blocks of this image take 56 + 9 * 48 + 8 bytes */
	t.section[t.hob].memory_len = 496;
	t.section[t.hob].address += 0x2000 - 496;
	assert_int_equal(tdvf_hob(&got, &t, UINT64_C(64) << 30), RC_OK);
	t.section[t.hob].memory_len--;
	assert_int_equal(tdvf_hob(&got, &t, UINT64_C(64) << 30), RC_LIMIT);
	free(image.p);
}

/* clang-format off */
static const struct {
	const char *name;
	size_t from_end;
	uint64_t value;
	size_t n;
	enum rc want;
} images[] = {
	{ "unchanged_read", IMAGE_DESCRIPTOR, 'T', 1, RC_OK },
	{ "no_table_malformed", 32 + 1, 0, 1, RC_MALFORMED },
	{ "table_shorter_than_its_entry_malformed", 32 + 18, 17, 2, RC_MALFORMED },
	{ "table_without_entries_malformed", 32 + 18, 18, 2, RC_MALFORMED },
	{ "table_cuts_an_entry_malformed", 32 + 18, 18 + 21, 2, RC_MALFORMED },
	{ "table_with_a_byte_more_malformed", 32 + 18, 18 + 23, 2, RC_MALFORMED },
	{ "table_longer_than_image_malformed", 32 + 18, 0xffff, 2, RC_MALFORMED },
	{ "entry_shorter_than_its_end_malformed", IMAGE_TABLE - 4, 17, 2, RC_MALFORMED },
	{ "entry_longer_than_table_malformed", IMAGE_TABLE - 4, 23, 2, RC_MALFORMED },
	{ "entry_of_another_guid_only_malformed", IMAGE_TABLE - 6, 0, 1, RC_MALFORMED },
	{ "descriptor_before_image_malformed", IMAGE_TABLE, 3 * 4096 + 1, 4, RC_MALFORMED },
	{ "descriptor_at_end_malformed", IMAGE_TABLE, 0, 4, RC_MALFORMED },
	{ "descriptor_cut_malformed", IMAGE_TABLE, 15, 4, RC_MALFORMED },
	{ "descriptor_elsewhere_malformed", IMAGE_TABLE, IMAGE_DESCRIPTOR + 4, 4, RC_MALFORMED },
	{ "no_signature_malformed", IMAGE_DESCRIPTOR, 't', 1, RC_MALFORMED },
	{ "length_of_a_section_less_malformed", IMAGE_DESCRIPTOR - 4, 16 + 32 * 5, 4, RC_MALFORMED },
	{ "version_2_unsupported", IMAGE_DESCRIPTOR - 8, 2, 4, RC_UNSUPPORTED },
	{ "count_differs_from_length_malformed", IMAGE_DESCRIPTOR - 12, 5, 4, RC_MALFORMED },
	{ "33_sections_a_limit", IMAGE_DESCRIPTOR - 12, 33, 4, RC_LIMIT },
	{ "code_beyond_image_malformed", IMAGE_SECTION(0, 0), 4097, 4, RC_MALFORMED },
	{ "code_far_beyond_image_malformed", IMAGE_SECTION(0, 0), 0xfffff000, 4, RC_MALFORMED },
	{ "code_over_variables_malformed", IMAGE_SECTION(0, 0), 4095, 4, RC_MALFORMED },
	{ "code_shorter_than_memory_malformed", IMAGE_SECTION(0, 4), 4096, 4, RC_MALFORMED },
	{ "code_longer_than_memory_malformed", IMAGE_SECTION(0, 16), 4096, 8, RC_MALFORMED },
	{ "code_at_no_page_malformed", IMAGE_SECTION(0, 8), 0x100000001, 8, RC_MALFORMED },
	{ "code_at_no_address_malformed", IMAGE_SECTION(0, 8), UINT64_MAX - 4095, 8, RC_MALFORMED },
	{ "code_over_memory_malformed", IMAGE_SECTION(0, 8), 0x80a000, 8, RC_MALFORMED },
	{ "code_not_measured_malformed", IMAGE_SECTION(0, 28), 0, 4, RC_MALFORMED },
	{ "code_added_later_unsupported", IMAGE_SECTION(0, 28), 3, 4, RC_UNSUPPORTED },
	{ "unknown_attribute_unsupported", IMAGE_SECTION(0, 28), 5, 4, RC_UNSUPPORTED },
	{ "no_code_malformed", IMAGE_SECTION(0, 24), 1, 4, RC_MALFORMED },
	{ "permanent_memory_unsupported", IMAGE_SECTION(2, 24), 4, 4, RC_UNSUPPORTED },
	{ "payload_unsupported", IMAGE_SECTION(2, 24), 5, 4, RC_UNSUPPORTED },
	{ "measured_variables_read", IMAGE_SECTION(1, 28), 1, 4, RC_OK },
	{ "no_variables_malformed", IMAGE_SECTION(1, 24), 0, 4, RC_MALFORMED },
	{ "memory_with_content_malformed", IMAGE_SECTION(2, 4), 4096, 4, RC_MALFORMED },
	{ "memory_with_an_offset_malformed", IMAGE_SECTION(2, 0), 4096, 4, RC_MALFORMED },
	{ "measured_memory_malformed", IMAGE_SECTION(2, 28), 1, 4, RC_MALFORMED },
	{ "no_memory_malformed", IMAGE_SECTION(2, 16), 0, 8, RC_MALFORMED },
	{ "half_a_page_malformed", IMAGE_SECTION(2, 16), 2048, 8, RC_MALFORMED },
	{ "memory_over_memory_malformed", IMAGE_SECTION(3, 16), 0x6000, 8, RC_MALFORMED },
	{ "more_memory_than_256_mib_a_limit", IMAGE_SECTION(2, 16), 0x10001000, 8, RC_LIMIT },
	{ "256_mib_with_others_a_limit", IMAGE_SECTION(2, 16), 0x10000000, 8, RC_LIMIT },
	{ "two_hob_sections_malformed", IMAGE_SECTION(3, 24), 2, 4, RC_MALFORMED },
	{ "no_hob_section_malformed", IMAGE_SECTION(4, 24), 3, 4, RC_MALFORMED },
};
/* clang-format on */

static void images_read_or_refused(void **state)
{
	uint8_t store[IMAGE_PAGE];

	(void)state;
	image_empty_store(store);
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		struct image image = image_make(SPAN_ARRAY(store));
		struct tdvf t, before;
		enum rc rc;

		print_message("%s\n", images[i].name);
		memset(&t, 0x5a, sizeof(t));
		before = t;
		image_put(&image, images[i].from_end, images[i].value, images[i].n);
		rc = tdvf_read(&t, image_span(&image));
		assert_int_equal(rc, images[i].want);
		assert_int_equal(memcmp(&t, &before, sizeof(t)) == 0, rc != RC_OK);
		free(image.p);
	}
}

/* A second entry that says where the metadata are: two readings. */
static void two_tdx_entries_malformed(void **state)
{
	uint8_t store[IMAGE_PAGE];
	struct image image;
	struct tdvf t;

	(void)state;
	image_empty_store(store);
	image = image_make(SPAN_ARRAY(store));
	memcpy(image.p + image.n - IMAGE_TABLE - 22, image.p + image.n - IMAGE_TABLE, 22);
	assert_int_equal(tdvf_read(&t, image_span(&image)), RC_OK);
	image_put(&image, 32 + 18, 22 + 22 + 18, 2);
	assert_int_equal(tdvf_read(&t, image_span(&image)), RC_MALFORMED);
	free(image.p);
}

/* Each in an allocation of its own: what is read beyond is seen. */
static void cut_images_malformed(void **state)
{
	uint8_t store[IMAGE_PAGE];
	struct image image;
	struct tdvf t;

	(void)state;
	image_empty_store(store);
	image = image_make(SPAN_ARRAY(store));
	for (size_t n = 0; n < image.n; n += n < 2048 || n > image.n - 2048 ? 1 : 61) {
		uint8_t *front = vector_copy(span_of(image.p, n));
		uint8_t *back = vector_copy(span_of(image.p + image.n - n, n));

		assert_int_equal(tdvf_read(&t, span_of(front, n)), RC_MALFORMED);
		assert_int_equal(tdvf_read(&t, span_of(back, n)), RC_MALFORMED);
		free(front);
		free(back);
	}
	free(image.p);
}

static void image_over_64_mib_a_limit(void **state)
{
	struct span huge = span_of(mem_new(TDVF_IMAGE_MAX + 1), TDVF_IMAGE_MAX + 1);
	struct tdvf t;

	(void)state;
	assert_int_equal(tdvf_read(&t, huge), RC_LIMIT);
	vector_free(huge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(debians_ovmf_read),
		cmocka_unit_test(store_with_keys_is_not_empty),
		cmocka_unit_test(store_of_real_guests),
		cmocka_unit_test(empty_store_byte_by_byte),
		cmocka_unit_test(handoff_blocks_of_real_guests),
		cmocka_unit_test(handoff_blocks_need_their_memory),
		cmocka_unit_test(images_read_or_refused),
		cmocka_unit_test(two_tdx_entries_malformed),
		cmocka_unit_test(cut_images_malformed),
		cmocka_unit_test(image_over_64_mib_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
