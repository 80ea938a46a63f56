/* Attacks on the account, on certificates, and on logs. */
#ifndef POSTERN_TESTS_ATTACKS_WEB_H
#define POSTERN_TESTS_ATTACKS_WEB_H

#include "attack_begin.h"

/* ---- account */

HOOK(staging)
{
	WHEN(EV_CORE);
	e->core.account.directory = span_str("https://staging.ca.example/directory");
}
HOOK(look_alike)
{
	WHEN(EV_CORE);
	e->core.account.directory = span_str("https://ca.example.evil.example/directory");
}
HOOK(stolen_account)
{
	WHEN(EV_SIGNED);
	p256_private_point(e->base->thief, &e->core.account.key);
	holder_thumbprint(&e->core.account.thumbprint, &e->core.account.key);
	memset(&e->core.account.signature, 7, 8);
}
HOOK(other_thumbprint)
{
	WHEN(EV_AFTER);
	e->m.memory.thumbprint.b[0] ^= 1;
}
HOOK(other_account_than_before)
{
	WHEN(EV_AFTER);
	e->m.memory.account_uri = span_str("https://ca.example/acct/9");
}
HOOK(gateway)
{
	WHEN(EV_START);
	e->is_gateway = true;
}
HOOK(gateway_key_differs)
{
	gateway(e, at);
	other_key(e, at);
}
HOOK(gateway_account_unquoted)
{
	gateway(e, at);
	WHEN(EV_QUOTE);
	ev_set(&e->account_quote, buf_span(&e->key_quote));
	ev_acme_info(e);
}
/* The gateway lists one more key, which has a certificate. */
static void list_next(struct ev *e, enum ev_stage at, struct span quote)
{
	struct dotdstack_key keys[] = {
		{ .spki = SPAN_ARRAY(e->base->leaf_key.spki), .quote = buf_span(&e->key_quote) },
		{ .spki = SPAN_ARRAY(e->base->next_key.spki), .quote = quote },
	};
	const struct dotdstack_acme acme = { .account_uri = EV_S(EV_ACCOUNT),
					     .account_quote = buf_span(&e->account_quote),
					     .keys = keys,
					     .key_count = 2 };

	gateway(e, at);
	if (at == EV_QUOTE) {
		ev_set(&e->acme_info, span_of(NULL, 0));
		assert_int_equal(dotdstack_acme_write(&e->acme_info, &acme), RC_OK);
	} else if (at == EV_AFTER) {
		make_other(e, &e->base->next_key, &e->want);
		add_history(e);
	}
}
HOOK(gateway_lists_a_stranger)
{
	list_next(e, at, span_of(NULL, 0));
}
HOOK(gateway_lists_a_stranger_by_its_quote)
{
	list_next(e, at, buf_span(&e->key_quote));
}
HOOK(gateway_renewed)
{
	struct buf quote;
	uint8_t data[64];

	buf_init(&quote, EV_TEXT);
	if (at == EV_QUOTE) {
		dotdstack_report_data(data, DOTDSTACK_CERT, SPAN_ARRAY(e->base->next_key.spki));
		ev_get_quote(&quote, e, data);
	}
	list_next(e, at, buf_span(&quote));
	buf_fini(&quote);
}
/* Nothing says whose the keys are. */
HOOK(gateway_key_unquoted)
{
	gateway(e, at);
	WHEN(EV_QUOTE);
	ev_set(&e->key_quote, span_of(NULL, 0));
	ev_acme_info(e);
}
HOOK(key_unquoted)
{
	WHEN(EV_QUOTE);
	ev_set(&e->key_quote, buf_span(&e->account_quote));
	ev_acme_info(e);
}
/* A quote of somebody else over the right data, with his log; and the same with
 * a log that is not the quote's. */
static void quote_by(struct ev *e, const char *app, uint8_t instance, bool with_log)
{
	const struct sim_td td = e->td;
	const struct buf log = e->log;
	struct buf theirs;

	ev_boot_as(e, app, instance);
	theirs = e->log;
	if (!with_log)
		e->log = log;
	ev_key_quotes(e);
	e->td = td;
	e->log = log;
	buf_fini(&theirs);
	ev_acme_info(e);
}
HOOK(key_quoted_by_other_app)
{
	WHEN(EV_QUOTE);
	quote_by(e, "{\"name\":\"other\"}", 7, true);
}
HOOK(key_quoted_by_other_instance)
{
	WHEN(EV_QUOTE);
	quote_by(e, EV_APP, 8, true);
}
HOOK(key_quoted_with_our_log)
{
	WHEN(EV_QUOTE);
	quote_by(e, "{\"name\":\"other\"}", 7, false);
}
static void account_quote_by(struct ev *e, enum ev_stage at, const char *app, uint8_t instance)
{
	struct buf key;

	gateway(e, at);
	WHEN(EV_QUOTE);
	key = e->key_quote;
	buf_init(&e->key_quote, EV_TEXT);
	quote_by(e, app, instance, true);
	buf_fini(&e->key_quote);
	e->key_quote = key;
	ev_acme_info(e);
}
HOOK(account_quoted_by_other_app)
{
	account_quote_by(e, at, "{\"name\":\"other\"}", 7);
}
HOOK(account_quoted_by_other_instance)
{
	account_quote_by(e, at, EV_APP, 8);
}
HOOK(answered_by_other_app)
{
	WHEN(EV_ANSWER);
	buf_fini(&e->log);
	ev_boot(e, "{\"name\":\"other\"}");
}

