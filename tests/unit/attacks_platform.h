/* Attacks by who answers, with what platform, over what, and on the documents themselves. */
#ifndef POSTERN_TESTS_ATTACKS_PLATFORM_H
#define POSTERN_TESTS_ATTACKS_PLATFORM_H

#include "attack_begin.h"

/* ---- who is at the other end */

HOOK(other_key)
{
	WHEN(EV_AFTER);
	make_other(e, &e->base->stranger, &e->want);
	e->chain_der[0] = web_span(&e->other);
}
HOOK(other_td)
{
	WHEN(EV_QUOTE);
	e->td.mr_td.b[0] ^= 1;
}
HOOK(later)
{
	WHEN(EV_AFTER);
	e->m.at += 86400 + 1;
}
HOOK(old_answer)
{
	WHEN(EV_AFTER);
	e->m.nonce.b[0] ^= 1;
}
HOOK(other_core_answered)
{
	WHEN(EV_ANSWERED);
	e->answer.core.b[0] ^= 1;
}
HOOK(old_beacon)
{
	WHEN(EV_CORE);
	e->heads[0].timestamp_ms -= 4 * 86400 * UINT64_C(1000);
}
HOOK(future_beacon)
{
	WHEN(EV_CORE);
	e->heads[0].timestamp_ms += 4 * 86400 * UINT64_C(1000);
}
HOOK(not_yet)
{
	WHEN(EV_CORE);
	e->core.issued_at = WEB_NOW + 3600;
}
HOOK(relayed)
{
	WHEN(EV_AFTER);
	e->m.tls.exporter[0] ^= 1;
}
HOOK(cdn)
{
	other_key(e, at);
	relayed(e, at);
}
HOOK(broken_path)
{
	WHEN(EV_ANSWERED);
	e->answer.path_count--;
}

/* ---- the platform */

HOOK(debug)
{
	WHEN(EV_QUOTE);
	e->td.attributes |= SIM_TD_DEBUG;
}
HOOK(revoked_pck)
{
	WHEN(EV_START);
	e->knobs.docs.revokes_leaf = true;
}
HOOK(revoked_pck_ca)
{
	WHEN(EV_START);
	e->knobs.docs.revokes_ca = true;
}
HOOK(out_of_date)
{
	WHEN(EV_START);
	e->is_ingress = true;
	e->knobs.docs.tcb_status = "OutOfDate";
}
HOOK(tcb_revoked)
{
	WHEN(EV_START);
	e->is_ingress = true;
	e->knobs.docs.tcb_status = "Revoked";
}
HOOK(stale_collateral)
{
	WHEN(EV_START);
	e->knobs.docs.tcb_valid = (struct sim_validity){ WEB_NOW - 900000, WEB_NOW - 1 };
}
HOOK(future_collateral)
{
	WHEN(EV_START);
	e->knobs.docs.tcb_valid = (struct sim_validity){ WEB_NOW + 86400, WEB_NOW + 900000 };
}
HOOK(other_attestation_key)
{
	WHEN(EV_QUOTE);
	e->knobs.quote.qe_hash_differs = true;
}
HOOK(other_qe)
{
	WHEN(EV_QUOTE);
	e->knobs.quote.qe_signer_differs = true;
}
HOOK(edited_log)
{
	WHEN(EV_BUNDLE);
	uint8_t *at_byte = memmem(e->log.p + e->log.at, e->log.n, "compose-hash", 12);

	/* the answer was not made yet: give it the log as it was */
	char *copy = arena_dup(&e->arena, buf_span(&e->log));

	e->bundle.event_log = span_of(copy, e->log.n);
	copy[at_byte - (e->log.p + e->log.at) + 12 + 40] ^= 1;
}
/* Whoever controls the application extends RTMR3 after the boot is over and
 * claims another identity there. */
