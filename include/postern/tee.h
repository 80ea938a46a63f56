/*
 * postern/tee.h: libpostern-tee, the verifier of Postern for any program.
 *
 * Is this evidence (an Intel TDX or SGX quote, an AMD SEV-SNP report) what it
 * says, is its platform in good order, does my policy accept what it measured,
 * and is it bound to what I asked for?  postern_tee_verify() answers all of it
 * at once, with a stable reason; there is no way to run half of it.
 *
 * It does no I/O, reads no clock, starts no thread, logs nothing and keeps no
 * global state.  You bring evidence, collateral (the documents that the vendor
 * publishes about platforms), policy and time as bytes and numbers.
 *
 *	struct postern_tee_verdict v = { .size = sizeof(v) };
 *	struct postern_tee_request r = { .size = sizeof(r), ... };
 *
 *	if (postern_tee_verify(&v, &r) == POSTERN_TEE_OK)
 *		the evidence is accepted: v.claims, v.report_data, ...
 *	else
 *		it is not: v.reason, v.detail
 *
 * Memory.  Verdict and request are yours.  What is allocated, always with
 * malloc, is bounded whatever the input:
 *
 *	collateral    8 MiB, and 4 MiB more while it is being made; Intel's
 *	              documents of today take less than 100 KiB, AMD's 32 KiB
 *	policy        32 MiB with all the signed lists it may name, and 16 MiB
 *	              more while it is being read; one without lists takes as
 *	              much as its text, about
 *	verification  nothing for a quote without logs; else 5 MiB while it
 *	              runs, of which an event log needs all but 64 KiB
 *
 * libcrypto keeps what it fetched the first time.  A thread that calls needs a
 * stack of 128 KiB.
 *
 * When memory runs out all the same the process is aborted: the library does
 * not go on with a check that it could not make.
 *
 * Threads.  Collateral never changes after it was made, nor does a policy that
 * has its lists; any number of threads may verify with the same ones.  Two
 * threads must not use one verdict at a time, nor free an object that another
 * still uses.
 *
 * Compatibility.  Functions keep their meaning and their version.  Verdict,
 * request and hint grow only at their end, and their first member says how
 * large yours is.  Names of reasons, claims and documents are never changed;
 * there may be more in a later version.  All text is UTF-8 and NUL-terminated.
 *
 * The reasons and what each means: docs/REASONS.md.  What a policy file says:
 * postern-policy(5).  An example: examples/verify.
 */
#ifndef POSTERN_TEE_H
#define POSTERN_TEE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define POSTERN_TEE_API __attribute__((visibility("default")))
#define POSTERN_TEE_CHECKED __attribute__((warn_unused_result))

/* Of this header; the library's own is postern_tee_version(). */
#define POSTERN_TEE_VERSION "0.1.0"

/* What a call came to. */
enum postern_tee_result {
	POSTERN_TEE_OK = 0, /* done; of a verification: ACCEPTED */
	POSTERN_TEE_REFUSED = 1, /* judged and not accepted */
	POSTERN_TEE_UNUSABLE = 2, /* the call is wrong: nothing was judged */
};

/* Why something was refused, or how a call is wrong. */
#define POSTERN_TEE_DETAIL_MAX 512
struct postern_tee_error {
	const char *reason; /* stable name, lives for ever; never NULL */
	char detail[POSTERN_TEE_DETAIL_MAX]; /* for a person */
};

/* "0.1.0"; lives for ever. */
POSTERN_TEE_API const char *postern_tee_version(void);

/* ------------------------------------------------------------------------ */
/* Collateral                                                               */

/*
 * One document, exactly as the vendor's service served it.  Borrowed until the
 * call returns.
 */
struct postern_tee_document {
	const char *name; /* one of the names below */
	const void *data;
	size_t size; /* 0: as if it was not given */
};

/*
 * Names of documents; they are the names of files in a folder of collateral,
 * too.  For TDX and SGX (Intel PCS v4):
 */
/* Certificates that the root revoked: DER, or PEM or hex of it, as Intel's
 * service and caches of it answer */
