/*
 * session: the attested channel's protocol, inside an established TLS
 * connection: nonces, evidence both ways, and only then WireGuard keys.
 *
 * Sans-I/O: plaintext of the TLS connection goes in and out; what the owner
 * must do (make a quote, judge the peer, hand out an assignment) comes as an
 * event, one at a time.  No byte of a later step is sent before the step it
 * depends on was verified; there is no call that skips one.
 *
 * Renewal repeats the round with fresh nonces on the same connection, and the
 * peer must stay who it was.  A lease that lapses without one ends the session.
 *
 * A channel that talks has another purpose than a tunnel: once both sides are
 * verified they exchange bodies of the owner's, in turn, the client first,
 * instead of WireGuard keys; there are no leases and no renewals, and after a
 * time it is over.
 *
 * Source: docs/PROTOCOL.channel.md.
 */
#ifndef POSTERN_CHANNEL_SESSION_H
#define POSTERN_CHANNEL_SESSION_H

#include <netinet/in.h>

#include "base/buf.h"
#include "base/merkle.h"
#include "base/rc.h"
#include "base/secret.h"
#include "channel/claims.h"
#include "crypto/hash.h"
#include "manifest/manifest.h"
#include "tee/eventlog.h"
#include "tee/verify.h"

enum {
	CHANNEL_VERSION = 1,
	CHANNEL_NONCE_LEN = 32,
	CHANNEL_MESSAGE_MAX = 512 * 1024, /* one frame: quote, log, manifest */
	CHANNEL_DETAIL_MAX = 256,
	CHANNEL_ALLOWED_MAX = 16,
	CHANNEL_DATA_MAX = 256 * 1024, /* one body of a channel that talks */
};

#define CHANNEL_ALPN "postern-attest/1"

enum channel_role {
	CHANNEL_CLIENT, /* the CVM, or the gateway that connects */
	CHANNEL_SERVER,
};

/*
 * Why a session was refused.  Stable names, append only.  A peer's evidence
 * refused by the verifier is CHANNEL_EVIDENCE_REFUSED with the tee reason's
 * name in the detail.
 */
#define CHANNEL_REASONS(X) \
	X(CHANNEL_OK, "ok") \
	X(CHANNEL_BAD_MESSAGE, "message-malformed") \
	X(CHANNEL_BAD_ORDER, "message-unexpected") \
	X(CHANNEL_BAD_VERSION, "version-unsupported") \
	X(CHANNEL_TOO_LARGE, "message-too-large") \
	X(CHANNEL_TIMEOUT, "timeout") \
	X(CHANNEL_BINDING_MISMATCH, "binding-mismatch") \
	X(CHANNEL_EVIDENCE_REFUSED, "evidence-refused") \
	X(CHANNEL_CLAIMS_MALFORMED, "claims-malformed") \
	X(CHANNEL_CLAIMS_MISMATCH, "claims-mismatch") \
	X(CHANNEL_MANIFEST_MISMATCH, "manifest-mismatch") \
	X(CHANNEL_PURPOSE, "purpose-refused") \
	X(CHANNEL_PEER_DENIED, "peer-denied") \
	X(CHANNEL_NO_ADDRESS, "no-address-left") \
	X(CHANNEL_KEY_INVALID, "wireguard-key-invalid") \
	X(CHANNEL_KEY_IN_USE, "wireguard-key-in-use") \
	X(CHANNEL_LEASE_WITHDRAWN, "lease-withdrawn") \
	X(CHANNEL_LEASE_LAPSED, "lease-lapsed") \
	X(CHANNEL_OVERLOADED, "overloaded") \
	X(CHANNEL_NO_QUOTE, "quote-unavailable") \
	X(CHANNEL_INTERNAL, "internal-error") \
	X(CHANNEL_SHUTDOWN, "shutdown") \
	X(CHANNEL_IDENTITY_CHANGED, "identity-changed") \
	X(CHANNEL_UNKNOWN, "reason-unknown")

