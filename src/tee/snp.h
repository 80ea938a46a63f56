/*
 * snp: the fields of an AMD SEV-SNP attestation report, version 2, 3 or 5.
 *
 * Reads and writes only; nothing here is verified.  Strict: exactly 1184 bytes,
 * and what the specification reserves is zero, so that of all the bytes only
 * the signature's own are not signed, and none of those is free either.
 *
 * Source: AMD 56860 (SEV-SNP Firmware ABI), ATTESTATION_REPORT, GUEST_POLICY,
 * TCB_VERSION, signature format of ECDSA P-384 with SHA-384.
 */
#ifndef POSTERN_TEE_SNP_H
#define POSTERN_TEE_SNP_H

#include "base/span.h"
#include "base/wr.h"
#include "crypto/p384.h"
#include "tee/reason.h"

enum {
	SNP_REPORT_LEN = 1184,
	SNP_SIGNED_LEN = 672, /* what comes before the signature */
	SNP_MEASUREMENT_LEN = 48,
	SNP_HOST_DATA_LEN = 32,
	SNP_CHIP_ID_LEN = 64,
	SNP_VMPL_MAX = 3,
};

/* A report that the host asked for names this VMPL. */
#define SNP_VMPL_HOST UINT32_MAX

/* GUEST_POLICY; bits 0..15 are the least ABI version. */
#define SNP_POLICY_SMT (UINT64_C(1) << 16)
#define SNP_POLICY_RESERVED_ONE (UINT64_C(1) << 17)
#define SNP_POLICY_MIGRATE_MA (UINT64_C(1) << 18)
#define SNP_POLICY_DEBUG (UINT64_C(1) << 19)
#define SNP_POLICY_SINGLE_SOCKET (UINT64_C(1) << 20)
#define SNP_POLICY_CXL_ALLOW (UINT64_C(1) << 21)
#define SNP_POLICY_MEM_AES_256_XTS (UINT64_C(1) << 22)
#define SNP_POLICY_RAPL_DIS (UINT64_C(1) << 23)
#define SNP_POLICY_CIPHERTEXT_HIDING (UINT64_C(1) << 24)
#define SNP_POLICY_PAGE_SWAP_DISABLE (UINT64_C(1) << 25)

enum snp_signing_key {
	SNP_VCEK = 0, /* of one chip at one TCB */
	SNP_VLEK = 1, /* of a cloud at one TCB */
	SNP_UNSIGNED = 7,
};

/* Lines of processors; each has its own root (ARK). */
enum snp_product {
	SNP_PRODUCT_UNKNOWN,
	SNP_MILAN,
	SNP_GENOA, /* also Bergamo and Siena */
	SNP_TURIN,
	SNP_PRODUCT_COUNT,
};

/* Security version numbers of the firmware's parts. */
struct snp_tcb {
	uint8_t fmc; /* Turin only; else 0 */
	uint8_t bootloader, tee, snp, microcode;
};

struct snp_version {
	uint8_t major, minor, build;
};

/* Spans borrow the bytes given to snp_parse. */
struct snp_report {
	struct span raw, signed_region;
	uint32_t version; /* 2, 3, 5 */
	uint32_t guest_svn;
	uint64_t policy; /* SNP_POLICY_* */
	struct span family_id, image_id; /* 16 each */
	uint32_t vmpl; /* 0..3, or SNP_VMPL_HOST */
	/* As they stand there: what the bytes mean depends on the product. */
	uint64_t current_tcb, reported_tcb, committed_tcb, launch_tcb;
	uint64_t platform_info;
	bool author_key_en, mask_chip_key;
	enum snp_signing_key signing_key;
	struct span report_data; /* 64 */
	struct span measurement; /* 48 */
	struct span host_data; /* 32 */
	struct span id_key_digest, author_key_digest; /* 48 each */
	struct span report_id, report_id_ma; /* 32 each */
	uint8_t cpu_family, cpu_model, cpu_stepping; /* version 2: zero */
	struct span chip_id; /* 64; zero: masked */
	struct snp_version current, committed;
	uint64_t launch_mitigations, current_mitigations; /* before 5: zero */
	struct p384_signature signature;
};

/*
 * TEE_OK and *out filled, or *out untouched and
 *
 * TEE_SNP_SIZE        not 1184 bytes
 * TEE_SNP_VERSION     another version
 * TEE_SNP_ALGORITHM   another signature algorithm
 * TEE_SNP_RESERVED    a reserved bit or byte is not as it must be
 * TEE_SNP_SIGNER      signed by no key, or by one that is not known
 */
enum tee_reason snp_parse(struct snp_report *out, struct span bytes);
/* The same bytes again; raw and signed_region are not looked at. */
void snp_write(struct wr *w, const struct snp_report *r);

/* "Milan", ...; "unknown". */
const char *snp_product_name(enum snp_product p);
/* By a name as above. */
enum snp_product snp_product_of(struct span name);
/* By CPUID of a report of version 3 and later. */
enum snp_product snp_product_of_cpu(uint8_t family, uint8_t model);
/* False: a reserved byte is set or the product is not known. */
bool snp_tcb_read(struct snp_tcb *out, enum snp_product p, uint64_t tcb);
uint64_t snp_tcb_pack(enum snp_product p, const struct snp_tcb *tcb);

/* What is needed beside a report, each exactly as AMD serves it.  Borrowed. */
struct snp_collateral {
	struct span vek; /* DER: the VCEK or VLEK certificate */
	struct span chain; /* PEM: ASK (or ASVK) and ARK, in any order */
	struct span crl; /* DER, by the ARK; n == 0: none (see policy) */
};

enum {
	SNP_NAME_MAX = 64,
};

/* What the certificates say of the platform, once they are verified. */
struct snp_platform {
	enum snp_product product;
	char product_name[SNP_NAME_MAX + 1]; /* "Milan-B0" */
	char csp_id[SNP_NAME_MAX + 1]; /* VLEK: whose cloud; else "" */
	bool has_crl;
	struct snp_tcb reported; /* equal in report and certificate */
	struct snp_tcb current, committed, launch; /* the report's */
};

#endif
