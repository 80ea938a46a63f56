#include "agent/assignment.h"

#include <string.h>

enum {
	LEASE_MIN_MS = 1000,
	LEASE_MAX_MS = 86400000,
};

static bool is_whole_address(const struct channel_prefix *p)
{
	size_t n = p->family == 6 ? 16 : 4;

	return (p->family == 4 && p->len == 32) ||
			       (p->family == 6 && p->len == 128)
		       ? !span_is_zero(span_of(p->bytes, n))
		       : false;
}

static bool is_same(const struct channel_prefix *a,
		    const struct channel_prefix *b)
{
	size_t n = a->family == 6 ? 16 : 4;

	return a->family == b->family && a->len == b->len &&
	       span_equal(span_of(a->bytes, n), span_of(b->bytes, n));
}

bool assignment_check(const struct channel_assignment *a,
		      char error[NODE_ERROR_MAX])
{
	const char *wrong = NULL;

	if (!is_whole_address(&a->address))
		wrong = "address";
	else if (!is_whole_address(&a->gateway) ||
		 a->gateway.family != a->address.family ||
		 is_same(&a->gateway, &a->address))
		wrong = "gateway address";
	else if (!is_whole_address(&a->endpoint_ip) || !a->endpoint_port ||
		 is_same(&a->endpoint_ip, &a->address) ||
		 is_same(&a->endpoint_ip, &a->gateway))
		wrong = "endpoint";
	else if (a->allowed_count != 1 || !is_same(&a->allowed[0], &a->gateway))
		wrong = "allowed addresses";
	else if (a->lease_ms < LEASE_MIN_MS || a->lease_ms > LEASE_MAX_MS)
		wrong = "lease";
	if (wrong)
		error_set(error, "assignment: %s", wrong);
	return !wrong;
}

static struct io_prefix prefix_of(const struct channel_prefix *p)
{
	struct io_prefix out = { .is_v6 = p->family == 6, .len = p->len };

	memcpy(out.bytes, p->bytes, sizeof(out.bytes));
	return out;
}

static struct sock_addr endpoint_of(const struct channel_assignment *a)
{
	struct sock_addr out = { 0 };

	if (a->endpoint_ip.family == 6) {
		out.in6.sin6_family = AF_INET6;
		out.in6.sin6_port = htons(a->endpoint_port);
		memcpy(&out.in6.sin6_addr, a->endpoint_ip.bytes, 16);
		out.len = sizeof(out.in6);
		return out;
	}
	out.in.sin_family = AF_INET;
	out.in.sin_port = htons(a->endpoint_port);
	memcpy(&out.in.sin_addr, a->endpoint_ip.bytes, 4);
	out.len = sizeof(out.in);
	return out;
}

struct firewall_tunnel assignment_way(const struct channel_assignment *a)
{
	return (struct firewall_tunnel){
		.own = prefix_of(&a->address),
		.gateway = prefix_of(&a->gateway),
		.endpoint = endpoint_of(a),
	};
}

void assignment_peer(struct wgctl_peer *out, const struct channel_assignment *a,
		     const struct key32 *psk)
{
	*out = (struct wgctl_peer){
		.has_psk = true,
		.psk = *psk,
		.has_endpoint = true,
		.endpoint = endpoint_of(a),
		.keepalive_s = a->keepalive_s,
		.allowed = { prefix_of(&a->allowed[0]) },
		.allowed_count = 1,
	};
	memcpy(out->public_key, a->wg_public, sizeof(out->public_key));
}
