#include "secrets/envelope.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "json/jtree.h"
#include "json/jwrite.h"

#define FORMAT "postern/env/v1"
#define SIGNATURE_LABEL "postern/env-signature/v1"

enum {
	AD_LEN = ENVELOPE_APP_LEN + 8,
	SEALED_MAX = ENVS_TEXT_MAX + HPKE_TAG_LEN,
	SIGNED_MAX = sizeof(SIGNATURE_LABEL) + AD_LEN + HPKE_ENC_LEN +
		     SEALED_MAX,
	PARSE_MAX = 2 * ENVELOPE_TEXT_MAX + SEALED_MAX,
};

/* One envelope read; 'sealed' is in the arena. */
struct form {
	uint8_t app_id[ENVELOPE_APP_LEN];
	uint64_t serial;
	uint8_t enc[HPKE_ENC_LEN];
	struct span sealed;
	bool is_signed;
	uint8_t signer[ED25519_PUBLIC_LEN];
	uint8_t signature[ED25519_SIGNATURE_LEN];
};

const char *envelope_verdict_name(enum envelope_verdict v)
{
	static const char *const names[ENVELOPE_VERDICT_COUNT] = {
		[ENVELOPE_OK] = "ok",
		[ENVELOPE_MALFORMED] = "malformed",
		[ENVELOPE_OTHER_APP] = "other_app",
		[ENVELOPE_STALE] = "stale",
		[ENVELOPE_REUSED_SERIAL] = "reused_serial",
		[ENVELOPE_UNSIGNED] = "unsigned",
		[ENVELOPE_UNKNOWN_SIGNER] = "unknown_signer",
		[ENVELOPE_BAD_SIGNATURE] = "bad_signature",
		[ENVELOPE_NOT_OPENED] = "not_opened",
		[ENVELOPE_BAD_CONTENT] = "bad_content",
		[ENVELOPE_NOT_ALLOWED] = "name_not_allowed",
	};

	return names[v];
}

static void write_ad(struct wr *w, const uint8_t app_id[ENVELOPE_APP_LEN],
		     uint64_t serial)
{
	wr_bytes(w, span_of(app_id, ENVELOPE_APP_LEN));
	wr_be64(w, serial);
}

/* What is signed, in a place of SIGNED_MAX bytes. */
static struct span signed_text(uint8_t *place, const struct form *f)
{
	struct wr w = wr_over(place, SIGNED_MAX);

	wr_str(&w, SIGNATURE_LABEL);
	write_ad(&w, f->app_id, f->serial);
	wr_bytes(&w, SPAN_ARRAY(f->enc));
	wr_bytes(&w, f->sealed);
	return wr_span(&w);
}

/* ---- reading ---- */

static bool text_of(struct span *out, const struct jtree *root, const char *key)
{
	const struct jtree *v = jtree_get(root, key);

	if (!v || v->type != JTREE_TEXT)
		return false;
	*out = v->text;
	return true;
}

static bool hex_of(void *out, size_t n, const struct jtree *root,
		   const char *key)
{
	struct span text;

	return text_of(&text, root, key) && text_hex_decode(out, n, text);
}

static bool read_sealed(struct form *f, const struct jtree *root,
			struct arena *arena)
{
	struct span enc, sealed;
	uint8_t *room = arena_new(arena, 1, SEALED_MAX);
	size_t n = 0;

	if (!room || !text_of(&enc, root, "enc") ||
	    !text_of(&sealed, root, "ciphertext") ||
	    !text_base64_decode(f->enc, sizeof(f->enc), &n, enc) ||
	    n != sizeof(f->enc) ||
	    !text_base64_decode(room, SEALED_MAX, &n, sealed) ||
	    n < HPKE_TAG_LEN)
		return false;
	f->sealed = span_of(room, n);
	return true;
}

