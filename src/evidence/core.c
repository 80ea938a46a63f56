#include "evidence/core.h"

#include "evidence/jget.h"
#include "json/jwrite.h"
#include "pki/webname.h"

/* The memory of the tree and lists of a core of CORE_MAX bytes. */
enum {
	CHECK_ARENA_MAX = 16 * 1024 * 1024,
	SCTS_MAX = 16, /* of one certificate */
	PROOF_MAX = 64, /* levels of a log's tree */
	RECORDS_MAX = 64, /* of one CAA set */
	NOTE_MAX = 8 * 1024, /* bytes of a checkpoint */
};

/* ---- reading, a member at a time */

static bool read_jwk(struct jget *g, struct p256_point *out,
		     const struct jtree *acme)
{
	static const char *const names[] = { "crv", "kty", "x", "y", NULL };
	const struct jtree *jwk = jget_object(g, acme, "jwk");
	struct span curve, type;

	if (!jget_only(g, jwk, names) ||
	    !jget_ascii(g, &curve, jwk, "crv", 8) ||
	    !jget_ascii(g, &type, jwk, "kty", 8) ||
	    !jget_base64url(g, out->xy, 32, jwk, "x") ||
	    !jget_base64url(g, out->xy + 32, 32, jwk, "y"))
		return false;
	return (span_equal_str(curve, "P-256") && span_equal_str(type, "EC") &&
		p256_is_point(out)) ||
	       jget_fail(g, RC_MALFORMED);
}

static bool read_acme(struct jget *g, struct holder *out,
		      const struct jtree *top)
{
	static const char *const names[] = {
		"directory", "account_uri", "jwk", "jwk_thumbprint",
		"profile", "challenges", "signature", NULL
	};
	const struct jtree *acme = jget_object(g, top, "acme");

	if (!jget_only(g, acme, names) ||
	    !jget_ascii(g, &out->directory, acme, "directory",
			HOLDER_URI_MAX) ||
	    !jget_ascii(g, &out->uri, acme, "account_uri", HOLDER_URI_MAX) ||
	    !read_jwk(g, &out->key, acme) ||
	    !jget_base64url(g, out->thumbprint.b, sizeof(out->thumbprint.b),
			    acme, "jwk_thumbprint") ||
	    !jget_text(g, &out->profile, acme, "profile", 64) ||
	    !jget_text(g, &out->challenges, acme, "challenges", 256) ||
	    !jget_base64url(g, out->signature.rs, sizeof(out->signature.rs),
			    acme, "signature"))
		return false;
	return (holder_is_uri(out->directory) && holder_is_uri(out->uri)) ||
	       jget_fail(g, RC_MALFORMED);
}

static bool read_sct(struct jget *g, void *element, const struct jtree *value)
{
	static const char *const names[] = { "log_id", "timestamp", "index",
					     "checkpoint", "proof", NULL };
	struct core_sct *out = element;

	if (!jget_only(g, value, names) ||
	    !jget_hash(g, &out->log_id, value, "log_id") ||
	    !jget_number(g, &out->timestamp_ms, value, "timestamp", INT64_MAX))
		return false;
	out->is_proved = jget_has(value, "proof");
	if (!out->is_proved)
		return (!jget_has(value, "index") &&
			!jget_has(value, "checkpoint")) ||
		       jget_fail(g, RC_MALFORMED);
	return jget_number(g, &out->index, value, "index", INT64_MAX) &&
	       jget_text(g, &out->checkpoint, value, "checkpoint", NOTE_MAX) &&
	       jget_hashes(g, &out->proof, &out->proof_count, value, "proof",
			   PROOF_MAX);
}

