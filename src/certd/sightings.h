/*
 * sightings: what the watching threads have seen, for evidence and status: of
 * the monitor of Certificate Transparency heads of logs, certificates that are
 * not ours, proofs that ours are in; of the watch over CAA that it changed.
 * Written by those threads, copied by others.
 */
#ifndef POSTERN_CERTD_SIGHTINGS_H
#define POSTERN_CERTD_SIGHTINGS_H

#include "base/arena.h"
#include "base/buf.h"
#include "certd/pins.h"
#include "evidence/core.h"

enum {
	SIGHTINGS_HEADS_MAX = 64,
	SIGHTINGS_UNKNOWN_MAX = 256,
	SIGHTINGS_PROOFS_MAX = 64,
	SIGHTINGS_FOREIGN_MAX = 16, /* in DER */
	SIGHTINGS_NOTE_MAX = 4096,
	SIGHTINGS_SOURCES_MAX = 64,
	SIGHTINGS_SOURCE_LEN = 64,
};

/* One certificate of ours in one log, proved. */
struct sighting_proof {
	struct sha256 tbs, log_id;
	uint64_t index;
	char checkpoint[SIGHTINGS_NOTE_MAX];
	struct sha256 path[MERKLE_PATH_MAX * 2];
	size_t path_count;
};

struct sightings_view {
	struct sha256 log_list;
	bool has_log_list;
	struct core_head heads[SIGHTINGS_HEADS_MAX];
	size_t head_count;
	struct sha256 unknown[SIGHTINGS_UNKNOWN_MAX]; /* foreign, live */
	size_t unknown_count;
	struct core_legacy legacy[SIGHTINGS_UNKNOWN_MAX];
	size_t legacy_count;
	char sources[SIGHTINGS_SOURCES_MAX][SIGHTINGS_SOURCE_LEN];
	size_t source_count; /* that answered to the end */
	int64_t safe_at; /* 0: not known */
	struct sighting_proof proofs[SIGHTINGS_PROOFS_MAX];
	size_t proof_count;
};

struct sightings;

struct sightings *sightings_new(void);
void sightings_free(struct sightings *s);
/* Puts a view in the place of the one before. */
void sightings_put(struct sightings *s, const struct sightings_view *v);
/* A copy, in the arena; NULL: no room. */
struct sightings_view *sightings_get(struct sightings *s, struct arena *arena);
/* The foreign certificates that live, in DER: those that can be asked to be
 * revoked.  Copies; in the place of those before. */
void sightings_put_foreign(struct sightings *s, const struct span *ders,
			   size_t count);
/* One of them, appended.  False: there are no more, or it does not fit. */
bool sightings_foreign(struct sightings *s, size_t at, struct buf *out);

/* What CAA says of a name, as far as evidence tells of it. */
struct sighting_caa {
	char name[NAME_MAX_LEN + 1]; /* without "*." */
	struct sha256 set; /* pins_hash() */
	bool is_exclusive;
};
/* What the evidence says that is published now; up to PINS_NAMES_MAX. */
void sightings_caa_shown(struct sightings *s, const struct sighting_caa *all,
			 size_t count);
/* What was seen after that.  True: of a name that the evidence tells of it says
 * something else, and has to be made anew; the version changes. */
bool sightings_caa_seen(struct sightings *s, const struct sighting_caa *all,
			size_t count);
/* Changes when something else than heads does. */
uint64_t sightings_version(struct sightings *s);

#endif
