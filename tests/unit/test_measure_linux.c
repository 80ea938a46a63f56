/*
 * linux: Authenticode digests of images laid out here, one of them as another
 * program computes it; the fields QEMU writes; registers of a real quote from
 * its events' digests; what is refused.
 */
#include "unit.h"

#include <string.h>

#include "base/text.h"
#include "base/wr.h"
#include "measure/linux.h"

enum {
	IMAGE_LEN = 2048 + 5, /* two sections, then 5 bytes */
	AT_PE = 0x240,
	AT_OPTIONAL = AT_PE + 24,
	OPTIONAL_LEN = 240,
	AT_SECTIONS = AT_OPTIONAL + OPTIONAL_LEN,
	HEADERS_LEN = 1024,
	AT_CHECKSUM = AT_OPTIONAL + 64,
	AT_CERTIFICATES = AT_OPTIONAL + 144,
};

static void put(uint8_t *image, size_t at, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		image[at + i] = (uint8_t)(v >> (8 * i));
}

/* Sections stand in the table in the other order than in the file. */
static void make_image(uint8_t image[IMAGE_LEN])
{
	for (size_t i = 0; i < IMAGE_LEN; i++)
		image[i] = i < HEADERS_LEN ? 0 : (uint8_t)(i * 7);
	memcpy(image, "MZ", 2);
	put(image, 0x3c, AT_PE, 4);
	put(image, 0x202, 0x53726448, 4); /* HdrS */
	put(image, 0x206, 0x20f, 2);
	put(image, 0x211, 1, 1); /* loaded high */
	put(image, 0x22c, 0x7fffffff, 4);
	memcpy(image + AT_PE, "PE\0\0", 4);
	put(image, AT_PE + 4, 0x8664, 2);
	put(image, AT_PE + 6, 2, 2);
	put(image, AT_PE + 20, OPTIONAL_LEN, 2);
	put(image, AT_PE + 22, 0x206, 2);
	put(image, AT_OPTIONAL, 0x20b, 2);
	put(image, AT_OPTIONAL + 32, 4096, 4); /* section alignment */
	put(image, AT_OPTIONAL + 36, 512, 4); /* file alignment */
	put(image, AT_OPTIONAL + 56, 0x4000, 4); /* image size */
	put(image, AT_OPTIONAL + 60, HEADERS_LEN, 4);
	put(image, AT_CHECKSUM, 0x12345678, 4);
	put(image, AT_OPTIONAL + 68, 10, 2); /* EFI application */
	put(image, AT_OPTIONAL + 108, 16, 4);
	for (size_t i = 0; i < 2; i++) {
		size_t at = AT_SECTIONS + 40 * i;

		memcpy(image + at, i ? ".text" : ".data", 5);
		put(image, at + 8, 512, 4);
		put(image, at + 12, 0x1000 * (2 - i), 4);
		put(image, at + 16, 512, 4);
		put(image, at + 20, i ? 1024 : 1536, 4);
	}
}

/* The same by the definition: everything but two fields, padded to 8. */
static void hash_by_hand(struct sha384 *out, const uint8_t *image)
{
	static const uint8_t zeros[3];
	const struct span parts[] = {
		span_of(image, AT_CHECKSUM),
		span_of(image + AT_CHECKSUM + 4, AT_CERTIFICATES - AT_CHECKSUM - 4),
		span_of(image + AT_CERTIFICATES + 8, IMAGE_LEN - AT_CERTIFICATES - 8),
		SPAN_ARRAY(zeros),
	};

	sha384_parts(out, parts, 4);
}

/* osslsigncode 2.9 on the same bytes */
#define ANOTHER \
	"2e75471f220d01078e458920f21e808c56b09f126464234c5e22da8d7b40af32" \
	"540973d83a30bf013d5a6ddb8cf7f7bf"

static void digest_as_another_program_computes_it(void **state)
{
	uint8_t image[IMAGE_LEN];
	struct sha384 got, want;
	char hex[97] = { 0 };
	struct wr w = wr_over(hex, 96);

	(void)state;
	make_image(image);
	assert_int_equal(linux_authenticode(&got, SPAN_ARRAY(image)), RC_OK);
	hash_by_hand(&want, image);
	assert_memory_equal(got.b, want.b, 48);
	text_hex(&w, SPAN_ARRAY(got.b));
	assert_string_equal(hex, ANOTHER);
}

