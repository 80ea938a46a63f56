/* monitoring: the inside of certd/monitor.  Nobody else includes this. */
#ifndef POSTERN_CERTD_MONITORING_H
#define POSTERN_CERTD_MONITORING_H

#include <pthread.h>

#include "certd/logread.h"
#include "certd/monitor.h"
#include "ct/aggregator.h"
#include "ct/history.h"

enum {
	MONITOR_SEALED_MAX = FORM_SECRET_MAX,
};

/* One aggregator. */
struct monitor_source {
	struct monitor *monitor;
	const struct config_source *config;
	unsigned number; /* of the source, in finds */
	struct buf token;
	struct aggregator *aggregator;
	struct aggregator_status last; /* of the round before */
	bool has_been_whole; /* a round was, since something was lost */
	bool has_news; /* not yet kept */
	unsigned failures; /* rounds in a row */
	int64_t due;
};

struct monitor {
	struct monitor_options o;
	struct pulse pulse;
	pthread_t thread;
	bool is_running;

	struct watchset *names;
	struct finds finds;
	pthread_mutex_t finds_lock; /* over it, while turns are taken */
	struct buf list_text, list_key; /* key: SPKI, DER */
	struct sha256 list_hash;
	struct arena list_arena;
	struct loglist list;
	bool has_list;
	struct logread_context context;
	struct logread *logs;
	size_t log_count;
	struct buf others; /* positions in logs that are not on the list */
	struct monitor_source sources[CONFIG_SOURCES_MAX];
	size_t source_count;

	struct pins *pins; /* the names alone */
	struct watchset *pinned[PINS_NAMES_MAX]; /* each of them */
	struct pinbook book; /* of this round */
	struct custody_key *keys; /* of this round */
	size_t key_count;
	int64_t since; /* our first key was made; now: none was */
	size_t foreign_count, legacy_count, revoked_count, ours_count;
	struct span foreign[SIGHTINGS_FOREIGN_MAX]; /* of finds, in DER */
	size_t foreign_ders;
	struct history_summary summary;
	struct sightings_view *view;
	struct sighting_proof *proofs; /* SIGHTINGS_PROOFS_MAX of them */
	size_t proof_count;
	uint64_t told; /* version of the sightings, when the issuer was told */
};

/* What is sealed of it, by these purposes and one for each aggregator. */
#define MONITOR_POSITIONS "ct-positions"
#define MONITOR_FOUND "ct-found"
/* monitor_keep.c: seals what was found, and then how far that was read. */
void monitor_keep(struct monitor *m);
/* What was found alone.  False: what was read must be read again, so no
 * position may be kept. */
bool monitor_keep_finds(struct monitor *m);

/* monitor_turns.c: each log and aggregator whose time it is has a turn. */
void monitor_turns(struct monitor *m);

/* monitor_revoked.c: asks the CAs' lists about what is not ours and has not
 * expired.  True: one was revoked, or is not any more. */
bool monitor_revoked(struct monitor *m);

/* monitor_judge.c: who everything found belongs to, with alarms; fills the view
 * but for its heads and proofs. */
void monitor_judge(struct monitor *m);
/* Hashes of our keys and certificates into the watch set. */
void monitor_learn(struct monitor *m, struct arena *arena);
enum watchset_class monitor_class(const struct monitor *m,
				  const struct find *f);

/* monitor_tell.c: heads and proofs into the view; the status. */
void monitor_prove(struct monitor *m);
void monitor_tell(struct monitor *m);

#endif
