/*
 * material: what a relying party has gathered before it judges: what the server
 * sent, what DNS and CT say, what it knows itself.  evidence/reading.h reads
 * it, evidence/checks.h judges it; neither looks anywhere else, so that the
 * same material gives the same verdict anywhere and at any time.
 *
 * Everything is borrowed; n == 0, count == 0 or NULL: it was not to be had.
 */
#ifndef POSTERN_EVIDENCE_MATERIAL_H
#define POSTERN_EVIDENCE_MATERIAL_H

#include "ct/loglist.h"
#include "ct/treeproof.h"
#include "ct/witness.h"
#include "dns/climb.h"
#include "evidence/attest.h"
#include "evidence/bundle.h"
#include "evidence/rules.h"
#include "pki/path.h"
#include "tee/policy.h"

/* The connection the documents came over. */
struct material_tls {
	bool is_there; /* a TLS session with the host was made */
	bool is_plain; /* none was: the documents came over plain HTTP */
	bool is_tls13;
	bool has_exporter;
	uint8_t exporter[ATTEST_EXPORTER_LEN];
	const struct span *chain; /* DER, as the server sent it, leaf first */
	size_t chain_count;
	struct span redirect; /* another host that answers pointed to */
};

/* A TXT or CNAME look-up that is looked at for strangers' power. */
struct material_txt {
	bool was_asked;
	enum dns_trust trust;
	const struct span *texts; /* strings joined */
	size_t count;
};

struct material_dns {
	/* Finished CLIMB_ALL climbs of the host: live; and, of it or of the
	 * wildcard that it is one of, from the bundle's
	 * proof, checked offline at the time of the verification; or NULL. */
	const struct climb *live, *proved;
	/* A proof is in the bundle, and does not hold. */
	bool is_proof_refused;
	struct material_txt persist; /* _validation-persist.<host> */
	struct span challenge; /* where _acme-challenge.<host> is an alias to */
};

/* One source of the names' history. */
enum material_state {
	MATERIAL_WHOLE,
	MATERIAL_CUT, /* a limit of the source's was reached */
	MATERIAL_SILENT, /* no answer, an error page, or no such format */
};
struct material_cert {
	struct span der; /* certificate or precertificate */
	struct span issuer; /* DER; or empty */
};
struct material_source {
	struct span name;
	enum material_state state;
	const struct material_cert *certs;
	size_t count;
};

/* That the tree of a head the core or the memory has is the beginning of the
 * one that was seen now. */
struct material_growth {
	struct sha256 log_id;
	struct tree_head now; /* its signature was checked */
	uint64_t from; /* size of the older tree */
	struct treeproof proof;
};

/* What an earlier visit left behind. */
struct material_head {
	struct sha256 log_id;
	struct tree_head head;
};
struct material_memory {
	bool is_there;
	struct span account_uri;
	struct sha256 thumbprint;
	const struct material_head *heads;
	size_t head_count;
};

struct material {
	struct span host; /* lower case, no dot behind */
	int64_t at; /* unix seconds: everything is judged at this time */
	const struct rules *rules;
	struct material_tls tls;

	/* Documents.  The bundle is of version 2; the files are dstack's, by
	 * their names; acme_info is a gateway's. */
	struct span bundle;
	struct bundle_items files;
	struct span acme_info;
	struct span answer; /* fresh evidence, of 'nonce' */
	struct attest_nonce nonce;

	/* The platform. */
	const struct tee_policy *policy; /* NULL: the default */
	const struct tee_anchor *anchors;
	size_t anchor_count;
	struct tee_collateral collateral; /* where the bundle has none */

	/* The web. */
	const struct path_roots *roots;
	const struct loglist *log_list; /* read */
	bool is_log_list_signed; /* by the key that is pinned */
	const struct material_source *sources;
	size_t source_count;
	const struct span *crls; /* DER */
	size_t crl_count;
	const struct material_growth *growth;
	size_t growth_count;
	struct material_dns dns;
	const struct witness_policy *witnesses;
	struct material_memory memory;
};

#endif
