#include "node/keeper.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/rng.h"
#include "io/clock.h"
#include "io/file.h"
#include "pcs/refresh.h"
#include "pcs/schedule.h"

enum {
	KEPT_MAX = SETTINGS_PLATFORMS_MAX + CACHE_SETS_MAX,
	/* Between two looks at folder and clock, which can be set. */
	LOOK_S = 15,
	PATH_LEN = 4096,
	UPDATE_TEXT = PCS_GROUP_MAX,
	FMSPC_TEXT = 2 * PCS_FMSPC_LEN + 1,
};

/* One platform family. */
struct kept {
	uint8_t fmspc[PCS_FMSPC_LEN];
	int64_t due_at; /* unix seconds */
	unsigned failures; /* in a row */
};

struct keeper {
	const struct trust_settings *settings;
	const struct log *log;
	pthread_t thread;
	atomic_bool stop; /* read by transfers, too */
	pthread_mutex_t lock; /* of the wait alone */
	pthread_cond_t wake;

	/* Of the thread alone. */
	struct kept kept[KEPT_MAX];
	size_t count;
	bool is_other_update; /* the folder's sets are of another choice */
};

static const char *fmspc_text(char out[FMSPC_TEXT], const uint8_t *fmspc)
{
	struct wr w = wr_over(out, FMSPC_TEXT - 1);

	memset(out, 0, FMSPC_TEXT);
	text_hex(&w, span_of(fmspc, PCS_FMSPC_LEN));
	return out;
}

static struct pcs_key key_of(const struct keeper *k, const uint8_t *fmspc)
{
	struct pcs_key key = {
		.tee = QUOTE_TDX, /* what the channel takes */
		.ca = PCS_CA_PLATFORM, /* which all TDX machines have */
		.update = k->settings->source.update.kind,
		.evaluation = k->settings->source.update.evaluation,
	};

	memcpy(key.fmspc, fmspc, sizeof(key.fmspc));
	return key;
}

/* ---- which choice of TCB state the folder holds */

static bool update_path(char path[PATH_LEN], const struct keeper *k)
{
	int n = snprintf(path, PATH_LEN, "%s/.update", k->settings->collateral);

	return n > 0 && n < PATH_LEN;
}

static void look_at_update(struct keeper *k)
{
	struct pcs_key key = key_of(k, (uint8_t[PCS_FMSPC_LEN]){ 0 });
	char path[PATH_LEN], want[PCS_GROUP_MAX];
	AUTO(buf_fini)
	struct buf found;

	buf_init(&found, UPDATE_TEXT);
	pcs_group_name(want, &key);
	k->is_other_update = !update_path(path, k) || file_read(&found, path) ||
			     !span_equal_str(buf_span(&found), want);
}

/* Every set was had as the configuration has it. */
static void write_update(struct keeper *k)
{
	struct pcs_key key = key_of(k, (uint8_t[PCS_FMSPC_LEN]){ 0 });
	char path[PATH_LEN], text[PCS_GROUP_MAX];

	for (size_t i = 0; i < k->count; i++)
		if (k->kept[i].failures)
			return;
	pcs_group_name(text, &key);
	/* Otherwise the next start asks once more. */
	if (update_path(path, k) && !file_replace(path, span_str(text), 0644))
		k->is_other_update = false;
}

/* ---- what is believed: read each time, as it may be replaced */

struct belief {
	struct tee_anchor anchors[2];
	struct cache_terms terms;
};

static void believe(struct belief *b, const struct keeper *k, int64_t now)
{
	const char *root = k->settings->simulated_root;
	char error[256];

	*b = (struct belief){ .anchors = { tee_anchor_intel } };
	b->terms = (struct cache_terms){ .anchors = b->anchors,
					 .anchor_count = 1,
					 .now = now };
	/* trust.h reports what is wrong with the file. */
	if (root && !collateral_simulated_anchor(&b->anchors[1], root, error))
		b->terms.anchor_count++;
}

/* ---- which families, and when each is due */

static bool is_kept(const struct keeper *k, const uint8_t *fmspc)
{
	for (size_t i = 0; i < k->count; i++)
		if (span_equal(SPAN_ARRAY(k->kept[i].fmspc),
			       span_of(fmspc, PCS_FMSPC_LEN)))
			return true;
	return false;
}

static void keep(struct keeper *k, const uint8_t *fmspc, int64_t now)
{
	AUTO(cache_set_fini)
	struct cache_set set = { 0 };
	struct pcs_key key = key_of(k, fmspc);
	struct pcs_error ignored = { 0 };
	struct kept *kept = &k->kept[k->count];
	struct belief b;

	if (k->count == KEPT_MAX || is_kept(k, fmspc))
		return;
	believe(&b, k, now);
	*kept = (struct kept){ .due_at = now };
	memcpy(kept->fmspc, fmspc, sizeof(kept->fmspc));
	k->count++;
	if (!k->is_other_update &&
	    !cache_load(&set, &ignored, k->settings->collateral, &key,
			&b.terms) &&
	    set.is_valid)
		kept->due_at = schedule_refresh(
			set.fetched_at, set.info.valid_to, rng_u32());
}

