/*
 * tun: TUN devices, and the addresses and routes of any interface.
 *
 * Source: Linux Documentation/networking/tuntap.rst, rtnetlink(7).
 */
#ifndef POSTERN_IO_TUN_H
#define POSTERN_IO_TUN_H

#include <net/if.h>

#include "base/rc.h"
#include "io/sock.h"

enum {
	TUN_NAME_MAX = IFNAMSIZ - 1,
};

/* An address with its prefix length. */
struct io_prefix {
	bool is_v6;
	uint8_t bytes[16]; /* the first 4 for IPv4 */
	uint8_t len; /* 0..32 or 0..128 */
};

/* "10.0.0.1/24", "fd00::1/64"; without "/n" the full length. */
bool io_prefix_parse(struct io_prefix *out, struct span text);
void io_prefix_write(struct wr *w, const struct io_prefix *p);

/* Opens a TUN device (layer 3, no packet information header), non-blocking,
 * making it when it is not there.  RC_SYS. */
enum rc tun_open(int *fd, const char *name);

/* What a TUN device hands over and takes in one piece. */
enum tun_offload {
	TUN_OFFLOAD_NONE, /* packets as on a wire */
	TUN_OFFLOAD_TCP, /* TCP of up to 64 KB, packets without checksum */
	TUN_OFFLOAD_UDP, /* and UDP; Linux 6.2 */
};
/*
 * The same, and before each packet read or written stands the header of virtio
 * (offload/vnet.h), 10 bytes, little-endian.  *got is the most that the kernel
 * can.
 */
enum rc tun_open_offload(int *fd, const char *name, enum tun_offload *got);
/* The same with several queues, for several threads: fds[0] to fds[count - 1]
 * are queues number 0 to count - 1.  On failure none is open. */
enum rc tun_open_queues(int *fds, unsigned count, const char *name,
			enum tun_offload *got);

/*
 * The rest speaks rtnetlink and blocks for the kernel's answer.  RC_SYS with
 * the kernel's errno: ENODEV or ENXIO when there is no such interface.
 */

/* Makes an interface of a kind that the kernel knows, such as "wireguard";
 * RC_SYS with EEXIST when the name is taken, EOPNOTSUPP when there is no such
 * kind. */
enum rc net_link_add(const char *name, const char *kind);
/* Sets the MTU (0: leaves it) and brings the interface up. */
enum rc net_link_up(const char *name, unsigned mtu);
enum rc net_link_delete(const char *name);
bool net_link_exists(const char *name);
/* Adds or replaces an address on, or a route through, the interface.  A
 * route's bits after its prefix length do not count. */
enum rc net_address_set(const char *name, const struct io_prefix *address);
enum rc net_route_set(const char *name, const struct io_prefix *to);

#endif
