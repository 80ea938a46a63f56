/*
 * verifyspeed: what the relying party's work costs, on one core, without any
 * network.
 *
 *   verifyspeed SECONDS ROUNDS      measures
 *   verifyspeed write FOLDER        writes the documents it measures with
 *
 * The world is that of the tests: an honest service on a simulated platform.
 * Prints, a round: "verify <n> <seconds>", whole verifications of a bundle (all
 * checks, three quotes with their collateral, the chain, SCTs, proofs), CPU
 * time of this thread; "leaves <n> <seconds>", answers to verifiers' nonces
 * made under one quote in batches of a thousand: binder, tree, path, JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "io/file.h"

static void need(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "verifyspeed: %s\n", what);
	exit(1);
}
#define assert_true(a) need(a, #a)
#define assert_false(a) need(!(a), #a)
#define assert_non_null(a) need((a) != NULL, #a)
#define assert_int_equal(a, b) need((a) == (b), #a)
#define assert_in_range(a, low, high) need((a) >= (low) && (a) <= (high), #a)
#define fail_msg(...) need(false, "world")
#include "../../tests/unit/evidence_world.h"

enum {
	BATCH = 1000,
};

static struct ev_base base;
static struct ev world;

static double cpu_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void verify_once(void)
{
	static struct reading r;
	static struct finding findings[64];
	struct arena arena;

	arena_init(&arena, READING_ARENA);
	reading_make(&r, &arena, &world.m);
	checks_run(findings, checks, checks_count, &r);
	for (size_t i = 0; i < checks_count; i++)
		need(findings[i].state == CHECK_PASS, findings[i].reason);
	arena_fini(&arena);
}

static void batch_once(void)
{
	static struct merkle_hash leaves[BATCH];
	struct attest_answer a = world.answer;
	struct buf text;

	for (size_t i = 0; i < BATCH; i++) {
		struct sha512 binder;

		memcpy(a.nonce.b, &i, sizeof(i));
		attest_binder(&binder, &a.core, world.exporter, &a.nonce);
		merkle_leaf(&leaves[i], hash_merkle_sha256, SPAN_ARRAY(binder.b));
	}
	buf_init(&text, ATTEST_ANSWER_MAX);
	a.count = BATCH;
	for (size_t i = 0; i < BATCH; i++) {
		/* the tree is kept where it is served: this is the dear way */
		if (i % 100 == 0)
			a.path_count = merkle_path(a.path, hash_merkle_sha256, leaves, BATCH, i);
		a.index = i;
		buf_reset(&text);
		need(attest_answer_write(&text, &a) == RC_OK, "answer");
	}
	buf_fini(&text);
}

static void measure(const char *name, void once(void), size_t each, double seconds)
{
	double start = cpu_s(), now;
	size_t n = 0;

	do {
		once();
		n += each;
		now = cpu_s();
	} while (now - start < seconds);
	printf("%s %zu %.6f\n", name, n, now - start);
}

static void write_file(const char *folder, const char *name, struct span bytes)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	need(file_replace(path, bytes, 0644) == RC_OK, path);
}

static void write_all(const char *folder)
{
	write_file(folder, "core.json", buf_span(&world.core_text));
	write_file(folder, "bundle.json", buf_span(&world.bundle_text));
	write_file(folder, "answer.json", buf_span(&world.answer_text));
	write_file(folder, "acme-info.json", buf_span(&world.acme_info));
	write_file(folder, "quote.json", buf_span(&world.key_quote));
	write_file(folder, "sha256sum.txt", buf_span(&world.sums));
	write_file(folder, "acme-account.json", buf_span(&world.account_text));
}

int main(int argc, char **argv)
{
	need(argc == 3, "usage: verifyspeed SECONDS ROUNDS | write FOLDER");
	ev_base_make(&base);
	ev_make(&world, &base, NULL);
	if (strcmp(argv[1], "write") == 0) {
		write_all(argv[2]);
		return 0;
	}
	for (int i = 0; i < atoi(argv[2]); i++) {
		measure("verify", verify_once, 1, atof(argv[1]));
		measure("leaves", batch_once, BATCH, atof(argv[1]));
	}
	ev_free(&world);
	ev_base_free(&base);
	return 0;
}
