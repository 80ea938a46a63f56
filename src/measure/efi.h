/*
 * efi: what UEFI firmware hashes of its variables.
 *
 * Of a variable that configures the firmware (SecureBoot, PK, ...) it hashes
 * name and content together; of a boot variable (BootOrder, Boot0000) the
 * content alone.
 *
 * Source: TCG PC Client Platform Firmware Profile 1.06, §10.2.6
 * (UEFI_VARIABLE_DATA) and §3.3.4; UEFI 2.10 §3.1.3 (load options), §10.3.5
 * (media device paths).
 */
#ifndef POSTERN_MEASURE_EFI_H
#define POSTERN_MEASURE_EFI_H

#include "base/wr.h"
#include "crypto/hash.h"

enum {
	EFI_GUID_LEN = 16,
	EFI_NAME_MAX = 64, /* of names and descriptions here: ASCII */
	EFI_LOAD_OPTION_MAX = 256,
};

struct efi_guid {
	uint8_t b[EFI_GUID_LEN]; /* as it lies in memory */
};

/* The digest of a configuration variable that is empty or does not exist. */
void efi_empty_variable(struct sha384 *out, const struct efi_guid *vendor,
			const char *name);

/*
 * Writes the load option of an application in a firmware volume, as a Boot####
 * variable holds it.
 */
void efi_load_option(struct wr *w, uint32_t attributes, const char *description,
		     const struct efi_guid *volume,
		     const struct efi_guid *file);

#endif
