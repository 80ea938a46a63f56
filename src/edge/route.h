/*
 * route: from what a client asked for to where its bytes go.
 *
 * Reads the hello and the store, decides, says why.  No sockets.
 *
 * Source: docs/DESIGN.md §4.
 */
#ifndef POSTERN_EDGE_ROUTE_H
#define POSTERN_EDGE_ROUTE_H

#include "edge/backends.h"
#include "edge/balance.h"
#include "edge/board.h"
#include "edge/certs.h"
#include "edge/config.h"
#include "edge/domain.h"
#include "edge/health.h"
#include "edge/terms.h"
#include "sni/hello.h"
#include "sni/name.h"
#include "store/route.h"

enum {
	ROUTE_TRIES_MAX = 3, /* instances tried for one connection */
};

enum route_kind {
	ROUTE_REFUSE, /* with 'alert' */
	ROUTE_PASS, /* raw bytes to a target, the hello among them */
	ROUTE_TERMINATE, /* TLS ends here, plain bytes to a target */
	ROUTE_LOOK_UP, /* ask the DNS where 'name' leads, then choose again */
};

struct route_target {
	struct sock_addr address;
	uint8_t instance_id[STORE_ID_LEN];
};

struct route {
	enum route_kind kind;
	enum tls_alert alert; /* REFUSE */
	/* REFUSE: why; else "app", "status", "registrar", "backend" or
	 * "acme".  Constant. */
	const char *reason;
	enum certs_alpn alpn; /* TERMINATE */
	/* The PROXY header the target wants, by its version; 0: none. */
	unsigned proxy_protocol;
	bool is_forwarding; /* the target wants X-Forwarded-... */
	bool is_any_host; /* requests may be for any host */
	/* TERMINATE: with the proof for a CA, and no further. */
	bool is_proof;
	/* TERMINATE: the port speaks HTTP/2 and the client does not: no target,
	 * but the edge's own paths (own.h). */
	bool is_own_only;
	uint16_t port; /* 0: not an app */
	struct name name;
	bool has_app;
	uint8_t app_id[STORE_ID_LEN];
	/* In the order to try them; none: no live instance. */
	struct route_target targets[ROUTE_TRIES_MAX];
	size_t target_count;
};

/* What a decision stands on beside the hello. */
struct route_input {
	const struct edge_config *config;
	const struct certs *certs; /* for their proofs; NULL: there are none */
	const struct terms *terms; /* NULL: TLS 1.3 for all names */
	const struct backends *backends; /* NULL: there are none */
	struct store *store; /* NULL: there are no apps */
	const struct board *board; /* of drained instances; NULL: none are */
	int64_t now_unix_ms;
	uint64_t now_ms;
	unsigned turn; /* counts connections: equal instances take turns */
	const struct balance *balance;
	const struct health_view *health; /* NULL: nothing is down */
	/* What the DNS says of a name that is not the gateway's; NULL: it has
	 * not been asked. */
	const struct domain_answer *domain;
};

/*
 * A hello without a name, or with an IP address for one, asks for the
 * configured default name.  One that offers "acme-tls/1" alone for a name with
 * a proof comes from a CA, and gets that, whosever name it is; an app that
 * proves names itself has no proof here.  Names under the base are looked up in
 * the store alone; others lead to the backends that are configured for them,
 * with a certificate for the name, and else in->domain decides, and the app's
 * manifest must agree.
 */
void route_choose(struct route *out, const struct hello *hello,
		  const struct route_input *in);
/* Whether paths under a name are postern-cert's: the gateway's, and one with a
 * certificate of its. */
bool route_has_own(const struct edge_config *config, const struct certs *certs,
		   const struct name *name);
/* The name that a hello counts for: its own, or the default; n == 0: none. */
struct span route_name(const struct edge_config *config, struct span sni);
/*
 * Looks the targets of an app up again, for a connection that has waited since
 * route_choose(): leases end and addresses change hands.  No targets are left
 * when the store says so, cannot be read, or what was agreed with the client is
 * no longer what the port speaks.
 */
void route_refresh(struct route *r, const struct route_input *in);

#endif
