/*
 * routespeed DIR COUNT SECONDS: how long one look-up of a route takes in a store
 * that "store_fill many COUNT" made: as the edge asks it for each connection, by
 * alias and by app id, at random.
 *
 * Prints: alias NS app NS anon KIB file KIB, where the last two are this
 * process's memory: its own, and pages of the store that it maps and shares with
 * every other reader.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/hash.h"
#include "io/clock.h"
#include "store/route.h"

enum {
	AT_ONCE = 4096, /* look-ups between two looks at the clock */
};

struct run {
	struct store *store;
	unsigned count;
	uint64_t seed;
	bool by_alias;
};

static void die(const char *what)
{
	fprintf(stderr, "routespeed: %s\n", what);
	exit(2);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1'000'000'000 + (uint64_t)t.tv_nsec;
}

static unsigned chance(struct run *r)
{
	/* xorshift64 */
	r->seed ^= r->seed << 13;
	r->seed ^= r->seed >> 7;
	r->seed ^= r->seed << 17;
	return (unsigned)(r->seed >> 16) % r->count;
}

struct asked {
	struct store_query q;
	char label[16];
};

/* The questions are made before the clock runs. */
static void make(struct run *r, struct asked *a)
{
	unsigned n = chance(r);
	struct sha256 hash;
	char text[32];

	*a = (struct asked){ .q = { .port = 443 } };
	if (r->by_alias) {
		snprintf(a->label, sizeof(a->label), "r%u", n);
		a->q.alias = span_str(a->label);
	} else {
		snprintf(text, sizeof(text), "app %u", n);
		sha256_of(&hash, span_str(text));
		memcpy(a->q.id, hash.b, sizeof(a->q.id));
	}
	a->q.now_unix_ms = clock_unix_ms();
}

static double measure(struct run *r, double seconds)
{
	static struct asked asked[AT_ONCE];
	struct store_route found;
	uint64_t spent = 0, looks = 0;

	while ((double)spent < seconds * 1e9) {
		uint64_t begin;

		for (size_t i = 0; i < AT_ONCE; i++) {
			make(r, &asked[i]);
			if (r->by_alias)
				asked[i].q.alias = span_str(asked[i].label);
		}
		begin = now_ns();
		for (size_t i = 0; i < AT_ONCE; i++)
			if (store_route(r->store, &found, &asked[i].q) != STORE_FOUND ||
			    found.count != 1)
				die("a route is missing");
		spent += now_ns() - begin;
		looks += AT_ONCE;
	}
	return (double)spent / (double)looks;
}

static long status_kib(const char *key)
{
	char line[256];
	long kib = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			kib = atol(line + strlen(key) + 1);
	if (f)
		fclose(f);
	return kib;
}

int main(int argc, char **argv)
{
	struct run r = { .seed = 0x9e37'79b9'7f4a'7c15, .by_alias = true };
	double alias, app;
	char error[256];

	if (argc != 4)
		die("usage: routespeed DIR COUNT SECONDS");
	r.count = (unsigned)atoi(argv[2]);
	if (store_open(&r.store, argv[1], STORE_READ, 0, error))
		die(error);
	(void)measure(&r, 0.05); /* pages in */
	alias = measure(&r, atof(argv[3]));
	r.by_alias = false;
	app = measure(&r, atof(argv[3]));
	printf("alias %.1f app %.1f anon %ld file %ld\n", alias, app, status_kib("RssAnon"),
	       status_kib("RssFile") + status_kib("RssShmem"));
	store_close(r.store);
	return 0;
}
