/*
 * compose: what a Docker Compose file asks for, as far as a CVM must know: the
 * ports that it publishes, the images that it names, and whether all it wants
 * can be had where nothing of the developer's machine is.
 *
 * The file is not changed: its exact bytes go into the manifest, and an engine
 * in the guest reads them.  So this is no Compose implementation; it refuses
 * what could not be honoured, each with its line, and lets pass what it does
 * not know.
 *
 *   refused                           because
 *   build, without an image           the guest builds nothing
 *   host folders and files as volumes the developer's are not there; but for
 *                                     the sockets of the guest API
 *   env_file, extends, include,       further files, which nobody measured
 *     files of secrets and configs
 *   privileged, devices, network_mode the firewall and the measured boundary
 *     host, pid, ipc, uts, userns or  between app and guest hold for what
 *     cgroup of the host              stays in containers
 *   external networks and volumes,    nothing is there before the app
 *     other drivers than bridge, local
 *   UDP, port ranges, ports without a a gateway forwards TCP, to ports that
 *     fixed number, bound to one      the measured manifest lists
 *     address
 *
 * What only Postern reads stands in the file's "x-postern":
 *
 *   x-postern:
 *     ports: { "5432": tcp }   # http (default; tls for 443), h2, tcp, tls
 *     domains: [ www.example.org ]
 *     egress: true
 *
 * Pure.  Source: the Compose specification; Compose file versions 2.4 and 3.8.
 */
#ifndef POSTERN_COMPOSE_COMPOSE_H
#define POSTERN_COMPOSE_COMPOSE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rc.h"
#include "manifest/manifest.h"

enum {
	COMPOSE_MAX = 48 * 1024, /* bytes of the file: a manifest holds it */
	COMPOSE_ARENA_MAX = 4 * 1024 * 1024,
	COMPOSE_SERVICES_MAX = 64,
	COMPOSE_ERROR_MAX = 512,
};

struct compose_port {
	uint16_t port; /* published: what the tunnel reaches */
	enum manifest_protocol protocol;
	size_t line;
};

struct compose {
	const char *name; /* the file's own; NULL: it has none */
	struct compose_port ports[MANIFEST_PORTS_MAX];
	size_t port_count;
	/* As the services name them, each once. */
	const char *images[COMPOSE_SERVICES_MAX];
	size_t image_count;
	size_t service_count;
	const char *domains[MANIFEST_DOMAINS_MAX];
	size_t domain_count;
	bool lists_domains;
	bool allows_egress;
	bool has_volumes; /* some data is to outlive a container */
};

/*
 * 'file' is what mistakes are reported under.
 *
 * RC_MALFORMED    no YAML, or not what Compose has there
 * RC_UNSUPPORTED  something from the table above
 * RC_LIMIT        too large, or more services, ports or domains than fit
 *
 * error is "file:line: ..."; *out is untouched then.  Texts live in the arena.
 */
enum rc compose_read(struct compose *out, struct arena *arena,
		     const char *file, struct span text,
		     char error[COMPOSE_ERROR_MAX]);

#endif
