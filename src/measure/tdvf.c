#include "measure/tdvf.h"

#include <stdlib.h>
#include <string.h>

#include "base/wr.h"
#include "measure/machine.h"

enum {
	/* OVMF's reset vector takes the last bytes, the table ends before it */
	AFTER_TABLE = 32,
	GUID_LEN = 16,
	ENTRY_END = 2 + GUID_LEN, /* length and GUID, after the data */
	OFFSET_LEN = 4,
	DESCRIPTOR_LEN = 16,
	SECTION_LEN = 32,
	DESCRIPTOR_VERSION = 1,
	MR_EXTEND = 1, /* section attributes */
	/* TDH.MEM.PAGE.ADD and TDH.MR.EXTEND: what goes into MRTD */
	BLOCK_LEN = 128,
	BLOCK_GPA = 16,
	CHUNK = 256,
	/* UEFI PI vol. 3, §3.2.1: in the volume's header */
	AT_VOLUME_SIGNATURE = 40,
	AT_VOLUME_HEADER_LEN = 48, /* u16 */
	/* EDK II's VARIABLE_STORE_HEADER: GUID, u32 length, u8 format, u8
	 * state, 6 bytes reserved; flash without a variable is all ones */
	STORE_FORMATTED = 0x5a,
	STORE_HEALTHY = 0xfe,
	STORE_RESERVED = 6,
	/* UEFI PI vol. 3, §5.2 and §5.5 */
	HOB_HANDOFF = 1,
	HOB_RESOURCE = 3,
	HANDOFF_LEN = 56,
	RESOURCE_LEN = 48,
	HOB_END_LEN = 8,
	HANDOFF_VERSION = 9,
	RESOURCE_MEMORY = 0,
	RESOURCE_UNACCEPTED = 7,
	RESOURCE_ATTRIBUTES = 7, /* present, initialized, tested */
	/* between, before and after sections, and above 4 GiB */
	RANGES_MAX = 2 * TDVF_SECTIONS_MAX + 2,
	HOB_MAX = HANDOFF_LEN + RANGES_MAX * RESOURCE_LEN,
};

static const uint64_t ADDRESS_MAX = UINT64_C(1) << 52;

/* 96b582de-1fb2-45f7-baea-a366c55a082d: the table's own entry, its last. */
static const uint8_t table_guid[GUID_LEN] = {
	0xde,
	0x82,
	0xb5,
	0x96,
	0xb2,
	0x1f,
	0xf7,
	0x45,
	0xba,
	0xea,
	0xa3,
	0x66,
	0xc5,
	0x5a,
	0x08,
	0x2d,
};
/* e47a6535-984a-4798-865e-4685a7bf8ec2: where the TDX metadata is. */
static const uint8_t tdx_guid[GUID_LEN] = {
	0x35,
	0x65,
	0x7a,
	0xe4,
	0x4a,
	0x98,
	0x98,
	0x47,
	0x86,
	0x5e,
	0x46,
	0x85,
	0xa7,
	0xbf,
	0x8e,
	0xc2,
};

/* aaf32c78-947b-439a-a180-2e144ec37792: a store of authenticated variables. */
static const uint8_t store_guid[GUID_LEN] = {
	0x78,
	0x2c,
	0xf3,
	0xaa,
	0x7b,
	0x94,
	0x9a,
	0x43,
	0xa1,
	0x80,
	0x2e,
	0x14,
	0x4e,
	0xc3,
	0x77,
	0x92,
};

/* Takes the last n bytes. */
static bool take_last(struct span *s, struct span *out, size_t n)
{
	if (n > s->n)
		return false;
	*out = span_of(s->p + (s->n - n), n);
	s->n -= n;
	return true;
}

