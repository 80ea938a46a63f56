/*
 * The tree against the roots and paths that Certificate Transparency's own
 * tests publish, and against a stupid one that follows RFC 6962 §2.1 word by
 * word.
 */
#include "unit.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/merkle.h"
#include "base/text.h"

enum {
	SIZES = 64,
};

static void sha256(struct merkle_hash *out, const struct span *parts, size_t count)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();

	assert_int_equal(EVP_DigestInit_ex(c, EVP_sha256(), NULL), 1);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(EVP_DigestUpdate(c, parts[i].p, parts[i].n), 1);
	assert_int_equal(EVP_DigestFinal_ex(c, out->b, NULL), 1);
	EVP_MD_CTX_free(c);
}

static void expect_hex(const struct merkle_hash *h, const char *hex)
{
	uint8_t want[32];

	assert_true(text_hex_decode(want, 32, span_str(hex)));
	assert_memory_equal(h->b, want, 32);
}

/* The leaves of the reference implementation's test. */
static const char *const leaf_hex[8] = {
	"",
	"00",
	"10",
	"2021",
	"3031",
	"40414243",
	"5051525354555657",
	"606162636465666768696a6b6c6d6e6f",
};

static const char *const roots[8] = {
	"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

static void known_leaves(struct merkle_hash leaves[8])
{
	for (size_t i = 0; i < 8; i++) {
		uint8_t bytes[16];
		size_t n;

		assert_true(text_hex_decode_any(bytes, 16, &n, span_str(leaf_hex[i])));
		merkle_leaf(&leaves[i], sha256, span_of(bytes, n));
	}
}

static void known_roots(void **state)
{
	struct merkle_hash leaves[8], root;

	(void)state;
	known_leaves(leaves);
	for (size_t n = 1; n <= 8; n++) {
		merkle_root(&root, sha256, leaves, n);
		expect_hex(&root, roots[n - 1]);
	}
}

static void known_paths(void **state)
{
	/* clang-format off */
	static const struct {
		size_t index, count, length;
		const char *path[3];
	} cases[] = {
		{ 0, 1, 0, { NULL } },
		{ 0, 8, 3,
			{ "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
			  "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
			  "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4" } },
		{ 5, 8, 3,
			{ "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
			  "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
			  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7" } },
		{ 2, 3, 1,
			{ "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125" } },
		{ 1, 5, 3,
			{ "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
			  "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
			  "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b" } },
	};
	/* clang-format on */
	struct merkle_hash leaves[8], path[MERKLE_PATH_MAX];

	(void)state;
	known_leaves(leaves);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(merkle_path(path, sha256, leaves, cases[i].count, cases[i].index),
				 cases[i].length);
		for (size_t k = 0; k < cases[i].length; k++)
			expect_hex(&path[k], cases[i].path[k]);
	}
}

/* MTH(D[n]) = SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n])), k the largest power
 * of two smaller than n. */
static struct merkle_hash stupid_root(const struct merkle_hash *leaves, size_t n)
{
	struct merkle_hash left, right, out;
	size_t k = 1;

	if (n == 1)
		return leaves[0];
	while (2 * k < n)
		k *= 2;
	left = stupid_root(leaves, k);
	right = stupid_root(leaves + k, n - k);
	sha256(&out, (struct span[]){ span_str("\1"), SPAN_ARRAY(left.b), SPAN_ARRAY(right.b) }, 3);
	return out;
}

static bool climbs_to(const struct merkle_hash *want, const struct merkle_hash *leaf,
		      uint64_t index, uint64_t count, const struct merkle_hash *path, size_t n)
{
	struct merkle_hash root, before;
	bool is_climbed;

	memset(&root, 0x5a, sizeof(root));
	before = root;
	is_climbed = merkle_climb(&root, sha256, leaf, index, count, path, n);
	if (!is_climbed)
		assert_memory_equal(&root, &before, sizeof(root));
	return is_climbed && memcmp(root.b, want->b, 32) == 0; /* public: a test's */
}

/* What else somebody could claim of a leaf and its path. */
static void expect_lies_refused(const struct merkle_hash *root, const struct merkle_hash *leaves,
				size_t count, size_t index, struct merkle_hash *path, size_t n)
{
	for (size_t other = 0; other < count; other++)
		if (other != index)
			assert_false(climbs_to(root, &leaves[index], other, count, path, n));
	assert_false(climbs_to(root, &leaves[index], count, count, path, n));
	assert_false(climbs_to(root, &leaves[index], index, count, path, n + 1));
	if (n)
		assert_false(climbs_to(root, &leaves[index], index, count, path, n - 1));
	for (size_t k = 0; k < n; k++) {
		path[k].b[k % 32] ^= 1;
		assert_false(climbs_to(root, &leaves[index], index, count, path, n));
		path[k].b[k % 32] ^= 1;
	}
	assert_false(climbs_to(root, &leaves[(index + 1) % count], index, count, path, n) &&
		     count > 1);
}

static void all_sizes_and_leaves(void **state)
{
	struct merkle_hash leaves[SIZES];

	(void)state;
	for (uint8_t i = 0; i < SIZES; i++)
		merkle_leaf(&leaves[i], sha256, span_of(&i, 1));
	for (size_t count = 1; count <= SIZES; count++) {
		struct merkle_hash want = stupid_root(leaves, count), root;

		merkle_root(&root, sha256, leaves, count);
		assert_memory_equal(&root, &want, 32);
		for (size_t index = 0; index < count; index++) {
			struct merkle_hash path[MERKLE_PATH_MAX + 1] = { 0 };
			size_t n = merkle_path(path, sha256, leaves, count, index);

			assert_true(climbs_to(&want, &leaves[index], index, count, path, n));
			expect_lies_refused(&want, leaves, count, index, path, n);
		}
	}
}

static void empty_tree_has_no_leaf(void **state)
{
	struct merkle_hash leaf = { 0 };

	(void)state;
	assert_false(climbs_to(&leaf, &leaf, 0, 0, NULL, 0));
	assert_false(climbs_to(&leaf, &leaf, UINT64_MAX, 0, NULL, 0));
	assert_true(climbs_to(&leaf, &leaf, 0, 1, NULL, 0));
}

static void leaf_is_no_node(void **state)
{
	struct merkle_hash a = { { 1 } }, b = { { 2 } }, node, leaf;
	const struct merkle_hash both[] = { a, b };
	uint8_t joined[65] = { 1 };

	(void)state;
	merkle_root(&node, sha256, both, 2);
	memcpy(joined + 1, both, 64);
	merkle_leaf(&leaf, sha256, span_of(joined + 1, 64));
	assert_memory_not_equal(&leaf, &node, 32);
	merkle_leaf(&leaf, sha256, span_of(joined, 65));
	assert_memory_not_equal(&leaf, &node, 32);
}

static void huge_trees_climb(void **state)
{
	struct merkle_hash path[64] = { 0 }, leaf = { 0 }, root;

	(void)state;
	assert_true(merkle_climb(&root, sha256, &leaf, UINT32_MAX, 1ull << 32, path, 32));
	assert_false(merkle_climb(&root, sha256, &leaf, UINT32_MAX, 1ull << 32, path, 31));
	/* The last leaf of 2^32 + 1 stands alone below the root. */
	assert_true(merkle_climb(&root, sha256, &leaf, 1ull << 32, (1ull << 32) + 1, path, 1));
	assert_true(merkle_climb(&root, sha256, &leaf, UINT64_MAX - 1, UINT64_MAX, path, 63) ||
		    merkle_climb(&root, sha256, &leaf, UINT64_MAX - 1, UINT64_MAX, path, 64));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_roots),
		cmocka_unit_test(known_paths),
		cmocka_unit_test(all_sizes_and_leaves),
		cmocka_unit_test(empty_tree_has_no_leaf),
		cmocka_unit_test(leaf_is_no_node),
		cmocka_unit_test(huge_trees_climb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