static bool read_cert(struct jget *g, void *element, const struct jtree *value)
{
	static const char *const names[] = { "file", "chain_sha256",
					     "spki_sha256", "tbs_sha256",
					     "not_before", "not_after",
					     "scts", NULL };
	const struct jget_list scts = { "scts", sizeof(struct core_sct),
					SCTS_MAX, read_sct };
	struct core_cert *out = element;
	const void *at;

	if (!jget_only(g, value, names) ||
	    !jget_ascii(g, &out->file, value, "file", 512) ||
	    !jget_hash(g, &out->chain, value, "chain_sha256") ||
	    !jget_hash(g, &out->spki, value, "spki_sha256") ||
	    !jget_hash(g, &out->tbs, value, "tbs_sha256") ||
	    !jget_time(g, &out->not_before, value, "not_before") ||
	    !jget_time(g, &out->not_after, value, "not_after") ||
	    !jget_array(g, &at, &out->sct_count, value, &scts))
		return false;
	out->scts = at;
	return true;
}

static bool read_key(struct jget *g, void *element, const struct jtree *value)
{
	static const char *const names[] = { "spki_sha256", "tbs_sha256",
					     "made_at", "retired_at",
					     "quoted", NULL };
	struct core_key *out = element;

	return jget_only(g, value, names) &&
	       jget_hash(g, &out->spki, value, "spki_sha256") &&
	       jget_hashes(g, &out->tbs, &out->tbs_count, value, "tbs_sha256",
			   CORE_LIST_MAX) &&
	       jget_time(g, &out->made_at, value, "made_at") &&
	       jget_time(g, &out->retired_at, value, "retired_at") &&
	       jget_bool(g, &out->has_quote, value, "quoted");
}

static bool read_record(struct jget *g, void *element,
			const struct jtree *value)
{
	return jget_base64url_value(g, element, value);
}

static bool read_caa(struct jget *g, void *element, const struct jtree *value)
{
	static const char *const names[] = { "name", "found_at",
					     "records", "proof_sha256",
					     "at", "exclusive",
					     "since", NULL };
	const struct jget_list records = { "records", sizeof(struct span),
					   RECORDS_MAX, read_record };
	struct core_caa *out = element;
	const void *at;

	out->has_proof = jget_has(value, "proof_sha256");
	if (!jget_only(g, value, names) ||
	    !jget_ascii(g, &out->name, value, "name", 256) ||
	    !jget_text(g, &out->found_at, value, "found_at", 256) ||
	    !jget_array(g, &at, &out->record_count, value, &records) ||
	    (out->has_proof &&
	     !jget_hash(g, &out->proof, value, "proof_sha256")) ||
	    !jget_bool(g, &out->is_exclusive, value, "exclusive"))
		return false;
	out->records = at;
	if (jget_has(value, "since") &&
	    (!jget_time(g, &out->since, value, "since") || !out->since))
		return jget_fail(g, RC_MALFORMED);
	return jget_time(g, &out->at, value, "at");
}

static bool read_legacy(struct jget *g, void *element,
			const struct jtree *value)
{
	static const char *const names[] = { "tbs_sha256", "not_after",
					     "revoked", NULL };
	struct core_legacy *out = element;

	return jget_only(g, value, names) &&
	       jget_hash(g, &out->tbs, value, "tbs_sha256") &&
	       jget_time(g, &out->not_after, value, "not_after") &&
	       jget_bool(g, &out->is_revoked, value, "revoked");
}

static bool read_timeline(struct jget *g, struct core_timeline *out,
			  const struct jtree *top)
{
	static const char *const names[] = { "t0", "t1", "safe_at",
					     "sources", "legacy", NULL };
	const struct jget_list legacy = { "legacy", sizeof(struct core_legacy),
					  CORE_LIST_MAX, read_legacy };
	const struct jtree *t = jget_object(g, top, "timeline");
	const void *at;

	if (!jget_only(g, t, names) || !jget_time(g, &out->t0, t, "t0") ||
	    !jget_time(g, &out->t1, t, "t1") ||
	    !jget_time(g, &out->safe_at, t, "safe_at") ||
	    !jget_asciis(g, &out->sources, &out->source_count, t, "sources",
			 CORE_LIST_MAX) ||
	    !jget_array(g, &at, &out->legacy_count, t, &legacy))
		return false;
	out->legacy = at;
	return true;
}

