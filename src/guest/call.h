/*
 * call: one request of a container, read: ours (/v1/quote, ...) or dstack's,
 * whose SDKs know nothing of us.  Version 1 of dstack's has its methods under
 * /v1 too; theirs begin with a capital.
 *
 * Bytes are hex in JSON, as dstack has it.  Of ours an unknown member is a
 * refusal; of dstack's it is skipped, and "0x" in front of hex too, as dstack
 * does.
 *
 * Pure; source: docs/GUEST.md; dstack's agent_rpc.proto, docs/guest-api-v1.md
 * and SDKs (Python 0.5.4, JavaScript 0.5.8, Rust 0.1.3).
 */
#ifndef POSTERN_GUEST_CALL_H
#define POSTERN_GUEST_CALL_H

#include "base/arena.h"

enum {
	CALL_BODY_MAX = 64 * 1024,
	CALL_ARENA_MAX = 512 * 1024,
	CALL_DATA_MAX = 16 * 1024, /* bytes, of any member in hex */
	CALL_NAMES_MAX = 32, /* alt_names */
	CALL_TEXT_MAX = 1024, /* bytes of any other text */
};

enum call_dialect {
	CALL_POSTERN,
	CALL_DSTACK, /* since 0.5: "v0" */
	CALL_DSTACK_V1, /* since 0.6, at /v1/<Method> */
	CALL_TAPPD, /* before 0.5, at /prpc/Tappd.<method> */
};

enum call_op {
	CALL_VERSION,
	CALL_INFO,
	CALL_QUOTE,
	CALL_RAW_QUOTE, /* Tappd's, of bytes as they are */
	CALL_ATTEST, /* dstack: a quote in one piece with its log */
	CALL_EVIDENCE,
	CALL_KEY,
	CALL_SIGN,
	CALL_VERIFY,
	CALL_TLS_KEY,
	CALL_EVENT,
	CALL_GPU_INFO, /* dstack: what a GPU said at the start */
	CALL_GPU_ATTEST, /* dstack: what it says now */
};

enum call_algorithm {
	CALL_SECP256K1, /* also "k256" and "" */
	CALL_SECP256K1_PREHASHED,
	CALL_ED25519,
	CALL_RAW, /* ours: bytes without a curve */
};

/* Spans are in the arena or the body; n == 0 also where a member is absent. */
struct call {
	enum call_dialect dialect;
	enum call_op op;
	struct span data; /* what is quoted, signed, or an event's payload */
	struct span path, purpose; /* path: version 1's domain too */
	enum call_algorithm algorithm;
	struct span signature, public_key;
	struct span event; /* the name */
	struct span hash_algorithm, prefix; /* Tappd.TdxQuote */
	struct span subject;
	struct span names[CALL_NAMES_MAX];
	size_t name_count;
	bool is_server, is_client, has_quote, has_app_info;
	bool is_random; /* Tappd.DeriveKey: not by its path */
	bool wants_gpu; /* Attest: what a GPU said, beside it */
	uint64_t not_before, not_after; /* unix seconds; 0: not said */
};

/* Why one was refused, for its answer. */
struct call_fault {
	unsigned status; /* 400, 404, 405 */
	const char *why; /* static */
};

/*
 * Reads a request: method and path as on the wire, without a query.  False:
 * *fault says why, *out is untouched.
 */
bool call_read(struct call *out, struct call_fault *fault, struct arena *arena,
	       const char *method, const char *path, struct span body);

#endif
