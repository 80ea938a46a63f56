#include "guest/say.h"

#include <string.h>

#include "base/mem.h"
#include "guest/appinfo.h"
#include "guest/attestation.h"
#include "guest/dstackv1.h"
#include "guest/reportdata.h"
#include "json/jwrite.h"
#include "pki/pem.h"

enum {
	TCB_TEXT_MAX = 768 * 1024,
	AUTHORITY_MAX = 4096, /* of DER, and of PEM */
};

static enum rc done(const struct jwrite *j)
{
	return jwrite_done(j) ? RC_OK : RC_LIMIT;
}

enum rc say_nothing(struct buf *out, enum call_dialect dialect)
{
	const char *what = dialect == CALL_POSTERN ? "{}" : "null";

	return buf_add(out, span_str(what)) ? RC_OK : RC_LIMIT;
}

void say_error(struct buf *out, const char *why)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_str(&j, "error", why);
	jwrite_end(&j);
}

enum rc say_valid(struct buf *out, bool is_valid)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_bool(&j, "valid", is_valid);
	jwrite_end(&j);
	return done(&j);
}

enum rc say_version(struct buf *out, const struct desk_world *w)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_str(&j, "version", w->version);
	jwrite_str(&j, "rev", "postern");
	jwrite_end(&j);
	return done(&j);
}

/* As dstack answers where nothing of a GPU was written down. */
enum rc say_gpu_info(struct buf *out)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_str(&j, "attestation", "");
	jwrite_end(&j);
	return done(&j);
}

/* ---- who this is ---- */

static void add_registers(struct jwrite *j, const struct desk_world *w)
{
	static const char *const names[QUOTE_RTMR_COUNT] = { "rtmr0", "rtmr1",
							     "rtmr2", "rtmr3" };
	const struct desk_registers *r = w->registers;
	struct sha256 all, image;

	appinfo_aggregate(&all, r);
	appinfo_image(&image, r);
	jwrite_hex(j, "mrtd", SPAN_ARRAY(r->mr_td));
	for (size_t i = 0; i < QUOTE_RTMR_COUNT; i++)
		jwrite_hex(j, names[i], SPAN_ARRAY(r->rtmr[i]));
	jwrite_hex(j, "mr_aggregated", SPAN_ARRAY(all.b));
	jwrite_hex(j, "os_image_hash", SPAN_ARRAY(image.b));
	jwrite_hex(j, "compose_hash", SPAN_ARRAY(w->manifest->hash.b));
	jwrite_hex(j, "device_id", SPAN_ARRAY(r->device.b));
	jwrite_raw(j, "event_log", w->event_log);
	jwrite_text(j, "app_compose", w->manifest_bytes);
}

/* PEM of the authority, or nothing where there are no keys. */
static struct span authority_pem(char room[AUTHORITY_MAX],
				 const struct desk_world *w)
{
	AUTO(buf_fini)
	struct buf der = { 0 };
	struct wr to = wr_over(room, AUTHORITY_MAX);

	buf_init(&der, AUTHORITY_MAX);
	if (w->root && desk_authority(&der, w) == RC_OK)
		pem_encode(&to, PEM_CERTIFICATE, buf_span(&der));
	return wr_span(&to);
}

static void add_provider(struct jwrite *j, const struct desk_world *w)
{
	char text[96];
	struct wr to = WR_ARRAY(text);

	wr_printf(&to, "{\"name\":\"%s\",\"id\":\"\"}", w->provider);
	jwrite_text(j, "key_provider_info", wr_span(&to));
}

/* dstack nests this one as text. */
static enum rc add_tcb_text(struct jwrite *j, const struct desk_world *w)
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	struct jwrite inner = jwrite_to(&text);

	buf_init(&text, TCB_TEXT_MAX);
	jwrite_object(&inner, NULL);
	add_registers(&inner, w);
	jwrite_end(&inner);
	if (!jwrite_done(&inner))
		return RC_LIMIT;
	jwrite_text(j, "tcb_info", buf_span(&text));
	return RC_OK;
}

static enum rc say_dstack_info(struct buf *out, const struct desk_world *w)
{
	const struct manifest *m = w->manifest;
	char pem[AUTHORITY_MAX];
	struct sha256 all, image;
	struct jwrite j = jwrite_to(out);

	appinfo_aggregate(&all, w->registers);
	appinfo_image(&image, w->registers);
	jwrite_object(&j, NULL);
	jwrite_str(&j, "app_name", m->name);
	jwrite_hex(&j, "app_id", SPAN_ARRAY(m->lineage));
	jwrite_hex(&j, "instance_id", SPAN_ARRAY(w->instance_id));
	jwrite_hex(&j, "device_id", SPAN_ARRAY(w->registers->device.b));
	jwrite_hex(&j, "mr_aggregated", SPAN_ARRAY(all.b));
	jwrite_hex(&j, "os_image_hash", SPAN_ARRAY(image.b));
	jwrite_hex(&j, "compose_hash", SPAN_ARRAY(m->hash.b));
	jwrite_text(&j, "app_cert", authority_pem(pem, w));
	add_provider(&j, w);
	if (add_tcb_text(&j, w))
		return RC_LIMIT;
	jwrite_str(&j, "vm_config", "");
	jwrite_str(&j, "cloud_vendor", "");
	jwrite_str(&j, "cloud_product", "");
	jwrite_end(&j);
	return done(&j);
}