static bool read_head(struct jget *g, void *element, const struct jtree *value)
{
	static const char *const names[] = { "log_id", "size", "timestamp",
					     "root", NULL };
	struct core_head *out = element;

	return jget_only(g, value, names) &&
	       jget_hash(g, &out->log_id, value, "log_id") &&
	       jget_number(g, &out->size, value, "size", INT64_MAX) &&
	       jget_number(g, &out->timestamp_ms, value, "timestamp",
			   INT64_MAX) &&
	       jget_hash(g, &out->root, value, "root");
}

static bool read_ct(struct jget *g, struct evidence_core *out,
		    const struct jtree *top)
{
	static const char *const names[] = { "log_list_sha256", "heads",
					     "unknown", NULL };
	const struct jget_list heads = { "heads", sizeof(struct core_head),
					 CORE_LIST_MAX, read_head };
	const struct jtree *ct = jget_object(g, top, "ct");
	const void *at;

	out->has_log_list = jget_has(ct, "log_list_sha256");
	if (!jget_only(g, ct, names) ||
	    (out->has_log_list &&
	     !jget_hash(g, &out->log_list, ct, "log_list_sha256")) ||
	    !jget_array(g, &at, &out->head_count, ct, &heads))
		return false;
	out->heads = at;
	return jget_hashes(g, &out->unknown, &out->unknown_count, ct, "unknown",
			   CORE_LIST_MAX);
}

static bool read_lists(struct jget *g, struct evidence_core *out,
		       const struct jtree *top)
{
	const struct jget_list certs = { "certs", sizeof(struct core_cert),
					 CORE_CERTS_MAX, read_cert };
	const struct jget_list keys = { "keys", sizeof(struct core_key),
					CORE_KEYS_MAX, read_key };
	const struct jget_list caa = { "caa", sizeof(struct core_caa),
				       CORE_NAMES_MAX * 2, read_caa };
	const void *c, *k, *a;

	if (!jget_array(g, &c, &out->cert_count, top, &certs) ||
	    !jget_array(g, &k, &out->key_count, top, &keys) ||
	    !jget_array(g, &a, &out->caa_count, top, &caa))
		return false;
	out->certs = c;
	out->keys = k;
	out->caa = a;
	return true;
}

static bool read_all(struct jget *g, struct evidence_core *out,
		     const struct jtree *top)
{
	static const char *const names[] = {
		"v", "issued_at", "expires_at", "names", "spki_sha256",
		"acme", "certs", "keys", "caa", "timeline",
		"ct", NULL
	};

	if (!jget_only(g, top, names) ||
	    !jget_time(g, &out->issued_at, top, "issued_at") ||
	    !jget_time(g, &out->expires_at, top, "expires_at") ||
	    !jget_asciis(g, &out->names, &out->name_count, top, "names",
			 CORE_NAMES_MAX) ||
	    !jget_hashes(g, &out->spki, &out->spki_count, top, "spki_sha256",
			 CORE_CERTS_MAX) ||
	    !read_acme(g, &out->account, top) || !read_lists(g, out, top) ||
	    !read_timeline(g, &out->timeline, top) || !read_ct(g, out, top))
		return false;
	return (out->name_count && out->spki_count &&
		out->expires_at > out->issued_at &&
		out->expires_at - out->issued_at <= CORE_LIFE_MAX_S) ||
	       jget_fail(g, RC_MALFORMED);
}

enum rc evidence_core_read(struct evidence_core *out, struct arena *arena,
			   struct span text)
{
	struct jget g = { .arena = arena };
	struct evidence_core core = { .bytes = text };
	const struct jtree *top = jget_top(&g, text, CORE_MAX);
	uint64_t version;

	if (!top || !jget_number(&g, &version, top, "v", UINT32_MAX))
		return g.rc;
	if (version != CORE_VERSION)
		return RC_UNSUPPORTED;
	if (!read_all(&g, &core, top))
		return g.rc;
	sha256_of(&core.hash, text);
	*out = core;
	return RC_OK;
}

/* ---- writing */

