/*
 * attestation: a quote and its event log in one piece, as dstack's Attest gives
 * it and its verifier reads it: "VersionedAttestation", version 1.
 *
 *   { "version": 1,
 *     "platform": { "kind": "tdx",
 *                   "data": { "quote": [...], "event_log": [{...}, ...] } },
 *     "stack": { "kind": "dstack",
 *                "data": { "report_data": [...],
 *                          "runtime_events": [{...}, ...], "config": "" } } }
 *
 * in MessagePack.  quote and report_data are arrays of numbers, an event's
 * digest and payload are bytes: two ways of one encoder.  "config" is dstack's
 * description of its virtual machine, which we have not.
 *
 * Source: dstack's docs/guest-api-v1.md, "Extracting a quote from an
 * attestation"; dstack-attest v1.rs, cc-eventlog tdx.rs (0.6).
 */
#ifndef POSTERN_GUEST_ATTESTATION_H
#define POSTERN_GUEST_ATTESTATION_H

#include "base/buf.h"
#include "base/rc.h"

enum {
	ATTESTATION_MAX = 1024 * 1024, /* of one over the longest log */
};

/* Borrowed for the call. */
struct attestation {
	struct span quote;
	struct span event_log; /* JSON, as tee/eventlog.h writes it */
	struct span report_data; /* 64 bytes */
};

/*
 * Appends it to *out.
 *
 * RC_MALFORMED  the event log is not of that form
 * RC_LIMIT      it does not fit; *out may hold a part of it
 */
enum rc attestation_write(struct buf *out, const struct attestation *a);

#endif
