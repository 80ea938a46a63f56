#include "evidence/checks.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "evidence/check_list.h"

const char *check_state_name(enum check_state state)
{
	switch (state) {
	case CHECK_PASS:
		return "pass";
	case CHECK_FAIL:
		return "fail";
	case CHECK_UNKNOWN:
		break;
	case CHECK_NOT_SHOWN:
		return "not-shown";
	case CHECK_NOT_ASKED:
		return "not-asked";
	case CHECK_NOT_YET:
		return "not-yet";
	}
	return "unknown";
}

/* clang-format off */
const struct check checks[] = {
	{ "reach.https", "the documents come from this host over TLS",
	  "RFC 9110 4.3.4", 1, check_reach },
	{ "reach.session", "the session can be bound", "RFC 9266 4.2", 1,
	  check_session },
	{ "form.bundle", "the evidence can be read", "RFC 9999", 3,
	  check_bundle },
	{ "form.files", "the files are those of the list", "EVIDENCE.md 1", 3,
	  check_files },
	{ "form.core", "the core can be read", "RFC 8259", 3, check_core },
	{ "form.names", "the evidence is about this name", "RFC 9525 6.3", 3,
	  check_names },
	{ "form.answer", "the fresh evidence can be read", "EVIDENCE.md 6", 3,
	  check_answer_form },
	{ "quote.signature", "the hardware signed it", "Intel DCAP", 4,
	  check_quote_signature },
	{ "quote.tcb", "the platform is in good order", "Intel PCS TCB info", 4,
	  check_quote_tcb },
	{ "quote.policy", "the code is one that the policy accepts",
	  "RFC 9334 8.5", 5, check_quote_policy },
	{ "quote.log", "the event log leads to the registers",
	  "TCG PFP 10.4.5", 5, check_quote_log },
	{ "app.identity", "the application is the one expected",
	  "EVIDENCE.md 8", 5, check_app },
	{ "quote.binding", "the quote is over this evidence", "EVIDENCE.md 2",
	  6, check_report_data },
	{ "core.time", "the evidence is in force", "EVIDENCE.md 3", 7,
	  check_expiry },
	{ "fresh.nonce", "the answer is to our question", "RFC 9334 10.2", 7,
	  check_nonce },
	{ "fresh.quote", "the hardware signed the answer", "Intel DCAP", 7,
	  check_fresh_quote },
	{ "fresh.session", "this very connection ends there", "RFC 9266 2", 7,
	  check_fresh_session },
	{ "cert.key", "the key shown is one of the evidence's",
	  "RFC 8446 4.4.2", 8, check_key },
	{ "cert.issued", "the certificate shown is one of the evidence's",
	  "RFC 6962 3.1", 8, check_certificate },
	{ "cert.path", "the certificate is good for this name now",
	  "RFC 5280 6", 9, check_path },
	{ "ct.list", "the list of CT logs is the pinned one",
	  "CT log list v3", 10, check_log_list },
	{ "ct.scts", "the certificate is public", "RFC 6962 3.3", 10,
	  check_scts },
	{ "ct.inclusion", "the logs kept their promise", "RFC 9162 2.1.3", 11,
	  check_inclusion },
	{ "ct.growth", "the logs the service saw are those we see",
	  "RFC 9162 2.1.4", 11, check_growth },
	{ "caa.dnssec", "what DNS says is signed", "RFC 4035 5", 12,
	  check_dnssec },
	{ "caa.exclusive", "nobody else may get a certificate",
	  "RFC 8659 3, RFC 8657 3", 12, check_caa },
	{ "caa.proof", "the proof of that in the evidence holds",
	  "RFC 4035 5, RFC 9102", 12, check_caa_proof },
	{ "dns.persist", "no standing validation of strangers",
	  "draft-ietf-acme-dns-persist", 12, check_persist },
	{ "account.proof", "the account's key vouches for it", "RFC 7638", 13,
	  check_account_proof },
	{ "account.directory", "the CA is one that is expected",
	  "RFC 8555 7.1.1", 13, check_directory },
	{ "account.file", "every place names the same account",
	  "RFC 8555 7.1.2", 13, check_account_file },
	{ "account.quote", "the hardware vouches for the account",
	  "dstack acme-account", 13, check_account_quote },
	{ "key.quote", "the key was made inside, before its certificate",
	  "dstack zt-cert", 8, check_key_quotes },
	{ "history.sources", "enough sources tell the names' history",
	  "EVIDENCE.md 8", 14, check_sources },
	{ "history.foreign", "no certificate of others is alive",
	  "RFC 6962 1, BR 4.9.1.1", 14, check_foreign },
	{ "history.twins", "nobody certified our keys once more",
	  "RFC 6962 3.1", 14, check_twins },
	{ "history.revoked", "what is older is revoked", "RFC 5280 6.3", 15,
	  check_legacy },
	{ "history.safe", "the name is safe by now", "BR 3.2.2.8", 16,
	  check_safe_at },
	{ "audit.proof", "witnesses saw the evidence", "C2SP tlog-proof", 17,
	  check_audit },
	{ "core.beacon", "the evidence is not older than it says",
	  "RFC 6962 3.5", 18, check_beacon },
	{ "memory.account", "the account is the one of the last visit",
	  "RFC 7638", 20, check_memory_account },
	{ "memory.logs", "the logs are those of the last visit",
	  "RFC 9162 2.1.4", 20, check_memory_heads },
};
/* clang-format on */
const size_t checks_count = sizeof(checks) / sizeof(checks[0]);

