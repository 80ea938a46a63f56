/*
 * proofform: the bytes of a proof of CAA sets (resolve/proof.h has the format
 * and what it proves), read and written.  Whether it proves anything is not
 * known here.
 *
 * There is one form only: each message holds the records that count and no
 * other, names written out, no id, so that a proof cannot carry what a stricter
 * and a looser reader would take differently.
 *
 * Pure; memory only from the arena.
 *
 * Source: RFC 1035 §4.1; RFC 9102 §2.2.
 */
#ifndef POSTERN_DNS_PROOFFORM_H
#define POSTERN_DNS_PROOFFORM_H

#include "dns/message.h"

enum {
	PROOFFORM_MAX = 256 * 1024, /* bytes */
	PROOFFORM_CHAIN_MAX = 1024, /* records */
};

/* Lies in the arena and borrows the bytes. */
struct proofform {
	const struct dns_message *levels; /* [0] is the name's */
	size_t count; /* 1..DNS_LABELS_MAX */
	const struct span *chain; /* whole records */
	size_t chain_count;
};

/*
 * Reads one of 'name' (without a "*" label): as many levels as it has labels,
 * each the answer to its CAA question.
 *
 * RC_MALFORMED  not that, or not in its one form
 * RC_LIMIT      a bound above, or no room in the arena
 *
 * On failure *out is untouched.
 */
enum rc proofform_read(struct proofform *out, struct arena *arena,
		       struct span bytes, const struct dns_name *name);

/* Begins one of that many levels; each follows, then the chain. */
void proofform_begin(struct wr *w, size_t levels);
/*
 * An answer, without what does not count.  Where a server follows no alias out
 * of its zone, the answers about the targets come after the first, and all
 * become the one that a recursive server would have given.
 */
void proofform_level(struct wr *w, const struct dns_message *answers,
		     size_t count);
/* 'records': one after another, without compression, none twice. */
void proofform_chain(struct wr *w, struct span records);

/* One whole record, taken from the front. */
bool proofform_rd_record(struct span *at, struct span *record);

#endif
