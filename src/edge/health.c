#include "edge/health.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum {
	FIRST_MAX_MS = 1000,
	STATUS_OK_MIN = 200,
	STATUS_OK_MAX = 399,
};

/* The port as a big-endian number behind the id, then zeros: keys sort as
 * bytes. */
struct entry {
	uint8_t bytes[HEALTH_WORDS * sizeof(uint64_t)];
};

struct health_view {
	size_t count;
	struct entry down[];
};

bool health_note(struct health *h, bool works)
{
	enum health_state state = works ? HEALTH_UP : HEALTH_DOWN;
	uint32_t need = works ? HEALTH_RISE : HEALTH_FALL;

	if (h->state == state) {
		h->streak = 0;
		return false;
	}
	if (h->state == HEALTH_UNKNOWN || ++h->streak >= need) {
		*h = (struct health){ .state = state };
		return true;
	}
	return false;
}

uint64_t health_wait_ms(uint32_t interval_s, uint64_t chance)
{
	uint64_t ms = (uint64_t)interval_s * 1000;

	return ms - ms / 10 + chance % (ms / 5 + 1);
}

uint64_t health_first_ms(uint64_t chance)
{
	return chance % FIRST_MAX_MS;
}

bool health_is_good_status(struct span line)
{
	struct span version, status;
	uint64_t code;

	if (!rd_until(&line, &version, ' ') ||
	    (!span_equal_str(version, "HTTP/1.1") &&
	     !span_equal_str(version, "HTTP/1.0")))
		return false;
	return rd_n(&line, &status, 3) &&
	       text_u64(&code, status, STATUS_OK_MAX) &&
	       code >= STATUS_OK_MIN &&
	       (rd_end(&line) || line.p[0] == ' ' || line.p[0] == '\r');
}

static struct entry entry_of(const struct health_key *k)
{
	struct entry e = { 0 };
	struct wr w = WR_ARRAY(e.bytes);

	static_assert(sizeof(e) >= STORE_ID_LEN + 2);
	wr_bytes(&w, SPAN_ARRAY(k->instance_id));
	wr_be16(&w, k->port);
	return e;
}

static int compare(const void *a, const void *b)
{
	/* public: ids and port numbers */
	return memcmp(a, b, sizeof(struct entry));
}

bool health_is_down(const struct health_view *v, const struct health_key *k)
{
	struct entry e = entry_of(k);

	return v && bsearch(&e, v->down, v->count, sizeof(e), compare);
}

/*
 * What is written and read between two looks at 'turn' is ordered by itself:
 * who sees a word of a view sees that 'turn' was made odd for it.
 */
static void put(_Atomic uint64_t *at, uint64_t v)
{
	atomic_store_explicit(at, v, memory_order_release);
}

static uint64_t get(const _Atomic uint64_t *at)
{
	return atomic_load_explicit(at, memory_order_acquire);
}

static void put_entry(_Atomic uint64_t at[HEALTH_WORDS], const struct entry *e)
{
	uint64_t words[HEALTH_WORDS];
	size_t i;

	memcpy(words, e->bytes, sizeof(words));
	for (i = 0; i < HEALTH_WORDS; i++)
		put(&at[i], words[i]);
}

static void get_entry(struct entry *e, const _Atomic uint64_t at[HEALTH_WORDS])
{
	uint64_t words[HEALTH_WORDS];
	size_t i;

	for (i = 0; i < HEALTH_WORDS; i++)
		words[i] = get(&at[i]);
	memcpy(e->bytes, words, sizeof(words));
}

void health_publish(struct health_board *b, const struct health_key *down,
		    size_t count)
{
	AUTO(mem_auto_free)
	struct entry *sorted = mem_new_array(count + 1, sizeof(*sorted));
	/* It may be odd already: by one that died. */
	uint64_t turn = get(&b->turn) | 1;
	size_t i;

	assert(count <= HEALTH_DOWN_MAX);
	for (i = 0; i < count; i++)
		sorted[i] = entry_of(&down[i]);
	qsort(sorted, count, sizeof(*sorted), compare);
	put(&b->turn, turn);
	for (i = 0; i < count; i++)
		put_entry(b->down[i], &sorted[i]);
	put(&b->count, count);
	put(&b->turn, turn + 1);
}

void health_reader_init(struct health_reader *r, const struct health_board *b)
{
	*r = (struct health_reader){ .board = b };
}

void health_reader_fini(struct health_reader *r)
{
	free(r->view);
	*r = (struct health_reader){ 0 };
}

/* A copy, whole only if nobody has written meanwhile. */
static struct health_view *copy(const struct health_board *b)
{
	uint64_t count = get(&b->count);
	struct health_view *v;
	size_t i;

	if (count > HEALTH_DOWN_MAX)
		count = HEALTH_DOWN_MAX;
	v = mem_new(sizeof(*v) + count * sizeof(v->down[0]));
	v->count = count;
	for (i = 0; i < count; i++)
		get_entry(&v->down[i], b->down[i]);
	return v;
}

const struct health_view *health_read(struct health_reader *r)
{
	struct health_view *v;
	uint64_t turn;

	if (!r->board)
		return r->view;
	turn = get(&r->board->turn);
	if (turn == r->turn || turn & 1)
		return r->view;
	v = copy(r->board);
	if (get(&r->board->turn) != turn) {
		free(v);
		return r->view; /* the next look will do better */
	}
	free(r->view);
	r->view = v;
	r->turn = turn;
	return v;
}
