#include "tee/ccel_text.h"

#include "base/text.h"

enum {
	CHARS_MAX = 80, /* of text shown */
	HEX_BYTES_MAX = 32,
	GUID_LEN = 16,
	EV_EVENT_TAG = 0x6,
	EV_EFI_VARIABLE_DRIVER_CONFIG = 0x80000001,
	EV_EFI_VARIABLE_BOOT = 0x80000002,
	EV_EFI_PLATFORM_FIRMWARE_BLOB2 = 0x8000000a,
	EV_EFI_HANDOFF_TABLES2 = 0x8000000b,
	EV_EFI_VARIABLE_BOOT2 = 0x8000000c,
	EV_EFI_VARIABLE_AUTHORITY = 0x800000e0,
};

static const struct {
	uint32_t type;
	const char *name;
} types[] = {
	{ 0x0, "EV_PREBOOT_CERT" },
	{ 0x1, "EV_POST_CODE" },
	{ 0x2, "EV_UNUSED" },
	{ 0x3, "EV_NO_ACTION" },
	{ 0x4, "EV_SEPARATOR" },
	{ 0x5, "EV_ACTION" },
	{ EV_EVENT_TAG, "EV_EVENT_TAG" },
	{ 0x7, "EV_S_CRTM_CONTENTS" },
	{ 0x8, "EV_S_CRTM_VERSION" },
	{ 0x9, "EV_CPU_MICROCODE" },
	{ 0xa, "EV_PLATFORM_CONFIG_FLAGS" },
	{ 0xb, "EV_TABLE_OF_DEVICES" },
	{ 0xc, "EV_COMPACT_HASH" },
	{ 0xd, "EV_IPL" },
	{ 0xe, "EV_IPL_PARTITION_DATA" },
	{ 0xf, "EV_NONHOST_CODE" },
	{ 0x10, "EV_NONHOST_CONFIG" },
	{ 0x11, "EV_NONHOST_INFO" },
	{ 0x12, "EV_OMIT_BOOT_DEVICE_EVENTS" },
	{ 0x13, "EV_POST_CODE2" },
	{ EV_EFI_VARIABLE_DRIVER_CONFIG, "EV_EFI_VARIABLE_DRIVER_CONFIG" },
	{ EV_EFI_VARIABLE_BOOT, "EV_EFI_VARIABLE_BOOT" },
	{ 0x80000003, "EV_EFI_BOOT_SERVICES_APPLICATION" },
	{ 0x80000004, "EV_EFI_BOOT_SERVICES_DRIVER" },
	{ 0x80000005, "EV_EFI_RUNTIME_SERVICES_DRIVER" },
	{ 0x80000006, "EV_EFI_GPT_EVENT" },
	{ 0x80000007, "EV_EFI_ACTION" },
	{ 0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB" },
	{ 0x80000009, "EV_EFI_HANDOFF_TABLES" },
	{ EV_EFI_PLATFORM_FIRMWARE_BLOB2, "EV_EFI_PLATFORM_FIRMWARE_BLOB2" },
	{ EV_EFI_HANDOFF_TABLES2, "EV_EFI_HANDOFF_TABLES2" },
	{ EV_EFI_VARIABLE_BOOT2, "EV_EFI_VARIABLE_BOOT2" },
	{ 0x8000000d, "EV_EFI_GPT_EVENT2" },
	{ 0x80000010, "EV_EFI_HCRTM_EVENT" },
	{ EV_EFI_VARIABLE_AUTHORITY, "EV_EFI_VARIABLE_AUTHORITY" },
	{ 0x800000e1, "EV_EFI_SPDM_FIRMWARE_BLOB" },
	{ 0x800000e2, "EV_EFI_SPDM_FIRMWARE_CONFIG" },
	{ 0x800000e3, "EV_EFI_SPDM_DEVICE_POLICY" },
	{ 0x800000e4, "EV_EFI_SPDM_DEVICE_AUTHORITY" },
};

const char *ccel_type_name(uint32_t type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return types[i].name;
	return NULL;
}

static bool is_printable(uint8_t c)
{
	return c >= 0x20 && c <= 0x7e;
}

/* Printable ASCII, perhaps with one NUL at its end, then cut off. */
static bool is_ascii(struct span *text)
{
	struct span t = *text;

	if (t.n && !t.p[t.n - 1])
		t.n--;
	for (size_t i = 0; i < t.n; i++)
		if (!is_printable(t.p[i]))
			return false;
	*text = t;
	return t.n > 0;
}

/* The same in UTF-16LE. */
static bool is_utf16(struct span *text)
{
	struct span t = *text;

	if (t.n % 2)
		return false;
	if (t.n && !t.p[t.n - 1] && !t.p[t.n - 2])
		t.n -= 2;
	for (size_t i = 0; i < t.n; i += 2)
		if (!is_printable(t.p[i]) || t.p[i + 1])
			return false;
	*text = t;
	return t.n > 0;
}

/* Every step-th byte of text that was found printable. */
static void write_text(struct wr *w, struct span text, size_t step)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n && n < CHARS_MAX; i += step, n++)
		wr_u8(w, text.p[i]);
	wr_str(w, n < text.n / step ? "..." : "");
}

