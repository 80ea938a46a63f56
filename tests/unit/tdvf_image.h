/* A TDX firmware image laid out field by field: variable store, code. */
#ifndef POSTERN_TESTS_TDVF_IMAGE_H
#define POSTERN_TESTS_TDVF_IMAGE_H

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/span.h"

enum {
	IMAGE_PAGE = 4096,
	IMAGE_CODE_LEN = 2 * IMAGE_PAGE,
	IMAGE_SECTIONS = 6,
	/* from the image's end */
	IMAGE_DESCRIPTOR = 0x400,
	IMAGE_TABLE = 32 + 18 + 22,
};

/* Section i's field at 'field' of 0, 4, 8, 16, 24, 28. */
#define IMAGE_SECTION(i, field) (IMAGE_DESCRIPTOR - 16 - 32 * (i) - (field))

struct image {
	uint8_t *p;
	size_t n;
};

/* Little-endian, at a distance from the image's end. */
static inline void image_put(const struct image *image, size_t from_end, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		image->p[image->n - from_end + i] = (uint8_t)(v >> (8 * i));
}

static inline struct span image_span(const struct image *image)
{
	return span_of(image->p, image->n);
}

/* The memory sections are those of OVMF. */
static inline void image_put_sections(const struct image *image, size_t variables_len)
{
	const uint64_t sections[IMAGE_SECTIONS][6] = {
		/* file offset, length; memory address, length; type, attributes */
		{ variables_len, IMAGE_CODE_LEN, 0x100000000 - IMAGE_CODE_LEN, IMAGE_CODE_LEN, 0,
		  1 },
		{ 0, variables_len, 0x100000000 - image->n, variables_len, 1, 0 },
		{ 0, 0, 0x810000, 0x10000, 3, 0 },
		{ 0, 0, 0x80b000, 0x2000, 3, 0 },
		{ 0, 0, 0x809000, 0x2000, 2, 0 },
		{ 0, 0, 0x800000, 0x6000, 3, 0 },
	};

	memcpy(image->p + image->n - IMAGE_DESCRIPTOR, "TDVF", 4);
	image_put(image, IMAGE_DESCRIPTOR - 4, 16 + 32 * IMAGE_SECTIONS, 4);
	image_put(image, IMAGE_DESCRIPTOR - 8, 1, 4);
	image_put(image, IMAGE_DESCRIPTOR - 12, IMAGE_SECTIONS, 4);
	for (size_t i = 0; i < IMAGE_SECTIONS; i++) {
		image_put(image, IMAGE_SECTION(i, 0), sections[i][0], 4);
		image_put(image, IMAGE_SECTION(i, 4), sections[i][1], 4);
		image_put(image, IMAGE_SECTION(i, 8), sections[i][2], 8);
		image_put(image, IMAGE_SECTION(i, 16), sections[i][3], 8);
		image_put(image, IMAGE_SECTION(i, 24), sections[i][4], 4);
		image_put(image, IMAGE_SECTION(i, 28), sections[i][5], 4);
	}
}

static inline void image_put_table(const struct image *image)
{
	static const uint8_t tdx[] = { 0x35, 0x65, 0x7a, 0xe4, 0x4a, 0x98, 0x98, 0x47,
				       0x86, 0x5e, 0x46, 0x85, 0xa7, 0xbf, 0x8e, 0xc2 };
	static const uint8_t own[] = { 0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45,
				       0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d };

	image_put(image, IMAGE_TABLE, IMAGE_DESCRIPTOR, 4);
	image_put(image, IMAGE_TABLE - 4, 22, 2);
	memcpy(image->p + image->n - IMAGE_TABLE + 6, tdx, sizeof(tdx));
	image_put(image, 32 + 18, 22 + 18, 2);
	memcpy(image->p + image->n - 32 - 16, own, sizeof(own));
}

/* With a variable store of whole pages; free(image.p). */
static inline struct image image_make(struct span variables)
{
	struct image image = { .n = variables.n + IMAGE_CODE_LEN };

	image.p = mem_new(image.n);
	memcpy(image.p, variables.p, variables.n);
	for (size_t i = variables.n; i < image.n; i++)
		image.p[i] = (uint8_t)(i * 11 + i / 256);
	image_put_sections(&image, variables.n);
	image_put_table(&image);
	return image;
}

/* A page of variable store that never held one. */
static inline void image_empty_store(uint8_t store[IMAGE_PAGE])
{
	static const uint8_t guid[] = { 0x78, 0x2c, 0xf3, 0xaa, 0x7b, 0x94, 0x9a, 0x43,
					0xa1, 0x80, 0x2e, 0x14, 0x4e, 0xc3, 0x77, 0x92 };
	static const uint8_t header[] = { 0xb8, 0x0f, 0, 0, 0x5a, 0xfe, 0, 0, 0, 0, 0, 0 };

	memset(store, 0xff, IMAGE_PAGE);
	memset(store, 0, 72);
	memcpy(store + 40, "_FVH", 4);
	store[48] = 72; /* of the volume's header */
	memcpy(store + 72, guid, sizeof(guid));
	memcpy(store + 88, header, sizeof(header));
}

#endif
