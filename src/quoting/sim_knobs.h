/*
 * sim_knobs: what the simulated platform does differently from a platform in
 * good order, so that each refusal of the verifier can be provoked by data.
 *
 * Zeroed (or a NULL pointer where one is taken): nothing is different.  "By a
 * stranger" means: signed with a key that was made for this one signature.
 */
#ifndef POSTERN_QUOTING_SIM_KNOBS_H
#define POSTERN_QUOTING_SIM_KNOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Seconds since 1970, both inclusive; to == 0: as usual. */
struct sim_validity {
	int64_t from, to;
};

/* Which certificates stand in the quote, in which order. */
enum sim_chain {
	SIM_CHAIN_USUAL, /* leaf, CA, root */
	SIM_CHAIN_REVERSED, /* the same three, root first */
	SIM_CHAIN_NO_ROOT,
	SIM_CHAIN_TWICE, /* leaf, leaf, root */
	SIM_CHAIN_GARBAGE, /* PEM frames around what is no certificate */
};

/* Read by sim_pki_certify(). */
struct sim_knobs_pki {
	const char *leaf_name, *ca_name, *signer_name; /* CN; NULL: usual */
	struct sim_validity leaf_valid, ca_valid, signer_valid, root_valid;
	bool leaf_is_ca, ca_is_end, signer_is_ca;
	bool leaf_by_stranger, ca_by_stranger, signer_by_stranger;
	bool leaf_without_sgx; /* no SGX extension */
	bool leaf_sgx_cut; /* the extension lacks its last byte */
	uint8_t leaf_component_drop; /* subtracted from every SGX component */
	uint16_t leaf_pce_svn; /* 0: usual */
	uint8_t leaf_pce_id; /* first byte */
};

/* Read by sim_docs_make(). */
struct sim_knobs_docs {
	/* CRLs */
	bool revokes_leaf, revokes_ca, revokes_signer;
	bool pck_crl_by_stranger, root_crl_by_stranger;
	bool pck_crl_of_root; /* the root's CRL stands where the CA's should */
	struct sim_validity pck_crl_valid, root_crl_valid;
	/* TCB info */
	struct sim_validity tcb_valid;
	const char *tcb_id; /* NULL: "TDX" */
	const char *tcb_status, *module_status; /* NULL: "UpToDate" */
	bool tcb_by_stranger, tcb_changed_after, tcb_cut;
	bool fmspc_differs, pce_id_differs;
	bool without_module; /* no identity for the module's version */
	uint8_t module_svn_floor; /* lowest module level; 0: usual */
	uint32_t tcb_evaluation; /* tcbEvaluationDataNumber; 0: usual */
	/* QE identity */
	struct sim_validity qe_valid;
	const char *qe_id; /* NULL: "TD_QE" */
	const char *qe_status; /* NULL: "UpToDate" */
	bool qe_by_stranger, qe_cut;
	uint16_t qe_svn_floor; /* lowest QE level; 0: usual */
	/* which chain comes with TCB info and QE identity */
	bool signer_chain_of_leaf;
};

/* Read by sim_quote(). */
struct sim_knobs_quote {
	uint16_t version; /* 0: 4; 5 adds the body descriptor */
	bool is_15; /* TD report 1.5; with version 5 */
	bool is_enclave; /* an SGX quote, version 3, of an enclave; no TD */
	bool enclave_is_debug; /* with is_enclave */
	uint16_t key_type; /* 0: 2, ECDSA P-256 */
	uint32_t tee_type; /* 0: 0x81, TDX */
	bool vendor_differs;
	bool header_reserved; /* a reserved header field is not zero */
	uint16_t certification_type; /* 0: 5 */
	uint32_t auth_size_add;
	uint8_t trailing; /* value of 70 bytes behind the quote; 0: none */
	bool is_padded; /* 70 zero bytes behind the quote, as real ones have */
	enum sim_chain chain;
	/* the TD */
	uint64_t td_attributes_flip;
	bool has_service_td; /* MR_SERVICETD is not zero; with is_15 */
	/* the module */
	uint8_t module_svn, module_version; /* both 0: usual */
	bool seam_attributes_set, seam_signer_set;
	/* the quoting enclave */
	bool qe_is_debug, qe_signer_differs, qe_product_differs;
	uint16_t qe_svn; /* 0: usual */
	bool qe_hash_differs; /* the QE vouches for another attestation key */
	bool qe_by_stranger; /* not the PCK key signed the QE report */
	/* the quote's own signature */
	bool by_stranger;
	bool changed_after; /* RTMR3 differs from what was signed */
	bool key_off_curve; /* the QE vouches for a point off the curve */
};

struct sim_knobs {
	struct sim_knobs_pki pki;
	struct sim_knobs_docs docs;
	struct sim_knobs_quote quote;
};

#endif
