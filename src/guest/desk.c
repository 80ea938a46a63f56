#include "guest/desk.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/ed25519.h"
#include "crypto/keccak.h"
#include "guest/say.h"
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

/* Left-aligned and padded with zeros, as dstack does. */
static enum desk_step quote_bytes(struct asking *a, struct span data)
{
	struct desk *d = a->d;

	if (data.n > sizeof(d->report_data.b))
		return refuse(a, 400, "report_data: expected at most 64 bytes");
	memset(&d->report_data, 0, sizeof(d->report_data));
	if (data.n)
		memcpy(d->report_data.b, data.p, data.n);
	return DESK_QUOTE;
}

static enum desk_step quote_hashed(struct asking *a, const struct call *c)
{
	struct span prefix = c->prefix.n ? c->prefix : span_str("app-data:");
	const struct span parts[] = { prefix, c->data };
	union {
		struct sha256 sha256;
		struct sha384 sha384;
		struct sha512 sha512;
		struct keccak256 keccak256;
	} h;

	if (c->hash_algorithm.n == 0 ||
	    span_equal_str(c->hash_algorithm, "sha512")) {
		sha512_parts(&h.sha512, parts, 2);
		return quote_bytes(a, SPAN_ARRAY(h.sha512.b));
	}
	if (span_equal_str(c->hash_algorithm, "sha384")) {
		sha384_parts(&h.sha384, parts, 2);
		return quote_bytes(a, SPAN_ARRAY(h.sha384.b));
	}
	if (span_equal_str(c->hash_algorithm, "sha256")) {
		sha256_parts(&h.sha256, parts, 2);
		return quote_bytes(a, SPAN_ARRAY(h.sha256.b));
	}
	if (span_equal_str(c->hash_algorithm, "keccak256")) {
		keccak256_parts(&h.keccak256, parts, 2);
		return quote_bytes(a, SPAN_ARRAY(h.keccak256.b));
	}
	return refuse(a, 400,
		      "hash_algorithm: expected raw, sha256, sha384, sha512 or "
		      "keccak256");
}

static enum desk_step ask_quote(struct asking *a, const struct call *c)
{
	if (!may(a, GUEST_QUOTE, (struct span){ 0 }))
		return not_allowed(a, "quote");
	if (c->dialect == CALL_POSTERN) {
		desk_bind(&a->d->report_data, span_str(a->who->name), c->data);
		return DESK_QUOTE;
	}
	if (is_raw_refused(a))
		return DESK_ANSWERED;
	if (c->dialect == CALL_TAPPD &&
	    !span_equal_str(c->hash_algorithm, "raw"))
		return quote_hashed(a, c);
	return quote_bytes(a, c->data);
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
	say_key_make(&key, a->w, &name);
	return answered(a, say_key(&a->answer->body, &key, c->dialect));
}

static void digest_of(uint8_t out[SECP256K1_DIGEST_LEN], const struct call *c)
{
	struct sha256 h;

	if (c->algorithm == CALL_SECP256K1_PREHASHED) {
		memcpy(out, c->data.p, SECP256K1_DIGEST_LEN);
		return;
	}
	sha256_of(&h, c->data);
	memcpy(out, h.b, sizeof(h.b));
}

static bool has_prehash_fault(struct asking *a, const struct call *c)
{
	if (c->algorithm != CALL_SECP256K1_PREHASHED ||
	    c->data.n == SECP256K1_DIGEST_LEN)
		return false;
	(void)refuse(a, 400, "data: expected a digest of 32 bytes");
	return true;
}

static enum desk_step ask_sign(struct asking *a, const struct call *c)
{
	const struct derive_name name = name_of(c);
	AUTO(say_key_wipe)
	struct say_key key = { 0 };
	uint8_t signature[SECP256K1_RECOVERABLE_LEN], digest[32];

	if (!may(a, GUEST_SIGN, name.path))
		return not_allowed(a, "sign with that path");
	if (c->algorithm == CALL_RAW)
		return refuse(a, 400, "algorithm: expected one that signs");
	if (has_prehash_fault(a, c))
		return DESK_ANSWERED;
	if (!a->w->root)
		return no_keys(a);
	say_key_make(&key, a->w, &name);
	if (name.algorithm == DERIVE_ED25519) {
		ed25519_sign(signature, &key.secret, c->data);
	} else {
		digest_of(digest, c);
		secp256k1_sign(signature, &key.secret, digest);
	}
	return answered(a, say_signature(&a->answer->body, &key,
					 span_of(signature, 64), c->dialect));
}

static enum desk_step ask_verify(struct asking *a, const struct call *c)
{
	uint8_t digest[32];
	bool is_good = false;

	if (c->algorithm == CALL_RAW)
		return refuse(a, 400, "algorithm: expected one that signs");
	if (has_prehash_fault(a, c))
		return DESK_ANSWERED;
	if (c->signature.n == 64 && c->algorithm == CALL_ED25519) {
		is_good = c->public_key.n == ED25519_PUBLIC_LEN &&
			  ed25519_verify(c->public_key.p, c->signature.p,
					 c->data);
	} else if (c->signature.n == 64) {
		digest_of(digest, c);
		is_good = secp256k1_verify(c->public_key, c->signature.p,
					   digest);
	}
	return answered(a, say_valid(&a->answer->body, is_good));
}

static enum desk_step ask_tls_key(struct asking *a, struct call *c)
{
	const char *fault;

	if (!may(a, GUEST_TLS_KEY, (struct span){ 0 }))
		return not_allowed(a, "tls-key");
	if (c->has_quote && !may(a, GUEST_QUOTE, (struct span){ 0 }))
		return not_allowed(a, "quote (with usage_ra_tls)");
	if (!a->w->root)
		return no_keys(a);
	if (c->dialect == CALL_TAPPD) /* its method names no usage */
		c->is_server = c->is_client = true;
	fault = tlskey_fault(c, a->w->now_s);
	if (fault)
		return refuse(a, 400, fault);
	a->d->key = p256_private_generate();
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

static enum desk_step dispatch(struct asking *a, struct call *c)
{
	switch (c->op) {
	case CALL_VERSION:
		return answered(a, say_version(&a->answer->body, a->w));
	case CALL_INFO:
		return ask_info(a, c);
	case CALL_QUOTE:
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
		rc = say_nothing(&answer->body);
	else
		rc = write_quoted(d, &answer->body, w, quote);
	if (rc)
		desk_refuse(answer, 500, "the answer is too long");
}
