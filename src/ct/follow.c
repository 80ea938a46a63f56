#include "ct/follow.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ct/note.h"
#include "ct/tile.h"

enum {
	ARENA_MAX = RFC6962_ENTRIES_ARENA,
	POSITION_FORMAT = 1,
	STATUS_OK = 200,
	STATUS_NOT_FOUND = 404,
	STATUS_GONE = 410,
};

/* What the last question was. */
enum asked {
	ASKED_NOTHING,
	ASKED_HEAD,
	ASKED_ENTRIES,
	ASKED_LAST, /* the last entry, to begin behind it */
	ASKED_PROOF, /* that it is the last, RFC 6962 */
	ASKED_CONSISTENCY, /* RFC 6962 */
	ASKED_TILE, /* for either of the two, tiled */
};

struct follow {
	struct follow_config config;
	struct note_key key; /* tiled */
	struct heads heads;
	struct frontier work; /* read, perhaps not proven */
	struct sth newest; /* of all heads, by time */
	bool has_newest, is_stale;

	enum asked asked;
	uint64_t asked_from, asked_count; /* ENTRIES */
	bool wants_full; /* the partial tile is gone: ask for the full one */
	uint64_t tiles_size; /* the tree that 'tiles' are of */
	struct sth subject; /* LAST, PROOF, CONSISTENCY, TILE: which head */
	bool has_last_leaf;
	struct merkle_hash last_leaf; /* PROOF */

	/* tiles of the proof under way; contents are owned */
	struct tile_set tiles;
	size_t tile; /* which was asked for */

