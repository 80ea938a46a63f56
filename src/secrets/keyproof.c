#include "secrets/keyproof.h"

#include <string.h>

#include "base/text.h"
#include "crypto/x25519.h"
#include "json/jtree.h"
#include "json/jwrite.h"
#include "tee/quote.h"

#define FORMAT "postern/env-key/v1"

enum {
	MEMBERS = 6,
};

void keyproof_secret(struct key32 *out, const struct key32 *root)
{
	hkdf_sha256(out->b, sizeof(out->b), span_str(FORMAT),
		    SPAN_ARRAY(root->b), span_str("x25519"));
	x25519_clamp(out);
}

void keyproof_report_data(struct sha512 *out, const struct keyproof *p)
{
	const struct span parts[] = {
		span_str(FORMAT),
		SPAN_ARRAY(p->app_id),
		SPAN_ARRAY(p->instance_id),
		SPAN_ARRAY(p->public_key),
	};

	sha512_parts(out, parts, 4);
}

enum rc keyproof_write(struct buf *out, const struct keyproof *p)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_str(&j, "format", FORMAT);
	jwrite_hex(&j, "app_id", SPAN_ARRAY(p->app_id));
	jwrite_hex(&j, "instance_id", SPAN_ARRAY(p->instance_id));
	jwrite_hex(&j, "public_key", SPAN_ARRAY(p->public_key));
	jwrite_base64(&j, "quote", p->quote);
	jwrite_text(&j, "event_log", p->event_log);
	jwrite_end(&j);
	return jwrite_done(&j) && buf_add(out, span_str("\n")) ? RC_OK
							       : RC_LIMIT;
}

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

bool keyproof_read(struct keyproof *out, struct arena *arena, struct span json)
{
	const struct jtree *root = json.n <= KEYPROOF_TEXT_MAX
					   ? jtree_read(arena, json)
					   : NULL;
	struct keyproof p = { 0 };
	struct span text;
	uint8_t *room;
	size_t n = 0;

	if (!root || root->count != MEMBERS ||
	    !text_of(&text, root, "format") || !span_equal_str(text, FORMAT) ||
	    !hex_of(p.app_id, sizeof(p.app_id), root, "app_id") ||
	    !hex_of(p.instance_id, sizeof(p.instance_id), root,
		    "instance_id") ||
	    !hex_of(p.public_key, sizeof(p.public_key), root, "public_key") ||
	    !text_of(&p.event_log, root, "event_log") ||
	    !text_of(&text, root, "quote"))
		return false;
	room = arena_new(arena, 1, QUOTE_MAX);
	if (!room || !text_base64_decode(room, QUOTE_MAX, &n, text))
		return false;
	p.quote = span_of(room, n);
	*out = p;
	return true;
}
