/*
 * check_list: the checks by themselves, and the words they share.  Internal:
 * others run the table of evidence/checks.h.
 */
#ifndef POSTERN_EVIDENCE_CHECK_LIST_H
#define POSTERN_EVIDENCE_CHECK_LIST_H

#include "evidence/checks.h"

/* Each sets state and reason. */
void finding_say(struct finding *f, enum check_state state, const char *format,
		 ...) __attribute__((format(printf, 3, 4)));
/* Somebody else's text inside a reason: printable and cut. */
enum {
	FINDING_TEXT_MAX = 160,
};
struct finding_text {
	char text[FINDING_TEXT_MAX];
};
struct finding_text finding_text(struct span s);
/* The first bytes of a hash, in hex. */
struct finding_text finding_hash(const struct sha256 *hash);

/* check_form.c: the documents themselves */
check_fn check_reach, check_session, check_bundle, check_files, check_core,
	check_names, check_answer_form;
/* check_quote.c: the hardware's word */
check_fn check_quote_signature, check_quote_tcb, check_quote_policy,
	check_quote_log, check_app, check_report_data;
typedef bool quote_same_fn(const struct reading_quote *a,
			   const struct reading_quote *b);
/* A quote beside the one over the evidence is of the same guest, by its log;
 * false, with a finding, when it is not or nothing says so. */
bool quote_is_of_same(struct finding *f, const struct reading *r,
		      const struct reading_quote *q, quote_same_fn *is_same);
/* check_fresh.c: this session, this moment */
check_fn check_expiry, check_nonce, check_fresh_quote, check_fresh_session,
	check_beacon;
/* The core is what the fresh evidence of this session is over, and the guest
 * that made it is the one of the quote over the evidence.  In strict mode
 * nothing else covers the core. */
bool fresh_covers_core(const struct reading *r);
/* check_cert.c: what the server showed to the web */
check_fn check_key, check_certificate, check_path, check_log_list, check_scts,
	check_inclusion, check_growth;
/* check_dns.c */
check_fn check_dnssec, check_caa, check_caa_proof, check_persist;
/* check_account.c */
check_fn check_account_proof, check_directory, check_account_file,
	check_account_quote, check_account_known;
/* check_history.c: since when, and who else */
check_fn check_sources, check_foreign, check_twins, check_key_quotes,
	check_legacy, check_safe_at, check_audit;
/* check_memory.c: what an earlier visit saw */
check_fn check_memory_account, check_memory_heads;

#endif
