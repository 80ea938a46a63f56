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
 * Takes control of interface 'name': creates it in the kernel when the kernel
 * can, else waits up to wait_ms for the UAPI socket
 * /var/run/wireguard/<name>.sock of a userspace device.
 * RC_SYS or RC_CLOSED: error says what was tried.  Returns owned.
 */
enum rc wgctl_open(struct wgctl **out, const char *name, unsigned wait_ms,
		   char error[256]);
void wgctl_close(struct wgctl *w);
enum wgctl_backend wgctl_backend(const struct wgctl *w);

enum rc wgctl_set_device(struct wgctl *w, const struct key32 *private_key,
			 uint16_t listen_port);

enum {
	WGCTL_ALLOWED_MAX = 16,
};

struct wgctl_peer {
	uint8_t public_key[32];
	bool has_psk;
	struct key32 psk;
	bool has_endpoint;
	struct sock_addr endpoint;
	uint16_t keepalive_s;
	struct io_prefix allowed[WGCTL_ALLOWED_MAX]; /* replaces what it had */
	size_t allowed_count;
	/* read only */
	int64_t handshake_unix_s; /* last; 0: never */
	uint64_t rx_bytes, tx_bytes;
};

/* Adds the peer or changes it without dropping its sessions. */
enum rc wgctl_set_peer(struct wgctl *w, const struct wgctl_peer *p);
/* RC_OK also when there was no such peer. */
enum rc wgctl_remove_peer(struct wgctl *w, const uint8_t public_key[32]);

/* The device's own key and port, and every peer through fn (may be NULL). */
struct wgctl_device {
	struct key32 private_key; /* zero: none set */
	uint16_t listen_port;
};
enum rc wgctl_get(struct wgctl *w, struct wgctl_device *out,
		  void (*fn)(void *arg, const struct wgctl_peer *p), void *arg);

#endif
