#include "wgctl/genl.h"

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <string.h>

enum {
	ATTRIBUTE_HEAD = 4,
	ATTRIBUTE_ALIGN = 4,
	/* A nested attribute of a list has no meaning in its type. */
	LIST_ITEM = 0,
};

static struct nlmsghdr *start(void *at, uint16_t family, uint8_t command,
			      uint8_t version, unsigned flags)
{
	struct nlmsghdr *m;
	struct genlmsghdr *g;

	/* libmnl leaves the padding of attributes as it was. */
	memset(at, 0, GENL_MAX);
	m = mnl_nlmsg_put_header(at);
	m->nlmsg_type = family;
	m->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	g = mnl_nlmsg_put_extra_header(m, sizeof(*g));
	g->cmd = command;
	g->version = version;
	return m;
}

struct nlmsghdr *genl_family(void *at, const char *name)
{
	struct nlmsghdr *m =
		start(at, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, NLM_F_ACK);

	mnl_attr_put_strz(m, CTRL_ATTR_FAMILY_NAME, name);
	return m;
}

static struct nlmsghdr *start_set(void *at, uint16_t family, const char *name)
{
	struct nlmsghdr *m = start(at, family, WG_CMD_SET_DEVICE,
				   WG_GENL_VERSION, NLM_F_ACK);

	mnl_attr_put_strz(m, WGDEVICE_A_IFNAME, name);
	return m;
}

struct nlmsghdr *genl_get(void *at, uint16_t family, const char *name)
{
	struct nlmsghdr *m = start(at, family, WG_CMD_GET_DEVICE,
				   WG_GENL_VERSION, NLM_F_DUMP);

	mnl_attr_put_strz(m, WGDEVICE_A_IFNAME, name);
	return m;
}

struct nlmsghdr *genl_set_device(void *at, uint16_t family, const char *name,
				 const struct key32 *private_key,
				 uint16_t listen_port)
{
	struct nlmsghdr *m = start_set(at, family, name);

	mnl_attr_put(m, WGDEVICE_A_PRIVATE_KEY, 32, private_key->b);
	mnl_attr_put_u16(m, WGDEVICE_A_LISTEN_PORT, listen_port);
	return m;
}

static void put_endpoint(struct nlmsghdr *m, const struct sock_addr *a)
{
	if (a->sa.sa_family == AF_INET6)
		mnl_attr_put(m, WGPEER_A_ENDPOINT, sizeof(a->in6), &a->in6);
	else
		mnl_attr_put(m, WGPEER_A_ENDPOINT, sizeof(a->in), &a->in);
}

static void put_allowed(struct nlmsghdr *m, const struct io_prefix *p)
{
	struct nlattr *item = mnl_attr_nest_start(m, LIST_ITEM);

	mnl_attr_put_u16(m, WGALLOWEDIP_A_FAMILY,
			 p->is_v6 ? AF_INET6 : AF_INET);
	mnl_attr_put(m, WGALLOWEDIP_A_IPADDR, p->is_v6 ? 16 : 4, p->bytes);
	mnl_attr_put_u8(m, WGALLOWEDIP_A_CIDR_MASK, p->len);
	mnl_attr_nest_end(m, item);
}

static void put_peer(struct nlmsghdr *m, const struct wgctl_peer *p)
{
	struct nlattr *list;

	mnl_attr_put(m, WGPEER_A_PUBLIC_KEY, 32, p->public_key);
	mnl_attr_put_u32(m, WGPEER_A_FLAGS, WGPEER_F_REPLACE_ALLOWEDIPS);
	if (p->has_psk)
		mnl_attr_put(m, WGPEER_A_PRESHARED_KEY, 32, p->psk.b);
	if (p->has_endpoint)
		put_endpoint(m, &p->endpoint);
	mnl_attr_put_u16(m, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL,
			 p->keepalive_s);
	list = mnl_attr_nest_start(m, WGPEER_A_ALLOWEDIPS);
	for (size_t i = 0; i < p->allowed_count; i++)
		put_allowed(m, &p->allowed[i]);
	mnl_attr_nest_end(m, list);
}