/* The last entry of a table: its data, then u16 length of all, then a GUID. */
static bool take_entry(struct span *table, struct span *data, struct span *guid)
{
	struct span rest = *table, end;
	uint16_t length;

	if (!take_last(&rest, &end, ENTRY_END) || !rd_le16(&end, &length) ||
	    length < ENTRY_END ||
	    !take_last(&rest, data, (size_t)length - ENTRY_END))
		return false;
	*guid = end;
	*table = rest;
	return true;
}

/*
 * What the table before the reset vector says: how far before the image's end
 * the descriptor begins.  The table is its own last entry; in its data stand
 * the others.
 */
static bool find_metadata(uint32_t *offset, struct span image)
{
	struct span after, table, data, guid, found = { 0 };

	if (!take_last(&image, &after, AFTER_TABLE) ||
	    !take_entry(&image, &table, &guid) ||
	    !span_equal(guid, SPAN_ARRAY(table_guid)))
		return false;
	while (!rd_end(&table)) {
		if (!take_entry(&table, &data, &guid))
			return false;
		if (!span_equal(guid, SPAN_ARRAY(tdx_guid)))
			continue;
		if (found.n || data.n != OFFSET_LEN)
			return false;
		found = data;
	}
	return rd_le32(&found, offset);
}

/* [at, at + n) of the image, if it is there. */
static bool part_of(struct span *out, struct span image, uint64_t at,
		    uint64_t n)
{
	return at <= image.n && rd_skip(&image, (size_t)at) && n <= image.n &&
	       rd_n(&image, out, (size_t)n);
}

static bool is_pages(uint64_t address, uint64_t n)
{
	return address % TDVF_PAGE == 0 && n % TDVF_PAGE == 0 && n > 0 &&
	       address <= ADDRESS_MAX;
}

static enum rc read_section(struct tdvf_section *out, struct span in,
			    struct span image)
{
	uint32_t offset, n, type, attributes;
	struct tdvf_section s = { 0 };
	bool has_data;

	if (!rd_le32(&in, &offset) || !rd_le32(&in, &n) ||
	    !rd_le64(&in, &s.address) || !rd_le64(&in, &s.memory_len) ||
	    !rd_le32(&in, &type) || !rd_le32(&in, &attributes) || !rd_end(&in))
		return RC_MALFORMED;
	if (type >= TDVF_TYPE_COUNT || (attributes & ~(uint32_t)MR_EXTEND))
		return RC_UNSUPPORTED;
	s.type = (enum tdvf_type)type;
	s.is_measured = attributes & MR_EXTEND;
	has_data = s.type == TDVF_CODE || s.type == TDVF_VARIABLES;
	/* a volume fills its memory; the rest has no content in the image */
	if (!is_pages(s.address, s.memory_len) ||
	    (has_data ? n != s.memory_len : n || offset || s.is_measured) ||
	    !part_of(&s.data, image, offset, n))
		return RC_MALFORMED;
	if (s.memory_len > TDVF_MEMORY_MAX)
		return RC_LIMIT;
	*out = s;
	return RC_OK;
}

static bool overlap(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len)
{
	return a < b + b_len && b < a + a_len;
}

static bool sections_overlap(const struct tdvf_section *a,
			     const struct tdvf_section *b)
{
	return overlap(a->address, a->memory_len, b->address, b->memory_len) ||
	       (a->data.n && b->data.n &&
		overlap((uintptr_t)a->data.p, a->data.n, (uintptr_t)b->data.p,
			b->data.n));
}

/* What no section tells by itself. */
static enum rc check(struct tdvf *t)
{
	size_t count[TDVF_TYPE_COUNT] = { 0 };
	uint64_t memory = 0;
	bool is_code_measured = true;

	for (size_t i = 0; i < t->count; i++) {
		const struct tdvf_section *s = &t->section[i];

		for (size_t k = 0; k < i; k++)
			if (sections_overlap(s, &t->section[k]))
				return RC_MALFORMED;
		count[s->type]++;
		memory += s->memory_len;
		if (s->type == TDVF_CODE)
			is_code_measured = is_code_measured && s->is_measured;
		else if (s->type == TDVF_HOB)
			t->hob = i;
		else if (s->type == TDVF_VARIABLES)
			t->variables = i;
	}
	if (count[TDVF_HOB] != 1 || count[TDVF_VARIABLES] != 1 ||
	    !count[TDVF_CODE] || !is_code_measured)
		return RC_MALFORMED;
	return memory > TDVF_MEMORY_MAX ? RC_LIMIT : RC_OK;
}

