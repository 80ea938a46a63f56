#include "tee/bind.h"

#include "base/text.h"
#include "tee/ccel.h"
#include "tee/prepare.h"

enum {
	SHOWN = 16, /* bytes of report data in a detail */
};

static const char *start_of(char text[2 * SHOWN + 1], struct span data)
{
	struct wr w = wr_over(text, 2 * SHOWN);

	text_hex(&w, span_of(data.p, data.n < SHOWN ? data.n : SHOWN));
	text[wr_span(&w).n] = 0;
	return text;
}

static struct span report_data_of(const struct tee_verdict *v)
{
	return v->kind == TEE_KIND_SNP ? v->snp.report_data
				       : quote_report_data(&v->quote);
}

void tee_bind_report_data(struct tee_verdict *v, struct span expected)
{
	struct span found, first;
	char want[2 * SHOWN + 1], have[2 * SHOWN + 1];

	if (v->reason)
		return;
	found = report_data_of(v);
	if (rd_n(&found, &first, expected.n) && span_equal(first, expected) &&
	    span_is_zero(found))
		return;
	v->reason = refuse(v->detail, TEE_REPORT_DATA,
			   "report data: expected %zu bytes %s..., found %s...",
			   expected.n, start_of(want, expected),
			   start_of(have, report_data_of(v)));
}

static void refuse_log(struct tee_verdict *v, enum tee_reason reason,
		       const char *log, unsigned rtmr)
{
	if (reason == TEE_LOG_MISMATCH)
		v->reason = refuse(v->detail, reason,
				   "%s: replay gives another RTMR%u than the "
				   "quote",
				   log, rtmr);
	else if (v->quote.tee != QUOTE_TDX)
		v->reason = refuse(v->detail, reason,
				   "%s: %s has no registers to compare it with",
				   log,
				   v->kind == TEE_KIND_SNP ? "a SEV-SNP report"
							   : "an SGX quote");
	else
		v->reason = refuse(v->detail, reason,
				   "%s: not of its form, or a statement comes "
				   "twice",
				   log);
}

void tee_bind_runtime_log(struct tee_verdict *v,
			  struct eventlog_identity *identity, struct span log)
{
	unsigned rtmr = 0;
	enum tee_reason reason;

	if (v->reason)
		return;
	reason = eventlog_check(identity, &rtmr, &v->quote, log);
	if (reason)
		refuse_log(v, reason, "event log", rtmr);
}

void tee_bind_firmware_log(struct tee_verdict *v, struct span log)
{
	struct ccel_registers registers;
	unsigned rtmr = 0;
	enum tee_reason reason;

	if (v->reason)
		return;
	reason = ccel_replay(&registers, log);
	if (!reason)
		reason = ccel_compare(&rtmr, &v->quote, &registers);
	if (reason)
		refuse_log(v, reason, "firmware log", rtmr);
}
