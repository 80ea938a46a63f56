/*
 * policy_made: a verdict in good order, for the tests of policies, and a policy
 * text judged on it.
 */
#ifndef POSTERN_TESTS_POLICY_MADE_H
#define POSTERN_TESTS_POLICY_MADE_H

#include <string.h>

#include "base/arena.h"
#include "tee/policy.h"

#define SEPT_VE_DISABLE (UINT64_C(1) << 28)
#define MR_1 \
	"010101010101010101010101010101010101010101010101" \
	"010101010101010101010101010101010101010101010101"
#define MR_2 \
	"020202020202020202020202020202020202020202020202" \
	"020202020202020202020202020202020202020202020202"
#define PPID "0102030405060708090a0b0c0d0e0f10"
#define OTHER "ff02030405060708090a0b0c0d0e0f10"
#define NOW INT64_C(1800000000) /* 2027-01-15T08:00:00Z */

/* A verdict in good order: register r of the quote holds bytes r + 1. */
struct made {
	uint8_t mr[POLICY_REGISTER_COUNT][QUOTE_MR_LEN];
	uint8_t attributes[16], mr_enclave[32], mr_signer[32];
	struct tee_verdict v;
};

static inline void make(struct made *m)
{
	struct td_report *td = &m->v.quote.td;

	memset(m, 0, sizeof(*m));
	/* the last is MR_SERVICETD, which is zero in good order */
	for (size_t i = 0; i < POLICY_MR_SERVICE_TD; i++)
		memset(m->mr[i], (int)i + 1, QUOTE_MR_LEN);
	m->v.is_verified = true;
	m->v.tcb_status = TCB_UP_TO_DATE;
	m->v.tcb_evaluation = 18;
	m->v.qe_evaluation = 17;
	strcpy(m->v.anchor, "simulated");
	m->v.quote.tee = QUOTE_TDX;
	m->v.quote.enclave.attributes = SPAN_ARRAY(m->attributes);
	memset(m->mr_enclave, 0xe1, sizeof(m->mr_enclave));
	memset(m->mr_signer, 0x51, sizeof(m->mr_signer));
	m->v.quote.enclave.mr_enclave = SPAN_ARRAY(m->mr_enclave);
	m->v.quote.enclave.mr_signer = SPAN_ARRAY(m->mr_signer);
	m->v.quote.enclave.isv_prod_id = 7;
	m->v.quote.enclave.isv_svn = 3;
	m->v.at = NOW;
	m->v.monthly_issue = NOW - 2 * 86400;
	m->v.root_crl_issue = NOW - 200 * 86400;
	memcpy(m->v.fmspc, "\xb0\xc0\x6f\0\0\0", 6);
	for (size_t b = 0; b < sizeof(m->v.ppid); b++)
		m->v.ppid[b] = (uint8_t)(b + 1);
	memset(m->v.platform_instance_id, 0x1d, sizeof(m->v.platform_instance_id));
	m->v.pck.has_platform = true;
	m->v.pck.sgx_type = PCK_SCALABLE_WITH_INTEGRITY;
	td->td_attributes = SEPT_VE_DISABLE;
	td->xfam = 0xe7;
	td->mr_td = SPAN_ARRAY(m->mr[POLICY_MR_TD]);
	for (size_t i = 0; i < QUOTE_RTMR_COUNT; i++)
		td->rtmr[i] = SPAN_ARRAY(m->mr[POLICY_RTMR0 + i]);
	td->mr_config_id = SPAN_ARRAY(m->mr[POLICY_MR_CONFIG_ID]);
	td->mr_owner = SPAN_ARRAY(m->mr[POLICY_MR_OWNER]);
	td->mr_owner_config = SPAN_ARRAY(m->mr[POLICY_MR_OWNER_CONFIG]);
	td->mr_seam = SPAN_ARRAY(m->mr[POLICY_MR_SEAM]);
	td->mr_service_td = SPAN_ARRAY(m->mr[POLICY_MR_SERVICE_TD]);
}

static inline enum tee_reason check_text(struct made *m, const char *yaml)
{
	char error[POLICY_ERROR_MAX] = "";
	struct tee_policy p;
	struct arena arena;
	enum tee_reason reason;

	arena_init(&arena, POLICY_ARENA_MAX);
	if (policy_read(&p, &arena, "policy.yaml", span_str(yaml), error))
		fail_msg("%s", error);
	reason = policy_check(&m->v, &p);
	arena_fini(&arena);
	return reason;
}

#endif
