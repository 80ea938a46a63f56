#include "cli/collateral_report.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/json.h"
#include "tee/document.h"

enum {
	FMSPC_TEXT = 2 * PCS_FMSPC_LEN + 1,
	NUMBERS_MAX = 64,
};

static const char *hex(char text[FMSPC_TEXT], const uint8_t *fmspc)
{
	struct wr w = wr_over(text, FMSPC_TEXT - 1);

	memset(text, 0, FMSPC_TEXT);
	text_hex(&w, span_of(fmspc, PCS_FMSPC_LEN));
	return text;
}

static const char *tee_name(enum quote_tee tee)
{
	return tee == QUOTE_TDX ? "TDX" : "SGX";
}

void collateral_report_init(struct collateral_report *r)
{
	*r = (struct collateral_report){ .sets = json_array() };
}

void collateral_report_fini(struct collateral_report *r)
{
	json_decref(r->sets);
	*r = (struct collateral_report){ 0 };
}

/* An entry; without a reason it is a good one. */
static json_t *add(struct collateral_report *r, const uint8_t *fmspc,
		   const char *reason, const char *detail)
{
	json_t *entry = json_object();
	char text[FMSPC_TEXT];

	jset(entry, "fmspc",
	     fmspc ? json_string(hex(text, fmspc)) : json_null());
	jset(entry, "verified", json_boolean(!reason));
	if (reason) {
		jset(entry, "reason", json_string(reason));
		jset(entry, "detail", json_string(detail));
		r->bad_count++;
	}
	jadd(r->sets, entry);
	return entry;
}

static void auto_prepared(struct tee_prepared **p)
{
	tee_prepared_free(*p);
}

static void describe(json_t *entry, const struct tee_prepared_info *i,
		     bool is_valid)
{
	jset(entry, "valid", json_boolean(is_valid));
	jset(entry, "tee", json_string(tee_name(i->tcb_tee)));
	jset(entry, "tcb_evaluation", json_integer(i->tcb_evaluation));
	jset(entry, "qe_evaluation", json_integer(i->qe_evaluation));
	jset_time(entry, "valid_from", i->valid_from);
	jset_time(entry, "valid_to", i->valid_to);
	jset(entry, "anchor", json_string(i->anchor));
	jset(entry, "simulated", json_boolean(i->is_simulated));
}

void collateral_report_set(struct collateral_report *r, const uint8_t *fmspc,
			   const struct collateral_files *files,
			   const struct cache_terms *terms)
{
	AUTO(auto_prepared)
	struct tee_prepared *p = NULL;
	struct tee_collateral view = collateral_view(files);
	char detail[TEE_DETAIL_MAX] = "";
	enum tee_reason reason = tee_prepare(&p, detail, &view, terms->anchors,
					     terms->anchor_count);
	struct tee_prepared_info i;
	bool is_valid;

	if (reason) {
		(void)add(r, fmspc, tee_reason_name(reason), detail);
		return;
	}
	tee_prepared_info(&i, p);
	if (fmspc && !span_equal(SPAN_ARRAY(i.fmspc),
				 span_of(fmspc, PCS_FMSPC_LEN))) {
		(void)add(r, fmspc, pcs_reason_name(PCS_OTHER),
			  "TCB info: not of the folder's FMSPC");
		return;
	}
	is_valid = terms->now >= i.valid_from && terms->now <= i.valid_to;
	describe(add(r, i.fmspc, NULL, NULL), &i, is_valid);
	r->bad_count += !is_valid;
}

void collateral_report_broken(struct collateral_report *r,
			      const uint8_t *fmspc, const char *why)
{
	(void)add(r, fmspc, pcs_reason_name(PCS_STORE), why);
}

static const char *text_of(const json_t *entry, const char *key)
{
	const char *text = json_string_value(json_object_get(entry, key));

	return text ? text : "?";
}

static int number_of(const json_t *entry, const char *key)
{
	return (int)json_integer_value(json_object_get(entry, key));
}

