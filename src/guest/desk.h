/*
 * desk: what a container of the app asks, and what it gets: the guest API as
 * pure functions.  Which container asks is the caller's to know (by the socket
 * that the request came through); what that one may is in the manifest.
 *
 * Most requests are answered at once.  Two kinds need the machine: desk_ask()
 * then says what is wanted, and desk_end() makes the answer of what came.
 *
 * A quote for a container is never over its bytes but over
 *
 *   SHA-512("postern/guest/v1" || u8 n || container || data)
 *
 * so that it cannot say what other parts of the machine say; with "raw_quotes"
 * in the manifest dstack's calls take the bytes as they are.
 *
 * Pure: no I/O, no clock, no log.  Source: docs/GUEST.md.
 */
#ifndef POSTERN_GUEST_DESK_H
#define POSTERN_GUEST_DESK_H

#include "base/buf.h"
#include "crypto/hash.h"
#include "manifest/manifest.h"
#include "tee/quote.h"

/* What a quote of this machine says beside its report data. */
struct desk_registers {
	uint8_t mr_td[QUOTE_MR_LEN], rtmr[QUOTE_RTMR_COUNT][QUOTE_MR_LEN];
	uint8_t mr_config_id[QUOTE_MR_LEN], mr_owner[QUOTE_MR_LEN],
		mr_owner_config[QUOTE_MR_LEN];
	struct sha256 device; /* of the quoting enclave's id */
};
/* False: it is no TDX quote. */
bool desk_registers_of(struct desk_registers *out, struct span quote);

/* Borrowed for each call.  What it holds may change between calls. */
struct desk_world {
	const struct manifest *manifest; /* its guest is not NULL */
	struct span manifest_bytes;
	uint8_t instance_id[MANIFEST_ID_LEN];
	/* of the app, from its key provider; NULL: there is none */
	const struct key32 *root;
	const char *provider; /* "kms", "simulated", "none" */
	/* the provider's signature over the voucher (derive.h), 65 bytes;
	 * n == 0: the voucher signs itself */
	struct span issuer_signature;
	const struct desk_registers *registers;
	struct span event_log; /* JSON array, as of the quote in desk_end() */
	int64_t now_s;
	const char *version;
	bool is_simulated;
};

/* Borrowed for desk_ask(); see http/server.h. */
struct desk_request {
	const char *method, *path;
	struct span body;
};

struct desk_answer {
	unsigned status;
	struct buf body; /* JSON; the caller's, with its bound */
};
/* Replaces what stands there by {"error": why}. */
void desk_refuse(struct desk_answer *a, unsigned status, const char *why);

enum desk_step {
	DESK_ANSWERED, /* *answer is whole */
	DESK_QUOTE, /* over desk_report_data() */
	DESK_EVENT, /* RTMR3 is to be extended by desk_event() */
};

struct desk;

/*
 * For anything but DESK_ANSWERED *pending is owned: desk_free(), after
 * desk_end() or without it.
 */
enum desk_step desk_ask(struct desk **pending, struct desk_answer *answer,
			const struct desk_world *w,
			const struct guest_container *who,
			const struct desk_request *r);
const uint8_t *desk_report_data(const struct desk *d);
void desk_event(const struct desk *d, struct span *name, struct span *payload);
/* rc: of the quote or the extension; 'quote' is empty for an event. */
void desk_end(struct desk *d, struct desk_answer *answer,
	      const struct desk_world *w, enum rc rc, struct span quote);
void desk_free(struct desk *d);

/* The report data of ours; container is at most 255 bytes. */
void desk_bind(struct sha512 *out, struct span container, struct span data);

/*
 * The app's authority, for as long as its key is: appended to *der.  RC_CRYPTO,
 * RC_LIMIT: pki/appcert.h.
 */
enum rc desk_authority(struct buf *der, const struct desk_world *w);

#endif
