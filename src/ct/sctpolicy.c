#include "ct/sctpolicy.h"

static const char *const sct_names[SCTPOLICY_SCT_COUNT] = {
	[SCTPOLICY_SCT_OK] = "ok",
	[SCTPOLICY_SCT_UNKNOWN_LOG] = "unknown_log",
	[SCTPOLICY_SCT_TEST_LOG] = "test_log",
	[SCTPOLICY_SCT_PENDING_LOG] = "pending_log",
	[SCTPOLICY_SCT_REJECTED_LOG] = "rejected_log",
	[SCTPOLICY_SCT_AFTER_RETIREMENT] = "after_retirement",
	[SCTPOLICY_SCT_FUTURE] = "future",
	[SCTPOLICY_SCT_WRONG_INTERVAL] = "wrong_interval",
	[SCTPOLICY_SCT_BAD_SIGNATURE] = "bad_signature",
};

static const struct {
	const char *name, *rule;
} reasons[SCTPOLICY_REASON_COUNT] = {
	[SCTPOLICY_OK] = { "ok", "Chrome CT policy" },
	[SCTPOLICY_NO_SCTS] = { "no_scts", "Chrome CT policy" },
	[SCTPOLICY_MALFORMED] = { "malformed_scts", "RFC 6962 3.3" },
	[SCTPOLICY_OLD_LIST] = { "old_log_list", "Chrome CT policy" },
	[SCTPOLICY_TOO_FEW] = { "too_few_scts", "Chrome CT policy" },
	[SCTPOLICY_NO_CURRENT_LOG] = { "no_current_log", "Chrome CT policy" },
	[SCTPOLICY_ONE_OPERATOR] = { "one_operator", "Chrome CT policy" },
};

const char *sctpolicy_sct_name(enum sctpolicy_sct s)
{
	return sct_names[s];
}

const char *sctpolicy_reason_name(enum sctpolicy_reason r)
{
	return reasons[r].name;
}

const char *sctpolicy_reason_rule(enum sctpolicy_reason r)
{
	return reasons[r].rule;
}

/* What the log's standing says of an SCT made at 'at'. */
static enum sctpolicy_sct by_state(const struct loglist_log *log, int64_t at)
{
	switch (log->state) {
	case LOGLIST_PENDING:
		return SCTPOLICY_SCT_PENDING_LOG;
	case LOGLIST_QUALIFIED:
	case LOGLIST_USABLE:
	case LOGLIST_READONLY:
		return SCTPOLICY_SCT_OK;
	case LOGLIST_RETIRED:
		return at < log->state_at ? SCTPOLICY_SCT_OK
					  : SCTPOLICY_SCT_AFTER_RETIREMENT;
	case LOGLIST_REJECTED:
		return SCTPOLICY_SCT_REJECTED_LOG;
	}
	return SCTPOLICY_SCT_REJECTED_LOG;
}

static enum sctpolicy_sct judge_one(const struct sctpolicy_one *one,
				    const struct sct_entry *entry, int64_t now)
{
	const struct loglist_log *log = one->log;
	uint64_t now_ms = now < 0 ? 0 : (uint64_t)now * 1000;
	int64_t expiry = entry->cert->not_after;
	enum sctpolicy_sct state;

	if (!log)
		return SCTPOLICY_SCT_UNKNOWN_LOG;
	if (log->is_test)
		return SCTPOLICY_SCT_TEST_LOG;
	/* now is whole seconds: the last of its milliseconds counts */
	if (one->sct.timestamp_ms > now_ms + 999)
		return SCTPOLICY_SCT_FUTURE;
	state = by_state(log, (int64_t)(one->sct.timestamp_ms / 1000));
	if (state != SCTPOLICY_SCT_OK)
		return state;
	if (log->has_interval &&
	    (expiry < log->expiry_from || expiry >= log->expiry_until))
		return SCTPOLICY_SCT_WRONG_INTERVAL;
	return sct_verify(&one->sct, entry, log->spki)
		       ? SCTPOLICY_SCT_OK
		       : SCTPOLICY_SCT_BAD_SIGNATURE;
}

static struct span operator_of(const struct sctpolicy_one *one)
{
	return loglist_operator_at(one->log,
				   (int64_t)(one->sct.timestamp_ms / 1000));
}

/* Counts what is valid, each log and each operator once. */
static bool count_valid(struct sctpolicy_verdict *v)
{
	bool has_current = false;

	for (size_t i = 0; i < v->count; i++) {
		const struct sctpolicy_one *one = &v->one[i];
		bool new_log = true, new_operator = true;

		if (one->state != SCTPOLICY_SCT_OK)
			continue;
		for (size_t k = 0; k < i; k++) {
			if (v->one[k].state != SCTPOLICY_SCT_OK)
				continue;
			if (v->one[k].log == one->log)
				new_log = false;
			if (span_equal(operator_of(&v->one[k]),
				       operator_of(one)))
				new_operator = false;
		}
		v->valid += new_log;
		v->operators += new_operator;
		has_current |= one->log->state != LOGLIST_RETIRED;
	}
	return has_current;
}

static enum sctpolicy_reason judge(struct sctpolicy_verdict *v,
				   const struct sct_entry *entry,
				   const struct loglist *list, int64_t now)
{
	struct sct scts[SCT_COUNT_MAX];
	bool has_current;

	if (!entry->cert->scts.n)
		return SCTPOLICY_NO_SCTS;
	if (sct_list_parse(scts, &v->count, entry->cert->scts))
		return SCTPOLICY_MALFORMED;
	for (size_t i = 0; i < v->count; i++) {
		v->one[i].sct = scts[i];
		v->one[i].log = loglist_find(list, scts[i].log_id);
		v->one[i].state = judge_one(&v->one[i], entry, now);
	}
	has_current = count_valid(v);
	if (now - list->made_at > SCTPOLICY_LIST_AGE_S)
		return SCTPOLICY_OLD_LIST;
	if (v->valid < v->needed)
		return SCTPOLICY_TOO_FEW;
	if (!has_current)
		return SCTPOLICY_NO_CURRENT_LOG;
	if (v->operators < SCTPOLICY_OPERATORS)
		return SCTPOLICY_ONE_OPERATOR;
	return SCTPOLICY_OK;
}

void sctpolicy_judge(struct sctpolicy_verdict *out,
		     const struct web_cert *cert,
		     const struct web_cert *issuer, const struct loglist *list,
		     int64_t now)
{
	struct sct_entry entry = sct_entry_embedded(cert, issuer);
	struct sctpolicy_verdict v = { 0 };

	v.needed = cert->not_after - cert->not_before > SCTPOLICY_LONG_S
			   ? SCTPOLICY_MANY
			   : SCTPOLICY_FEW;
	v.reason = judge(&v, &entry, list, now);
	*out = v;
}
