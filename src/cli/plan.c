#include "cli/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/fmt.h"
#include "cli/keyservice.h"
#include "cli/world.h"
#include "io/file.h"

enum {
	DOCKERD_STOP_MS = 12000, /* it stops its containers first */
	AGENT_STOP_MS = 8000,
	VM_STOP_MS = 18000, /* a guest stops its containers, too */
};

static void add_service(struct machine *m, struct service s)
{
	m->spec.services[m->spec.service_count++] = s;
}

/* A CVM's one peer is the gateway, which is where it says it is. */
static void add_wireguard(struct machine *m, const struct plan *p)
{
	struct service wg = {
		.name = "wg",
		.argv = { "postern-wg", "-f", "wg0" },
		.ready = "unix:/run/wireguard/wg0.sock",
	};

	if (p->places.has_kernel_wireguard)
		return;
	if (m->cvm)
		wg = (struct service){
			.name = wg.name,
			.argv = { "postern-wg", "-f", "--pin", "all", "wg0" },
			.ready = wg.ready,
		};
	add_service(m, wg);
}

static void gateway_services(struct machine *m, const struct plan *p,
			     struct arena *arena)
{
	struct service edge = {
		.name = "edge",
		.argv = { "postern-edge", "--config",
			  "/etc/postern/edge.yaml" },
		.ready = fmt(arena, "%s:443", m->address),
		.pid_file = "/run/postern/edge.pid",
	};

	add_wireguard(m, p);
	add_service(m, (struct service){
			       .name = "registrar",
			       .argv = { "postern-registrar", "--config",
					 "/etc/postern/registrar.yaml" },
			       .ready = "unix:/run/postern/admin.sock" });
	if (world_certifies(p->cloud, m->gateway))
		add_service(m, (struct service){
				       .name = "cert",
				       .argv = { "postern-cert", "--config",
						 "/etc/postern/cert.yaml" },
				       .ready = "unix:/run/postern/"
						"cert.sock" });
	if (m->gateway->is_public) {
		edge.fd_count = p->places.public_count;
		memcpy(edge.fds, p->places.public_fds,
		       sizeof(p->places.public_fds));
	}
	add_service(m, edge);
}

/* An image is called like the folder it is made in, as a compose file would
 * have it. */
static const char *image_name(const struct cloud_cvm *c, size_t i)
{
	const char *folder = ((const char *const *)c->contexts.items)[i];
	const char *slash = strrchr(folder, '/');

	return slash ? slash + 1 : folder;
}

static void build_services(struct machine *m, struct arena *arena)
{
	for (size_t i = 0; i < m->cvm->contexts.count; i++) {
		struct service build = {
			.name = fmt(arena, "image-%zu", i),
			.kind = SERVICE_TASK,
			.argv = { "/usr/bin/docker", "build", "-q", "-t",
				  image_name(m->cvm, i),
				  fmt(arena, "/var/lib/postern/images/%zu",
				      i) },
		};

		add_service(m, build);
	}
}

static void cvm_services(struct machine *m, const struct plan *p,
			 struct arena *arena)
{
	if (m->cvm->engine == CLOUD_DOCKER) {
		add_service(m, (struct service){
				       .name = "dockerd",
				       .argv = { "/usr/sbin/dockerd" },
				       .ready = "unix:/run/docker.sock",
				       .stop_ms = DOCKERD_STOP_MS });
		build_services(m, arena);
	}
	add_wireguard(m, p);
	add_service(m, (struct service){ .name = "agent",
					 .argv = { "postern-agent", "--config",
						   "/etc/postern/agent.yaml" },
					 .ready = "unix:/run/postern/"
						  "agent.sock",
					 .stop_ms = AGENT_STOP_MS });
}

/* The guest has its own agent and engine: here is only who keeps it. */
static void vm_services(struct machine *m, struct arena *arena)
{
	add_service(m, (struct service){
			       .name = "vm",
			       .argv = { "postern", "vm", "run", m->cvm->name },
			       .ready = fmt(arena,
					    "unix:/run/postern-vm/%s/qmp.sock",
					    m->cvm->name),
			       .stop_ms = VM_STOP_MS });
}

static void kms_services(struct machine *m)
{
	add_service(m, (struct service){ .name = "kms",
					 .argv = { "postern-kms", "--config",
						   "/etc/postern/kms.yaml" },
					 .ready = "unix:/run/postern/"
						  "kms.sock" });
}

static struct machine *add(struct plan *p, const char *name,
			   enum node_kind kind, struct arena *arena)
{
	struct machine *m = &p->machines[p->count++];
	const char *state = fmt(arena, "%s/%s", p->places.state, name);
	const char *run = fmt(arena, "%s/%s", p->places.run, name);

