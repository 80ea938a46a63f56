#include "ct/rfc6962.h"

#include "base/text.h"
#include "json/jtree.h"

enum {
	TREE_HEAD_V1 = 0,
	SIGNATURE_TREE_HASH = 1, /* §3.2 SignatureType */
	HASH_BASE64_MAX = 48,
};

/* GET log/ct/v1/what, where 'what' has been written to w behind it. */
static struct wr begin(uint8_t room[WEB_URL_MAX], struct span log)
{
	struct wr w = wr_over(room, WEB_URL_MAX);

	while (log.n && log.p[log.n - 1] == '/')
		log.n--;
	wr_bytes(&w, log);
	wr_str(&w, "/ct/v1/");
	return w;
}

static enum rc ask(struct web_ask *a, const struct wr *w, size_t answer_max)
{
	struct span url;

	if (!wr_done(w, &url))
		return RC_MALFORMED;
	return web_ask_init(a, WEB_GET, url, answer_max);
}

enum rc rfc6962_ask_sth(struct web_ask *a, struct span log)
{
	uint8_t room[WEB_URL_MAX];
	struct wr w = begin(room, log);

	wr_str(&w, "get-sth");
	return ask(a, &w, RFC6962_STH_MAX);
}

enum rc rfc6962_ask_entries(struct web_ask *a, struct span log, uint64_t first,
			    uint64_t last)
{
	uint8_t room[WEB_URL_MAX];
	struct wr w = begin(room, log);

	wr_printf(&w, "get-entries?start=%llu&end=%llu",
		  (unsigned long long)first, (unsigned long long)last);
	return ask(a, &w, RFC6962_ENTRIES_MAX);
}

enum rc rfc6962_ask_consistency(struct web_ask *a, struct span log,
				uint64_t first, uint64_t second)
{
	uint8_t room[WEB_URL_MAX];
	struct wr w = begin(room, log);

	wr_printf(&w, "get-sth-consistency?first=%llu&second=%llu",
		  (unsigned long long)first, (unsigned long long)second);
	return ask(a, &w, RFC6962_PROOF_MAX);
}

enum rc rfc6962_ask_proof(struct web_ask *a, struct span log,
			  const struct merkle_hash *leaf, uint64_t size)
{
	uint8_t room[WEB_URL_MAX], hash[HASH_BASE64_MAX];
	struct wr w = begin(room, log), h = WR_ARRAY(hash);

	text_base64(&h, SPAN_ARRAY(leaf->b));
	wr_str(&w, "get-proof-by-hash?hash=");
	web_url_encode(&w, wr_span(&h));
	wr_printf(&w, "&tree_size=%llu", (unsigned long long)size);
	return ask(a, &w, RFC6962_PROOF_MAX);
}

static bool read_number(uint64_t *out, const struct jtree *object,
			const char *key)
{
	const struct jtree *v = jtree_get(object, key);

	if (!v || v->type != JTREE_NUMBER)
		return false;
	*out = v->number;
	return true;
}

/* Base64 of at most cap bytes. */
static bool read_base64(void *out, size_t cap, size_t *n,
			const struct jtree *text)
{
	return text && text->type == JTREE_TEXT &&
	       text_base64_decode(out, cap, n, text->text);
}

static bool read_hash(struct merkle_hash *out, const struct jtree *text)
{
	size_t n;

	return read_base64(out->b, sizeof(out->b), &n, text) &&
	       n == sizeof(out->b);
}

enum rc rfc6962_read_sth(struct sth *out, struct arena *arena,
			 struct span json)
{
	const struct jtree *root;
	struct sth s = { 0 };

	if (json.n > RFC6962_STH_MAX)
		return RC_LIMIT;
	root = jtree_read(arena, json);
	if (!read_number(&s.head.size, root, "tree_size") ||
	    !read_number(&s.timestamp_ms, root, "timestamp") ||
	    !read_hash(&s.head.root, jtree_get(root, "sha256_root_hash")) ||
	    !read_base64(s.signature, sizeof(s.signature), &s.signature_len,
			 jtree_get(root, "tree_head_signature")))
		return RC_MALFORMED;
	*out = s;
	return RC_OK;
}

