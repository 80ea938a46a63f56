/* Allowed IPs: the trie, and a stupid list it must equal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "wireguard/allowedips.h"
#include "wireguard/endpoint.h"

static struct allowedips_prefix prefix(const char *text)
{
	struct allowedips_prefix p;

	assert_true(allowedips_prefix_parse(&p, span_str(text)));
	return p;
}

static void *find(const struct allowedips *t, const char *ip)
{
	uint8_t b[16];
	bool is_v6;

	assert_true(endpoint_ip_parse(b, &is_v6, span_str(ip)));
	return allowedips_find(t, b, is_v6);
}

static void add(struct allowedips *t, const char *text, struct allowedips_owner *o)
{
	struct allowedips_prefix p = prefix(text);

	assert_int_equal(allowedips_insert(t, &p, o), RC_OK);
}

static void longest_prefix_wins(void **state)
{
	static const struct {
		const char *prefix;
		int owner;
	} inserted[] = {
		{ "10.0.0.0/8", 0 },
		{ "10.1.0.0/16", 1 },
		{ "10.1.2.0/24", 2 },
		{ "10.1.2.3/32", 3 },
		{ "0.0.0.0/0", 4 },
		{ "fd00::/8", 0 },
		{ "fd00::1/128", 1 },
		{ "::/0", 2 },
		{ "fd00:0:0:1::/64", 3 },
	};
	static const struct {
		const char *ip;
		int owner;
	} asked[] = {
		{ "10.9.9.9", 0 },
		{ "10.1.9.9", 1 },
		{ "10.1.2.9", 2 },
		{ "10.1.2.3", 3 },
		{ "11.0.0.1", 4 },
		{ "255.255.255.255", 4 },
		{ "fd77::1", 0 },
		{ "fd00::1", 1 },
		{ "2001:db8::", 2 },
		{ "fd00::1:0:0:0:9", 3 },
		{ "fd00:0:0:2::", 0 },
	};
	struct allowedips t = { .count_max = 100 };
	struct allowedips_owner o[5] = { 0 };

	(void)state;
	for (int i = 0; i < 5; i++)
		o[i].of = &o[i];
	for (size_t i = 0; i < sizeof(inserted) / sizeof(*inserted); i++)
		add(&t, inserted[i].prefix, &o[inserted[i].owner]);
	for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
		print_message("%s\n", asked[i].ip);
		assert_ptr_equal(find(&t, asked[i].ip), &o[asked[i].owner]);
	}
	allowedips_fini(&t);
}

static void g13_insert_moves_from_the_owner_before(void **state)
{
	struct allowedips t = { .count_max = 100 };
	struct allowedips_owner a = { .of = &a }, b = { .of = &b };

	(void)state;
	add(&t, "10.0.0.1/32", &a);
	add(&t, "10.0.0.2/32", &a);
	add(&t, "10.0.0.1/32", &b);
	assert_ptr_equal(find(&t, "10.0.0.1"), &b);
	assert_ptr_equal(find(&t, "10.0.0.2"), &a);
	assert_int_equal(a.count, 1);
	assert_int_equal(b.count, 1);
	assert_int_equal(t.count, 2);
	/* What is no longer its own, it cannot take away. */
	allowedips_remove_all(&t, &a);
	assert_ptr_equal(find(&t, "10.0.0.1"), &b);
	assert_null(find(&t, "10.0.0.2"));
	allowedips_fini(&t);
}

static void remove_takes_only_ones_own(void **state)
{
	struct allowedips t = { .count_max = 100 };
	struct allowedips_owner a = { .of = &a }, b = { .of = &b };
	struct allowedips_prefix p = prefix("10.0.0.0/24"), other = prefix("10.0.0.0/25");

	(void)state;
	add(&t, "10.0.0.0/24", &a);
	allowedips_remove(&t, &p, &b);
	allowedips_remove(&t, &other, &a);
	assert_ptr_equal(find(&t, "10.0.0.7"), &a);
	allowedips_remove(&t, &p, &a);
	assert_null(find(&t, "10.0.0.7"));
	assert_null(t.v4);
	assert_int_equal(t.count, 0);
}

