/*
 * machine: how QEMU's q35 machine lays its memory around the hole below 4 GiB.
 *
 * From 2.75 GiB on 2 GiB of it lie below; with less, all of it does.
 *
 * Source: QEMU hw/i386/pc_q35.c, pc_q35_init.
 */
#ifndef POSTERN_MEASURE_MACHINE_H
#define POSTERN_MEASURE_MACHINE_H

#include <stdint.h>

/* Where memory goes on that does not fit below the hole. */
#define MACHINE_HIGH_MEMORY (UINT64_C(1) << 32)

/* How much of 'memory' bytes lies below it. */
uint64_t machine_low_memory(uint64_t memory);

#endif
