/*
 * routespeed DIR COUNT SECONDS: how long one look-up of a route takes in a store
 * that "store_fill many COUNT" made, as the edge asks it for each connection:
 *
 *   alias    by alias, each as likely as any other
 *   app      the same by app id
 *   popular  by alias, the n-th most popular with a likelihood of 1/n (Zipf)
 *   miss     by aliases that are not there, a new one each time
 *   floor    alias, by two plain hash tables in memory of its own, one place
 *            read in each: what no table of that size is without
 *
 * Prints: alias NS app NS popular NS miss NS floor NS anon KIB file KIB, where
 * the last two are this process's memory: its own, and pages of the store that it maps
 * and shares with every other reader.  Times are of the thread's CPU, so that a
 * busy machine counts only for what it does to caches.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/siphash.h"
#include "crypto/hash.h"
#include "io/clock.h"
#include "store/route.h"

enum {
	AT_ONCE = 4096, /* look-ups between two looks at the clock */
};

enum ask {
	ASK_ALIAS,
	ASK_APP,
	ASK_POPULAR,
	ASK_MISS,
	ASK_COUNT,
};

static const char *const names[ASK_COUNT] = { "alias", "app", "popular", "miss" };

struct run {
	struct store *store;
	unsigned count;
	uint64_t seed;
	enum ask ask;
};

static void die(const char *what)
{
	fprintf(stderr, "routespeed: %s\n", what);
	exit(2);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1'000'000'000 + (uint64_t)t.tv_nsec;
}

static uint64_t chance(struct run *r)
{
	/* xorshift64 */
	r->seed ^= r->seed << 13;
	r->seed ^= r->seed >> 7;
	r->seed ^= r->seed << 17;
	return r->seed >> 16;
}