const struct check *check_find(const char *id)
{
	for (size_t i = 0; i < checks_count; i++)
		if (strcmp(checks[i].id, id) == 0)
			return &checks[i];
	return NULL;
}

void checks_run(struct finding *out, const struct check *table, size_t count,
		const struct reading *r)
{
	for (size_t i = 0; i < count; i++) {
		out[i].state = CHECK_UNKNOWN;
		out[i].reason[0] = 0;
		table[i].fn(&out[i], r);
	}
}

const char *checks_outcome_name(enum checks_outcome outcome)
{
	switch (outcome) {
	case CHECKS_HOLD:
		return "holds";
	case CHECKS_REFUTED:
		return "refuted";
	case CHECKS_UNDECIDED:
		break;
	}
	return "undecided";
}

enum checks_outcome checks_outcome(const struct finding *findings,
				   const struct check *table, size_t count,
				   const struct rules *rules)
{
	enum checks_outcome outcome = CHECKS_HOLD;

	for (size_t i = 0; i < count; i++) {
		switch (findings[i].state) {
		case CHECK_FAIL:
			return CHECKS_REFUTED;
		case CHECK_UNKNOWN:
		case CHECK_NOT_SHOWN:
		case CHECK_NOT_YET:
			if (!rules_is_optional(rules, table[i].id))
				outcome = CHECKS_UNDECIDED;
			break;
		case CHECK_PASS:
		case CHECK_NOT_ASKED:
			break;
		}
	}
	return outcome;
}

/* ---- words */

void finding_say(struct finding *f, enum check_state state, const char *format,
		 ...)
{
	va_list args;

	f->state = state;
	va_start(args, format);
	(void)vsnprintf(f->reason, sizeof(f->reason), format, args);
	va_end(args);
}

struct finding_text finding_text(struct span s)
{
	struct finding_text t;
	/* an escaped byte takes four, and there is "..." and a NUL */
	struct wr w = wr_over(t.text, sizeof(t.text) - 1);

	text_escape(&w, s, s.n > 120 ? 38 : s.n);
	if (w.over) {
		w = wr_over(t.text, sizeof(t.text) - 1);
		text_escape(&w, s, 38);
	}
	t.text[wr_span(&w).n] = 0;
	return t;
}

struct finding_text finding_hash(const struct sha256 *hash)
{
	struct finding_text t;
	struct wr w = wr_over(t.text, sizeof(t.text) - 1);

	text_hex(&w, span_of(hash->b, 8));
	wr_str(&w, "...");
	t.text[wr_span(&w).n] = 0;
	return t;
}
