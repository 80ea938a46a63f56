/*
 * map: from a 64-bit number that nobody outside can choose to a pointer, in
 * constant time.
 *
 * The numbers are random indexes or keyed hashes: the table uses their low
 * bits as they are.  Room is made by map_reserve(); putting allocates nothing.
 */
#ifndef POSTERN_WIREGUARD_MAP_H
#define POSTERN_WIREGUARD_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map_entry {
	uint64_t key;
	void *value; /* NULL: free */
};

/* Zeroed: empty, without room. */
struct map {
	struct map_entry *entries;
	size_t capacity; /* a power of two, or 0 */
	size_t count;
};

void map_fini(struct map *m);
/* From now on 'count' entries fit.  Never shrinks. */
void map_reserve(struct map *m, size_t count);
/* NULL when there is none. */
void *map_get(const struct map *m, uint64_t key);
/* Adds a key that is not there, within the room reserved. */
void map_put(struct map *m, uint64_t key, void *value);
/* Harmless when it is not there. */
void map_del(struct map *m, uint64_t key);

#endif
