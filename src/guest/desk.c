#include "guest/desk.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "guest/reportdata.h"
#include "guest/say.h"
#include "guest/signature.h"
#include "guest/tlskey.h"
#include "tee/eventlog.h"

/* What dstack's Sign always signs with. */
#define DSTACK_SIGN_PATH "vms"
#define DSTACK_SIGN_PURPOSE "signing"

enum {
	EVENT_NAME_MAX = 128, /* tee/eventlog.h */
};

/* A request that waits for the machine. */
struct desk {
	struct arena arena; /* of call */
	struct call call;
	struct sha512 report_data;
	struct p256_private *key; /* TLS_KEY */
	char container[GUEST_NAME_MAX];
	struct evidence_text evidence;
};

/* What is at hand while one is answered at once. */
struct asking {
	const struct desk_world *w;
	const struct guest_container *who;
	struct desk *d;
	struct desk_answer *answer;
};

void desk_refuse(struct desk_answer *a, unsigned status, const char *why)
{
	a->status = status;
	buf_reset(&a->body);
	say_error(&a->body, why);
}

bool desk_registers_of(struct desk_registers *out, struct span quote)
{
	struct quote q;

	if (quote_parse(&q, quote) != TEE_OK || q.tee != QUOTE_TDX)
		return false;
	memcpy(out->mr_td, q.td.mr_td.p, QUOTE_MR_LEN);
	for (size_t i = 0; i < QUOTE_RTMR_COUNT; i++)
		memcpy(out->rtmr[i], q.td.rtmr[i].p, QUOTE_MR_LEN);
	memcpy(out->mr_config_id, q.td.mr_config_id.p, QUOTE_MR_LEN);
	memcpy(out->mr_owner, q.td.mr_owner.p, QUOTE_MR_LEN);
	memcpy(out->mr_owner_config, q.td.mr_owner_config.p, QUOTE_MR_LEN);
	sha256_of(&out->device, q.user_data);
	return true;
}

void desk_bind(struct sha512 *out, struct span container, struct span data)
{
	const uint8_t n = (uint8_t)container.n;
	const struct span parts[] = { span_str("postern/guest/v1"),
				      span_of(&n, 1), container, data };

	sha512_parts(out, parts, 4);
}

void desk_free(struct desk *d)
{
	if (!d)
		return;
	p256_private_free(d->key);
	arena_wipe(&d->arena);
	secret_wipe(d, sizeof(*d));
	free(d);
}

const uint8_t *desk_report_data(const struct desk *d)
{
	return d->report_data.b;
}

void desk_event(const struct desk *d, struct span *name, struct span *payload)
{
	*name = d->call.event;
	*payload = d->call.data;
}

/* ---- answers ---- */

static enum desk_step refuse(struct asking *a, unsigned status, const char *why)
{
	desk_refuse(a->answer, status, why);
	return DESK_ANSWERED;
}

static enum desk_step answered(struct asking *a, enum rc rc)
{
	if (rc)
		return refuse(a, 500, "the answer is too long");
	a->answer->status = 200;
	return DESK_ANSWERED;
}

static bool may(const struct asking *a, enum guest_right right,
		struct span path)
{
	return guest_allows(a->who, right, path);
}

static enum desk_step not_allowed(struct asking *a, const char *rule)
{
	char why[96];
	struct wr w = wr_over(why, sizeof(why) - 1);

	wr_printf(&w, "the manifest does not allow this container: %s", rule);
	why[wr_span(&w).n] = '\0';
	return refuse(a, 403, why);
}

/* ---- quotes ---- */

static bool is_raw_refused(struct asking *a)
{
	if (a->w->manifest->guest->has_raw_quotes)
		return false;
	(void)refuse(a, 403,
		     "quotes over bytes as they are need \"raw_quotes\" in the "
		     "manifest's \"guest\"; /v1/quote hashes them under the "
		     "container's label");
	return true;
}

static enum desk_step ask_quote(struct asking *a, const struct call *c)
{
	const char *fault;

	if (!may(a, GUEST_QUOTE, (struct span){ 0 }))
		return not_allowed(a, "quote");
	if (c->dialect == CALL_POSTERN) {
		desk_bind(&a->d->report_data, span_str(a->who->name), c->data);
		return DESK_QUOTE;
	}
	if (is_raw_refused(a))
		return DESK_ANSWERED;
	fault = reportdata_of(a->d->report_data.b, c);
	return fault ? refuse(a, 400, fault) : DESK_QUOTE;
}

static enum desk_step no_keys(struct asking *a)
{
	return refuse(a, 503, "this machine has no key provider");
}

static enum desk_step ask_evidence(struct asking *a, const struct call *c)
{
	struct desk *d = a->d;

	if (!may(a, GUEST_EVIDENCE, (struct span){ 0 }))
		return not_allowed(a, "evidence");
	if (!a->w->root)
		return no_keys(a);
	if (c->data.n > 64)
		return refuse(a, 400, "nonce: expected at most 64 bytes");
	if (say_evidence_text(&d->evidence, a->w, c->data))
		return refuse(a, 500, "the statement is too long");
	say_evidence_bind(&d->report_data, &d->evidence);
	return DESK_QUOTE;
}

