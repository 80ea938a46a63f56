/*
 * efi: an empty variable and a load option, byte by byte as a real log
 * (tests/vectors/tdx/eventlog/ccel_ovmf.bin) has them.
 */
#include "unit.h"

#include <string.h>

#include "base/text.h"
#include "measure/efi.h"

static const struct efi_guid global = { { 0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11,
					  0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c } };

static void empty_variable_is_guid_lengths_and_name(void **state)
{
	uint8_t event[64];
	struct sha384 got, want;
	size_t n;

	(void)state;
	assert_true(text_hex_decode_any(
		event, sizeof(event), &n,
		span_str("61dfe48bca93d211aa0d00e098032b8c0a000000000000000000000000000000"
			 "53006500630075007200650042006f006f007400")));
	sha384_of(&want, span_of(event, n));
	efi_empty_variable(&got, &global, "SecureBoot");
	assert_memory_equal(got.b, want.b, 48);
	efi_empty_variable(&got, &global, "SecureBoo");
	assert_memory_not_equal(got.b, want.b, 48);
}

static void load_option_of_a_real_log(void **state)
{
	struct efi_guid volume, file;
	uint8_t want[62], got[EFI_LOAD_OPTION_MAX], small[61];
	struct wr w = WR_ARRAY(got), over = WR_ARRAY(small);

	(void)state;
	assert_true(text_hex_decode(volume.b, sizeof(volume.b),
				    span_str("c9bdb87cebf8344faaea3ee4af6516a1")));
	assert_true(text_hex_decode(file.b, sizeof(file.b),
				    span_str("21aa2c4614760345836e8ab6f4662331")));
	assert_true(text_hex_decode(
		want, sizeof(want),
		span_str("090100002c0055006900410070007000000004071400c9bdb87cebf8344faaea3ee4"
			 "af6516a10406140021aa2c4614760345836e8ab6f46623317fff0400")));
	efi_load_option(&w, 0x109, "UiApp", &volume, &file);
	assert_true(span_equal(wr_span(&w), SPAN_ARRAY(want)));
	efi_load_option(&over, 0x109, "UiApp", &volume, &file);
	assert_true(over.over);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_variable_is_guid_lengths_and_name),
		cmocka_unit_test(load_option_of_a_real_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
