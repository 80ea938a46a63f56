#include "tee/snp.h"

#include <string.h>

enum {
	ALGORITHM_ECDSA_P384 = 1, /* with SHA-384 */
	SIGNATURE_LEN = 512,
	COORDINATE_LEN = 72, /* little-endian, of which 48 can be set */
	FLAG_AUTHOR_KEY = 1 << 0,
	FLAG_MASK_CHIP_KEY = 1 << 1,
	FLAG_SIGNING_KEY = 2, /* shift; three bits */
	FLAGS_KNOWN = 0x1f,
	FAMILY_19 = 0x19,
	FAMILY_1A = 0x1a,
};

#define POLICY_KNOWN UINT64_C(0x03ffffff)
/* PLATFORM_INFO bits 0..5 and 7 have a meaning. */
#define PLATFORM_KNOWN UINT64_C(0xbf)

static const char *const product_names[SNP_PRODUCT_COUNT] = {
	[SNP_PRODUCT_UNKNOWN] = "unknown",
	[SNP_MILAN] = "Milan",
	[SNP_GENOA] = "Genoa",
	[SNP_TURIN] = "Turin",
};

const char *snp_product_name(enum snp_product p)
{
	return product_names[p];
}

enum snp_product snp_product_of(struct span name)
{
	for (unsigned p = SNP_MILAN; p < SNP_PRODUCT_COUNT; p++)
		if (span_equal_str(name, product_names[p]))
			return (enum snp_product)p;
	return SNP_PRODUCT_UNKNOWN;
}

