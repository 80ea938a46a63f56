#include "acme/account.h"

#include <string.h>

#include "base/mem.h"
#include "json/jtree.h"
#include "json/jwrite.h"

enum {
	ARENA_MAX = 256 * 1024,
	BODY_MAX = 64 * 1024,
	JWK_MAX = 256,
};

static const char *const status_name[] = {
	[ACCOUNT_NONE] = "none",
	[ACCOUNT_VALID] = "valid",
	[ACCOUNT_DEACTIVATED] = "deactivated",
	[ACCOUNT_REVOKED] = "revoked",
	[ACCOUNT_LOST] = "lost",
};

const char *account_status_name(enum account_status s)
{
	return status_name[s];
}

bool account_status_of(enum account_status *out, struct span name)
{
	for (enum account_status s = ACCOUNT_NONE; s <= ACCOUNT_LOST; s++)
		if (span_equal_str(name, status_name[s])) {
			*out = s;
			return true;
		}
	return false;
}

static void write_contacts(struct jwrite *j, const struct account_wish *w)
{
	jwrite_array(j, "contact");
	for (size_t i = 0; i < w->contact_count; i++)
		jwrite_str(j, NULL, w->contacts[i]);
	jwrite_end(j);
}

static enum rc write_binding(struct jwrite *j, const struct account_wish *w,
			     struct span url, const struct p256_point *key)
{
	AUTO(buf_fini)
	struct buf jws = { 0 };
	enum rc rc;

	if (!w->binding_kid.n)
		return RC_OK;
	buf_init(&jws, JWS_MAX);
	rc = jws_bind(&jws, url, w->binding_kid, w->binding_key, key);
	if (rc)
		return rc;
	jwrite_raw(j, "externalAccountBinding", buf_span(&jws));
	return RC_OK;
}

static enum rc done(const struct jwrite *j)
{
	return jwrite_done(j) ? RC_OK : RC_LIMIT;
}

enum rc account_new_payload(struct buf *out, const struct account_wish *w,
			    struct span url, const struct p256_point *key)
{
	struct jwrite j = jwrite_to(out);
	enum rc rc;

	jwrite_object(&j, NULL);
	if (w->only_existing) {
		jwrite_bool(&j, "onlyReturnExisting", true);
	} else {
		if (w->agrees)
			jwrite_bool(&j, "termsOfServiceAgreed", true);
		if (w->contact_count)
			write_contacts(&j, w);
		rc = write_binding(&j, w, url, key);
		if (rc)
			return rc;
	}
	jwrite_end(&j);
	return done(&j);
}

enum rc account_update_payload(struct buf *out, const struct account_wish *w)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	write_contacts(&j, w);
	if (w->agrees)
		jwrite_bool(&j, "termsOfServiceAgreed", true);
	jwrite_end(&j);
	return done(&j);
}

enum rc account_deactivate_payload(struct buf *out)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_str(&j, "status", "deactivated");
	jwrite_end(&j);
	return done(&j);
}

enum rc account_key_change_payload(struct buf *out, struct span url,
				   const char *account,
				   const struct p256_private *new_key,
				   const struct p256_point *old_key)
{
	AUTO(buf_fini)
	struct buf payload = { 0 };
	const struct jws_head head = { .url = url };
	uint8_t jwk[JWK_MAX];
	struct wr w = WR_ARRAY(jwk);
	struct jwrite j;

	buf_init(&payload, BODY_MAX);
	j = jwrite_to(&payload);
	jws_jwk(&w, old_key);
	jwrite_object(&j, NULL);
	jwrite_str(&j, "account", account);
	jwrite_raw(&j, "oldKey", wr_span(&w));
	jwrite_end(&j);
	if (!jwrite_done(&j))
		return RC_LIMIT;
	return jws_sign(out, &head, new_key, buf_span(&payload));
}

enum rc account_read(enum account_status *out, struct span json)
{
	AUTO(arena_fini)
	struct arena arena = { 0 };
	const struct jtree *top, *status;

	if (json.n > BODY_MAX)
		return RC_MALFORMED;
	arena_init(&arena, ARENA_MAX);
	top = jtree_read(&arena, json);
	status = jtree_get(top, "status");
	if (!status || status->type != JTREE_TEXT)
		return RC_MALFORMED;
	if (span_equal_str(status->text, "valid"))
		*out = ACCOUNT_VALID;
	else if (span_equal_str(status->text, "deactivated"))
		*out = ACCOUNT_DEACTIVATED;
	else if (span_equal_str(status->text, "revoked"))
		*out = ACCOUNT_REVOKED;
	else
		return RC_MALFORMED;
	return RC_OK;
}
