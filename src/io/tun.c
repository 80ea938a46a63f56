#include "io/tun.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdalign.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"
#include "io/netlink.h"
#include "io/rtnl.h"

enum {
	/* linux/if_tun.h of Linux 6.2; Debian 12 has an older one */
	USO4 = 0x20, /* TUN_F_USO4 */
	USO6 = 0x40, /* TUN_F_USO6 */
};

bool io_prefix_parse(struct io_prefix *out, struct span text)
{
	char host[INET6_ADDRSTRLEN];
	struct io_prefix p = { 0 };
	struct span address;
	uint64_t len, max;

	if (!rd_until(&text, &address, '/') || address.n >= sizeof(host) ||
	    memchr(address.p, 0, address.n))
		return false;
	memcpy(host, address.p, address.n);
	host[address.n] = '\0';
	p.is_v6 = strchr(host, ':') != NULL;
	max = p.is_v6 ? 128 : 32;
	len = max;
	/* A '/' was there when more was read than the address. */
	if (text.p != address.p + address.n && !text_u64(&len, text, max))
		return false;
	if (inet_pton(p.is_v6 ? AF_INET6 : AF_INET, host, p.bytes) != 1)
		return false;
	p.len = (uint8_t)len;
	*out = p;
	return true;
}

void io_prefix_write(struct wr *w, const struct io_prefix *p)
{
	char host[INET6_ADDRSTRLEN] = "";

	inet_ntop(p->is_v6 ? AF_INET6 : AF_INET, p->bytes, host, sizeof(host));
	wr_printf(w, "%s/%u", host, p->len);
}

/* A name that an interface can have. */
static bool is_name(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= TUN_NAME_MAX && !strchr(name, '/');
}

static enum rc open_with(int *fd, const char *name, short flags)
{
	struct ifreq r = { .ifr_flags = flags };

	*fd = -1;
	if (!is_name(name)) {
		errno = EINVAL;
		return RC_SYS;
	}
	memcpy(r.ifr_name, name, strlen(name));
	*fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (*fd < 0)
		return RC_SYS;
	if (ioctl(*fd, TUNSETIFF, &r) != 0) {
		int error = errno;

		close(*fd);
		*fd = -1;
		errno = error;
		return RC_SYS;
	}
	return RC_OK;
}

enum rc tun_open(int *fd, const char *name)
{
	return open_with(fd, name, IFF_TUN | IFF_NO_PI);
}

static enum tun_offload set_offload(int fd)
{
	const unsigned long tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;

	if (ioctl(fd, TUNSETOFFLOAD, tcp | USO4 | USO6) == 0)
		return TUN_OFFLOAD_UDP;
	return ioctl(fd, TUNSETOFFLOAD, tcp) == 0 ? TUN_OFFLOAD_TCP
						  : TUN_OFFLOAD_NONE;
}

static enum rc open_offload(int *fd, const char *name, short more,
			    enum tun_offload *got)
{
	const int is_little = 1;
	enum rc rc = open_with(fd, name,
			       (short)(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR |
				       more));

	if (rc)
		return rc;
	if (ioctl(*fd, TUNSETVNETLE, &is_little) != 0) {
		int error = errno;

		close(*fd);
		*fd = -1;
		errno = error;
		return RC_SYS;
	}
	*got = set_offload(*fd);
	return RC_OK;
}

enum rc tun_open_offload(int *fd, const char *name, enum tun_offload *got)
{
	return open_offload(fd, name, 0, got);
}

enum rc tun_open_queues(int *fds, unsigned count, const char *name,
			enum tun_offload *got)
{
	enum rc rc = RC_OK;

	for (unsigned i = 0; i < count; i++)
		fds[i] = -1;
	for (unsigned i = 0; i < count && !rc; i++)
		rc = open_offload(&fds[i], name, IFF_MULTI_QUEUE, got);
	for (unsigned i = 0; rc && i < count && fds[i] >= 0; i++) {
		int error = errno;

		close(fds[i]);
		fds[i] = -1;
		errno = error;
	}
	return rc;
}

static enum rc send_one(struct nlmsghdr *message)
{
	struct netlink *n;
	enum rc rc = netlink_open(&n, NETLINK_ROUTE);

	if (rc)
		return rc;
	rc = netlink_ask(n, message, NULL, NULL);
	netlink_close(n);
	return rc;
}

enum rc net_link_add(const char *name, const char *kind)
{
	alignas(struct nlmsghdr) uint8_t message[RTNL_MAX];

	if (!is_name(name)) {
		errno = EINVAL;
		return RC_SYS;
	}
	return send_one(rtnl_link_add(message, name, kind));
}

enum rc net_link_up(const char *name, unsigned mtu)
{
	alignas(struct nlmsghdr) uint8_t message[RTNL_MAX];
	unsigned index = if_nametoindex(name);

	return index ? send_one(rtnl_link_up(message, index, mtu)) : RC_SYS;
}

enum rc net_link_delete(const char *name)
{
	alignas(struct nlmsghdr) uint8_t message[RTNL_MAX];
	unsigned index = if_nametoindex(name);

	return index ? send_one(rtnl_link_delete(message, index)) : RC_SYS;
}

bool net_link_exists(const char *name)
{
	return if_nametoindex(name) != 0;
}

enum rc net_address_set(const char *name, const struct io_prefix *address)
{
	alignas(struct nlmsghdr) uint8_t message[RTNL_MAX];
	unsigned index = if_nametoindex(name);

	return index ? send_one(rtnl_address_set(message, index, address))
		     : RC_SYS;
}

enum rc net_route_set(const char *name, const struct io_prefix *to)
{
	alignas(struct nlmsghdr) uint8_t message[RTNL_MAX];
	unsigned index = if_nametoindex(name);

	return index ? send_one(rtnl_route_set(message, index, to)) : RC_SYS;
}
