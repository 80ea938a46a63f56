#include "evidence/memory.h"

#include <string.h>

#include "evidence/jget.h"
#include "json/jwrite.h"

enum {
	VERSION = 1,
};

/* ---- reading */

static bool read_head(struct jget *g, void *element, const struct jtree *value)
{
	static const char *const names[] = { "log_id", "size", "root", NULL };
	struct material_head *out = element;
	struct sha256 root;

	if (!jget_only(g, value, names) ||
	    !jget_hash(g, &out->log_id, value, "log_id") ||
	    !jget_number(g, &out->head.size, value, "size", INT64_MAX) ||
	    !jget_hash(g, &root, value, "root"))
		return false;
	memcpy(out->head.root.b, root.b, sizeof(root.b));
	return true;
}

static bool read_all(struct jget *g, struct material_memory *out,
		     const struct jtree *top, struct span host)
{
	static const char *const names[] = { "v", "host",
					     "at", "account_uri",
					     "thumbprint", "heads",
					     NULL };
	const struct jget_list heads = { "heads", sizeof(struct material_head),
					 MEMORY_HEADS_MAX, read_head };
	struct span of;
	uint64_t version;
	int64_t at;
	const void *list;

	if (!jget_number(g, &version, top, "v", INT64_MAX))
		return false;
	if (version != VERSION)
		return jget_fail(g, RC_UNSUPPORTED);
	if (!jget_only(g, top, names) ||
	    !jget_ascii(g, &of, top, "host", CORE_TEXT_MAX) ||
	    !jget_time(g, &at, top, "at") ||
	    !jget_ascii(g, &out->account_uri, top, "account_uri",
			HOLDER_URI_MAX) ||
	    !jget_hash(g, &out->thumbprint, top, "thumbprint") ||
	    !jget_array(g, &list, &out->head_count, top, &heads))
		return false;
	if (!span_equal(of, host))
		return jget_fail(g, RC_MALFORMED);
	out->heads = list;
	out->is_there = true;
	return true;
}

enum rc memory_read(struct material_memory *out, struct arena *arena,
		    struct span text, struct span host)
{
	struct jget g = { .arena = arena };
	struct material_memory got = { 0 };
	const struct jtree *top = jget_top(&g, text, MEMORY_MAX);

	if (!top || !read_all(&g, &got, top, host))
		return g.rc;
	*out = got;
	return RC_OK;
}

/* ---- writing */

static bool is_same_log(const struct sha256 *a, const struct sha256 *b)
{
	return span_equal(SPAN_ARRAY(a->b), SPAN_ARRAY(b->b));
}

/* The tree of that size and root is the beginning of one seen now. */
static bool is_confirmed(const struct material *m, const struct sha256 *log_id,
			 const struct tree_head *head)
{
	for (size_t i = 0; i < m->growth_count; i++) {
		const struct material_growth *g = &m->growth[i];

		if (g->from == head->size && is_same_log(&g->log_id, log_id) &&
		    treeproof_extends(head, &g->now, &g->proof))
			return true;
	}
	return false;
}

static struct tree_head tree_of(const struct core_head *h)
{
	struct tree_head head = { .size = h->size };

	memcpy(head.root.b, h->root.b, sizeof(head.root.b));
	return head;
}

/* The log showed that it has grown from 'old', NULL if there was none, to the
 * head in the evidence, and since. */
static bool replaces(const struct material *m, const struct core_head *h,
		     const struct material_head *old)
{
	struct tree_head head = tree_of(h);

	if (!is_confirmed(m, &h->log_id, &head))
		return false;
	return !old || (h->size >= old->head.size &&
			is_confirmed(m, &h->log_id, &old->head));
}

/* What is kept of the last visit's heads. */
static bool stays(const struct material_head *old, const struct reading *r)
{
	for (size_t i = 0; i < r->core.head_count; i++)
		if (is_same_log(&r->core.heads[i].log_id, &old->log_id))
			return !replaces(r->m, &r->core.heads[i], old);
	return true;
}

static const struct material_head *
remembered(const struct material_memory *before, const struct sha256 *log_id)
{
	for (size_t i = 0; i < before->head_count; i++)
		if (is_same_log(&before->heads[i].log_id, log_id))
			return &before->heads[i];
	return NULL;
}

static void write_head(struct jwrite *j, const struct sha256 *log_id,
		       uint64_t size, struct span root)
{
	jwrite_object(j, NULL);
	jwrite_hex(j, "log_id", SPAN_ARRAY(log_id->b));
	jwrite_number(j, "size", size);
	jwrite_hex(j, "root", root);
	jwrite_end(j);
}

static void write_heads(struct jwrite *j, const struct reading *r,
			const struct material_memory *before)
{
	const struct evidence_core *core = &r->core;
	size_t count = 0;

	jwrite_array(j, "heads");
	for (size_t i = 0; i < before->head_count; i++)
		if (stays(&before->heads[i], r)) {
			const struct material_head *h = &before->heads[i];

			write_head(j, &h->log_id, h->head.size,
				   SPAN_ARRAY(h->head.root.b));
			count++;
		}
	for (size_t i = 0; i < core->head_count && count < MEMORY_HEADS_MAX;
	     i++) {
		const struct core_head *h = &core->heads[i];
		const struct material_head *old = remembered(before,
							     &h->log_id);

		if (!replaces(r->m, h, old))
			continue;
		write_head(j, &h->log_id, h->size, SPAN_ARRAY(h->root.b));
		count++;
	}
	jwrite_end(j);
}

bool memory_write(struct buf *out, const struct reading *r,
		  const struct material_memory *before)
{
	struct jwrite j = jwrite_to(out);

	if (!r->has_core)
		return false;
	jwrite_object(&j, NULL);
	jwrite_number(&j, "v", VERSION);
	jwrite_text(&j, "host", r->m->host);
	jwrite_number(&j, "at", (uint64_t)r->m->at);
	jwrite_text(&j, "account_uri", r->core.account.uri);
	jwrite_hex(&j, "thumbprint", SPAN_ARRAY(r->core.account.thumbprint.b));
	write_heads(&j, r, before);
	jwrite_end(&j);
	return jwrite_done(&j);
}
