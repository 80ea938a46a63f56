#include "crypto/chapoly.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/aead.h"
#include "crypto/chapoly_kernel.h"

enum {
	CHUNK = 64, /* jobs sorted at a time */
};

struct chapoly_kernel {
	size_t lanes; /* 0: no groups */
	chapoly_kernel_fn *encrypt, *decrypt;
	/* A kernel takes as long for one message as for a full group: n of them
	 * go one by one when the longest has more bytes than this; 0: a group
	 * of any length.  Measured with bench/tools/aeadspeed.c. */
	size_t group_len_max[CHAPOLY_LANES_MAX + 1];
};

static const struct chapoly_kernel kernels[CHAPOLY_PATHS] = {
	[CHAPOLY_PORTABLE] = { 0 },
#ifdef __x86_64__ /* elsewhere the kernels are not compiled */
	[CHAPOLY_AVX2] = {
		.lanes = 4,
		.encrypt = chapoly_avx2_seal,
		.decrypt = chapoly_avx2_open,
		.group_len_max = { 0, 64, 220, 550 },
	},
	[CHAPOLY_AVX512] = {
		.lanes = 8,
		.encrypt = chapoly_avx512_seal,
		.decrypt = chapoly_avx512_open,
		.group_len_max = { 0, 64, 190, 600, 1500 },
	},
#endif
};

struct chapoly {
	const struct chapoly_kernel *kernel;
	void *scratch; /* the kernel's; all zero between calls */
	struct aead *single;
};

/* The builtins ask cpuid and, through xgetbv, whether the system saves the
 * registers. */
bool chapoly_has(enum chapoly_path path)
{
	switch (path) {
	case CHAPOLY_PORTABLE:
		return true;
#ifdef __x86_64__
	case CHAPOLY_AVX2:
		return __builtin_cpu_supports("avx2");
	case CHAPOLY_AVX512:
		return __builtin_cpu_supports("avx512f") &&
		       __builtin_cpu_supports("avx512bw") &&
		       __builtin_cpu_supports("avx512vl") &&
		       __builtin_cpu_supports("avx512ifma") &&
		       __builtin_cpu_supports("avx512vbmi2");
#else
	case CHAPOLY_AVX2:
	case CHAPOLY_AVX512:
#endif
	case CHAPOLY_PATHS:
		break;
	}
	return false;
}

enum chapoly_path chapoly_best(void)
{
	if (chapoly_has(CHAPOLY_AVX512))
		return CHAPOLY_AVX512;
	return chapoly_has(CHAPOLY_AVX2) ? CHAPOLY_AVX2 : CHAPOLY_PORTABLE;
}

struct chapoly *chapoly_new(enum chapoly_path path)
{
	struct chapoly *c = mem_new(sizeof(*c));
	const struct key32 none = { 0 };

	c->kernel = &kernels[path];
	c->scratch = mem_need(aligned_alloc(CHAPOLY_SCRATCH_ALIGN,
					    CHAPOLY_SCRATCH_LEN));
	memset(c->scratch, 0, CHAPOLY_SCRATCH_LEN);
	c->single = aead_new(&none);
	return c;
}

void chapoly_free(struct chapoly *c)
{
	if (!c)
		return;
	aead_free(c->single);
	free(c->scratch);
	free(c);
}

void chapoly_tag(uint8_t tag[CHAPOLY_TAG_LEN], uint64_t lo, uint64_t hi,
		 uint64_t top, const uint64_t pad[2])
{
	unsigned __int128 sum;
	uint64_t low, high, is_over, words[2];

	/* What stands above bit 130 counts five times at the bottom. */
	sum = (unsigned __int128)lo + (top >> 2) * 5;
	lo = (uint64_t)sum;
	sum = (sum >> 64) + hi;
	hi = (uint64_t)sum;
	top = (top & 3) + (uint64_t)(sum >> 64);
	/* Adding 5 passes 2^130 exactly when the number was not less than the
	 * prime; then the sum's low bits are the remainder. */
	sum = (unsigned __int128)lo + 5;
	low = (uint64_t)sum;
	sum = (sum >> 64) + hi;
	high = (uint64_t)sum;
	is_over = 0 - ((top + (uint64_t)(sum >> 64)) >> 2);
	lo = (lo & ~is_over) | (low & is_over);
	hi = (hi & ~is_over) | (high & is_over);
	sum = (unsigned __int128)lo + pad[0];
	words[0] = htole64((uint64_t)sum);
	words[1] = htole64(hi + pad[1] + (uint64_t)(sum >> 64));
	memcpy(tag, words, sizeof(words));
}