/* ---- keys ---- */

static struct derive_name name_of(const struct call *c)
{
	static const enum derive_algorithm table[] = {
		[CALL_SECP256K1] = DERIVE_SECP256K1,
		[CALL_SECP256K1_PREHASHED] = DERIVE_SECP256K1,
		[CALL_ED25519] = DERIVE_ED25519,
		[CALL_RAW] = DERIVE_RAW,
	};
	struct derive_name name = {
		.algorithm = table[c->algorithm],
		.purpose = c->purpose,
		.path = c->path,
	};

	if (c->op == CALL_SIGN && c->dialect != CALL_POSTERN) {
		name.path = span_str(DSTACK_SIGN_PATH);
		name.purpose = span_str(DSTACK_SIGN_PURPOSE);
	}
	return name;
}

static enum desk_step ask_key(struct asking *a, const struct call *c)
{
	const struct derive_name name = name_of(c);
	AUTO(say_key_wipe)
	struct say_key key = { 0 };

	if (!may(a, GUEST_KEY, name.path))
		return not_allowed(a, "key with that path");
	if (c->algorithm == CALL_SECP256K1_PREHASHED ||
	    (c->algorithm == CALL_RAW && c->dialect != CALL_POSTERN))
		return refuse(a, 400,
			      "algorithm: expected secp256k1 or ed25519");
	if (!a->w->root)
		return no_keys(a);
	if (c->dialect == CALL_DSTACK_V1) {
		if (!say_key_make_v1(&key, a->w, name.algorithm, name.path))
			return refuse(a, 400, "domain: choose another one");
	} else {
		say_key_make(&key, a->w, &name);
	}
	return answered(a, say_key(&a->answer->body, &key, c->dialect));
}

static enum desk_step ask_sign(struct asking *a, const struct call *c)
{
	const struct derive_name name = name_of(c);
	const char *fault = signature_fault(c);
	AUTO(say_key_wipe)
	struct say_key key = { 0 };
	uint8_t signature[SIGNATURE_LEN];

	if (!may(a, GUEST_SIGN, name.path))
		return not_allowed(a, "sign with that path");
	if (fault)
		return refuse(a, 400, fault);
	if (!a->w->root)
		return no_keys(a);
	say_key_make(&key, a->w, &name);
	signature_make(signature, &key.secret, c);
	return answered(a, say_signature(&a->answer->body, &key,
					 SPAN_ARRAY(signature)));
}

static enum desk_step ask_verify(struct asking *a, const struct call *c)
{
	const char *fault = signature_fault(c);

	if (fault)
		return refuse(a, 400, fault);
	return answered(a, say_valid(&a->answer->body, signature_check(c)));
}

/* Tappd's follow from their path unless they shall be random. */
static bool is_derived(const struct call *c)
{
	return c->dialect == CALL_TAPPD && !c->is_random;
}

/* The rule that is missing, or NULL. */
static const char *tls_rule_missing(const struct asking *a,
				    const struct call *c)
{
	const struct span none = { 0 };

	if (!may(a, GUEST_TLS_KEY, none))
		return "tls-key";
	if (c->has_quote && !may(a, GUEST_QUOTE, none))
		return "quote (with usage_ra_tls)";
	if (c->has_app_info && !may(a, GUEST_INFO, none))
		return "info (with with_app_info)";
	if (is_derived(c) && !may(a, GUEST_KEY, c->path))
		return "key with that path (without random_seed)";
	return NULL;
}

static enum desk_step ask_tls_key(struct asking *a, struct call *c)
{
	const char *rule = tls_rule_missing(a, c), *fault;

	if (rule)
		return not_allowed(a, rule);
	if (!a->w->root)
		return no_keys(a);
	/* Its SDKs name no usage, and mean any. */
	if (c->dialect == CALL_TAPPD && !c->is_server && !c->is_client)
		c->is_server = c->is_client = true;
	fault = tlskey_fault(c, a->w->now_s);
	if (fault)
		return refuse(a, 400, fault);
	a->d->key = is_derived(c) ? derive_p256(a->w->root, c->path)
				  : p256_private_generate();
	if (c->has_quote) {
		tlskey_bind(&a->d->report_data, a->d->key);
		return DESK_QUOTE;
	}
	return answered(a, tlskey_write(&a->answer->body, a->w, c, a->d->key,
					(struct span){ 0 }));
}

/* ---- events ---- */

/* What the platform's events are called an app must not seem to say. */
static bool is_event_name(struct span name)
{
	if (name.n < 1 || name.n > EVENT_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] < ' ' || name.p[i] > '~' || name.p[i] == '"' ||
		    name.p[i] == '\\')
			return false;
	for (size_t i = 0; i < EVENTLOG_BOOT_COUNT; i++)
		if (span_equal_str(name, eventlog_boot_names[i]))
			return false;
	return true;
}

