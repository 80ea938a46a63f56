#include "agent/firewall.h"

#include <errno.h>
#include <jansson.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <nftables/libnftables.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/netlink.h"

#define TABLE "inet postern"
/* How a rule ends that drops. */
#define DROP(what) "counter name \"dropped_" what "\" drop\n"

struct firewall {
	struct firewall_options options;
	struct nft_ctx *nft;
};

/* ---- the rules ---- */

static void address_of(struct wr *w, const struct sock_addr *a)
{
	struct io_prefix p = { .len = 32 };

	if (a->sa.sa_family == AF_INET6) {
		p = (struct io_prefix){ .is_v6 = true, .len = 128 };
		memcpy(p.bytes, &a->in6.sin6_addr, 16);
	} else {
		memcpy(p.bytes, &a->in.sin_addr, 4);
	}
	io_prefix_write(w, &p);
}

static const char *family_of(const struct sock_addr *a)
{
	return a->sa.sa_family == AF_INET6 ? "ip6" : "ip";
}

static bool is_v6(const struct sock_addr *a)
{
	return a->sa.sa_family == AF_INET6;
}

static unsigned port_of(const struct sock_addr *a)
{
	return ntohs(is_v6(a) ? a->in6.sin6_port : a->in.sin_port);
}

/* Nothing is listed until a manifest is known. */
static const struct manifest *manifest_of(const struct firewall_options *o)
{
	static const struct manifest none = { .port_count = 0 };

	return o->manifest ? o->manifest : &none;
}

/* Begins a rule of a chain. */
static void rule(struct wr *w, const char *chain)
{
	wr_printf(w, "add rule " TABLE " %s ", chain);
}

static void rule_line(struct wr *w, const char *chain, const char *text)
{
	rule(w, chain);
	wr_str(w, text);
}

static void write_chain(struct wr *w, const char *chain, const char *hook,
			const char *priority, const char *policy)
{
	wr_printf(w, "add chain " TABLE " %s { type filter hook %s "
		     "priority %s; policy %s; }\n"
		     "flush chain " TABLE " %s\n",
		  chain, hook, priority, policy, chain);
}

static void write_frame(struct wr *w)
{
	static const char *const counters[] = { "spoofed", "input", "forward",
						"output" };

	wr_str(w, "add table " TABLE "\n");
	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++)
		wr_printf(w, "add counter " TABLE " dropped_%s\n", counters[i]);
	write_chain(w, "early", "prerouting", "-310", "accept");
	/* Before priority 0, where Docker's filter chains are. */
	write_chain(w, "input", "input", "-10", "drop");
	write_chain(w, "forward", "forward", "-10", "drop");
	write_chain(w, "output", "output", "-10", "drop");
}

/* A tunnel address is only ever heard of through the tunnel, and from there
 * nothing but the gateway's is. */
static void write_early(struct wr *w, const struct firewall_options *o,
			const struct firewall_tunnel *t)
{
	const char *family = t && t->own.is_v6 ? "ip6" : "ip";

	rule_line(w, "early", "iifname \"lo\" accept\n");
	rule_line(w, "early", "fib saddr . iif oif missing " DROP("spoofed"));
	if (!t) {
		rule(w, "early");
		wr_printf(w, "iifname \"%s\" " DROP("spoofed"),
			  o->interface);
		return;
	}
	rule(w, "early");
	wr_printf(w, "iifname != \"%s\" %s daddr ", o->interface, family);
	io_prefix_write(w, &t->own);
	wr_str(w, " " DROP("spoofed"));
	rule(w, "early");
	wr_printf(w, "iifname \"%s\" %s saddr != ", o->interface, family);
	io_prefix_write(w, &t->gateway);
	wr_str(w, " " DROP("spoofed"));
	rule(w, "early");
	wr_printf(w, "iifname \"%s\" meta nfproto %s " DROP("spoofed"),
		  o->interface, t->own.is_v6 ? "ipv4" : "ipv6");
}

/* "{ 80, 443 }"; a manifest without ports has no rule that needs it. */
static void write_ports(struct wr *w, const struct manifest *m)
{
	wr_str(w, "{ ");
	for (size_t i = 0; i < m->port_count; i++)
		wr_printf(w, "%s%u", i ? ", " : "", (unsigned)m->ports[i].port);
	wr_str(w, " }");
}

/* "iifname "wg0" ip saddr 10.88.0.1 " */
static void write_from_gateway(struct wr *w, const struct firewall_options *o,
			       const struct firewall_tunnel *t)
{
	wr_printf(w, "iifname \"%s\" %s saddr ", o->interface,
		  t->gateway.is_v6 ? "ip6" : "ip");
	io_prefix_write(w, &t->gateway);
	wr_str(w, " ");
}

