/*
 * prepare: inside of struct tee_prepared: collateral whose signatures were
 * checked, and how a refusal is said.  Only for prepare.c and verify.c.
 */
#ifndef POSTERN_TEE_PREPARE_H
#define POSTERN_TEE_PREPARE_H

#include "base/arena.h"
#include "pki/cert.h"
#include "pki/crl.h"
#include "tee/qeidentity.h"
#include "tee/tcbinfo.h"
#include "tee/verify.h"

/* Views borrow the arena. */
struct tee_prepared {
	struct arena arena;
	char anchor[64];
	bool is_simulated;
	struct cert root, tcb_signer, qe_signer;
	/* The PCK CRL's issuer, where the collateral has it: both are verified
	 * then, else the CRL is only read. */
	bool has_pck_ca;
	struct cert pck_ca;
	struct crl root_crl; /* signature checked */
	struct crl pck_crl;
	struct tcbinfo tcb;
	struct qeidentity qe;
	struct span pck_chain; /* PEM; n == 0: none was given */
};

/*
 * What every PCK CA must be, wherever it came from: its name, its constraints;
 * then the signatures of CA and PCK CRL.
 */
enum tee_reason check_pck_ca(char detail[TEE_DETAIL_MAX],
			     const struct cert *ca);
enum tee_reason verify_pck_ca(char detail[TEE_DETAIL_MAX],
			      const struct tee_prepared *p,
			      const struct cert *ca);

/* Writes the detail and gives the reason back. */
enum tee_reason refuse(char detail[TEE_DETAIL_MAX], enum tee_reason reason,
		       const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