#define POSTERN_TEE_ROOT_CRL "root_ca.crl.der"
/* PCK certificates that their CA revoked: the same */
#define POSTERN_TEE_PCK_CRL "pck.crl.der"
/* JSON: {"tcbInfo":{...},"signature":"..."}, and PEM: its signer and root */
#define POSTERN_TEE_TCB_INFO "tcb_info.json"
#define POSTERN_TEE_TCB_INFO_CHAIN "tcb_info_issuer_chain.pem"
/* JSON: {"enclaveIdentity":{...},"signature":"..."}, and PEM as above */
#define POSTERN_TEE_QE_IDENTITY "qe_identity.json"
#define POSTERN_TEE_QE_IDENTITY_CHAIN "qe_identity_issuer_chain.pem"
/* PEM, may be left out: the PCK CRL's issuer and root.  With it the CA of PCK
 * certificates is verified once, and not for each quote. */
#define POSTERN_TEE_PCK_CRL_CHAIN "pck_crl_issuer_chain.pem"
/* PEM, may be left out: PCK certificate, CA and root, for quotes that do not
 * carry them. */
#define POSTERN_TEE_PCK_CHAIN "pck_chain.pem"
/*
 * For SEV-SNP (AMD's key distribution service), each at most 64 KiB:
 */
/* DER: the certificate of the key that signed the report: the chip's own or
 * the cloud's.  One of the two; both are one document that comes twice. */
#define POSTERN_TEE_VCEK "vcek.der"
#define POSTERN_TEE_VLEK "vlek.der"
/* PEM: its issuer (ASK or ASVK) and root (ARK) */
#define POSTERN_TEE_VEK_CHAIN "cert_chain.pem"
/* DER: what the root revoked.  May be left out; a policy without
 * 'snp: {require_crl: false}' then refuses every report. */
#define POSTERN_TEE_VEK_CRL "crl.der"

/* The names, one by one from 0; NULL after the last.  Lives for ever. */
POSTERN_TEE_API const char *postern_tee_document_name(size_t index);

/*
 * Collateral whose signatures were verified up to a root, ready for any number
 * of verifications.  Dates are not looked at here: each verification checks
 * them all, so it may be kept until the vendor publishes newer documents.
 *
 * It is for quotes, for reports, or for both: all documents that one kind of
 * evidence needs, or none of them.  Evidence of a kind that it has none for is
 * refused as collateral-missing.  AMD's documents are for one chip (or cloud)
 * at one TCB; they are read here, signatures too, and what is wrong with them
 * is said by each verification.
 */
struct postern_tee_collateral;

/*
 * Collateral under the vendors' roots, which are compiled in.
 *
 * OK        *out is owned: postern_tee_collateral_free(); documents are copied
 * REFUSED   a document is missing, too large, not of its form, or not signed
 *           as it must be; *error says which
 * UNUSABLE  an argument is NULL, a document's name is not known or comes
 *           twice; *error says which
 *
 * On failure *out is NULL.  'error' may be NULL.
 */
POSTERN_TEE_API POSTERN_TEE_CHECKED enum postern_tee_result
postern_tee_collateral_new(struct postern_tee_collateral **out,
			   const struct postern_tee_document *documents,
			   size_t count, struct postern_tee_error *error);

/*
 * Collateral of a SIMULATED platform: only 'root_pem' is trusted, one
 * self-signed certificate (P-256 as Intel's root, or RSA-4096 with PSS and
 * SHA-384 as AMD's), and no vendor's root.  Every verdict that rests on it has
 * 'simulated' set.  For tests; a program that can be told to call this can be
 * told to accept anything.
 *
 * As above; UNUSABLE too when root_pem is no such certificate, or a vendor's.
 */
POSTERN_TEE_API POSTERN_TEE_CHECKED enum postern_tee_result
postern_tee_collateral_new_simulated(
	struct postern_tee_collateral **out, const void *root_pem,
	size_t root_pem_size, const struct postern_tee_document *documents,
	size_t count, struct postern_tee_error *error);

/* NULL is a no-op. */
POSTERN_TEE_API void
postern_tee_collateral_free(struct postern_tee_collateral *collateral);

