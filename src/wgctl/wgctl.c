#include "wgctl/wgctl.h"

#include <errno.h>
#include <linux/wireguard.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/clock.h"
#include "io/netlink.h"
#include "wgctl/genl.h"
#include "wgctl/userspace.h"

enum {
	LOOK_AGAIN_MS = 20,
};

struct wgctl {
	enum wgctl_backend backend;
	char name[TUN_NAME_MAX + 1];
	struct sock_addr socket; /* userspace */
	struct netlink *netlink; /* kernel */
	uint16_t family;
};

const char *wgctl_backend_name(enum wgctl_backend b)
{
	switch (b) {
	case WGCTL_KERNEL:
		return "kernel";
	case WGCTL_USERSPACE:
		return "userspace";
	}
	return "unknown";
}

enum wgctl_backend wgctl_backend(const struct wgctl *w)
{
	return w->backend;
}

bool wgctl_kernel_has_wireguard(void)
{
	char name[TUN_NAME_MAX + 1];

	/* A name that nobody has; the number tells two of us apart. */
	snprintf(name, sizeof(name), "wgtry%u", (unsigned)getpid() % 1000000);
	if (net_link_add(name, WG_GENL_NAME))
		return false;
	/* What cannot be deleted stays down and without a key. */
	(void)!net_link_delete(name);
	return true;
}

/* The kernel. */

static enum rc read_family(void *arg, const struct nlmsghdr *answer)
{
	struct wgctl *w = arg;

	return genl_family_read(&w->family, answer);
}

static enum rc read_device(void *arg, const struct nlmsghdr *answer)
{
	return genl_read(arg, answer);
}

static enum rc open_family(struct wgctl *w)
{
	alignas(struct nlmsghdr) uint8_t m[GENL_MAX];
	enum rc rc = netlink_open(&w->netlink, NETLINK_GENERIC);

	if (rc)
		return rc;
	return netlink_ask(w->netlink, genl_family(m, WG_GENL_NAME),
			   read_family, w);
}

/* RC_SYS when the kernel has no such interface and cannot make it, or has one
 * of another kind. */
static enum rc open_kernel(struct wgctl *w)
{
	struct genl_reading r = { 0 };
	alignas(struct nlmsghdr) uint8_t m[GENL_MAX];
	enum rc rc;

	/* Making the link first also loads the module, and so the family. */
	if (!net_link_exists(w->name)) {
		rc = net_link_add(w->name, WG_GENL_NAME);
		if (rc)
			return rc;
	}
	rc = open_family(w);
	if (!rc)
		rc = netlink_ask(w->netlink, genl_get(m, w->family, w->name),
				 read_device, &r);
	genl_end(&r);
	secret_wipe(&r, sizeof(r));
	if (rc) {
		netlink_close(w->netlink);
		w->netlink = NULL;
	}
	return rc;
}

/* Userspace. */

static bool wait_for_userspace(struct wgctl *w, unsigned wait_ms)
{
	const struct timespec nap = { .tv_nsec = LOOK_AGAIN_MS * 1000000 };
	uint64_t until_ms = clock_boot_ms() + wait_ms;

	while (!userspace_is_there(&w->socket)) {
		if (clock_boot_ms() >= until_ms)
			return false;
		nanosleep(&nap, NULL);
	}
	return true;
}

static bool set_names(struct wgctl *w, const char *name)
{
	char path[sizeof("unix:/var/run/wireguard/.sock") + TUN_NAME_MAX];
	size_t n = strlen(name);

	if (n == 0 || n > TUN_NAME_MAX || strchr(name, '/'))
		return false;
	memcpy(w->name, name, n);
	snprintf(path, sizeof(path), "unix:/var/run/wireguard/%s.sock", name);
	return sock_addr_parse(&w->socket, span_str(path));
}

static enum rc choose(struct wgctl *w, unsigned wait_ms, char error[256])
{
	int reason;

	w->backend = WGCTL_USERSPACE;
	if (userspace_is_there(&w->socket))
		return RC_OK;
	if (open_kernel(w) == RC_OK) {
		w->backend = WGCTL_KERNEL;
		return RC_OK;
	}
	reason = errno;
	if (wait_for_userspace(w, wait_ms))
		return RC_OK;
	snprintf(error, 256, "no WireGuard in the kernel for %s (%s), and "
			     "nobody listens at %s",
		 w->name, strerror(reason), w->socket.un.sun_path);
	return RC_CLOSED;
}

static enum rc take_again(struct wgctl *w, char error[256])
{
	enum rc rc = RC_OK;

