/*
 * nonces: answers verifiers who want to see that a quote is fresh and of this
 * very TLS session:
 *
 *   POST /evidences/v2/attest   {"nonce":"<base64url of 32..64 bytes>"}
 *   Postern-Exporter: <64 hex digits>, said by the edge
 *
 * All who wait share one quote, and one is begun each second at most; who comes
 * alone is answered at once.
 *
 * The loop's thread; quotes are made in one of its own.
 *
 * Source: evidence/attest.h; docs/EVIDENCE.md §6; RFC 9266.
 */
#ifndef POSTERN_CERTD_NONCES_H
#define POSTERN_CERTD_NONCES_H

#include "certd/shelf.h"
#include "http/server.h"
#include "io/loop.h"
#include "quoting/source.h"

enum {
	NONCES_MAX = 2048, /* wait at a time; others are told to come again */
	NONCES_INTERVAL_MS = 1000,
};

struct nonces;

struct nonces_options { /* all borrowed */
	struct loop *loop;
	struct shelf *shelf;
	struct quote_source *source;
	struct span eventlog; /* JSON text */
};

/* RC_SYS: no thread or descriptor.  Returns owned: nonces_free(), after the
 * servers whose requests it was asked to answer. */
enum rc nonces_new(struct nonces **out, const struct nonces_options *o);
void nonces_free(struct nonces *n);

/*
 * In the handler of a POST to ATTEST_PATH.  The answer comes later:
 *
 *   200  evidence/attest.h
 *   500  {"error":"no_quote"}
 *
 * or at once:
 *
 *   400  {"error":"bad_request","rule":...}: body, name or exporter
 *   503  {"error":"no_evidence"} or {"error":"busy"}, with Retry-After
 */
void nonces_ask(struct nonces *n, const struct http_request *r,
		struct http_answer *out);

struct nonces_counts {
	uint64_t answered, refused, busy, failed;
	uint64_t quotes; /* begun */
	size_t waiting;
};
struct nonces_counts nonces_counts(const struct nonces *n);

#endif
