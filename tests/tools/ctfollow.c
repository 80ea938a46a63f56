/*
 * ctfollow LIST LIST.sig LIST.key LOG [NAME...]: follows one log of a signed
 * list to its end, with the product's own reader, and prints an object a line:
 * alarms and certificates for the names as they come, at the end what is proven.
 *
 * NAME is that name and the wildcards that stand for it; with a dot in front
 * (".example.org") everything below it, too.
 *
 *   --from-end       begin at the end
 *   --position FILE  go on there, and write it back
 *   --seconds N      follow for so long (default: until the first proof)
 *   --usage          print an object with the memory it took at most (KiB)
 *                    and its CPU time (seconds)
 *
 * Exit 0: something was proven; 1: nothing.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "ct/follow.h"
#include "ct/loglist.h"
#include "ct/watchset.h"
#include "http/fetch.h"

struct tool {
	struct watchset *names;
	uint64_t entries, unreadable, hits, proven;
	bool has_proven;
};

static struct span load(const char *path)
{
	FILE *f = fopen(path, "rbe");
	char *bytes = mem_new(16 << 20);
	size_t n = 0;

	if (f) {
		n = fread(bytes, 1, 16 << 20, f);
		fclose(f);
	}
	return span_of(bytes, n);
}

static void on_entry(void *arg, uint64_t index, const struct logentry *entry, struct span leaf)
{
	struct tool *t = arg;
	struct watchset_hit hit;

	(void)leaf;
	t->entries++;
	if (!entry) {
		t->unreadable++;
		printf("{\"unreadable\":%llu}\n", (unsigned long long)index);
	} else if (watchset_look_entry(&hit, t->names, entry)) {
		t->hits++;
		printf("{\"index\":%llu,\"class\":\"%s\",\"precert\":%s,\"tbs\":\"",
		       (unsigned long long)index, watchset_class_name(hit.class),
		       hit.is_precert ? "true" : "false");
		for (size_t i = 0; i < 32; i++)
			printf("%02x", hit.tbs.b[i]);
		printf("\",\"spki\":\"");
		for (size_t i = 0; i < 32; i++)
			printf("%02x", hit.spki.b[i]);
		printf("\"}\n");
	}
}

static void on_head(void *arg, const struct sth *sth)
{
	(void)arg;
	(void)sth;
}

static void on_proven(void *arg, const struct tree_head *head)
{
	struct tool *t = arg;

	t->proven = head->size;
	t->has_proven = true;
}

static void on_alarm(void *arg, const struct follow_alarm *alarm)
{
	(void)arg;
	printf("{\"alarm\":\"%s\",\"convicts\":%s}\n", follow_alarm_name(alarm->kind),
	       follow_alarm_convicts(alarm->kind) ? "true" : "false");
}

/* A static-ct log's origin: its submission URL without scheme and slash. */
static struct span origin_of(struct span url)
{
	const uint8_t *at = memmem(url.p, url.n, "://", 3);

	if (at)
		url = span_of(at + 3, url.n - (size_t)(at + 3 - url.p));
	while (url.n && url.p[url.n - 1] == '/')
		url.n--;
	return url;
}

static void run(struct tool *t, struct follow *f, long seconds)
{
	time_t end = time(NULL) + seconds;
	struct web_ask ask = { 0 };
	int64_t until;

	do {
		struct web_answer a = { 0 };
		char why[FETCH_ERROR_MAX];

		if (follow_next(f, &ask, &until, time(NULL)) == FOLLOW_WAIT) {
			usleep(100 * 1000);
			continue;
		}
		follow_take(f,
			    fetch(&a, why, &ask, &(struct fetch_options){ 0 }) == FETCH_OK
				    ? &a
				    : NULL,
			    time(NULL));
		web_answer_fini(&a);
	} while (seconds ? time(NULL) < end : !t->has_proven);
	web_ask_fini(&ask);
}

static const struct loglist_log *find_log(const struct loglist *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (memmem(list->logs[i].url.p, list->logs[i].url.n, text, strlen(text)))
			return &list->logs[i];
	return NULL;
}

static void save(const struct follow *f, const char *path)
{
	AUTO(mem_auto_free)
	uint8_t *room = mem_new(FOLLOW_POSITION_MAX);
	struct wr w = wr_over(room, FOLLOW_POSITION_MAX);
	FILE *out = fopen(path, "wbe");

	follow_position(f, &w);
	if (!out || fwrite(room, 1, w.n, out) != w.n || fclose(out) != 0)
		exit(2);
}

static void print_usage(void)
{
	struct rusage u;

	if (getrusage(RUSAGE_SELF, &u) != 0)
		exit(2);
	printf("{\"rss_kb\":%ld,\"cpu_s\":%.3f}\n", u.ru_maxrss,
	       (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "from-end", no_argument, NULL, 'e' },
						 { "position", required_argument, NULL, 'p' },
						 { "seconds", required_argument, NULL, 's' },
						 { "usage", no_argument, NULL, 'u' },
						 { 0 } };
	struct tool t = { .names = watchset_new() };
	const char *position = NULL;
	enum follow_start start = FOLLOW_FROM_BEGINNING;
	long seconds = 0;
	struct arena arena;
	struct loglist list;
	const struct loglist_log *log;
	struct span json;
	struct follow *f;
	bool has_usage = false;

	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == 'e')
			start = FOLLOW_FROM_END;
		else if (c == 'p')
			position = optarg;
		else if (c == 'u')
			has_usage = true;
		else if (c == 's')
			seconds = strtol(optarg, NULL, 10);
		else
			return 3;
	}
	if (argc - optind < 4)
		return 3;
	argv += optind;
	arena_init(&arena, LOGLIST_ARENA);
	json = load(argv[0]);
	if (!loglist_signed(json, load(argv[1]), load(argv[2])) ||
	    loglist_read(&list, &arena, json)) {
		printf("{\"error\":\"list\"}\n");
		return 2;
	}
	log = find_log(&list, argv[3]);
	if (!log)
		return 2;
	for (size_t i = 4; argv[i]; i++)
		if (watchset_add_name(t.names, span_str(argv[i] + (argv[i][0] == '.')),
				      argv[i][0] == '.' ? WATCHSET_SUBTREE : WATCHSET_NAME))
			return 3;
	f = follow_new(&(struct follow_config){
		.is_tiled = log->is_tiled,
		.url = log->url,
		.spki = log->spki,
		.origin = origin_of(log->submission_url),
		.start = start,
		.poll_s = 1,
		.sink = { &t, on_entry, on_head, on_proven, on_alarm },
	});
	if (position && access(position, F_OK) == 0 && follow_resume(f, load(position)))
		printf("{\"error\":\"position\"}\n");
	run(&t, f, seconds);
	printf("{\"entries\":%llu,\"unreadable\":%llu,\"hits\":%llu,\"proven\":%llu}\n",
	       (unsigned long long)t.entries, (unsigned long long)t.unreadable,
	       (unsigned long long)t.hits, (unsigned long long)t.proven);
	if (position)
		save(f, position);
	if (has_usage)
		print_usage();
	follow_free(f);
	watchset_free(t.names);
	return t.has_proven ? 0 : 1;
}
