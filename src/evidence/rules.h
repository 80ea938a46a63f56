/*
 * rules: what a relying party asks of a service, beyond what its platform
 * policy (tee/policy.h) asks of the hardware.
 *
 * Built from a YAML file; every key may be left out:
 *
 *   platform: platform.policy.yaml   # tee/policy.h; beside this file
 *   simulated_root: root.pem         # accept this SIMULATED anchor, too
 *   apps:                            # only these applications
 *     - app_id: <40 hex>
 *       compose_hash: <64 hex>       # left out: its first manifest alone
 *   ca:
 *     directories: [acme-v02.api.letsencrypt.org]   # hosts
 *     issuers: [letsencrypt.org]     # as CAA names them
 *     methods: [dns-01, tls-alpn-01] # all CAA may allow
 *     accounts: [https://...]        # only these accounts
 *     caa_reuse: 8h                  # how long they act on an old answer
 *   dnssec: required                 # or optional
 *   report_data: with_core           # or strict: dstack's own
 *   sources: 2                       # of the history, that must answer
 *   beacon_age: 3d                   # of the newest log head in the core
 *   keys: [<64 hex>]                 # SHA-256 of SPKIs of other instances
 *   witnesses: tlog.policy           # C2SP tlog-policy; beside this file
 *   optional: [audit.proof]          # checks that need not be shown
 *
 * A check is called optional by its name in evidence/checks.h; a refuted one
 * refutes all the same.
 *
 * Pure.
 *
 * Source: docs/EVIDENCE.md §8.
 */
#ifndef POSTERN_EVIDENCE_RULES_H
#define POSTERN_EVIDENCE_RULES_H

#include "base/arena.h"
#include "base/rc.h"
#include "base/span.h"

enum {
	RULES_APPS_MAX = 64,
	RULES_LIST_MAX = 32,
	RULES_ERROR_MAX = 512,
	RULES_SOURCES = 2,
	RULES_BEACON_AGE_S = 3 * 86400,
	/* CA/Browser Forum BR §3.2.2.8 */
	RULES_CAA_REUSE_S = 8 * 3600,
};

struct rules_app {
	uint8_t app_id[20];
	bool has_compose;
	uint8_t compose[32];
};

enum rules_mode {
	RULES_WITH_CORE,
	RULES_STRICT,
};

/* Texts live in the arena. */
struct rules {
	const char *platform, *simulated_root, *witnesses; /* NULL: none */
	const struct rules_app *apps;
	size_t app_count; /* 0: any */
	const struct span *directories, *issuers, *methods;
	size_t directory_count, issuer_count, method_count;
	const struct span *accounts;
	size_t account_count; /* 0: any that is consistent */
	int64_t caa_reuse_s; /* how long a CA may act on an answer of CAA */
	bool is_dnssec_optional;
	enum rules_mode report_data;
	unsigned sources;
	int64_t beacon_age_s;
	const uint8_t (*keys)[32];
	size_t key_count;
	const struct span *optional;
	size_t optional_count;
};

/* Let's Encrypt; every method but http-01, which whoever sits in front of the
 * server can answer; the numbers above. */
extern const struct rules rules_default;

/* RC_MALFORMED: error holds "name:line: key: what is expected". */
enum rc rules_read(struct rules *out, struct arena *arena, const char *name,
		   struct span text, char error[RULES_ERROR_MAX]);

/* The check need not be shown. */
bool rules_is_optional(const struct rules *rules, const char *check);

#endif
