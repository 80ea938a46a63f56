#include "ct/follower.h"

#include <stdlib.h>

#include "base/mem.h"

enum {
	POSITION_FORMAT = 1,
};

struct follow *follow_new(const struct follow_config *config)
{
	struct follow *f = mem_new(sizeof(*f));

	f->config = *config;
	if (!f->config.poll_s)
		f->config.poll_s = FOLLOW_POLL_S;
	if (!f->config.batch || f->config.batch > RFC6962_COUNT_MAX)
		f->config.batch = RFC6962_COUNT_MAX;
	note_key_of_log(&f->key, config->origin, config->spki);
	return f;
}

void follow_free(struct follow *f)
{
	if (!f)
		return;
	follower_drop_tiles(f);
	free(f);
}

void follow_auto(struct follow **f)
{
	follow_free(*f);
}

static struct sha256 log_id(const struct follow *f)
{
	struct sha256 id;

	sha256_of(&id, f->config.spki);
	return id;
}

void follow_position(const struct follow *f, struct wr *w)
{
	struct sha256 id = log_id(f);

	wr_u8(w, POSITION_FORMAT);
	wr_bytes(w, SPAN_ARRAY(id.b));
	heads_write(w, &f->heads);
}

enum rc follow_resume(struct follow *f, struct span position)
{
	struct sha256 id = log_id(f), theirs;
	AUTO(mem_auto_free)
	struct heads *h = mem_new(sizeof(*h));
	uint8_t format;

	if (!rd_u8(&position, &format) || format != POSITION_FORMAT ||
	    !rd_copy(&position, theirs.b, sizeof(theirs.b)) ||
	    !span_equal(SPAN_ARRAY(id.b), SPAN_ARRAY(theirs.b)) ||
	    heads_read(h, &position) || !rd_end(&position))
		return RC_MALFORMED;
	f->heads = *h;
	f->work = h->frontier;
	return RC_OK;
}

bool follow_offer(struct follow *f, const struct sth *sth)
{
	if (!sth_signed(sth, f->config.spki))
		return false;
	follower_offer(f, sth);
	return true;
}

/* Where a tile is, below the monitoring prefix. */
static enum rc ask_path(struct web_ask *ask, const struct follow *f,
			struct span path, size_t answer_max)
{
	uint8_t room[WEB_URL_MAX];
	struct wr w = WR_ARRAY(room);
	struct span prefix = f->config.url, url;

	while (prefix.n && prefix.p[prefix.n - 1] == '/')
		prefix.n--;
	wr_bytes(&w, prefix);
	wr_str(&w, "/");
	wr_bytes(&w, path);
	if (!wr_done(&w, &url))
		return RC_MALFORMED;
	return web_ask_init(ask, WEB_GET, url, answer_max);
}

static enum rc ask_head(struct follow *f, struct web_ask *ask)
{
	f->asked = ASKED_HEAD;
	if (!f->config.is_tiled)
		return rfc6962_ask_sth(ask, f->config.url);
	return ask_path(ask, f, span_str("checkpoint"), NOTE_MAX);
}

static enum rc ask_entries_tile(struct follow *f, struct web_ask *ask,
				uint64_t end)
{
	uint64_t index = f->work.size / TILE_WIDTH;
	struct tile_id tile = tile_of(end, 0, index);
	uint8_t room[TILE_PATH_MAX];
	struct wr w = WR_ARRAY(room);
	enum rc rc;

	f->asked_count = index * TILE_WIDTH + tile.width - f->asked_from;
	tile_data_path(&w, index, f->wants_full ? TILE_WIDTH : tile.width);
	rc = ask_path(ask, f, wr_span(&w), FOLLOW_TILE_MAX);
	return rc ? rc
		  : web_ask_header(ask, "Accept-Encoding",
				   span_str("gzip, identity"));
}

static enum rc ask_entries(struct follow *f, struct web_ask *ask, uint64_t end)
{
	f->asked = ASKED_ENTRIES;
	f->asked_from = f->work.size;
	if (f->config.is_tiled)
		return ask_entries_tile(f, ask, end);
	f->asked_count = end - f->work.size;
	if (f->asked_count > f->config.batch)
		f->asked_count = f->config.batch;
	return rfc6962_ask_entries(ask, f->config.url, f->asked_from,
				   f->asked_from + f->asked_count - 1);
}

/* The first tile that has no content yet. */
static enum rc ask_tile(struct follow *f, struct web_ask *ask)
{
	uint8_t room[TILE_PATH_MAX];
	struct wr w = WR_ARRAY(room);
	struct tile_id id;

	for (f->tile = 0; f->tile + 1 < f->tiles.count; f->tile++)
		if (!f->tiles.content[f->tile].n)
			break;
	f->asked = ASKED_TILE;
	id = f->tiles.id[f->tile];
	if (f->wants_full)
		id.width = TILE_WIDTH;
	tile_path(&w, &id);
	return ask_path(ask, f, wr_span(&w), TILE_HASHES_LEN);
}

/* The tiles kept are those of the proof now wanted. */
static void begin_tiles(struct follow *f, const struct sth *subject,
			uint64_t size)
{
	if (f->tiles_size != size ||
	    !tree_head_equal(&f->subject.head, &subject->head))
		follower_drop_tiles(f);
	f->tiles_size = size;
	f->subject = *subject;
}

