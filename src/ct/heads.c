#include "ct/heads.h"

enum {
	FORMAT = 1,
};

static struct heads_waiting *find_size(struct heads *h, uint64_t size)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->waiting[i].sth.head.size == size)
			return &h->waiting[i];
	return NULL;
}

enum heads_answer heads_offer(struct heads *h, const struct sth *sth,
			      const struct sth **other)
{
	struct heads_waiting *w = find_size(h, sth->head.size);
	const struct sth *known = w ? &w->sth : NULL;

	if (h->has_good && h->good.head.size == sth->head.size)
		known = &h->good;
	if (known && tree_head_equal(&known->head, &sth->head)) {
		/* the newer signature says that the log still lives */
		if (known == &h->good &&
		    sth->timestamp_ms > h->good.timestamp_ms)
			h->good = *sth;
		return HEADS_SAME;
	}
	if (known) {
		*other = known;
		return HEADS_INCONSISTENT;
	}
	if (h->count == HEADS_WAITING_MAX)
		return HEADS_FULL;
	h->waiting[h->count++] = (struct heads_waiting){ .sth = *sth };
	return HEADS_NEW;
}

const struct sth *heads_target(const struct heads *h)
{
	const struct sth *best = NULL;

	for (size_t i = 0; i < h->count; i++) {
		const struct sth *s = &h->waiting[i].sth;

		if ((!h->has_good || s->head.size > h->good.head.size) &&
		    (!best || s->head.size > best->head.size))
			best = s;
	}
	return best;
}

const struct sth *heads_behind(const struct heads *h)
{
	for (size_t i = 0; h->has_good && i < h->count; i++)
		if (h->waiting[i].sth.head.size < h->good.head.size)
			return &h->waiting[i].sth;
	return NULL;
}

bool heads_pass(struct heads *h, const struct frontier *at)
{
	struct heads_waiting *w = find_size(h, at->size);
	struct tree_head head;

	if (!w)
		return false;
	head = frontier_head(at);
	w->mark = tree_head_equal(&w->sth.head, &head) ? HEADS_MATCHED
						       : HEADS_BROKEN;
	return w->mark == HEADS_MATCHED;
}

void heads_rewind(struct heads *h)
{
	for (size_t i = 0; i < h->count; i++)
		h->waiting[i].mark = HEADS_UNKNOWN;
}

static void drop(struct heads *h, size_t at)
{
	h->waiting[at] = h->waiting[--h->count];
}

size_t heads_commit(struct heads *h, const struct frontier *frontier,
		    struct sth broken[HEADS_WAITING_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < h->count;) {
		struct heads_waiting *w = &h->waiting[i];

		if (w->sth.head.size == frontier->size) {
			h->good = w->sth;
			h->has_good = true;
			drop(h, i);
		} else if (w->mark == HEADS_MATCHED) {
			drop(h, i);
		} else if (w->mark == HEADS_BROKEN) {
			broken[n++] = w->sth;
			drop(h, i);
		} else {
			i++;
		}
	}
	h->frontier = *frontier;
	return n;
}

void heads_settle(struct heads *h, const struct tree_head *head)
{
	for (size_t i = 0; i < h->count; i++)
		if (tree_head_equal(&h->waiting[i].sth.head, head)) {
			drop(h, i);
			return;
		}
}

static void write_sth(struct wr *w, const struct sth *s)
{
	wr_be64(w, s->head.size);
	wr_bytes(w, SPAN_ARRAY(s->head.root.b));
	wr_be64(w, s->timestamp_ms);
	wr_vec16(w, span_of(s->signature, s->signature_len));
}

static bool rd_sth(struct span *s, struct sth *out)
{
	struct sth sth = { 0 };
	struct span signature;

	if (!rd_be64(s, &sth.head.size) ||
	    !rd_copy(s, sth.head.root.b, MERKLE_HASH_LEN) ||
	    !rd_be64(s, &sth.timestamp_ms) || !rd_vec16(s, &signature) ||
	    signature.n > sizeof(sth.signature))
		return false;
	sth.signature_len = signature.n;
	if (!rd_copy(&signature, sth.signature, signature.n))
		return false;
	*out = sth;
	return true;
}

void heads_write(struct wr *w, const struct heads *h)
{
	wr_u8(w, FORMAT);
	wr_u8(w, h->has_good);
	if (h->has_good) {
		write_sth(w, &h->good);
		frontier_write(w, &h->frontier);
	}
	wr_u8(w, (uint8_t)h->count);
	for (size_t i = 0; i < h->count; i++)
		write_sth(w, &h->waiting[i].sth);
}

enum rc heads_read(struct heads *out, struct span *s)
{
	struct heads h = { 0 };
	struct span in = *s;
	uint8_t format, has_good, count;

	if (!rd_u8(&in, &format) || format != FORMAT ||
	    !rd_u8(&in, &has_good) || has_good > 1)
		return RC_MALFORMED;
	h.has_good = has_good;
	if (has_good) {
		struct tree_head head;

		if (!rd_sth(&in, &h.good) || frontier_read(&h.frontier, &in))
			return RC_MALFORMED;
		head = frontier_head(&h.frontier);
		if (!tree_head_equal(&head, &h.good.head))
			return RC_MALFORMED;
	}
	if (!rd_u8(&in, &count) || count > HEADS_WAITING_MAX)
		return RC_MALFORMED;
	for (; h.count < count; h.count++)
		if (!rd_sth(&in, &h.waiting[h.count].sth))
			return RC_MALFORMED;
	*out = h;
	*s = in;
	return RC_OK;
}
