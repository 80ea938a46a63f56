/*
 * steer: has the kernel put each packet for the tunnel into the queue of the
 * worker whose peer it is for.
 *
 * A program of a dozen instructions looks the packet's destination up in two
 * longest-prefix tries of the kernel, one for each version of IP, that mirror
 * the allowed IPs.  What is in neither, or is no IP packet, goes to queue 0.
 *
 * Making it needs CAP_BPF, and changing the tries needs nothing from Linux 5.19
 * on; older kernels are refused, so that the capability need not be kept.
 *
 * Source: bpf(2); Linux Documentation/bpf/map_lpm_trie.rst;
 *         include/uapi/linux/if_tun.h (TUNSETSTEERINGEBPF).
 */
#ifndef POSTERN_WGD_STEER_H
#define POSTERN_WGD_STEER_H

#include "base/rc.h"
#include "wireguard/allowedips.h"

struct steer;

/* For at most prefixes_max prefixes of either version.  RC_SYS with errno,
 * EPERM when the kernel does not let us.  Returns owned: steer_free(). */
enum rc steer_new(struct steer **out, unsigned prefixes_max);
void steer_free(struct steer *s);

/* Steers the TUN interface that this is a queue of, for good.  RC_SYS. */
enum rc steer_attach(const struct steer *s, int tun_fd);
/* The program's descriptor, borrowed, for a test run (BPF_PROG_TEST_RUN). */
int steer_program(const struct steer *s);

/* RC_SYS with errno, ENOMEM when the kernel has no more memory. */
enum rc steer_set(struct steer *s, const struct allowedips_prefix *p,
		  unsigned queue);
/* Harmless when it is not there. */
enum rc steer_unset(struct steer *s, const struct allowedips_prefix *p);

#endif
