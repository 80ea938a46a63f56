/*
 * say: the guest API's answers as JSON, for desk.c.  Each appends to *out and
 * gives RC_LIMIT when it does not fit.
 */
#ifndef POSTERN_GUEST_SAY_H
#define POSTERN_GUEST_SAY_H

#include "base/buf.h"
#include "guest/call.h"
#include "guest/derive.h"
#include "guest/desk.h"

/* {}; of dstack's null, which its Rust SDK insists on. */
enum rc say_nothing(struct buf *out, enum call_dialect dialect);
void say_error(struct buf *out, const char *why); /* always fits */
enum rc say_valid(struct buf *out, bool is_valid);
enum rc say_version(struct buf *out, const struct desk_world *w);
enum rc say_gpu_info(struct buf *out); /* there is none */
enum rc say_info(struct buf *out, const struct desk_world *w,
		 const char *container, enum call_dialect dialect);

/* A derived key with its signature chain. */
struct say_key {
	struct key32 secret;
	enum derive_algorithm algorithm;
	uint8_t public_key[SECP256K1_PUBLIC_LEN];
	size_t public_len; /* 0: it has none, and no chain */
	uint8_t vouched[SECP256K1_RECOVERABLE_LEN];
	uint8_t issued[SECP256K1_RECOVERABLE_LEN];
};
void say_key_make(struct say_key *k, const struct desk_world *w,
		  const struct derive_name *name);
/* As version 1 of dstack's API derives it.  False: dstackv1_key(). */
[[nodiscard]] bool say_key_make_v1(struct say_key *k,
				   const struct desk_world *w,
				   enum derive_algorithm algorithm,
				   struct span domain);
void say_key_wipe(struct say_key *k); /* for AUTO() */
enum rc say_key(struct buf *out, const struct say_key *k,
		enum call_dialect dialect);
enum rc say_signature(struct buf *out, const struct say_key *k,
		      struct span signature);

struct say_quote {
	const char *container;
	const struct call *call;
	struct span quote, event_log, report_data;
};
enum rc say_quoted(struct buf *out, const struct say_quote *q);

/*
 * What evidence is about: one JSON object of the app's public keys and the
 * nonce, of which the report data is
 * SHA-512("postern/guest-evidence/v1" || SHA-256(its bytes)).
 */
struct evidence_text {
	char text[1024];
	size_t n;
};
enum rc say_evidence_text(struct evidence_text *out,
			  const struct desk_world *w, struct span nonce);
void say_evidence_bind(struct sha512 *out, const struct evidence_text *e);
enum rc say_evidence(struct buf *out, const struct say_quote *q,
		     const struct evidence_text *e);

#endif
