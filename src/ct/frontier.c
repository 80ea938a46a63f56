#include "ct/frontier.h"

#include "crypto/hash.h"

void frontier_add(struct frontier *f, const struct merkle_hash *leaf)
{
	struct merkle_hash at = *leaf;
	size_t level = 0;

	for (; f->size >> level & 1; level++)
		merkle_node(&at, hash_merkle_sha256, &f->hash[level], &at);
	f->hash[level] = at;
	f->size++;
}

struct tree_head frontier_head(const struct frontier *f)
{
	struct tree_head head = tree_head_empty();
	bool is_first = true;

	for (size_t level = 0; level < FRONTIER_MAX; level++) {
		if (!(f->size >> level & 1))
			continue;
		if (is_first)
			head.root = f->hash[level];
		else
			merkle_node(&head.root, hash_merkle_sha256,
				    &f->hash[level], &head.root);
		is_first = false;
	}
	head.size = f->size;
	return head;
}

void frontier_write(struct wr *w, const struct frontier *f)
{
	wr_be64(w, f->size);
	for (size_t level = 0; level < FRONTIER_MAX; level++)
		if (f->size >> level & 1)
			wr_bytes(w, SPAN_ARRAY(f->hash[level].b));
}

enum rc frontier_read(struct frontier *out, struct span *s)
{
	struct frontier f = { 0 };
	struct span in = *s;

	if (!rd_be64(&in, &f.size))
		return RC_MALFORMED;
	for (size_t level = 0; level < FRONTIER_MAX; level++)
		if (f.size >> level & 1 &&
		    !rd_copy(&in, f.hash[level].b, MERKLE_HASH_LEN))
			return RC_MALFORMED;
	*out = f;
	*s = in;
	return RC_OK;
}