/* ------------------------------------------------------------------------ */
/* Policy                                                                   */

/* What is accepted beyond being genuine. */
struct postern_tee_policy;

/*
 * Reads the text of a policy file, postern-policy(5).  'name' stands in front
 * of what is wrong with it, as "policy.yaml:7: ...".
 *
 * OK        *out is owned: postern_tee_policy_free(); the text is copied
 * UNUSABLE  an argument is NULL, or the text is no policy; *error says where
 *
 * On failure *out is NULL.  'error' may be NULL.
 */
POSTERN_TEE_API POSTERN_TEE_CHECKED enum postern_tee_result
postern_tee_policy_new(struct postern_tee_policy **out, const char *name,
		       const void *text, size_t size,
		       struct postern_tee_error *error);

/*
 * The files of signed lists that the policy names (platforms.lists), one by one
 * from 0, as it names them; NULL after the last.  Borrows the policy.
 */
POSTERN_TEE_API const char *
postern_tee_policy_file(const struct postern_tee_policy *policy, size_t index);

/*
 * Gives the policy what is in one of these files; to be done before any thread
 * verifies with it.  A policy whose list was not given, or is not in order,
 * refuses all evidence: nobody lifts a deny list by hiding it.
 *
 * OK        the list is in order; whether it is in force is looked at in each
 *           verification
 * REFUSED   it is not; *error says why
 * UNUSABLE  an argument is NULL, or the policy names no such file
 *
 * 'error' may be NULL.
 */
POSTERN_TEE_API enum postern_tee_result
postern_tee_policy_give(struct postern_tee_policy *policy,
			const struct postern_tee_document *file,
			struct postern_tee_error *error);

/* NULL is a no-op. */
POSTERN_TEE_API void postern_tee_policy_free(struct postern_tee_policy *policy);

/* ------------------------------------------------------------------------ */
/* Evidence                                                                 */

enum postern_tee_kind {
	POSTERN_TEE_KIND_NONE = 0,
	POSTERN_TEE_KIND_SGX = 1, /* Intel SGX quote */
	POSTERN_TEE_KIND_TDX = 2, /* Intel TDX quote */
	POSTERN_TEE_KIND_SNP = 3, /* AMD SEV-SNP attestation report */
};

/* How far a platform's trusted computing base is behind, in Intel's words.
 * AMD has none: of a report all are NONE, and what is new enough is the
 * policy's to say (snp.min_tcb). */
enum postern_tee_status {
	POSTERN_TEE_STATUS_NONE = 0, /* not determined, or no such part */
	POSTERN_TEE_UP_TO_DATE = 1,
	POSTERN_TEE_SW_HARDENING_NEEDED = 2,
	POSTERN_TEE_CONFIGURATION_NEEDED = 3,
	POSTERN_TEE_CONFIGURATION_AND_SW_HARDENING_NEEDED = 4,
	POSTERN_TEE_OUT_OF_DATE = 5,
	POSTERN_TEE_OUT_OF_DATE_CONFIGURATION_NEEDED = 6,
	POSTERN_TEE_TD_RELAUNCH_ADVISED = 7,
	POSTERN_TEE_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED = 8,
	POSTERN_TEE_REVOKED = 9,
};

/* "UpToDate", ...; never NULL.  Lives for ever. */
POSTERN_TEE_API const char *
postern_tee_status_name(enum postern_tee_status status);

/*
 * What evidence says of itself before anything is verified: enough to find the
 * collateral it needs, and good for nothing else.
 */
struct postern_tee_hint {
	size_t size; /* sizeof of your struct, before the call */
	enum postern_tee_kind kind;
	/* The platform's family.  TDX, SGX: FMSPC; SEV-SNP: family, model and
	 * stepping of the processor (not in version 2).  family_size 0: not
	 * in it */
	uint8_t family[16];
	size_t family_size;
	/* The first version ends here.  SEV-SNP, zero for other kinds: the TCB
	 * of the certificate, as a number of the product's layout; its chip,
	 * all zero where the platform masks it; whether it is a VLEK */
	uint64_t reported_tcb;
	uint8_t chip_id[64];
	int is_vlek;
};

