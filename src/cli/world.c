#include "cli/world.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/domains.h"
#include "cli/fmt.h"
#include "cli/net.h"
#include "io/file.h"

/* Of its servers, at the address that the network in the middle has. */
#define CA_PORT "14000" /* the three after it: CRLs, logs, aggregators */
#define SEARCHES "https://" NET_HOSTILE_ADDRESS ":14003"
#define RESOLVER_PORT "5300"

/* Writes TXT and CAA, and nothing else. */
#define UPDATE_KEY "challenge."

enum {
	ARENA_MAX = 256 * 1024,
	STOP_MS = 6000,
};

static enum rc say(char error[PLAN_ERROR_MAX], const char *what)
{
	(void)snprintf(error, PLAN_ERROR_MAX, "%.400s: %s", what,
		       strerror(errno));
	return RC_SYS;
}

bool world_certifies(const struct cloud *c, const struct cloud_gateway *g)
{
	return c->world && g->is_public;
}

/* The aggregators are the last to start: their socket says that all do. */
struct service world_service(const struct cloud *c, const char *state,
			     struct arena *arena)
{
	const char *resolver = fmt(arena, "%s:" RESOLVER_PORT,
				   NET_HOSTILE_ADDRESS);

	return (struct service){
		.name = "world",
		.argv = { c->world, "--dir", fmt(arena, "%s/world", state),
			  "--zone", c->base, "--records",
			  fmt(arena, "%s/world.records", state), "--zones",
			  fmt(arena, "%s/world.zones", state), "--address",
			  NET_HOSTILE_ADDRESS, "--resolver", resolver, "--port",
			  CA_PORT },
		.ready = fmt(arena, "unix:%s/world/agg.sock", state),
		.stop_ms = STOP_MS,
	};
}

/* Every name below the base leads to the public gateway, as seen from the
 * network in the middle, and so do the custom domains. */
static enum rc write_records(const struct plan *p, struct arena *a,
			     char error[PLAN_ERROR_MAX])
{
	const char *path = fmt(a, "%s/world.records", p->places.state);
	const char *zones = fmt(a, "%s/world.zones", p->places.state);
	AUTO(mem_auto_free)
	struct domains *domains = mem_new(sizeof(*domains));
	const char *text = "";

	domains_of(domains, p->cloud, a);
	for (size_t i = 0; i < p->cloud->gateways.count; i++) {
		const struct cloud_gateway *g = cloud_gateway(p->cloud, i);

		if (g->is_public)
			text = fmt(a,
				   "%s. 60 A %s\n"
				   "*.%s. 60 A %s\n"
				   "%s",
				   p->cloud->base, g->address, p->cloud->base,
				   g->address,
				   domains_records(domains, g->address, a));
	}
	if (fmt_file(zones, 0644, domains_zones(domains, p->cloud->base, a)))
		return say(error, zones);
	return fmt_file(path, 0644, text) ? say(error, path) : RC_OK;
}

