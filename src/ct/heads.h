/*
 * heads: everything that one log has signed about its tree, and what of it is
 * proven: the memory of a log's reader.
 *
 * The last head whose tree was rebuilt from its entries is 'good'; its frontier
 * is where reading goes on. Every other head that was signed waits until the
 * tree is known to pass through it: one ahead is compared when reading gets
 * there, one behind needs a consistency proof. Two heads that cannot both be
 * true convict the log.
 *
 * Pure; bounded; written to bytes and read back.
 *
 * Source: RFC 6962 §5.3 (monitors), §5.4 (auditors).
 */
#ifndef POSTERN_CT_HEADS_H
#define POSTERN_CT_HEADS_H

#include "ct/frontier.h"
#include "ct/rfc6962.h"

enum {
	HEADS_WAITING_MAX = 64,
	/* written; a waiting head has a size, a time, a root, a signature */
	HEADS_BYTES_MAX = 64 + FRONTIER_BYTES_MAX +
			  (HEADS_WAITING_MAX + 1) *
				  (8 + 8 + 32 + 2 + RFC6962_SIGNATURE_MAX),
};

enum heads_mark {
	HEADS_UNKNOWN,
	HEADS_MATCHED, /* reading passed it, and the root was the same */
	HEADS_BROKEN, /* reading passed it, and the root was another */
};
struct heads_waiting {
	struct sth sth;
	enum heads_mark mark;
};

/* Zeroed: nothing read, nothing signed. */
struct heads {
	bool has_good;
	struct sth good;
	struct frontier frontier; /* of good; empty without */
	struct heads_waiting waiting[HEADS_WAITING_MAX];
	size_t count;
};

enum heads_answer {
	HEADS_NEW, /* it waits now */
	HEADS_SAME, /* its tree is one we know */
	HEADS_FULL, /* too many wait; it is forgotten */
	HEADS_INCONSISTENT, /* same size as another, other root: *other */
};
/* A head whose signature was checked.  '*other' is set only for INCONSISTENT;
 * it borrows h until the next call. */
enum heads_answer heads_offer(struct heads *h, const struct sth *sth,
			      const struct sth **other);

/* The largest that waits ahead of good; NULL: none. */
const struct sth *heads_target(const struct heads *h);
/* Some that waits behind good and wants a consistency proof; NULL: none. */
const struct sth *heads_behind(const struct heads *h);

/* Reading has got so far.  True: a waiting head says the same of it, and
 * heads_commit() is due. */
bool heads_pass(struct heads *h, const struct frontier *at);
/* Reading has to begin again at good: what was passed was not. */
void heads_rewind(struct heads *h);
/*
 * A waiting head's tree was rebuilt, and 'frontier' is of its size and root: it
 * is good now.  What matched is forgotten, what broke is moved to
 * broken[0..returned).
 */
size_t heads_commit(struct heads *h, const struct frontier *frontier,
		    struct sth broken[HEADS_WAITING_MAX]);
/* That head was proven or convicted: it waits no longer. */
void heads_settle(struct heads *h, const struct tree_head *head);

void heads_write(struct wr *w, const struct heads *h);
/* RC_MALFORMED when it is not exactly what heads_write() wrote, or its frontier
 * does not lead to its good head. */
enum rc heads_read(struct heads *out, struct span *s);

#endif