struct nlmsghdr *genl_set_peer(void *at, uint16_t family, const char *name,
			       const struct wgctl_peer *p)
{
	struct nlmsghdr *m = start_set(at, family, name);
	struct nlattr *list = mnl_attr_nest_start(m, WGDEVICE_A_PEERS);
	struct nlattr *item = mnl_attr_nest_start(m, LIST_ITEM);

	put_peer(m, p);
	mnl_attr_nest_end(m, item);
	mnl_attr_nest_end(m, list);
	return m;
}

struct nlmsghdr *genl_remove_peer(void *at, uint16_t family, const char *name,
				  const uint8_t public_key[32])
{
	struct nlmsghdr *m = start_set(at, family, name);
	struct nlattr *list = mnl_attr_nest_start(m, WGDEVICE_A_PEERS);
	struct nlattr *item = mnl_attr_nest_start(m, LIST_ITEM);

	mnl_attr_put(m, WGPEER_A_PUBLIC_KEY, 32, public_key);
	mnl_attr_put_u32(m, WGPEER_A_FLAGS, WGPEER_F_REMOVE_ME);
	mnl_attr_nest_end(m, item);
	mnl_attr_nest_end(m, list);
	return m;
}

/*
 * One attribute: its length with these four bytes and its type, both in the
 * machine's order, its value, and padding that the last one may lack.
 */
static bool rd_attribute(struct span *s, uint16_t *type, struct span *value)
{
	struct span at = *s;
	uint16_t n;
	size_t pad;

	if (!rd_copy(&at, &n, sizeof(n)) ||
	    !rd_copy(&at, type, sizeof(*type)) || n < ATTRIBUTE_HEAD ||
	    !rd_n(&at, value, n - (size_t)ATTRIBUTE_HEAD))
		return false;
	pad = -(size_t)n % ATTRIBUTE_ALIGN;
	(void)rd_skip(&at, pad < at.n ? pad : at.n); /* that much is there */
	*type &= (uint16_t)NLA_TYPE_MASK;
	*s = at;
	return true;
}

/* What stands after the two headers of a message. */
static struct span attributes(const struct nlmsghdr *m)
{
	struct span s = span_of(mnl_nlmsg_get_payload(m),
				mnl_nlmsg_get_payload_len(m));

	if (!rd_skip(&s, sizeof(struct genlmsghdr)))
		s = span_of(NULL, 0);
	return s;
}

/* Copies a value of exactly n bytes. */
static bool copy(void *out, size_t n, struct span value)
{
	return value.n == n && rd_copy(&value, out, n);
}

enum rc genl_family_read(uint16_t *id, const struct nlmsghdr *answer)
{
	struct span s = attributes(answer), value;
	uint16_t type;

	while (rd_attribute(&s, &type, &value))
		if (type == CTRL_ATTR_FAMILY_ID)
			return copy(id, sizeof(*id), value) ? RC_OK
							    : RC_MALFORMED;
	return RC_MALFORMED;
}

static bool read_psk(struct wgctl_peer *p, struct span value)
{
	if (!copy(p->psk.b, sizeof(p->psk.b), value))
		return false;
	p->has_psk = !key32_is_zero(&p->psk);
	return true;
}

static bool read_endpoint(struct wgctl_peer *p, struct span value)
{
	struct sock_addr to = { .len = (socklen_t)value.n };
	sa_family_t family = AF_INET6;

	if (value.n == sizeof(to.in))
		family = AF_INET;
	else if (value.n != sizeof(to.in6))
		return false;
	if (!rd_copy(&value, &to.in6, value.n) || to.sa.sa_family != family)
		return false;
	p->endpoint = to;
	p->has_endpoint = true;
	return true;
}

static bool read_handshake(struct wgctl_peer *p, struct span value)
{
	int64_t timespec[2]; /* __kernel_timespec: seconds, nanoseconds */

	if (!copy(timespec, sizeof(timespec), value))
		return false;
	p->handshake_unix_s = timespec[0];
	return true;
}

struct allowed {
	uint16_t family;
	struct span address;
	uint8_t len;
};

static bool read_allowed_attribute(struct allowed *out, uint16_t type,
				   struct span value)
{
	switch (type) {
	case WGALLOWEDIP_A_FAMILY:
		return copy(&out->family, sizeof(out->family), value);
	case WGALLOWEDIP_A_IPADDR:
		out->address = value;
		return true;
	case WGALLOWEDIP_A_CIDR_MASK:
		return copy(&out->len, sizeof(out->len), value);
	default:
		return true;
	}
}