enum rc world_prepare(const struct plan *p, char error[PLAN_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a;
	const char *path;

	arena_init(&a, ARENA_MAX);
	path = fmt(&a, "%s/world", p->places.state);
	if (fmt_remove_tree(path))
		return say(error, path);
	for (size_t i = PLAN_FIRST_NODE; i < p->count; i++) {
		path = fmt(&a, "%s/postern/cert", p->machines[i].spec.lib);
		if (fmt_remove_tree(path))
			return say(error, path);
		path = fmt(&a, "%s/postern/ingress", p->machines[i].spec.lib);
		if (fmt_remove_tree(path))
			return say(error, path);
	}
	return write_records(p, &a, error);
}

/* ---- what a gateway is told ---- */

static enum rc copy_all(const struct plan *p, const struct machine *m,
			struct arena *a, char error[PLAN_ERROR_MAX])
{
	static const char *const files[][2] = {
		{ "transport/transport.pem", "world/acme-ca.pem" },
		{ "ca/roots.pem", "world/roots.pem" },
		{ "dns/anchor.ds", "world/anchor.ds" },
		{ "ct/log_list.json", "world/log_list.json" },
		{ "ct/log_list.sig", "world/log_list.sig" },
		{ "ct/log_list.pub", "world/log_list.pub" },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const char *from = fmt(a, "%s/world/%s", p->places.state,
				       files[i][0]);

		if (fmt_copy(fmt(a, "%s/%s", m->conf, files[i][1]), from, 0644))
			return say(error, from);
	}
	return RC_OK;
}

/* The folder that they are copied to. */
static enum rc make_folder(const struct machine *m, struct arena *a,
			   char error[PLAN_ERROR_MAX])
{
	const char *folder = fmt(a, "%s/world", m->conf);

	return file_make_dirs(folder, 0755) ? say(error, folder) : RC_OK;
}

static enum rc write_secret(const struct plan *p, const struct machine *m,
			    struct arena *a, char error[PLAN_ERROR_MAX])
{
	const char *from = fmt(a, "%s/world/dns/keys.json", p->places.state);
	const char *to = fmt(a, "%s/world/tsig", m->conf);
	json_t *keys = json_load_file(from, 0, NULL);
	const char *secret = NULL;
	enum rc rc;

	if (json_unpack(keys, "{s:{s:s}}", UPDATE_KEY, "secret", &secret)) {
		(void)snprintf(error, PLAN_ERROR_MAX,
			       "%.400s: no key " UPDATE_KEY, from);
		rc = RC_MALFORMED;
	} else {
		rc = fmt_file(to, 0600, fmt(a, "%s\n", secret)) ? say(error, to)
								: RC_OK;
	}
	json_decref(keys);
	return rc;
}

static enum rc write_config(const struct plan *p, const struct machine *m,
			    struct arena *a, char error[PLAN_ERROR_MAX])
{
	const char *path = fmt(a, "%s/cert.yaml", m->conf);
	const char *text = fmt(
		a,
		"node: %s\n"
		"manifest: /etc/postern/manifest.json\n"
		"state: /var/lib/postern/cert\n"
		"instance: /var/lib/postern/store\n"
		"quotes:\n"
		"  simulator: /run/postern/tee.sock\n"
		"collateral: /var/lib/postern/collateral\n"
		"certificates:\n"
		"  - names: [ \"*.%s\", gateway.%s ]\n"
		"authorities:\n"
		"  - directory: https://" NET_HOSTILE_ADDRESS ":" CA_PORT
		"/dir\n"
		"    ca: /etc/postern/world/acme-ca.pem\n"
		"    roots: /etc/postern/world/roots.pem\n"
		"    agree: true\n"
		"challenges: [ dns-01 ]\n"
		"dns:\n"
		"  resolvers:\n"
		"    - " NET_HOSTILE_ADDRESS ":" RESOLVER_PORT "\n"
		"  anchors: /etc/postern/world/anchor.ds\n"
		"  update:\n"
		"    server: " NET_HOSTILE_ADDRESS ":53\n"
		"    key: " UPDATE_KEY "\n"
		"    secret_file: /etc/postern/world/tsig\n"
		"ct:\n"
		"  list: /etc/postern/world/log_list.json\n"
		"  list_key: /etc/postern/world/log_list.pub\n"
		"  follow: true\n"
		"  aggregators:\n"
		"    - { name: crt-sh, kind: crt.sh, url: \"" SEARCHES "\" }\n"
		"    - { name: spotter, kind: certspotter, "
		"url: \"" SEARCHES "\" }\n"
		"  ca: /etc/postern/world/acme-ca.pem\n"
		"  interval: 2s\n"
		"admin: /run/postern/cert.sock\n"
		"keys: /run/postern/cert-keys.sock\n"
		"public: /run/postern/cert-public.sock\n"
		"edge: /run/postern/edge-admin.sock\n"
		"log: info\n",
		m->spec.name, p->cloud->base, p->cloud->base);

	return fmt_file(path, 0644, text) ? say(error, path) : RC_OK;
}

enum rc world_settle(const struct plan *p, const struct machine *m,
		     char error[PLAN_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a;
	const char *roots;
	enum rc rc;

	arena_init(&a, ARENA_MAX);
	roots = fmt(&a, "%s/world/ca/roots.pem", p->places.state);
	rc = make_folder(m, &a, error);
	if (rc)
		return rc;
	if (fmt_copy(fmt(&a, "%s/ca.pem", p->places.state), roots, 0644))
		return say(error, roots);
	rc = copy_all(p, m, &a, error);
	if (!rc)
		rc = write_secret(p, m, &a, error);
	return rc ? rc : write_config(p, m, &a, error);
}

/* ---- where custom domains lead, and what a CVM is told ---- */

const char *world_edge_text(const struct cloud *c,
			    const struct cloud_gateway *g)
{
	if (!world_certifies(c, g))
		return "";
	return "dns:\n"
	       "  servers: [ \"" NET_HOSTILE_ADDRESS ":" RESOLVER_PORT "\" ]\n"
	       "  anchor: /etc/postern/world/anchor.ds\n"
	       "  require_dnssec: true\n";
}

static const char ingress_text[] =
	"ingress:\n"
	"  directory: https://" NET_HOSTILE_ADDRESS ":" CA_PORT "/dir\n"
	"  ca: /etc/postern/world/acme-ca.pem\n"
	"  roots: /etc/postern/world/roots.pem\n"
	"  resolvers:\n"
	"    - " NET_HOSTILE_ADDRESS ":" RESOLVER_PORT "\n"
	"  anchors: /etc/postern/world/anchor.ds\n"
	"  ct:\n"
	"    list: /etc/postern/world/log_list.json\n"
	"    list_key: /etc/postern/world/log_list.pub\n"
	"    ca: /etc/postern/world/acme-ca.pem\n"
	"    follow: true\n"
	"    interval: 2s\n"
	"    aggregators:\n"
	"      - { name: crt-sh, kind: crt.sh, url: \"" SEARCHES "\" }\n"
	"      - { name: spotter, kind: certspotter, url: \"" SEARCHES "\" }\n";

enum rc world_settle_ingress(const char **text, const struct plan *p,
			     const struct machine *m,
			     char error[PLAN_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a;
	enum rc rc;

	arena_init(&a, ARENA_MAX);
	*text = "";
	if (!p->cloud->world || !domains_has(m->cvm->manifest))
		return RC_OK;
	rc = make_folder(m, &a, error);
	if (!rc)
		rc = copy_all(p, m, &a, error);
	if (!rc)
		*text = ingress_text;
	return rc;
}
