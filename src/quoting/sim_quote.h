/*
 * sim_quote: the CPU and the quoting enclave of a simulated platform: a trust
 * domain's registers, and quotes over them in the real format.
 *
 * An image has no measurement here, only a name: MRTD and RTMR0..2 of image
 * 'name' are SHA-384("postern simulated image" 00 name 00 register) with
 * register one of "mrtd", "rtmr0", "rtmr1", "rtmr2".  Different names give
 * different registers, and the same name gives the same ones on every
 * installation, so that policies can be written down.
 *
 * For tests of the verifier it also quotes an enclave (SGX, v3), by a knob.
 *
 * Source: Intel TDX DCAP Quoting Library API rev 0.9, appendix 3 (v4, v5);
 * Intel SGX ECDSA Quote Library Reference, appendix A (v3); Intel TDX Module
 * 1.5 ABI, TDG.MR.RTMR.EXTEND.
 */
#ifndef POSTERN_QUOTING_SIM_QUOTE_H
#define POSTERN_QUOTING_SIM_QUOTE_H

#include "base/buf.h"
#include "crypto/hash.h"
#include "quoting/sim_pki.h"
#include "tee/quote.h"

enum {
	SIM_QUOTE_MAX = 16 * 1024,
};

/* The registers of one trust domain. */
struct sim_td {
	uint64_t attributes, xfam;
	struct sha384 mr_td;
	uint8_t mr_config_id[QUOTE_MR_LEN];
	uint8_t mr_owner[QUOTE_MR_LEN];
	uint8_t mr_owner_config[QUOTE_MR_LEN];
	struct sha384 rtmr[QUOTE_RTMR_COUNT];
};

/* What a debug TD has set: TDATTRIBUTES.DEBUG. */
#define SIM_TD_DEBUG UINT64_C(1)

/* Register "mrtd", "rtmr0", "rtmr1" or "rtmr2" of an image. */
void sim_image_register(struct sha384 *out, const char *image,
			const char *name);

/*
 * The registers at launch: the image's, MRCONFIGID (NULL: zero), RTMR3 zero,
 * SEPT_VE_DISABLE set.
 */
void sim_td_launch(struct sim_td *td, const char *image,
		   const uint8_t mr_config_id[QUOTE_MR_LEN]);

/* What a guest can extend is RTMR2 and RTMR3; false for another. */
bool sim_td_extend(struct sim_td *td, unsigned rtmr,
		   const struct sha384 *digest);

/*
 * Appends a quote over the TD's registers and report_data, bent by 'knobs'
 * (NULL: not).  RC_LIMIT: it does not fit; RC_CRYPTO as issue.h.
 */
enum rc sim_quote(struct buf *out, const struct sim_pki *pki,
		  const struct sim_td *td,
		  const uint8_t report_data[QUOTE_REPORT_DATA_LEN],
		  const struct sim_knobs *knobs);

/* MRSIGNER and ISVPRODID of the simulated quoting enclave. */
void sim_qe_signer(struct sha256 *out);
enum {
	SIM_QE_PRODUCT = 2,
	SIM_QE_SVN = 6,
};

#endif