enum rc tdvf_read(struct tdvf *out, struct span image)
{
	struct tdvf t = { 0 };
	struct span in, signature, section;
	uint32_t offset, length, version, count;
	enum rc rc;

	if (image.n > TDVF_IMAGE_MAX)
		return RC_LIMIT;
	if (!find_metadata(&offset, image) || offset > image.n ||
	    !part_of(&in, image, image.n - offset, offset) ||
	    !rd_n(&in, &signature, 4) || !span_equal_str(signature, "TDVF") ||
	    !rd_le32(&in, &length) || !rd_le32(&in, &version) ||
	    !rd_le32(&in, &count))
		return RC_MALFORMED;
	if (version != DESCRIPTOR_VERSION)
		return RC_UNSUPPORTED;
	if (count > TDVF_SECTIONS_MAX)
		return RC_LIMIT;
	if (length != DESCRIPTOR_LEN + count * SECTION_LEN)
		return RC_MALFORMED;
	while (t.count < count) {
		if (!rd_n(&in, &section, SECTION_LEN))
			return RC_MALFORMED;
		rc = read_section(&t.section[t.count++], section, image);
		if (rc)
			return rc;
	}
	rc = check(&t);
	if (rc)
		return rc;
	*out = t;
	return RC_OK;
}

/* "MEM.PAGE.ADD" or "MR.EXTEND", and the guest address it is about. */
static void add_block(struct sha384_stream *h, const char *name, uint64_t gpa)
{
	uint8_t block[BLOCK_LEN] = { 0 };
	struct wr w = WR_ARRAY(block);

	wr_str(&w, name);
	wr_zero(&w, BLOCK_GPA - strlen(name));
	wr_le64(&w, gpa);
	sha384_add(h, SPAN_ARRAY(block));
}

static void measure_page(struct sha384_stream *h, const struct tdvf_section *s,
			 uint64_t at)
{
	for (uint64_t i = at; i < at + TDVF_PAGE; i += CHUNK) {
		add_block(h, "MR.EXTEND", s->address + i);
		sha384_add(h, span_of(s->data.p + i, CHUNK));
	}
}

void tdvf_mrtd(struct sha384 *out, const struct tdvf *t, enum tdvf_order order)
{
	struct sha384_stream *h = sha384_new();

	for (size_t i = 0; i < t->count; i++) {
		const struct tdvf_section *s = &t->section[i];
		bool is_late = s->is_measured && order == TDVF_TWO_PASS;

		for (uint64_t at = 0; at < s->memory_len; at += TDVF_PAGE) {
			add_block(h, "MEM.PAGE.ADD", s->address + at);
			if (s->is_measured && !is_late)
				measure_page(h, s, at);
		}
		for (uint64_t at = 0; is_late && at < s->memory_len;
		     at += TDVF_PAGE)
			measure_page(h, s, at);
	}
	sha384_done(out, h);
}

void tdvf_variables(struct sha384 *out, const struct tdvf *t)
{
	sha384_of(out, t->section[t->variables].data);
}

/* The store that a volume holds, of the length that its header says. */
static bool find_store(struct span *out, struct span volume)
{
	struct span head = volume, signature, length;
	uint16_t header_len;
	uint32_t n;

	if (!rd_skip(&head, AT_VOLUME_SIGNATURE) ||
	    !rd_n(&head, &signature, 4) || !span_equal_str(signature, "_FVH") ||
	    !rd_skip(&head, AT_VOLUME_HEADER_LEN - AT_VOLUME_SIGNATURE - 4) ||
	    !rd_le16(&head, &header_len) || !rd_skip(&volume, header_len))
		return false;
	length = volume;
	return rd_skip(&length, GUID_LEN) && rd_le32(&length, &n) &&
	       rd_n(&volume, out, n);
}

