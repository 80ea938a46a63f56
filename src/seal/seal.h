/*
 * seal: a folder of sealed files (form.h), one a purpose: "<purpose>.sealed".
 *
 * A writing is whole or not at all, whatever ends the process: a temporary
 * file, fsync, rename, fsync of the folder.  Each takes the next epoch of its
 * purpose, and a ledger of all epochs, sealed too, is written after it.  So
 * these are told apart when a file is read:
 *
 *   an older file in the place of a newer    rolled_back
 *   a file taken away                        missing
 *   a purpose that never was written         absent
 *
 * Not told: an older ledger put back, and with it files that it knew, or all of
 * it taken away.  Only who remembers outside can see that: seal_generation()
 * is the number to remember.
 *
 * Who holds the key is behind struct seal_provider.  It is asked once, when the
 * folder is opened.  One process has a folder (a lock); one thread at a time.
 *
 * Source: docs/PROTOCOL.seal.md.
 */
#ifndef POSTERN_SEAL_SEAL_H
#define POSTERN_SEAL_SEAL_H

#include "seal/form.h"

enum {
	SEAL_PURPOSES_MAX = 256, /* in one folder */
	SEAL_ERROR_MAX = 512,
};

/* Why a folder is not opened or a file not read.  Below FORM_REASON_COUNT:
 * form.h's, by the same numbers. */
enum seal_reason {
	SEAL_OK = 0,
	SEAL_ABSENT = FORM_REASON_COUNT, /* never written */
	SEAL_MISSING, /* written once, and gone */
	SEAL_ROLLED_BACK, /* older than the ledger says */
	SEAL_NO_KEY, /* the provider gives none */
	SEAL_BUSY, /* another process has the folder */
	SEAL_FULL, /* over a bound of ours */
	SEAL_IO, /* errno */
	SEAL_REASON_COUNT,
};
/* "absent", "other_app", ...; they stay. */
const char *seal_reason_name(enum seal_reason r);

/* Who holds the key.  Borrowed for seal_open(). */
struct seal_provider {
	enum form_provider kind;
	/*
	 * The key for this label, the same each time, and the measurement that
	 * it is bound to.  RC_UNSUPPORTED, RC_DENIED, RC_CLOSED, ...: there is
	 * none; error says why.
	 */
	enum rc (*key)(void *arg, struct key32 *key,
		       uint8_t measurement[FORM_MEASUREMENT_LEN],
		       const char *label, char error[SEAL_ERROR_MAX]);
	void *arg;
};

struct seal;

struct seal_options {
	const char *folder; /* made when absent, mode 0700 */
	uint8_t app[FORM_ID_LEN], instance[FORM_ID_LEN];
	const struct seal_provider *provider;
};

/* Returns owned: seal_close().  Otherwise error says what and why, and *out is
 * untouched. */
enum seal_reason seal_open(struct seal **out, const struct seal_options *o,
			   char error[SEAL_ERROR_MAX]);
void seal_close(struct seal *s);

/* Writes a purpose anew.  SEAL_IO: errno; the old content stands.  SEAL_FULL:
 * too long, or one purpose too many. */
enum seal_reason seal_write(struct seal *s, const char *purpose,
			    struct span secret);
/* Appends its content to *out (room for FORM_SECRET_MAX).  On refusal *out is
 * untouched. */
enum seal_reason seal_read(struct seal *s, const char *purpose,
			   struct buf *out);
/* Forgets a purpose: it is absent then, as it may be before.  It keeps its
 * place in the ledger, so that no file of before can be put back. */
enum seal_reason seal_remove(struct seal *s, const char *purpose);
/* The same for a purpose that will never be written or read again: its place
 * is free for another. */
enum seal_reason seal_forget(struct seal *s, const char *purpose);

/* How often anything was written in this folder. */
uint64_t seal_generation(const struct seal *s);
/* The keys are those of a simulated CPU. */
bool seal_is_simulated(const struct seal *s);
/* What the folder's key is bound to. */
struct span seal_measurement(const struct seal *s);

#endif
