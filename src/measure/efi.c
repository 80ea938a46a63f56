#include "measure/efi.h"

#include <assert.h>
#include <string.h>

enum {
	/* device path nodes: type, subtype, u16 length of all */
	MEDIA = 4,
	MEDIA_FILE = 6, /* "PIWG Firmware File" */
	MEDIA_VOLUME = 7, /* "PIWG Firmware Volume" */
	END = 0x7f,
	END_ENTIRE = 0xff,
	NODE_LEN = 4,
	VOLUME_PATH_LEN = 2 * (NODE_LEN + EFI_GUID_LEN) + NODE_LEN,
};

static void put_wide(struct wr *w, const char *text)
{
	for (; *text; text++)
		wr_le16(w, (uint8_t)*text);
}

void efi_empty_variable(struct sha384 *out, const struct efi_guid *vendor,
			const char *name)
{
	uint8_t bytes[EFI_GUID_LEN + 2 * 8 + 2 * EFI_NAME_MAX];
	struct wr w = WR_ARRAY(bytes);

	assert(strlen(name) <= EFI_NAME_MAX);
	wr_bytes(&w, SPAN_ARRAY(vendor->b));
	wr_le64(&w, strlen(name)); /* characters */
	wr_le64(&w, 0); /* bytes of content */
	put_wide(&w, name);
	sha384_of(out, wr_span(&w));
}

static void put_node(struct wr *w, uint8_t type, uint8_t subtype,
		     struct span data)
{
	wr_u8(w, type);
	wr_u8(w, subtype);
	wr_le16(w, (uint16_t)(NODE_LEN + data.n));
	wr_bytes(w, data);
}

void efi_load_option(struct wr *w, uint32_t attributes, const char *description,
		     const struct efi_guid *volume, const struct efi_guid *file)
{
	wr_le32(w, attributes);
	wr_le16(w, VOLUME_PATH_LEN);
	put_wide(w, description);
	wr_le16(w, 0);
	put_node(w, MEDIA, MEDIA_VOLUME, SPAN_ARRAY(volume->b));
	put_node(w, MEDIA, MEDIA_FILE, SPAN_ARRAY(file->b));
	put_node(w, END, END_ENTIRE, (struct span){ 0 });
}
