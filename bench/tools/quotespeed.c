/*
 * quotespeed: what one verification costs beside the signatures it must check.
 *
 *   quotespeed QUOTE COLLATERAL AT ROUNDS MS
 *
 * Prints one line a round: "round <verify> <ours> <complete> <prepared>", CPU
 * time of this thread in microseconds for one P-256 verification of libcrypto
 * (key and context reused, digest given: the floor's unit), one p256_verify(),
 * one tee_verify(), and one tee_verify_prepared() with everything set up before;
 * MS each.  Then, for the last two, "memory <which> <own> <libcrypto> <bytes>":
 * allocations of one verification made by this program and by libcrypto, and the
 * most bytes both had at once.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/p256.h"
#include "io/file.h"
#include "quoting/collateral_dir.h"
#include "tee/verify.h"

/* glibc's own, under the names it gives those who stand in front of them. */
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t count, size_t n);
extern void *__libc_realloc(void *p, size_t n);
extern void __libc_free(void *p);

/* One thread: plain numbers do. */
static struct {
	size_t own, libcrypto; /* allocations */
	size_t now, most; /* bytes */
} heap;

static void *counted(void *p, size_t *count)
{
	(*count)++;
	heap.now += malloc_usable_size(p);
	if (heap.now > heap.most)
		heap.most = heap.now;
	return p;
}

static void gone(void *p)
{
	heap.now -= malloc_usable_size(p);
}

void *malloc(size_t n)
{
	return counted(__libc_malloc(n), &heap.own);
}

void *calloc(size_t count, size_t n)
{
	return counted(__libc_calloc(count, n), &heap.own);
}

void *realloc(void *p, size_t n)
{
	gone(p);
	return counted(__libc_realloc(p, n), &heap.own);
}

void free(void *p)
{
	gone(p);
	__libc_free(p);
}

static void *crypto_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return n ? counted(__libc_malloc(n), &heap.libcrypto) : NULL;
}

static void *crypto_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	gone(p);
	return counted(__libc_realloc(p, n), &heap.libcrypto);
}

static void crypto_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

enum {
	SLICE_US = 5000,
	METERS = 4,
};

static void need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "quotespeed: %s\n", what);
	exit(1);
}

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

/* What is measured. */
struct bench {
	struct tee_input in;
	struct tee_prepared *prepared;
	EVP_PKEY_CTX *floor;
	uint8_t digest[32], signature[80];
	size_t signature_len;
	struct p256_point key;
	struct p256_signature raw;
	struct tee_verdict verdict;
};

static void run_floor(struct bench *b)
{
	need(EVP_PKEY_verify(b->floor, b->signature, b->signature_len, b->digest,
			     sizeof(b->digest)) == 1,
	     "floor: signature refused");
}

static void run_ours(struct bench *b)
{
	need(p256_verify(&b->key, &b->raw, SPAN_ARRAY(b->digest)), "ours: signature refused");
}

static void run_complete(struct bench *b)
{
	tee_verify(&b->verdict, &b->in);
	need(b->verdict.reason == TEE_OK, b->verdict.detail);
}

static void run_prepared(struct bench *b)
{
	tee_verify_prepared(&b->verdict, b->prepared, b->in.quote, b->in.policy, b->in.at);
	need(b->verdict.reason == TEE_OK, b->verdict.detail);
}

/* One of the things measured: CPU time and how often. */
struct meter {
	void (*once)(struct bench *b);
	double us, count;
};

static void run_for(struct meter *m, struct bench *b, double us)
{
	double from = cpu_us(), used;

	do {
		m->once(b);
		m->count++;
		used = cpu_us() - from;
	} while (used < us);
	m->us += used;
}

/* All by turns, a few milliseconds each, until each had 'ms': what neighbours
 * on the machine do to caches and clock then meets all of them alike. */
static void measure(struct meter *meters, size_t count, struct bench *b, double ms)
{
	for (size_t i = 0; i < count; i++)
		meters[i].us = meters[i].count = 0;
	while (meters[count - 1].us < ms * 1000)
		for (size_t i = 0; i < count; i++)
			run_for(&meters[i], b, SLICE_US);
}

static void count_memory(struct bench *b, void (*once)(struct bench *), const char *which)
{
	size_t own, libcrypto, before;

	once(b); /* what is made at first use is set-up */
	own = heap.own;
	libcrypto = heap.libcrypto;
	before = heap.most = heap.now;
	once(b);
	own = heap.own - own;
	libcrypto = heap.libcrypto - libcrypto;
	printf("memory %s %zu %zu %zu\n", which, own, libcrypto, heap.most - before);
}

static void make_floor(struct bench *b)
{
	EVP_PKEY *key = EVP_EC_gen("prime256v1");
	EVP_PKEY_CTX *sign = EVP_PKEY_CTX_new(key, NULL);

	b->signature_len = sizeof(b->signature);
	need(sign && EVP_PKEY_sign_init(sign) == 1 &&
		     EVP_PKEY_sign(sign, b->signature, &b->signature_len, b->digest,
				   sizeof(b->digest)) == 1,
	     "floor: cannot sign");
	EVP_PKEY_CTX_free(sign);
	b->floor = EVP_PKEY_CTX_new(key, NULL);
	need(b->floor && EVP_PKEY_verify_init(b->floor) == 1, "floor: cannot verify");
	EVP_PKEY_free(key);
}

static void make_ours(struct bench *b)
{
	struct p256_private *key = p256_private_generate();

	p256_private_point(key, &b->key);
	p256_sign(key, &b->raw, SPAN_ARRAY(b->digest));
	p256_private_free(key);
}

int main(int argc, char **argv)
{
	struct collateral_files files;
	struct tee_collateral view;
	struct bench b = { 0 };
	struct buf quote;
	struct meter meters[METERS] = {
		{ .once = run_floor },
		{ .once = run_ours },
		{ .once = run_complete },
		{ .once = run_prepared },
	};
	uint64_t rounds;
	double ms;
	char error[256] = "", detail[TEE_DETAIL_MAX] = "";

	need(CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) == 1,
	     "libcrypto allocated before");
	need(argc == 6, "usage: quotespeed QUOTE COLLATERAL AT ROUNDS MS");
	buf_init(&quote, QUOTE_MAX);
	need(!file_read(&quote, argv[1]), "QUOTE: cannot be read");
	need(!collateral_load(&files, argv[2], NULL, error), error);
	need(text_utc(&b.in.at, span_str(argv[3])), "AT: not YYYY-MM-DDTHH:MM:SSZ");
	need(text_u64(&rounds, span_str(argv[4]), 1000), "ROUNDS: not a number");
	ms = strtod(argv[5], NULL);
	view = collateral_view(&files);
	b.in.quote = buf_span(&quote);
	b.in.collateral = &view;
	b.in.anchors = &tee_anchor_intel;
	b.in.anchor_count = 1;
	need(tee_prepare(&b.prepared, detail, &view, &tee_anchor_intel, 1) == TEE_OK, detail);
	make_floor(&b);
	make_ours(&b);
	measure(meters, METERS, &b, ms / 10); /* warm */
	for (uint64_t i = 0; i < rounds; i++) {
		measure(meters, METERS, &b, ms);
		printf("round");
		for (size_t j = 0; j < METERS; j++)
			printf(" %.3f", meters[j].us / meters[j].count);
		printf("\n");
	}
	count_memory(&b, run_complete, "complete");
	count_memory(&b, run_prepared, "prepared");
	EVP_PKEY_CTX_free(b.floor);
	tee_prepared_free(b.prepared);
	collateral_fini(&files);
	buf_fini(&quote);
	return 0;
}
