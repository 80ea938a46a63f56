#include "cli/quote_report.h"

#include "base/mem.h"
#include "cli/json.h"

enum {
	INDENT = 2,
	COLUMN = 22, /* where values begin */
};

static void set_status(json_t *object, const char *key, enum tee_tcb_status s)
{
	jset(object, key,
	     s == TCB_NONE ? json_null() : json_string(tee_tcb_status_name(s)));
}

static json_t *measurements_of(const struct td_report *td)
{
	json_t *m = json_object();

	jset_hex(m, "mr_td", td->mr_td);
	jset_hex(m, "rtmr0", td->rtmr[0]);
	jset_hex(m, "rtmr1", td->rtmr[1]);
	jset_hex(m, "rtmr2", td->rtmr[2]);
	jset_hex(m, "rtmr3", td->rtmr[3]);
	jset_hex(m, "mr_config_id", td->mr_config_id);
	jset_hex(m, "mr_owner", td->mr_owner);
	jset_hex(m, "mr_owner_config", td->mr_owner_config);
	jset_hex(m, "mr_seam", td->mr_seam);
	jset_hex(m, "mr_signer_seam", td->mr_signer_seam);
	if (td->mr_service_td.n)
		jset_hex(m, "mr_service_td", td->mr_service_td);
	jset_bits(m, "td_attributes", td->td_attributes);
	jset_bits(m, "xfam", td->xfam);
	jset_hex(m, "tee_tcb_svn", td->tee_tcb_svn);
	if (td->tee_tcb_svn2.n)
		jset_hex(m, "tee_tcb_svn2", td->tee_tcb_svn2);
	jset_hex(m, "report_data", td->report_data);
	return m;
}

static json_t *enclave_of(const struct enclave_report *e)
{
	json_t *m = json_object();

	jset_hex(m, "mr_enclave", e->mr_enclave);
	jset_hex(m, "mr_signer", e->mr_signer);
	jset(m, "isv_prod_id", json_integer(e->isv_prod_id));
	jset(m, "isv_svn", json_integer(e->isv_svn));
	jset_hex(m, "attributes", e->attributes);
	jset_hex(m, "cpu_svn", e->cpu_svn);
	jset_hex(m, "report_data", e->report_data);
	return m;
}

static void set_quote(json_t *object, const struct quote *q)
{
	json_t *head = json_object();

	jset_text(head, "tee", q->tee == QUOTE_TDX ? "TDX" : "SGX");
	jset(head, "version", json_integer(q->version));
	jset(head, "bytes", json_integer((json_int_t)q->canonical.n));
	jset(head, "certification_type", json_integer(q->certification_type));
	jset(head, "qe_isv_svn", json_integer(q->qe_report.isv_svn));
	jset(object, "quote", head);
	jset(object, "measurements",
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
		jadd(list, json_string(v->advisories[i]));
	return list;
}

static json_t *tcb_of(const struct tee_verdict *v)
{
	json_t *tcb = json_object();

	set_status(tcb, "platform", v->platform_status);
	jset_time(tcb, "platform_date", v->tcb_date);
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

	jset_hex(p, "fmspc", SPAN_ARRAY(pck->fmspc));
	jset_hex(p, "ppid", SPAN_ARRAY(pck->ppid));
	jset_hex(p, "pce_id", SPAN_ARRAY(pck->pce_id));
	jset(p, "pce_svn", json_integer(pck->pce_svn));
	jset_hex(p, "components", SPAN_ARRAY(pck->component));
	jset_text(p, "sgx_type", types[pck->sgx_type]);
	if (pck->has_platform) {
		jset_hex(p, "instance_id",
			 SPAN_ARRAY(pck->platform_instance_id));
		jset(p, "dynamic_platform",
		     json_boolean(pck->dynamic_platform));
		jset(p, "cached_keys", json_boolean(pck->cached_keys));
		jset(p, "smt_enabled", json_boolean(pck->smt_enabled));
	}
	return p;
}

static json_t *collateral_of(const struct tee_verdict *v)
{
	json_t *c = json_object();

	jset_time(c, "earliest_issue", v->earliest_issue);
	jset_time(c, "earliest_expiry", v->earliest_expiry);
	jset(c, "tcb_evaluation", json_integer(v->tcb_evaluation));
	jset(c, "qe_evaluation", json_integer(v->qe_evaluation));
	return c;
}

json_t *quote_report_verdict(const struct tee_verdict *v, int64_t at)
{
	json_t *root = json_object();

	jset(root, "accepted", json_boolean(v->reason == TEE_OK));
	jset_text(root, "reason", tee_reason_name(v->reason));
	jset_text(root, "detail", v->detail);
	jset(root, "verified", json_boolean(v->is_verified));
	jset(root, "simulated", json_boolean(v->is_simulated));
	jset_text(root, "anchor", v->anchor);
	jset_time(root, "at", at);
	set_status(root, "tcb_status", v->tcb_status);
	jset(root, "tcb", tcb_of(v));
	jset(root, "advisories", advisories_of(v));
	jset_text(root, "image", v->image);
	/* Zero is a value too: what was not reached is not there. */
	jset(root, "collateral",
	     v->earliest_expiry ? collateral_of(v) : json_null());
	jset(root, "platform",
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

		jset_text(layers, tee_layer_name(layer),
			  layer_state_name(quote_layer_state(v, asked, layer)));
	}
	jset_text(root, "layer", tee_layer_name(tee_reason_layer(v->reason)));
	jset(root, "layers", layers);
	jset(root, "policy",
	     asked->policy ? json_string(asked->policy) : json_null());
}

static void set_id(json_t *object, const char *key, bool has, struct span id)
{
	if (has)
		jset_hex(object, key, id);
	else
		jset(object, key, json_null());
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
