#include "measure/linux.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/wr.h"
#include "measure/machine.h"

enum {
	/* the setup header (boot.rst, "The Real-Mode Kernel Header") */
	AT_MAGIC = 0x202, /* "HdrS" */
	AT_PROTOCOL = 0x206,
	AT_LOADER_TYPE = 0x210,
	AT_LOAD_FLAGS = 0x211,
	AT_RAMDISK = 0x218, /* address, then size */
	AT_HEAP_END = 0x224, /* and the two bytes after it */
	AT_CMDLINE = 0x228,
	AT_INITRD_MAX = 0x22c,
	AT_XLOAD_FLAGS = 0x236,
	SETUP_END = 0x238,
	LOADER_QEMU = 0xb0,
	LOADED_HIGH = 0x01,
	CAN_USE_HEAP = 0x80,
	XLF_ABOVE_4G = 0x0002,
	PROTOCOL_MIN = 0x203,
	PROTOCOL_XLF = 0x20c,
	/* where QEMU puts things */
	REAL_ADDR = 0x10000,
	CMDLINE_ADDR = 0x20000,
	ACPI_DATA_LEN = 0x28000, /* kept free below the end of low memory */
	PAGE = 4096,
	/* PE (Microsoft, PE Format) */
	AT_PE_OFFSET = 0x3c,
	COFF_LEN = 24, /* with the signature "PE\0\0" */
	PE32_PLUS = 0x20b,
	AT_HEADERS_LEN = 60, /* in the optional header */
	AT_CHECKSUM = 64,
	AT_DIRECTORY_COUNT = 108,
	AT_CERTIFICATES = 112 + 4 * 8, /* the fifth directory */
	SECTION_LEN = 40,
	SECTIONS_MAX = 96,
	PARTS_MAX = SECTIONS_MAX + 5,
};

/* Parts of an image that are hashed, in order. */
struct parts {
	struct span part[PARTS_MAX];
	size_t count;
	uint64_t end; /* in the file, of what was added so far */
};

static bool at_le32(struct span s, size_t at, uint32_t *v)
{
	return rd_skip(&s, at) && rd_le32(&s, v);
}

static bool at_le16(struct span s, size_t at, uint16_t *v)
{
	return rd_skip(&s, at) && rd_le16(&s, v);
}

/* Adds the bytes from ... to; false: they are not in the image. */
static bool add(struct parts *p, struct span image, uint64_t from, uint64_t to)
{
	if (from > to || to > image.n || p->count == PARTS_MAX)
		return false;
	p->part[p->count++] = span_of(image.p + from, (size_t)(to - from));
	p->end = to;
	return true;
}

struct pe {
	size_t optional; /* offset of the optional header */
	uint16_t section_count, optional_len;
	uint32_t headers_len;
	uint32_t certificates_len;
};

static bool read_pe(struct pe *out, struct span image)
{
	uint32_t offset, signature, directories;
	uint16_t magic;
	struct pe pe = { 0 };

	if (!at_le32(image, AT_PE_OFFSET, &offset) ||
	    !at_le32(image, offset, &signature) || signature != 0x4550 ||
	    !at_le16(image, (size_t)offset + 6, &pe.section_count) ||
	    !at_le16(image, (size_t)offset + 20, &pe.optional_len) ||
	    pe.optional_len < AT_CERTIFICATES + 8)
		return false;
	pe.optional = (size_t)offset + COFF_LEN;
	if (!at_le16(image, pe.optional, &magic) || magic != PE32_PLUS ||
	    !at_le32(image, pe.optional + AT_HEADERS_LEN, &pe.headers_len) ||
	    !at_le32(image, pe.optional + AT_DIRECTORY_COUNT, &directories) ||
	    directories < 5 ||
	    !at_le32(image, pe.optional + AT_CERTIFICATES + 4,
		     &pe.certificates_len))
		return false;
	*out = pe;
	return true;
}

struct section {
	uint32_t at, n;
};

