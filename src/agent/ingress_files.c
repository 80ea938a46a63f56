#include "agent/ingress_files.h"

#include <string.h>

#include "base/text.h"

/* Its name; no app and no domain can be under it (RFC 6761 §6.4). */
#define BASE "ingress.invalid"
#define LETS_ENCRYPT "https://acme-v02.api.letsencrypt.org/directory"

/* In double quotes, where nothing is special but these and what cannot be seen
 * (YAML 1.2 §5.7). */
static void quoted(struct wr *w, const char *text)
{
	wr_str(w, "\"");
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			wr_printf(w, "\\%c", c);
		else if (c < ' ' || c == 0x7f)
			wr_printf(w, "\\x%02x", c);
		else
			wr_u8(w, c);
	}
	wr_str(w, "\"");
}

/* "key: "text"", unless there is no text. */
static void line(struct wr *w, const char *key, const char *text)
{
	if (!text || !text[0])
		return;
	wr_printf(w, "%s: ", key);
	quoted(w, text);
	wr_str(w, "\n");
}

/* Of a file or socket in the folder. */
static void line_at(struct wr *w, const char *key,
		    const struct ingress_places *places, const char *file)
{
	char path[256] = "";
	struct wr p = wr_over(path, sizeof(path) - 1);

	wr_printf(&p, "%s/%s", places->folder, file);
	w->over |= p.over;
	line(w, key, path);
}

/* ---- edge.yaml ---- */

static const struct manifest_port *listener(const struct manifest *m)
{
	for (size_t i = 0; i < m->port_count; i++)
		if (m->ports[i].port == INGRESS_PORT)
			return &m->ports[i];
	return NULL;
}

/*
 * Nobody but the gateway comes here, by the firewall.  With a PROXY header it
 * says whom it stands for; without one all are one source to us, and the limits
 * of a source are the gateway's matter.
 */
static void write_clients(struct wr *w, const struct manifest *m)
{
	const struct manifest_port *port = listener(m);

	if (port && port->proxy_protocol)
		wr_str(w, "proxy_protocol:\n"
			  "  from: [ 0.0.0.0/0 ]\n");
	else
		wr_str(w, "limits:\n"
			  "  connections: 8192\n"
			  "  per_source: 8192\n"
			  "  source_rate: 0\n");
}

static void write_backend(struct wr *w, const struct manifest_ingress *g,
			  const struct ingress_domain *d)
{
	static const char *const alpns[] = {
		[INGRESS_HTTP] = "http/1.1",
		[INGRESS_H2] = "h2",
		[INGRESS_TCP] = "none",
	};

	wr_str(w, "  - names: [ ");
	quoted(w, d->name);
	wr_printf(w,
		  " ]\n"
		  "    to: 127.0.0.1:%u\n"
		  "    alpn: %s\n"
		  "    forwarded: %s\n",
		  (unsigned)d->backend, alpns[g->protocol],
		  g->is_forwarding ? "true" : "false");
}

void ingress_write_edge(struct wr *w, const struct manifest *m,
			const struct ingress_places *places)
{
	const struct manifest_ingress *g = &m->ingress;

	wr_printf(w,
		  "base: " BASE "\n"
		  "listen: [ \"0.0.0.0:%u\" ]\n"
		  "store: \"\"\n"
		  "cert:\n",
		  (unsigned)INGRESS_PORT);
	line_at(w, "  keys", places, "cert-keys.sock");
	line_at(w, "  public", places, "cert-public.sock");
	wr_str(w, "backends:\n");
	for (size_t i = 0; i < g->domain_count; i++)
		write_backend(w, g, &g->domains[i]);
	write_clients(w, m);
	line_at(w, "admin", places, "edge.sock");
	line_at(w, "pid_file", places, "edge.pid");
	wr_str(w, "timeouts:\n"
		  "  drain: 1s\n");
}

/* ---- cert.yaml ---- */

static void write_names(struct wr *w, const struct manifest_ingress *g)
{
	wr_str(w, "certificates:\n");
	for (size_t i = 0; i < g->domain_count; i++) {
		wr_str(w, "  - names: [ ");
		quoted(w, g->domains[i].name);
		wr_str(w, " ]\n");
	}
	wr_str(w, "challenges: [ ");
	for (size_t i = 0; i < g->challenge_count; i++)
		wr_printf(w, "%s%s", i ? ", " : "",
			  ingress_challenge_name(g->challenges[i]));
	wr_str(w, " ]\n");
}

