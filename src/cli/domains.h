/*
 * domains: the custom domains of a cloud's apps: those whose TLS ends in their
 * CVM, as their manifests say ("ingress").
 *
 * In a cloud with a world their owner has done what an owner does once: the
 * names lead to the public gateway, and a TXT record says whose they are.
 */
#ifndef POSTERN_CLI_DOMAINS_H
#define POSTERN_CLI_DOMAINS_H

#include "cli/cloud.h"

enum {
	DOMAINS_MAX = 128, /* of a cloud; of more nobody hears */
};

struct domains {
	size_t count;
	struct {
		const char *name; /* may begin with "*." */
		const char *app; /* 40 hex digits */
	} at[DOMAINS_MAX];
};

/* Strings live in the arena.  A manifest that cannot be read has none: its
 * agent will say why. */
void domains_of(struct domains *out, const struct cloud *c,
		struct arena *arena);
/* Whether the app has any. */
bool domains_has(const char *manifest);

/* The zones that they are in, a line each: their last two labels, but the
 * cloud's base. */
const char *domains_zones(const struct domains *d, const char *base,
			  struct arena *arena);
/* What their owner has in the DNS, as lines of a zone file. */
const char *domains_records(const struct domains *d, const char *gateway,
			    struct arena *arena);

#endif
