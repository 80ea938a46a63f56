/*
 * manifest: what a developer deploys, as one JSON file whose exact bytes are
 * measured: name, compose file, ports, domains.
 *
 * app_id = the first 20 bytes of SHA-256(bytes).  MRCONFIGID = 0x01 ||
 * SHA-256(bytes) || 15 zero bytes, as dstack's V1.  Keys are dstack's
 * app-compose keys where it has one; unknown keys are allowed, because the
 * bytes, not our reading of them, are the identity.
 *
 *   {
 *     "manifest_version": 2,
 *     "name": "hello",
 *     "runner": "docker-compose",
 *     "docker_compose_file": "services: ...",
 *     "ports": [ {"port": 80, "protocol": "http", "pp": false,
 *                 "forwarded": true, "host": "any",
 *                 "health": {"type": "http", "path": "/", "interval": 10}},
 *                {"port": 443, "protocol": "tls"} ],
 *     "domains": ["www.example.org", "*.shop.example.org"],
 *     "egress": false,
 *     "continues": "<40 hex>",
 *     "ingress": {"domains": ["www.example.org"], "backend": 8080},
 *     "storage": {"integrity": false, "rollback": "refuse"},
 *     "guest": { ... }, "allowed_envs": [ ... ]      (guest.h)
 *   }
 *
 * "ports" lists what may be reached through the tunnel, and nothing else may.
 * protocol: "http" (default; http/1.1), "h2", "tcp", "tls"
 * (passthrough only).  "pp": the PROXY protocol's header before the stream, of
 * version 2 (true or 2) or 1.  Of http and h2 alone: "forwarded", the gateway
 * says in each request who the client is; "host": "any", requests may be for
 * another host than the connection's.  "health": how a gateway finds out
 * whether the port works: "tcp" (it accepts connections) or "http" (GET of
 * "path" in plain HTTP/1.1 answers 200 to 399; of ports with http or tcp),
 * every "interval" seconds.  At most 8 ports have it.  "domains": the custom
 * names that may lead here; "*." stands for one label.  A list that is there is
 * the whole list, also when it is empty.  "ingress": TLS of such names ends in
 * the CVM, see manifest/ingress.h.  "storage": of the CVM's data disk:
 * "integrity": sectors that were changed are noticed when they are read (slower
 * and made at once, in the time it takes to write the whole disk); "rollback":
 * a disk older than the one used last is not opened ("refuse") or opened and
 * not written ("read-only"); no other member.  manifest_version is 1 or 2;
 * "runner" is "docker-compose" with a compose file, or "none" or absent without
 * one.  No port, domain or JSON key may come twice.
 *
 * "continues": this manifest is an update of the app whose first manifest has
 * that app id; it asks for that app's keys ("lineage").  Anybody can write it
 * of any app, so it proves nothing: who gives something away by it finds out
 * first whether the manifest is one of that app's.  The key service does, by
 * its signed policy (docs/PROTOCOL.kms.md §2).
 */
#ifndef POSTERN_MANIFEST_MANIFEST_H
#define POSTERN_MANIFEST_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rc.h"
#include "base/span.h"
#include "crypto/hash.h"
#include "manifest/guest.h"
#include "manifest/ingress.h"

enum {
	MANIFEST_MAX = 64 * 1024, /* bytes */
	MANIFEST_PORTS_MAX = 32,
	MANIFEST_DOMAINS_MAX = 32,
	MANIFEST_CHECKS_MAX = 8, /* ports with "health" */
	MANIFEST_PATH_MAX = 128, /* of "health", with a NUL */
	MANIFEST_INTERVAL_MAX = 3600, /* seconds */
	MANIFEST_ID_LEN = 20,
	MANIFEST_CONFIG_ID_LEN = 48,
};

enum manifest_protocol {
	MANIFEST_HTTP,
	MANIFEST_H2,
	MANIFEST_TCP,
	MANIFEST_TLS,
};

enum manifest_check {
	MANIFEST_NO_CHECK,
	MANIFEST_CHECK_TCP,
	MANIFEST_CHECK_HTTP,
};

struct manifest_port {
	uint16_t port;
	enum manifest_protocol protocol;
	unsigned proxy_protocol; /* "pp": version of the header, 0: none */
	bool is_forwarding; /* "forwarded" */
	bool is_any_host; /* "host": "any" */
	enum manifest_check check; /* "health" */
	char path[MANIFEST_PATH_MAX]; /* CHECK_HTTP: from '/', no blanks */
	uint32_t interval_s; /* 1..MANIFEST_INTERVAL_MAX, with a check */
};

/* "storage": what is asked of the data disk. */
struct manifest_storage {
	bool is_there; /* the key is */
	bool has_integrity; /* each sector has an authentication tag */
	bool reads_older; /* "rollback": "read-only"; otherwise refused */
};

struct manifest {
	struct sha256 hash;
	/* of these bytes: no other manifest can have it */
	uint8_t app_id[MANIFEST_ID_LEN];
	/* of the app whose keys it asks for: app_id, or a claim */
	uint8_t lineage[MANIFEST_ID_LEN];
	bool continues; /* "continues" is there */
	char name[64]; /* LDH label, lower case */
	struct manifest_port ports[MANIFEST_PORTS_MAX];
	size_t port_count;
	bool lists_domains; /* "domains" is there */
	char domains[MANIFEST_DOMAINS_MAX][254]; /* may begin with "*." */
	size_t domain_count;
	bool allows_egress;
	struct manifest_ingress ingress; /* "ingress" */
	struct manifest_storage storage;
	/* the compose file's text; owned; NULL: none (a gateway) */
	char *compose;
	/* owned; NULL: neither "guest" nor "allowed_envs" */
	struct manifest_guest *guest;
};

enum {
	MANIFEST_ERROR_MAX = 256
};
/*
 * Reads a manifest.  RC_MALFORMED: error names the key and what is expected
 * (with the line for broken JSON); *out is untouched.
 * Returns owned content: manifest_fini().
 */
enum rc manifest_read(struct manifest *out, struct span json,
		      char error[MANIFEST_ERROR_MAX]);
void manifest_fini(struct manifest *m);

/* app_id and MRCONFIGID from the bytes alone. */
void manifest_app_id(uint8_t out[MANIFEST_ID_LEN], struct span json);
void manifest_config_id(uint8_t out[MANIFEST_CONFIG_ID_LEN], struct span json);

#endif