enum snp_product snp_product_of_cpu(uint8_t family, uint8_t model)
{
	static const struct {
		uint8_t family, first, last;
		enum snp_product product;
	} ranges[] = {
		{ FAMILY_19, 0x00, 0x0f, SNP_MILAN },
		{ FAMILY_19, 0x10, 0x1f, SNP_GENOA },
		{ FAMILY_19, 0xa0, 0xaf, SNP_GENOA }, /* Bergamo, Siena */
		{ FAMILY_1A, 0x00, 0x1f, SNP_TURIN },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (family == ranges[i].family && model >= ranges[i].first &&
		    model <= ranges[i].last)
			return ranges[i].product;
	return SNP_PRODUCT_UNKNOWN;
}

/* Where each part stands in TCB_VERSION, as a shift; the rest is reserved. */
struct tcb_layout {
	uint8_t bootloader, tee, snp, microcode;
	bool has_fmc; /* in the lowest byte */
	uint64_t reserved;
};

static const struct tcb_layout layouts[SNP_PRODUCT_COUNT] = {
	[SNP_MILAN] = { 0, 8, 48, 56, false, UINT64_C(0x0000ffffffff0000) },
	[SNP_GENOA] = { 0, 8, 48, 56, false, UINT64_C(0x0000ffffffff0000) },
	[SNP_TURIN] = { 8, 16, 24, 56, true, UINT64_C(0x00ffffff00000000) },
};

bool snp_tcb_read(struct snp_tcb *out, enum snp_product p, uint64_t tcb)
{
	const struct tcb_layout *l = &layouts[p];

	if (p == SNP_PRODUCT_UNKNOWN || tcb & l->reserved)
		return false;
	*out = (struct snp_tcb){
		.fmc = l->has_fmc ? (uint8_t)tcb : 0,
		.bootloader = (uint8_t)(tcb >> l->bootloader),
		.tee = (uint8_t)(tcb >> l->tee),
		.snp = (uint8_t)(tcb >> l->snp),
		.microcode = (uint8_t)(tcb >> l->microcode),
	};
	return true;
}

uint64_t snp_tcb_pack(enum snp_product p, const struct snp_tcb *tcb)
{
	const struct tcb_layout *l = &layouts[p];

	return (l->has_fmc ? tcb->fmc : 0) |
	       (uint64_t)tcb->bootloader << l->bootloader |
	       (uint64_t)tcb->tee << l->tee | (uint64_t)tcb->snp << l->snp |
	       (uint64_t)tcb->microcode << l->microcode;
}

static bool rd_zero(struct span *s, size_t n)
{
	struct span in = *s, zero;

	if (!rd_n(&in, &zero, n) || !span_is_zero(zero))
		return false;
	*s = in;
	return true;
}

static bool rd_flags(struct span *s, struct snp_report *r)
{
	uint32_t flags;

	if (!rd_le32(s, &flags) || flags & ~(uint32_t)FLAGS_KNOWN)
		return false;
	r->author_key_en = flags & FLAG_AUTHOR_KEY;
	r->mask_chip_key = flags & FLAG_MASK_CHIP_KEY;
	r->signing_key = (enum snp_signing_key)(flags >> FLAG_SIGNING_KEY);
	return true;
}

/* Build, minor, major, and a byte that is reserved. */
static bool rd_version(struct span *s, struct snp_version *v)
{
	return rd_u8(s, &v->build) && rd_u8(s, &v->minor) &&
	       rd_u8(s, &v->major) && rd_zero(s, 1);
}

/* Bytes 0x38 to 0x17f. */
static bool rd_guest(struct span *s, struct snp_report *r)
{
	return rd_le64(s, &r->current_tcb) &&
	       rd_le64(s, &r->platform_info) &&
	       !(r->platform_info & ~PLATFORM_KNOWN) &&
	       rd_flags(s, r) &&
	       rd_zero(s, 4) &&
	       rd_n(s, &r->report_data, 64) &&
	       rd_n(s, &r->measurement, SNP_MEASUREMENT_LEN) &&
	       rd_n(s, &r->host_data, SNP_HOST_DATA_LEN) &&
	       rd_n(s, &r->id_key_digest, 48) &&
	       rd_n(s, &r->author_key_digest, 48) &&
	       rd_n(s, &r->report_id, 32) &&
	       rd_n(s, &r->report_id_ma, 32);
}

/* Bytes 0x180 to 0x29f. */
static bool rd_platform(struct span *s, struct snp_report *r)
{
	if (!rd_le64(s, &r->reported_tcb))
		return false;
	if (r->version >= 3 &&
	    (!rd_u8(s, &r->cpu_family) || !rd_u8(s, &r->cpu_model) ||
	     !rd_u8(s, &r->cpu_stepping)))
		return false;
	if (!rd_zero(s, r->version >= 3 ? 21 : 24) ||
	    !rd_n(s, &r->chip_id, SNP_CHIP_ID_LEN) ||
	    !rd_le64(s, &r->committed_tcb) ||
	    !rd_version(s, &r->current) ||
	    !rd_version(s, &r->committed) ||
	    !rd_le64(s, &r->launch_tcb))
		return false;
	if (r->version >= 5 && (!rd_le64(s, &r->launch_mitigations) ||
				!rd_le64(s, &r->current_mitigations)))
		return false;
	return rd_zero(s, r->version >= 5 ? 152 : 168);
}

/* Turned around, and without the bytes that no P-384 number has. */
static bool rd_coordinate(struct span *s, uint8_t out[P384_COORDINATE_LEN])
{
	struct span le;

	if (!rd_n(s, &le, P384_COORDINATE_LEN) ||
	    !rd_zero(s, COORDINATE_LEN - P384_COORDINATE_LEN))
		return false;
	for (size_t i = 0; i < P384_COORDINATE_LEN; i++)
		out[P384_COORDINATE_LEN - 1 - i] = le.p[i];
	return true;
}

static bool rd_signature(struct span *s, struct p384_signature *sig)
{
	return rd_coordinate(s, sig->rs) &&
	       rd_coordinate(s, sig->rs + P384_COORDINATE_LEN) &&
	       rd_zero(s, SIGNATURE_LEN - 2 * COORDINATE_LEN) && rd_end(s);
}

/* Bytes 0 to 0x37. */
static enum tee_reason rd_head(struct span *s, struct snp_report *r)
{
	uint32_t algorithm;

