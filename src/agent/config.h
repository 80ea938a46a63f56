/* config: agent.yaml.  Source: docs/CONFIGURATION.md. */
#ifndef POSTERN_AGENT_CONFIG_H
#define POSTERN_AGENT_CONFIG_H

#include "io/sock.h"
#include "manifest/manifest.h"
#include "node/error.h"
#include "node/settings.h"

enum config_engine {
	ENGINE_DOCKER,
	ENGINE_NONE,
};

/* Who searches the logs, as in cert.yaml. */
struct config_searcher {
	const char *name, *url;
	int kind; /* place in config_searchers */
};
extern const char *const config_searchers[]; /* NULL-terminated */

struct config_ingress_ct {
	const char *list; /* file; NULL: nobody reads the logs */
	const char *list_key, *ca; /* files; NULL: none, the system's */
	bool follow;
	struct conf_list aggregators; /* struct config_searcher */
	uint64_t interval_ms;
};

/* What a node says for a manifest with "ingress". */
struct config_ingress {
	/* Of the authority where the manifest names none; NULL: Let's
	 * Encrypt's */
	const char *directory;
	/* Files: roots of its server's certificate (NULL: the system's), and
	 * those to which chains must lead (NULL: not looked at) */
	const char *ca, *roots;
	struct conf_list resolvers; /* struct sock_addr; none: public ones */
	const char *anchors; /* file; NULL: the system's root.key */
	uint64_t port; /* of authoritative servers; 53 but in tests */
	struct config_ingress_ct ct;
};

struct config {
	struct arena arena; /* of everything below */
	const char *node, *manifest, *state, *status;
	const char *env; /* the envelope of variables, from the host */
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
	struct {
		struct conf_list addresses; /* struct sock_addr; none: no kms */
		uint8_t app[MANIFEST_ID_LEN]; /* its only app; zero: any */
	} kms;
	struct {
		const char *device; /* NULL: no disk */
		const char *mount, *ready;
	} storage;
	bool firewall;
	struct config_ingress ingress;
	uint32_t renew_at_permille; /* of the lease */
	int log;
};

/* RC_MALFORMED: error says "file:line: key: what is expected". */
enum rc config_load(struct config *out, const char *path,
		    char error[CONF_ERROR_MAX]);
void config_fini(struct config *c);

/*
 * The app that a key service must be, zero: any.  A manifest that was measured
 * and names one ("key_service") decides.  RC_DENIED: agent.yaml names another;
 * RC_MALFORMED: the manifest's word is none; error says so.
 */
enum rc config_key_service(uint8_t out[MANIFEST_ID_LEN], const struct config *c,
			   struct span manifest, char error[NODE_ERROR_MAX]);

/* Whether a manifest that continues an app may do so is a key service's to say.
 * RC_DENIED: none is configured; error says so. */
enum rc config_lineage(const struct config *c, const struct manifest *m,
		       char error[NODE_ERROR_MAX]);

#endif
