/*
 * resolver: TXT records by libunbound, which asks the configured servers from
 * a thread of its own and validates DNSSEC where there is an anchor.
 *
 * It starts with the first question, so that its thread lives under the
 * program's sandbox, and opens no file then: anchors are handed over as text.
 * libunbound makes ids, ports and the case of letters in questions random, so
 * that answers are hard to forge also without DNSSEC.
 */
#ifndef POSTERN_EDGE_RESOLVER_H
#define POSTERN_EDGE_RESOLVER_H

#include "edge/config.h"
#include "edge/domains.h"
#include "io/loop.h"

struct resolver;

/* Results go to fn, in the loop's thread. */
typedef void resolver_fn(void *arg, uint64_t question,
			 const struct domains_result *r);

/*
 * Copies 'config' and 'anchors', the text of their file (DS or DNSKEY records,
 * one a line; empty: DNSSEC is not looked at).  Returns owned: resolver_free().
 */
struct resolver *resolver_new(struct loop *loop, const struct edge_dns *config,
			      struct span anchors, resolver_fn *fn, void *arg);
/* Trusts these anchors from now on.  When they are others, what is being asked
 * fails, and what libunbound remembers is forgotten. */
void resolver_trust(struct resolver *r, struct span anchors);
void resolver_free(struct resolver *r);

/* Both as struct domains_carrier has them; arg is the resolver. */
bool resolver_ask(void *arg, uint64_t question, const char *name);
void resolver_drop(void *arg, uint64_t question);

#endif
