#include "evidence/check_list.h"

void check_memory_account(struct finding *f, const struct reading *r)
{
	const struct material_memory *memory = &r->m->memory;
	struct span uri = r->has_core ? r->core.account.uri : r->account_uri;

	if (!memory->is_there || !memory->account_uri.n)
		finding_say(f, CHECK_NOT_ASKED, "this is the first visit");
	else if (!uri.n)
		finding_say(f, CHECK_UNKNOWN, "no account is known");
	else if (!span_equal(memory->account_uri, uri))
		finding_say(f, CHECK_FAIL, "it was %s",
			    finding_text(memory->account_uri).text);
	else if (r->has_core &&
		 !span_equal(SPAN_ARRAY(memory->thumbprint.b),
			     SPAN_ARRAY(r->core.account.thumbprint.b)) &&
		 !span_is_zero(SPAN_ARRAY(memory->thumbprint.b)))
		finding_say(f, CHECK_FAIL,
			    "same account, another key: its thumbprint was %s",
			    finding_hash(&memory->thumbprint).text);
	else
		finding_say(f, CHECK_PASS, "the same");
}

static const struct material_growth *
growth_of(const struct reading *r, const struct material_head *head)
{
	for (size_t i = 0; i < r->m->growth_count; i++)
		if (r->m->growth[i].from == head->head.size &&
		    span_equal(SPAN_ARRAY(r->m->growth[i].log_id.b),
			       SPAN_ARRAY(head->log_id.b)))
			return &r->m->growth[i];
	return NULL;
}

void check_memory_heads(struct finding *f, const struct reading *r)
{
	const struct material_memory *memory = &r->m->memory;
	size_t confirmed = 0;

	if (!memory->is_there || !memory->head_count) {
		finding_say(f, CHECK_NOT_ASKED, "no head is remembered");
		return;
	}
	for (size_t i = 0; i < memory->head_count; i++) {
		const struct material_head *h = &memory->heads[i];
		const struct material_growth *g = growth_of(r, h);

		if (!g)
			continue;
		if (!treeproof_extends(&h->head, &g->now, &g->proof)) {
			finding_say(f, CHECK_FAIL,
				    "log %s has rewritten its history",
				    finding_hash(&h->log_id).text);
			return;
		}
		confirmed++;
	}
	if (confirmed == memory->head_count)
		finding_say(f, CHECK_PASS, "%zu logs have only grown",
			    confirmed);
	else
		finding_say(f, CHECK_UNKNOWN, "%zu of %zu were confirmed",
			    confirmed, memory->head_count);
}
