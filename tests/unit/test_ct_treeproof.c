/* treeproof: every proof of every tree to 130 leaves against the definition,
 * and none other; sizes of 64 bits; vectors of the reference implementation. */
#include "unit.h"

#include "base/text.h"
#include "stupid_tree.h"

enum {
	LEAVES = 130,
};

static struct tree_head head_of(const struct merkle_hash *d, size_t n)
{
	return (struct tree_head){ .size = n, .root = stupid_root(d, n) };
}

/* The leaves and roots that CT implementations share as their first test. */
static void reference_roots(void **state)
{
	static const char *const leaves[] = {
		"", "00", "10", "2021", "3031", "40414243", "5051525354555657",
		"606162636465666768696a6b6c6d6e6f"
	};
	static const char *const roots[] = {
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	};
	struct merkle_hash d[8], want;

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		uint8_t bytes[16];
		size_t n;
		struct merkle_hash root;

		assert_true(text_hex_decode_any(bytes, sizeof(bytes), &n, span_str(leaves[i])));
		d[i] = stupid_leaf(bytes, n);
		assert_true(text_hex_decode(want.b, 32, span_str(roots[i])));
		root = stupid_root(d, i + 1);
		assert_memory_equal(root.b, want.b, 32);
	}
}

static void every_inclusion(void **state)
{
	struct merkle_hash *d = stupid_leaves(LEAVES);

	(void)state;
	for (size_t n = 1; n <= LEAVES; n++) {
		struct tree_head head = head_of(d, n);

		for (size_t i = 0; i < n; i++) {
			struct treeproof p = { .count = 0 };

			stupid_path(&p, i, d, n);
			assert_true(treeproof_includes(&head, i, &d[i], &p));
			/* A37: another leaf, index or size */
			assert_false(treeproof_includes(&head, i, &d[(i + 1) % LEAVES], &p));
			for (size_t k = 0; k < n; k++)
				assert_true(k == i || !treeproof_includes(&head, k, &d[i], &p));
			assert_false(treeproof_includes(&head, i + n, &d[i], &p));
		}
	}
	free(d);
}

static void broken_inclusions_refused(void **state)
{
	struct merkle_hash *d = stupid_leaves(LEAVES);

	(void)state;
	for (size_t n = 1; n <= 40; n++) {
		for (size_t i = 0; i < n; i++) {
			struct tree_head head = head_of(d, n), other = head;
			struct treeproof p = { .count = 0 }, bad;

			stupid_path(&p, i, d, n);
			for (size_t k = 0; k < p.count; k++) {
				bad = p;
				bad.hash[k].b[k % 32] ^= 1;
				assert_false(treeproof_includes(&head, i, &d[i], &bad));
			}
			bad = p;
			bad.hash[bad.count++] = d[0];
			assert_false(treeproof_includes(&head, i, &d[i], &bad));
			if (p.count) {
				bad = p;
				bad.count--;
				assert_false(treeproof_includes(&head, i, &d[i], &bad));
			}
			/* the same root claimed for another size */
			for (other.size = 1; other.size < 64; other.size++) {
				size_t depth_same = 0;
				struct treeproof q = { .count = 0 };

				if (other.size == n || i >= other.size)
					continue;
				stupid_path(&q, i, d, (size_t)other.size);
				depth_same = q.count == p.count;
				/* sizes between which this leaf's path is the
				 * same shape say the same of it */
				if (!depth_same)
					assert_false(treeproof_includes(&other, i, &d[i], &p));
			}
		}
	}
	free(d);
}

static void every_consistency(void **state)
{
	struct merkle_hash *d = stupid_leaves(LEAVES), *e = stupid_leaves(LEAVES);

	(void)state;
	e[0] = stupid_leaf("x", 1); /* another history */
	for (size_t n = 1; n <= LEAVES; n++) {
		struct tree_head second = head_of(d, n), forked = head_of(e, n);

		for (size_t m = 1; m <= n; m++) {
			struct tree_head first = head_of(d, m);
			struct treeproof p = { .count = 0 }, q = { .count = 0 };

			stupid_subproof(&p, m, d, n, true);
			assert_true(treeproof_extends(&first, &second, &p));
			/* A36: the same with another root, from either side's
			 * proof */
			assert_false(treeproof_extends(&first, &forked, &p));
			stupid_subproof(&q, m, e, n, true);
			assert_false(treeproof_extends(&first, &forked, &q));
			if (m < n)
				assert_false(treeproof_extends(&second, &first, &p));
			if (n > 40)
				continue;
			for (size_t k = 0; k < p.count; k++) {
				q = p;
				q.hash[k].b[31] ^= 0x80;
				assert_false(treeproof_extends(&first, &second, &q));
			}
			/* the same claimed of a larger tree, where its proof would
			 * have another length */
			for (size_t k = n + 1; k < 64 && m < n; k++) {
				struct tree_head larger = { .size = k, .root = second.root };

				q.count = 0;
				stupid_subproof(&q, m, d, k, true);
				assert_true(q.count == p.count ||
					    !treeproof_extends(&first, &larger, &p));
			}
			q = p;
			q.hash[q.count++] = d[1];
			assert_false(treeproof_extends(&first, &second, &q));
			q = p;
			q.count -= q.count > 0;
			assert_true(!p.count || !treeproof_extends(&first, &second, &q));
		}
	}
	free(e);
	free(d);
}

