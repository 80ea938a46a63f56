/*
 * dotdstack: what a dstack gateway says of itself below /.dstack/, written and
 * read as it has it.
 *
 *   index      {"type":"dstack gateway","paths":["/index",...]}
 *   app-info   the guest agent's reply to Info
 *   acme-info  the account, every key a certificate was issued for, and a
 *              quote for each
 *
 * A quote over content c of kind k has report_data = SHA-512(k ":" c): k is
 * "zt-cert" and c the DER of a SubjectPublicKeyInfo, or k is "acme-account" and
 * c the account's URI.
 *
 * acme-info of a gateway of ours is dstack's, and the key history of a bundle
 * (evidence/bundle.h) is the same document.  What it cannot show: when a key
 * was made, and that no key is missing.
 *
 * Readers pass over members they do not know, as older gateways have more
 * ("hist_keys", "active_cert", "base_domain").  Pure.
 *
 * Source: dstack gateway, proxy/tls_terminate.rs and gateway_rpc.proto
 * (AcmeInfoResponse); guest agent, agent_rpc.proto (AppInfo): formats only.
 */
#ifndef POSTERN_EVIDENCE_DOTDSTACK_H
#define POSTERN_EVIDENCE_DOTDSTACK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/rc.h"
#include "tee/quote.h"

#define DOTDSTACK_CERT "zt-cert"
#define DOTDSTACK_ACCOUNT "acme-account"

enum {
	DOTDSTACK_MAX = 8 * 1024 * 1024, /* bytes of a document */
	DOTDSTACK_KEYS_MAX = 512,
	DOTDSTACK_SPKI_MAX = 1024,
};

void dotdstack_report_data(uint8_t out[QUOTE_REPORT_DATA_LEN],
			   const char *kind, struct span content);

/* Appends the index.  RC_LIMIT: no room; so of the others below. */
enum rc dotdstack_index_write(struct buf *out);
/* It is a gateway's index. */
bool dotdstack_index_is(struct span json);

/* Hex there, binary here; n == 0: empty there, too. */
struct dotdstack_app {
	struct span app_id, instance_id, device_id;
	struct span mr_aggregated, os_image_hash, compose_hash;
	/* texts; those that are JSON are so as text */
	struct span app_name, app_cert, tcb_info, key_provider_info, vm_config,
		cloud_vendor, cloud_product;
};
/* RC_MALFORMED: no strict JSON, no "app_id", or a member not of its form;
 * RC_LIMIT: over DOTDSTACK_MAX or no room in the arena.  *out is then
 * untouched. */
enum rc dotdstack_app_read(struct dotdstack_app *out, struct arena *arena,
			   struct span json);
enum rc dotdstack_app_write(struct buf *out, const struct dotdstack_app *app);

struct dotdstack_key {
	struct span spki; /* DER */
	struct span quote; /* GetQuote's reply: evidence/legacy.h; or empty */
	struct span attestation; /* binary, or empty */
};
struct dotdstack_acme {
	struct span account_uri;
	struct span account_quote; /* GetQuote's reply, or empty */
	struct span account_attestation;
	const struct dotdstack_key *keys;
	size_t key_count;
};
/* As dotdstack_app_read(); "account_uri" and "quoted_hist_keys" must be there.
 * RC_LIMIT, too: more than DOTDSTACK_KEYS_MAX keys. */
enum rc dotdstack_acme_read(struct dotdstack_acme *out, struct arena *arena,
			    struct span json);
enum rc dotdstack_acme_write(struct buf *out,
			     const struct dotdstack_acme *acme);

#endif
