/*
 * eventlog: the runtime events that explain RTMR3, in dstack's form.
 *
 * A log is a JSON array of objects
 *   {"imr":3,"event_type":134217729,"digest":"<96 hex>",
 *    "event":"app-id","event_payload":"<hex>"}
 * which extend RTMR imr: new = SHA384(old || digest).  A runtime event's
 * digest follows from what it says, in one of two forms:
 *
 *   version 1  SHA384(le32(event_type) ":" event ":" payload)
 *   version 2  SHA384({"name":event,"payload":"<hex>","type":134217729})
 *
 * It is version 1 unless a member "version" says 2.  dstack empties the digest
 * of runtime events in some of its logs; what is compared with the register is
 * our own computation, so it may be missing there.  We write version 1.
 *
 * Only events before "boot-mr-done" are statements of the platform: later ones
 * can be made by the application, and no identity is read from them.
 *
 * Source: dstack's runtime events, cc-eventlog (event type 0x08000001);
 * RFC 8785 (the second form's JSON).
 */
#ifndef POSTERN_TEE_EVENTLOG_H
#define POSTERN_TEE_EVENTLOG_H

#include "base/buf.h"
#include "base/rc.h"
#include "crypto/hash.h"
#include "tee/quote.h"
#include "tee/reason.h"

enum {
	EVENTLOG_MAX = 256 * 1024, /* bytes of JSON */
	EVENTLOG_EVENTS_MAX = 1024,
	EVENTLOG_RUNTIME_TYPE = 0x08000001,
	EVENTLOG_RTMR = 3, /* which RTMR ours extend */
	EVENTLOG_BOOT_COUNT = 5,
};

/* The digest of one runtime event, version 1. */
void eventlog_digest(struct sha384 *out, struct span event,
		     struct span payload);
/*
 * The same of version 2.  False, *out untouched: the name is one that JSON
 * escapes or not ASCII, or longer than 128 bytes.
 */
bool eventlog_digest_v2(struct sha384 *out, struct span event,
			struct span payload);
/* value = SHA384(value || digest). */
void eventlog_extend(struct sha384 *value, const struct sha384 *digest);

/* A log being made; the JSON array is closed by eventlog_text. */
struct eventlog {
	struct buf json; /* elements so far, without the brackets */
};
void eventlog_init(struct eventlog *log);
void eventlog_fini(struct eventlog *log);
/*
 * Appends one event and gives its digest, to be extended into RTMR3.
 * RC_MALFORMED: the name is not printable ASCII without " and \, at most 128;
 * RC_LIMIT: the payload is over 16 KiB or the log would be over EVENTLOG_MAX.
 */
enum rc eventlog_append(struct eventlog *log, struct sha384 *digest,
			const char *event, struct span payload);
/* system-preparing, app-id, compose-hash, instance-id, boot-mr-done. */
extern const char *const eventlog_boot_names[EVENTLOG_BOOT_COUNT];
/*
 * Appends the events of those names: what a guest of ours extends when it
 * starts, in dstack's order.  RC_LIMIT as above.
 */
enum rc eventlog_append_boot(struct eventlog *log,
			     struct sha384 digests[EVENTLOG_BOOT_COUNT],
			     struct span app_id, struct span manifest_hash,
			     struct span instance_id);
/* Appends "[...]" to *out; RC_LIMIT, and nothing appended, without room. */
enum rc eventlog_text(const struct eventlog *log, struct buf *out);

/* What the platform's events said, each at most once.  An empty "instance-id"
 * (dstack's platforms without instances) gives has_instance_id false. */
struct eventlog_identity {
	bool has_app_id, has_instance_id, has_manifest_hash;
	uint8_t app_id[20];
	uint8_t instance_id[20];
	uint8_t manifest_hash[32]; /* "compose-hash" */
};

/* What a log leads to. */
struct eventlog_registers {
	struct sha384 rtmr[QUOTE_RTMR_COUNT];
	unsigned event_count[QUOTE_RTMR_COUNT]; /* that extended it */
	struct eventlog_identity identity;
};

/* TEE_OK, or TEE_LOG_MALFORMED (as below) and *out untouched. */
enum tee_reason eventlog_replay(struct eventlog_registers *out,
				struct span json);

/*
 * Replays the log against the quote's RTMR3 and reads the identity out of it.
 * Events of RTMR0..2 are replayed too when the log holds any for the register.
 *
 * TEE_OK             the registers agree; *out is filled
 * TEE_LOG_MALFORMED  grammar, limits, a digest that is not its event's, or a
 *                    platform event that comes twice
 * TEE_LOG_MISMATCH   a replayed register differs from the quote's; *imr says
 *                    which
 *
 * A log without events of RTMR3 agrees with a register that is zero.  A log
 * without "boot-mr-done" is one of a boot that is not over: no application ran.
 * On failure *out is untouched.
 */
enum tee_reason eventlog_check(struct eventlog_identity *out, unsigned *imr,
			       const struct quote *quote, struct span json);

#endif
