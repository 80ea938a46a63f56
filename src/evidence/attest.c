#include "evidence/attest.h"

#include "evidence/jget.h"
#include "json/jwrite.h"

enum {
	VERSION = 2,
	/* Of a request's tree, which is tiny. */
	REQUEST_ARENA_MAX = 8 * 1024,
};

static const char label[] = "postern/evidence/v2";
/* The same as the attested channel's: one tree may hold both kinds of leaf,
 * docs/PROTOCOL.channel.md §8. */
static const char batch_label[] = "postern/batch/v1";

static bool read_nonce(struct jget *g, struct attest_nonce *out,
		       const struct jtree *object)
{
	struct span nonce;

	if (!jget_base64url_value(g, &nonce, jtree_get(object, "nonce")))
		return false;
	if (nonce.n < ATTEST_NONCE_MIN || nonce.n > ATTEST_NONCE_MAX)
		return jget_fail(g, RC_MALFORMED);
	out->n = nonce.n;
	return rd_copy(&nonce, out->b, nonce.n);
}

enum rc attest_request_read(struct attest_nonce *out, struct span json)
{
	static const char *const names[] = { "nonce", NULL };
	struct attest_nonce nonce = { .n = 0 };
	struct arena arena;
	struct jget g = { .arena = &arena };
	const struct jtree *top;

	arena_init(&arena, REQUEST_ARENA_MAX);
	top = jget_top(&g, json, ATTEST_REQUEST_MAX);
	if (top && jget_only(&g, top, names) && read_nonce(&g, &nonce, top))
		*out = nonce;
	arena_fini(&arena);
	return g.rc;
}

enum rc attest_request_write(struct buf *out, const struct attest_nonce *n)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_base64url(&j, "nonce", span_of(n->b, n->n));
	jwrite_end(&j);
	return jwrite_done(&j) ? RC_OK : RC_LIMIT;
}

void attest_binder(struct sha512 *out, const struct sha256 *core,
		   const uint8_t exporter[ATTEST_EXPORTER_LEN],
		   const struct attest_nonce *nonce)
{
	const uint8_t n = (uint8_t)nonce->n;
	const struct span parts[] = {
		span_str(label),
		SPAN_ARRAY(core->b),
		span_of(exporter, ATTEST_EXPORTER_LEN),
		span_of(&n, 1),
		span_of(nonce->b, nonce->n),
	};

	sha512_parts(out, parts, sizeof(parts) / sizeof(parts[0]));
}

void attest_report_data(uint8_t out[QUOTE_REPORT_DATA_LEN],
			const struct merkle_hash *root)
{
	const struct span parts[] = { span_str(batch_label),
				      SPAN_ARRAY(root->b) };
	struct sha512 hash;
	struct span all = SPAN_ARRAY(hash.b);

	sha512_parts(&hash, parts, 2);
	(void)rd_copy(&all, out, QUOTE_REPORT_DATA_LEN);
}

/* ---- the answer */

static bool read_step(struct jget *g, void *element, const struct jtree *value)
{
	struct merkle_hash *out = element;
	struct sha256 hash;

	if (!jget_hash_value(g, &hash, value))
		return false;
	memcpy(out->b, hash.b, sizeof(out->b));
	return true;
}

static bool read_path(struct jget *g, struct attest_answer *out,
		      const struct jtree *top)
{
	const struct jget_list list = { "path", sizeof(out->path[0]),
					MERKLE_PATH_MAX, read_step };
	const void *path;

	if (!jget_array(g, &path, &out->path_count, top, &list))
		return false;
	memcpy(out->path, path, out->path_count * sizeof(out->path[0]));
	return true;
}

enum rc attest_answer_read(struct attest_answer *out, struct arena *arena,
			   struct span json)
{
	static const char *const names[] = { "v", "core_sha256", "nonce",
					     "index", "count", "path",
					     "quote", "event_log", NULL };
	struct jget g = { .arena = arena };
	struct attest_answer a = { .count = 0 };
	const struct jtree *top = jget_top(&g, json, ATTEST_ANSWER_MAX);
	uint64_t version;

	if (!top || !jget_number(&g, &version, top, "v", UINT32_MAX))
		return g.rc;
	if (version != VERSION)
		return RC_UNSUPPORTED;
	if (!jget_only(&g, top, names) ||
	    !jget_hash(&g, &a.core, top, "core_sha256") ||
	    !read_nonce(&g, &a.nonce, top) ||
	    !jget_number(&g, &a.index, top, "index", UINT32_MAX) ||
	    !jget_number(&g, &a.count, top, "count", UINT32_MAX) ||
	    !read_path(&g, &a, top) ||
	    !jget_base64(&g, &a.quote, top, "quote") ||
	    !jget_text(&g, &a.event_log, top, "event_log", ATTEST_ANSWER_MAX))
		return g.rc;
	if (a.index >= a.count || !a.quote.n)
		return RC_MALFORMED;
	*out = a;
	return RC_OK;
}

enum rc attest_answer_write(struct buf *out, const struct attest_answer *a)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_number(&j, "v", VERSION);
	jwrite_hex(&j, "core_sha256", SPAN_ARRAY(a->core.b));
	jwrite_base64url(&j, "nonce", span_of(a->nonce.b, a->nonce.n));
	jwrite_number(&j, "index", a->index);
	jwrite_number(&j, "count", a->count);
	jwrite_array(&j, "path");
	for (size_t i = 0; i < a->path_count; i++)
		jwrite_hex(&j, NULL, SPAN_ARRAY(a->path[i].b));
	jwrite_end(&j);
	jwrite_base64(&j, "quote", a->quote);
	jwrite_text(&j, "event_log", a->event_log);
	jwrite_end(&j);
	return jwrite_done(&j) ? RC_OK : RC_LIMIT;
}

bool attest_expected(uint8_t out[QUOTE_REPORT_DATA_LEN],
		     const struct attest_answer *a,
		     const uint8_t exporter[ATTEST_EXPORTER_LEN])
{
	struct sha512 binder;
	struct merkle_hash leaf, root;

	attest_binder(&binder, &a->core, exporter, &a->nonce);
	merkle_leaf(&leaf, hash_merkle_sha256, SPAN_ARRAY(binder.b));
	if (!merkle_climb(&root, hash_merkle_sha256, &leaf, a->index, a->count,
			  a->path, a->path_count))
		return false;
	attest_report_data(out, &root);
	return true;
}
