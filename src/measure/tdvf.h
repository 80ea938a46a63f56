/*
 * tdvf: a TDX virtual firmware image: where its metadata says that its parts
 * are loaded, and what follows from that for MRTD and for the two things that
 * the firmware measures first, the host's hand-off blocks (TD HOB) and its
 * configuration volume (CFV).
 *
 * The metadata is what QEMU loads by, so what QEMU refuses is refused here, and
 * more: sections that overlap, bytes that no reading of the specification
 * covers, a second list of hand-off blocks.
 *
 * The image is what QEMU gets with -bios: variable store and code in one file.
 *
 * Pure: bytes in, views and digests out.  No allocation but the hash's.
 *
 * Source: Intel TDX Virtual Firmware Design Guide, "TDVF descriptor"; OVMF's
 * GUIDed structures at the image's end; QEMU hw/i386/tdvf.c and tdvf-hob.c;
 * UEFI PI 1.8 vol. 3, §3.2.1 (volume header), §5 (hand-off blocks); EDK II
 * MdeModulePkg, VariableFormat.h; Intel TDX Module 1.5 Base
 * Architecture, "TD Measurement" (MRTD).
 */
#ifndef POSTERN_MEASURE_TDVF_H
#define POSTERN_MEASURE_TDVF_H

#include "base/rc.h"
#include "crypto/hash.h"

enum {
	TDVF_IMAGE_MAX = 64 * 1024 * 1024,
	TDVF_SECTIONS_MAX = 32,
	TDVF_MEMORY_MAX = 256 * 1024 * 1024, /* of all sections together */
	TDVF_PAGE = 4096,
};

enum tdvf_type {
	TDVF_CODE, /* BFV: the boot firmware volume */
	TDVF_VARIABLES, /* CFV: the configuration firmware volume */
	TDVF_HOB, /* where the host puts the hand-off blocks */
	TDVF_MEMORY, /* TEMP_MEM: pages of zeros */
	TDVF_TYPE_COUNT,
};

struct tdvf_section {
	enum tdvf_type type;
	bool is_measured; /* MR.EXTEND: its content goes into MRTD */
	uint64_t address, memory_len; /* whole pages of guest memory */
	struct span data; /* n == 0: none; else at most memory_len */
};

/* Borrows the image. */
struct tdvf {
	struct tdvf_section section[TDVF_SECTIONS_MAX];
	size_t count;
	size_t hob, variables; /* their places; there is one of each */
};

/*
 * Reads the metadata.
 *
 * RC_MALFORMED    no table of GUIDed structures at the image's end, or one
 *                 whose entries do not tile it; no TDX entry or two; a
 *                 descriptor or section outside the image; a section that is
 *                 not whole pages, has content where none belongs or none
 *                 where some does, or overlaps another in memory or image; not
 *                 one HOB and one CFV section, or no measured code
 * RC_UNSUPPORTED  a version, type or attribute QEMU does not load
 * RC_LIMIT        more than TDVF_..._MAX
 *
 * On failure *out is untouched.
 */
enum rc tdvf_read(struct tdvf *out, struct span image);

/*
 * How the VMM adds the pages of a section: each page's content measured right
 * after the page is added, or all pages added and then all measured, as builds
 * of QEMU 8 do.
 */
enum tdvf_order {
	TDVF_PAGE_BY_PAGE,
	TDVF_TWO_PASS,
};

/* MRTD: of the image alone, not of machine, kernel or command line. */
void tdvf_mrtd(struct sha384 *out, const struct tdvf *t, enum tdvf_order order);

/* The digest of the configuration volume as it lies in the image. */
void tdvf_variables(struct sha384 *out, const struct tdvf *t);
/* The configuration volume is a store of authenticated variables that has never
 * held one; also false for what is not such a store. */
bool tdvf_is_store_empty(const struct tdvf *t);

/*
 * The digest of the hand-off blocks that QEMU's q35 machine makes for 'memory'
 * bytes: which memory there is, and which of it the guest has yet to accept.
 *
 * RC_LIMIT: a section does not lie in the memory below 4 GiB, or the blocks do
 * not fit into their section.  *out is then untouched.
 */
enum rc tdvf_hob(struct sha384 *out, const struct tdvf *t, uint64_t memory);

#endif
