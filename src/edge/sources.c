#include "edge/sources.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

void sources_init(struct sources *s, size_t max, uint64_t key)
{
	size_t n = 16;

	while (n < max * 2)
		n *= 2;
	*s = (struct sources){
		.slots = mem_new_array(n, sizeof(*s->slots)),
		.mask = n - 1,
		.key = key | 1,
	};
}

void sources_fini(struct sources *s)
{
	free(s->slots);
	*s = (struct sources){ 0 };
}

uint64_t sources_of(const struct sock_addr *a)
{
	struct span s;
	uint64_t v = 0;

	switch (a->sa.sa_family) {
	case AF_INET:
		/* No /64 of IPv6 begins like this (RFC 4291 §2.5.5). */
		return 1ull << 32 | a->in.sin_addr.s_addr;
	case AF_INET6:
		s = SPAN_ARRAY(a->in6.sin6_addr.s6_addr);
		(void)rd_be64(&s, &v); /* 16 bytes */
		return v ? v : 1;
	default:
		return 2;
	}
}

/* Mixes with the key; the high bits of a product depend on all lower ones. */
static size_t home_of(const struct sources *s, uint64_t source)
{
	uint64_t x = (source ^ s->key) * 0x9e37'79b9'7f4a'7c15;

	x = (x ^ (x >> 32)) * s->key;
	return (size_t)(x >> 32) & s->mask;
}

/* The slot of a source, or the free one where it belongs. */
static struct source_slot *find(struct sources *s, uint64_t source)
{
	size_t i = home_of(s, source);

	while (s->slots[i].source && s->slots[i].source != source)
		i = (i + 1) & s->mask;
	return &s->slots[i];
}

bool sources_add(struct sources *s, const struct sock_addr *from,
		 uint64_t limit)
{
	uint64_t source = sources_of(from);
	struct source_slot *slot = find(s, source);

	if (slot->count >= limit)
		return false;
	slot->source = source;
	slot->count++;
	return true;
}

/* Frees slot i and moves up those behind it that it kept from their home. */
static void free_slot(struct sources *s, size_t i)
{
	size_t j = i, home;

	for (;;) {
		s->slots[i] = (struct source_slot){ 0 };
		do {
			j = (j + 1) & s->mask;
			if (!s->slots[j].source)
				return;
			home = home_of(s, s->slots[j].source);
			/* Those whose home lies between stay. */
		} while (((j - home) & s->mask) < ((j - i) & s->mask));
		s->slots[i] = s->slots[j];
		i = j;
	}
}

void sources_remove(struct sources *s, const struct sock_addr *from)
{
	struct source_slot *slot = find(s, sources_of(from));

	assert(slot->count > 0);
	if (--slot->count == 0)
		free_slot(s, (size_t)(slot - s->slots));
}
