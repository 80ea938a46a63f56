/*
 * sources: how many connections each source holds, so that one cannot take
 * them all.  A source is an IPv4 address or an IPv6 /64.
 *
 * A hash table with open addressing, made once for a number of connections;
 * its key is random, so nobody can aim at one slot.
 */
#ifndef POSTERN_EDGE_SOURCES_H
#define POSTERN_EDGE_SOURCES_H

#include "io/sock.h"

struct source_slot {
	uint64_t source; /* 0: free */
	uint32_t count;
};

struct sources {
	struct source_slot *slots;
	size_t mask; /* slots are a power of two, more than half free */
	uint64_t key;
};

/* For at most 'max' connections at a time. */
void sources_init(struct sources *s, size_t max, uint64_t key);
void sources_fini(struct sources *s);

/* A source as a number that is not 0. */
uint64_t sources_of(const struct sock_addr *a);

/* Counts one more; false, and nothing counted, when it has 'limit'. */
[[nodiscard]] bool sources_add(struct sources *s, const struct sock_addr *from,
			       uint64_t limit);
/* One that was added has ended. */
void sources_remove(struct sources *s, const struct sock_addr *from);

#endif
