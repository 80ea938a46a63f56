#include "channel/claims.h"

#include <jansson.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum {
	KEY_COUNT = 6, /* without "lineage" */
	TEXT_MAX = 512, /* the longest document the writer makes */
};

static void json_done(json_t **j)
{
	json_decref(*j);
}

static bool is_label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("._+-", c));
}

/* At least one character, and its NUL within cap. */
static bool is_label(const char *s, size_t cap)
{
	size_t n = strnlen(s, cap);

	if (n == 0 || n == cap)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_label_char(s[i]))
			return false;
	return true;
}

static void write_hex(struct wr *w, const char *key, struct span bytes)
{
	wr_printf(w, "\"%s\":\"", key);
	text_hex(w, bytes);
	wr_str(w, "\",");
}

enum rc channel_claims_write(struct buf *out, const struct channel_claims *c)
{
	uint8_t text[TEXT_MAX];
	struct wr w = WR_ARRAY(text);
	struct span done;

	if (!is_label(c->node_id, sizeof(c->node_id)) ||
	    !is_label(c->purpose, sizeof(c->purpose)) ||
	    !is_label(c->version, sizeof(c->version)))
		return RC_MALFORMED;
	wr_str(&w, "{");
	write_hex(&w, "app_id", SPAN_ARRAY(c->app_id));
	write_hex(&w, "instance_id", SPAN_ARRAY(c->instance_id));
	write_hex(&w, "manifest_hash", SPAN_ARRAY(c->manifest_hash.b));
	wr_printf(&w,
		  "\"node_id\":\"%s\",\"purpose\":\"%s\",\"version\":\"%s\"",
		  c->node_id, c->purpose, c->version);
	if (c->has_lineage) {
		wr_str(&w, ",\"lineage\":\"");
		text_hex(&w, SPAN_ARRAY(c->lineage.b));
		wr_str(&w, "\"");
	}
	wr_str(&w, "}");
	if (!wr_done(&w, &done) || !buf_add(out, done))
		return RC_LIMIT;
	return RC_OK;
}

static bool read_hex(const json_t *root, const char *key, void *out, size_t n)
{
	const char *s = json_string_value(json_object_get(root, key));

	return s && text_hex_decode(out, n, span_str(s));
}

static bool read_label(const json_t *root, const char *key, char *out,
		       size_t cap)
{
	const char *s = json_string_value(json_object_get(root, key));

	if (!s || !is_label(s, cap))
		return false;
	memcpy(out, s, strlen(s) + 1);
	return true;
}

enum rc channel_claims_read(struct channel_claims *out, struct span json)
{
	AUTO(json_done)
	json_t *root = NULL;
	struct channel_claims c = { 0 };

	if (json.n == 0 || json.n > CHANNEL_CLAIMS_MAX)
		return RC_MALFORMED;
	root = json_loadb((const char *)json.p, json.n, JSON_REJECT_DUPLICATES,
			  NULL);
	c.has_lineage = json_object_get(root, "lineage") != NULL;
	if (!json_is_object(root) ||
	    json_object_size(root) != KEY_COUNT + (c.has_lineage ? 1u : 0u))
		return RC_MALFORMED;
	if (c.has_lineage &&
	    !read_hex(root, "lineage", c.lineage.b, sizeof(c.lineage.b)))
		return RC_MALFORMED;
	if (!read_hex(root, "app_id", c.app_id, sizeof(c.app_id)) ||
	    !read_hex(root, "instance_id", c.instance_id,
		      sizeof(c.instance_id)) ||
	    !read_hex(root, "manifest_hash", c.manifest_hash.b,
		      sizeof(c.manifest_hash.b)) ||
	    !read_label(root, "node_id", c.node_id, sizeof(c.node_id)) ||
	    !read_label(root, "purpose", c.purpose, sizeof(c.purpose)) ||
	    !read_label(root, "version", c.version, sizeof(c.version)))
		return RC_MALFORMED;
	*out = c;
	return RC_OK;
}