HOOK(injected_event)
{
	struct sha384 digest;
	char text[EVENTLOG_MAX];
	struct wr w = WR_ARRAY(text);
	uint8_t other[20] = { 9 };

	WHEN(EV_START);
	eventlog_digest(&digest, span_str("app-id"), SPAN_ARRAY(other));
	assert_true(sim_td_extend(&e->td, EVENTLOG_RTMR, &digest));
	wr_bytes(&w, span_of(e->log.p + e->log.at, e->log.n - 1));
	wr_str(&w, ",{\"imr\":3,\"event_type\":134217729,\"digest\":\"");
	text_hex(&w, SPAN_ARRAY(digest.b));
	wr_str(&w, "\",\"event\":\"app-id\",\"event_payload\":\"");
	text_hex(&w, SPAN_ARRAY(other));
	wr_str(&w, "\"}]");
	ev_set(&e->log, wr_span(&w));
}
HOOK(other_compose)
{
	WHEN(EV_AFTER);
	e->app.has_compose = true;
	e->app.compose[0] = 1;
}
HOOK(other_app)
{
	WHEN(EV_AFTER);
	e->app.app_id[0] ^= 1;
}
HOOK(other_manifest)
{
	WHEN(EV_BUNDLE);
	e->bundle.manifest = span_str("{\"name\":\"other\"}");
}

/* ---- what the quote is over */

HOOK(upper_half)
{
	WHEN(EV_QUOTE);
	e->report_data[40] ^= 1;
}
HOOK(zero_half)
{
	WHEN(EV_QUOTE);
	memset(e->report_data + 32, 0, 32);
}
HOOK(strict_asked)
{
	WHEN(EV_AFTER);
	e->rules.report_data = RULES_STRICT;
}
HOOK(strict)
{
	zero_half(e, at);
	strict_asked(e, at);
}
/* Nothing is over the core: it may be anybody's. */
HOOK(strict_not_fresh)
{
	strict(e, at);
	WHEN(EV_AFTER);
	e->m.answer.n = 0;
}
HOOK(lower_half)
{
	WHEN(EV_QUOTE);
	e->report_data[0] ^= 1;
}

/* ---- documents */

static void append_sum(struct ev *e, const char *line)
{
	assert_true(buf_add(&e->sums, span_str(line)));
}
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
HOOK(sums_extra)
{
	WHEN(EV_SUMS);
	append_sum(e, ZEROS "  cert-zzz.example.org.pem\n");
}
HOOK(sums_twice)
{
	WHEN(EV_SUMS);
	append_sum(e, ZEROS "  cert-www.example.org.pem\n");
}
HOOK(sums_path)
{
	WHEN(EV_SUMS);
	append_sum(e, ZEROS "  cert-zz/../../x.pem\n");
}
HOOK(sums_crlf)
{
	WHEN(EV_SUMS);
	e->sums.n--;
	append_sum(e, "\r\n");
}
HOOK(sums_unlisted)
{
	WHEN(EV_BUNDLE);
	ev_item(&e->bundle.files, "cert-zzz.example.org.pem", buf_span(&e->chain));
}
HOOK(sums_other_file)
{
	WHEN(EV_BUNDLE);
	copy_bytes(&e->account_text, 2, "BODY");
}
HOOK(pem_trailing)
{
	WHEN(EV_FILES);
	assert_true(buf_add(&e->chain, span_str("trailing\n")));
}
HOOK(foreign_account_file)
{
	WHEN(EV_START);
	e->account_uri = "https://ca.example/acct/2";
}
HOOK(name_in_the_middle)
{
	static const struct span names[] = { EV_S(EV_HOST), EV_S("a.*.example.org") };

	WHEN(EV_CORE);
	e->core.names = names;
}
HOOK(name_with_dot)
{
	static const struct span names[] = { EV_S("www.example.org."), EV_S(EV_HOST) };

	WHEN(EV_CORE);
	e->core.names = names;
}
HOOK(name_of_others)
{
	static const struct span names[] = { EV_S("other.example.org") };

	WHEN(EV_CORE);
	e->core.names = names;
	e->core.name_count = 1;
}
HOOK(core_twice)
{
	WHEN(EV_FILES);
	copy_bytes(&e->core_text, 0, "{\"v\":2,\"v\":2,"); /* over "issued_at" */
}
HOOK(core_version)
{
	WHEN(EV_FILES);
	copy_bytes(&e->core_text, 0, "{\"v\":3");
}
HOOK(bundle_cut)
{
	WHEN(EV_AFTER);
	e->m.bundle.n--;
}
HOOK(bundle_deep)
{
	WHEN(EV_AFTER);
	e->m.bundle = span_str(
		"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}}");
}
HOOK(answer_cut)
{
	WHEN(EV_AFTER);
	e->m.answer.n--;
}

#endif
