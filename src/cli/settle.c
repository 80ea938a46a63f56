#include "cli/settle.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/certs.h"
#include "cli/fmt.h"
#include "cli/keyservice.h"
#include "cli/settle_vm.h"
#include "cli/world.h"
#include "io/file.h"
#include "io/proc.h"
#include "manifest/lineage.h"

enum {
	ARENA_MAX = 1024 * 1024,
	POLICY_MAX = 64 * 1024,
	PROGRAM_TIMEOUT_MS = 20000,
	CONTEXT_TIMEOUT_MS = 120000,
	FIRST_POOL = 30, /* of the first CVM: 172.30.0.0/16 */
	POOLS = 12, /* 172.20 to 172.31 are private (RFC 1918) */
	FIRST_PRIVATE = 20,
};

static enum rc say(char error[PLAN_ERROR_MAX], const char *what)
{
	(void)snprintf(error, PLAN_ERROR_MAX, "%.400s: %s", what,
		       strerror(errno));
	return RC_SYS;
}

static enum rc put(const char *path, mode_t mode, const char *text,
		   char error[PLAN_ERROR_MAX])
{
	return fmt_file(path, mode, text) ? say(error, path) : RC_OK;
}

static enum rc copy(const char *to, const char *from,
		    char error[PLAN_ERROR_MAX])
{
	return fmt_copy(to, from, 0644) ? say(error, from) : RC_OK;
}

static const char *image_of(const struct plan *p, const struct machine *m)
{
	if (m->cvm && m->cvm->is_machine)
		return p->places.image->name;
	if (m->kms)
		return m->kms->image;
	return m->cvm ? m->cvm->image : m->gateway->image;
}

static const char *teesim_conf(const struct plan *p, struct arena *a)
{
	return fmt(a, "%s/teesim.yaml", p->machines[PLAN_PLATFORM].conf);
}

