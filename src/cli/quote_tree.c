#include "cli/quote_tree.h"

#include <string.h>

#include "base/text.h"
#include "cli/quote_snp.h"

enum {
	TEXT_MAX = 512,
	DATE_LEN = 10, /* YYYY-MM-DD */
};

const char *layer_state_name(enum layer_state s)
{
	switch (s) {
	case LAYER_HOLDS:
		return "ok";
	case LAYER_FAILED:
		return "failed";
	case LAYER_UNDECIDED:
		return "undecided";
	case LAYER_ABSENT:
		break;
	}
	return "absent";
}

/* Whether the refusal in layer 'at' says that 'layer' held: see tee/layer.h. */
static bool held_before(enum tee_layer at, enum tee_layer layer)
{
	if (at == TEE_LAYER_CHAIN && layer == TEE_LAYER_COLLATERAL)
		return false;
	return layer < at;
}

enum layer_state quote_layer_state(const struct tee_verdict *v,
				   const struct quote_asked *asked,
				   enum tee_layer layer)
{
	enum tee_layer at = tee_reason_layer(v->reason);

	if (at == layer)
		return LAYER_FAILED;
	if ((layer == TEE_LAYER_BINDING && !asked->report_data) ||
	    (layer == TEE_LAYER_LOG && !asked->event_log) ||
	    (layer == TEE_LAYER_TCB && v->kind == TEE_KIND_SNP))
		return LAYER_ABSENT;
	return at == TEE_LAYER_NONE || held_before(at, layer)
		       ? LAYER_HOLDS
		       : LAYER_UNDECIDED;
}

static void wr_date(struct wr *w, int64_t at)
{
	char text[24];
	struct wr whole = WR_ARRAY(text);

	text_utc_write(&whole, at);
	wr_bytes(w, span_of(text, DATE_LEN));
}

static void say_evidence(struct wr *w, const struct tee_verdict *v)
{
	wr_printf(w, "%s quote, version %u, %zu bytes",
		  v->quote.tee == QUOTE_TDX ? "TDX" : "SGX",
		  (unsigned)v->quote.version, v->quote.canonical.n);
}

static void say_collateral(struct wr *w, const struct tee_verdict *v)
{
	wr_str(w, "oldest of ");
	wr_date(w, v->earliest_issue);
	wr_str(w, ", all valid until ");
	wr_date(w, v->earliest_expiry);
	wr_printf(w, ", evaluation number %u", v->tcb_evaluation);
}

static void say_chain(struct wr *w, const struct tee_verdict *v)
{
	wr_str(w, "PCK certificate of platform family ");
	text_hex(w, SPAN_ARRAY(v->fmspc));
	if (v->is_simulated)
		wr_str(w, ", under a SIMULATED root");
	else
		wr_printf(w, ", under %s", v->anchor);
}

static void say_part(struct wr *w, const char *name, enum tee_tcb_status s)
{
	if (s != TCB_NONE)
		wr_printf(w, ", %s %s", name, tee_tcb_status_name(s));
}

static void say_tcb(struct wr *w, const struct tee_verdict *v)
{
	wr_printf(w, "%s: platform %s", tee_tcb_status_name(v->tcb_status),
		  tee_tcb_status_name(v->platform_status));
	if (v->tcb_date) {
		wr_str(w, " of ");
		wr_date(w, v->tcb_date);
	}
	say_part(w, "TDX module", v->module_status);
	say_part(w, "quoting enclave", v->qe_status);
	if (v->advisory_count)
		wr_printf(w, "; %zu %s", v->advisory_count,
			  v->advisory_count == 1 ? "advisory" : "advisories");
}

static void say_policy(struct wr *w, const struct tee_verdict *v,
		       const struct quote_asked *asked)
{
	const char *none = v->kind == TEE_KIND_SNP
				   ? "none given: no debug, ANY TCB"
				   : "none given: UpToDate and no debug";

	wr_str(w, asked->policy ? asked->policy : none);
	if (v->image[0])
		wr_printf(w, ", image %s", v->image);
	else
		wr_str(w, ", ANY measurement");
}

