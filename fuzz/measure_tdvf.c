/*
 * Any bytes as a firmware image: read or refused, never read beyond their end;
 * what was read is whole pages inside the image that overlap nowhere, so that
 * its measurements exist in both orders.  An image that is too short for its
 * table gets one, so that the fuzzer reaches the sections.
 */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/wr.h"
#include "measure/firmware.h"

enum {
	TABLE_LEN = 32 + 18 + 22,
	MEMORY_SMALL = 1024 * 1024,
};

static void check(struct span image)
{
	struct sha384 one = { 0 }, two = { 0 }, hob = { 0 }, given = { { 1 } };
	struct firmware_boot b = { .memory = UINT64_C(1) << 32 };
	struct bootlog log = { 0 };
	struct tdvf t;
	uint64_t memory = 0;

	memset(&t, 0x5a, sizeof(t));
	if (tdvf_read(&t, image) != RC_OK) {
		assert(t.count != 0 && t.hob == t.variables); /* untouched */
		return;
	}
	assert(t.count <= TDVF_SECTIONS_MAX && t.section[t.hob].type == TDVF_HOB);
	for (size_t i = 0; i < t.count; i++) {
		const struct tdvf_section *s = &t.section[i];

		assert(s->memory_len && s->memory_len % TDVF_PAGE == 0);
		assert(s->address % TDVF_PAGE == 0);
		assert(!s->data.n || (s->data.p >= image.p && s->data.n == s->memory_len &&
				      s->data.p + s->data.n <= image.p + image.n));
		memory += s->memory_len;
	}
	if (memory > MEMORY_SMALL)
		return; /* it takes its time */
	tdvf_mrtd(&one, &t, TDVF_PAGE_BY_PAGE);
	tdvf_mrtd(&two, &t, TDVF_TWO_PASS);
	assert(!span_is_zero(SPAN_ARRAY(one.b)) && !span_is_zero(SPAN_ARRAY(two.b)));
	assert((tdvf_hob(&hob, &t, b.memory) != RC_OK) == span_is_zero(SPAN_ARRAY(hob.b)));
	b.image = &t;
	for (size_t i = 0; i < FIRMWARE_INPUT_COUNT; i++)
		b.input[i] = &given;
	for (int l = 0; l < FIRMWARE_LAYOUT_COUNT; l++) {
		b.layout = (enum firmware_layout)l;
		log.count = 0;
		assert((firmware_events(&log, &b) == RC_OK) == (log.count >= 13));
	}
}

/* The bytes as sections of an image of 4 pages, behind a valid table. */
static void check_sections(const uint8_t *data, size_t n)
{
	static const uint8_t guids[] = {
		0x35, 0x65, 0x7a, 0xe4, 0x4a, 0x98, 0x98, 0x47, 0x86, 0x5e, 0x46, 0x85,
		0xa7, 0xbf, 0x8e, 0xc2, 40, 0, 0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f,
		0xf7, 0x45, 0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d
	};
	AUTO(mem_auto_free)
	uint8_t *image = mem_new(4 * TDVF_PAGE);
	const uint8_t count = (uint8_t)(n / 32);
	struct wr w = wr_over(image + 3 * TDVF_PAGE, TDVF_PAGE);

	wr_str(&w, "TDVF");
	wr_le32(&w, 16u + 32u * count);
	wr_le32(&w, 1);
	wr_le32(&w, count);
	wr_bytes(&w, span_of(data, n));
	w = wr_over(image + 4 * TDVF_PAGE - TABLE_LEN, TABLE_LEN);
	wr_le32(&w, TDVF_PAGE);
	wr_le16(&w, 22);
	wr_bytes(&w, SPAN_ARRAY(guids));
	check(span_of(image, 4 * TDVF_PAGE));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	check(span_of(data, n));
	if (n <= 32 * TDVF_SECTIONS_MAX)
		check_sections(data, n);
	return 0;
}