/* False: nothing is to be asked for it now. */
static bool begin_at_end(struct follow *f, struct web_ask *ask, enum rc *rc,
			 const struct sth *target, int64_t now)
{
	struct treeproof path;
	struct merkle_hash leaf;
	uint64_t size = target->head.size;

	if (f->config.is_tiled) {
		begin_tiles(f, target, size);
		if (tile_inclusion(&path, &f->tiles, size - 1, size) !=
			    TILE_DONE ||
		    tile_leaf(&leaf, &f->tiles, size - 1, size) != TILE_DONE) {
			*rc = ask_tile(f, ask);
			return true;
		}
		follower_take_end(f, &path, &leaf, now);
		follower_drop_tiles(f);
		return false;
	}
	if (!f->has_last_leaf) {
		f->subject = *target;
		f->asked = ASKED_LAST;
		*rc = rfc6962_ask_entries(ask, f->config.url, size - 1,
					  size - 1);
		return true;
	}
	f->asked = ASKED_PROOF;
	*rc = rfc6962_ask_proof(ask, f->config.url, &f->last_leaf,
				f->subject.head.size);
	return true;
}

/* As begin_at_end(), for a head that is behind. */
static bool prove_behind(struct follow *f, struct web_ask *ask, enum rc *rc,
			 const struct sth *behind, int64_t now)
{
	uint64_t first = behind->head.size, second = f->heads.good.head.size;
	struct treeproof path = { .count = 0 };

	if (first && !f->config.is_tiled) {
		f->subject = *behind;
		f->asked = ASKED_CONSISTENCY;
		*rc = rfc6962_ask_consistency(ask, f->config.url, first,
					      second);
		return true;
	}
	begin_tiles(f, behind, second);
	if (first && tile_consistency(&path, &f->tiles, first, second) !=
			     TILE_DONE) {
		*rc = ask_tile(f, ask);
		return true;
	}
	follower_take_consistency(f, &path, now);
	follower_drop_tiles(f);
	return false;
}

/* A target that nothing has to be read for: the empty tree, or a head for just
 * what was read. */
static void settle_here(struct follow *f, int64_t now)
{
	if (heads_pass(&f->heads, &f->work)) {
		follower_commit(f);
		return;
	}
	f->subject = *heads_target(&f->heads);
	/* Nothing can be read again to make it another tree. */
	if (f->subject.head.size == f->heads.frontier.size)
		heads_settle(&f->heads, &f->subject.head);
	follower_mismatch(f, &f->subject, now);
}

static bool next_question(struct follow *f, struct web_ask *ask, enum rc *rc,
			  int64_t now)
{
	const struct sth *target = heads_target(&f->heads), *behind;
	bool at_end = f->config.start == FOLLOW_FROM_END &&
		      !f->heads.has_good;

	if (target && target->head.size == f->work.size) {
		settle_here(f, now);
		return now >= f->wait_until && next_question(f, ask, rc, now);
	}
	if (target && at_end)
		return begin_at_end(f, ask, rc, target, now) ||
		       (f->heads.has_good && next_question(f, ask, rc, now));
	if (target && f->work.size < target->head.size) {
		*rc = ask_entries(f, ask, target->head.size);
		return true;
	}
	behind = heads_behind(&f->heads);
	while (behind && !prove_behind(f, ask, rc, behind, now))
		behind = heads_behind(&f->heads);
	return behind;
}

/* Times that only a clock which was set back can have left. */
static void heed_clock(struct follow *f, int64_t now)
{
	if (f->wait_until > now + FOLLOW_RETRY_MAX_S)
		f->wait_until = now + FOLLOW_RETRY_MAX_S;
	if (f->head_due > now + f->config.poll_s)
		f->head_due = now + f->config.poll_s;
}

enum follow_want follow_next(struct follow *f, struct web_ask *ask,
			     int64_t *until, int64_t now)
{
	enum rc rc = RC_OK;

	heed_clock(f, now);
	*until = f->wait_until;
	if (now < f->wait_until)
		return FOLLOW_WAIT;
	if (now >= f->head_due)
		rc = ask_head(f, ask);
	else if (!next_question(f, ask, &rc, now)) {
		*until = f->wait_until > f->head_due ? f->wait_until
						     : f->head_due;
		return FOLLOW_WAIT;
	}
	if (!rc)
		return FOLLOW_ASK;
	/* No URL can be made of what the configuration says. */
	f->asked = ASKED_NOTHING;
	follower_fail(f, FOLLOW_NO_ANSWER, now);
	*until = f->wait_until;
	return FOLLOW_WAIT;
}

void follow_status(struct follow_status *out, const struct follow *f)
{
	*out = (struct follow_status){
		.read = f->work.size,
		.proven = f->heads.frontier.size,
		.signed_size = f->newest.head.size,
		.signed_root = f->newest.head.root,
		.signed_at_ms = f->newest.timestamp_ms,
		.heard_at = f->heard_at,
		.failures = f->failures,
		.unproven = f->heads.count,
	};
}

static const char *const alarms[FOLLOW_ALARM_COUNT] = {
	[FOLLOW_BAD_SIGNATURE] = "bad_signature",
	[FOLLOW_INCONSISTENT] = "inconsistent",
	[FOLLOW_ROOT_MISMATCH] = "root_mismatch",
	[FOLLOW_STALE] = "stale",
	[FOLLOW_FUTURE] = "future",
	[FOLLOW_BAD_ANSWER] = "bad_answer",
	[FOLLOW_NO_ANSWER] = "no_answer",
	[FOLLOW_TOO_MANY_HEADS] = "too_many_heads",
};

const char *follow_alarm_name(enum follow_alarm_kind kind)
{
	return alarms[kind];
}

bool follow_alarm_convicts(enum follow_alarm_kind kind)
{
	return kind == FOLLOW_INCONSISTENT;
}