	if (w->backend == WGCTL_KERNEL)
		rc = open_kernel(w);
	else if (!userspace_is_there(&w->socket))
		rc = RC_CLOSED;
	if (rc)
		snprintf(error, 256, "%s (%s)",
			 rc == RC_CLOSED ? w->socket.un.sun_path : "the kernel",
			 strerror(errno));
	return rc;
}

enum rc wgctl_open_again(struct wgctl **out, const char *name,
			 enum wgctl_backend backend, char error[256])
{
	struct wgctl *w = mem_new(sizeof(*w));
	enum rc rc = RC_SYS;

	w->backend = backend;
	if (set_names(w, name))
		rc = take_again(w, error);
	else
		snprintf(error, 256, "no interface can have this name");
	if (rc) {
		wgctl_close(w);
		return rc;
	}
	*out = w;
	return RC_OK;
}

enum rc wgctl_open(struct wgctl **out, const char *name, unsigned wait_ms,
		   char error[256])
{
	struct wgctl *w = mem_new(sizeof(*w));
	enum rc rc;

	if (set_names(w, name)) {
		rc = choose(w, wait_ms, error);
	} else {
		snprintf(error, 256, "no interface can have this name");
		errno = EINVAL;
		rc = RC_SYS;
	}
	if (rc) {
		wgctl_close(w);
		return rc;
	}
	*out = w;
	return RC_OK;
}

void wgctl_close(struct wgctl *w)
{
	if (!w)
		return;
	netlink_close(w->netlink);
	free(w);
}

enum rc wgctl_set_device(struct wgctl *w, const struct key32 *private_key,
			 uint16_t listen_port)
{
	alignas(struct nlmsghdr) uint8_t m[GENL_MAX];
	struct wr text = WR_ARRAY(m);
	enum rc rc;

	if (w->backend == WGCTL_KERNEL) {
		rc = netlink_ask(w->netlink,
				 genl_set_device(m, w->family, w->name,
						 private_key, listen_port),
				 NULL, NULL);
	} else {
		utext_set_device(&text, private_key, listen_port);
		rc = userspace_ask(&w->socket, wr_span(&text), NULL, NULL,
				   NULL);
	}
	secret_wipe(m, sizeof(m));
	return rc;
}

enum rc wgctl_set_peer(struct wgctl *w, const struct wgctl_peer *p)
{
	alignas(struct nlmsghdr) uint8_t m[GENL_MAX];
	struct wr text = WR_ARRAY(m);
	enum rc rc;

	if (w->backend == WGCTL_KERNEL) {
		rc = netlink_ask(w->netlink,
				 genl_set_peer(m, w->family, w->name, p), NULL,
				 NULL);
	} else {
		utext_set_peer(&text, p);
		rc = userspace_ask(&w->socket, wr_span(&text), NULL, NULL,
				   NULL);
	}
	secret_wipe(m, sizeof(m));
	return rc;
}

enum rc wgctl_remove_peer(struct wgctl *w, const uint8_t public_key[32])
{
	alignas(struct nlmsghdr) uint8_t m[GENL_MAX];
	struct wr text = WR_ARRAY(m);

	if (w->backend == WGCTL_KERNEL)
		return netlink_ask(w->netlink,
				   genl_remove_peer(m, w->family, w->name,
						    public_key),
				   NULL, NULL);
	utext_remove_peer(&text, public_key);
	return userspace_ask(&w->socket, wr_span(&text), NULL, NULL, NULL);
}

static enum rc get_kernel(struct wgctl *w, struct genl_reading *r)
{
	alignas(struct nlmsghdr) uint8_t m[GENL_MAX];
	enum rc rc = netlink_ask(w->netlink, genl_get(m, w->family, w->name),
				 read_device, r);

	if (rc)
		r->fn = NULL;
	genl_end(r);
	return rc;
}

enum rc wgctl_get(struct wgctl *w, struct wgctl_device *out,
		  void (*fn)(void *arg, const struct wgctl_peer *p), void *arg)
{
	struct genl_reading r = { .fn = fn, .arg = arg };
	char request[16];
	struct wr text = WR_ARRAY(request);
	enum rc rc;

	if (w->backend == WGCTL_USERSPACE) {
		utext_get(&text);
		return userspace_ask(&w->socket, wr_span(&text), out, fn, arg);
	}
	rc = get_kernel(w, &r);
	if (!rc && out)
		*out = r.device;
	secret_wipe(&r, sizeof(r));
	return rc;
}