enum channel_reason {
#define X(constant, name) constant,
	CHANNEL_REASONS(X)
#undef X
	CHANNEL_REASON_COUNT,
};
const char *channel_reason_name(enum channel_reason r);

/*
 * Whether a refusal for this reason, said by either side during a renewal, ends
 * the lease at once: the peer is not, or is not shown to be, who the lease was
 * given to, or the lease itself is over.  Everything else (a timeout, no quote,
 * no room, a shutdown, bytes that make no sense, an unknown reason) says
 * nothing of who the peer is: the lease then lives until it lapses, so that a
 * passing trouble does not cut a tunnel.
 */
bool channel_reason_ends_lease(enum channel_reason r);

/* TLS exporter of the connection: RFC 8446 §7.5; false: give up. */
typedef bool channel_export_fn(void *arg, uint8_t out[32], const char *label,
			       struct span context);

/*
 * Verifies a peer's quote with the owner's collateral, anchors, policy and
 * clock: fills the verdict through tee_verify() and nothing else.
 */
typedef void channel_verify_fn(void *arg, struct tee_verdict *out,
			       struct span quote);

/* What the spans and pointers name is borrowed for the session's life. */
struct channel_params {
	enum channel_role role;
	struct sha256 own_spki, peer_spki; /* of both TLS certificates */
	struct span claims; /* own claims, JSON; channel_claims_write() */
	struct span manifest; /* own manifest's bytes */
	const char *purpose; /* both sides' claims must say it: "cvm-tunnel" */
	uint8_t wg_public[32]; /* server: its WireGuard key; client: unused */
	channel_export_fn *export;
	channel_verify_fn *verify;
	void *arg; /* of both */
	/* longest wait in one state: for the peer's next message, or for the
	 * owner's answer (a quote); above zero */
	uint64_t step_timeout_ms;
	/* server: a round that begins sooner after an assignment is refused as
	 * CHANNEL_OVERLOADED, so that a verified peer cannot keep its verifier
	 * busy; 0: none is too soon */
	uint64_t round_min_ms;
	/* above 0: it talks, for so long at most from the first body on; then
	 * CHANNEL_LEASE_LAPSED */
	uint64_t talk_ms;
};

/* A verified peer.  Identity comes from the quote and its log, not claims. */
struct channel_peer {
	struct manifest manifest; /* its hash is in MRCONFIGID */
	uint8_t instance_id[MANIFEST_ID_LEN];
	/* from the claims: labels, not identities */
	char node_id[CHANNEL_LABEL_MAX];
	char version[CHANNEL_WORD_MAX];
	/* from the claims too, and the word of its measured code: claims.h */
	bool has_lineage;
	struct sha256 lineage;
	bool is_simulated;
	struct tee_verdict verdict; /* verdict.quote is not valid any more */
};

/* One address with prefix, as in AllowedIPs. */
struct channel_prefix {
	uint8_t family; /* 4 or 6 */
	uint8_t bytes[16];
	uint8_t len;
};

/* What the server gives a verified client. */
struct channel_assignment {
	/* the server's; channel_assign() ignores it and sends the params' */
	uint8_t wg_public[32];
	struct channel_prefix address; /* the client's own, in the tunnel */
	struct channel_prefix gateway; /* the server's, in the tunnel */
	struct channel_prefix endpoint_ip; /* where the server's WireGuard is */
	uint16_t endpoint_port;
	struct channel_prefix allowed[CHANNEL_ALLOWED_MAX];
	size_t allowed_count;
	uint32_t lease_ms; /* from now */
	uint16_t keepalive_s; /* 0: off */
};

enum channel_event_kind {
	CHANNEL_NOTHING, /* wait for input or the deadline */
	CHANNEL_QUOTE, /* make evidence: answer with channel_quoted() */
	/* the peer is who it says: answer with channel_admit() or
	 * channel_refuse() */
	CHANNEL_VERIFIED,
	CHANNEL_KEY_WANTED, /* client: answer with channel_offer_key() */
	/* server: the client's key is here: answer with channel_assign() */
	CHANNEL_KEYED,
	CHANNEL_ASSIGNED, /* client: assignment and PSK are valid */
	CHANNEL_TALK, /* client that talks: begin with channel_say() */
	/* the peer's body is here.  Server: answer with channel_say(); client:
	 * go on with it now or later, or end */
	CHANNEL_HEARD,
	CHANNEL_REFUSED, /* over: reason, detail, by_peer say why */
	CHANNEL_WITHDRAWN /* client: the server withdrew the lease */
};

