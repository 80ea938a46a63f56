/*
 * holdbook: which certificates are held back because somebody else got one for
 * their names, and because of which, as one document under seal: a restart or a
 * renewal must not serve what was stopped.  Only a person ends it, and what
 * that person has seen holds nothing back again.
 *
 * Its memory is bounded, and what does not fit holds: with more names held than
 * can be remembered everything is, until a person has looked.
 *
 * Pure.
 */
#ifndef POSTERN_CERTD_HOLDBOOK_H
#define POSTERN_CERTD_HOLDBOOK_H

#include "base/buf.h"
#include "certd/config.h"
#include "crypto/sha256.h"

enum {
	HOLDBOOK_HELD_MAX = 2 * CONFIG_CERTIFICATES_MAX,
	HOLDBOOK_CAUSES_MAX = 512,
	HOLDBOOK_STATE_MAX = 256 * 1024,
};

/* A set of hashes that grows up to a bound. */
struct holdbook_set {
	struct sha256 of[HOLDBOOK_CAUSES_MAX];
	size_t count;
};

struct holdbook {
	struct holdbook_set held; /* names_hash() of certificates */
	struct holdbook_set causes; /* TBS of foreign ones; not yet seen */
	struct holdbook_set seen; /* by a person, who let it go on */
	bool is_over; /* more names are held than have room: all are */
};

/* Also when it cannot be remembered that they are not. */
bool holdbook_is_held(const struct holdbook *b, const struct sha256 *names);
/* More than there is room for: of names, or of causes, which hold again once
 * they were seen. */
bool holdbook_is_full(const struct holdbook *b);
/*
 * A foreign certificate is a reason to hold these names back.  True: something
 * has changed.  One that was seen is none; one more than can be remembered is
 * one all the same, and again after it was seen.
 */
bool holdbook_hold(struct holdbook *b, const struct sha256 *names,
		   const struct sha256 *cause);
/* A person has seen all of it: nothing is held.  True: something was. */
bool holdbook_release(struct holdbook *b);

/* RC_LIMIT: it does not fit. */
enum rc holdbook_write(struct buf *out, const struct holdbook *b);
/* RC_MALFORMED: not what holdbook_write() writes; *out is untouched. */
enum rc holdbook_read(struct holdbook *out, struct span json);

#endif
