#include "tee/snp_cert.h"

#include <stdio.h>
#include <string.h>

#include "pki/der.h"

#define AMD_OID "1.3.6.1.4.1.3704.1."

enum {
	HW_ID_TURIN_LEN = 8,
	STRUCT_VERSION_MAX = 1,
};

const char *snp_leaf_name(enum snp_signing_key key)
{
	return key == SNP_VLEK ? "SEV-VLEK" : "SEV-VCEK";
}

enum snp_product snp_product_of_ark(const struct rsapss_cert *ark)
{
	struct span name = span_str(ark->common_name);
	struct span prefix = span_str("ARK-");

	if (!span_has_prefix(name, prefix) || !rd_skip(&name, prefix.n))
		return SNP_PRODUCT_UNKNOWN;
	return snp_product_of(name);
}

bool snp_is_intermediate(const struct rsapss_cert *c, enum snp_product p,
			 enum snp_signing_key key)
{
	char want[RSAPSS_NAME_MAX + 1];

	(void)snprintf(want, sizeof(want), "SEV-%s%s",
		       key == SNP_VLEK ? "VLEK-" : "", snp_product_name(p));
	return strcmp(c->common_name, want) == 0;
}

bool snp_is_of_line(const char *product_name, enum snp_product p)
{
	struct span name = span_str(product_name), line;

	if (!rd_until(&name, &line, '-'))
		return false;
	if (p == SNP_GENOA && (span_equal_str(line, "Bergamo") ||
			       span_equal_str(line, "Siena")))
		return true;
	return span_equal_str(line, snp_product_name(p));
}

/* An extension that is an INTEGER of 0..max, whole. */
static bool read_small(uint8_t *out, struct span value, uint8_t max)
{
	uint32_t n;

	if (!der_uint(&value, DER_INTEGER, &n, max) || !rd_end(&value))
		return false;
	*out = (uint8_t)n;
	return true;
}

/* An extension that is an IA5String of printable ASCII, whole. */
static bool read_text(char out[SNP_NAME_MAX + 1], struct span value)
{
	struct span text;

	if (!der_take(&value, DER_IA5_STRING, &text) || !rd_end(&value) ||
	    !text.n || text.n > SNP_NAME_MAX)
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < ' ' || text.p[i] > '~')
			return false;
	memcpy(out, text.p, text.n);
	out[text.n] = 0;
	return true;
}

/* The chip's bytes bare, as KDS has served them, or as an OCTET STRING: the
 * lengths differ, so that no value reads both ways. */
static bool read_hw_id(struct span *out, struct span value, enum snp_product p)
{
	size_t want = p == SNP_TURIN ? HW_ID_TURIN_LEN : SNP_CHIP_ID_LEN;
	struct span inner;

	if (value.n != want) {
		if (!der_take(&value, DER_OCTET_STRING, &inner) ||
		    !rd_end(&value) || inner.n != want)
			return false;
		value = inner;
	}
	*out = value;
	return true;
}

enum presence {
	NEEDED,
	ZERO, /* if there at all: reserved in the TCB of this line */
};

/* Into *out, the part of the TCB with this identifier. */
static bool read_part(uint8_t *out, const struct rsapss_cert *c,
		      const char *oid, enum presence presence)
{
	struct span value;

	if (!rsapss_extension(c, oid, &value)) {
		*out = 0;
		return presence == ZERO;
	}
	return read_small(out, value, presence == ZERO ? 0 : UINT8_MAX);
}

static bool read_tcb(struct snp_tcb *tcb, const char **field,
		     const struct rsapss_cert *c, enum snp_product p)
{
	uint8_t reserved;
	const struct {
		const char *oid, *field;
		uint8_t *to;
		enum presence presence;
	} parts[] = {
		{ AMD_OID "3.1", "blSPL", &tcb->bootloader, NEEDED },
		{ AMD_OID "3.2", "teeSPL", &tcb->tee, NEEDED },
		{ AMD_OID "3.3", "snpSPL", &tcb->snp, NEEDED },
		{ AMD_OID "3.4", "spl4", &reserved, ZERO },
		{ AMD_OID "3.5", "spl5", &reserved, ZERO },
		{ AMD_OID "3.6", "spl6", &reserved, ZERO },
		{ AMD_OID "3.7", "spl7", &reserved, ZERO },
		{ AMD_OID "3.8", "ucodeSPL", &tcb->microcode, NEEDED },
		{ AMD_OID "3.9", "fmcSPL", &tcb->fmc,
		  p == SNP_TURIN ? NEEDED : ZERO },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		*field = parts[i].field;
		if (!read_part(parts[i].to, c, parts[i].oid,
			       parts[i].presence))
			return false;
	}
	return true;
}

/* A VCEK is of a chip, a VLEK of a cloud; none is of both. */
static bool read_owner(struct snp_extensions *e, const char **field,
		       const struct rsapss_cert *c, enum snp_product p,
		       enum snp_signing_key key)
{
	struct span hw_id, csp_id;
	bool has_hw_id = rsapss_extension(c, AMD_OID "4", &hw_id);
	bool has_csp_id = rsapss_extension(c, AMD_OID "5", &csp_id);

	*field = "cspID";
	if (has_csp_id != (key == SNP_VLEK) ||
	    (has_csp_id && !read_text(e->csp_id, csp_id)))
		return false;
	*field = "hwID";
	return has_hw_id == (key == SNP_VCEK) &&
	       (!has_hw_id || read_hw_id(&e->hw_id, hw_id, p));
}

bool snp_extensions_read(struct snp_extensions *out, const char **field,
			 const struct rsapss_cert *c, enum snp_product p,
			 enum snp_signing_key key)
{
	struct snp_extensions e = { 0 };
	struct span value;
	uint8_t version;

	*field = "structVersion";
	if (!rsapss_extension(c, AMD_OID "1", &value) ||
	    !read_small(&version, value, STRUCT_VERSION_MAX))
		return false;
	*field = "productName";
	if (!rsapss_extension(c, AMD_OID "2", &value) ||
	    !read_text(e.product_name, value))
		return false;
	if (!read_tcb(&e.tcb, field, c, p) ||
	    !read_owner(&e, field, c, p, key))
		return false;
	*out = e;
	return true;
}
