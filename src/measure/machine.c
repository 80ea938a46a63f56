#include "measure/machine.h"

static const uint64_t SPLIT_FROM = 0xb0000000;
static const uint64_t LOW_WHEN_SPLIT = 0x80000000;

uint64_t machine_low_memory(uint64_t memory)
{
	return memory < SPLIT_FROM ? memory : LOW_WHEN_SPLIT;
}