/* Points 'order' at the jobs, shortest first: lanes of a group should end
 * together.  Mostly they have one length, and this does nothing. */
static void sort(struct chapoly_job **order, struct chapoly_job *jobs,
		 size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t at = i;

		while (at && order[at - 1]->n > jobs[i].n) {
			order[at] = order[at - 1];
			at--;
		}
		order[at] = &jobs[i];
	}
}

/* How many of the jobs make the next group; 0: the first goes alone. */
static size_t group_size(const struct chapoly_kernel *k,
			 struct chapoly_job *const *order, size_t count)
{
	size_t n = count < k->lanes ? count : k->lanes;

	size_t len_max = k->group_len_max[n];

	return len_max && order[n - 1]->n > len_max ? 0 : n;
}

static void seal_single(struct chapoly *c, struct chapoly_job *j)
{
	aead_rekey(c->single, j->key);
	aead_seal(c->single, j->bytes, j->counter, span_of(NULL, 0),
		  span_of(j->bytes, j->n));
}

static void open_single(struct chapoly *c, struct chapoly_job *j)
{
	aead_rekey(c->single, j->key);
	j->is_authentic = aead_open(c->single, j->bytes, j->counter,
				    span_of(NULL, 0),
				    span_of(j->bytes, j->n + CHAPOLY_TAG_LEN));
}

static void seal_group(struct chapoly *c, struct chapoly_job *const *jobs,
		       size_t count)
{
	uint8_t tags[CHAPOLY_LANES_MAX][CHAPOLY_TAG_LEN];

	c->kernel->encrypt(jobs, count, tags, c->scratch);
	for (size_t i = 0; i < count; i++)
		memcpy(jobs[i]->bytes + jobs[i]->n, tags[i], sizeof(tags[i]));
}

static void open_group(struct chapoly *c, struct chapoly_job *const *jobs,
		       size_t count)
{
	uint8_t tags[CHAPOLY_LANES_MAX][CHAPOLY_TAG_LEN];

	c->kernel->decrypt(jobs, count, tags, c->scratch);
	for (size_t i = 0; i < count; i++) {
		struct chapoly_job *j = jobs[i];

		j->is_authentic = ct_equal(tags[i], j->bytes + j->n,
					   sizeof(tags[i]));
		if (!j->is_authentic)
			memset(j->bytes, 0, j->n);
	}
	/* The right tag of a forged message is worth a secret. */
	secret_wipe(tags, sizeof(tags));
}

typedef void single_fn(struct chapoly *c, struct chapoly_job *job);
typedef void group_fn(struct chapoly *c, struct chapoly_job *const *jobs,
		      size_t count);

static void run_chunk(struct chapoly *c, struct chapoly_job *jobs, size_t count,
		      single_fn *single, group_fn *group)
{
	struct chapoly_job *order[CHUNK];

	sort(order, jobs, count);
	for (size_t at = 0; at < count;) {
		size_t n = group_size(c->kernel, order + at, count - at);

		if (n)
			group(c, order + at, n);
		else
			single(c, order[at]);
		at += n ? n : 1;
	}
}

static void run(struct chapoly *c, struct chapoly_job *jobs, size_t count,
		single_fn *single, group_fn *group)
{
	while (count) {
		size_t n = count < CHUNK ? count : CHUNK;

		run_chunk(c, jobs, n, single, group);
		jobs += n;
		count -= n;
	}
	if (c->kernel->lanes)
		secret_wipe(c->scratch, CHAPOLY_SCRATCH_LEN);
}

void chapoly_seal(struct chapoly *c, struct chapoly_job *jobs, size_t count)
{
	run(c, jobs, count, seal_single, seal_group);
}

void chapoly_open(struct chapoly *c, struct chapoly_job *jobs, size_t count)
{
	run(c, jobs, count, open_single, open_group);
}
