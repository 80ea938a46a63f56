/*
 * tcb: which TCB level a platform reaches, and what that means together with
 * its TDX module and its quoting enclave.
 *
 * Pure arithmetic on checked documents.  The rules are those of Intel's
 * verification library; where a module has an identity of its own, the first
 * two TDX components are the module's and not compared with the level.
 *
 * Source: Intel PCS v4 "TCB level selection"; Intel TDX DCAP, TDX module
 * identities and relaunch advice.
 */
#ifndef POSTERN_TEE_TCB_H
#define POSTERN_TEE_TCB_H

#include "tee/pck.h"
#include "tee/qeidentity.h"
#include "tee/tcbinfo.h"

/* What was measured of the platform.  Borrowed. */
struct tcb_platform {
	const struct pck_info *pck;
	const struct td_report *td; /* NULL: SGX */
	uint16_t qe_isv_svn;
};

enum {
	TCB_PARTS = 3,
};

struct tcb_answer {
	enum tee_tcb_status status; /* all merged */
	enum tee_tcb_status platform, module, qe; /* module TCB_NONE: none */
	int64_t date; /* tcbDate of the platform's level */
	/*
	 * Since when something is out of date: the first tcbDate, of all parts
	 * that are, of a level newer than the part's.  0: nothing is, or the
	 * documents do not say since when.
	 */
	int64_t behind_since;
	/* the levels whose advisories apply: platform, module, QE; or NULL */
	const struct level *parts[TCB_PARTS];
};

/*
 * TEE_OK                 *out is filled; its status may be TCB_REVOKED
 * TEE_TCB_NOT_SUPPORTED  no level that the platform reaches
 * TEE_MODULE             the documents do not know the module's version
 * TEE_MODULE_SVN, TEE_QE_SVN  no level that module or QE reaches
 *
 * On failure *out is untouched.
 */
enum tee_reason tcb_evaluate(struct tcb_answer *out, const struct tcbinfo *info,
			     const struct qeidentity *qe,
			     const struct tcb_platform *platform);

/*
 * Is the TDX module that measured this TD one of Intel's?  Its signer is the
 * one in the document and its attributes are zero.  TEE_OK, or TEE_MODULE and
 * *field says what differs.
 */
enum tee_reason tcb_check_module(const char **field, const struct tcbinfo *info,
				 const struct td_report *td);

#endif
