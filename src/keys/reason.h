/*
 * reason: why the key service does not give what was asked for.
 *
 * Source: docs/PROTOCOL.kms.md §8.
 */
#ifndef POSTERN_KEYS_REASON_H
#define POSTERN_KEYS_REASON_H

#include <stdbool.h>

/* Stable names and numbers (from 0), append only.  X(CONSTANT, "name") */
#define KEYS_REASONS(X) \
	X(KEYS_OK, "ok") \
	X(KEYS_MALFORMED, "malformed") \
	X(KEYS_VERSION, "version_unsupported") \
	X(KEYS_OTHER_SESSION, "other_session") /* of another channel */ \
	X(KEYS_REPLAYED, "replayed") /* seen in this one already */ \
	X(KEYS_NOT_READY, "not_ready") /* no root or no policy here yet */ \
	X(KEYS_APP_UNKNOWN, "app_unknown") \
	X(KEYS_MEASUREMENT, "measurement_refused") \
	X(KEYS_INSTANCE, "instance_denied") \
	X(KEYS_PURPOSE, "purpose_refused") \
	X(KEYS_SCOPE, "scope_refused") /* app keys, and only instance ones */ \
	X(KEYS_EPOCH_UNKNOWN, "epoch_unknown") \
	X(KEYS_EPOCH_FLOOR, "epoch_too_old") \
	X(KEYS_RATE, "rate_limited") \
	X(KEYS_NO_QUORUM, "no_quorum") \
	X(KEYS_FULL, "full") \
	X(KEYS_NOT_A_NODE, "not_a_node") /* asked as a node, and is none */ \
	X(KEYS_OTHER_CLUSTER, "other_cluster") \
	X(KEYS_AUDIT, "audit_failed") /* not written, so not released */ \
	X(KEYS_SIGNATURES, "signatures_missing") \
	X(KEYS_SERIAL, "serial_too_old") \
	X(KEYS_DONE_ALREADY, "done_already") \
	X(KEYS_INTERNAL, "internal_error") \
	X(KEYS_SIMULATED, "simulated_refused") \
	X(KEYS_UNKNOWN, "reason_unknown") \
	X(KEYS_MANIFEST, "manifest_not_listed") \
	X(KEYS_NODES, "nodes_at_once") /* more than one comes or goes */

enum keys_reason {
#define X(constant, name) constant,
	KEYS_REASONS(X)
#undef X
	KEYS_REASON_COUNT,
};
const char *keys_reason_name(enum keys_reason r);

/* Another node may answer otherwise. */
bool keys_reason_is_passing(enum keys_reason r);

#endif