static void print_entry(FILE *to, const json_t *e)
{
	if (!jtrue(e, "verified")) {
		fprintf(to, "%s  REFUSED: %s: %s\n", text_of(e, "fmspc"),
			text_of(e, "reason"), text_of(e, "detail"));
		return;
	}
	fprintf(to, "%s  %s  evaluation %d (QE %d)  %s to %s  %s%s\n",
		text_of(e, "fmspc"), text_of(e, "tee"),
		number_of(e, "tcb_evaluation"), number_of(e, "qe_evaluation"),
		text_of(e, "valid_from"), text_of(e, "valid_to"),
		jtrue(e, "valid") ? "valid" : "NOT VALID NOW",
		jtrue(e, "simulated") ? "  SIMULATED" : "");
}

bool collateral_report_is_good(const struct collateral_report *r)
{
	return !r->bad_count && json_array_size(r->sets);
}

void collateral_report_print(FILE *to, const struct collateral_report *r,
			     bool is_json)
{
	if (is_json) {
		jprint(to, r->sets);
		return;
	}
	for (size_t i = 0; i < json_array_size(r->sets); i++)
		print_entry(to, json_array_get(r->sets, i));
	if (!json_array_size(r->sets))
		fputs("no set of documents\n", to);
}

void collateral_report_line(FILE *to, const struct tee_prepared_info *info)
{
	json_t *entry = json_object();
	char text[FMSPC_TEXT];

	jset(entry, "fmspc", json_string(hex(text, info->fmspc)));
	jset(entry, "verified", json_true());
	describe(entry, info, true);
	print_entry(to, entry);
	json_decref(entry);
}

/* ---- evaluation data numbers */

/* A text as it is in a signed document: a time, which has no NUL. */
static json_t *text_in(const struct jtree *entry, const char *key)
{
	struct span text = { 0 };

	(void)document_text(entry, key, &text); /* it was checked */
	return json_stringn((const char *)text.p, text.n);
}

/* One number and its dates; NULL: not of their form. */
static json_t *read_number(const struct jtree *entry)
{
	uint32_t number;
	int64_t at;
	json_t *out;

	if (!document_u32(entry, "tcbEvaluationDataNumber", &number,
			  UINT32_MAX) ||
	    !document_time(entry, "tcbRecoveryEventDate", &at) ||
	    !document_time(entry, "tcbDate", &at))
		return NULL;
	out = json_object();
	jset(out, "tcb_evaluation", json_integer(number));
	jset(out, "event", text_in(entry, "tcbRecoveryEventDate"));
	jset(out, "tcb_date", text_in(entry, "tcbDate"));
	return out;
}

static bool read_numbers(json_t *out, const struct jtree *root,
			 enum quote_tee tee, int64_t at)
{
	const struct jtree *numbers;
	struct span id;
	int64_t issued, expires;

	if (!document_text(root, "id", &id) ||
	    !span_equal_str(id, tee_name(tee)) ||
	    !document_time(root, "issueDate", &issued) ||
	    !document_time(root, "nextUpdate", &expires) || at < issued ||
	    at > expires ||
	    !document_array(root, "tcbEvalNumbers", &numbers, NUMBERS_MAX))
		return false;
	for (const struct jtree *e = numbers->first; e; e = e->next) {
		json_t *number = read_number(e);

		if (!number)
			return false;
		jadd(out, number);
	}
	return true;
}

bool collateral_report_numbers(FILE *to, struct span object, enum quote_tee tee,
			       int64_t at, bool is_json)
{
	AUTO(arena_fini)
	struct arena arena;
	AUTO(jfree)
	json_t *out = json_array();
	const struct jtree *root;

	arena_init(&arena, DOCUMENT_TREE_MAX);
	root = document_load(&arena, object);
	if (!root || !read_numbers(out, root, tee, at))
		return false;
	if (is_json)
		jprint(to, out);
	for (size_t i = 0; !is_json && i < json_array_size(out); i++) {
		const json_t *e = json_array_get(out, i);

		fprintf(to, "%d  event %s  TCB date %s\n",
			number_of(e, "tcb_evaluation"), text_of(e, "event"),
			text_of(e, "tcb_date"));
	}
	return true;
}
