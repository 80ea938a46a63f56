#include "edge/health.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

enum {
	FIRST_MAX_MS = 1000,
	STATUS_OK_MIN = 200,
	STATUS_OK_MAX = 399,
};

/* The port as a big-endian number behind the id: keys sort as bytes. */
struct entry {
	uint8_t bytes[STORE_ID_LEN + 2];
};

struct health_view {
	atomic_size_t refs;
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
	struct entry e;
	struct wr w = WR_ARRAY(e.bytes);

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

static void unref(struct health_view *v)
{
	if (v && atomic_fetch_sub(&v->refs, 1) == 1)
		free(v);
}

void health_board_init(struct health_board *b)
{
	*b = (struct health_board){ .view = NULL };
	pthread_mutex_init(&b->lock, NULL);
}

void health_board_fini(struct health_board *b)
{
	unref(b->view);
	pthread_mutex_destroy(&b->lock);
	b->view = NULL;
}

void health_publish(struct health_board *b, const struct health_key *down,
		    size_t count)
{
	struct health_view *v, *old;
	size_t i;

	v = mem_new(sizeof(*v) + count * sizeof(v->down[0]));
	atomic_init(&v->refs, 1);
	v->count = count;
	for (i = 0; i < count; i++)
		v->down[i] = entry_of(&down[i]);
	qsort(v->down, count, sizeof(v->down[0]), compare);
	pthread_mutex_lock(&b->lock);
	old = b->view;
	b->view = v;
	atomic_fetch_add(&b->turn, 1);
	pthread_mutex_unlock(&b->lock);
	unref(old);
}

void health_reader_init(struct health_reader *r, struct health_board *b)
{
	*r = (struct health_reader){ .board = b };
}

void health_reader_fini(struct health_reader *r)
{
	unref(r->view);
	*r = (struct health_reader){ 0 };
}

const struct health_view *health_read(struct health_reader *r)
{
	struct health_board *b = r->board;

	if (!b || atomic_load_explicit(&b->turn, memory_order_acquire) ==
			  r->turn)
		return r->view;
	unref(r->view);
	pthread_mutex_lock(&b->lock);
	r->view = b->view;
	r->turn = atomic_load(&b->turn);
	atomic_fetch_add(&r->view->refs, 1);
	pthread_mutex_unlock(&b->lock);
	return r->view;
}