/* Version 1's: who it is, without registers or a log. */
static enum rc say_dstack_info_v1(struct buf *out, const struct desk_world *w)
{
	const struct manifest *m = w->manifest;
	struct sha256 all, image;
	struct jwrite j = jwrite_to(out);

	appinfo_aggregate(&all, w->registers);
	appinfo_image(&image, w->registers);
	jwrite_object(&j, NULL);
	jwrite_hex(&j, "app_id", SPAN_ARRAY(m->lineage));
	jwrite_str(&j, "app_name", m->name);
	jwrite_hex(&j, "compose_hash", SPAN_ARRAY(m->hash.b));
	jwrite_text(&j, "app_compose", w->manifest_bytes);
	jwrite_hex(&j, "instance_id", SPAN_ARRAY(w->instance_id));
	jwrite_hex(&j, "device_id", SPAN_ARRAY(w->registers->device.b));
	jwrite_hex(&j, "os_image_hash", SPAN_ARRAY(image.b));
	jwrite_hex(&j, "mr_aggregated", SPAN_ARRAY(all.b));
	jwrite_str(&j, "vm_config", "");
	add_provider(&j, w);
	jwrite_str(&j, "cloud_vendor", "");
	jwrite_str(&j, "cloud_product", "");
	jwrite_end(&j);
	return done(&j);
}

enum rc say_info(struct buf *out, const struct desk_world *w,
		 const char *container, enum call_dialect dialect)
{
	char pem[AUTHORITY_MAX];
	struct jwrite j = jwrite_to(out);

	if (dialect == CALL_DSTACK_V1)
		return say_dstack_info_v1(out, w);
	if (dialect != CALL_POSTERN)
		return say_dstack_info(out, w);
	jwrite_object(&j, NULL);
	jwrite_str(&j, "name", w->manifest->name);
	jwrite_str(&j, "container", container);
	jwrite_hex(&j, "app_id", SPAN_ARRAY(w->manifest->lineage));
	jwrite_hex(&j, "compose_hash", SPAN_ARRAY(w->manifest->hash.b));
	jwrite_hex(&j, "instance_id", SPAN_ARRAY(w->instance_id));
	jwrite_bool(&j, "simulated", w->is_simulated);
	jwrite_str(&j, "key_provider", w->provider);
	jwrite_text(&j, "authority", authority_pem(pem, w));
	jwrite_object(&j, "measurements");
	add_registers(&j, w);
	jwrite_end(&j);
	jwrite_end(&j);
	return done(&j);
}

/* ---- keys ---- */

void say_key_wipe(struct say_key *k)
{
	secret_wipe(k, sizeof(*k));
}

/* dstack's second link: the provider's, or the voucher's own. */
static void make_issued(struct say_key *k, const struct desk_world *w,
			const struct key32 *voucher)
{
	if (w->issuer_signature.n == sizeof(k->issued))
		memcpy(k->issued, w->issuer_signature.p, sizeof(k->issued));
	else
		derive_self_issue(k->issued, voucher,
				  SPAN_ARRAY(w->manifest->lineage));
}

void say_key_make(struct say_key *k, const struct desk_world *w,
		  const struct derive_name *name)
{
	AUTO(key32_wipe)
	struct key32 voucher = { 0 };

	k->algorithm = name->algorithm;
	derive_key(&k->secret, w->root, name);
	k->public_len = derive_public(k->public_key, name->algorithm,
				      &k->secret);
	if (!k->public_len)
		return;
	derive_voucher(&voucher, w->root);
	derive_vouch(k->vouched, &voucher, name->purpose,
		     span_of(k->public_key, k->public_len));
	make_issued(k, w, &voucher);
}

bool say_key_make_v1(struct say_key *k, const struct desk_world *w,
		     enum derive_algorithm algorithm, struct span domain)
{
	const struct dstackv1_name name = { algorithm, domain };
	AUTO(key32_wipe)
	struct key32 voucher = { 0 };

	k->algorithm = algorithm;
	derive_voucher(&voucher, w->root);
	if (!dstackv1_key(&k->secret, &voucher, &name))
		return false;
	k->public_len = derive_public(k->public_key, algorithm, &k->secret);
	dstackv1_vouch(k->vouched, &voucher, &name,
		       span_of(k->public_key, k->public_len));
	make_issued(k, w, &voucher);
	return true;
}

static void add_public(struct jwrite *j, const struct say_key *k)
{
	jwrite_hex(j, "public_key", span_of(k->public_key, k->public_len));
}