struct channel_event {
	enum channel_event_kind kind;
	/* QUOTE: the Merkle leaf's content: this session's binder */
	struct sha512 binder;
	/* KEYED, ASSIGNED */
	uint8_t peer_wg_public[32];
	struct key32 psk; /* wipe after use */
	struct channel_assignment assignment;
	/* HEARD: until the next call that says or hears something */
	struct span data;
	/* REFUSED, WITHDRAWN */
	enum channel_reason reason;
	char detail[CHANNEL_DETAIL_MAX];
	bool by_peer;
	uint32_t round; /* 0: registration; 1...: renewals */
};

struct channel;

/* Copies the struct; returns owned: channel_free(), which erases secrets.  A
 * client's first message is in the output at once. */
struct channel *channel_new(const struct channel_params *params,
			    uint64_t now_ms);
void channel_free(struct channel *c);

/* Plaintext received.  One unfinished frame is kept, never more than the state
 * allows its type to be.  A refusal shows as an event. */
void channel_input(struct channel *c, struct span bytes, uint64_t now_ms);
/* Plaintext to send; consume what was taken. */
struct buf *channel_output(struct channel *c);
/* When channel_expire() must be called; UINT64_MAX: never. */
uint64_t channel_deadline(const struct channel *c);
void channel_expire(struct channel *c, uint64_t now_ms);
/* The next thing to do; call until it says CHANNEL_NOTHING.  REFUSED or
 * WITHDRAWN comes exactly once, also after the owner's own channel_refuse(),
 * and is the last. */
void channel_next(struct channel *c, struct channel_event *out);

/* Answers to events.  Each is a no-op after a refusal; one that no event asked
 * for refuses the session (CHANNEL_INTERNAL). */
void channel_quoted(struct channel *c, struct span quote, struct span eventlog,
		    uint64_t leaf_index, uint64_t leaf_count,
		    const struct merkle_hash *path, size_t path_count,
		    uint64_t now_ms);
/* Borrowed until the next round's VERIFIED; NULL: nobody was verified yet. */
const struct channel_peer *channel_peer(const struct channel *c);
void channel_admit(struct channel *c, uint64_t now_ms);
void channel_offer_key(struct channel *c, const uint8_t wg_public[32],
		       uint64_t now_ms);
void channel_assign(struct channel *c, const struct channel_assignment *a,
		    uint64_t now_ms);

/* A body of a channel that talks, at most CHANNEL_DATA_MAX bytes. */
void channel_say(struct channel *c, struct span data, uint64_t now_ms);
/*
 * A value that only the two ends of this channel have, the same on both: the
 * TLS exporter over both nonces.  Between the verification and the end; false:
 * there is none.
 */
[[nodiscard]] bool channel_session_id(const struct channel *c,
				      uint8_t out[32]);

/* Client: begins the next round; nothing while one is under way. */
void channel_renew(struct channel *c, uint64_t now_ms);
/* Either side, at any time: tells the peer and ends.  The detail is sent. */
void channel_refuse(struct channel *c, enum channel_reason reason,
		    const char *detail);
/* Server: the lease is withdrawn; tells the client and ends.  While a round is
 * under way it is told as a refusal with that reason. */
void channel_withdraw(struct channel *c, enum channel_reason reason);

/*
 * The report_data of a batch: SHA-512("postern/batch/v1" || root) where root is
 * the Merkle root over the leaf hashes of the binders.
 */
void channel_report_data(uint8_t out[QUOTE_REPORT_DATA_LEN],
			 const struct merkle_hash *root);

#endif
