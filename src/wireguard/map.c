#include "wireguard/map.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

enum {
	CAPACITY_MIN = 16,
	LOAD = 2, /* entries of capacity per entry in use, at least */
};

void map_fini(struct map *m)
{
	free(m->entries);
	*m = (struct map){ 0 };
}

static size_t next_slot(const struct map *m, size_t at)
{
	return (at + 1) & (m->capacity - 1);
}

static size_t home(const struct map *m, uint64_t key)
{
	return (size_t)key & (m->capacity - 1);
}

/* Where the key is, or the free slot where it would go. */
static size_t find(const struct map *m, uint64_t key)
{
	size_t at = home(m, key);

	while (m->entries[at].value && m->entries[at].key != key)
		at = next_slot(m, at);
	return at;
}

void map_reserve(struct map *m, size_t count)
{
	struct map bigger = { .capacity = CAPACITY_MIN };

	while (bigger.capacity < count * LOAD)
		bigger.capacity *= 2;
	if (bigger.capacity <= m->capacity)
		return;
	bigger.entries = mem_new_array(bigger.capacity, sizeof(*m->entries));
	for (size_t i = 0; i < m->capacity; i++)
		if (m->entries[i].value)
			map_put(&bigger, m->entries[i].key,
				m->entries[i].value);
	map_fini(m);
	*m = bigger;
}

void *map_get(const struct map *m, uint64_t key)
{
	return m->capacity ? m->entries[find(m, key)].value : NULL;
}

void map_put(struct map *m, uint64_t key, void *value)
{
	size_t at;

	assert(value && (m->count + 1) * LOAD <= m->capacity);
	at = find(m, key);
	assert(!m->entries[at].value);
	m->entries[at] = (struct map_entry){ .key = key, .value = value };
	m->count++;
}

/*
 * Closes the gap: entries behind it that could not be in their own place are
 * moved forward, so that a search never meets a hole before its key.
 */
void map_del(struct map *m, uint64_t key)
{
	size_t gap, at;

	if (!m->capacity)
		return;
	gap = find(m, key);
	if (!m->entries[gap].value)
		return;
	m->count--;
	for (at = next_slot(m, gap); m->entries[at].value;
	     at = next_slot(m, at)) {
		size_t mask = m->capacity - 1;
		size_t from_home = (at - home(m, m->entries[at].key)) & mask;

		if (from_home < ((at - gap) & mask))
			continue;
		m->entries[gap] = m->entries[at];
		gap = at;
	}
	m->entries[gap] = (struct map_entry){ 0 };
}