bool tdvf_is_store_empty(const struct tdvf *t)
{
	struct span store, guid;
	uint8_t format, state;

	if (!find_store(&store, t->section[t->variables].data) ||
	    !rd_n(&store, &guid, GUID_LEN) ||
	    !span_equal(guid, SPAN_ARRAY(store_guid)) || !rd_skip(&store, 4) ||
	    !rd_u8(&store, &format) || format != STORE_FORMATTED ||
	    !rd_u8(&store, &state) || state != STORE_HEALTHY ||
	    !rd_skip(&store, STORE_RESERVED))
		return false;
	for (size_t i = 0; i < store.n; i++)
		if (store.p[i] != 0xff)
			return false;
	return true;
}

static int by_address(const void *a, const void *b)
{
	const struct tdvf_section *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

static void put_range(struct wr *w, uint32_t type, uint64_t from, uint64_t to)
{
	if (from == to)
		return;
	wr_le16(w, HOB_RESOURCE);
	wr_le16(w, RESOURCE_LEN);
	wr_zero(w, 4 + GUID_LEN); /* reserved; owner: nobody */
	wr_le32(w, type);
	wr_le32(w, RESOURCE_ATTRIBUTES);
	wr_le64(w, from);
	wr_le64(w, to - from);
}

/* The memory below 4 GiB: what the VMM added is accepted, the rest is not. */
static bool put_low(struct wr *w, const struct tdvf *t, uint64_t low)
{
	struct tdvf_section added[TDVF_SECTIONS_MAX];
	size_t count = 0;
	uint64_t at = 0;

	for (size_t i = 0; i < t->count; i++)
		if (t->section[i].type == TDVF_HOB ||
		    t->section[i].type == TDVF_MEMORY)
			added[count++] = t->section[i];
	qsort(added, count, sizeof(added[0]), by_address);
	for (size_t i = 0; i < count; i++) {
		uint64_t end = added[i].address + added[i].memory_len;

		if (end > low)
			return false;
		put_range(w, RESOURCE_UNACCEPTED, at, added[i].address);
		put_range(w, RESOURCE_MEMORY, added[i].address, end);
		at = end;
	}
	put_range(w, RESOURCE_UNACCEPTED, at, low);
	return true;
}

static void put_handoff(struct wr *w, uint64_t end_of_list)
{
	wr_le16(w, HOB_HANDOFF);
	wr_le16(w, HANDOFF_LEN);
	wr_zero(w, 4);
	wr_le32(w, HANDOFF_VERSION);
	wr_zero(w, 4 + 4 * 8); /* boot mode; QEMU leaves the rest zero */
	wr_le64(w, end_of_list);
}

enum rc tdvf_hob(struct sha384 *out, const struct tdvf *t, uint64_t memory)
{
	const struct tdvf_section *hob = &t->section[t->hob];
	uint64_t low = machine_low_memory(memory), end;
	uint8_t bytes[HOB_MAX], handoff[HANDOFF_LEN];
	struct wr w = WR_ARRAY(bytes), first = WR_ARRAY(handoff);

	if (!put_low(&w, t, low))
		return RC_LIMIT;
	put_range(&w, RESOURCE_UNACCEPTED, MACHINE_HIGH_MEMORY,
		  MACHINE_HIGH_MEMORY + (memory - low));
	/* the end's own block lies in the list but is not measured */
	end = HANDOFF_LEN + wr_span(&w).n + HOB_END_LEN;
	if (end > hob->memory_len)
		return RC_LIMIT;
	put_handoff(&first, hob->address + end);
	sha384_parts(out, (const struct span[]){ wr_span(&first), wr_span(&w) },
		     2);
	return RC_OK;
}
