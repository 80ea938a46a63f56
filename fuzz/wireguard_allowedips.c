/*
 * Allowed IPs: the input is a program of inserts, removals and lookups, run on
 * the trie and on a list of prefixes; both must answer alike.
 */
#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "wireguard/allowedips.h"

enum {
	OWNERS = 4,
	LIST_MAX = 64,
};

struct list {
	struct allowedips_prefix p[LIST_MAX];
	int owner[LIST_MAX];
	size_t n;
};

static bool holds(const struct allowedips_prefix *p, const uint8_t *ip, bool is_v6)
{
	if (p->is_v6 != is_v6)
		return false;
	for (unsigned bit = 0; bit < p->len; bit++)
		if ((p->ip[bit / 8] ^ ip[bit / 8]) & (0x80 >> bit % 8))
			return false;
	return true;
}

static size_t list_at(const struct list *l, const struct allowedips_prefix *p)
{
	size_t i = 0;

	while (i < l->n && !(l->p[i].len == p->len && holds(&l->p[i], p->ip, p->is_v6)))
		i++;
	return i;
}

static void list_remove_at(struct list *l, size_t i)
{
	l->n--;
	l->p[i] = l->p[l->n];
	l->owner[i] = l->owner[l->n];
}

static int list_find(const struct list *l, const uint8_t *ip, bool is_v6)
{
	int best = -1, best_len = -1;

	for (size_t i = 0; i < l->n; i++)
		if (holds(&l->p[i], ip, is_v6) && l->p[i].len > best_len) {
			best = l->owner[i];
			best_len = l->p[i].len;
		}
	return best;
}

/* operation and owner, family and length, address; bits behind are cleared. */
static bool read_step(struct span *in, uint8_t *what, struct allowedips_prefix *p)
{
	uint8_t len;

	*p = (struct allowedips_prefix){ 0 };
	if (!rd_u8(in, what) || !rd_u8(in, &len))
		return false;
	p->is_v6 = *what & 0x80;
	p->len = (uint8_t)(len % (p->is_v6 ? 129 : 33));
	if (!rd_copy(in, p->ip, p->is_v6 ? 16 : 4))
		return false;
	for (unsigned bit = p->len; bit < 128; bit++)
		p->ip[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return true;
}

static void check_text(const struct allowedips_prefix *p)
{
	struct allowedips_prefix again;
	uint8_t text[64];
	struct wr w = WR_ARRAY(text);

	allowedips_prefix_write(&w, p);
	assert(allowedips_prefix_parse(&again, wr_span(&w)));
	assert(again.len == p->len && again.is_v6 == p->is_v6 &&
	       span_equal(SPAN_ARRAY(again.ip), SPAN_ARRAY(p->ip)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct allowedips t = { .count_max = LIST_MAX };
	struct allowedips_owner o[OWNERS] = { 0 };
	struct span in = span_of(data, size);
	struct list l = { .n = 0 };
	struct allowedips_prefix p;
	uint8_t what;

	for (int i = 0; i < OWNERS; i++)
		o[i].of = &o[i];
	while (read_step(&in, &what, &p)) {
		int owner = what % OWNERS, want;
		size_t at = list_at(&l, &p);

		check_text(&p);
		switch (what >> 2 & 3) {
		case 0:
			allowedips_remove(&t, &p, &o[owner]);
			if (at < l.n && l.owner[at] == owner)
				list_remove_at(&l, at);
			break;
		case 1:
			if (what & 0x40) {
				allowedips_remove_all(&t, &o[owner]);
				for (size_t i = l.n; i-- > 0;)
					if (l.owner[i] == owner)
						list_remove_at(&l, i);
			}
			break;
		default:
			if (allowedips_insert(&t, &p, &o[owner])) {
				assert(at == LIST_MAX);
				break;
			}
			l.p[at] = p;
			l.owner[at] = owner;
			l.n += at == l.n;
		}
		assert(t.count == l.n);
		want = list_find(&l, p.ip, p.is_v6);
		assert(allowedips_find(&t, p.ip, p.is_v6) == (want < 0 ? NULL : &o[want]));
	}
	allowedips_fini(&t);
	return 0;
}