/* Members that nothing covers are refused: somebody would read them. */
static bool read_form(struct form *out, struct arena *arena, struct span json)
{
	struct form f = { 0 };
	const struct jtree *root, *serial;
	struct span format;

	root = json.n <= ENVELOPE_TEXT_MAX ? jtree_read(arena, json) : NULL;
	serial = jtree_get(root, "serial");
	f.is_signed = jtree_get(root, "signer") != NULL;
	if (!root || !text_of(&format, root, "format") ||
	    !span_equal_str(format, FORMAT) ||
	    !hex_of(f.app_id, sizeof(f.app_id), root, "app_id") || !serial ||
	    serial->type != JTREE_NUMBER || serial->number == 0 ||
	    !read_sealed(&f, root, arena))
		return false;
	if (f.is_signed &&
	    (!hex_of(f.signer, sizeof(f.signer), root, "signer") ||
	     !hex_of(f.signature, sizeof(f.signature), root, "signature")))
		return false;
	if (root->count != (f.is_signed ? 7U : 5U))
		return false;
	f.serial = serial->number;
	*out = f;
	return true;
}

static bool has_good_signature(const struct form *f)
{
	AUTO(mem_auto_free)
	uint8_t *place = mem_new(SIGNED_MAX);

	return ed25519_verify(f->signer, f->signature, signed_text(place, f));
}

static bool is_listed(const struct form *f, const struct manifest_guest *rules)
{
	for (size_t i = 0; i < rules->signer_count; i++)
		if (span_equal(SPAN_ARRAY(f->signer),
			       SPAN_ARRAY(rules->signers[i])))
			return true;
	return rules->signer_count == 0;
}

static enum envelope_verdict judge_signer(const struct form *f,
					  const struct manifest_guest *rules)
{
	if (!f->is_signed)
		return rules->signer_count ? ENVELOPE_UNSIGNED : ENVELOPE_OK;
	if (!is_listed(f, rules))
		return ENVELOPE_UNKNOWN_SIGNER;
	return has_good_signature(f) ? ENVELOPE_OK : ENVELOPE_BAD_SIGNATURE;
}

static enum envelope_verdict judge_age(const struct form *f,
				       const struct sha256 *hash,
				       const struct envelope_seen *seen)
{
	if (f->serial < seen->serial)
		return ENVELOPE_STALE;
	if (f->serial == seen->serial &&
	    !span_equal(SPAN_ARRAY(hash->b), SPAN_ARRAY(seen->hash.b)))
		return ENVELOPE_REUSED_SERIAL;
	return ENVELOPE_OK;
}

static enum envelope_verdict open_form(struct envs *out, const struct form *f,
				       const struct envelope_terms *terms)
{
	AUTO(buf_wipe)
	struct buf plain;
	uint8_t ad[AD_LEN], *room;
	struct wr w = WR_ARRAY(ad);
	struct envs e;
	size_t n = 0, want = f->sealed.n - HPKE_TAG_LEN;

	write_ad(&w, f->app_id, f->serial);
	buf_init(&plain, want + 1);
	room = buf_space(&plain, want + 1, &n);
	if (!hpke_open(room, terms->secret, f->enc, span_str(FORMAT),
		       SPAN_ARRAY(ad), f->sealed))
		return ENVELOPE_NOT_OPENED;
	buf_commit(&plain, want);
	if (envs_read_json(&e, buf_span(&plain)))
		return ENVELOPE_BAD_CONTENT;
	for (size_t i = 0; i < e.count; i++) {
		if (guest_allows_env(terms->rules, span_str(e.list[i].name)))
			continue;
		envs_fini(&e);
		return ENVELOPE_NOT_ALLOWED;
	}
	*out = e;
	return ENVELOPE_OK;
}