static void look_for_families(struct keeper *k, int64_t now)
{
	const struct conf_list *listed = &k->settings->source.platforms;
	const uint8_t *items = listed->items;
	uint8_t found[CACHE_SETS_MAX][PCS_FMSPC_LEN];
	size_t n = cache_list(found, k->settings->collateral);

	for (size_t i = 0; i < listed->count; i++)
		keep(k, items + i * PCS_FMSPC_LEN, now);
	for (size_t i = 0; i < n; i++)
		keep(k, found[i], now);
}

/* ---- refreshing */

static void say_fresh(const struct keeper *k, const struct kept *kept,
		      const struct tee_prepared_info *info)
{
	char fmspc[FMSPC_TEXT], until[24] = "";
	struct wr w = wr_over(until, sizeof(until) - 1);

	text_utc_write(&w, info->valid_to);
	log_event(k->log, LOG_INFO, "collateral_refreshed",
		  LSTR("fmspc", fmspc_text(fmspc, kept->fmspc)),
		  LU64("evaluation", info->tcb_evaluation),
		  LSTR("valid_to", until),
		  LSTR("anchor", info->anchor));
}

/* Without a valid set peers of this family are refused: someone must act. */
static void say_failure(const struct keeper *k, const struct kept *kept,
			const struct pcs_error *why, int64_t now)
{
	AUTO(cache_set_fini)
	struct cache_set set = { 0 };
	struct pcs_key key = key_of(k, kept->fmspc);
	struct pcs_error ignored = { 0 };
	char fmspc[FMSPC_TEXT];
	struct belief b;
	bool is_valid;

	believe(&b, k, now);
	is_valid = !cache_load(&set, &ignored, k->settings->collateral, &key,
			       &b.terms) &&
		   set.is_valid;
	log_event(k->log, is_valid ? LOG_WARN : LOG_ERROR,
		  "collateral_not_refreshed",
		  LSTR("fmspc", fmspc_text(fmspc, kept->fmspc)),
		  LSTR("reason", pcs_reason_name(why->reason)),
		  LSTR("stored", is_valid ? "valid" : "none-valid"),
		  LI64("next_in_s", kept->due_at - now),
		  LSTR("detail", why->detail));
}

static void refresh(struct keeper *k, struct kept *kept, int64_t now)
{
	const struct pcs_source source = {
		.server = k->settings->source.server,
		.ca_file = k->settings->source.ca,
		.stop = &k->stop,
	};
	struct pcs_key key = key_of(k, kept->fmspc);
	struct tee_prepared_info info = { 0 };
	struct pcs_error why = { 0 };
	struct belief b;

	believe(&b, k, now);
	if (refresh_now(&info, &why, &source, &key, k->settings->collateral,
			&b.terms) == PCS_OK) {
		kept->failures = 0;
		kept->due_at = schedule_refresh(now, info.valid_to, rng_u32());
		say_fresh(k, kept, &info);
		return;
	}
	if (why.reason == PCS_STOPPED)
		return;
	kept->failures++;
	kept->due_at = schedule_retry(now, kept->failures, why.retry_after_s,
				      rng_u32());
	say_failure(k, kept, &why, now);
}

static void refresh_due(struct keeper *k)
{
	int64_t now = clock_unix_s();
	bool has_asked = false;

	look_for_families(k, now);
	for (size_t i = 0; i < k->count && !atomic_load(&k->stop); i++)
		if (k->kept[i].due_at <= now) {
			refresh(k, &k->kept[i], now);
			has_asked = true;
		}
	if (has_asked && k->is_other_update && !atomic_load(&k->stop))
		write_update(k);
}

/* ---- the thread */

static void *keeping(void *arg)
{
	struct keeper *k = arg;
	struct timespec until;

	look_at_update(k);
	while (!atomic_load(&k->stop)) {
		refresh_due(k);
		(void)pthread_mutex_lock(&k->lock);
		(void)clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += LOOK_S;
		while (!atomic_load(&k->stop) &&
		       pthread_cond_timedwait(&k->wake, &k->lock, &until) !=
			       ETIMEDOUT)
			;
		(void)pthread_mutex_unlock(&k->lock);
	}
	return NULL;
}

/* Signals are the main thread's. */
static int start_thread(struct keeper *k)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&k->thread, NULL, keeping, k);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

enum rc keeper_new(struct keeper **out, const struct trust_settings *settings,
		   const struct log *log, char error[NODE_ERROR_MAX])
{
	pthread_condattr_t attr;
	struct keeper *k;
	int failed;

	*out = NULL;
	if (!settings_has_source(settings))
		return RC_OK;
	k = mem_new(sizeof(*k));
	k->settings = settings;
	k->log = log;
	(void)pthread_mutex_init(&k->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&k->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	failed = start_thread(k);
	if (failed) {
		error_set(error, "collateral: no thread: %s",
			  strerror(failed));
		free(k);
		return RC_SYS;
	}
	log_event(log, LOG_INFO, "collateral_source",
		  LSTR("url", settings->source.server.base));
	*out = k;
	return RC_OK;
}

void keeper_free(struct keeper *k)
{
	if (!k)
		return;
	(void)pthread_mutex_lock(&k->lock);
	atomic_store(&k->stop, true);
	(void)pthread_cond_signal(&k->wake);
	(void)pthread_mutex_unlock(&k->lock);
	(void)pthread_join(k->thread, NULL);
	(void)pthread_cond_destroy(&k->wake);
	(void)pthread_mutex_destroy(&k->lock);
	free(k);
}