enum rc settle_platform(const struct plan *p, char error[PLAN_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a;
	const char *lib = p->machines[PLAN_PLATFORM].spec.lib;
	const char *text;

	arena_init(&a, ARENA_MAX);
	text = fmt(&a,
		   "state: %s\n"
		   "collateral: %s/collateral\n"
		   "root: %s/root.pem\n"
		   "control: %s\n"
		   "tds:\n",
		   lib, lib, lib, p->control);
	for (size_t i = PLAN_FIRST_NODE; i < p->count; i++) {
		const struct machine *m = &p->machines[i];

		text = fmt(&a,
			   "%s"
			   "  - name: %s\n"
			   "    socket: %s\n"
			   "    image: %s\n"
			   "    manifest: %s\n"
			   "    debug: %s\n",
			   text, m->spec.name, m->tee_socket, image_of(p, m),
			   m->manifest,
			   m->cvm && m->cvm->is_debug ? "true" : "false");
		if (m->cvm && m->cvm->is_machine)
			text = fmt(&a, "%s    measured: %s/measured.json\n",
				   text, p->places.image->folder);
	}
	return put(teesim_conf(p, &a), 0644, text, error);
}

enum rc settle_row(struct buf *out, const struct plan *p, const char *image,
		   const char *manifest, char error[PLAN_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a;
	AUTO(buf_fini)
	struct buf row = { 0 };
	struct span said;
	int status;
	enum rc rc;

	arena_init(&a, ARENA_MAX);
	buf_init(&row, POLICY_MAX);
	rc = proc_run((const char *[]){ fmt(&a, "%s/postern-teesim",
					    p->places.bin),
					"--print-policy", image,
					manifest ? "--manifest" : NULL,
					manifest, NULL },
		      (struct span){ 0 }, &row, PROGRAM_TIMEOUT_MS, &status);
	said = buf_span(&row);
	if (!rc && buf_add(out, said))
		return RC_OK;
	(void)snprintf(error, PLAN_ERROR_MAX,
		       "postern-teesim --print-policy %s: %.*s", image,
		       (int)(said.n < 300 ? said.n : 300),
		       (const char *)said.p);
	return rc ? rc : RC_LIMIT;
}

/* One row for each image that nodes of the key service have, all of them with
 * the service's manifest: another would have other administrators. */
static enum rc add_kms_rows(struct buf *out, const struct plan *p,
			    char error[PLAN_ERROR_MAX])
{
	for (size_t i = 0; i < p->cloud->kms.count; i++) {
		const char *image = cloud_kms(p->cloud, i)->image;
		bool is_said = false;
		enum rc rc = RC_OK;

		for (size_t k = 0; k < i; k++)
			is_said = is_said ||
				  strcmp(cloud_kms(p->cloud, k)->image,
					 image) == 0;
		if (!is_said)
			rc = settle_row(out, p, image,
					p->machines[PLAN_FIRST_NODE].manifest,
					error);
		if (rc)
			return rc;
	}
	return RC_OK;
}

/* Gateways ask no key service, and accept none. */
enum asks {
	ASKS_NOBODY,
	ASKS_KMS,
};

/* A policy that accepts one image, and the key service where it is asked. */
static enum rc put_policy(const struct plan *p, const char *path,
			  const char *image, enum asks asks,
			  char error[PLAN_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a;
	AUTO(buf_fini)
	struct buf policy = { 0 };
	struct span text;
	enum rc rc;

	arena_init(&a, ARENA_MAX);
	buf_init(&policy, POLICY_MAX);
	rc = settle_row(&policy, p, image, NULL, error);
	if (!rc && asks == ASKS_KMS)
		rc = add_kms_rows(&policy, p, error);
	if (rc)
		return rc;
	text = buf_span(&policy);
	return put(path, 0644,
		   fmt(&a,
		       "tcb:\n"
		       "  accept: [UpToDate]\n"
		       "images:\n"
		       "%.*s",
		       (int)text.n, (const char *)text.p),
		   error);
}

static enum rc settle_policy(const struct plan *p, const struct machine *m,
			     char error[PLAN_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a;
	const char *path;
	enum rc rc;

	arena_init(&a, ARENA_MAX);
	path = fmt(&a, "%s/policy.yaml", m->conf);
	/* Who gets keys is the release policy's to say. */
	if (m->kms)
		return put(path, 0644, "tcb:\n  accept: [UpToDate]\n", error);
	rc = m->cvm ? put_policy(p, path, m->cvm->accepts, ASKS_KMS, error)
		    : put_policy(p, path, m->gateway->accepts, ASKS_NOBODY,
				 error);
	/* Virtual machines come with another image than the description's. */
	if (!rc && m->gateway && p->places.image)
		rc = settle_vm_policy(p, m, error);
	return rc;
}

enum rc settle_trust(const struct plan *p, char error[PLAN_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a;
	const char *image = NULL;

	arena_init(&a, ARENA_MAX);
	for (size_t i = 0; i < p->cloud->gateways.count; i++) {
		const struct cloud_gateway *g = cloud_gateway(p->cloud, i);

		if (g->is_public)
			image = g->image;
	}
	/* Exactly one is public. */
	return put_policy(p, fmt(&a, "%s/trust.yaml", p->places.state), image,
			  ASKS_KMS, error);
}

/* Every machine: who it is, whom it trusts. */
static enum rc settle_common(const struct plan *p, const struct machine *m,
			     char error[PLAN_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a;
	enum rc rc;

	arena_init(&a, ARENA_MAX);
	rc = copy(fmt(&a, "%s/sim-root.pem", m->conf),
		  fmt(&a, "%s/root.pem", p->machines[PLAN_PLATFORM].spec.lib),
		  error);
	if (!rc)
		rc = copy(fmt(&a, "%s/manifest.json", m->conf), m->manifest,
			  error);
	/* No resolver: nobody on the network in between is to be asked. */
	if (!rc)
		rc = put(fmt(&a, "%s/resolv.conf", m->spec.etc), 0644, "",
			 error);
	if (!rc)
		rc = put(fmt(&a, "%s/hosts", m->spec.etc), 0644,
			 fmt(&a, "127.0.0.1 localhost %s\n::1 localhost\n",
			     m->spec.name),
			 error);
	return rc ? rc : settle_policy(p, m, error);
}

static const char *const trust_text =
	"trust:\n"
	"  policy: /etc/postern/policy.yaml\n"
	"  collateral: /var/lib/postern/collateral\n"
	"  simulated_root: /etc/postern/sim-root.pem\n"
	"quotes:\n"
	"  simulator: /run/postern/tee.sock\n";

/* The labels under which a gateway serves apps are its operator's choice. */
static enum rc aliases_text(const char **out, const struct plan *p,
			    struct arena *a, char error[PLAN_ERROR_MAX])
{
	const char *text = "";

	for (size_t i = PLAN_FIRST_NODE; i < p->count; i++) {
		const struct cloud_cvm *c = p->machines[i].cvm;
		AUTO(buf_fini)
		struct buf json = { 0 };
		uint8_t id[MANIFEST_ID_LEN];
		char hex[2 * MANIFEST_ID_LEN + 1] = "";
		struct wr w = wr_over(hex, sizeof(hex) - 1);

		if (!c || !c->alias)
			continue;
		buf_init(&json, MANIFEST_MAX);
		if (file_read(&json, p->machines[i].manifest))
			return say(error, p->machines[i].manifest);
		if (lineage_of(id, buf_span(&json)))
			continue; /* its agent says what is wrong with it */
		text_hex(&w, SPAN_ARRAY(id));
		text = fmt(a, "%s  - { label: %s, app: %s }\n", text, c->alias,
			   hex);
	}
	*out = *text ? fmt(a, "aliases:\n%s", text) : "";
	return RC_OK;
}

static enum rc settle_registrar(const struct plan *p, const struct machine *m,
				char error[PLAN_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a;
	const char *aliases = "";
	enum rc rc;

	arena_init(&a, ARENA_MAX);
	rc = aliases_text(&aliases, p, &a, error);
	if (rc)
		return rc;
	return put(fmt(&a, "%s/registrar.yaml", m->conf), 0644,
		   fmt(&a,
		       "base: %s\n"
		       "node: %s\n"
		       "listen: unix:/run/postern/registrar.sock\n"
		       "admin: /run/postern/admin.sock\n"
		       "status: /run/postern/status.sock\n"
		       "store: /var/lib/postern/store\n"
		       "manifest: /etc/postern/manifest.json\n"
		       "%s"
		       "wireguard:\n"
		       "  interface: wg0\n"
		       "  listen_port: 51820\n"
		       "  endpoint: %s:51820\n"
		       "  address: 10.88.0.1/16\n"
		       "lease: %llums\n"
		       "%s"
		       "log: info\n",
		       p->cloud->base, m->spec.name, trust_text, m->address,
		       (unsigned long long)p->cloud->lease_ms, aliases),
		   error);
}

static enum rc settle_edge(const struct plan *p, const struct machine *m,
			   char error[PLAN_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a;
	const char *listen, *certificate;

	arena_init(&a, ARENA_MAX);
	certificate = world_certifies(p->cloud, m->gateway)
			      ? "cert:\n"
				"  keys: /run/postern/cert-keys.sock\n"
				"  public: /run/postern/cert-public.sock\n"
			      : "certificate:\n"
				"  chain: /etc/postern/tls/chain.pem\n"
				"  key: /etc/postern/tls/key.pem\n";
	listen = fmt(&a, "\"%s:443\"", m->address);
	for (unsigned i = 0;
	     m->gateway->is_public && i < p->places.public_count; i++)
		listen = fmt(&a, "\"inherit:%u\", %s", i, listen);
	return put(fmt(&a, "%s/edge.yaml", m->conf), 0644,
		   fmt(&a,
		       "base: %s\n"
		       "listen: [ %s ]\n"
		       "store: /var/lib/postern/store\n"
		       "%s"
		       "%s"
		       "registrar: unix:/run/postern/registrar.sock\n"
		       "status: unix:/run/postern/status.sock\n"
		       "tunnel: 10.88.0.1/16\n"
		       "admin: /run/postern/edge-admin.sock\n"
		       "metrics: /run/postern/edge-metrics.sock\n"
		       "pid_file: /run/postern/edge.pid\n"
		       "log: info\n"
		       "log_format: json\n",
		       p->cloud->base, listen, certificate,
		       world_edge_text(p->cloud, m->gateway)),
		   error);
}

/* Where the world has a CA, a gateway that it does not certify has an authority
 * of its own, which nobody trusts. */
static enum rc settle_web(const struct plan *p, const struct machine *m,
			  char error[PLAN_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a;
	const char *tls, *authority = p->places.state;

	arena_init(&a, ARENA_MAX);
	if (world_certifies(p->cloud, m->gateway))
		return world_settle(p, m, error);
	tls = fmt(&a, "%s/tls", m->conf);
	if (p->cloud->world)
		authority = tls;
	if (file_make_dirs(tls, 0750))
		return say(error, tls);
	if (certs_authority(authority, error))
		return RC_SYS;
	return certs_issue(authority, p->cloud->base, tls, error);
}

static enum rc settle_gateway(const struct plan *p, const struct machine *m,
			      char error[PLAN_ERROR_MAX])
{
	enum rc rc = settle_common(p, m, error);

	if (!rc)
		rc = settle_registrar(p, m, error);
	if (!rc)
		rc = settle_edge(p, m, error);
	return rc ? rc : settle_web(p, m, error);
}

/* Of all nodes of the key service but one (NULL: of all). */
static const char *addresses_text(const struct plan *p,
				  const struct machine *but, struct arena *a)
{
	const char *text = "";

	for (size_t i = PLAN_FIRST_NODE; i < p->count; i++) {
		const struct machine *m = &p->machines[i];

		if (m->kms && m != but)
			text = fmt(a, "%s%s\"%s:%d\"", text, *text ? ", " : "",
				   m->address, KEYSERVICE_PORT);
	}
	return text;
}

static enum rc settle_kms(const struct plan *p, const struct machine *m,
			  char error[PLAN_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a;
	enum rc rc;

	arena_init(&a, ARENA_MAX);
	rc = settle_common(p, m, error);
	if (rc)
		return rc;
	return put(fmt(&a, "%s/kms.yaml", m->conf), 0644,
		   fmt(&a,
		       "node: %s\n"
		       "listen: \"%s:%d\"\n"
		       "manifest: /etc/postern/manifest.json\n"
		       "peers: [ %s ]\n"
		       "%s"
		       "log: info\n",
		       m->spec.name, m->address, KEYSERVICE_PORT,
		       addresses_text(p, m, &a), trust_text),
		   error);
}

/* No default bridge and no proxy processes: an app has the networks of its
 * compose file, and what reaches it is the firewall's to say. */
static enum rc settle_docker(const struct plan *p, const struct machine *m,
			     size_t index, char error[PLAN_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a;
	struct rlimit files;
	unsigned pool = FIRST_PRIVATE +
			(FIRST_POOL - FIRST_PRIVATE + (unsigned)index) % POOLS;

	arena_init(&a, ARENA_MAX);
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return say(error, "limit of open files");
	if (file_make_dirs(fmt(&a, "%s/docker", m->spec.etc), 0755))
		return say(error, m->spec.etc);
	return put(fmt(&a, "%s/docker/daemon.json", m->spec.etc), 0644,
		   fmt(&a,
		       "{\n"
		       "  \"bridge\": \"none\",\n"
		       "  \"userland-proxy\": false,\n"
		       "  \"default-address-pools\": "
		       "[{\"base\": \"172.%u.0.0/16\", \"size\": 24}],\n"
		       "  \"cgroup-parent\": \"/postern.%s.%s\",\n"
		       "  \"default-ulimits\": {\"nofile\": {\"Name\": "
		       "\"nofile\", \"Soft\": %llu, \"Hard\": %llu}},\n"
		       "  \"oom-score-adjust\": 0,\n"
		       "  \"log-level\": \"warn\"\n"
		       "}\n",
		       pool, p->cloud->name, m->spec.name,
		       (unsigned long long)files.rlim_max,
		       (unsigned long long)files.rlim_max),
		   error);
}

static enum rc settle_cvm(const struct plan *p, const struct machine *m,
			  size_t index, char error[PLAN_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena a;
	bool has_engine = m->cvm->engine == CLOUD_DOCKER;
	const char *ingress = "", *kms;
	enum rc rc;

	arena_init(&a, ARENA_MAX);
	rc = settle_common(p, m, error);
	if (!rc && has_engine)
		rc = settle_docker(p, m, index, error);
	if (!rc)
		rc = world_settle_ingress(&ingress, p, m, error);
	if (rc)
		return rc;
	kms = addresses_text(p, NULL, &a);
	if (*kms)
		kms = fmt(&a, "kms:\n  addresses: [ %s ]\n", kms);
	return put(fmt(&a, "%s/agent.yaml", m->conf), 0644,
		   fmt(&a,
		       "node: %s\n"
		       "gateway:\n"
		       "  address: %s\n"
		       "  name: gateway.%s\n"
		       "manifest: /etc/postern/manifest.json\n"
		       "state: /var/lib/postern\n"
		       "%s"
		       "%s"
		       "wireguard:\n"
		       "  interface: wg0\n"
		       "  listen_port: 51821\n"
		       "firewall: true\n"
		       "containers:\n"
		       "  engine: %s\n"
		       "  socket: /run/docker.sock\n"
		       "%s"
		       "log: info\n",
		       m->spec.name, m->cvm->gateway, p->cloud->base,
		       trust_text, kms, has_engine ? "docker" : "none",
		       ingress),
		   error);
}

enum rc settle_machines(const struct plan *p, char error[PLAN_ERROR_MAX])
{
	size_t cvms = 0;
	enum rc rc = RC_OK;

	for (size_t i = PLAN_FIRST_NODE; !rc && i < p->count; i++) {
		const struct machine *m = &p->machines[i];

		if (m->cvm && m->cvm->is_machine)
			rc = settle_vm(p, m, error);
		else if (m->cvm)
			rc = settle_cvm(p, m, cvms++, error);
		else if (m->kms)
			rc = settle_kms(p, m, error);
		else
			rc = settle_gateway(p, m, error);
	}
	return rc;
}

static enum rc build_context(const struct plan *p, const struct machine *m,
			     size_t index, char error[PLAN_ERROR_MAX])
{
	const char *const *contexts = m->cvm->contexts.items;
	AUTO(arena_fini)
	struct arena a;
	AUTO(buf_fini)
	struct buf out = { 0 };
	const char *to, *script;
	struct span said;
	int status;

	arena_init(&a, ARENA_MAX);
	buf_init(&out, POLICY_MAX);
	to = fmt(&a, "%s/postern/images/%zu", m->spec.lib, index);
	script = fmt(&a, "%s/context", contexts[index]);
	if (fmt_remove_tree(to) || file_make_dirs(to, 0755))
		return say(error, to);
	/* It gets: the folder to fill, one for what the app's users need, our
	 * programs, and the app's public name. */
	if (proc_run((const char *[]){ script, to,
				       fmt(&a, "%s/%s", p->places.state,
					   m->spec.name),
				       p->places.bin, p->cloud->base, NULL },
		     (struct span){ 0 }, &out, CONTEXT_TIMEOUT_MS,
		     &status) == RC_OK)
		return RC_OK;
	said = buf_span(&out);
	(void)snprintf(error, PLAN_ERROR_MAX, "%.200s: %.*s", script,
		       (int)(said.n < 250 ? said.n : 250),
		       (const char *)said.p);
	return RC_DENIED;
}

enum rc settle_images(const struct plan *p, char error[PLAN_ERROR_MAX])
{
	for (size_t i = PLAN_FIRST_NODE; i < p->count; i++) {
		const struct machine *m = &p->machines[i];

		for (size_t k = 0; m->cvm && m->cvm->engine == CLOUD_DOCKER &&
				   !m->cvm->is_machine &&
				   k < m->cvm->contexts.count;
		     k++) {
			enum rc rc = build_context(p, m, k, error);

			if (rc)
				return rc;
		}
	}
	return RC_OK;
}
