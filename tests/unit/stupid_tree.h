/*
 * The tree of RFC 6962 §2.1 as its text defines it, by recursion over slices:
 * what the clever readers of proofs and tiles are judged against.
 */
#ifndef POSTERN_TESTS_STUPID_TREE_H
#define POSTERN_TESTS_STUPID_TREE_H

#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "ct/treeproof.h"

static inline struct merkle_hash stupid_leaf(const void *data, size_t n)
{
	struct merkle_hash out;
	uint8_t *room = malloc(n + 1);

	room[0] = 0;
	memcpy(room + 1, n ? data : "", n);
	SHA256(room, n + 1, out.b);
	free(room);
	return out;
}

static inline struct merkle_hash stupid_node(struct merkle_hash l, struct merkle_hash r)
{
	struct merkle_hash out;
	uint8_t room[65] = { 1 };

	memcpy(room + 1, l.b, 32);
	memcpy(room + 33, r.b, 32);
	SHA256(room, sizeof(room), out.b);
	return out;
}

/* The largest power of two below n. */
static inline size_t stupid_split(size_t n)
{
	size_t k = 1;

	while (k * 2 < n)
		k *= 2;
	return k;
}

static inline struct merkle_hash stupid_root(const struct merkle_hash *d, size_t n)
{
	struct merkle_hash empty;
	size_t k;

	if (n == 0) {
		SHA256(NULL, 0, empty.b);
		return empty;
	}
	if (n == 1)
		return d[0];
	k = stupid_split(n);
	return stupid_node(stupid_root(d, k), stupid_root(d + k, n - k));
}

/* PATH(m, D[n]) */
static inline void stupid_path(struct treeproof *p, size_t m, const struct merkle_hash *d, size_t n)
{
	size_t k;

	if (n <= 1)
		return;
	k = stupid_split(n);
	if (m < k) {
		stupid_path(p, m, d, k);
		p->hash[p->count++] = stupid_root(d + k, n - k);
	} else {
		stupid_path(p, m - k, d + k, n - k);
		p->hash[p->count++] = stupid_root(d, k);
	}
}

/* SUBPROOF(m, D[n], b) */
static inline void stupid_subproof(struct treeproof *p, size_t m, const struct merkle_hash *d,
				   size_t n, bool b)
{
	size_t k;

	if (m == n) {
		if (!b)
			p->hash[p->count++] = stupid_root(d, n);
		return;
	}
	k = stupid_split(n);
	if (m <= k) {
		stupid_subproof(p, m, d, k, b);
		p->hash[p->count++] = stupid_root(d + k, n - k);
	} else {
		stupid_subproof(p, m - k, d + k, n - k, false);
		p->hash[p->count++] = stupid_root(d, k);
	}
}

/* Leaves 0, 1, 2, ... of four bytes. */
static inline struct merkle_hash *stupid_leaves(size_t n)
{
	struct merkle_hash *d = malloc((n + 1) * sizeof(*d));

	for (uint32_t i = 0; i < n; i++)
		d[i] = stupid_leaf(&i, sizeof(i));
	return d;
}

#endif