/* clang-format off */
static const struct {
	const char *name;
	size_t at;
	uint64_t value;
	size_t n;
	enum rc want;
} images[] = {
	{ "unchanged_measured", 0, 'M', 1, RC_OK },
	{ "header_beyond_image_malformed", 0x3c, IMAGE_LEN - 3, 4, RC_MALFORMED },
	{ "header_far_beyond_image_malformed", 0x3c, 0xffffffff, 4, RC_MALFORMED },
	{ "no_pe_signature_malformed", AT_PE, 0, 1, RC_MALFORMED },
	{ "pe32_malformed", AT_OPTIONAL, 0x10b, 2, RC_MALFORMED },
	{ "short_optional_header_malformed", AT_PE + 20, 151, 2, RC_MALFORMED },
	{ "no_certificate_directory_malformed", AT_OPTIONAL + 108, 4, 4, RC_MALFORMED },
	{ "headers_beyond_image_malformed", AT_OPTIONAL + 60, IMAGE_LEN + 1, 4, RC_MALFORMED },
	{ "headers_end_in_directories_malformed", AT_OPTIONAL + 60, AT_CERTIFICATES, 4, RC_MALFORMED },
	{ "headers_over_a_section_malformed", AT_OPTIONAL + 60, 1025, 4, RC_MALFORMED },
	{ "97_sections_unsupported", AT_PE + 6, 97, 2, RC_UNSUPPORTED },
	{ "sections_that_overlap_malformed", AT_SECTIONS + 20, 1535, 4, RC_MALFORMED },
	{ "section_beyond_image_malformed", AT_SECTIONS + 16, 1024, 4, RC_MALFORMED },
	{ "section_without_bytes_measured", AT_SECTIONS + 16, 0, 4, RC_OK },
	{ "certificates_longer_than_image_malformed", AT_CERTIFICATES + 4, 4096, 4, RC_MALFORMED },
	{ "certificates_over_a_section_malformed", AT_CERTIFICATES + 4, 6, 4, RC_MALFORMED },
	{ "certificates_after_sections_measured", AT_CERTIFICATES + 4, 5, 4, RC_OK },
};
/* clang-format on */

static void images_measured_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(images) / sizeof(images[0]); i++) {
		uint8_t image[IMAGE_LEN];
		struct sha384 got = { { 9 } }, before = got;
		enum rc rc;

		print_message("%s\n", images[i].name);
		make_image(image);
		put(image, images[i].at, images[i].value, images[i].n);
		rc = linux_authenticode(&got, SPAN_ARRAY(image));
		assert_int_equal(rc, images[i].want);
		assert_int_equal(memcmp(&got, &before, sizeof(got)) == 0, rc != RC_OK);
	}
}

enum {
	MIB = 1024 * 1024,
};

/* clang-format off */
static const struct {
	const char *name;
	uint64_t memory;
	size_t initrd_len;
	uint16_t protocol, xload_flags;
	uint8_t load_flags;
	uint32_t initrd_max;
	enum rc want;
	uint32_t address; /* of the initrd */
} boots[] = {
	{ "2_gib", 2048ull * MIB, 5000, 0x20f, 2, 1, 0x7fffffff, RC_OK, 0x7ffd6000 },
	{ "64_gib_as_2_gib", 65536ull * MIB, 5000, 0x20f, 2, 1, 0x7fffffff, RC_OK, 0x7ffd6000 },
	{ "2_75_gib_as_2_gib", 0xb0000000, 5000, 0x20f, 2, 1, 0x7fffffff, RC_OK, 0x7ffd6000 },
	{ "less_than_2_75_gib_is_all_low", 0xaffff000, 5000, 0x20f, 2, 1, 0, RC_OK, 0xaffd5000 },
	{ "kernels_own_limit", 65536ull * MIB, 4096, 0x20f, 0, 1, 0x37ffffff, RC_OK, 0x37ffe000 },
	{ "old_protocol_has_no_flags", 65536ull * MIB, 4096, 0x20b, 2, 1, 0x37ffffff, RC_OK, 0x37ffe000 },
	{ "no_initrd_no_address", 2048ull * MIB, 0, 0x20f, 2, 1, 0x7fffffff, RC_OK, 0 },
	{ "protocol_2_02_unsupported", 2048ull * MIB, 1, 0x202, 2, 1, 0x7fffffff, RC_UNSUPPORTED, 0 },
	{ "zimage_unsupported", 2048ull * MIB, 1, 0x20f, 2, 0, 0x7fffffff, RC_UNSUPPORTED, 0 },
	{ "no_memory_is_a_limit", 0x28000, 1, 0x20f, 2, 1, 0x7fffffff, RC_LIMIT, 0 },
	{ "initrd_over_memory_is_a_limit", 0x28000 + 4096, 4096, 0x20f, 2, 1, 0x7fffffff, RC_LIMIT, 0 },
};
/* clang-format on */