	if (!rd_le32(s, &r->version) || !rd_le32(s, &r->guest_svn) ||
	    !rd_le64(s, &r->policy) || !rd_n(s, &r->family_id, 16) ||
	    !rd_n(s, &r->image_id, 16) || !rd_le32(s, &r->vmpl) ||
	    !rd_le32(s, &algorithm))
		return TEE_SNP_SIZE;
	if (r->version != 2 && r->version != 3 && r->version != 5)
		return TEE_SNP_VERSION;
	if (algorithm != ALGORITHM_ECDSA_P384)
		return TEE_SNP_ALGORITHM;
	if (r->policy & ~POLICY_KNOWN ||
	    !(r->policy & SNP_POLICY_RESERVED_ONE) ||
	    (r->vmpl > SNP_VMPL_MAX && r->vmpl != SNP_VMPL_HOST))
		return TEE_SNP_RESERVED;
	return TEE_OK;
}

enum tee_reason snp_parse(struct snp_report *out, struct span bytes)
{
	struct snp_report r = {
		.raw = bytes,
		.signed_region = span_of(bytes.p, SNP_SIGNED_LEN),
	};
	struct span s = bytes;
	enum tee_reason reason;

	if (bytes.n != SNP_REPORT_LEN)
		return TEE_SNP_SIZE;
	reason = rd_head(&s, &r);
	if (reason)
		return reason;
	if (!rd_guest(&s, &r) || !rd_platform(&s, &r) ||
	    !rd_signature(&s, &r.signature))
		return TEE_SNP_RESERVED;
	if (r.signing_key != SNP_VCEK && r.signing_key != SNP_VLEK)
		return TEE_SNP_SIGNER;
	*out = r;
	return TEE_OK;
}

static void wr_version(struct wr *w, const struct snp_version *v)
{
	wr_u8(w, v->build);
	wr_u8(w, v->minor);
	wr_u8(w, v->major);
	wr_zero(w, 1);
}

static void wr_guest(struct wr *w, const struct snp_report *r)
{
	wr_le32(w, r->version);
	wr_le32(w, r->guest_svn);
	wr_le64(w, r->policy);
	wr_bytes(w, r->family_id);
	wr_bytes(w, r->image_id);
	wr_le32(w, r->vmpl);
	wr_le32(w, ALGORITHM_ECDSA_P384);
	wr_le64(w, r->current_tcb);
	wr_le64(w, r->platform_info);
	wr_le32(w, (r->author_key_en ? FLAG_AUTHOR_KEY : 0U) |
			   (r->mask_chip_key ? FLAG_MASK_CHIP_KEY : 0U) |
			   (uint32_t)r->signing_key << FLAG_SIGNING_KEY);
	wr_zero(w, 4);
	wr_bytes(w, r->report_data);
	wr_bytes(w, r->measurement);
	wr_bytes(w, r->host_data);
	wr_bytes(w, r->id_key_digest);
	wr_bytes(w, r->author_key_digest);
	wr_bytes(w, r->report_id);
	wr_bytes(w, r->report_id_ma);
}

static void wr_platform(struct wr *w, const struct snp_report *r)
{
	wr_le64(w, r->reported_tcb);
	if (r->version >= 3) {
		wr_u8(w, r->cpu_family);
		wr_u8(w, r->cpu_model);
		wr_u8(w, r->cpu_stepping);
	}
	wr_zero(w, r->version >= 3 ? 21 : 24);
	wr_bytes(w, r->chip_id);
	wr_le64(w, r->committed_tcb);
	wr_version(w, &r->current);
	wr_version(w, &r->committed);
	wr_le64(w, r->launch_tcb);
	if (r->version >= 5) {
		wr_le64(w, r->launch_mitigations);
		wr_le64(w, r->current_mitigations);
	}
	wr_zero(w, r->version >= 5 ? 152 : 168);
}

void snp_write(struct wr *w, const struct snp_report *r)
{
	wr_guest(w, r);
	wr_platform(w, r);
	for (size_t half = 0; half < 2; half++) {
		for (size_t i = P384_COORDINATE_LEN; i-- > 0;)
			wr_u8(w, r->signature
					 .rs[half * P384_COORDINATE_LEN + i]);
		wr_zero(w, COORDINATE_LEN - P384_COORDINATE_LEN);
	}
	wr_zero(w, SIGNATURE_LEN - 2 * COORDINATE_LEN);
}
