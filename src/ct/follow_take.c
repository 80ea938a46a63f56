#include "ct/follower.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "ct/gunzip.h"

enum {
	ARENA_MAX = RFC6962_ENTRIES_ARENA,
	STATUS_OK = 200,
	STATUS_NOT_FOUND = 404,
	STATUS_GONE = 410,
};

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
	follower_alarm(f, FOLLOW_STALE, &f->newest, NULL);
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
		follower_fail(f, FOLLOW_BAD_ANSWER, now);
		return;
	}
	if (!is_signed) {
		follower_alarm(f, FOLLOW_BAD_SIGNATURE, &sth, NULL);
		follower_back_off(f, now);
		return;
	}
	if ((int64_t)(sth.timestamp_ms / 1000) > now + FOLLOW_FUTURE_S)
		follower_alarm(f, FOLLOW_FUTURE, &sth, NULL);
	follower_succeed(f, now);
	follower_offer(f, &sth);
	check_age(f, now);
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
		follower_commit(f);
		return true;
	}
	if (!target || f->work.size < target->head.size)
		return true;
	follower_mismatch(f, target, now);
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
		follower_fail(f, FOLLOW_BAD_ANSWER, now);
		return;
	}
	follower_succeed(f, now);
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
			follower_fail(f, FOLLOW_BAD_ANSWER, now);
			return;
		}
		if (index < f->asked_from)
			continue;
		if (is_first)
			follower_succeed(f, now);
		is_first = false;
		if (!add_leaf(f, &leaf, &entry, span_of(NULL, 0), now))
			return;
	}
	if (!is_full && !rd_end(&body))
		follower_fail(f, FOLLOW_BAD_ANSWER, now);
}

static void take_last(struct follow *f, struct span body, int64_t now)
{
	AUTO(arena_fini)
	struct arena arena;
	struct rfc6962_entry one;
	size_t count;

	arena_init(&arena, ARENA_MAX);
	if (rfc6962_read_entries(&one, &count, 1, &arena, body)) {
		follower_fail(f, FOLLOW_BAD_ANSWER, now);
		return;
	}
	follower_succeed(f, now);
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
		follower_fail(f, FOLLOW_BAD_ANSWER, now);
	else if (f->asked == ASKED_CONSISTENCY)
		follower_take_consistency(f, &p, now);
	else
		follower_take_end(f, &p, &f->last_leaf, now);
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
		follower_succeed(f, now);
		return;
	}
	free((void *)(uintptr_t)copy.p);
	follower_fail(f, FOLLOW_BAD_ANSWER, now);
}

/* How long the log asks us to wait, at most as long as we would at worst. */
static void heed_retry_after(struct follow *f, const struct web_answer *a,
			     int64_t now)
{
	struct span text;
	uint64_t s;

	if (!a || !web_answer_get(a, "retry-after", 0, &text) ||
	    !text_u64(&s, text, UINT64_MAX))
		return;
	if (s > FOLLOW_RETRY_MAX_S)
		s = FOLLOW_RETRY_MAX_S;
	if (now + (int64_t)s > f->wait_until)
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
	follower_drop_tiles(f);
	if (f->asked == ASKED_HEAD)
		f->head_due = now + f->config.poll_s;
	f->config.sink.alarm(f->config.sink.arg, &alarm);
	follower_back_off(f, now);
	heed_retry_after(f, a, now);
}

/* static-ct-api: a log may compress without being asked to. */
static bool read_body(struct span *body, struct buf *room,
		      const struct web_answer *answer)
{
	struct span coding;

	*body = buf_span(&answer->body);
	if (!web_answer_get(answer, "content-encoding", 0, &coding) ||
	    span_equal_nocase(coding, span_str("identity")))
		return true;
	if (!span_equal_nocase(coding, span_str("gzip")) ||
	    gunzip(room, *body))
		return false;
	*body = buf_span(room);
	return true;
}

void follow_take(struct follow *f, const struct web_answer *answer, int64_t now)
{
	enum asked asked = f->asked;
	AUTO(buf_fini)
	struct buf room;
	struct span body;

	buf_init(&room, FOLLOW_TILE_MAX);

	if (!answer || answer->status != STATUS_OK) {
		take_failure(f, answer, now);
		check_age(f, now);
		f->asked = ASKED_NOTHING;
		return;
	}
	if (!read_body(&body, &room, answer)) {
		follower_fail(f, FOLLOW_BAD_ANSWER, now);
		f->asked = ASKED_NOTHING;
		return;
	}
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