/* Neighbours must be found before an IPv6 gateway can be. */
static void write_neighbours(struct wr *w, const struct firewall_options *o,
			     const struct firewall_tunnel *t, const char *chain)
{
	bool has_v6 = is_v6(&o->gateway) || is_v6(&o->collateral) ||
		      (t && is_v6(&t->endpoint));

	for (size_t i = 0; i < o->kms_count; i++)
		has_v6 = has_v6 || is_v6(&o->kms[i]);
	if (has_v6)
		rule_line(w, chain, "icmpv6 type { nd-neighbor-solicit, "
				    "nd-neighbor-advert, nd-router-advert, "
				    "nd-router-solicit } accept\n");
}

static void write_input(struct wr *w, const struct firewall_options *o,
			const struct firewall_tunnel *t)
{
	const struct manifest *m = manifest_of(o);

	rule_line(w, "input", "iifname \"lo\" accept\n");
	rule_line(w, "input", "ct state invalid " DROP("input"));
	rule_line(w, "input", "ct state established,related accept\n");
	write_neighbours(w, o, t, "input");
	if (t) {
		rule(w, "input");
		wr_printf(w, "%s saddr ", family_of(&t->endpoint));
		address_of(w, &t->endpoint);
		wr_printf(w, " udp dport %u accept\n",
			  (unsigned)o->listen_port);
		rule(w, "input");
		write_from_gateway(w, o, t);
		wr_printf(w, "%s type echo-request limit rate 10/second "
			     "accept\n",
			  t->gateway.is_v6 ? "icmpv6" : "icmp");
	}
	if (t && m->port_count) {
		rule(w, "input");
		write_from_gateway(w, o, t);
		wr_str(w, "tcp dport ");
		write_ports(w, m);
		wr_str(w, " accept\n");
	}
	rule_line(w, "input", DROP("input"));
}

/* Docker's bridges: docker0, and br-... for every network of a compose file.
 * Networks are kept apart by Docker's own rules, which come after ours. */
static void write_forward(struct wr *w, const struct firewall_options *o,
			  const struct firewall_tunnel *t)
{
	const struct manifest *m = manifest_of(o);

	rule_line(w, "forward", "ct state invalid " DROP("forward"));
	rule_line(w, "forward", "ct state established,related accept\n");
	if (t && m->port_count) {
		rule(w, "forward");
		write_from_gateway(w, o, t);
		wr_str(w, "ct status dnat meta l4proto tcp "
			  "ct original proto-dst ");
		write_ports(w, m);
		wr_str(w, " accept\n");
	}
	rule_line(w, "forward", "iifname \"br-*\" oifname \"br-*\" accept\n");
	rule_line(w, "forward", "iifname \"docker0\" oifname \"docker0\" "
				"accept\n");
	if (m->allows_egress) {
		rule(w, "forward");
		wr_printf(w, "iifname \"br-*\" oifname != \"%s\" accept\n",
			  o->interface);
		rule(w, "forward");
		wr_printf(w, "iifname \"docker0\" oifname != \"%s\" "
			     "accept\n",
			  o->interface);
	}
	rule_line(w, "forward", DROP("forward"));
}

/* A TCP server outside; zero: none. */
static void write_output_to(struct wr *w, const struct sock_addr *server)
{
	if (server->sa.sa_family == AF_UNSPEC)
		return;
	rule(w, "output");
	wr_printf(w, "%s daddr ", family_of(server));
	address_of(w, server);
	wr_printf(w, " tcp dport %u accept\n", port_of(server));
}

static void write_output(struct wr *w, const struct firewall_options *o,
			 const struct firewall_tunnel *t)
{
	rule_line(w, "output", "oifname \"lo\" accept\n");
	rule_line(w, "output", "ct state established,related accept\n");
	write_neighbours(w, o, t, "output");
	write_output_to(w, &o->gateway);
	write_output_to(w, &o->collateral);
	for (size_t i = 0; i < o->kms_count; i++)
		write_output_to(w, &o->kms[i]);
	if (t) {
		rule(w, "output");
		wr_printf(w, "%s daddr ", family_of(&t->endpoint));
		address_of(w, &t->endpoint);
		wr_printf(w, " udp dport %u accept\n", port_of(&t->endpoint));
	}
	rule_line(w, "output", "oifname \"br-*\" accept\n");
	rule_line(w, "output", "oifname \"docker0\" accept\n");
	if (manifest_of(o)->allows_egress)
		rule_line(w, "output", "meta l4proto { tcp, udp } th dport 53 "
				       "accept\n");
	if (manifest_of(o)->ingress.domain_count) {
		rule(w, "output");
		wr_printf(w, "oifname != \"%s\" meta skgid %u "
			     "meta l4proto { tcp, udp } accept\n",
			  o->interface, (unsigned)INGRESS_GROUP);
	}
	rule_line(w, "output", DROP("output"));
}

void firewall_write(struct wr *w, const struct firewall_options *options,
		    const struct firewall_tunnel *tunnel)
{
	write_frame(w);
	write_early(w, options, tunnel);
	write_input(w, options, tunnel);
	write_forward(w, options, tunnel);
	write_output(w, options, tunnel);
}

