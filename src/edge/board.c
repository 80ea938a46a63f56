#include "edge/board.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "crypto/rng.h"

const uint64_t board_bounds_ms[BOARD_BUCKETS] = {
	1,
	2,
	5,
	10,
	20,
	50,
	100,
	200,
	500,
	1000,
	2000,
	5000,
};

enum rc board_map(struct board **out, int fd)
{
	void *p = mmap(NULL, sizeof(**out), PROT_READ | PROT_WRITE, MAP_SHARED,
		       fd, 0);

	if (p == MAP_FAILED)
		return RC_SYS;
	*out = p;
	return RC_OK;
}

enum rc board_new(struct board **out, int *fd, uint32_t worker_count)
{
	int memory = memfd_create("postern-edge-board", MFD_CLOEXEC);
	struct board *b;

	if (memory < 0 || ftruncate(memory, sizeof(*b)) != 0 ||
	    board_map(&b, memory)) {
		mem_auto_close(&memory);
		return RC_SYS;
	}
	rng_bytes(&b->secret, sizeof(b->secret));
	b->worker_count = worker_count;
	*out = b;
	*fd = memory;
	return RC_OK;
}

void board_free(struct board *b)
{
	if (b)
		(void)munmap(b, sizeof(*b));
}

void board_observe(struct board_histogram *h, uint64_t ms)
{
	size_t i = 0;

	while (i < BOARD_BUCKETS && ms > board_bounds_ms[i])
		i++;
	board_add(i < BOARD_BUCKETS ? &h->buckets[i] : &h->above, 1);
	board_add(&h->sum_ms, ms);
}

static bool is_set(const _Atomic bool *b)
{
	return atomic_load_explicit(b, memory_order_acquire);
}

/* What was written before is seen by whoever sees this. */
static void set(_Atomic bool *b)
{
	atomic_store_explicit(b, true, memory_order_release);
}

void board_result(struct board_worker *w, const char *result)
{
	struct board_result *r;
	size_t i;

	for (i = 0; i < BOARD_RESULTS_MAX; i++) {
		r = &w->results[i];
		if (!is_set(&r->is_used)) {
			(void)strncpy(r->name, result, sizeof(r->name) - 1);
			set(&r->is_used);
		} else if (strcmp(r->name, result) != 0) {
			continue;
		}
		board_add(&r->count, 1);
		return;
	}
}

struct board_app *board_app(struct board_worker *w,
			    const uint8_t id[STORE_ID_LEN])
{
	struct board_app *a;
	size_t i;

	for (i = 0; i < BOARD_APPS_MAX; i++) {
		a = &w->apps[i];
		if (!is_set(&a->is_used)) {
			memcpy(a->id, id, STORE_ID_LEN);
			set(&a->is_used);
			return a;
		}
		/* public: names of apps */
		if (memcmp(a->id, id, STORE_ID_LEN) == 0)
			return a;
	}
	return &w->other_apps;
}

void board_forget(struct board *b, uint32_t worker)
{
	struct board_worker *w = &b->workers[worker];
	size_t i;

	for (i = 0; i < BOARD_STATES; i++)
		board_set(&w->states[i], 0);
	for (i = 0; i < BOARD_APPS_MAX; i++)
		board_set(&w->apps[i].active, 0);
	board_set(&w->other_apps.active, 0);
	board_set(&w->lag_ms, 0);
	board_set(&w->rss, 0);
	sketch_count_reset(&b->source_counts[worker]);
	sketch_count_reset(&b->app_counts[worker]);
}

/* Readers may look while the list changes: an id is written before it counts,
 * and one that moves stands twice for a moment. */
static size_t find(const struct board *b, const uint8_t id[STORE_ID_LEN])
{
	size_t n = atomic_load_explicit(&b->drained_count,
					memory_order_acquire);
	size_t i;

	for (i = 0; i < n && i < BOARD_DRAINED_MAX; i++)
		/* public: names of instances */
		if (memcmp(b->drained[i], id, STORE_ID_LEN) == 0)
			return i;
	return BOARD_DRAINED_MAX;
}

bool board_is_drained(const struct board *b, const uint8_t id[STORE_ID_LEN])
{
	return find(b, id) < BOARD_DRAINED_MAX;
}

bool board_drain(struct board *b, const uint8_t id[STORE_ID_LEN])
{
	uint32_t n = b->drained_count;

	if (board_is_drained(b, id))
		return true;
	if (n >= BOARD_DRAINED_MAX)
		return false;
	memcpy(b->drained[n], id, STORE_ID_LEN);
	atomic_store_explicit(&b->drained_count, n + 1, memory_order_release);
	return true;
}

bool board_undrain(struct board *b, const uint8_t id[STORE_ID_LEN])
{
	size_t at = find(b, id);
	uint32_t last = b->drained_count;

	if (at >= BOARD_DRAINED_MAX)
		return false;
	last--;
	memmove(b->drained[at], b->drained[last], STORE_ID_LEN);
	atomic_store_explicit(&b->drained_count, last, memory_order_release);
	return true;
}
