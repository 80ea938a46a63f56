/*
 * utext: the text that the UAPI socket of a userspace WireGuard device speaks:
 * requests written, replies read.
 *
 * Pure.  A request and a reply end with an empty line.  Unknown keys of a
 * reply are skipped, as newer devices may say more.
 *
 * Source: https://www.wireguard.com/xplatform/ (configuration protocol).
 */
#ifndef POSTERN_WGCTL_UTEXT_H
#define POSTERN_WGCTL_UTEXT_H

#include "wgctl/wgctl.h"

enum {
	UTEXT_REQUEST_MAX = 4096, /* more than any request here takes */
};

typedef void utext_peer_fn(void *arg, const struct wgctl_peer *p);

void utext_get(struct wr *w);
void utext_set_device(struct wr *w, const struct key32 *private_key,
		      uint16_t listen_port);
void utext_set_peer(struct wr *w, const struct wgctl_peer *p);
void utext_remove_peer(struct wr *w, const uint8_t public_key[32]);

/* The bytes so far are a whole reply: its last line is empty. */
bool utext_is_whole(struct span reply);

/*
 * Reads one whole reply.  *error is the device's errno; *out (may be NULL) and
 * the peers through fn (may be NULL) are what it told, if it is 0.
 *
 * RC_MALFORMED  a line is none, a value is not of its key's kind, or the errno
 *               is missing or not the last; nothing was touched, fn not called
 */
enum rc utext_read(struct wgctl_device *out, int *error, struct span reply,
		   utext_peer_fn *fn, void *arg);

#endif
