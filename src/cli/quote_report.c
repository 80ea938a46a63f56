#include "cli/quote_report.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum {
	INDENT = 2,
	COLUMN = 22, /* where values begin */
};

static void set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		abort(); /* out of memory: see base/mem */
}

static void set_text(json_t *object, const char *key, const char *text)
{
	set(object, key, json_string(text));
}

static void set_hex(json_t *object, const char *key, struct span b)
{
	AUTO(mem_auto_free)
	char *text = mem_new(2 * b.n + 1);
	struct wr w = wr_over(text, 2 * b.n);

	text_hex(&w, b);
	set_text(object, key, text);
}

static void set_bits(json_t *object, const char *key, uint64_t bits)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%016llx", (unsigned long long)bits);
	set_text(object, key, text);
}

/* null where there is no time. */
static void set_time(json_t *object, const char *key, int64_t at)
{
	char text[24] = "";
	struct wr w = wr_over(text, sizeof(text) - 1);

	if (at)
		text_utc_write(&w, at);
	set(object, key, at ? json_string(text) : json_null());
}

static void set_status(json_t *object, const char *key, enum tee_tcb_status s)
{
	set(object, key,
	    s == TCB_NONE ? json_null() : json_string(tee_tcb_status_name(s)));
}

static json_t *measurements_of(const struct td_report *td)
{
	json_t *m = json_object();

	set_hex(m, "mr_td", td->mr_td);
	set_hex(m, "rtmr0", td->rtmr[0]);
	set_hex(m, "rtmr1", td->rtmr[1]);
	set_hex(m, "rtmr2", td->rtmr[2]);
	set_hex(m, "rtmr3", td->rtmr[3]);
	set_hex(m, "mr_config_id", td->mr_config_id);
	set_hex(m, "mr_owner", td->mr_owner);
	set_hex(m, "mr_owner_config", td->mr_owner_config);
	set_hex(m, "mr_seam", td->mr_seam);
	set_hex(m, "mr_signer_seam", td->mr_signer_seam);
	if (td->mr_service_td.n)
		set_hex(m, "mr_service_td", td->mr_service_td);
	set_bits(m, "td_attributes", td->td_attributes);
	set_bits(m, "xfam", td->xfam);
	set_hex(m, "tee_tcb_svn", td->tee_tcb_svn);
	if (td->tee_tcb_svn2.n)
		set_hex(m, "tee_tcb_svn2", td->tee_tcb_svn2);
	set_hex(m, "report_data", td->report_data);
	return m;
}

static json_t *enclave_of(const struct enclave_report *e)
{
	json_t *m = json_object();

	set_hex(m, "mr_enclave", e->mr_enclave);
	set_hex(m, "mr_signer", e->mr_signer);
	set(m, "isv_prod_id", json_integer(e->isv_prod_id));
	set(m, "isv_svn", json_integer(e->isv_svn));
	set_hex(m, "attributes", e->attributes);
	set_hex(m, "cpu_svn", e->cpu_svn);
	set_hex(m, "report_data", e->report_data);
	return m;
}

static void set_quote(json_t *object, const struct quote *q)
{
	json_t *head = json_object();

	set_text(head, "tee", q->tee == QUOTE_TDX ? "TDX" : "SGX");
	set(head, "version", json_integer(q->version));
	set(head, "bytes", json_integer((json_int_t)q->canonical.n));
	set(head, "certification_type", json_integer(q->certification_type));
	set(head, "qe_isv_svn", json_integer(q->qe_report.isv_svn));
	set(object, "quote", head);
	set(object, "measurements",
	    q->tee == QUOTE_TDX ? measurements_of(&q->td)
				: enclave_of(&q->enclave));
}

json_t *quote_report_quote(const struct quote *q)
{
	json_t *root = json_object();

	set_quote(root, q);
	return root;
}

static json_t *advisories_of(const struct tee_verdict *v)
{
	json_t *list = json_array();

	for (size_t i = 0; i < v->advisory_count; i++)
		if (json_array_append_new(list, json_string(v->advisories[i])))
			abort(); /* out of memory */
	return list;
}

static json_t *tcb_of(const struct tee_verdict *v)
{
	json_t *tcb = json_object();

	set_status(tcb, "platform", v->platform_status);
	set_time(tcb, "platform_date", v->tcb_date);
	set_status(tcb, "tdx_module", v->module_status);
	set_status(tcb, "quoting_enclave", v->qe_status);
	return tcb;
}