enum envelope_verdict envelope_open(struct envs *out,
				    struct envelope_seen *seen,
				    struct span json,
				    const struct envelope_terms *terms)
{
	AUTO(arena_fini)
	struct arena arena = { 0 };
	struct envelope_seen now;
	enum envelope_verdict v;
	struct form f;

	arena_init(&arena, PARSE_MAX);
	if (!read_form(&f, &arena, json))
		return ENVELOPE_MALFORMED;
	if (!span_equal(SPAN_ARRAY(f.app_id), SPAN_ARRAY(terms->app_id)))
		return ENVELOPE_OTHER_APP;
	now.serial = f.serial;
	sha256_of(&now.hash, json);
	v = judge_signer(&f, terms->rules);
	if (!v)
		v = judge_age(&f, &now.hash, &terms->seen);
	if (!v)
		v = open_form(out, &f, terms);
	if (!v)
		*seen = now;
	return v;
}

bool envelope_look(struct envelope_facts *out, struct span json)
{
	AUTO(arena_fini)
	struct arena arena = { 0 };
	struct form f;

	arena_init(&arena, PARSE_MAX);
	if (!read_form(&f, &arena, json))
		return false;
	*out = (struct envelope_facts){
		.serial = f.serial,
		.is_signed = f.is_signed,
		.is_signature_good = f.is_signed && has_good_signature(&f),
		.ciphertext_len = f.sealed.n,
	};
	memcpy(out->app_id, f.app_id, sizeof(f.app_id));
	memcpy(out->signer, f.signer, sizeof(f.signer));
	return true;
}

/* ---- writing ---- */

static enum rc write_form(struct buf *out, const struct form *f)
{
	AUTO(buf_fini)
	struct buf text;
	struct jwrite j = jwrite_to(&text);

	buf_init(&text, ENVELOPE_TEXT_MAX);
	jwrite_object(&j, NULL);
	jwrite_str(&j, "format", FORMAT);
	jwrite_hex(&j, "app_id", SPAN_ARRAY(f->app_id));
	jwrite_number(&j, "serial", f->serial);
	jwrite_base64(&j, "enc", SPAN_ARRAY(f->enc));
	jwrite_base64(&j, "ciphertext", f->sealed);
	if (f->is_signed) {
		jwrite_hex(&j, "signer", SPAN_ARRAY(f->signer));
		jwrite_hex(&j, "signature", SPAN_ARRAY(f->signature));
	}
	jwrite_end(&j);
	if (!jwrite_done(&j) || !buf_add(&text, span_str("\n")) ||
	    !buf_add(out, buf_span(&text)))
		return RC_LIMIT;
	return RC_OK;
}

static void sign_form(struct form *f, const struct key32 *signer)
{
	AUTO(mem_auto_free)
	uint8_t *place = mem_new(SIGNED_MAX);

	f->is_signed = true;
	ed25519_public(f->signer, signer);
	ed25519_sign(f->signature, signer, signed_text(place, f));
}

enum rc envelope_seal(struct buf *out, const struct envelope_recipe *recipe)
{
	AUTO(buf_wipe)
	struct buf plain;
	AUTO(mem_auto_free)
	uint8_t *sealed = mem_new(SEALED_MAX);
	struct form f = { .serial = recipe->serial };
	uint8_t ad[AD_LEN];
	struct wr w = WR_ARRAY(ad);
	enum rc rc;

	buf_init(&plain, ENVS_TEXT_MAX);
	rc = envs_write_json(recipe->envs, &plain);
	if (rc)
		return rc;
	memcpy(f.app_id, recipe->app_id, sizeof(f.app_id));
	write_ad(&w, f.app_id, f.serial);
	if (!hpke_seal(f.enc, sealed, recipe->to, span_str(FORMAT),
		       SPAN_ARRAY(ad), buf_span(&plain)))
		return RC_CRYPTO;
	f.sealed = span_of(sealed, buf_span(&plain).n + HPKE_TAG_LEN);
	if (recipe->signer)
		sign_form(&f, recipe->signer);
	return write_form(out, &f);
}
