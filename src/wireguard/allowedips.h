/*
 * allowedips: which peer an inner address belongs to: longest prefix match over
 * IPv4 and IPv6, each address with one owner at most.
 *
 * A path-compressed binary trie per family; a lookup visits at most one node a
 * distinct prefix length on the way.
 *
 * Source: WireGuard whitepaper §2 (cryptokey routing).
 */
#ifndef POSTERN_WIREGUARD_ALLOWEDIPS_H
#define POSTERN_WIREGUARD_ALLOWEDIPS_H

#include "base/rc.h"
#include "base/span.h"
#include "base/wr.h"

/* An address block; bits behind 'len' are zero. */
struct allowedips_prefix {
	bool is_v6;
	uint8_t len; /* 0..32 or 0..128 */
	uint8_t ip[16]; /* network order; the first 4 for IPv4 */
};

struct allowedips_node;

/* Embedded in whatever owns prefixes.  Zeroed but for 'of': owns none. */
struct allowedips_owner {
	void *of; /* what a lookup answers */
	struct allowedips_node *first;
	size_t count;
};

/* A prefix has another owner; 'of' is owner->of, NULL: it has none now. */
typedef void allowedips_fn(void *arg, const struct allowedips_prefix *p,
			   void *of);

/* Zeroed but for count_max: empty. */
struct allowedips {
	struct allowedips_node *v4, *v6;
	size_t count, count_max; /* prefixes held; bound on it */
	allowedips_fn *changed; /* or NULL */
	void *arg;
};

/* Calls fn after each change from now on; NULL: no more.  Not by
 * allowedips_fini(). */
void allowedips_watch(struct allowedips *t, allowedips_fn *fn, void *arg);

/* Every owner's prefixes are gone; the owners themselves are not touched. */
void allowedips_fini(struct allowedips *t);

/*
 * Gives the prefix to 'owner', taking it from whoever had it.
 * RC_LIMIT: count_max prefixes are held already.
 */
enum rc allowedips_insert(struct allowedips *t,
			  const struct allowedips_prefix *p,
			  struct allowedips_owner *owner);
/* Takes the prefix from 'owner'; nothing happens when it is not its own. */
void allowedips_remove(struct allowedips *t, const struct allowedips_prefix *p,
		       struct allowedips_owner *owner);
void allowedips_remove_all(struct allowedips *t,
			   struct allowedips_owner *owner);

/* owner->of of the longest prefix that holds the address, or NULL. */
void *allowedips_find(const struct allowedips *t, const uint8_t *ip,
		      bool is_v6);

/* Calls fn for each prefix of the owner, newest first. */
void allowedips_each(const struct allowedips_owner *owner,
		     void (*fn)(void *arg, const struct allowedips_prefix *p),
		     void *arg);

/* "10.0.0.0/8", "fd00::/64"; bits behind the length are cleared. */
bool allowedips_prefix_parse(struct allowedips_prefix *out, struct span text);
void allowedips_prefix_write(struct wr *w, const struct allowedips_prefix *p);

#endif