enum rc say_key(struct buf *out, const struct say_key *k,
		enum call_dialect dialect)
{
	bool is_old = dialect == CALL_TAPPD;
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_hex(&j, is_old ? "k256_key" : "key", SPAN_ARRAY(k->secret.b));
	if (dialect == CALL_POSTERN || dialect == CALL_DSTACK_V1)
		add_public(&j, k);
	jwrite_array(&j, is_old ? "k256_signature_chain" : "signature_chain");
	if (k->public_len) {
		jwrite_hex(&j, NULL, SPAN_ARRAY(k->vouched));
		jwrite_hex(&j, NULL, SPAN_ARRAY(k->issued));
	}
	jwrite_end(&j);
	jwrite_end(&j);
	return done(&j);
}

enum rc say_signature(struct buf *out, const struct say_key *k,
		      struct span signature)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_hex(&j, "signature", signature);
	jwrite_array(&j, "signature_chain");
	jwrite_hex(&j, NULL, signature);
	jwrite_hex(&j, NULL, SPAN_ARRAY(k->vouched));
	jwrite_hex(&j, NULL, SPAN_ARRAY(k->issued));
	jwrite_end(&j);
	add_public(&j, k);
	jwrite_end(&j);
	return done(&j);
}

/* ---- quotes ---- */

static enum rc say_attestation(struct buf *out, const struct say_quote *q)
{
	const struct attestation a = { q->quote, q->event_log, q->report_data };
	AUTO(buf_fini)
	struct buf blob = { 0 };
	struct jwrite j = jwrite_to(out);
	enum rc rc;

	buf_init(&blob, ATTESTATION_MAX);
	rc = attestation_write(&blob, &a);
	if (rc)
		return rc;
	jwrite_object(&j, NULL);
	jwrite_hex(&j, "attestation", buf_span(&blob));
	if (q->call->dialect == CALL_DSTACK_V1) {
		/* There was no GPU at the start. */
		jwrite_array(&j, "boottime_gpu_evidence");
		jwrite_end(&j);
	}
	jwrite_end(&j);
	return done(&j);
}

enum rc say_quoted(struct buf *out, const struct say_quote *q)
{
	const struct call *c = q->call;
	const struct reportdata_form form = reportdata_form(c);
	struct jwrite j = jwrite_to(out);

	if (c->op == CALL_ATTEST)
		return say_attestation(out, q);
	jwrite_object(&j, NULL);
	if (c->dialect == CALL_POSTERN)
		jwrite_str(&j, "container", q->container);
	jwrite_hex(&j, "quote", q->quote);
	jwrite_text(&j, "event_log", q->event_log);
	if (c->dialect == CALL_TAPPD) {
		jwrite_text(&j, "hash_algorithm", form.hash);
		jwrite_text(&j, "prefix", form.prefix);
	} else {
		jwrite_hex(&j, "report_data", q->report_data);
	}
	if (c->dialect == CALL_DSTACK)
		jwrite_str(&j, "vm_config", "");
	jwrite_end(&j);
	return done(&j);
}

/* ---- evidence ---- */

static void add_voucher(struct jwrite *j, const struct key32 *root)
{
	AUTO(key32_wipe)
	struct key32 voucher = { 0 };
	uint8_t public[SECP256K1_PUBLIC_LEN];

	derive_voucher(&voucher, root);
	secp256k1_public(public, &voucher);
	jwrite_hex(j, "voucher", SPAN_ARRAY(public));
}

static void add_authority(struct jwrite *j, const struct key32 *root)
{
	struct p256_private *key = derive_authority(root);
	struct p256_point at;

	p256_private_point(key, &at);
	p256_private_free(key);
	jwrite_hex(j, "authority", SPAN_ARRAY(at.xy));
}

enum rc say_evidence_text(struct evidence_text *out,
			  const struct desk_world *w, struct span nonce)
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	struct jwrite j = jwrite_to(&text);

	buf_init(&text, sizeof(out->text));
	jwrite_object(&j, NULL);
	jwrite_str(&j, "format", "postern/guest-evidence/v1");
	jwrite_hex(&j, "app_id", SPAN_ARRAY(w->manifest->lineage));
	jwrite_hex(&j, "instance_id", SPAN_ARRAY(w->instance_id));
	jwrite_hex(&j, "nonce", nonce);
	add_voucher(&j, w->root);
	add_authority(&j, w->root);
	jwrite_end(&j);
	if (!jwrite_done(&j))
		return RC_LIMIT;
	out->n = buf_span(&text).n;
	memcpy(out->text, buf_span(&text).p, out->n);
	return RC_OK;
}

void say_evidence_bind(struct sha512 *out, const struct evidence_text *e)
{
	struct sha256 hash;
	const struct span parts[] = { span_str("postern/guest-evidence/v1"),
				      SPAN_ARRAY(hash.b) };

	sha256_of(&hash, span_of(e->text, e->n));
	sha512_parts(out, parts, 2);
}

enum rc say_evidence(struct buf *out, const struct say_quote *q,
		     const struct evidence_text *e)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_text(&j, "statement", span_of(e->text, e->n));
	jwrite_hex(&j, "quote", q->quote);
	jwrite_text(&j, "event_log", q->event_log);
	jwrite_hex(&j, "report_data", q->report_data);
	jwrite_end(&j);
	return done(&j);
}
