/*
 * domain: DNS names as a manifest may hold them.
 *
 * Source: RFC 1035 §2.3.4 (lengths), RFC 1123 §2.1 (a digit may come first).
 */
#ifndef POSTERN_MANIFEST_DOMAIN_H
#define POSTERN_MANIFEST_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>

enum {
	DOMAIN_LEN_MAX = 253, /* bytes of a name, without a dot at its end */
};

/* One label of 1 to 63 lower-case letters, digits and '-'. */
bool domain_is_label(const char *s, size_t n);
/* At least two labels, no dot at the end; "*." may stand before them. */
bool domain_is(const char *s);
/* Whether 'pattern' stands for 'name': it is the same, or "*." and all of the
 * name but its first label, which is not "*". */
bool domain_covers(const char *pattern, const char *name);

#endif
