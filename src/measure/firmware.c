#include "measure/firmware.h"

#include <string.h>

#include "measure/efi.h"

enum step {
	STEP_END,
	STEP_HOB,
	STEP_VARIABLES,
	STEP_BOOT_MENU,
	STEP_BOOT_DEVICES,
	STEP_SECURE_BOOT,
	STEP_PK,
	STEP_KEK,
	STEP_DB,
	STEP_DBX,
	STEP_SEPARATOR,
	STEP_ACPI_LOADER,
	STEP_ACPI_RSDP,
	STEP_ACPI_TABLES,
	STEP_AUTHORITY,
	STEP_BOOT_ORDER_1,
	STEP_BOOT_ORDER_2,
	STEP_UI,
	STEP_BOOT_MANAGER,
	STEP_SETUP,
	STEPS_MAX = 18, /* of a layout, with its end */
};

static const struct {
	const char *name;
	bool is_separator_in_rtmr1;
	enum step steps[STEPS_MAX];
} layouts[FIRMWARE_LAYOUT_COUNT] = {
	[FIRMWARE_OVMF] = {
		.name = "ovmf",
		.is_separator_in_rtmr1 = true,
		.steps = {
			STEP_HOB,
			STEP_VARIABLES,
			STEP_SECURE_BOOT,
			STEP_PK,
			STEP_KEK,
			STEP_DB,
			STEP_DBX,
			STEP_SEPARATOR,
			STEP_ACPI_LOADER,
			STEP_ACPI_RSDP,
			STEP_ACPI_TABLES,
			STEP_BOOT_ORDER_1,
			STEP_UI,
		},
	},
	[FIRMWARE_OVMF_SEPARATOR0] = {
		.name = "ovmf-separator0",
		.steps = {
			STEP_HOB,
			STEP_VARIABLES,
			STEP_SECURE_BOOT,
			STEP_PK,
			STEP_KEK,
			STEP_DB,
			STEP_DBX,
			STEP_SEPARATOR,
			STEP_ACPI_LOADER,
			STEP_ACPI_RSDP,
			STEP_ACPI_TABLES,
			STEP_BOOT_ORDER_1,
			STEP_UI,
			STEP_SEPARATOR,
		},
	},
	[FIRMWARE_OVMF_202505] = {
		.name = "ovmf-202505",
		.is_separator_in_rtmr1 = true,
		.steps = {
			STEP_HOB,
			STEP_VARIABLES,
			STEP_BOOT_MENU,
			STEP_BOOT_DEVICES,
			STEP_SECURE_BOOT,
			STEP_PK,
			STEP_KEK,
			STEP_DB,
			STEP_DBX,
			STEP_SEPARATOR,
			STEP_ACPI_LOADER,
			STEP_ACPI_RSDP,
			STEP_ACPI_TABLES,
			STEP_AUTHORITY,
			STEP_BOOT_ORDER_2,
			STEP_BOOT_MANAGER,
			STEP_SETUP,
		},
	},
};

/* EFI_GLOBAL_VARIABLE and EFI_IMAGE_SECURITY_DATABASE_GUID (UEFI 2.10 §3.3,
 * §32.6.1). */
static const struct efi_guid global = { {
	0x61,
	0xdf,
	0xe4,
	0x8b,
	0xca,
	0x93,
	0xd2,
	0x11,
	0xaa,
	0x0d,
	0x00,
	0xe0,
	0x98,
	0x03,
	0x2b,
	0x8c,
} };
static const struct efi_guid security = { {
	0xcb,
	0xb2,
	0x19,
	0xd7,
	0x3a,
	0x3d,
	0x96,
	0x45,
	0xa3,
	0xbc,
	0xda,
	0xd0,
	0x0e,
	0x67,
	0x65,
	0x6f,
} };
/* 7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1: OVMF's volume of applications. */
static const struct efi_guid volume = { {
	0xc9,
	0xbd,
	0xb8,
	0x7c,
	0xeb,
	0xf8,
	0x34,
	0x4f,
	0xaa,
	0xea,
	0x3e,
	0xe4,
	0xaf,
	0x65,
	0x16,
	0xa1,
} };
/* 462caa21-7614-4503-836e-8ab6f4662331: UiApp. */
static const struct efi_guid ui_app = { {
	0x21,
	0xaa,
	0x2c,
	0x46,
	0x14,
	0x76,
	0x03,
	0x45,
	0x83,
	0x6e,
	0x8a,
	0xb6,
	0xf4,
	0x66,
	0x23,
	0x31,
} };
/* eec25bdc-67f2-4d95-b1d5-f81b2039d11d: BootManagerMenuApp. */
static const struct efi_guid boot_manager = { {
	0xdc,
	0x5b,
	0xc2,
	0xee,
	0xf2,
	0x67,
	0x95,
	0x4d,
	0xb1,
	0xd5,
	0xf8,
	0x1b,
	0x20,
	0x39,
	0xd1,
	0x1d,
} };

enum {
	/* UEFI 2.10 §3.1.3 */
	OPTION_ACTIVE = 0x001,
	OPTION_HIDDEN = 0x008,
	OPTION_APP = 0x100,
};

static const struct {
	enum step step;
	const char *name;
} inputs[FIRMWARE_INPUT_COUNT] = {
	[FIRMWARE_ACPI_LOADER] = { STEP_ACPI_LOADER, "acpi-loader" },
	[FIRMWARE_ACPI_RSDP] = { STEP_ACPI_RSDP, "acpi-rsdp" },
	[FIRMWARE_ACPI_TABLES] = { STEP_ACPI_TABLES, "acpi-tables" },
	[FIRMWARE_AUTHORITY] = { STEP_AUTHORITY, "variable-authority" },
};

