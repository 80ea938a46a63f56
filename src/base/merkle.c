#include "base/merkle.h"

enum {
	LEAF_PREFIX = 0x00,
	NODE_PREFIX = 0x01,
};

void merkle_leaf(struct merkle_hash *out, merkle_hash_fn *hash,
		 struct span leaf)
{
	static const uint8_t prefix = LEAF_PREFIX;
	const struct span parts[] = { span_of(&prefix, 1), leaf };

	hash(out, parts, 2);
}

void merkle_node(struct merkle_hash *out, merkle_hash_fn *hash,
		 const struct merkle_hash *left,
		 const struct merkle_hash *right)
{
	static const uint8_t prefix = NODE_PREFIX;
	const struct span parts[] = {
		span_of(&prefix, 1),
		SPAN_ARRAY(left->b),
		SPAN_ARRAY(right->b),
	};

	hash(out, parts, 3);
}

/* The largest power of two below count; count >= 2. */
static size_t split(size_t count)
{
	size_t k = 1;

	while (k * 2 < count)
		k *= 2;
	return k;
}

/* Depth is log2(count): at most MERKLE_PATH_MAX levels of recursion. */
void merkle_root(struct merkle_hash *out, merkle_hash_fn *hash,
		 const struct merkle_hash *leaves, size_t count)
{
	struct merkle_hash left, right;
	size_t k;

	if (count == 1) {
		*out = leaves[0];
		return;
	}
	k = split(count);
	merkle_root(&left, hash, leaves, k);
	merkle_root(&right, hash, leaves + k, count - k);
	merkle_node(out, hash, &left, &right);
}

size_t merkle_path(struct merkle_hash *path, merkle_hash_fn *hash,
		   const struct merkle_hash *leaves, size_t count, size_t index)
{
	size_t k, n;

	if (count == 1)
		return 0;
	k = split(count);
	if (index < k) {
		n = merkle_path(path, hash, leaves, k, index);
		merkle_root(&path[n], hash, leaves + k, count - k);
	} else {
		n = merkle_path(path, hash, leaves + k, count - k, index - k);
		merkle_root(&path[n], hash, leaves, k);
	}
	return n + 1;
}

bool merkle_climb(struct merkle_hash *root, merkle_hash_fn *hash,
		  const struct merkle_hash *leaf, uint64_t index,
		  uint64_t count, const struct merkle_hash *path,
		  size_t path_count)
{
	struct merkle_hash at = *leaf;
	uint64_t last;

	if (index >= count)
		return false;
	last = count - 1;
	for (size_t i = 0; i < path_count; i++) {
		if (last == 0)
			return false;
		if (index & 1 || index == last) {
			merkle_node(&at, hash, &path[i], &at);
			/* A lone right edge skips the levels it has no
			 * sibling on (RFC 9162 §2.1.3.2 step 5). */
			while (!(index & 1) && index) {
				index >>= 1;
				last >>= 1;
			}
		} else {
			merkle_node(&at, hash, &at, &path[i]);
		}
		index >>= 1;
		last >>= 1;
	}
	if (last != 0)
		return false;
	*root = at;
	return true;
}