static enum desk_step ask_event(struct asking *a, const struct call *c)
{
	if (!may(a, GUEST_EVENT, (struct span){ 0 }))
		return not_allowed(a, "event");
	if (!is_event_name(c->event))
		return refuse(a, 400,
			      "event: expected 1 to 128 printable characters "
			      "but \" and \\, and none of the "
			      "platform's names");
	return DESK_EVENT;
}

static enum desk_step ask_info(struct asking *a, const struct call *c)
{
	if (!may(a, GUEST_INFO, (struct span){ 0 }))
		return not_allowed(a, "info");
	return answered(a, say_info(&a->answer->body, a->w, a->who->name,
				    c->dialect));
}

/* ---- GPUs, of which there are none ---- */

static enum desk_step ask_gpu(struct asking *a, const struct call *c)
{
	enum {
		NONCE_LEN = 32,
	};

	if (!may(a, c->op == CALL_GPU_INFO ? GUEST_INFO : GUEST_QUOTE,
		 (struct span){ 0 }))
		return not_allowed(a, c->op == CALL_GPU_INFO ? "info"
							     : "quote");
	if (c->op == CALL_GPU_INFO)
		return answered(a, say_gpu_info(&a->answer->body));
	if (c->data.n != NONCE_LEN)
		return refuse(a, 400, "nonce: expected 32 bytes");
	return refuse(a, 501,
		      "GPU attestation is not available in this image");
}

static enum desk_step dispatch(struct asking *a, struct call *c)
{
	switch (c->op) {
	case CALL_VERSION:
		return answered(a, say_version(&a->answer->body, a->w));
	case CALL_INFO:
		return ask_info(a, c);
	case CALL_QUOTE:
	case CALL_RAW_QUOTE:
	case CALL_ATTEST:
		return ask_quote(a, c);
	case CALL_EVIDENCE:
		return ask_evidence(a, c);
	case CALL_KEY:
		return ask_key(a, c);
	case CALL_SIGN:
		return ask_sign(a, c);
	case CALL_VERIFY:
		return ask_verify(a, c);
	case CALL_TLS_KEY:
		return ask_tls_key(a, c);
	case CALL_EVENT:
		return ask_event(a, c);
	case CALL_GPU_INFO:
	case CALL_GPU_ATTEST:
		return ask_gpu(a, c);
	}
	return refuse(a, 404, "there is no such method");
}

enum desk_step desk_ask(struct desk **pending, struct desk_answer *answer,
			const struct desk_world *w,
			const struct guest_container *who,
			const struct desk_request *r)
{
	struct desk *d = mem_new(sizeof(*d));
	struct asking a = { .w = w, .who = who, .d = d, .answer = answer };
	struct call_fault fault;
	struct span body = { 0 };
	enum desk_step step;

	arena_init(&d->arena, CALL_ARENA_MAX);
	memcpy(d->container, who->name, sizeof(d->container));
	/* A copy: what waits for the machine outlives the request. */
	if (r->body.n <= CALL_BODY_MAX)
		body.p = (const uint8_t *)arena_dup(&d->arena, r->body);
	body.n = body.p ? r->body.n : 0;
	if (r->body.n > CALL_BODY_MAX)
		step = refuse(&a, 413, "expected a body of at most 64 KiB");
	else if (call_read(&d->call, &fault, &d->arena, r->method, r->path,
			   body))
		step = dispatch(&a, &d->call);
	else
		step = refuse(&a, fault.status, fault.why);
	if (step == DESK_ANSWERED)
		desk_free(d);
	else
		*pending = d;
	return step;
}

static enum rc write_quoted(struct desk *d, struct buf *out,
			    const struct desk_world *w, struct span quote)
{
	const struct say_quote q = {
		.container = d->container,
		.call = &d->call,
		.quote = quote,
		.event_log = w->event_log,
		.report_data = SPAN_ARRAY(d->report_data.b),
	};

	if (d->call.op == CALL_TLS_KEY)
		return tlskey_write(out, w, &d->call, d->key, quote);
	if (d->call.op == CALL_EVIDENCE)
		return say_evidence(out, &q, &d->evidence);
	return say_quoted(out, &q);
}

void desk_end(struct desk *d, struct desk_answer *answer,
	      const struct desk_world *w, enum rc rc, struct span quote)
{
	if (rc && d->call.op == CALL_EVENT) {
		desk_refuse(answer, rc == RC_LIMIT ? 400 : 503,
			    rc == RC_LIMIT ? "the event log is full"
					   : "RTMR3 cannot be extended now");
		return;
	}
	if (rc) {
		desk_refuse(answer, 503, "there is no quote to be had now");
		return;
	}
	answer->status = 200;
	if (d->call.op == CALL_EVENT)
		rc = say_nothing(&answer->body, d->call.dialect);
	else
		rc = write_quoted(d, &answer->body, w, quote);
	if (rc)
		desk_refuse(answer, 500, "the answer is too long");
}
