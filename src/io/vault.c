#include "io/vault.h"

#include <assert.h>
#include <sanitizer/asan_interface.h>
#include <stdalign.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/mem.h"

enum {
	BLOCK_SIZE = 256 * 1024,
	GRAIN = 64, /* sizes are rounded up to it; a cache line */
	SIZES = VAULT_OBJECT_MAX / GRAIN,
};

/* At the start of each mapping. */
struct vault_block {
	struct vault_block *next;
	size_t used; /* bytes from the start, this header included */
};

/* At the start of an object that was given back. */
struct vault_hole {
	struct vault_hole *next;
};

/* The first object of its own first block. */
struct vault {
	struct vault_block *blocks;
	struct vault_hole *holes[SIZES + 1]; /* by size in grains */
	struct secret_memory memory;
	unsigned guards;
};

static size_t grains(size_t n)
{
	return (n + GRAIN - 1) / GRAIN;
}

static unsigned guard(void *p)
{
	unsigned held = 0;

	if (madvise(p, BLOCK_SIZE, MADV_DONTDUMP) == 0)
		held |= VAULT_NOT_DUMPED;
	if (madvise(p, BLOCK_SIZE, MADV_WIPEONFORK) == 0)
		held |= VAULT_WIPED_ON_FORK;
	/* Pages are locked as they come into use: a vault costs no more
	 * memory than what is in it. */
	if (mlock2(p, BLOCK_SIZE, MLOCK_ONFAULT) == 0)
		held |= VAULT_LOCKED;
	return held;
}

static struct vault_block *block_new(unsigned *guards)
{
	void *p = mmap(NULL, BLOCK_SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct vault_block *b = mem_need(p == MAP_FAILED ? NULL : p);

	*guards &= guard(b);
	b->used = GRAIN;
	return b;
}

static void *carve(struct vault_block *b, size_t n)
{
	void *p = (uint8_t *)b + b->used;

	static_assert(sizeof(*b) <= GRAIN && GRAIN % alignof(max_align_t) == 0);
	b->used += grains(n) * GRAIN;
	return p;
}

static void *take(void *arg, size_t n)
{
	struct vault *v = arg;
	struct vault_hole **hole, *p;
	struct vault_block *b;

	assert(n && n <= VAULT_OBJECT_MAX);
	hole = &v->holes[grains(n)];
	p = *hole;
	if (p) {
		ASAN_UNPOISON_MEMORY_REGION(p, grains(n) * GRAIN);
		*hole = p->next;
		p->next = NULL;
		return p;
	}
	if (grains(n) * GRAIN > BLOCK_SIZE - v->blocks->used) {
		b = block_new(&v->guards);
		b->next = v->blocks;
		v->blocks = b;
	}
	return carve(v->blocks, n);
}

static void give(void *arg, void *object, size_t n)
{
	struct vault *v = arg;
	struct vault_hole *p = object, **hole = &v->holes[grains(n)];

	secret_wipe(p, n);
	p->next = *hole;
	*hole = p;
	ASAN_POISON_MEMORY_REGION(p, grains(n) * GRAIN);
}

/* Both limits when we may raise the hard one, else the soft one. */
static void raise_lock_limit(void)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(RLIMIT_MEMLOCK, &limit) == 0 ||
	    getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_MEMLOCK, &limit); /* locking is best effort */
}

struct vault *vault_new(void)
{
	unsigned guards = VAULT_ALL;
	struct vault_block *b;
	struct vault *v;

	static_assert(GRAIN + sizeof(*v) + VAULT_OBJECT_MAX <= BLOCK_SIZE);
	raise_lock_limit();
	b = block_new(&guards);
	v = carve(b, sizeof(*v));
	v->blocks = b;
	v->guards = guards;
	v->memory = (struct secret_memory){ take, give, v };
	return v;
}

void vault_free(struct vault *v)
{
	struct vault_block *next;

	/* The vault itself is in the last one of the list. */
	for (struct vault_block *b = v ? v->blocks : NULL; b; b = next) {
		next = b->next;
		ASAN_UNPOISON_MEMORY_REGION(b, BLOCK_SIZE);
		secret_wipe(b, b->used);
		(void)munmap(b, BLOCK_SIZE); /* our own mapping */
	}
}

const struct secret_memory *vault_memory(const struct vault *v)
{
	return &v->memory;
}

unsigned vault_guards(const struct vault *v)
{
	return v->guards;
}
