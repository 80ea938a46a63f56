#include "ct/treeproof.h"

#include "crypto/hash.h"

struct tree_head tree_head_empty(void)
{
	struct tree_head head = { 0 };

	hash_merkle_sha256(&head.root, NULL, 0);
	return head;
}

static bool is_same(const struct merkle_hash *a, const struct merkle_hash *b)
{
	return span_equal(SPAN_ARRAY(a->b), SPAN_ARRAY(b->b));
}

bool tree_head_equal(const struct tree_head *a, const struct tree_head *b)
{
	return a->size == b->size && is_same(&a->root, &b->root);
}

bool treeproof_includes(const struct tree_head *head, uint64_t index,
			const struct merkle_hash *leaf,
			const struct treeproof *proof)
{
	struct merkle_hash root;

	return merkle_climb(&root, hash_merkle_sha256, leaf, index, head->size,
			    proof->hash, proof->count) &&
	       is_same(&root, &head->root);
}

static bool is_power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

/* The two roots that RFC 9162 §2.1.4.2 computes side by side. */
struct climb {
	struct merkle_hash first, second;
	uint64_t fn, sn;
};

/* Step 6 for one hash of the proof; false: there is one too many. */
static bool climb_by(struct climb *c, const struct merkle_hash *hash)
{
	if (c->sn == 0)
		return false;
	if (c->fn & 1 || c->fn == c->sn) {
		merkle_node(&c->first, hash_merkle_sha256, hash, &c->first);
		merkle_node(&c->second, hash_merkle_sha256, hash, &c->second);
		while (!(c->fn & 1) && c->fn) {
			c->fn >>= 1;
			c->sn >>= 1;
		}
	} else {
		merkle_node(&c->second, hash_merkle_sha256, &c->second, hash);
	}
	c->fn >>= 1;
	c->sn >>= 1;
	return true;
}

bool treeproof_extends(const struct tree_head *first,
		       const struct tree_head *second,
		       const struct treeproof *proof)
{
	struct climb c;
	size_t at = 0;

	if (first->size > second->size)
		return false;
	if (first->size == second->size)
		return proof->count == 0 && is_same(&first->root,
						    &second->root);
	if (first->size == 0) {
		struct tree_head empty = tree_head_empty();

		return proof->count == 0 && is_same(&first->root, &empty.root);
	}
	if (proof->count == 0)
		return false;
	c.fn = first->size - 1;
	c.sn = second->size - 1;
	while (c.fn & 1) {
		c.fn >>= 1;
		c.sn >>= 1;
	}
	/* A whole left subtree is its own root and not sent. */
	c.first = is_power_of_two(first->size) ? first->root
					       : proof->hash[at++];
	c.second = c.first;
	for (; at < proof->count; at++)
		if (!climb_by(&c, &proof->hash[at]))
			return false;
	return c.sn == 0 && is_same(&c.first, &first->root) &&
	       is_same(&c.second, &second->root);
}