static json_t *platform_of(const struct tee_verdict *v)
{
	static const char *const types[] = {
		[PCK_STANDARD] = "standard",
		[PCK_SCALABLE] = "scalable",
		[PCK_SCALABLE_WITH_INTEGRITY] = "scalable with integrity",
	};
	const struct pck_info *pck = &v->pck;
	json_t *p = json_object();

	set_hex(p, "fmspc", SPAN_ARRAY(pck->fmspc));
	set_hex(p, "ppid", SPAN_ARRAY(pck->ppid));
	set_hex(p, "pce_id", SPAN_ARRAY(pck->pce_id));
	set(p, "pce_svn", json_integer(pck->pce_svn));
	set_hex(p, "components", SPAN_ARRAY(pck->component));
	set_text(p, "sgx_type", types[pck->sgx_type]);
	if (pck->has_platform) {
		set_hex(p, "instance_id",
			SPAN_ARRAY(pck->platform_instance_id));
		set(p, "dynamic_platform", json_boolean(pck->dynamic_platform));
		set(p, "cached_keys", json_boolean(pck->cached_keys));
		set(p, "smt_enabled", json_boolean(pck->smt_enabled));
	}
	return p;
}

static json_t *collateral_of(const struct tee_verdict *v)
{
	json_t *c = json_object();

	set_time(c, "earliest_issue", v->earliest_issue);
	set_time(c, "earliest_expiry", v->earliest_expiry);
	set(c, "tcb_evaluation", json_integer(v->tcb_evaluation));
	set(c, "qe_evaluation", json_integer(v->qe_evaluation));
	return c;
}

json_t *quote_report_verdict(const struct tee_verdict *v, int64_t at)
{
	json_t *root = json_object();

	set(root, "accepted", json_boolean(v->reason == TEE_OK));
	set_text(root, "reason", tee_reason_name(v->reason));
	set_text(root, "detail", v->detail);
	set(root, "verified", json_boolean(v->is_verified));
	set(root, "simulated", json_boolean(v->is_simulated));
	set_text(root, "anchor", v->anchor);
	set_time(root, "at", at);
	set_status(root, "tcb_status", v->tcb_status);
	set(root, "tcb", tcb_of(v));
	set(root, "advisories", advisories_of(v));
	set_text(root, "image", v->image);
	/* Zero is a value too: what was not reached is not there. */
	set(root, "collateral",
	    v->earliest_expiry ? collateral_of(v) : json_null());
	set(root, "platform",
	    span_is_zero(SPAN_ARRAY(v->pck.ppid)) ? json_null()
						  : platform_of(v));
	if (v->quote.version)
		set_quote(root, &v->quote);
	return root;
}

void quote_report_layers(json_t *root, const struct tee_verdict *v,
			 const struct quote_asked *asked)
{
	json_t *layers = json_object();

	for (int i = TEE_LAYER_EVIDENCE; i <= TEE_LAYER_LOG; i++) {
		enum tee_layer layer = (enum tee_layer)i;

		set_text(layers, tee_layer_name(layer),
			 layer_state_name(quote_layer_state(v, asked, layer)));
	}
	set_text(root, "layer", tee_layer_name(tee_reason_layer(v->reason)));
	set(root, "layers", layers);
	set(root, "policy",
	    asked->policy ? json_string(asked->policy) : json_null());
}

static void set_id(json_t *object, const char *key, bool has, struct span id)
{
	if (has)
		set_hex(object, key, id);
	else
		set(object, key, json_null());
}

json_t *quote_report_identity(const struct eventlog_identity *id)
{
	json_t *root = json_object();

	set_id(root, "app_id", id->has_app_id, SPAN_ARRAY(id->app_id));
	set_id(root, "manifest_hash", id->has_manifest_hash,
	       SPAN_ARRAY(id->manifest_hash));
	set_id(root, "instance_id", id->has_instance_id,
	       SPAN_ARRAY(id->instance_id));
	return root;
}

static void print_array(FILE *to, const json_t *array)
{
	for (size_t i = 0; i < json_array_size(array); i++)
		fprintf(to, "%s%s", i ? ", " : "",
			json_string_value(json_array_get(array, i)));
	fputs(json_array_size(array) ? "\n" : "none\n", to);
}

static void print_value(FILE *to, const json_t *v)
{
	if (json_is_array(v))
		print_array(to, v);
	else if (json_is_string(v))
		fprintf(to, "%s\n",
			json_string_length(v) ? json_string_value(v) : "-");
	else if (json_is_integer(v))
		fprintf(to, "%" JSON_INTEGER_FORMAT "\n",
			json_integer_value(v));
	else if (json_is_boolean(v))
		fputs(json_is_true(v) ? "yes\n" : "no\n", to);
	else
		fputs("-\n", to);
}

static void print_members(FILE *to, const json_t *object, int depth)
{
	const char *key;
	json_t *v;

	/* jansson's iteration wants a pointer it may not write through */
	json_object_foreach((json_t *)(uintptr_t)object, key, v)
	{
		int indent = depth * INDENT;

		if (json_is_object(v)) {
			fprintf(to, "%*s%s\n", indent, "", key);
			print_members(to, v, depth + 1);
			continue;
		}
		fprintf(to, "%*s%-*s ", indent, "", COLUMN - indent, key);
		print_value(to, v);
	}
}

void quote_report_print(FILE *to, const json_t *object)
{
	print_members(to, object, 0);
}