static void write_authority(struct wr *w, const struct manifest_ingress *g,
			    const struct config_ingress *c)
{
	const char *directory = g->directory;

	if (!directory[0])
		directory = c->directory ? c->directory : LETS_ENCRYPT;
	wr_str(w, "authorities:\n");
	line(w, "  - directory", directory);
	line(w, "    ca", c->ca);
	line(w, "    roots", c->roots);
	wr_str(w, "    agree: true\n");
}

/* Each is one way into the DNS, and they are compared. */
static void write_resolvers(struct wr *w, const struct conf_list *resolvers)
{
	const struct sock_addr *at = resolvers->items;

	wr_str(w, "  resolvers: [ ");
	if (resolvers->count == 0)
		wr_str(w, "1.1.1.1:53, 8.8.8.8:53, 9.9.9.9:53");
	for (size_t i = 0; i < resolvers->count; i++) {
		wr_str(w, i ? ", \"" : "\"");
		sock_addr_write(w, &at[i]);
		wr_str(w, "\"");
	}
	wr_str(w, " ]\n");
}

static void write_dns(struct wr *w, const struct manifest_ingress *g,
		      const struct config_ingress *c)
{
	wr_str(w, "dns:\n");
	write_resolvers(w, &c->resolvers);
	line(w, "  anchors", c->anchors);
	wr_printf(w, "  port: %llu\n", (unsigned long long)c->port);
	line(w, "  hook", g->hook);
	/* Nothing is ordered before CAA pins this account. */
	wr_str(w, "caa:\n"
		  "  pin: true\n");
}

static void write_ct(struct wr *w, const struct config_ingress_ct *ct)
{
	const struct config_searcher *s = ct->aggregators.items;

	if (!ct->list)
		return;
	wr_str(w, "ct:\n");
	line(w, "  list", ct->list);
	line(w, "  list_key", ct->list_key);
	line(w, "  ca", ct->ca);
	wr_printf(w,
		  "  follow: %s\n"
		  "  interval: %llums\n"
		  "  aggregators:\n",
		  ct->follow ? "true" : "false",
		  (unsigned long long)ct->interval_ms);
	for (size_t i = 0; i < ct->aggregators.count; i++) {
		line(w, "    - name", s[i].name);
		line(w, "      kind", config_searchers[s[i].kind]);
		line(w, "      url", s[i].url);
	}
	if (ct->aggregators.count == 0)
		wr_str(w, "    []\n");
}

/* Whom the agent asks for its own keys, by what it goes. */
static void write_kms(struct wr *w, const struct config *c)
{
	const struct sock_addr *at = c->kms.addresses.items;
	const struct span app = SPAN_ARRAY(c->kms.app);

	if (!c->kms.addresses.count)
		return;
	wr_str(w, "kms:\n  addresses: [ ");
	for (size_t i = 0; i < c->kms.addresses.count; i++) {
		wr_str(w, i ? ", \"" : "\"");
		sock_addr_write(w, &at[i]);
		wr_str(w, "\"");
	}
	wr_str(w, " ]\n");
	if (!span_is_zero(app)) {
		wr_str(w, "  app: \"");
		text_hex(w, app);
		wr_str(w, "\"\n");
	}
	wr_str(w, "  trust:\n");
	line(w, "    policy", c->trust.policy);
	line(w, "    collateral", c->trust.collateral);
	line(w, "    simulated_root", c->trust.simulated_root);
}

void ingress_write_cert(struct wr *w, const struct manifest *m,
			const struct config *c,
			const struct ingress_places *places)
{
	line(w, "node", c->node);
	line(w, "manifest", c->manifest);
	line(w, "state", places->state);
	line(w, "instance", c->state);
	if (c->quotes.simulator) {
		wr_str(w, "quotes:\n");
		line(w, "  simulator", c->quotes.simulator);
	}
	write_kms(w, c);
	line(w, "collateral", c->trust.collateral);
	write_names(w, &m->ingress);
	write_authority(w, &m->ingress, &c->ingress);
	write_dns(w, &m->ingress, &c->ingress);
	write_ct(w, &c->ingress.ct);
	line_at(w, "admin", places, "cert.sock");
	line_at(w, "keys", places, "cert-keys.sock");
	line_at(w, "public", places, "cert-public.sock");
	line_at(w, "edge", places, "edge.sock");
}
