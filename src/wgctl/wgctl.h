/*
 * wgctl: control of one WireGuard interface, in the kernel (generic netlink)
 * or in userspace (the cross-platform UAPI socket), behind one interface.
 *
 * Source: Linux uapi/linux/wireguard.h;
 * https://www.wireguard.com/xplatform/ (UAPI).
 */
#ifndef POSTERN_WGCTL_WGCTL_H
#define POSTERN_WGCTL_WGCTL_H

#include "base/rc.h"
#include "base/secret.h"
#include "io/sock.h"
#include "io/tun.h"

struct wgctl;

enum wgctl_backend {
	WGCTL_KERNEL,
	WGCTL_USERSPACE,
};

/* "kernel" or "userspace", for logs. */
const char *wgctl_backend_name(enum wgctl_backend b);

/* Whether this kernel can make WireGuard interfaces (tries, and undoes). */
bool wgctl_kernel_has_wireguard(void);

/*
 * Takes control of interface 'name'.  In this order: a userspace device that
 * already listens at /var/run/wireguard/<name>.sock; the kernel's interface of
 * that name, which is created when it is not there and the kernel can; a
 * userspace device that appears within wait_ms.
 *
 * RC_SYS, RC_CLOSED (none appeared): error says what was tried.  Returns owned.
 */
enum rc wgctl_open(struct wgctl **out, const char *name, unsigned wait_ms,
		   char error[256]);
/*
 * The same for an interface whose backend is known, without waiting: one that
 * went away does not come back as something else, so a userspace device that
 * is being restarted does not lose its name to the kernel's.
 */
enum rc wgctl_open_again(struct wgctl **out, const char *name,
			 enum wgctl_backend backend, char error[256]);
/* The interface and its peers stay as they are. */
void wgctl_close(struct wgctl *w);
enum wgctl_backend wgctl_backend(const struct wgctl *w);

/*
 * What follows blocks until the device has answered: a userspace one for half a
 * second of silence and two seconds in all, and the kernel answers at once.
 *
 * RC_SYS        it cannot be reached, or refused; errno is its reason, and
 *               ETIMEDOUT that there was no answer
 * RC_CLOSED     it went away before it answered
 * RC_MALFORMED  its answer is none
 * RC_LIMIT      its answer is larger than 16 MiB
 */

/* The peers stay. */
enum rc wgctl_set_device(struct wgctl *w, const struct key32 *private_key,
			 uint16_t listen_port);

enum {
	WGCTL_ALLOWED_MAX = 16,
};

struct wgctl_peer {
	uint8_t public_key[32];
	bool has_psk; /* false: leaves what there is */
	struct key32 psk;
	bool has_endpoint; /* false: leaves what there is */
	struct sock_addr endpoint;
	uint16_t keepalive_s; /* 0: none */
	/* Replaces what it had; read: the first of what it has, and 'more',
	 * which is there until fn returns. */
	struct io_prefix allowed[WGCTL_ALLOWED_MAX];
	size_t allowed_count;
	/* read only */
	const struct io_prefix *more;
	size_t more_count;
	int64_t handshake_unix_s; /* last; 0: never */
	uint64_t rx_bytes, tx_bytes;
};

/* Adds the peer or changes it without dropping its sessions. */
enum rc wgctl_set_peer(struct wgctl *w, const struct wgctl_peer *p);
/* RC_OK also when there was no such peer. */
enum rc wgctl_remove_peer(struct wgctl *w, const uint8_t public_key[32]);

/* The device's own key and port, and every peer through fn (may be NULL); what
 * fn was told does not count when the result is a failure. */
struct wgctl_device {
	struct key32 private_key; /* zero: none set */
	uint16_t listen_port;
	uint32_t mark; /* of the packets it sends; 0: none */
};
enum rc wgctl_get(struct wgctl *w, struct wgctl_device *out,
		  void (*fn)(void *arg, const struct wgctl_peer *p), void *arg);

#endif