static int by_offset(const void *a, const void *b)
{
	const struct section *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

/* Sections with bytes in the file, by where they lie; each after the last. */
static bool add_sections(struct parts *p, struct span image,
			 const struct pe *pe)
{
	size_t table = pe->optional + pe->optional_len, count = 0;
	struct section s[SECTIONS_MAX];

	for (size_t i = 0; i < pe->section_count; i++, table += SECTION_LEN) {
		if (!at_le32(image, table + 16, &s[count].n) ||
		    !at_le32(image, table + 20, &s[count].at))
			return false;
		count += s[count].n != 0;
	}
	qsort(s, count, sizeof(s[0]), by_offset);
	for (size_t i = 0; i < count; i++)
		if (s[i].at < p->end ||
		    !add(p, image, s[i].at, (uint64_t)s[i].at + s[i].n))
			return false;
	return true;
}

enum rc linux_authenticode(struct sha384 *out, struct span image)
{
	static const uint8_t zeros[8];
	struct parts p = { 0 };
	struct pe pe;
	size_t checksum, certificates, rest;

	if (!read_pe(&pe, image))
		return RC_MALFORMED;
	if (pe.section_count > SECTIONS_MAX)
		return RC_UNSUPPORTED;
	checksum = pe.optional + AT_CHECKSUM;
	certificates = pe.optional + AT_CERTIFICATES;
	if (!add(&p, image, 0, checksum) ||
	    !add(&p, image, checksum + 4, certificates) ||
	    !add(&p, image, certificates + 8, pe.headers_len) ||
	    !add_sections(&p, image, &pe) ||
	    !add(&p, image, p.end, image.n - (uint64_t)pe.certificates_len))
		return RC_MALFORMED;
	rest = p.part[p.count - 1].n % sizeof(zeros);
	p.part[p.count++] = span_of(zeros, rest ? sizeof(zeros) - rest : 0);
	sha384_parts(out, p.part, p.count);
	return RC_OK;
}

static void put_le32(uint8_t *p, uint32_t v)
{
	struct wr w = wr_over(p, 4);

	wr_le32(&w, v);
}

/* As QEMU chooses the initrd's address; false: there is no room. */
static bool initrd_address(uint32_t *out, const struct linux_boot *b,
			   uint16_t protocol)
{
	uint64_t max, low = machine_low_memory(b->memory);
	uint32_t limit;
	uint16_t flags;

	if (!at_le32(b->kernel, AT_INITRD_MAX, &limit) ||
	    !at_le16(b->kernel, AT_XLOAD_FLAGS, &flags) || low <= ACPI_DATA_LEN)
		return false;
	max = protocol >= PROTOCOL_XLF && (flags & XLF_ABOVE_4G) ? UINT32_MAX
								 : limit;
	if (max >= low - ACPI_DATA_LEN)
		max = low - ACPI_DATA_LEN - 1;
	if (b->initrd.n >= max)
		return false;
	*out = (uint32_t)((max - b->initrd.n) & ~(uint64_t)(PAGE - 1));
	return true;
}

static enum rc patch(uint8_t *image, const struct linux_boot *b,
		     uint16_t protocol)
{
	uint32_t initrd;

	image[AT_LOADER_TYPE] = LOADER_QEMU;
	image[AT_LOAD_FLAGS] |= CAN_USE_HEAP;
	put_le32(image + AT_HEAP_END, CMDLINE_ADDR - REAL_ADDR - 0x200);
	put_le32(image + AT_CMDLINE, CMDLINE_ADDR);
	if (!b->initrd.n)
		return RC_OK;
	if (!initrd_address(&initrd, b, protocol))
		return RC_LIMIT;
	put_le32(image + AT_RAMDISK, initrd);
	put_le32(image + AT_RAMDISK + 4, (uint32_t)b->initrd.n);
	return RC_OK;
}

enum rc linux_kernel(struct sha384 *out, const struct linux_boot *b)
{
	AUTO(mem_auto_free)
	uint8_t *image = NULL;
	uint32_t magic;
	uint16_t protocol;
	enum rc rc;

	if (b->kernel.n < SETUP_END ||
	    !at_le32(b->kernel, AT_MAGIC, &magic) || magic != 0x53726448 ||
	    !at_le16(b->kernel, AT_PROTOCOL, &protocol))
		return RC_MALFORMED;
	if (protocol < PROTOCOL_MIN ||
	    !(b->kernel.p[AT_LOAD_FLAGS] & LOADED_HIGH))
		return RC_UNSUPPORTED;
	image = mem_new(b->kernel.n);
	memcpy(image, b->kernel.p, b->kernel.n);
	rc = patch(image, b, protocol);
	return rc ? rc : linux_authenticode(out, span_of(image, b->kernel.n));
}

void linux_rtmr1_events(struct bootlog *log, const struct sha384 *kernel,
			bool has_separator)
{
	static const uint8_t separator[4];

	bootlog_add(log, 1, "kernel", kernel);
	bootlog_add_bytes(log, 1, "calling-application",
			  span_str("Calling EFI Application from Boot Option"));
	if (has_separator)
		bootlog_add_bytes(log, 1, "separator", SPAN_ARRAY(separator));
	bootlog_add_bytes(log, 1, "exit-boot-services",
			  span_str("Exit Boot Services Invocation"));
	bootlog_add_bytes(log, 1, "exit-boot-services-success",
			  span_str("Exit Boot Services Returned with Success"));
}

static bool is_printable(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return true;
}

/* UTF-16LE with its NUL, as the stub gets it from the firmware. */
static void cmdline_digest(struct sha384 *out, struct span cmdline)
{
	static const char suffix[] = " initrd=initrd"; /* OVMF adds it */
	const size_t chars = cmdline.n + sizeof(suffix);
	AUTO(mem_auto_free)
	uint8_t *wide = mem_new_array(chars, 2);

	for (size_t i = 0; i < cmdline.n; i++)
		wide[2 * i] = cmdline.p[i];
	for (size_t i = 0; i < sizeof(suffix); i++)
		wide[2 * (cmdline.n + i)] = (uint8_t)suffix[i];
	sha384_of(out, span_of(wide, 2 * chars));
}

enum rc linux_rtmr2_events(struct bootlog *log, const struct linux_boot *b)
{
	struct sha384 cmdline;

	if (!b->initrd.n || !is_printable(b->cmdline))
		return RC_UNSUPPORTED;
	cmdline_digest(&cmdline, b->cmdline);
	bootlog_add(log, 2, "command-line", &cmdline);
	bootlog_add_bytes(log, 2, "initrd", b->initrd);
	return RC_OK;
}