static void empty_trees(void **state)
{
	struct merkle_hash *d = stupid_leaves(3);
	struct tree_head empty = tree_head_empty(), three = head_of(d, 3), wrong = empty;
	struct treeproof none = { .count = 0 }, one = { .count = 1 };

	(void)state;
	assert_true(treeproof_extends(&empty, &empty, &none));
	assert_true(treeproof_extends(&empty, &three, &none));
	assert_false(treeproof_extends(&empty, &three, &one));
	assert_false(treeproof_extends(&three, &empty, &none));
	wrong.root = d[0];
	assert_false(treeproof_extends(&wrong, &three, &none));
	assert_false(treeproof_extends(&empty, &wrong, &none));
	assert_false(treeproof_includes(&empty, 0, &d[0], &none));
	free(d);
}

/* Trees of any size whose leaves are all the same: each whole subtree is known
 * by its height, so that 2^63 leaves fit. */
static struct merkle_hash uniform[64];

static struct merkle_hash uniform_root(uint64_t n)
{
	unsigned top = 63 - (unsigned)__builtin_clzll(n);

	if (!(n & (n - 1)))
		return uniform[top];
	return stupid_node(uniform[top], uniform_root(n - ((uint64_t)1 << top)));
}

static uint64_t uniform_split(uint64_t n)
{
	return (uint64_t)1 << (63 - __builtin_clzll(n - 1));
}

static void uniform_path(struct treeproof *p, uint64_t m, uint64_t n)
{
	uint64_t k;

	if (n <= 1)
		return;
	k = uniform_split(n);
	uniform_path(p, m < k ? m : m - k, m < k ? k : n - k);
	p->hash[p->count++] = uniform_root(m < k ? n - k : k);
}

static void uniform_subproof(struct treeproof *p, uint64_t m, uint64_t n, bool b)
{
	uint64_t k;

	if (m == n) {
		if (!b)
			p->hash[p->count++] = uniform_root(n);
		return;
	}
	k = uniform_split(n);
	uniform_subproof(p, m <= k ? m : m - k, m <= k ? k : n - k, m <= k && b);
	p->hash[p->count++] = uniform_root(m <= k ? n - k : k);
}

static void sizes_of_64_bits(void **state)
{
	static const uint64_t sizes[] = {
		(1ULL << 32) - 1, 1ULL << 32, (1ULL << 32) + 1, 0x123456789aULL,
		(1ULL << 40) + 12345, (1ULL << 62) + 7, (1ULL << 63) - 1, 1ULL << 63,
		(1ULL << 63) + 1, UINT64_MAX
	};

	(void)state;
	uniform[0] = stupid_leaf("u", 1);
	for (size_t i = 1; i < 64; i++)
		uniform[i] = stupid_node(uniform[i - 1], uniform[i - 1]);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct tree_head head = { .size = sizes[i], .root = uniform_root(sizes[i]) };
		const uint64_t indexes[] = { 0, 1, sizes[i] / 2, sizes[i] / 3, sizes[i] - 1 };

		for (size_t k = 0; k < 5; k++) {
			struct treeproof p = { .count = 0 };

			uniform_path(&p, indexes[k], sizes[i]);
			assert_true(treeproof_includes(&head, indexes[k], &uniform[0], &p));
			p.hash[p.count - 1].b[0] ^= 1;
			assert_false(treeproof_includes(&head, indexes[k], &uniform[0], &p));
		}
		for (size_t k = 0; k < i; k++) {
			struct tree_head first = { .size = sizes[k],
						   .root = uniform_root(sizes[k]) };
			struct treeproof p = { .count = 0 };

			uniform_subproof(&p, sizes[k], sizes[i], true);
			assert_true(treeproof_extends(&first, &head, &p));
			p.hash[0].b[5] ^= 1;
			assert_false(treeproof_extends(&first, &head, &p));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_roots),
		cmocka_unit_test(every_inclusion),
		cmocka_unit_test(broken_inclusions_refused),
		cmocka_unit_test(every_consistency),
		cmocka_unit_test(empty_trees),
		cmocka_unit_test(sizes_of_64_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
