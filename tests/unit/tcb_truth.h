/*
 * The truth table for merging TDX module, quoting enclave and relaunch advice
 * into a platform's status: Intel's, and what its library's code says beside.
 * test_tee_tcb asks the rule, test_quoting_truth the whole verifier.
 */
#ifndef POSTERN_TESTS_TCB_TRUTH_H
#define POSTERN_TESTS_TCB_TRUTH_H

#include "tee/reason.h"
#include "tee/status.h"

enum which {
	LATEST,
	EARLIEST,
	NONE, /* below every level; for svn2: a TD report 1.0 */
};

/* Two levels, two module levels, one or two QE levels. */
static const struct {
	const char *name;
	enum tee_tcb_status latest, earliest; /* of the levels */
	enum tee_tcb_status mod_latest, mod_earliest;
	enum tee_tcb_status qe;
	enum which cert, td, svn2; /* what the platform has */
	enum tee_reason reason;
	enum tee_tcb_status want;
} truth[] = {
#define UTD TCB_UP_TO_DATE
#define SHN TCB_SW_HARDENING_NEEDED
#define CN TCB_CONFIGURATION_NEEDED
#define CN_SHN TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED
#define OOD TCB_OUT_OF_DATE
#define OOD_CN TCB_OUT_OF_DATE_CONFIGURATION_NEEDED
#define RKD TCB_REVOKED
#define RA TCB_TD_RELAUNCH_ADVISED
#define RA_CN TCB_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED
#define L LATEST
#define E EARLIEST
#define N NONE
	/* clang-format off */
	{ "all_latest_up_to_date",              UTD, OOD,    UTD, OOD, UTD, L, L, L, TEE_OK, UTD },
	{ "without_svn2_up_to_date",            UTD, OOD,    UTD, OOD, UTD, L, L, N, TEE_OK, UTD },
	{ "latest_level_revoked",               RKD, OOD,    UTD, OOD, UTD, L, L, L, TEE_OK, RKD },
	{ "latest_module_revoked",              UTD, OOD,    RKD, OOD, UTD, L, L, L, TEE_OK, RKD },
	{ "qe_revoked",                         UTD, OOD,    UTD, OOD, RKD, L, L, L, TEE_OK, RKD },
	{ "earliest_cert_takes_its_level",      UTD, OOD,    UTD, OOD, UTD, E, L, L, TEE_OK, OOD },
	{ "earliest_cert_hardening",            UTD, SHN,    UTD, OOD, UTD, E, L, L, TEE_OK, SHN },
	{ "earliest_cert_config_hardening",     UTD, CN_SHN, UTD, OOD, UTD, E, L, L, TEE_OK, CN_SHN },
	{ "earliest_cert_revoked",              UTD, RKD,    UTD, OOD, UTD, E, L, L, TEE_OK, RKD },
	{ "cert_below_all_not_supported",       UTD, OOD,    UTD, OOD, UTD, N, L, L, TEE_TCB_NOT_SUPPORTED, 0 },
	{ "revoked_latest_old_td_out_of_date",  RKD, OOD,    OOD, OOD, UTD, L, E, L, TEE_OK, OOD },
	{ "old_td_new_module_relaunch",         UTD, OOD,    OOD, OOD, UTD, L, E, L, TEE_OK, RA },
	{ "same_without_svn2_out_of_date",      UTD, OOD,    OOD, OOD, UTD, L, E, N, TEE_OK, OOD },
	{ "same_with_old_svn2_out_of_date",     UTD, OOD,    OOD, OOD, UTD, L, E, E, TEE_OK, OOD },
	{ "hardening_relaunch",                 SHN, OOD,    OOD, OOD, UTD, L, E, L, TEE_OK, RA },
	{ "earliest_config_relaunch_config",    UTD, OOD_CN, OOD, OOD, UTD, L, E, L, TEE_OK, RA_CN },
	{ "latest_config_relaunch_config",      CN,  OOD,    OOD, OOD, UTD, L, E, L, TEE_OK, RA_CN },
	{ "latest_both_relaunch_config",        CN_SHN, OOD, OOD, OOD, UTD, L, E, L, TEE_OK, RA_CN },
	{ "module_in_order_no_relaunch",        UTD, OOD,    UTD, UTD, UTD, L, E, L, TEE_OK, OOD },
	{ "qe_behind_no_relaunch",              UTD, OOD,    OOD, OOD, OOD, L, E, L, TEE_OK, OOD },
	{ "qe_behind_out_of_date",              UTD, OOD,    UTD, OOD, OOD, L, L, L, TEE_OK, OOD },
	{ "qe_behind_hardening_out_of_date",    SHN, OOD,    UTD, OOD, OOD, L, L, L, TEE_OK, OOD },
	{ "qe_behind_config",                   CN,  OOD,    UTD, OOD, OOD, L, L, L, TEE_OK, OOD_CN },
	{ "qe_behind_both",                     CN_SHN, OOD, UTD, OOD, OOD, L, L, L, TEE_OK, OOD_CN },
	{ "qe_behind_config_out_of_date_stays", OOD_CN, OOD, UTD, OOD, OOD, L, L, L, TEE_OK, OOD_CN },
	{ "module_behind_up_to_date",           UTD, OOD,    OOD, OOD, UTD, L, L, N, TEE_OK, OOD },
	{ "module_behind_hardening",            SHN, OOD,    OOD, OOD, UTD, L, L, N, TEE_OK, OOD },
	{ "module_behind_config",               CN,  OOD,    OOD, OOD, UTD, L, L, N, TEE_OK, OOD_CN },
	{ "module_behind_both",                 CN_SHN, OOD, OOD, OOD, UTD, L, L, N, TEE_OK, OOD_CN },
	{ "module_behind_out_of_date_stays",    OOD, OOD,    OOD, OOD, UTD, L, L, N, TEE_OK, OOD },
	{ "module_below_all_not_supported",     UTD, OOD,    UTD, OOD, UTD, L, N, N, TEE_MODULE_SVN, 0 },
	{ "module_revoked_beats_qe_behind",     UTD, OOD,    RKD, OOD, OOD, L, L, L, TEE_OK, RKD },
	/* clang-format on */
};

enum {
	TRUTH_COUNT = sizeof(truth) / sizeof(truth[0]),
};

#endif
