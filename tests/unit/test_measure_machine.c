/*
 * machine: where the memory of QEMU's q35 machine is split.
 */
#include "unit.h"

#include "measure/machine.h"

static void low_memory(void **state)
{
	static const struct {
		const char *name;
		uint64_t memory, low;
	} cases[] = {
		{ "1_mib_is_low", 1 << 20, 1 << 20 },
		{ "below_2_75_gib_is_low", 0xb0000000 - 1, 0xb0000000 - 1 },
		{ "2_75_gib_is_split", 0xb0000000, 0x80000000 },
		{ "64_gib_is_split", UINT64_C(64) << 30, 0x80000000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].name);
		assert_int_equal(machine_low_memory(cases[i].memory), cases[i].low);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(low_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