static void write_hex(struct wr *w, struct span data)
{
	struct span head = data;

	if (head.n > HEX_BYTES_MAX)
		head.n = HEX_BYTES_MAX;
	wr_str(w, head.n ? "0x" : "");
	text_hex(w, head);
	wr_str(w, head.n < data.n ? "..." : "");
}

static void write_bytes(struct wr *w, struct span data)
{
	if (is_ascii(&data))
		write_text(w, data, 1);
	else if (is_utf16(&data))
		write_text(w, data, 2);
	else
		write_hex(w, data);
}

/* UEFI_VARIABLE_DATA (§10.2.6): GUID, characters of name, bytes of data. */
static bool describe_variable(struct wr *w, struct span data)
{
	uint64_t name_len, data_len;
	struct span name;

	if (!rd_skip(&data, GUID_LEN) || !rd_le64(&data, &name_len) ||
	    !rd_le64(&data, &data_len) || name_len > data.n / 2 ||
	    !rd_n(&data, &name, (size_t)name_len * 2) || data.n != data_len ||
	    !is_utf16(&name))
		return false;
	write_text(w, name, 2);
	wr_printf(w, " (%zu bytes)", data.n);
	return true;
}

/* UEFI_PLATFORM_FIRMWARE_BLOB2 and UEFI_HANDOFF_TABLE_POINTERS2 (§10.2.5): a
 * description with its length, then addresses. */
static bool describe_blob(struct wr *w, struct span data)
{
	struct span text;

	if (!rd_vec8(&data, &text) || !is_ascii(&text))
		return false;
	write_text(w, text, 1);
	return true;
}

/* TCG_PCClientTaggedEvent (§10.4.2): id, length, data. */
static bool describe_tagged(struct wr *w, struct span data)
{
	uint32_t id, n;

	if (!rd_le32(&data, &id) || !rd_le32(&data, &n) || n != data.n)
		return false;
	write_bytes(w, data);
	return true;
}

void ccel_describe(struct wr *w, uint32_t type, struct span data)
{
	bool is_said = false;

	switch (type) {
	case EV_EFI_VARIABLE_DRIVER_CONFIG:
	case EV_EFI_VARIABLE_BOOT:
	case EV_EFI_VARIABLE_BOOT2:
	case EV_EFI_VARIABLE_AUTHORITY:
		is_said = describe_variable(w, data);
		break;
	case EV_EFI_PLATFORM_FIRMWARE_BLOB2:
	case EV_EFI_HANDOFF_TABLES2:
		is_said = describe_blob(w, data);
		break;
	case EV_EVENT_TAG:
		is_said = describe_tagged(w, data);
		break;
	default:
		break;
	}
	if (!is_said)
		write_bytes(w, data);
}