/*
 * OK        *hint is filled
 * REFUSED   not evidence of a known kind; *hint is zero but for its size
 * UNUSABLE  an argument is NULL or hint->size is too small
 */
POSTERN_TEE_API POSTERN_TEE_CHECKED enum postern_tee_result
postern_tee_hint_read(struct postern_tee_hint *hint, const void *evidence,
		      size_t size);

/* What is to be verified.  Everything is borrowed until the call returns. */
struct postern_tee_request {
	size_t size; /* sizeof of your struct */
	/* raw bytes; the kind is recognised */
	const void *evidence;
	size_t evidence_size;
	const struct postern_tee_collateral *collateral;
	/* NULL: UpToDate, no debug, any measurement; as an empty file */
	const struct postern_tee_policy *policy;
	int64_t at; /* when: seconds since 1970 */
	/*
	 * What binds the evidence to you: its report data must be these bytes,
	 * and zero after them.  At most 64.  Evidence that is not compared with
	 * something fresh (a nonce, a key, a session) can be anybody's and of
	 * any time, so not to compare it takes saying so: with
	 * any_report_data set, report_data must be NULL, and it is up to you
	 * to look at the verdict's.
	 */
	const void *report_data;
	size_t report_data_size;
	int any_report_data;
	/*
	 * Logs that must agree with the measured registers, or NULL; they are
	 * refused beside evidence that has none (SGX, SEV-SNP).
	 * firmware_log: a CCEL in the TCG's form, RTMR0..2 (and RTMR3 if it
	 * has events of it).  runtime_log: JSON in dstack's form, RTMR3; what
	 * it says becomes claims.
	 */
	const void *firmware_log;
	size_t firmware_log_size;
	const void *runtime_log;
	size_t runtime_log_size;
};

/* The part of a verification in which evidence was refused, in the order in
 * which they are told to people. */
enum postern_tee_layer {
	POSTERN_TEE_LAYER_NONE = 0, /* accepted */
	POSTERN_TEE_LAYER_EVIDENCE = 1, /* the form of the evidence */
	POSTERN_TEE_LAYER_COLLATERAL = 2, /* documents and CRLs, their dates */
	POSTERN_TEE_LAYER_CHAIN = 3, /* the platform's certificates */
	POSTERN_TEE_LAYER_SIGNATURE = 4, /* from there to the evidence */
	POSTERN_TEE_LAYER_TCB = 5, /* what the vendor says of the platform */
	POSTERN_TEE_LAYER_POLICY = 6, /* what you accept of it */
	POSTERN_TEE_LAYER_BINDING = 7, /* report data */
	POSTERN_TEE_LAYER_LOG = 8, /* event logs */
};

/* "evidence", "collateral", ...; "none".  Lives for ever. */
POSTERN_TEE_API const char *
postern_tee_layer_name(enum postern_tee_layer layer);

/*
 * One thing that the evidence states.  Numbers (td_attributes, xfam, the isv
 * ones, and of SEV-SNP those of its last two lines) are big-endian, everything
 * else is as it stands in the evidence.
 *
 * TDX      mr_td rtmr0 rtmr1 rtmr2 rtmr3 mr_config_id mr_owner mr_owner_config
 *          mr_seam mr_signer_seam mr_service_td (only in a TD report 1.5)
 *          td_attributes xfam tee_tcb_svn tee_tcb_svn2 (1.5)
 * SGX      mr_enclave mr_signer isv_prod_id isv_svn attributes cpu_svn
 * SEV-SNP  measurement host_data id_key_digest author_key_digest family_id
 *          image_id report_id report_id_ma; product ("Milan-B0") and, with a
 *          VLEK, cloud: text that the certificate says, without a NUL;
 *          guest_policy platform_info guest_svn vmpl
 *          reported_tcb current_tcb committed_tcb launch_tcb
 * logs     app_id instance_id manifest_hash, each only if stated; app_id is
 *          proven where manifest_hash begins with it, else the app's word
 */
