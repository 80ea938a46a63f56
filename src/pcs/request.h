/*
 * request: what is asked of Intel's Provisioning Certification Service (PCS)
 * or of a cache of it (PCCS), and where: URLs in, URLs out.
 *
 * Pure: no I/O, no clock, no allocation.
 *
 * Source: Intel PCS API v4; Intel SGX/TDX PCCS design guide (rootcacrl);
 *         RFC 3986 §3.
 */
#ifndef POSTERN_PCS_REQUEST_H
#define POSTERN_PCS_REQUEST_H

#include "base/span.h"
#include "base/wr.h"
#include "tee/quote.h"

enum {
	PCS_URL_MAX = 512, /* bytes of a server's URL, with a NUL */
	PCS_REQUEST_MAX = 1024, /* of a request's, with a NUL */
	PCS_FMSPC_LEN = 6,
};

/* A server.  Zeroed: none. */
struct pcs_server {
	/* scheme://authority[/path], without '/', the scheme in lower case */
	char base[PCS_URL_MAX];
	bool is_https;
	bool is_intel; /* the original: its root CRL stands elsewhere */
};

#define PCS_INTEL "https://api.trustedservices.intel.com"

/*
 * Reads a server's URL: http or https, a host name, an IPv4 address or an IPv6
 * address in brackets, perhaps a port and a path.  A path that ends in
 * /sgx/certification/v4, as servers are often written down, loses that.
 * False, *out untouched: another scheme, no host, user information, a query, a
 * fragment, a byte that no URL has, "." or ".." in the path, too long.
 */
bool pcs_server_parse(struct pcs_server *out, struct span url);
/* It begins as a URL does, of any scheme, so it is one or meant to be. */
bool pcs_is_url(struct span text);
/* Host without brackets, and port, of a server's URL. */
struct pcs_endpoint {
	char host[256];
	uint16_t port;
};
void pcs_server_endpoint(struct pcs_endpoint *out,
			 const struct pcs_server *server);

/* The CA whose revocation list a platform needs: its PCK certificate's. */
enum pcs_ca {
	PCS_CA_PLATFORM, /* every TDX machine */
	PCS_CA_PROCESSOR,
};

/*
 * Which of the TCB states on offer: the server's default, the newest as soon as
 * it is published, the one that lags, or one by number; these exclude each
 * other.
 */
enum pcs_update {
	PCS_UPDATE_DEFAULT,
	PCS_UPDATE_STANDARD,
	PCS_UPDATE_EARLY,
	PCS_UPDATE_NUMBER,
};

/* The collateral of one family of platforms. */
struct pcs_key {
	enum quote_tee tee;
	uint8_t fmspc[PCS_FMSPC_LEN];
	enum pcs_ca ca;
	enum pcs_update update;
	uint32_t evaluation; /* with PCS_UPDATE_NUMBER */
};

enum pcs_item {
	PCS_TCB_INFO,
	PCS_QE_IDENTITY,
	PCS_PCK_CRL,
	PCS_ROOT_CRL,
	PCS_EVALUATIONS, /* which numbers are on offer */
	PCS_ITEM_COUNT,
};

/* "TCB info", ... */
const char *pcs_item_name(enum pcs_item item);
/* The headers that may hold the document's issuer chain, NULL-ended; the first
 * that is there counts.  Empty: the document comes without. */
const char *const *pcs_item_headers(enum pcs_item item);

/* Writes the URL and a NUL; PCS_REQUEST_MAX bytes are always enough. */
void pcs_request_url(struct wr *w, const struct pcs_server *server,
		     enum pcs_item item, const struct pcs_key *key);

/* "early", "standard", "default" or a number without a sign, below 2^32. */
bool pcs_update_parse(enum pcs_update *update, uint32_t *evaluation,
		      struct span text);
/*
 * The name of what is kept together, and a NUL: "tdx-default", "sgx-early",
 * "tdx-17".  PCS_GROUP_MAX bytes are always enough.
 */
enum {
	PCS_GROUP_MAX = 24,
};
void pcs_group_name(char out[PCS_GROUP_MAX], const struct pcs_key *key);

#endif
