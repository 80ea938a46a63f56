#include "evidence/dotdstack.h"

#include "evidence/holder.h"
#include "evidence/jget.h"
#include "json/jwrite.h"

static const char index_type[] = "dstack gateway";

void dotdstack_report_data(uint8_t out[QUOTE_REPORT_DATA_LEN],
			   const char *kind, struct span content)
{
	const struct span parts[] = { span_str(kind), span_str(":"), content };
	struct sha512 hash;
	struct span all = SPAN_ARRAY(hash.b);

	sha512_parts(&hash, parts, 3);
	(void)rd_copy(&all, out, QUOTE_REPORT_DATA_LEN);
}

static enum rc done(const struct jwrite *j)
{
	return jwrite_done(j) ? RC_OK : RC_LIMIT;
}

/* ---- index */

enum rc dotdstack_index_write(struct buf *out)
{
	static const char *const paths[] = { "/index", "/app-info",
					     "/acme-info" };
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_str(&j, "type", index_type);
	jwrite_array(&j, "paths");
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		jwrite_str(&j, NULL, paths[i]);
	jwrite_end(&j);
	jwrite_end(&j);
	return done(&j);
}

bool dotdstack_index_is(struct span json)
{
	struct arena arena;
	struct jget g = { .arena = &arena };
	const struct jtree *top, *type;
	bool is;

	arena_init(&arena, DOTDSTACK_SPKI_MAX * 8);
	top = jget_top(&g, json, DOTDSTACK_SPKI_MAX);
	type = jtree_get(top, "type");
	is = type && type->type == JTREE_TEXT &&
	     span_equal_str(type->text, index_type);
	arena_fini(&arena);
	return is;
}

/* ---- app-info: one table for both directions */

/* A pointer to member is what C lacks; an offset stands for it. */
struct member {
	const char *name;
	size_t at;
	bool is_hex;
};
#define HEX(name) \
	{ \
#name, offsetof(struct dotdstack_app, name), true \
	}
#define TEXT(name) \
	{ \
#name, offsetof(struct dotdstack_app, name), false \
	}
static const struct member members[] = {
	HEX(app_id),
	HEX(instance_id),
	HEX(device_id),
	HEX(mr_aggregated),
	HEX(os_image_hash),
	HEX(compose_hash),
	TEXT(app_name),
	TEXT(app_cert),
	TEXT(tcb_info),
	TEXT(vm_config),
	TEXT(cloud_vendor),
	TEXT(cloud_product),
};

/* Hex of a JSON text there; of a text in old agents, which it then is. */
static bool read_provider(struct jget *g, struct span *out,
			  const struct jtree *top)
{
	struct span text;

	if (!jget_text_if_any(g, &text, top, "key_provider_info"))
		return false;
	if (!text.n || text.p[0] == '{') {
		*out = text;
		return true;
	}
	return jget_hex_if_any(g, out, top, "key_provider_info");
}

enum rc dotdstack_app_read(struct dotdstack_app *out, struct arena *arena,
			   struct span json)
{
	struct jget g = { .arena = arena };
	struct dotdstack_app app = { 0 };
	const struct jtree *top = jget_top(&g, json, DOTDSTACK_MAX);

	if (!top)
		return g.rc;
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const struct member *m = &members[i];
		struct span *at = (struct span *)(void *)((char *)&app + m->at);

		if (!(m->is_hex ? jget_hex_if_any(&g, at, top, m->name)
				: jget_text_if_any(&g, at, top, m->name)))
			return g.rc;
	}
	if (!read_provider(&g, &app.key_provider_info, top))
		return g.rc;
	if (!app.app_id.n)
		return RC_MALFORMED;
	*out = app;
	return RC_OK;
}

enum rc dotdstack_app_write(struct buf *out, const struct dotdstack_app *app)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_hex(&j, "app_id", app->app_id);
	jwrite_hex(&j, "instance_id", app->instance_id);
	jwrite_text(&j, "app_cert", app->app_cert);
	jwrite_text(&j, "tcb_info", app->tcb_info);
	jwrite_text(&j, "app_name", app->app_name);
	jwrite_hex(&j, "device_id", app->device_id);
	jwrite_hex(&j, "mr_aggregated", app->mr_aggregated);
	jwrite_hex(&j, "os_image_hash", app->os_image_hash);
	jwrite_hex(&j, "key_provider_info", app->key_provider_info);
	jwrite_hex(&j, "compose_hash", app->compose_hash);
	jwrite_text(&j, "vm_config", app->vm_config);
	jwrite_text(&j, "cloud_vendor", app->cloud_vendor);
	jwrite_text(&j, "cloud_product", app->cloud_product);
	jwrite_end(&j);
	return done(&j);
}

/* ---- acme-info */

static bool read_key(struct jget *g, void *element, const struct jtree *value)
{
	struct dotdstack_key *key = element;

	if (!jget_hex_if_any(g, &key->spki, value, "public_key") ||
	    !jget_text_if_any(g, &key->quote, value, "quote") ||
	    !jget_hex_if_any(g, &key->attestation, value, "attestation"))
		return false;
	return (key->spki.n && key->spki.n <= DOTDSTACK_SPKI_MAX) ||
	       jget_fail(g, RC_MALFORMED);
}

enum rc dotdstack_acme_read(struct dotdstack_acme *out, struct arena *arena,
			    struct span json)
{
	const struct jget_list list = { "quoted_hist_keys",
					sizeof(struct dotdstack_key),
					DOTDSTACK_KEYS_MAX, read_key };
	struct jget g = { .arena = arena };
	struct dotdstack_acme a = { 0 };
	const struct jtree *top = jget_top(&g, json, DOTDSTACK_MAX);
	const void *keys;

	if (!top ||
	    !jget_ascii(&g, &a.account_uri, top, "account_uri",
			HOLDER_URI_MAX) ||
	    !jget_text_if_any(&g, &a.account_quote, top, "account_quote") ||
	    !jget_hex_if_any(&g, &a.account_attestation, top,
			     "account_attestation") ||
	    !jget_array(&g, &keys, &a.key_count, top, &list))
		return g.rc;
	a.keys = keys;
	*out = a;
	return RC_OK;
}

static void write_key(struct jwrite *j, const struct dotdstack_key *key)
{
	jwrite_object(j, NULL);
	jwrite_hex(j, "public_key", key->spki);
	jwrite_text(j, "quote", key->quote);
	jwrite_hex(j, "attestation", key->attestation);
	jwrite_end(j);
}

enum rc dotdstack_acme_write(struct buf *out, const struct dotdstack_acme *acme)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_text(&j, "account_uri", acme->account_uri);
	jwrite_array(&j, "quoted_hist_keys");
	for (size_t i = 0; i < acme->key_count; i++)
		write_key(&j, &acme->keys[i]);
	jwrite_end(&j);
	jwrite_text(&j, "account_quote", acme->account_quote);
	jwrite_hex(&j, "account_attestation", acme->account_attestation);
	jwrite_end(&j);
	return done(&j);
}