static void bound_reached_refused_but_moves_allowed(void **state)
{
	struct allowedips t = { .count_max = 2 };
	struct allowedips_owner a = { .of = &a }, b = { .of = &b };
	struct allowedips_prefix third = prefix("10.0.0.3/32");

	(void)state;
	add(&t, "10.0.0.1/32", &a);
	add(&t, "10.0.0.2/32", &a);
	assert_int_equal(allowedips_insert(&t, &third, &a), RC_LIMIT);
	assert_null(find(&t, "10.0.0.3"));
	add(&t, "10.0.0.2/32", &b);
	assert_ptr_equal(find(&t, "10.0.0.2"), &b);
	allowedips_fini(&t);
}

struct change {
	struct allowedips_prefix p;
	void *of;
	size_t count;
};

static void note(void *arg, const struct allowedips_prefix *p, void *of)
{
	struct change *c = arg;

	c->p = *p;
	c->of = of;
	c->count++;
}

static void changes_are_told(void **state)
{
	struct allowedips t = { .count_max = 2 };
	struct allowedips_owner a = { .of = &a }, b = { .of = &b };
	struct allowedips_prefix first = prefix("10.0.0.1/32"), second = prefix("fd00::/8");
	struct allowedips_prefix third = prefix("10.0.0.3/32");
	struct change c = { .count = 0 };

	(void)state;
	allowedips_watch(&t, note, &c);
	add(&t, "10.0.0.1/32", &a);
	assert_memory_equal(&c.p, &first, sizeof(first));
	assert_ptr_equal(c.of, &a);
	add(&t, "fd00::/8", &a);
	assert_memory_equal(&c.p, &second, sizeof(second));
	add(&t, "10.0.0.1/32", &b); /* moves */
	assert_memory_equal(&c.p, &first, sizeof(first));
	assert_ptr_equal(c.of, &b);
	assert_int_equal(c.count, 3);
	/* Nothing happens. */
	assert_int_equal(allowedips_insert(&t, &third, &a), RC_LIMIT);
	allowedips_remove(&t, &first, &a);
	assert_int_equal(c.count, 3);
	allowedips_remove(&t, &first, &b);
	assert_memory_equal(&c.p, &first, sizeof(first));
	assert_null(c.of);
	allowedips_remove_all(&t, &a);
	assert_memory_equal(&c.p, &second, sizeof(second));
	assert_null(c.of);
	assert_int_equal(c.count, 5);
	allowedips_watch(&t, NULL, NULL);
	add(&t, "10.0.0.1/32", &a);
	assert_int_equal(c.count, 5);
	allowedips_fini(&t);
}

static const struct {
	const char *text, *want; /* NULL: refused */
} texts[] = {
	{ "10.0.0.3/8", "10.0.0.0/8" },
	{ "255.255.255.255/32", "255.255.255.255/32" },
	{ "1.2.3.4/0", "0.0.0.0/0" },
	{ "fd00::ffff/64", "fd00::/64" },
	{ "fd00::ffff/127", "fd00::fffe/127" },
	{ "::/0", "::/0" },
	{ "10.0.0.0", NULL },
	{ "10.0.0.0/", NULL },
	{ "10.0.0.0/33", NULL },
	{ "10.0.0.0/08", NULL },
	{ "10.0.0.0/-1", NULL },
	{ "10.0.0/8", NULL },
	{ "10.0.0.0/8 ", NULL },
	{ " 10.0.0.0/8", NULL },
	{ "fd00::/129", NULL },
	{ "fd00::%1/64", NULL },
	{ "/8", NULL },
	{ "", NULL },
};

static void prefixes_as_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct allowedips_prefix p;
		uint8_t out[64];
		struct wr w = WR_ARRAY(out);
		bool ok = allowedips_prefix_parse(&p, span_str(texts[i].text));

		print_message("'%s'\n", texts[i].text);
		assert_int_equal(ok, texts[i].want != NULL);
		if (!ok)
			continue;
		allowedips_prefix_write(&w, &p);
		assert_true(span_equal_str(wr_span(&w), texts[i].want));
	}
}

enum {
	OWNERS = 8,
	LIST_MAX = 300,
	STEPS = 30'000,
};

