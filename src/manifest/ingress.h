/*
 * ingress: the manifest's key "ingress": TLS of the app's own domains ends in
 * its CVM, with certificates whose keys are made there.
 *
 *   "ingress": {"domains": ["www.example.org"], "backend": 8080}
 *
 * is the whole of it for most apps.  In full:
 *
 *   "ingress": {
 *     "domains": ["www.example.org", "*.shop.example.org"],
 *     "backend": 8080,
 *     "protocol": "http",
 *     "forwarded": false,
 *     "challenges": ["tls-alpn-01"],
 *     "hook": "/usr/local/bin/acme-hook",
 *     "directory": "https://acme-v02.api.letsencrypt.org/directory"
 *   }
 *
 * "domains": 1 to 16 names, each with a certificate of its own; or an object of
 * name and port for names that lead to different ports, and then there is no
 * "backend".  A port is one of the CVM's 127.0.0.1, where a container's is
 * published.  "protocol": what is spoken there: "http" (default), "h2" or
 * "tcp".  "forwarded": as in "ports", not with tcp.  "challenges": how a
 * certification authority may be shown that a name is ours, the preferred way
 * first; each at most once: tls-alpn-01 (default), dns-persist-01, dns-01 and
 * dns-account-01, which take a "hook", a program of the image.  A wildcard
 * takes one of dns-...  "directory": of the authority that is asked; without it
 * the node's configuration names one.  Unlike in the rest of a manifest,
 * unknown keys are refused: a way of proving names that is misspelt must not be
 * another one.
 *
 * What a manifest says by it beside: port 443 is listed with protocol tls (and
 * "pp" 2, where the list does not have it), the names are among its "domains"
 * (which they are, where that key is missing), and postern-cert, and nobody
 * else for it, reaches the outside (agent/firewall.h).
 *
 * Source: RFC 8737 (tls-alpn-01), RFC 8555 §8.4 (dns-01).
 */
#ifndef POSTERN_MANIFEST_INGRESS_H
#define POSTERN_MANIFEST_INGRESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/rc.h"
#include "manifest/domain.h"

enum {
	INGRESS_DOMAINS_MAX = 16,
	INGRESS_CHALLENGES_MAX = 4,
	INGRESS_TEXT_MAX = 256, /* of a path or URL, with its NUL */
	INGRESS_PORT = 443, /* where it is reached */
};

enum ingress_protocol {
	INGRESS_HTTP,
	INGRESS_H2,
	INGRESS_TCP,
};

enum ingress_challenge {
	INGRESS_TLS_ALPN,
	INGRESS_DNS,
	INGRESS_DNS_ACCOUNT,
	INGRESS_DNS_PERSIST,
};
/* "tls-alpn-01", ... */
const char *ingress_challenge_name(enum ingress_challenge c);

struct manifest_ingress {
	size_t domain_count; /* 0: the manifest has no ingress */
	struct ingress_domain {
		char name[DOMAIN_LEN_MAX + 1]; /* may begin with "*." */
		uint16_t backend; /* port */
	} domains[INGRESS_DOMAINS_MAX];
	enum ingress_protocol protocol;
	bool is_forwarding;
	enum ingress_challenge challenges[INGRESS_CHALLENGES_MAX];
	size_t challenge_count;
	char hook[INGRESS_TEXT_MAX]; /* "": none */
	char directory[INGRESS_TEXT_MAX]; /* "": the node's choice */
};

/*
 * Reads the value of the key; NULL: the key is not there, and *out has no
 * domain.  RC_MALFORMED: error (of MANIFEST_ERROR_MAX) names the member and
 * what is expected; *out is then undefined.
 */
enum rc manifest_ingress_read(struct manifest_ingress *out, json_t *value,
			      char *error);

#endif
