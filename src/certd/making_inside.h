/* making_inside: the inside of certd/making.  Nobody else includes this. */
#ifndef POSTERN_CERTD_MAKING_INSIDE_H
#define POSTERN_CERTD_MAKING_INSIDE_H

#include "certd/making.h"

/* What the steps have in common. */
struct making_work {
	struct making *m;
	const struct publish_options *o;
	struct issuer *issuer;
	int64_t now;
	struct pins pins;
	struct pinbook book;
	struct sightings_view *seen;
};

/* A copy in the arena; empty: there is no room. */
struct span making_keep(struct making *m, struct span s);
/* False: there is no room. */
bool making_add(struct bundle_items *items, struct span name,
		struct span bytes);

/* making_caa.c: what CAA says of each name, with the proof of it, and since
 * when. */
enum rc making_caa(struct making_work *w, char error[NODE_ERROR_MAX]);

#endif