/* The stupid one: a list of prefixes. */
struct list {
	struct allowedips_prefix p[LIST_MAX];
	int owner[LIST_MAX];
	size_t n;
};

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* Few distinct addresses, so that prefixes nest and meet. */
static struct allowedips_prefix random_prefix(uint32_t *seed)
{
	struct allowedips_prefix p = { .is_v6 = next_random(seed) & 1 };
	size_t n = p.is_v6 ? 16 : 4;
	unsigned max = p.is_v6 ? 128 : 32;

	for (size_t i = 0; i < n; i++)
		p.ip[i] = next_random(seed) % 3 ? 0 : (uint8_t)(next_random(seed) & 0x81);
	p.len = (uint8_t)(next_random(seed) % (max + 1));
	for (unsigned bit = p.len; bit < max; bit++)
		p.ip[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return p;
}

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

static void list_remove_at(struct list *l, size_t i)
{
	l->n--;
	l->p[i] = l->p[l->n];
	l->owner[i] = l->owner[l->n];
}

static void g13_equals_a_list_on_random_changes(void **state)
{
	struct allowedips t = { .count_max = LIST_MAX };
	struct allowedips_owner o[OWNERS] = { 0 };
	struct list l = { .n = 0 };
	uint32_t seed = 4711;

	(void)state;
	print_message("seed %u\n", seed);
	for (int i = 0; i < OWNERS; i++)
		o[i].of = &o[i];
	for (int step = 0; step < STEPS; step++) {
		struct allowedips_prefix p = random_prefix(&seed), q;
		int owner = (int)(next_random(&seed) % OWNERS), want;
		size_t at = list_at(&l, &p);

		switch (next_random(&seed) % 16) {
		case 0:
			allowedips_remove_all(&t, &o[owner]);
			for (size_t i = l.n; i-- > 0;)
				if (l.owner[i] == owner)
					list_remove_at(&l, i);
			break;
		case 1:
		case 2:
		case 3:
			allowedips_remove(&t, &p, &o[owner]);
			if (at < l.n && l.owner[at] == owner)
				list_remove_at(&l, at);
			break;
		default:
			if (at == l.n && l.n == LIST_MAX) {
				assert_int_equal(allowedips_insert(&t, &p, &o[owner]), RC_LIMIT);
				break;
			}
			assert_int_equal(allowedips_insert(&t, &p, &o[owner]), RC_OK);
			l.p[at] = p;
			l.owner[at] = owner;
			l.n += at == l.n;
		}
		assert_int_equal(t.count, l.n);
		q = random_prefix(&seed);
		want = list_find(&l, q.ip, q.is_v6);
		assert_ptr_equal(allowedips_find(&t, q.ip, q.is_v6), want < 0 ? NULL : &o[want]);
	}
	allowedips_fini(&t);
}

struct counter {
	size_t n;
	const struct list *list;
};

static void count(void *arg, const struct allowedips_prefix *p)
{
	struct counter *c = arg;

	assert_true(list_at(c->list, p) < c->list->n);
	c->n++;
}

static void each_visits_every_prefix_of_the_owner(void **state)
{
	struct allowedips t = { .count_max = LIST_MAX };
	struct allowedips_owner o = { .of = &o };
	struct list l = { .n = 0 };
	struct counter c = { .list = &l };
	uint32_t seed = 5;

	(void)state;
	while (l.n < 100) {
		struct allowedips_prefix p = random_prefix(&seed);

		if (list_at(&l, &p) < l.n)
			continue;
		l.p[l.n++] = p;
		assert_int_equal(allowedips_insert(&t, &p, &o), RC_OK);
	}
	allowedips_each(&o, count, &c);
	assert_int_equal(c.n, 100);
	allowedips_remove_all(&t, &o);
	assert_null(t.v4);
	assert_null(t.v6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(longest_prefix_wins),
		cmocka_unit_test(g13_insert_moves_from_the_owner_before),
		cmocka_unit_test(remove_takes_only_ones_own),
		cmocka_unit_test(bound_reached_refused_but_moves_allowed),
		cmocka_unit_test(changes_are_told),
		cmocka_unit_test(prefixes_as_text),
		cmocka_unit_test(g13_equals_a_list_on_random_changes),
		cmocka_unit_test(each_visits_every_prefix_of_the_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
