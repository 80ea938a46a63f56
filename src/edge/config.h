/*
 * config: edge.yaml, read once.  See docs/CONFIGURATION.md.
 */
#ifndef POSTERN_EDGE_CONFIG_H
#define POSTERN_EDGE_CONFIG_H

#include "base/arena.h"
#include "base/rc.h"
#include "conf/conf.h"
#include "io/log.h"
#include "io/sock.h"

enum {
	EDGE_LISTEN_MAX = 16,
	EDGE_WORKERS_MAX = 64,
	EDGE_DNS_SERVERS_MAX = 8,
	EDGE_CONNECTIONS_MAX = 1024 * 1024,
	EDGE_FRONTS_MAX = 64,
	EDGE_CERTIFICATES_MAX = 256, /* beside the default one */
	EDGE_NAMES_MAX = 1024,
	EDGE_BACKENDS_MAX = 256,
	EDGE_BACKEND_NAMES_MAX = 64, /* of one */
	EDGE_ERROR_MAX = 512,
	EDGE_BUFFER_MIN = 16 * 1024,
	EDGE_BUFFER_MAX = 256 * 1024, /* what a TLS connection takes at once */
};

/* An address to listen at, or a socket that a supervisor handed over. */
struct edge_listen {
	bool is_inherited;
	unsigned index; /* among the inherited */
	struct sock_addr address;
};

/* HTTP without TLS; see plain.h. */
struct edge_http {
	struct conf_list listen; /* struct edge_listen; none: nowhere */
	uint64_t port; /* of https, where it sends clients */
};

struct edge_timeouts { /* milliseconds */
	uint64_t hello; /* whole, from accept; a head without TLS, too */
	uint64_t handshake; /* whole */
	uint64_t request; /* HTTP: from the handshake to the first bytes */
	uint64_t connect; /* the last attempt, and those before it */
	uint64_t race; /* one attempt alone, before the next instance's */
	uint64_t idle; /* without a byte in either direction */
	uint64_t half_closed; /* the same, once one direction has ended */
	uint64_t drain; /* after SIGTERM */
};

struct edge_limits {
	uint64_t connections;
	/* Connections of one IPv4 address or IPv6 /64; a 16th of all when the
	 * file does not say. */
	uint64_t per_source;
	/* Connections of one app; three quarters of all when the file does not
	 * say. */
	uint64_t per_app;
	/* New ones a second, with a burst of twice that; 0: no limit */
	uint64_t source_rate, app_rate;
	uint64_t buffer; /* bytes held for one direction of a connection */
	/* Over these, new connections are shed; 0: no limit */
	uint64_t memory; /* bytes on the heaps of all workers */
	uint64_t lag; /* milliseconds that a loop is late */
};

/* The gateway's own address in the tunnel, and the network around it. */
struct edge_tunnel {
	uint8_t own[4];
	unsigned bits; /* 1..30; 0: not configured */
};

struct edge_dns {
	struct conf_list servers; /* struct sock_addr; none: no custom names */
	const char *anchor; /* file with trust anchors; NULL: no DNSSEC */
	bool require_dnssec; /* unsigned answers are refused, too */
	uint64_t timeout, ttl_max; /* milliseconds */
	uint64_t names; /* kept */
	/* Looked up at a time; half of the names, at most 128, when the file
	 * does not say. */
	uint64_t asking;
};

/* Who is to begin connections with a PROXY header: struct front. */
struct edge_proxy_protocol {
	struct conf_list from;
};

struct edge_certificate { /* PEM files */
	const char *chain, *key;
	uint64_t line; /* where it stands in the file; 0: it does not */
};

enum edge_client_certificate {
	EDGE_CERTIFICATE_NONE, /* is asked for */
	EDGE_CERTIFICATE_REQUIRED,
	EDGE_CERTIFICATE_OPTIONAL, /* none will do, a bad one will not */
};

/* What a name is served under; see terms.h. */
struct edge_name {
	const char *name; /* or "*." and one; lower case */
	bool tls12;
	const char *client_ca; /* PEM file; NULL with EDGE_CERTIFICATE_NONE */
	int client_certificate; /* enum edge_client_certificate */
	uint64_t line;
};

/* postern-cert's sockets; see issued.h. */
struct edge_cert {
	const char *keys; /* NULL: there is no postern-cert */
	struct sock_addr public; /* its answers for everybody; len 0: none */
};

enum edge_backend_alpn {
	EDGE_BACKEND_HTTP1,
	EDGE_BACKEND_H2,
	EDGE_BACKEND_NONE, /* its own protocol */
};

/* A service that custom names lead to; see backends.h. */
struct edge_backend {
	struct conf_list names; /* const char *: a name, or "*." and one */
	struct sock_addr to;
	int proxy; /* version of the PROXY header it wants; 0: none */
	int alpn; /* enum edge_backend_alpn */
	bool forwarded; /* it wants X-Forwarded-... */
	uint64_t line;
};

struct edge_config {
	const char *base;
	struct conf_list listen; /* struct edge_listen */
	struct edge_http http;
	struct conf_list backends; /* struct edge_backend */
	const char *store; /* folder; "": none, and no apps */
	/* The default one; with 'cert' there may be none, and its line is 0. */
	struct edge_certificate certificate;
	struct edge_cert cert;
	struct conf_list certificates; /* struct edge_certificate */
	struct conf_list names; /* struct edge_name */
	struct sock_addr registrar, status; /* len 0: none */
	struct edge_proxy_protocol proxy_protocol;
	struct edge_timeouts timeouts;
	struct edge_limits limits;
	uint64_t workers; /* processes */
	/* Paths of unix sockets; "": none */
	const char *admin, *metrics;
	uint64_t admin_uid; /* beside root and the edge's own user */
	const char *pid_file; /* "": none */
	/* For a hello without a name or with an address; NULL: refused */
	const char *default_name;
	struct edge_tunnel tunnel;
	struct edge_dns dns;
	int log; /* enum log_level */
	int log_format; /* enum log_format */
};

/* Whether there is a default certificate. */
bool edge_config_has_default(const struct edge_config *c);
/* Whether connections from this address begin with a PROXY header. */
bool edge_config_is_front(const struct edge_config *c,
			  const struct sock_addr *a);

/*
 * Reads the file at 'path'.  Strings and lists live in 'arena'.
 *
 * RC_SYS, RC_LIMIT  it cannot be read, or is larger than CONF_FILE_MAX
 * RC_MALFORMED      a mistake in it
 * On failure error[] names the place and what is expected.
 */
enum rc edge_config_read(struct edge_config *out, struct arena *arena,
			 const char *path, char error[CONF_ERROR_MAX]);

/* The same of a text at hand, called 'name' in errors. */
enum rc edge_config_parse(struct edge_config *out, struct arena *arena,
			  const char *name, struct span text,
			  char error[CONF_ERROR_MAX]);

/* Where in the file a mistake is that shows only when others are read. */
struct edge_place {
	const char *path; /* of the configuration */
	uint64_t line; /* 0: a default */
	const char *key;
};

/* "path:line: key: what: why" */
void edge_config_complain(char error[EDGE_ERROR_MAX],
			  const struct edge_place *place, const char *what,
			  const char *why);

#endif
