#include "ct/follower.h"

#include <stdlib.h>

#include "base/mem.h"

void follower_drop_tiles(struct follow *f)
{
	for (size_t i = 0; i < f->tiles.count; i++)
		free((void *)(uintptr_t)f->tiles.content[i].p);
	f->tiles.count = 0;
}

void follower_alarm(const struct follow *f, enum follow_alarm_kind kind,
		    const struct sth *first, const struct sth *second)
{
	const struct follow_alarm a = { .kind = kind,
					.first = first,
					.second = second };

	f->config.sink.alarm(f->config.sink.arg, &a);
}

/* Later, and each time later. */
static int64_t pause_after(unsigned failures)
{
	int64_t wait = FOLLOW_RETRY_MIN_S;

	for (unsigned i = 0; i < failures && wait < FOLLOW_RETRY_MAX_S; i++)
		wait *= 2;
	return wait < FOLLOW_RETRY_MAX_S ? wait : FOLLOW_RETRY_MAX_S;
}

void follower_back_off(struct follow *f, int64_t now)
{
	f->wait_until = now + pause_after(f->failures++);
}

/* Every answer on the way here was of use, and so ends the failures:
 * only a tree that is proven ends this. */
static void mismatch(struct follow *f, const struct sth *head, int64_t now)
{
	follower_alarm(f, FOLLOW_ROOT_MISMATCH, head, NULL);
	f->failures++;
	f->wait_until = now + pause_after(f->mismatches++);
}

void follower_fail(struct follow *f, enum follow_alarm_kind kind, int64_t now)
{
	follower_alarm(f, kind, NULL, NULL);
	follower_back_off(f, now);
}

void follower_succeed(struct follow *f, int64_t now)
{
	f->failures = 0;
	f->heard_at = now;
}

void follower_offer(struct follow *f, const struct sth *sth)
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
		follower_alarm(f, FOLLOW_TOO_MANY_HEADS, sth, NULL);
		return;
	case HEADS_INCONSISTENT:
		f->config.sink.head(f->config.sink.arg, sth);
		follower_alarm(f, FOLLOW_INCONSISTENT, other, sth);
		return;
	}
}

void follower_commit(struct follow *f)
{
	AUTO(mem_auto_free)
	struct sth *broken = mem_new_array(HEADS_WAITING_MAX, sizeof(*broken));
	struct tree_head head = frontier_head(&f->work);
	size_t n = heads_commit(&f->heads, &f->work, broken);

	f->mismatches = 0;
	for (size_t i = 0; i < n; i++)
		follower_alarm(f, FOLLOW_INCONSISTENT, &broken[i],
			       &f->heads.good);
	f->config.sink.proven(f->config.sink.arg, &head);
}

void follower_mismatch(struct follow *f, const struct sth *head, int64_t now)
{
	mismatch(f, head, now);
	heads_rewind(&f->heads);
	f->work = f->heads.frontier;
}

/*
 * Beginning at the end: the audit path of the last leaf is just the frontier of
 * the tree without it.
 */
void follower_take_end(struct follow *f, const struct treeproof *p,
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
		mismatch(f, &f->subject, now);
		return;
	}
	follower_succeed(f, now);
	f->work = start;
	if (heads_pass(&f->heads, &f->work))
		follower_commit(f);
}

void follower_take_consistency(struct follow *f, const struct treeproof *p,
			       int64_t now)
{
	follower_succeed(f, now);
	if (!treeproof_extends(&f->subject.head, &f->heads.good.head, p))
		follower_alarm(f, FOLLOW_INCONSISTENT, &f->subject,
			       &f->heads.good);
	heads_settle(&f->heads, &f->subject.head);
}