HOOK(answered_by_other_instance)
{
	WHEN(EV_ANSWER);
	buf_fini(&e->log);
	ev_boot_as(e, EV_APP, 8);
}

/* ---- certificate, CT */

HOOK(unlisted_certificate)
{
	struct web_leaf_want want = e->want;

	WHEN(EV_AFTER);
	want.serial = 78;
	make_other(e, &e->base->leaf_key, &want);
	e->chain_der[0] = web_span(&e->other);
}
HOOK(renewed)
{
	struct web_leaf_want want = e->want;

	WHEN(EV_AFTER);
	want.serial = 79;
	want.from = WEB_NOW - 60;
	make_other(e, &e->base->next_key, &want);
	e->chain_der[0] = web_span(&e->other);
}
HOOK(other_instance)
{
	other_key(e, at);
	WHEN(EV_AFTER);
	memcpy(e->key_list[0], e->base->stranger.hash.b, 32);
	e->rules.keys = (const uint8_t(*)[32])e->key_list;
	e->rules.key_count = 1;
}
HOOK(other_host)
{
	WHEN(EV_START);
	e->want.san = "DNS:other.example.org";
}
HOOK(expired_certificate)
{
	WHEN(EV_START);
	e->want.to = WEB_NOW - 1;
}
HOOK(no_scts)
{
	WHEN(EV_START);
	e->promises.count = 0;
}
HOOK(one_operator)
{
	WHEN(EV_AFTER);
	e->list_logs[1].operator_name = e->list_logs[0].operator_name;
}
HOOK(unknown_log)
{
	WHEN(EV_AFTER);
	e->list.count = 1;
}
HOOK(rejected_log)
{
	WHEN(EV_AFTER);
	e->list_logs[1].state = LOGLIST_REJECTED;
}
HOOK(retired_log)
{
	WHEN(EV_AFTER);
	e->list_logs[1].state = LOGLIST_RETIRED;
	e->list_logs[1].state_at = WEB_NOW - 90000;
}
HOOK(wrong_issuer_key)
{
	WHEN(EV_START);
	e->promises.issuer = &e->base->stranger;
}
HOOK(future_sct)
{
	WHEN(EV_START);
	e->promises.time_ms = (WEB_NOW + 3600) * UINT64_C(1000);
}
HOOK(never_merged)
{
	WHEN(EV_CORE);
	e->scts[1].is_proved = false;
}
HOOK(wrong_index)
{
	WHEN(EV_CORE);
	e->scts[0].index--;
}
HOOK(wrong_leaf)
{
	WHEN(EV_CORE);
	e->proof[0][0].b[0] ^= 1;
}
HOOK(unsigned_head)
{
	WHEN(EV_CORE);
	e->scts[0].checkpoint = e->scts[1].checkpoint;
}
HOOK(split_log)
{
	WHEN(EV_CORE);
	e->heads[0].root.b[0] ^= 1;
}
/* One log shows that it only grew; the other, which has the certificate of a
 * stranger, does not answer. */
HOOK(silent_log)
{
	struct tree_head head = web_log_head(&e->base->logs[1], WEB_LEAVES - 1);

	WHEN(EV_CORE);
	e->heads[1] = (struct core_head){ .log_id = e->base->logs[1].key.hash,
					  .size = head.size,
					  .timestamp_ms = e->heads[0].timestamp_ms };
	memcpy(e->heads[1].root.b, head.root.b, 32);
	e->core.head_count = 2;
}
/* A head of a log that we do not know says nothing either way. */
HOOK(silent_log_not_listed)
{
	silent_log(e, at);
	WHEN(EV_CORE);
	memset(e->heads[1].log_id.b, 3, 32);
}
HOOK(rewritten_log)
{
	WHEN(EV_AFTER);
	e->remembered.head.root.b[0] ^= 1;
}
HOOK(attackers_list)
{
	WHEN(EV_AFTER);
	e->m.is_log_list_signed = false;
}

#endif
