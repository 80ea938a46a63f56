/* config: agent.yaml.  Source: docs/CONFIGURATION.md. */
#ifndef POSTERN_AGENT_CONFIG_H
#define POSTERN_AGENT_CONFIG_H

#include "io/sock.h"
#include "manifest/manifest.h"
#include "node/settings.h"

enum config_engine {
	ENGINE_DOCKER,
	ENGINE_NONE,
};

struct config {
	struct arena arena; /* of everything below */
	const char *node, *manifest, *state, *status;
	struct {
		struct sock_addr address; /* where its edge listens */
		const char *name; /* SNI */
		uint8_t app[MANIFEST_ID_LEN]; /* its only app; zero: any */
	} gateway;
	struct trust_settings trust;
	struct quotes_settings quotes;
	struct {
		const char *interface;
		uint64_t listen_port;
	} wireguard;
	struct {
		int engine; /* enum config_engine */
		const char *socket;
	} containers;
	bool firewall;
	uint32_t renew_at_permille; /* of the lease */
	int log;
};

/* RC_MALFORMED: error says "file:line: key: what is expected". */
enum rc config_load(struct config *out, const char *path,
		    char error[CONF_ERROR_MAX]);
void config_fini(struct config *c);

#endif