static void write_hashes(struct jwrite *j, const char *key,
			 const struct sha256 *hashes, size_t count)
{
	jwrite_array(j, key);
	for (size_t i = 0; i < count; i++)
		jwrite_hex(j, NULL, SPAN_ARRAY(hashes[i].b));
	jwrite_end(j);
}

static void write_texts(struct jwrite *j, const char *key,
			const struct span *texts, size_t count)
{
	jwrite_array(j, key);
	for (size_t i = 0; i < count; i++)
		jwrite_text(j, NULL, texts[i]);
	jwrite_end(j);
}

static void write_time(struct jwrite *j, const char *key, int64_t at)
{
	jwrite_number(j, key, (uint64_t)at);
}

static void write_acme(struct jwrite *j, const struct holder *h)
{
	jwrite_object(j, "acme");
	jwrite_text(j, "directory", h->directory);
	jwrite_text(j, "account_uri", h->uri);
	jwrite_object(j, "jwk");
	jwrite_str(j, "crv", "P-256");
	jwrite_str(j, "kty", "EC");
	jwrite_base64url(j, "x", span_of(h->key.xy, 32));
	jwrite_base64url(j, "y", span_of(h->key.xy + 32, 32));
	jwrite_end(j);
	jwrite_base64url(j, "jwk_thumbprint", SPAN_ARRAY(h->thumbprint.b));
	jwrite_text(j, "profile", h->profile);
	jwrite_text(j, "challenges", h->challenges);
	jwrite_base64url(j, "signature", SPAN_ARRAY(h->signature.rs));
	jwrite_end(j);
}

static void write_sct(struct jwrite *j, const struct core_sct *sct)
{
	jwrite_object(j, NULL);
	jwrite_hex(j, "log_id", SPAN_ARRAY(sct->log_id.b));
	jwrite_number(j, "timestamp", sct->timestamp_ms);
	if (sct->is_proved) {
		jwrite_number(j, "index", sct->index);
		jwrite_text(j, "checkpoint", sct->checkpoint);
		write_hashes(j, "proof", sct->proof, sct->proof_count);
	}
	jwrite_end(j);
}

static void write_cert(struct jwrite *j, const struct core_cert *cert)
{
	jwrite_object(j, NULL);
	jwrite_text(j, "file", cert->file);
	jwrite_hex(j, "chain_sha256", SPAN_ARRAY(cert->chain.b));
	jwrite_hex(j, "spki_sha256", SPAN_ARRAY(cert->spki.b));
	jwrite_hex(j, "tbs_sha256", SPAN_ARRAY(cert->tbs.b));
	write_time(j, "not_before", cert->not_before);
	write_time(j, "not_after", cert->not_after);
	jwrite_array(j, "scts");
	for (size_t i = 0; i < cert->sct_count; i++)
		write_sct(j, &cert->scts[i]);
	jwrite_end(j);
	jwrite_end(j);
}

static void write_key(struct jwrite *j, const struct core_key *key)
{
	jwrite_object(j, NULL);
	jwrite_hex(j, "spki_sha256", SPAN_ARRAY(key->spki.b));
	write_hashes(j, "tbs_sha256", key->tbs, key->tbs_count);
	write_time(j, "made_at", key->made_at);
	write_time(j, "retired_at", key->retired_at);
	jwrite_bool(j, "quoted", key->has_quote);
	jwrite_end(j);
}

static void write_caa(struct jwrite *j, const struct core_caa *caa)
{
	jwrite_object(j, NULL);
	jwrite_text(j, "name", caa->name);
	jwrite_text(j, "found_at", caa->found_at);
	jwrite_array(j, "records");
	for (size_t i = 0; i < caa->record_count; i++)
		jwrite_base64url(j, NULL, caa->records[i]);
	jwrite_end(j);
	if (caa->has_proof)
		jwrite_hex(j, "proof_sha256", SPAN_ARRAY(caa->proof.b));
	jwrite_bool(j, "exclusive", caa->is_exclusive);
	if (caa->since)
		write_time(j, "since", caa->since);
	write_time(j, "at", caa->at);
	jwrite_end(j);
}