/* Events whose bytes no input changes. */
static const struct {
	enum step step;
	const char *name;
	const char *bytes;
	size_t n;
} constants[] = {
	{ STEP_SEPARATOR, "separator", "\0\0\0", 4 },
	/* fw_cfg "BootMenu": off */
	{ STEP_BOOT_MENU, "boot-menu", "\0", 2 },
	/* fw_cfg "bootorder" when only the kernel has a place in it */
	{ STEP_BOOT_DEVICES, "boot-devices",
	  "/rom@genroms/linuxboot_dma.bin", 31 },
	{ STEP_BOOT_ORDER_1, "BootOrder", "\0", 2 },
	{ STEP_BOOT_ORDER_2, "BootOrder", "\0\0\1", 4 },
};

static const struct {
	enum step step;
	const struct efi_guid *vendor;
	const char *name;
} variables[] = {
	{ STEP_SECURE_BOOT, &global, "SecureBoot" },
	{ STEP_PK, &global, "PK" },
	{ STEP_KEK, &global, "KEK" },
	{ STEP_DB, &security, "db" },
	{ STEP_DBX, &security, "dbx" },
};

static const struct {
	enum step step;
	const char *name;
	uint32_t attributes;
	const char *description;
	const struct efi_guid *file;
} options[] = {
	{ STEP_UI, "Boot0000", OPTION_ACTIVE | OPTION_HIDDEN | OPTION_APP,
	  "UiApp", &ui_app },
	{ STEP_BOOT_MANAGER, "Boot0000",
	  OPTION_ACTIVE | OPTION_HIDDEN | OPTION_APP, "BootManagerMenuApp",
	  &boot_manager },
	{ STEP_SETUP, "Boot0001", OPTION_ACTIVE | OPTION_APP,
	  "EFI Firmware Setup", &ui_app },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const char *firmware_layout_name(enum firmware_layout layout)
{
	return layouts[layout].name;
}

bool firmware_layout_find(enum firmware_layout *out, const char *name)
{
	for (size_t i = 0; i < FIRMWARE_LAYOUT_COUNT; i++) {
		if (strcmp(layouts[i].name, name) != 0)
			continue;
		*out = (enum firmware_layout)i;
		return true;
	}
	return false;
}

bool firmware_separates_rtmr1(enum firmware_layout layout)
{
	return layouts[layout].is_separator_in_rtmr1;
}

bool firmware_needs(enum firmware_layout layout, enum firmware_input input)
{
	for (size_t i = 0; layouts[layout].steps[i]; i++)
		if (layouts[layout].steps[i] == inputs[input].step)
			return true;
	return false;
}

static bool add_input(struct bootlog *log, enum step step,
		      const struct firmware_boot *b)
{
	for (size_t i = 0; i < FIRMWARE_INPUT_COUNT; i++) {
		if (inputs[i].step != step)
			continue;
		bootlog_add(log, 0, inputs[i].name, b->input[i]);
		log->event[log->count - 1].is_given = true;
		return true;
	}
	return false;
}

static bool add_constant(struct bootlog *log, enum step step)
{
	for (size_t i = 0; i < COUNT(constants); i++) {
		if (constants[i].step != step)
			continue;
		bootlog_add_bytes(log, 0, constants[i].name,
				  span_of(constants[i].bytes, constants[i].n));
		return true;
	}
	return false;
}

static bool add_variable(struct bootlog *log, enum step step)
{
	struct sha384 digest;

	for (size_t i = 0; i < COUNT(variables); i++) {
		if (variables[i].step != step)
			continue;
		efi_empty_variable(&digest, variables[i].vendor,
				   variables[i].name);
		bootlog_add(log, 0, variables[i].name, &digest);
		return true;
	}
	return false;
}

static bool add_option(struct bootlog *log, enum step step)
{
	uint8_t bytes[EFI_LOAD_OPTION_MAX];
	struct wr w = WR_ARRAY(bytes);

	for (size_t i = 0; i < COUNT(options); i++) {
		if (options[i].step != step)
			continue;
		efi_load_option(&w, options[i].attributes,
				options[i].description, &volume,
				options[i].file);
		bootlog_add_bytes(log, 0, options[i].name, wr_span(&w));
		return true;
	}
	return false;
}

enum rc firmware_events(struct bootlog *log, const struct firmware_boot *b)
{
	const enum step *steps = layouts[b->layout].steps;
	struct sha384 hob, store;
	enum rc rc = tdvf_hob(&hob, b->image, b->memory);

	if (rc)
		return rc;
	if (!tdvf_is_store_empty(b->image))
		return RC_UNSUPPORTED;
	for (size_t i = 0; i < FIRMWARE_INPUT_COUNT; i++)
		if (!b->input[i] &&
		    firmware_needs(b->layout, (enum firmware_input)i))
			return RC_DENIED;
	tdvf_variables(&store, b->image);
	for (size_t i = 0; steps[i]; i++) {
		if (steps[i] == STEP_HOB)
			bootlog_add(log, 0, "td-hob", &hob);
		else if (steps[i] == STEP_VARIABLES)
			bootlog_add(log, 0, "variable-store", &store);
		else
			/* each step is in one of the tables */
			(void)(add_constant(log, steps[i]) ||
			       add_variable(log, steps[i]) ||
			       add_option(log, steps[i]) ||
			       add_input(log, steps[i], b));
	}
	return RC_OK;
}
