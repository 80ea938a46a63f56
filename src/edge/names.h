/*
 * names: a table from host names, wildcards among them, to numbers: whose
 * certificate a name has, and under which terms it is served.
 *
 * A pattern is a host name in lower case, or "*." and one, which stands for
 * exactly one label more.  A name finds itself before its wildcard.
 *
 * Pure.
 *
 * Source: RFC 6125 §6.4.3, RFC 9525 §6.3 (the wildcard is a whole label, the
 * left-most one).
 */
#ifndef POSTERN_EDGE_NAMES_H
#define POSTERN_EDGE_NAMES_H

#include "base/span.h"

struct names_entry {
	char *pattern; /* owned */
	size_t number;
};

/* Zeroed: empty. */
struct names {
	struct names_entry *entries;
	size_t count;
	bool is_sorted;
};

void names_fini(struct names *n);

/* Whether it is one as above; one for an address is not. */
bool names_is_pattern(struct span pattern);
/* Copies the pattern, in any case; false, and nothing is added: it is none. */
bool names_add(struct names *n, struct span pattern, size_t number);
/*
 * Once all are added, before names_find(): false when two numbers have the
 * same pattern, 'again' being the entry with the higher number, 'first' the
 * other.  They borrow n.
 */
[[nodiscard]] bool names_sort(struct names *n, const struct names_entry **first,
			      const struct names_entry **again);
/* The name in lower case without a trailing dot.  False: no pattern has it. */
bool names_find(const struct names *n, size_t *number, const char *name);

#endif