bool sth_signed(const struct sth *sth, struct span log_spki)
{
	struct span s = span_of(sth->signature, sth->signature_len), message;
	uint8_t room[2 + 8 + 8 + MERKLE_HASH_LEN];
	struct wr w = WR_ARRAY(room);
	struct sct_signature signature;

	if (sct_signature_read(&signature, &s) || !rd_end(&s))
		return false;
	wr_u8(&w, TREE_HEAD_V1);
	wr_u8(&w, SIGNATURE_TREE_HASH);
	wr_be64(&w, sth->timestamp_ms);
	wr_be64(&w, sth->head.size);
	wr_bytes(&w, SPAN_ARRAY(sth->head.root.b));
	message = wr_span(&w);
	return webkey_verify(log_spki, signature.kind, &message, 1,
			     signature.bytes);
}

/* Decodes into the arena. */
static enum rc keep_base64(struct span *out, struct arena *arena,
			   const struct jtree *text)
{
	uint8_t *room;
	size_t n;

	if (!text || text->type != JTREE_TEXT)
		return RC_MALFORMED;
	room = arena_new(arena, text->text.n / 4 + 1, 3);
	if (!room)
		return RC_LIMIT;
	if (!text_base64_decode(room, text->text.n, &n, text->text))
		return RC_MALFORMED;
	*out = span_of(room, n);
	return RC_OK;
}

enum rc rfc6962_read_entries(struct rfc6962_entry *out, size_t *count,
			     size_t max, struct arena *arena, struct span json)
{
	const struct jtree *list;
	size_t n = 0;

	if (json.n > RFC6962_ENTRIES_MAX)
		return RC_LIMIT;
	list = jtree_get(jtree_read(arena, json), "entries");
	if (!list || list->type != JTREE_ARRAY || !list->count)
		return RC_MALFORMED;
	if (list->count > max)
		return RC_LIMIT;
	for (const struct jtree *v = list->first; v; v = v->next, n++) {
		enum rc rc = keep_base64(&out[n].leaf_input, arena,
					 jtree_get(v, "leaf_input"));

		if (!rc)
			rc = keep_base64(&out[n].extra_data, arena,
					 jtree_get(v, "extra_data"));
		if (rc)
			return rc;
	}
	*count = n;
	return RC_OK;
}

static enum rc read_path(struct treeproof *out, const struct jtree *list)
{
	struct treeproof p = { .count = 0 };

	if (!list || list->type != JTREE_ARRAY)
		return RC_MALFORMED;
	if (list->count > TREEPROOF_MAX)
		return RC_LIMIT;
	for (const struct jtree *v = list->first; v; v = v->next)
		if (!read_hash(&p.hash[p.count++], v))
			return RC_MALFORMED;
	*out = p;
	return RC_OK;
}

enum rc rfc6962_read_consistency(struct treeproof *out, struct arena *arena,
				 struct span json)
{
	if (json.n > RFC6962_PROOF_MAX)
		return RC_LIMIT;
	return read_path(out, jtree_get(jtree_read(arena, json),
					"consistency"));
}

enum rc rfc6962_read_proof(struct treeproof *out, uint64_t *index,
			   struct arena *arena, struct span json)
{
	const struct jtree *root;
	uint64_t at;
	enum rc rc;

	if (json.n > RFC6962_PROOF_MAX)
		return RC_LIMIT;
	root = jtree_read(arena, json);
	if (!read_number(&at, root, "leaf_index"))
		return RC_MALFORMED;
	rc = read_path(out, jtree_get(root, "audit_path"));
	if (rc)
		return rc;
	*index = at;
	return RC_OK;
}