static void kernel_measured_as_qemu_patches_it(void **state)
{
	static const uint8_t initrd[5000];

	(void)state;
	for (size_t i = 0; i < sizeof(boots) / sizeof(boots[0]); i++) {
		uint8_t image[IMAGE_LEN] = { 0 };
		struct sha384 got, want;
		struct linux_boot b = {
			.kernel = SPAN_ARRAY(image),
			.initrd = span_of(initrd, boots[i].initrd_len),
			.memory = boots[i].memory,
		};

		print_message("%s\n", boots[i].name);
		make_image(image);
		put(image, 0x206, boots[i].protocol, 2);
		put(image, 0x211, boots[i].load_flags, 1);
		put(image, 0x22c, boots[i].initrd_max, 4);
		put(image, 0x236, boots[i].xload_flags, 2);
		assert_int_equal(linux_kernel(&got, &b), boots[i].want);
		if (boots[i].want)
			continue;
		put(image, 0x210, 0x81b0, 2);
		put(image, 0x218, boots[i].address, 4);
		put(image, 0x21c, boots[i].initrd_len, 4);
		put(image, 0x224, 0xfe00, 4);
		put(image, 0x228, 0x20000, 4);
		hash_by_hand(&want, image);
		assert_memory_equal(got.b, want.b, 48);
	}
}

static void no_kernel_malformed(void **state)
{
	uint8_t image[IMAGE_LEN] = { 0 };
	struct linux_boot b = { .kernel = SPAN_ARRAY(image), .memory = 2048ull * MIB };
	struct sha384 got;

	(void)state;
	make_image(image);
	image[0x202] = 'h';
	assert_int_equal(linux_kernel(&got, &b), RC_MALFORMED);
	make_image(image);
	for (size_t n = 0; n < HEADERS_LEN; n++) {
		b.kernel.n = n;
		assert_int_equal(linux_kernel(&got, &b), RC_MALFORMED);
	}
}

/* tests/vectors/tdx/dstack: the kernel's event leads to the quote's RTMR1. */
static void rtmr1_of_a_real_quote(void **state)
{
	struct bootlog log = { 0 };
	struct sha384 kernel, got;
	uint8_t want[48];

	(void)state;
	assert_true(text_hex_decode(
		kernel.b, 48,
		span_str("0761fbfa317a42d8edbe9e404178d102adc059cface98c5e07d1d535371c145c"
			 "3497fd2a19b8398568b8c8a6f95e0a86")));
	assert_true(text_hex_decode(
		want, 48,
		span_str("a1b79d76021970f57c45c4a7c395f780bab37011a4df27fe44e8559bd1abb4d6"
			 "e52f12f866d1d08405448eb797a5970f")));
	linux_rtmr1_events(&log, &kernel, true);
	bootlog_replay(&got, &log, 1);
	assert_memory_equal(got.b, want, 48);
}

static void rtmr2_of_command_line_and_initrd(void **state)
{
	static const uint8_t zero[48];
	static const char wide[] = "a\0 \0i\0n\0i\0t\0r\0d\0=\0i\0n\0i\0t\0r\0d\0\0";
	struct linux_boot b = { .initrd = span_str("initrd"), .cmdline = span_str("a") };
	struct bootlog log = { 0 };
	struct sha384 d, v, got;
	struct span first[] = { SPAN_ARRAY(zero), SPAN_ARRAY(d.b) };
	struct span second[] = { SPAN_ARRAY(v.b), SPAN_ARRAY(d.b) };

	(void)state;
	sha384_of(&d, span_of(wide, sizeof(wide)));
	sha384_parts(&v, first, 2);
	sha384_of(&d, b.initrd);
	sha384_parts(&v, second, 2);
	assert_int_equal(linux_rtmr2_events(&log, &b), RC_OK);
	bootlog_replay(&got, &log, 2);
	assert_memory_equal(got.b, v.b, 48);
	b.cmdline = span_str("caf\xc3\xa9");
	assert_int_equal(linux_rtmr2_events(&log, &b), RC_UNSUPPORTED);
	b.cmdline = span_str("a");
	b.initrd.n = 0;
	assert_int_equal(linux_rtmr2_events(&log, &b), RC_UNSUPPORTED);
	assert_int_equal(log.count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digest_as_another_program_computes_it),
		cmocka_unit_test(images_measured_or_refused),
		cmocka_unit_test(kernel_measured_as_qemu_patches_it),
		cmocka_unit_test(no_kernel_malformed),
		cmocka_unit_test(rtmr1_of_a_real_quote),
		cmocka_unit_test(rtmr2_of_command_line_and_initrd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