/* What a layer that holds rests on. */
static void say_held(struct wr *w, const struct tee_verdict *v,
		     const struct quote_asked *asked, enum tee_layer layer)
{
	if (v->kind == TEE_KIND_SNP && quote_snp_say_held(w, v, layer))
		return;
	switch (layer) {
	case TEE_LAYER_EVIDENCE:
		say_evidence(w, v);
		break;
	case TEE_LAYER_COLLATERAL:
		say_collateral(w, v);
		break;
	case TEE_LAYER_CHAIN:
		say_chain(w, v);
		break;
	case TEE_LAYER_SIGNATURE:
		wr_str(w, "quoting enclave, attestation key, quote");
		break;
	case TEE_LAYER_TCB:
		say_tcb(w, v);
		break;
	case TEE_LAYER_POLICY:
		say_policy(w, v, asked);
		break;
	case TEE_LAYER_BINDING:
		wr_str(w, "the report data is what was asked for");
		break;
	case TEE_LAYER_LOG:
		wr_str(w, "the event log leads to the quote's registers");
		break;
	case TEE_LAYER_NONE:
	case TEE_LAYER_COUNT:
		break;
	}
}

static void say_absent(struct wr *w, const struct tee_verdict *v,
		       enum tee_layer layer)
{
	if (layer == TEE_LAYER_TCB)
		wr_str(w, "AMD publishes no status; snp.min_tcb of a policy "
			  "says what is new enough");
	else if (layer == TEE_LAYER_LOG)
		wr_str(w, "no event log");
	else if (v->reason)
		wr_str(w, "nothing to compare the report data with");
	else
		wr_str(w, "nothing to compare the report data with: is it "
			  "yours, and fresh? (--report-data)");
}

static void say(struct wr *w, const struct tee_verdict *v,
		const struct quote_asked *asked, enum tee_layer layer)
{
	switch (quote_layer_state(v, asked, layer)) {
	case LAYER_HOLDS:
		say_held(w, v, asked, layer);
		break;
	case LAYER_FAILED:
		wr_printf(w, "%s: %s", tee_reason_name(v->reason), v->detail);
		break;
	case LAYER_UNDECIDED:
		wr_str(w, "not decided");
		break;
	case LAYER_ABSENT:
		say_absent(w, v, layer);
		break;
	}
}

/* Holds, but a careful reader wants to know how. */
static bool is_doubtful(const struct tee_verdict *v, enum tee_layer layer)
{
	return (layer == TEE_LAYER_TCB && v->tcb_status != TCB_UP_TO_DATE) ||
	       (layer == TEE_LAYER_CHAIN && v->is_simulated) ||
	       (layer == TEE_LAYER_POLICY && !v->image[0]);
}

struct mark {
	const char *sign, *colour;
};

static struct mark mark_of(const struct tee_verdict *v,
			   const struct quote_asked *asked,
			   enum tee_layer layer)
{
	switch (quote_layer_state(v, asked, layer)) {
	case LAYER_HOLDS:
		if (is_doubtful(v, layer))
			return (struct mark){ "!", "\033[33m" };
		return (struct mark){ "\u2713", "\033[32m" };
	case LAYER_FAILED:
		return (struct mark){ "\u2717", "\033[31m" };
	case LAYER_UNDECIDED:
		return (struct mark){ "?", "\033[2m" };
	case LAYER_ABSENT:
		break;
	}
	return (struct mark){ "-", "\033[2m" };
}

void quote_tree_print(FILE *to, const struct tee_verdict *v,
		      const struct quote_asked *asked, bool has_colour)
{
	for (int i = TEE_LAYER_EVIDENCE; i <= TEE_LAYER_LOG; i++) {
		enum tee_layer layer = (enum tee_layer)i;
		struct mark mark = mark_of(v, asked, layer);
		char text[TEXT_MAX];
		struct wr w = WR_ARRAY(text);
		struct span said;

		say(&w, v, asked, layer);
		said = span_of(text, w.n);
		fprintf(to, "  %s%s%s %-10s  %.*s\n",
			has_colour ? mark.colour : "", mark.sign,
			has_colour ? "\033[0m" : "", tee_layer_name(layer),
			(int)said.n, (const char *)said.p);
	}
}