	*m = (struct machine){
		.spec = { .name = name,
			  .kind = kind,
			  .netns = fmt(arena, "postern.%s.%s", p->cloud->name,
				       name),
			  .run = fmt(arena, "%s/run", run),
			  .lib = fmt(arena, "%s/lib", state),
			  .etc = fmt(arena, "%s/etc", state),
			  .overlay = fmt(arena, "%s/overlay", run),
			  .log = fmt(arena, "%s/log", state),
			  .bin = p->places.bin,
			  .lock = fmt(arena, "%s/lock", run) },
		.conf = fmt(arena, "%s/etc/postern", state),
		.tee_socket = fmt(arena, "%s/run/postern/tee.sock", run),
		.node = { .go = -1 },
	};
	return m;
}

static void add_platform(struct plan *p, struct arena *arena)
{
	struct machine *m = add(p, "platform", NODE_NETWORK, arena);
	const char *first = fmt(arena, "unix:%s/%s/run/postern/tee.sock",
				p->places.run,
				cloud_gateway(p->cloud, 0)->name);

	add_service(m, (struct service){
			       .name = "teesim",
			       .argv = { fmt(arena, "%s/postern-teesim",
					     p->places.bin),
					 "--config",
					 fmt(arena, "%s/teesim.yaml",
					     m->conf) },
			       .ready = first });
}

static void add_hostile(struct plan *p, struct arena *arena)
{
	struct machine *m = add(p, "hostile", NODE_NETWORK, arena);

	if (p->cloud->world)
		add_service(m, world_service(p->cloud, p->places.state, arena));
}

/* Before all that may ask it. */
static void add_kms(struct plan *p, const char *collateral, struct arena *arena)
{
	for (size_t i = 0; i < p->cloud->kms.count; i++) {
		const struct cloud_kms *k = cloud_kms(p->cloud, i);
		struct machine *m = add(p, k->name, NODE_MACHINE, arena);

		m->kms = k;
		m->manifest = keyservice_manifest(arena, p->places.state);
		m->address = k->address;
		m->spec.collateral = collateral;
		kms_services(m);
	}
}

void plan_make(struct plan *out, const struct cloud *cloud,
	       const struct plan_places *places, struct arena *arena)
{
	const char *collateral = fmt(arena, "%s/platform/lib/collateral",
				     places->state);

	*out = (struct plan){ .cloud = cloud,
			      .places = *places,
			      .control = fmt(arena, "%s/platform/control.sock",
					     places->run) };
	add_platform(out, arena);
	add_hostile(out, arena);
	add_kms(out, collateral, arena);
	for (size_t i = 0; i < cloud->gateways.count; i++) {
		const struct cloud_gateway *g = cloud_gateway(cloud, i);
		struct machine *m = add(out, g->name, NODE_MACHINE, arena);

		m->gateway = g;
		m->manifest = g->manifest;
		m->address = g->address;
		m->spec.collateral = collateral;
		gateway_services(m, out, arena);
	}
	for (size_t i = 0; i < cloud->cvms.count; i++) {
		const struct cloud_cvm *c = cloud_cvm(cloud, i);
		struct machine *m = add(out, c->name, NODE_MACHINE, arena);

		m->cvm = c;
		/* A machine's says more than the file: see settle_vm.h. */
		m->manifest = c->is_machine
				      ? fmt(arena, "%s/%s/manifest.json",
					    places->state, c->name)
				      : c->manifest;
		m->address = c->address;
		m->spec.collateral = collateral;
		if (c->is_machine)
			vm_services(m, arena);
		else
			cvm_services(m, out, arena);
	}
}

static bool make(const char *path, char error[PLAN_ERROR_MAX])
{
	if (file_make_dirs(path, 0755) == RC_OK)
		return true;
	(void)snprintf(error, PLAN_ERROR_MAX, "cannot make %.400s: %s", path,
		       strerror(errno));
	return false;
}

enum rc plan_folders(const struct plan *p, char error[PLAN_ERROR_MAX])
{
	for (size_t i = 0; i < p->count; i++) {
		const struct node_spec *s = &p->machines[i].spec;
		char report[512];

		(void)snprintf(report, sizeof(report), "%.500s/postern",
			       s->run);
		if (!make(report, error) || !make(s->lib, error) ||
		    !make(p->machines[i].conf, error) ||
		    !make(s->overlay, error) || !make(s->log, error))
			return RC_SYS;
		if (i >= PLAN_FIRST_NODE &&
		    !make(s->collateral, error))
			return RC_SYS;
	}
	return RC_OK;
}