static bool read_allowed_ip(struct genl_reading *r, struct span s)
{
	struct allowed a = { 0 };
	struct io_prefix prefix = { 0 };
	struct span value;
	uint16_t type;
	size_t n;

	while (!rd_end(&s))
		if (!rd_attribute(&s, &type, &value) ||
		    !read_allowed_attribute(&a, type, value))
			return false;
	prefix.is_v6 = a.family == AF_INET6;
	prefix.len = a.len;
	n = prefix.is_v6 ? 16 : 4;
	if ((!prefix.is_v6 && a.family != AF_INET) || a.len > 8 * n ||
	    !copy(prefix.bytes, n, a.address))
		return false;
	prefixes_add(&r->prefixes, &r->peer, &prefix);
	return true;
}

static bool read_allowed(struct genl_reading *r, struct span list)
{
	struct span item;
	uint16_t type;

	while (!rd_end(&list))
		if (!rd_attribute(&list, &type, &item) ||
		    !read_allowed_ip(r, item))
			return false;
	return true;
}

static bool read_peer_attribute(struct genl_reading *r, uint16_t type,
				struct span value)
{
	struct wgctl_peer *p = &r->peer;

	switch (type) {
	case WGPEER_A_PUBLIC_KEY:
		return copy(p->public_key, sizeof(p->public_key), value);
	case WGPEER_A_PRESHARED_KEY:
		return read_psk(p, value);
	case WGPEER_A_ENDPOINT:
		return read_endpoint(p, value);
	case WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL:
		return copy(&p->keepalive_s, sizeof(p->keepalive_s), value);
	case WGPEER_A_LAST_HANDSHAKE_TIME:
		return read_handshake(p, value);
	case WGPEER_A_RX_BYTES:
		return copy(&p->rx_bytes, sizeof(p->rx_bytes), value);
	case WGPEER_A_TX_BYTES:
		return copy(&p->tx_bytes, sizeof(p->tx_bytes), value);
	case WGPEER_A_ALLOWEDIPS:
		return read_allowed(r, value);
	default:
		return true;
	}
}

static void end_peer(struct genl_reading *r)
{
	if (r->has_peer && r->fn)
		r->fn(r->arg, &r->peer);
	r->has_peer = false;
	secret_wipe(&r->peer, sizeof(r->peer));
}

/* The kernel begins each peer, and each rest of one, with its key. */
static bool begin_peer(struct genl_reading *r, struct span s)
{
	struct span key;
	uint16_t type;

	if (!rd_attribute(&s, &type, &key) || type != WGPEER_A_PUBLIC_KEY)
		return false;
	if (r->has_peer && span_equal(key, SPAN_ARRAY(r->peer.public_key)))
		return true;
	end_peer(r);
	r->has_peer = true;
	return true;
}

static bool read_peer(struct genl_reading *r, struct span s)
{
	struct span value;
	uint16_t type;

	if (!begin_peer(r, s))
		return false;
	while (!rd_end(&s))
		if (!rd_attribute(&s, &type, &value) ||
		    !read_peer_attribute(r, type, value))
			return false;
	return true;
}

static bool read_peers(struct genl_reading *r, struct span list)
{
	struct span item;
	uint16_t type;

	while (!rd_end(&list))
		if (!rd_attribute(&list, &type, &item) || !read_peer(r, item))
			return false;
	return true;
}

static bool read_device_attribute(struct genl_reading *r, uint16_t type,
				  struct span value)
{
	switch (type) {
	case WGDEVICE_A_PRIVATE_KEY:
		return copy(r->device.private_key.b, 32, value);
	case WGDEVICE_A_LISTEN_PORT:
		return copy(&r->device.listen_port, sizeof(uint16_t), value);
	case WGDEVICE_A_FWMARK:
		return copy(&r->device.mark, sizeof(r->device.mark), value);
	case WGDEVICE_A_PEERS:
		return read_peers(r, value);
	default:
		return true;
	}
}

enum rc genl_read(struct genl_reading *r, const struct nlmsghdr *answer)
{
	struct span s = attributes(answer), value;
	uint16_t type;

	while (!rd_end(&s))
		if (!rd_attribute(&s, &type, &value) ||
		    !read_device_attribute(r, type, value))
			return RC_MALFORMED;
	return RC_OK;
}

void genl_end(struct genl_reading *r)
{
	end_peer(r);
	prefixes_fini(&r->prefixes);
}
