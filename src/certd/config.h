/* config: cert.yaml.  Source: docs/CONFIGURATION.md. */
#ifndef POSTERN_CERTD_CONFIG_H
#define POSTERN_CERTD_CONFIG_H

#include "acme/authz.h"
#include "acme/ledger.h"
#include "dns/tsig.h"
#include "manifest/manifest.h"
#include "node/settings.h"

enum {
	CONFIG_CERTIFICATES_MAX = 16,
	CONFIG_SERVERS_MAX = 8,
	CONFIG_LOGS_MAX = 32,
	CONFIG_SOURCES_MAX = 8,
	CONFIG_HOOK_TIMEOUT_MS = 60 * 1000,
};

/* certificates: [ { names } ] */
struct config_certificate {
	struct names names;
};

/* authorities: [ { ... } ], the preferred one first */
struct config_authority {
	const char *directory;
	const char *ca; /* roots of its server's certificate; NULL: system's */
	const char *roots; /* PEM: chains must lead to one; NULL: not looked */
	const char *profile; /* NULL: the CA's choice */
	const char *issuer; /* commonName of the chain wanted; NULL: any */
	struct conf_list contacts; /* const char * */
	bool agree; /* to its terms */
	struct config_binding {
		const char *kid; /* NULL: none */
		const char *key_file; /* base64url of the MAC key */
	} binding;
};

/* How records are written; none of them: nobody here may (token-less). */
struct config_update { /* RFC 2136 */
	struct sock_addr server; /* len 0: not configured */
	const char *key, *algorithm, *secret_file;
};

struct config_dns {
	/* Each is one vantage: a validating look-up through it alone. */
	struct conf_list resolvers; /* struct sock_addr */
	const char *anchors; /* file of the root's DS or DNSKEY records */
	uint64_t port; /* of authoritative servers; 53 but in tests */
	uint64_t ttl_s; /* of records written */
	uint64_t propagation_ms; /* to wait for all servers */
	struct config_update update;
	const char *hook; /* program; NULL: none */
};

struct config_caa {
	bool pin;
	uint64_t watch_ms; /* between two looks */
	const char *iodef; /* "": none */
};

/* A log or aggregator to ask. */
struct config_source {
	const char *name;
	const char *url;
	int kind; /* enum config_source_kind */
	const char *token_file; /* NULL: none */
};
enum config_source_kind {
	CONFIG_CRTSH,
	CONFIG_CERTSPOTTER,
};

struct config_ct {
	const char *list; /* log list v3 JSON, a file; NULL: no CT at all */
	const char *list_key; /* PEM of its signature's key; NULL: unsigned */
	bool follow; /* the logs of the list, entry by entry */
	struct conf_list aggregators; /* struct config_source */
	const char *ca; /* roots of logs' and aggregators' servers */
	uint64_t interval_ms;
	uint64_t revocation_ms; /* between two looks at a CA's list */
	bool stop_on_foreign; /* take the certificate back from the edge */
};

struct config_evidence {
	bool strict; /* legacy: the quote's upper half is zero */
	uint64_t life_ms; /* from issued to expiry of a core */
};

/* Who holds the key of what is sealed: the key service, or the platform. */
struct config_kms {
	struct conf_list addresses; /* struct sock_addr; none: the platform */
	uint8_t app[MANIFEST_ID_LEN]; /* its only app; zero: any */
	struct trust_settings trust; /* whom to take for it */
};

struct config {
	struct arena arena; /* of everything below */
	const char *node, *manifest, *state, *instance;
	struct quotes_settings quotes;
	struct config_kms kms;
	struct conf_list certificates, authorities;
	struct conf_list challenges; /* enum challenge_type */
	struct config_dns dns;
	struct config_caa caa;
	struct config_ct ct;
	struct config_evidence evidence;
	const char *collateral; /* folder, into bundles; NULL: none */
	/* Sockets of ours, and the edge's admin socket; "": none. */
	const char *admin, *keys, *public, *metrics, *edge;
	uint64_t edge_uid; /* may ask at 'keys' and 'public', beside root */
	const char *alarm; /* program; NULL: none */
	bool may_run; /* a hook or an alarm program is configured */
	int log;
};

/* RC_MALFORMED: error says "file:line: key: what is expected". */
enum rc config_load(struct config *out, const char *path,
		    char error[CONF_ERROR_MAX]);
void config_fini(struct config *c);

#endif