	int64_t head_due, wait_until, heard_at;
	unsigned failures;
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

static void drop_tiles(struct follow *f)
{
	for (size_t i = 0; i < f->tiles.count; i++)
		free((void *)(uintptr_t)f->tiles.content[i].p);
	f->tiles.count = 0;
}

void follow_free(struct follow *f)
{
	if (!f)
		return;
	drop_tiles(f);
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

static void alarm_about(const struct follow *f, enum follow_alarm_kind kind,
			const struct sth *first, const struct sth *second)
{
	const struct follow_alarm a = { .kind = kind,
					.first = first,
					.second = second };

	f->config.sink.alarm(f->config.sink.arg, &a);
}

/* Later, and each time later. */
static void back_off(struct follow *f, int64_t now)
{
	int64_t wait = FOLLOW_RETRY_MIN_S;

	for (unsigned i = 0; i < f->failures && wait < FOLLOW_RETRY_MAX_S; i++)
		wait *= 2;
	if (wait > FOLLOW_RETRY_MAX_S)
		wait = FOLLOW_RETRY_MAX_S;
	f->failures++;
	f->wait_until = now + wait;
}

static void fail(struct follow *f, enum follow_alarm_kind kind, int64_t now)
{
	alarm_about(f, kind, NULL, NULL);
	back_off(f, now);
}

static void succeed(struct follow *f, int64_t now)
{
	f->failures = 0;
	f->heard_at = now;
}

/* A head whose signature holds. */
static void offer(struct follow *f, const struct sth *sth)
{
	const struct sth *other = NULL;

	if (!f->has_newest || sth->timestamp_ms > f->newest.timestamp_ms) {
		f->has_newest = true;
		f->is_stale = false;
		f->newest = *sth;
	}
	switch (heads_offer(&f->heads, sth, &other)) {
	case HEADS_NEW:
		f->config.sink.head(f->config.sink.arg, sth);
		return;
	case HEADS_SAME:
		return;
	case HEADS_FULL:
		alarm_about(f, FOLLOW_TOO_MANY_HEADS, sth, NULL);
		return;
	case HEADS_INCONSISTENT:
		f->config.sink.head(f->config.sink.arg, sth);
		alarm_about(f, FOLLOW_INCONSISTENT, other, sth);
		return;
	}
}

bool follow_offer(struct follow *f, const struct sth *sth)
{
	if (!sth_signed(sth, f->config.spki))
		return false;
	offer(f, sth);
	return true;
}

/* A checkpoint as a head: the same signature over the same bytes. */
static bool read_checkpoint(struct sth *out, const struct follow *f,
			    struct span body, bool *is_signed)
{
	AUTO(mem_auto_free)
	struct note *n = mem_new(sizeof(*n));
	uint8_t room[8 + RFC6962_SIGNATURE_MAX];
	struct checkpoint c;
	struct sth s = { 0 };
	struct span bytes;
	size_t len;

	*is_signed = false;
	if (note_parse(n, body) || checkpoint_parse(&c, n->text) ||
	    !span_equal(c.origin, f->config.origin))
		return false;
	s.head = c.head;
	*is_signed = note_verify(&s.timestamp_ms, n, &f->key) == NOTE_SIGNED &&
		     note_signature_bytes(room, sizeof(room), &len, n, &f->key);
	if (*is_signed) {
		bytes = span_of(room, len);
		(void)rd_be64(&bytes, &s.timestamp_ms); /* it was verified */
		s.signature_len = bytes.n;
		memcpy(s.signature, bytes.p, bytes.n);
	}
	*out = s;
	return true;
}

static void check_age(struct follow *f, int64_t now)
{
	if (!f->has_newest || f->is_stale ||
	    now - (int64_t)(f->newest.timestamp_ms / 1000) <= FOLLOW_STALE_S)
		return;
	f->is_stale = true; /* said once for each head */
	alarm_about(f, FOLLOW_STALE, &f->newest, NULL);
}

static void take_head(struct follow *f, struct span body, int64_t now)
{
	AUTO(arena_fini)
	struct arena arena;
	bool is_read, is_signed;
	struct sth sth;

	arena_init(&arena, RFC6962_STH_MAX * 16);
	if (f->config.is_tiled) {
		is_read = read_checkpoint(&sth, f, body, &is_signed);
	} else {
		is_read = rfc6962_read_sth(&sth, &arena, body) == RC_OK;
		is_signed = is_read && sth_signed(&sth, f->config.spki);
	}
	f->head_due = now + f->config.poll_s;
	if (!is_read) {
		fail(f, FOLLOW_BAD_ANSWER, now);
		return;
	}
	if (!is_signed) {
		alarm_about(f, FOLLOW_BAD_SIGNATURE, &sth, NULL);
		back_off(f, now);
		return;
	}
	if ((int64_t)(sth.timestamp_ms / 1000) > now + FOLLOW_FUTURE_S)
		alarm_about(f, FOLLOW_FUTURE, &sth, NULL);
	succeed(f, now);
	offer(f, &sth);
	check_age(f, now);
}

/* The tree up to 'work' is one that the log signed. */
static void commit(struct follow *f)
{
	AUTO(mem_auto_free)
	struct sth *broken = mem_new_array(HEADS_WAITING_MAX, sizeof(*broken));
	struct tree_head head = frontier_head(&f->work);
	size_t n = heads_commit(&f->heads, &f->work, broken);

	for (size_t i = 0; i < n; i++)
		alarm_about(f, FOLLOW_INCONSISTENT, &broken[i],
			    &f->heads.good);
	f->config.sink.proven(f->config.sink.arg, &head);
}

/* Begin again where all was proven. */
static void mismatch(struct follow *f, const struct sth *head, int64_t now)
{
	alarm_about(f, FOLLOW_ROOT_MISMATCH, head, NULL);
	heads_rewind(&f->heads);
	f->work = f->heads.frontier;
	back_off(f, now);
}

/* False: the tree read so far is not the one that was signed, and reading has
 * to begin again. */
static bool add_leaf(struct follow *f, const struct merkle_hash *leaf,
		     const struct logentry *entry, struct span bytes,
		     int64_t now)
{
	const struct sth *target = heads_target(&f->heads);
	uint64_t index = f->work.size;

	frontier_add(&f->work, leaf);
	f->config.sink.entry(f->config.sink.arg, index, entry, bytes);
	if (heads_pass(&f->heads, &f->work)) {
		commit(f);
		return true;
	}
	if (!target || f->work.size < target->head.size)
		return true;
	mismatch(f, target, now);
	return false;
}

static void take_entries_6962(struct follow *f, struct span body, int64_t now)
{
	AUTO(arena_fini)
	struct arena arena;
	AUTO(mem_auto_free)
	struct rfc6962_entry *list =
		mem_new_array(RFC6962_COUNT_MAX, sizeof(*list));
	size_t count;

	arena_init(&arena, ARENA_MAX);
	if (rfc6962_read_entries(list, &count, (size_t)f->asked_count, &arena,
				 body)) {
		fail(f, FOLLOW_BAD_ANSWER, now);
		return;
	}
	succeed(f, now);
	for (size_t i = 0; i < count; i++) {
		struct merkle_hash leaf;
		struct logentry entry;
		bool ok = logentry_read(&entry, list[i].leaf_input,
					list[i].extra_data) == RC_OK;

		logentry_leaf_hash(&leaf, list[i].leaf_input);
		if (!add_leaf(f, &leaf, ok ? &entry : NULL, list[i].leaf_input,
			      now))
			return;
	}
}

/* A data tile begins at a multiple of its width; what was read is skipped. */
static void take_entries_tile(struct follow *f, struct span body, int64_t now)
{
	uint64_t index = f->work.size / TILE_WIDTH * TILE_WIDTH;
	uint64_t end = f->asked_from + f->asked_count;
	bool is_full = f->wants_full;

	f->wants_full = false;
	for (bool is_first = true; index < end; index++) {
		struct merkle_hash leaf;
		struct logentry entry;

		if (logentry_rd_tile(&entry, &leaf, &body)) {
			fail(f, FOLLOW_BAD_ANSWER, now);
			return;
		}
		if (index < f->asked_from)
			continue;
		if (is_first)
			succeed(f, now);
		is_first = false;
		if (!add_leaf(f, &leaf, &entry, span_of(NULL, 0), now))
			return;
	}
	if (!is_full && !rd_end(&body))
		fail(f, FOLLOW_BAD_ANSWER, now);
}

/*
 * Beginning at the end: the audit path of the last leaf is just the frontier of
 * the tree without it.
 */
static void take_end(struct follow *f, const struct treeproof *p,
		     const struct merkle_hash *leaf, int64_t now)
{
	struct frontier start = { .size = f->subject.head.size - 1 };
	struct tree_head head;
	size_t at = 0;

	for (size_t level = 0; level < FRONTIER_MAX; level++)
		if (start.size >> level & 1 && at < p->count)
			start.hash[level] = p->hash[at++];
	frontier_add(&start, leaf);
	head = frontier_head(&start);
	if (at != p->count || !tree_head_equal(&head, &f->subject.head)) {
		alarm_about(f, FOLLOW_ROOT_MISMATCH, &f->subject, NULL);
		back_off(f, now);
		return;
	}
	succeed(f, now);
	f->work = start;
	if (heads_pass(&f->heads, &f->work))
		commit(f);
}

static void take_consistency(struct follow *f, const struct treeproof *p,
			     int64_t now)
{
	succeed(f, now);
	if (!treeproof_extends(&f->subject.head, &f->heads.good.head, p))
		alarm_about(f, FOLLOW_INCONSISTENT, &f->subject,
			    &f->heads.good);
	heads_settle(&f->heads, &f->subject.head);
}

static void take_last(struct follow *f, struct span body, int64_t now)
{
	AUTO(arena_fini)
	struct arena arena;
	struct rfc6962_entry one;
	size_t count;

	arena_init(&arena, ARENA_MAX);
	if (rfc6962_read_entries(&one, &count, 1, &arena, body)) {
		fail(f, FOLLOW_BAD_ANSWER, now);
		return;
	}
	succeed(f, now);
	logentry_leaf_hash(&f->last_leaf, one.leaf_input);
	f->has_last_leaf = true;
}

static void take_proof(struct follow *f, struct span body, int64_t now)
{
	AUTO(arena_fini)
	struct arena arena;
	struct treeproof p;
	uint64_t index;
	enum rc rc;

	arena_init(&arena, RFC6962_PROOF_MAX * 16);
	f->has_last_leaf = false;
	if (f->asked == ASKED_CONSISTENCY) {
		rc = rfc6962_read_consistency(&p, &arena, body);
	} else {
		rc = rfc6962_read_proof(&p, &index, &arena, body);
		if (!rc && index != f->subject.head.size - 1)
			rc = RC_MALFORMED;
	}
	if (rc)
		fail(f, FOLLOW_BAD_ANSWER, now);
	else if (f->asked == ASKED_CONSISTENCY)
		take_consistency(f, &p, now);
	else
		take_end(f, &p, &f->last_leaf, now);
}

static void take_tile(struct follow *f, struct span body, int64_t now)
{
	size_t want = (size_t)f->tiles.id[f->tile].width * MERKLE_HASH_LEN;
	struct span copy;

	/* of the full tile the beginning is the partial one */
	if (f->wants_full && body.n == TILE_HASHES_LEN)
		body.n = want;
	f->wants_full = false;
	copy = span_of(mem_dup_n(body.p, body.n), body.n);
	if (tile_put(&f->tiles, f->tile, copy)) {
		succeed(f, now);
		return;
	}
	free((void *)(uintptr_t)copy.p);
	fail(f, FOLLOW_BAD_ANSWER, now);
}

/* How long the log asks us to wait, at most as long as we would at worst. */
static void heed_retry_after(struct follow *f, const struct web_answer *a,
			     int64_t now)
{
	struct span text;
	uint64_t s;

	if (a && web_answer_get(a, "retry-after", 0, &text) &&
	    text_u64(&s, text, FOLLOW_RETRY_MAX_S) &&
	    now + (int64_t)s > f->wait_until)
		f->wait_until = now + (int64_t)s;
}

static void take_failure(struct follow *f, const struct web_answer *a,
			 int64_t now)
{
	const struct follow_alarm alarm = { .kind = FOLLOW_NO_ANSWER,
					    .status = a ? a->status : 0 };

	/* static-ct-api: a partial tile may go once the full one is there. */
	if ((f->asked == ASKED_ENTRIES || f->asked == ASKED_TILE) &&
	    f->config.is_tiled && a &&
	    (a->status == STATUS_NOT_FOUND || a->status == STATUS_GONE) &&
	    !f->wants_full) {
		f->wants_full = true;
		return;
	}
	f->wants_full = false;
	f->has_last_leaf = false;
	drop_tiles(f);
	if (f->asked == ASKED_HEAD)
		f->head_due = now + f->config.poll_s;
	f->config.sink.alarm(f->config.sink.arg, &alarm);
	back_off(f, now);
	heed_retry_after(f, a, now);
}

void follow_take(struct follow *f, const struct web_answer *answer, int64_t now)
{
	enum asked asked = f->asked;
	struct span body;

	if (!answer || answer->status != STATUS_OK) {
		take_failure(f, answer, now);
		check_age(f, now);
		f->asked = ASKED_NOTHING;
		return;
	}
	body = buf_span(&answer->body);
	switch (asked) {
	case ASKED_NOTHING:
		return;
	case ASKED_HEAD:
		take_head(f, body, now);
		break;
	case ASKED_ENTRIES:
		if (f->config.is_tiled)
			take_entries_tile(f, body, now);
		else
			take_entries_6962(f, body, now);
		break;
	case ASKED_LAST:
		take_last(f, body, now);
		break;
	case ASKED_PROOF:
	case ASKED_CONSISTENCY:
		take_proof(f, body, now);
		break;
	case ASKED_TILE:
		take_tile(f, body, now);
		break;
	}
	f->asked = ASKED_NOTHING;
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

	f->asked_count = index * TILE_WIDTH + tile.width - f->asked_from;
	tile_data_path(&w, index, f->wants_full ? TILE_WIDTH : tile.width);
	return ask_path(ask, f, wr_span(&w), FOLLOW_TILE_MAX);
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
		drop_tiles(f);
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
		take_end(f, &path, &leaf, now);
		drop_tiles(f);
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
	take_consistency(f, &path, now);
	drop_tiles(f);
	return false;
}

/* A target that nothing has to be read for: the empty tree, or a head for just
 * what was read. */
static void settle_here(struct follow *f, int64_t now)
{
	if (heads_pass(&f->heads, &f->work)) {
		commit(f);
		return;
	}
	f->subject = *heads_target(&f->heads);
	/* Nothing can be read again to make it another tree. */
	if (f->subject.head.size == f->heads.frontier.size)
		heads_settle(&f->heads, &f->subject.head);
	mismatch(f, &f->subject, now);
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

enum follow_want follow_next(struct follow *f, struct web_ask *ask,
			     int64_t *until, int64_t now)
{
	enum rc rc = RC_OK;

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
	fail(f, FOLLOW_NO_ANSWER, now);
	*until = f->wait_until;
	return FOLLOW_WAIT;
}

void follow_status(struct follow_status *out, const struct follow *f)
{
	*out = (struct follow_status){
		.read = f->work.size,
		.proven = f->heads.frontier.size,
		.signed_size = f->newest.head.size,
		.signed_at_ms = f->newest.timestamp_ms,
		.heard_at = f->heard_at,
		.failures = f->failures,
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
