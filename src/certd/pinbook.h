/*
 * pinbook: since when the CAA of each name has let nobody but our accounts get
 * a certificate, as one document under seal.
 *
 * Two times of each name.  When it was seen pinned for the first time: a
 * certificate of another from before is an older one, every later one is
 * foreign, for ever.  And since when it has been pinned without a look that
 * saw otherwise: what a CA remembers of before it may act on for a while
 * longer, so that nobody is safe at once, nor when the pin was lifted and put
 * back.  Between two looks nobody knows.
 *
 * Pure.
 */
#ifndef POSTERN_CERTD_PINBOOK_H
#define POSTERN_CERTD_PINBOOK_H

#include "base/buf.h"
#include "certd/pins.h"

enum {
	PINBOOK_STATE_MAX = 64 * 1024,
};

struct pinbook_name {
	char text[NAME_MAX_LEN + 1]; /* as pins_name.text */
	int64_t first_at; /* 0: not yet */
	int64_t since_at; /* 0: it is not pinned, as far as anybody saw */
};
struct pinbook {
	struct pinbook_name of[PINS_NAMES_MAX];
	size_t count;
};

/* NULL: it was not looked at. */
const struct pinbook_name *pinbook_find(const struct pinbook *b,
					const char *name);
/* Makes it the book of these names: others are forgotten, new ones begin with
 * this first time (0: not yet). */
void pinbook_begin(struct pinbook *b, const struct pins *p, int64_t first_at);
/*
 * A look at a name of it.  PINS_UNKNOWN says nothing; what lets others in, or
 * us out (then somebody else's set may be in force), ends 'since'.  True:
 * something has changed.
 */
bool pinbook_saw(struct pinbook *b, const char *name, enum pins_state state,
		 int64_t now);
/* Moves *since on to when the last of a certificate's names was pinned;
 * addresses have no CAA.  False: one of them is not. */
bool pinbook_since(const struct pinbook *b, const struct names *names,
		   int64_t *since);

/* RC_LIMIT: it does not fit. */
enum rc pinbook_write(struct buf *out, const struct pinbook *b);
/* RC_MALFORMED: not what pinbook_write() writes; *out is untouched. */
enum rc pinbook_read(struct pinbook *out, struct span json);

#endif
