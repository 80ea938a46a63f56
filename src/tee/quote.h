/*
 * quote: the fields of a TDX or SGX quote, v3 (SGX), v4, v5.
 *
 * Reads only; nothing here is verified.  Strict: the fields tile the bytes
 * exactly, what follows the authentication data is zero and cut off.
 *
 * Source: Intel TDX DCAP Quoting Library API rev 0.9, appendix 3 (v4, v5);
 * Intel SGX ECDSA Quote Library Reference, appendix A (v3).
 */
#ifndef POSTERN_TEE_QUOTE_H
#define POSTERN_TEE_QUOTE_H

#include "base/span.h"
#include "tee/reason.h"

enum {
	QUOTE_MAX = 65536,
	QUOTE_REPORT_DATA_LEN = 64,
	QUOTE_MR_LEN = 48,
	QUOTE_RTMR_COUNT = 4,
	QUOTE_HEADER_LEN = 48,
	QUOTE_ENCLAVE_REPORT_LEN = 384,
	QUOTE_TD_REPORT_10_LEN = 584,
	QUOTE_TD_REPORT_15_LEN = 648,
};

/* Of the certification data types 1 to 5 those that are told apart. */
enum {
	QUOTE_CERTIFICATION_PPID_CLEAR = 1,
	QUOTE_CERTIFICATION_PPID_RSA3072 = 3,
	QUOTE_CERTIFICATION_CHAIN = 5,
};

enum quote_tee {
	QUOTE_SGX,
	QUOTE_TDX,
};

/* SGX enclave report (also the QE's own). */
struct enclave_report {
	struct span raw; /* 384 bytes */
	struct span cpu_svn; /* 16 */
	uint32_t misc_select;
	struct span attributes; /* 16 */
	struct span mr_enclave, mr_signer; /* 32 each */
	uint16_t isv_prod_id, isv_svn;
	struct span report_data; /* 64 */
};

struct td_report {
	struct span raw; /* 584 or 648 bytes */
	struct span tee_tcb_svn; /* 16 */
	struct span mr_seam, mr_signer_seam; /* 48 */
	struct span seam_attributes; /* 8 */
	uint64_t td_attributes, xfam;
	struct span mr_td, mr_config_id, mr_owner, mr_owner_config; /* 48 */
	struct span rtmr[QUOTE_RTMR_COUNT]; /* 48 each */
	struct span report_data; /* 64 */
	struct span tee_tcb_svn2; /* 16; n == 0 in TD report 1.0 */
	struct span mr_service_td; /* 48; n == 0 in TD report 1.0 */
};

/* Spans borrow the bytes given to quote_parse. */
struct quote {
	uint16_t version;
	enum quote_tee tee;
	struct span canonical; /* header to the authentication data's end */
	struct span signed_region; /* what the attestation key signed */
	struct span qe_vendor; /* 16 */
	struct span user_data; /* 20 */
	struct enclave_report enclave; /* SGX */
	struct td_report td; /* TDX */
	struct span signature; /* 64, r || s */
	struct span attestation_key; /* 64, x || y */
	struct enclave_report qe_report;
	struct span qe_report_signature; /* 64 */
	struct span qe_auth_data;
	uint16_t certification_type; /* 1..5 */
	struct span certification_data; /* type 5: the PEM chain */
};

/* The report data, whichever TEE. */
struct span quote_report_data(const struct quote *q);

/* TEE_OK and *out filled, or a TEE_QUOTE_* reason and *out untouched. */
enum tee_reason quote_parse(struct quote *out, struct span bytes);

#endif
