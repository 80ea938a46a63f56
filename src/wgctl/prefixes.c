#include "wgctl/prefixes.h"

#include <stdlib.h>

#include "base/mem.h"

void prefixes_add(struct prefixes *s, struct wgctl_peer *p,
		  const struct io_prefix *prefix)
{
	if (p->allowed_count < WGCTL_ALLOWED_MAX) {
		p->allowed[p->allowed_count++] = *prefix;
		return;
	}
	if (p->more_count == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 64;
		s->rest = mem_grow(s->rest, s->cap, sizeof(*s->rest));
	}
	s->rest[p->more_count++] = *prefix;
	p->more = s->rest;
}

void prefixes_fini(struct prefixes *s)
{
	free(s->rest);
	*s = (struct prefixes){ 0 };
}
