/*
 * rfc6962: what an RFC 6962 log is asked, and its answers read.
 *
 * Questions are made into a struct web_ask, answers read from the JSON of their
 * body.  Nothing is believed but what a signature or a proof covers.
 *
 * Pure; memory from the caller's arena.
 *
 * Source: RFC 6962 §3.5 (signed tree heads), §4.3 to §4.6.
 */
#ifndef POSTERN_CT_RFC6962_H
#define POSTERN_CT_RFC6962_H

#include "base/arena.h"
#include "ct/sct.h"
#include "ct/treeproof.h"
#include "web/exchange.h"

enum {
	RFC6962_STH_MAX = 16 * 1024, /* bytes of an answer */
	RFC6962_PROOF_MAX = 64 * 1024,
	RFC6962_ENTRIES_MAX = 32 * 1024 * 1024,
	/* an answer of that size decoded, and the tree of its JSON */
	RFC6962_ENTRIES_ARENA = 3 * RFC6962_ENTRIES_MAX,
	RFC6962_COUNT_MAX = 1024, /* entries asked for at once */
	RFC6962_SIGNATURE_MAX = 4 + 512, /* RSA 4096 */
};

/* A signed tree head. */
struct sth {
	struct tree_head head;
	uint64_t timestamp_ms;
	uint8_t signature[RFC6962_SIGNATURE_MAX]; /* DigitallySigned */
	size_t signature_len;
};

/* 'log' is the log's URL; with or without a slash at its end.  RC_MALFORMED:
 * it makes no URL. */
enum rc rfc6962_ask_sth(struct web_ask *a, struct span log);
/* Entries first..last, both inclusive; a log may give fewer. */
enum rc rfc6962_ask_entries(struct web_ask *a, struct span log, uint64_t first,
			    uint64_t last);
enum rc rfc6962_ask_consistency(struct web_ask *a, struct span log,
				uint64_t first, uint64_t second);
enum rc rfc6962_ask_proof(struct web_ask *a, struct span log,
			  const struct merkle_hash *leaf, uint64_t size);

/* All of these: RC_MALFORMED, RC_LIMIT (a bound, or the arena is full), and
 * then nothing is touched. */
enum rc rfc6962_read_sth(struct sth *out, struct arena *arena,
			 struct span json);
[[nodiscard]] bool sth_signed(const struct sth *sth, struct span log_spki);

struct rfc6962_entry {
	struct span leaf_input, extra_data; /* decoded; in the arena */
};
/* 1..max of them; none is RC_MALFORMED, since entries were asked for. */
enum rc rfc6962_read_entries(struct rfc6962_entry *out, size_t *count,
			     size_t max, struct arena *arena,
			     struct span json);
enum rc rfc6962_read_consistency(struct treeproof *out, struct arena *arena,
				 struct span json);
enum rc rfc6962_read_proof(struct treeproof *out, uint64_t *index,
			   struct arena *arena, struct span json);

#endif
