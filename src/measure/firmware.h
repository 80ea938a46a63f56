/*
 * firmware: the events that OVMF measures into RTMR0 when QEMU boots a kernel
 * directly, for those of its versions whose order is known.
 *
 *   "ovmf"            OVMF before 2025.05: 13 events, and the separator of
 *                     the boot attempt is in RTMR1
 *   "ovmf-separator0" earlier OVMF, which has that separator here: 14 events
 *   "ovmf-202505"     OVMF 2025.05: 17 events
 *
 * What the machine's ACPI tables hash to cannot be known from the firmware
 * (QEMU makes them of all its devices), so it is given; and so is, of
 * ovmf-202505, the digest of its EV_EFI_VARIABLE_AUTHORITY event.
 *
 * Confirmed by real logs (tests/vectors/tdx), each event and the register:
 * "ovmf" by an Intel-signed quote and its log, "ovmf-separator0" by a log.
 * "ovmf-202505" is not: its order is from dstack's verifier, its three boot
 * variables are those of a log of edk2 2025.08 outside of TDX.
 *
 * Source: EDK II OvmfPkg/Tcg/TdTcg2Dxe, OvmfPkg/IntelTdx/TdxHelperLib,
 * MdeModulePkg (GUIDs of its applications); dstack, dstack-mr.
 */
#ifndef POSTERN_MEASURE_FIRMWARE_H
#define POSTERN_MEASURE_FIRMWARE_H

#include "measure/bootlog.h"
#include "measure/tdvf.h"

enum firmware_layout {
	FIRMWARE_OVMF,
	FIRMWARE_OVMF_SEPARATOR0,
	FIRMWARE_OVMF_202505,
	FIRMWARE_LAYOUT_COUNT,
};

const char *firmware_layout_name(enum firmware_layout layout);
/* False, *out untouched: no layout has that name. */
bool firmware_layout_find(enum firmware_layout *out, const char *name);

/* Whether the separator of the boot attempt is one of RTMR1's events. */
bool firmware_separates_rtmr1(enum firmware_layout layout);

/* Digests that are not computed here. */
enum firmware_input {
	FIRMWARE_ACPI_LOADER, /* fw_cfg etc/table-loader */
	FIRMWARE_ACPI_RSDP, /* etc/acpi/rsdp */
	FIRMWARE_ACPI_TABLES, /* etc/acpi/tables */
	FIRMWARE_AUTHORITY,
	FIRMWARE_INPUT_COUNT,
};

/* Whether a layout has an event of that input. */
bool firmware_needs(enum firmware_layout layout, enum firmware_input input);

struct firmware_boot {
	enum firmware_layout layout;
	const struct tdvf *image;
	uint64_t memory; /* bytes */
	/* those that the layout needs; the others are not looked at */
	const struct sha384 *input[FIRMWARE_INPUT_COUNT];
};

/*
 * Appends RTMR0's events.
 *
 * RC_DENIED       an input that the layout needs is NULL
 * RC_LIMIT        as tdvf_hob()
 * RC_UNSUPPORTED  the variable store is not an empty one: what is in it would
 *                 be measured variable by variable
 * On failure *log is untouched.
 */
enum rc firmware_events(struct bootlog *log, const struct firmware_boot *b);

#endif