#define POSTERN_TEE_NAME_MAX 24
#define POSTERN_TEE_VALUE_MAX 64
struct postern_tee_claim {
	char name[POSTERN_TEE_NAME_MAX];
	uint8_t value[POSTERN_TEE_VALUE_MAX];
	size_t size; /* of value */
};

#define POSTERN_TEE_CLAIMS_MAX 32
#define POSTERN_TEE_ADVISORIES_MAX 64
#define POSTERN_TEE_ADVISORY_MAX 32
#define POSTERN_TEE_LABEL_MAX 64

/*
 * The answer.  Everything is copied: it borrows nothing.
 *
 * What comes after 'verified' is there only when that is set, and zero
 * otherwise, so that nobody takes for measured what only somebody says.
 */
struct postern_tee_verdict {
	size_t size; /* sizeof of your struct, before the call */

	int accepted; /* the outcome; nothing else decides */
	const char *reason; /* "ok" or why not: stable name, lives for ever */
	enum postern_tee_layer layer; /* the reason's */
	/* rule, expected and found; "" when accepted */
	char detail[POSTERN_TEE_DETAIL_MAX];
	int simulated; /* rests on a simulated root */
	char anchor[POSTERN_TEE_LABEL_MAX]; /* the root's name, or "" */
	int64_t at; /* the request's */

	/* Genuine: signatures, revocation lists and dates are in order.  It
	 * can be so and still not be accepted. */
	int verified;

	enum postern_tee_kind kind;
	unsigned version; /* of the evidence's format */
	int debug; /* never accepted */
	uint8_t report_data[64];

	/* the whole and its parts */
	enum postern_tee_status tcb_status;
	enum postern_tee_status platform_status, module_status, qe_status;
	int64_t tcb_date; /* of the platform's level */
	int64_t behind_since; /* 0: it is not, or nobody knows since when */
	char advisories[POSTERN_TEE_ADVISORIES_MAX][POSTERN_TEE_ADVISORY_MAX];
	size_t advisory_count;

	/* Which machine.  TDX and SGX: PPID; platform instance id (all zero
	 * where the certificate has none); FMSPC.  SEV-SNP: chip id (size 0
	 * where the platform masks it; with a VLEK only the cloud vouches for
	 * it); none; as in the hint. */
	uint8_t platform_id[POSTERN_TEE_VALUE_MAX];
	size_t platform_id_size;
	uint8_t platform_instance_id[16];
	uint8_t family[16];
	size_t family_size;

	/* over all documents: how old the oldest is, when the first ends */
	int64_t collateral_issued_at, collateral_expires_at;
	/* tcbEvaluationDataNumber of TCB info and QE identity */
	uint32_t tcb_evaluation, qe_evaluation;

	/* the policy's image whose registers matched, or "" */
	char image[POSTERN_TEE_LABEL_MAX];
	struct postern_tee_claim claims[POSTERN_TEE_CLAIMS_MAX];
	size_t claim_count;
};

/*
 * Verifies.
 *
 * OK        accepted
 * REFUSED   verdict->reason, layer and detail say why
 * UNUSABLE  an argument is NULL or contradicts another, verdict->size is
 *           smaller than the first version's, request->size is larger than
 *           this library knows and what it does not know is not zero (it would
 *           be a check that is not made).  reason is "unusable", detail says
 *           how, as far as there is a verdict to say it in
 *
 * Whatever the outcome, *verdict is filled as far as its size goes.
 */
POSTERN_TEE_API POSTERN_TEE_CHECKED enum postern_tee_result
postern_tee_verify(struct postern_tee_verdict *verdict,
		   const struct postern_tee_request *request);

/* The claim of that name, or NULL.  Lives as long as the verdict. */
POSTERN_TEE_API const struct postern_tee_claim *
postern_tee_claim_find(const struct postern_tee_verdict *verdict,
		       const char *name);

/*
 * The stable names of all reasons, one by one from 0, which is "ok"; NULL
 * after the last.  Lives for ever.  *layer (may be NULL) is the reason's.
 */
POSTERN_TEE_API const char *postern_tee_reason(size_t index,
					       enum postern_tee_layer *layer);

#ifdef __cplusplus
}
#endif

#endif
