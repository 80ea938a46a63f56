/*
 * genl: the generic netlink messages that the kernel's WireGuard speaks, built
 * and read, but neither sent nor received.
 *
 * Each genl_*() that builds writes one message at 'at', which has room for
 * GENL_MAX bytes and is aligned for a struct nlmsghdr, and returns it.
 *
 * Source: Linux uapi/linux/wireguard.h; uapi/linux/genetlink.h.
 */
#ifndef POSTERN_WGCTL_GENL_H
#define POSTERN_WGCTL_GENL_H

#include <linux/netlink.h>

#include "wgctl/prefixes.h"

enum {
	GENL_MAX = 4096,
};

/* Asks for the number of a family; the answer's is read to *id. */
struct nlmsghdr *genl_family(void *at, const char *name);
enum rc genl_family_read(uint16_t *id, const struct nlmsghdr *answer);

/* 'family' is WireGuard's number. */
struct nlmsghdr *genl_get(void *at, uint16_t family, const char *name);
struct nlmsghdr *genl_set_device(void *at, uint16_t family, const char *name,
				 const struct key32 *private_key,
				 uint16_t listen_port);
struct nlmsghdr *genl_set_peer(void *at, uint16_t family, const char *name,
			       const struct wgctl_peer *p);
struct nlmsghdr *genl_remove_peer(void *at, uint16_t family, const char *name,
				  const uint8_t public_key[32]);

typedef void genl_peer_fn(void *arg, const struct wgctl_peer *p);

/*
 * Reads the answers to genl_get(), one after another.  A peer whose allowed
 * IPs do not fit into one message goes on in the next, so a peer is handed to
 * fn when the next one begins, or at genl_end(), which a reading is not whole
 * without: it also gives memory back.
 */
struct genl_reading {
	struct wgctl_device device;
	struct wgctl_peer peer;
	struct prefixes prefixes;
	bool has_peer;
	genl_peer_fn *fn; /* may be NULL */
	void *arg;
};

/* RC_MALFORMED when an attribute has not its size.  fn is called while the rest
 * of the answer is still unread. */
enum rc genl_read(struct genl_reading *r, const struct nlmsghdr *answer);
void genl_end(struct genl_reading *r);

#endif
