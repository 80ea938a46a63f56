/*
 * platforms: a signed list of platforms: machines somebody vouches for, or
 * warns of, by the PPID in their PCK certificates.
 *
 * Pure: bytes in, views out; whether a list is still in force at a time is the
 * policy's question.
 *
 *   {"platform_list":{
 *     "type":"postern/platforms/v1",
 *     "name":"example-datacentres",
 *     "use":"allow",                       or "deny"
 *     "serial":12,                         never goes back
 *     "issued":"2026-03-01T00:00:00Z",
 *     "expires":"2026-06-01T00:00:00Z",
 *     "platforms":[
 *       {"ppid":"<32 hex>",
 *        "instance":"<32 hex>",            the rest may be left out
 *        "until":"2026-05-01T00:00:00Z",
 *        "operator":"Example GmbH",
 *        "level":2}]},
 *    "signature":"<128 hex>"}
 *
 * The signature is ECDSA P-256 with SHA-256, r || s, over the object's bytes
 * exactly as they stand, from its brace to its brace.  A member that is not
 * named here, or comes twice, makes the list malformed: what we do not
 * understand may have been meant to restrict.
 *
 * Source: docs/PLATFORMS.md; the envelope is that of Intel's PCS v4 documents.
 */
#ifndef POSTERN_TEE_PLATFORMS_H
#define POSTERN_TEE_PLATFORMS_H

#include "base/rc.h"
#include "base/span.h"
#include "base/wr.h"
#include "crypto/p256.h"
#include "tee/reason.h"

struct arena;

enum {
	PLATFORM_NAME_MAX = 63, /* characters of a list's or operator's name */
	PLATFORM_LEVEL_MAX = 255,
	PLATFORM_LIST_MAX = 256 * 1024, /* bytes of a list */
};

enum platform_use {
	PLATFORM_ALLOW,
	PLATFORM_DENY,
};

struct platform {
	uint8_t ppid[16];
	uint8_t instance[16]; /* the platform instance id too; zero: any */
	int64_t until; /* unix seconds, inclusive; 0: for ever */
	const char *operator; /* who runs it; NULL: not said */
	uint32_t level; /* how well that was looked into; 0: not said */
};

struct platform_list {
	const char *name;
	enum platform_use use;
	uint32_t serial;
	int64_t issued_at, expires_at; /* unix seconds, both inclusive */
	const struct platform *platforms;
	size_t count;
};

/* "allow", "deny". */
const char *platform_use_name(enum platform_use use);
/* 1..63 characters, printable ASCII without '"' and '\'. */
bool platform_is_name(struct span text);

/*
 * The signer's key: a P-256 public key in PEM, as `openssl pkey -pubout` writes
 * it.  False, *out untouched: anything else, or a point off the curve.
 */
bool platforms_key(struct p256_point *out, struct span pem);

/*
 * Reads a list and checks its signature.  Names and platforms live in the
 * arena.  TEE_OK, TEE_LIST_MALFORMED (the arena's bound is a reason, too) or
 * TEE_LIST_SIGNATURE; *out is untouched unless TEE_OK.
 */
enum tee_reason platforms_read(struct platform_list *out, struct arena *arena,
			       struct span text, const struct p256_point *key);

/*
 * Writes and signs a list, in one line.  Overflows the writer when it does not
 * fit; what was written is a list that platforms_read() takes if the names are
 * platform_is_name(), the dates in order and the size within
 * PLATFORM_LIST_MAX.
 */
void platforms_write(struct wr *w, const struct platform_list *list,
		     const struct p256_private *key);

#endif