/* ---- the kernel ---- */

static void wipe_line_ends(char *s)
{
	for (; *s; s++)
		if (*s == '\n' || *s == '\t')
			*s = ' ';
}

/* The whole text is one transaction: all of it is in force, or none. */
static enum rc run(struct firewall *f, const char *commands,
		   char error[NODE_ERROR_MAX])
{
	char *why;

	if (nft_run_cmd_from_buffer(f->nft, commands) == 0)
		return RC_OK;
	why = mem_dup(nft_ctx_get_error_buffer(f->nft));
	wipe_line_ends(why);
	error_set(error, "nftables: %s", why);
	free(why);
	return RC_DENIED;
}

enum rc firewall_set_tunnel(struct firewall *f,
			    const struct firewall_tunnel *tunnel,
			    char error[NODE_ERROR_MAX])
{
	AUTO(mem_auto_free)
	char *text = mem_new(FIREWALL_TEXT_MAX);
	struct wr w = wr_over(text, FIREWALL_TEXT_MAX - 1);
	struct span all;

	firewall_write(&w, &f->options, tunnel);
	if (!wr_done(&w, &all)) {
		error_set(error, "nftables: the rules are too long");
		return RC_LIMIT;
	}
	return run(f, text, error);
}

enum rc firewall_set_manifest(struct firewall *f, const struct manifest *m,
			      char error[NODE_ERROR_MAX])
{
	f->options.manifest = m;
	return firewall_set_tunnel(f, NULL, error);
}

/*
 * Who was connected before the table came would go on as "established".  A
 * kernel that keeps track of connections but does not let them be deleted
 * answers EINVAL; the table is then all there is.
 */
static enum rc forget_connections(char error[NODE_ERROR_MAX])
{
	struct {
		struct nlmsghdr head;
		struct nfgenmsg family; /* any; no attribute: all of them */
	} all = {
		.head = { .nlmsg_len = sizeof(all),
			  .nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 |
					IPCTNL_MSG_CT_DELETE,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.family = { .nfgen_family = AF_UNSPEC,
			    .version = NFNETLINK_V0 },
	};
	struct netlink *n = NULL;
	enum rc rc = netlink_open(&n, NETLINK_NETFILTER);
	int why;

	if (!rc)
		rc = netlink_ask(n, &all.head, NULL, NULL);
	why = errno;
	netlink_close(n);
	if (!rc || (rc == RC_SYS && why == EINVAL))
		return RC_OK;
	error_set(error, "conntrack: %s", strerror(why));
	return rc;
}

enum rc firewall_open(struct firewall **out,
		      const struct firewall_options *options,
		      char error[NODE_ERROR_MAX])
{
	struct firewall *f = mem_new(sizeof(*f));
	enum rc rc = RC_SYS;

	f->options = *options;
	f->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!f->nft || nft_ctx_buffer_output(f->nft) ||
	    nft_ctx_buffer_error(f->nft))
		error_set(error, "nftables: no context");
	else
		rc = firewall_set_tunnel(f, NULL, error);
	if (!rc)
		rc = forget_connections(error);
	if (rc) {
		firewall_free(f);
		return rc;
	}
	*out = f;
	return RC_OK;
}

void firewall_free(struct firewall *f)
{
	if (!f)
		return;
	if (f->nft)
		nft_ctx_free(f->nft);
	free(f);
}

static void take_counter(struct firewall_drops *out, const json_t *counter)
{
	const char *name = json_string_value(json_object_get(counter, "name"));
	uint64_t packets = (uint64_t)json_integer_value(
		json_object_get(counter, "packets"));

	if (!name)
		return;
	if (strcmp(name, "dropped_spoofed") == 0)
		out->spoofed = packets;
	else if (strcmp(name, "dropped_input") == 0)
		out->input = packets;
	else if (strcmp(name, "dropped_forward") == 0)
		out->forward = packets;
	else if (strcmp(name, "dropped_output") == 0)
		out->output = packets;
}

bool firewall_drops(struct firewall *f, struct firewall_drops *out)
{
	struct firewall_drops drops = { 0 };
	json_t *all, *list, *item;
	size_t i;
	int failed;

	nft_ctx_output_set_flags(f->nft, NFT_CTX_OUTPUT_JSON);
	failed = nft_run_cmd_from_buffer(f->nft, "list counters table " TABLE);
	nft_ctx_output_set_flags(f->nft, 0);
	if (failed)
		return false;
	all = json_loads(nft_ctx_get_output_buffer(f->nft), 0, NULL);
	list = json_object_get(all, "nftables");
	json_array_foreach(list, i, item)
	{
		const json_t *counter = json_object_get(item, "counter");

		if (counter)
			take_counter(&drops, counter);
	}
	if (list)
		*out = drops;
	failed = !list;
	json_decref(all);
	return !failed;
}