static void write_timeline(struct jwrite *j, const struct core_timeline *t)
{
	jwrite_object(j, "timeline");
	write_time(j, "t0", t->t0);
	write_time(j, "t1", t->t1);
	write_time(j, "safe_at", t->safe_at);
	write_texts(j, "sources", t->sources, t->source_count);
	jwrite_array(j, "legacy");
	for (size_t i = 0; i < t->legacy_count; i++) {
		jwrite_object(j, NULL);
		jwrite_hex(j, "tbs_sha256", SPAN_ARRAY(t->legacy[i].tbs.b));
		write_time(j, "not_after", t->legacy[i].not_after);
		jwrite_bool(j, "revoked", t->legacy[i].is_revoked);
		jwrite_end(j);
	}
	jwrite_end(j);
	jwrite_end(j);
}

static void write_ct(struct jwrite *j, const struct evidence_core *core)
{
	jwrite_object(j, "ct");
	if (core->has_log_list)
		jwrite_hex(j, "log_list_sha256", SPAN_ARRAY(core->log_list.b));
	jwrite_array(j, "heads");
	for (size_t i = 0; i < core->head_count; i++) {
		const struct core_head *head = &core->heads[i];

		jwrite_object(j, NULL);
		jwrite_hex(j, "log_id", SPAN_ARRAY(head->log_id.b));
		jwrite_number(j, "size", head->size);
		jwrite_number(j, "timestamp", head->timestamp_ms);
		jwrite_hex(j, "root", SPAN_ARRAY(head->root.b));
		jwrite_end(j);
	}
	jwrite_end(j);
	write_hashes(j, "unknown", core->unknown, core->unknown_count);
	jwrite_end(j);
}

static void write_all(struct jwrite *j, const struct evidence_core *core)
{
	jwrite_object(j, NULL);
	jwrite_number(j, "v", CORE_VERSION);
	write_time(j, "issued_at", core->issued_at);
	write_time(j, "expires_at", core->expires_at);
	write_texts(j, "names", core->names, core->name_count);
	write_hashes(j, "spki_sha256", core->spki, core->spki_count);
	write_acme(j, &core->account);
	jwrite_array(j, "certs");
	for (size_t i = 0; i < core->cert_count; i++)
		write_cert(j, &core->certs[i]);
	jwrite_end(j);
	jwrite_array(j, "keys");
	for (size_t i = 0; i < core->key_count; i++)
		write_key(j, &core->keys[i]);
	jwrite_end(j);
	jwrite_array(j, "caa");
	for (size_t i = 0; i < core->caa_count; i++)
		write_caa(j, &core->caa[i]);
	jwrite_end(j);
	write_timeline(j, &core->timeline);
	write_ct(j, core);
	jwrite_end(j);
}

/* What was written is read again: nothing leaves that nobody would take. */
static enum rc check(struct span text)
{
	struct evidence_core again;
	struct arena arena;
	enum rc rc;

	arena_init(&arena, CHECK_ARENA_MAX);
	rc = evidence_core_read(&again, &arena, text);
	arena_fini(&arena);
	return rc;
}

enum rc evidence_core_write(struct buf *out, const struct evidence_core *core)
{
	struct buf text;
	struct jwrite j;
	enum rc rc = RC_LIMIT;

	buf_init(&text, CORE_MAX);
	j = jwrite_to(&text);
	write_all(&j, core);
	if (jwrite_done(&j))
		rc = check(buf_span(&text));
	if (!rc && !buf_add(out, buf_span(&text)))
		rc = RC_LIMIT;
	buf_fini(&text);
	return rc;
}

/* ---- asked of it */

int64_t core_pinned_at(const struct evidence_core *core, struct span host)
{
	int64_t last = 0, t1 = core->timeline.t1;

	for (size_t i = 0; i < core->caa_count; i++)
		if (webname_matches(core->caa[i].name, host) &&
		    core->caa[i].since > last)
			last = core->caa[i].since;
	if (last || t1 == CORE_NEVER)
		return last ? last : CORE_NEVER;
	return t1 - CORE_REUSE_S;
}
