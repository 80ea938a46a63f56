#include "wireguard/allowedips.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "wireguard/endpoint.h"

/* An address as a number whose first bit is the highest; IPv4 fills the top. */
struct bits {
	uint64_t high, low;
};

struct allowedips_node {
	struct allowedips_node *child[2], *parent;
	struct allowedips_owner *owner; /* NULL: only a fork */
	struct allowedips_node *next, *prev; /* of the owner's */
	struct bits key;
	uint8_t len;
	bool is_v6;
};

static uint64_t load_be(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

static struct bits bits_of(const uint8_t *ip, bool is_v6)
{
	if (!is_v6)
		return (struct bits){ .high = load_be(ip, 4) << 32 };
	return (struct bits){ load_be(ip, 8), load_be(ip + 8, 8) };
}

static unsigned bit_at(const struct bits *b, unsigned at)
{
	uint64_t word = at < 64 ? b->high : b->low;

	return word >> (63 - at % 64) & 1;
}

/* How many leading bits are equal: 0..128. */
static unsigned common(const struct bits *a, const struct bits *b)
{
	if (a->high != b->high)
		return (unsigned)__builtin_clzll(a->high ^ b->high);
	if (a->low != b->low)
		return 64 + (unsigned)__builtin_clzll(a->low ^ b->low);
	return 128;
}

static uint64_t top_bits(uint64_t v, unsigned n)
{
	return n == 0 ? 0 : v & ~0ull << (64 - n);
}

static struct bits cut(struct bits b, unsigned len)
{
	if (len < 64)
		return (struct bits){ top_bits(b.high, len), 0 };
	return (struct bits){ b.high, top_bits(b.low, len - 64) };
}

static struct allowedips_node **root_of(struct allowedips *t, bool is_v6)
{
	return is_v6 ? &t->v6 : &t->v4;
}

static struct allowedips_node *node_new(struct bits key, unsigned len,
					bool is_v6)
{
	struct allowedips_node *n = mem_new(sizeof(*n));

	n->key = cut(key, len);
	n->len = (uint8_t)len;
	n->is_v6 = is_v6;
	return n;
}

static void adopt(struct allowedips_node *parent, unsigned side,
		  struct allowedips_node *child)
{
	parent->child[side] = child;
	if (child)
		child->parent = parent;
}

static void disown(struct allowedips_owner *owner, struct allowedips_node *n)
{
	if (n->prev)
		n->prev->next = n->next;
	else
		owner->first = n->next;
	if (n->next)
		n->next->prev = n->prev;
	owner->count--;
	n->owner = NULL;
	n->next = n->prev = NULL;
}

static void own(struct allowedips_owner *owner, struct allowedips_node *n)
{
	n->owner = owner;
	n->next = owner->first;
	n->prev = NULL;
	if (n->next)
		n->next->prev = n;
	owner->first = n;
	owner->count++;
}

/* Where a search for the prefix ends: a link to that node, or to the one that
 * is in its place; *parent is the node above. */
static struct allowedips_node **descend(struct allowedips *t,
					const struct bits *key, unsigned len,
					bool is_v6,
					struct allowedips_node **parent)
{
	struct allowedips_node **link = root_of(t, is_v6);

	*parent = NULL;
	while (*link && (*link)->len < len &&
	       common(&(*link)->key, key) >= (*link)->len) {
		*parent = *link;
		link = &(*link)->child[bit_at(key, (*link)->len)];
	}
	return link;
}

static bool is_here(const struct allowedips_node *n, const struct bits *key,
		    unsigned len)
{
	return n && n->len == len && common(&n->key, key) >= len;
}

/* Puts a new node at 'link', above or beside what stands there. */
static struct allowedips_node *graft(struct allowedips_node **link,
				     struct allowedips_node *parent,
				     struct bits key, unsigned len, bool is_v6)
{
	struct allowedips_node *old = *link, *fork;
	struct allowedips_node *n = node_new(key, len, is_v6);
	unsigned shared = old ? common(&old->key, &key) : len;

	n->parent = parent;
	*link = n;
	if (!old)
		return n;
	if (shared >= len) {
		adopt(n, bit_at(&old->key, len), old);
		return n;
	}
	fork = node_new(key, shared, is_v6);
	fork->parent = parent;
	adopt(fork, bit_at(&key, shared), n);
	adopt(fork, bit_at(&old->key, shared), old);
	*link = fork;
	return n;
}

static void store_be(uint8_t *p, uint64_t v)
{
	for (size_t i = 8; i-- > 0; v >>= 8)
		p[i] = (uint8_t)v;
}

static struct allowedips_prefix prefix_of(const struct allowedips_node *n)
{
	struct allowedips_prefix p = { .is_v6 = n->is_v6, .len = n->len };

	store_be(p.ip, n->key.high);
	store_be(p.ip + 8, n->key.low);
	return p;
}

void allowedips_watch(struct allowedips *t, allowedips_fn *fn, void *arg)
{
	t->changed = fn;
	t->arg = arg;
}

static void tell(const struct allowedips *t, const struct allowedips_node *n)
{
	struct allowedips_prefix p;

	if (!t->changed)
		return;
	p = prefix_of(n);
	t->changed(t->arg, &p, n->owner ? n->owner->of : NULL);
}

enum rc allowedips_insert(struct allowedips *t,
			  const struct allowedips_prefix *p,
			  struct allowedips_owner *owner)
{
	struct bits key = cut(bits_of(p->ip, p->is_v6), p->len);
	struct allowedips_node *parent, **link, *n;

	link = descend(t, &key, p->len, p->is_v6, &parent);
	n = *link;
	if (is_here(n, &key, p->len) && n->owner) {
		disown(n->owner, n);
		own(owner, n);
		tell(t, n);
		return RC_OK;
	}
	if (t->count >= t->count_max)
		return RC_LIMIT;
	if (!is_here(n, &key, p->len))
		n = graft(link, parent, key, p->len, p->is_v6);
	own(owner, n);
	tell(t, n);
	t->count++;
	return RC_OK;
}

/* Frees nodes that neither hold a prefix nor fork, from n upwards. */
static void prune(struct allowedips *t, struct allowedips_node *n)
{
	while (n && !n->owner && !(n->child[0] && n->child[1])) {
		struct allowedips_node *child = n->child[!n->child[0]];
		struct allowedips_node *parent = n->parent;

		if (parent)
			adopt(parent, parent->child[1] == n, child);
		else
			*root_of(t, n->is_v6) = child;
		if (child)
			child->parent = parent;
		free(n);
		n = parent;
	}
}

static void drop(struct allowedips *t, struct allowedips_owner *owner,
		 struct allowedips_node *n)
{
	disown(owner, n);
	tell(t, n);
	t->count--;
	prune(t, n);
}

void allowedips_remove(struct allowedips *t, const struct allowedips_prefix *p,
		       struct allowedips_owner *owner)
{
	struct bits key = cut(bits_of(p->ip, p->is_v6), p->len);
	struct allowedips_node *parent;
	struct allowedips_node *n =
		*descend(t, &key, p->len, p->is_v6, &parent);

	if (is_here(n, &key, p->len) && n->owner == owner)
		drop(t, owner, n);
}

void allowedips_remove_all(struct allowedips *t,
			   struct allowedips_owner *owner)
{
	struct allowedips_node *n, *next;

	/* Pruning frees nodes nobody owns only: 'next' stays. */
	for (n = owner->first; n; n = next) {
		next = n->next;
		drop(t, owner, n);
	}
}

static void free_tree(struct allowedips_node *n)
{
	/* Iterative: goes down to a leaf, frees it, goes on from its parent. */
	while (n) {
		struct allowedips_node *next = n->child[!n->child[0]];

		if (!next) {
			next = n->parent;
			if (next)
				next->child[next->child[0] != n] = NULL;
			free(n);
		}
		n = next;
	}
}

void allowedips_fini(struct allowedips *t)
{
	free_tree(t->v4);
	free_tree(t->v6);
	*t = (struct allowedips){ .count_max = t->count_max,
				  .changed = t->changed,
				  .arg = t->arg };
}

void *allowedips_find(const struct allowedips *t, const uint8_t *ip,
		      bool is_v6)
{
	const struct allowedips_node *n = is_v6 ? t->v6 : t->v4;
	struct bits key = bits_of(ip, is_v6);
	unsigned len_max = is_v6 ? 128 : 32;
	void *best = NULL;

	while (n && common(&n->key, &key) >= n->len) {
		if (n->owner)
			best = n->owner->of;
		if (n->len == len_max)
			break;
		n = n->child[bit_at(&key, n->len)];
	}
	return best;
}

void allowedips_each(const struct allowedips_owner *owner,
		     void (*fn)(void *arg, const struct allowedips_prefix *p),
		     void *arg)
{
	for (const struct allowedips_node *n = owner->first; n; n = n->next) {
		struct allowedips_prefix p = prefix_of(n);

		fn(arg, &p);
	}
}

bool allowedips_prefix_parse(struct allowedips_prefix *out, struct span text)
{
	struct allowedips_prefix p = { 0 };
	struct bits key;
	struct span ip;
	uint64_t len;

	if (!rd_until(&text, &ip, '/') ||
	    !endpoint_ip_parse(p.ip, &p.is_v6, ip) ||
	    !text_u64(&len, text, p.is_v6 ? 128 : 32))
		return false;
	key = cut(bits_of(p.ip, p.is_v6), (unsigned)len);
	p.len = (uint8_t)len;
	store_be(p.ip, key.high);
	store_be(p.ip + 8, key.low);
	*out = p;
	return true;
}

void allowedips_prefix_write(struct wr *w, const struct allowedips_prefix *p)
{
	endpoint_ip_write(w, p->ip, p->is_v6);
	wr_printf(w, "/%u", p->len);
}