/* Zipf's law: all ranks between two powers are as likely as between the next. */
static unsigned popular(struct run *r)
{
	double share = (double)(chance(r) % (1 << 30)) / (1 << 30);
	uint64_t rank = (uint64_t)pow((double)r->count, share);

	/* Neighbours in rank are none in the store: a prime spreads them. */
	return (unsigned)(rank * 2'654'435'761 % r->count);
}

struct asked {
	struct store_query q;
	char label[16];
};

/* The questions are made before the clock runs. */
static void make(struct run *r, struct asked *a)
{
	unsigned n = r->ask == ASK_POPULAR ? popular(r) : (unsigned)(chance(r) % r->count);
	struct sha256 hash;
	char text[32];

	*a = (struct asked){ .q = { .port = 443 } };
	if (r->ask == ASK_APP) {
		snprintf(text, sizeof(text), "app %u", n);
		sha256_of(&hash, span_str(text));
		memcpy(a->q.id, hash.b, sizeof(a->q.id));
	} else {
		/* One that is missing stands between those that are there. */
		snprintf(a->label, sizeof(a->label), r->ask == ASK_MISS ? "r%u-" : "r%u", n);
	}
	a->q.now_unix_ms = clock_unix_ms();
}

static double measure(struct run *r, double seconds)
{
	const enum store_answer want = r->ask == ASK_MISS ? STORE_NONE : STORE_FOUND;
	static struct asked asked[AT_ONCE];
	struct store_route found;
	uint64_t spent = 0, looks = 0;

	while ((double)spent < seconds * 1e9) {
		uint64_t begin;

		for (size_t i = 0; i < AT_ONCE; i++) {
			make(r, &asked[i]);
			if (r->ask != ASK_APP)
				asked[i].q.alias = span_str(asked[i].label);
		}
		begin = now_ns();
		for (size_t i = 0; i < AT_ONCE; i++)
			if (store_route(r->store, &found, &asked[i].q) != want ||
			    (want == STORE_FOUND && found.count != 1))
				die("not what was put there");
		spent += now_ns() - begin;
		looks += AT_ONCE;
	}
	return (double)spent / (double)looks;
}

/* The floor: open addressing, twice as many rows as entries. */
struct row {
	char label[12];
	uint8_t app_id[STORE_ID_LEN];
};

struct app_row {
	uint8_t app_id[STORE_ID_LEN];
	struct store_instance at;
	uint64_t expires;
};

struct plain {
	size_t mask;
	struct row *labels;
	struct app_row *apps;
};

static const struct siphash_key no_key;

static size_t home(const struct plain *p, struct span key)
{
	return siphash(&no_key, key) & p->mask;
}

static struct row *label_row(const struct plain *p, const char *label)
{
	size_t i = home(p, span_str(label));

	while (p->labels[i].label[0] && strcmp(p->labels[i].label, label) != 0)
		i = (i + 1) & p->mask;
	return &p->labels[i];
}

static struct app_row *app_row(const struct plain *p, const uint8_t id[STORE_ID_LEN])
{
	const struct span key = span_of(id, STORE_ID_LEN);
	size_t i = home(p, key);

	while (p->apps[i].expires && !span_equal(SPAN_ARRAY(p->apps[i].app_id), key))
		i = (i + 1) & p->mask;
	return &p->apps[i];
}

static void fill(struct plain *p, unsigned count)
{
	char text[32];

	for (p->mask = 1; p->mask < 2 * (size_t)count; p->mask *= 2)
		;
	p->labels = mem_new(p->mask * sizeof(*p->labels));
	p->apps = mem_new(p->mask * sizeof(*p->apps));
	p->mask--;
	for (unsigned n = 0; n < count; n++) {
		struct app_row *app;
		struct sha256 hash;
		struct row *row;

		snprintf(text, sizeof(text), "app %u", n);
		sha256_of(&hash, span_str(text));
		app = app_row(p, hash.b);
		memcpy(app->app_id, hash.b, sizeof(app->app_id));
		app->expires = UINT64_MAX;
		snprintf(text, sizeof(text), "r%u", n);
		row = label_row(p, text);
		memcpy(row->label, text, strlen(text));
		memcpy(row->app_id, hash.b, sizeof(row->app_id));
	}
}

static double measure_floor(struct run *r, double seconds)
{
	static char labels[AT_ONCE][16];
	uint64_t spent = 0, looks = 0;
	struct plain p;

	fill(&p, r->count);
	while ((double)spent < seconds * 1e9) {
		uint64_t begin;

		for (size_t i = 0; i < AT_ONCE; i++)
			snprintf(labels[i], sizeof(labels[i]), "r%u",
				 (unsigned)(chance(r) % r->count));
		begin = now_ns();
		for (size_t i = 0; i < AT_ONCE; i++)
			if (app_row(&p, label_row(&p, labels[i])->app_id)->expires != UINT64_MAX)
				die("not in the plain table");
		spent += now_ns() - begin;
		looks += AT_ONCE;
	}
	free(p.labels);
	free(p.apps);
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
	struct run r = { .seed = 0x9e37'79b9'7f4a'7c15 };
	char error[256];
	long anon, file;

	if (argc != 4)
		die("usage: routespeed DIR COUNT SECONDS");
	r.count = (unsigned)atoi(argv[2]);
	if (store_open(&r.store, argv[1], STORE_READ, 0, error))
		die(error);
	/* Until most of the pages are mapped. */
	for (r.ask = 0; r.ask < ASK_POPULAR; r.ask++)
		(void)measure(&r, 0.05 + r.count * 1e-6);
	for (r.ask = 0; r.ask < ASK_COUNT; r.ask++)
		printf("%s %.1f ", names[r.ask], measure(&r, atof(argv[3])));
	anon = status_kib("RssAnon");
	file = status_kib("RssFile") + status_kib("RssShmem");
	printf("floor %.1f anon %ld file %ld\n", measure_floor(&r, atof(argv[3])), anon, file);
	store_close(r.store);
	return 0;
}
