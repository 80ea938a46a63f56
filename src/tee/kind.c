#include "tee/kind.h"

enum {
	QUOTE_TYPE_TDX = 0x81,
	/* A report is 1184 bytes, a quote more than this: what is larger and
	 * begins like a report is a quote whose key type is wrong. */
	REPORT_LEN_MAX = 4096,
};

enum tee_kind tee_kind_of(struct span evidence)
{
	size_t n = evidence.n;
	uint16_t version, key_type;
	uint32_t type;

	if (!rd_le16(&evidence, &version) || !rd_le16(&evidence, &key_type) ||
	    !rd_le32(&evidence, &type))
		return TEE_KIND_NONE;
	if (!key_type && n <= REPORT_LEN_MAX)
		return TEE_KIND_SNP;
	return type == QUOTE_TYPE_TDX ? TEE_KIND_TDX : TEE_KIND_SGX;
}

const char *tee_kind_name(enum tee_kind kind)
{
	static const char *const names[] = {
		[TEE_KIND_NONE] = "none",
		[TEE_KIND_SGX] = "SGX",
		[TEE_KIND_TDX] = "TDX",
		[TEE_KIND_SNP] = "SEV-SNP",
	};

	return names[kind];
}
