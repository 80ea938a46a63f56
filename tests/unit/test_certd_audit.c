/* audit: lines that follow one another, and what is said of those that do not. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "certd/audit.h"
#include "folder.h"
#include "io/file.h"

static struct log quiet;

static struct audit *open_it(const struct folder *f)
{
	struct audit *a = NULL;
	char error[NODE_ERROR_MAX];

	quiet = (struct log){ .fd = open("/dev/null", O_WRONLY | O_CLOEXEC), .program = "t" };
	assert_int_equal(audit_open(&a, f->path, &quiet, error), RC_OK);
	return a;
}

static void close_it(struct audit *a)
{
	audit_close(a);
	close(quiet.fd);
}

static void read_file(struct buf *out, const struct folder *f)
{
	char path[128];

	buf_init(out, 1 << 20);
	assert_int_equal(file_read(out, folder_file(path, f, "audit.jsonl")), RC_OK);
}

static void write_file(const struct folder *f, struct span text)
{
	char path[128];

	assert_int_equal(file_replace(folder_file(path, f, "audit.jsonl"), text, 0644), RC_OK);
}

static void three_lines(const struct folder *f)
{
	struct audit *a = open_it(f);

	audit_event(a, "one");
	audit_event(a, "two", { "name", span_str("\xff\"x\n") });
	audit_event(a, "three", { "name", span_str("y") }, { "why", span_str("z") });
	close_it(a);
}

static void chain_goes_on_after_a_restart(void **state)
{
	struct sha256 last, again;
	struct folder f;
	struct audit *a;

	(void)state;
	folder_make(&f);
	three_lines(&f);
	a = open_it(&f);
	assert_int_equal(audit_head(a, &last), 3);
	audit_event(a, "four");
	assert_int_equal(audit_head(a, &again), 4);
	assert_memory_not_equal(&last, &again, sizeof(last));
	close_it(a);
	a = open_it(&f);
	assert_int_equal(audit_head(a, &last), 4);
	assert_memory_equal(&last, &again, sizeof(last));
	close_it(a);
	folder_remove(&f);
}

static void expect_events(struct audit *a, const char *want)
{
	struct buf json = { 0 };

	buf_init(&json, 1 << 16);
	assert_int_equal(audit_events(a, &json), RC_OK);
	if (!span_equal_str(buf_span(&json), want))
		fail_msg("got %.*s", (int)json.n, (const char *)buf_span(&json).p);
	buf_fini(&json);
}

static void events_are_counted_over_restarts(void **state)
{
	static const char want[] = "[{\"event\":\"order\",\"end\":\"\",\"count\":3},"
				   "{\"event\":\"failed\",\"end\":\"problem\",\"count\":1},"
				   "{\"event\":\"failed\",\"end\":\"lost\",\"count\":2}]";
	struct folder f;
	struct audit *a;

	(void)state;
	folder_make(&f);
	a = open_it(&f);
	expect_events(a, "[]");
	audit_event(a, "order", { "name", span_str("a") });
	audit_event(a, "failed", { "name", span_str("a") }, { "end", span_str("problem") });
	audit_event(a, "order");
	audit_event(a, "failed", { "end", span_str("lost") });
	close_it(a);
	a = open_it(&f);
	audit_event(a, "failed", { "end", span_str("lost") });
	audit_event(a, "order");
	expect_events(a, want);
	close_it(a);
	a = open_it(&f);
	expect_events(a, want);
	/* More kinds than fit: not counted, and nothing else. */
	for (int i = 0; i < 200; i++) {
		char name[60];

		(void)snprintf(name, sizeof(name), "kind%.*d", i % 2 ? 3 : 45, i);
		audit_event(a, name);
	}
	assert_int_equal(audit_head(a, &(struct sha256){ 0 }), 206);
	close_it(a);
	folder_remove(&f);
}

static void half_a_line_is_cut_off(void **state)
{
	struct folder f;
	struct audit *a;
	struct buf text;
	struct sha256 last;

	(void)state;
	folder_make(&f);
	three_lines(&f);
	read_file(&text, &f);
	write_file(&f, span_of(text.p, text.n - 5));
	a = open_it(&f);
	assert_int_equal(audit_head(a, &last), 2);
	audit_event(a, "again");
	close_it(a);
	a = open_it(&f);
	assert_int_equal(audit_head(a, &last), 3);
	close_it(a);
	buf_fini(&text);
	folder_remove(&f);
}

/* Any byte but of the last line, which nothing follows yet. */
static void changed_lines_are_noticed(void **state)
{
	char error[NODE_ERROR_MAX];
	struct folder f;
	struct buf text;
	struct audit *a = NULL;
	size_t last = 0;

	(void)state;
	folder_make(&f);
	three_lines(&f);
	read_file(&text, &f);
	for (size_t i = 0; i < text.n - 1; i++)
		if (text.p[i] == '\n')
			last = i;
	for (size_t i = 0; i < last; i += 7) {
		text.p[i] ^= 1;
		write_file(&f, buf_span(&text));
		assert_int_equal(audit_open(&a, f.path, &quiet, error), RC_MALFORMED);
		assert_non_null(strstr(error, "does not follow"));
		text.p[i] ^= 1;
	}
	assert_null(a);
	buf_fini(&text);
	folder_remove(&f);
}

static void line_taken_out_is_noticed(void **state)
{
	char error[NODE_ERROR_MAX];
	struct folder f;
	struct buf text;
	struct span rest, first;
	struct audit *a = NULL;

	(void)state;
	folder_make(&f);
	three_lines(&f);
	read_file(&text, &f);
	rest = buf_span(&text);
	assert_true(rd_until(&rest, &first, '\n'));
	write_file(&f, rest);
	assert_int_equal(audit_open(&a, f.path, &quiet, error), RC_MALFORMED);
	assert_non_null(strstr(error, "line 1"));
	buf_fini(&text);
	folder_remove(&f);
}

/* A main file that is as long as one may be: lines as the program writes them. */
static uint64_t fill(const struct folder *f, uint64_t count, struct sha256 *last)
{
	enum {
		PAD = 6000
	};
	char *line = mem_new(PAD + 400), *pad = mem_new(PAD + 1);
	struct buf all;

	memset(pad, 'p', PAD);
	buf_init(&all, AUDIT_SEGMENT_LEN + 8000);
	while (all.n < AUDIT_SEGMENT_LEN) {
		char hex[65] = "";
		struct wr w = wr_over(hex, 64);
		int n;

		text_hex(&w, SPAN_ARRAY(last->b));
		n = snprintf(line, PAD + 400,
			     "{\"n\":%llu,\"time\":\"2026-11-27T21:40:00Z\",\"event\":\"%s\","
			     "\"pad\":\"%s\",\"before\":\"%s\"}",
			     (unsigned long long)++count, all.n ? "filled" : "segment", pad, hex);
		sha256_of(last, span_of(line, (size_t)n));
		assert_true(buf_add(&all, span_of(line, (size_t)n)));
		assert_true(buf_add(&all, span_str("\n")));
	}
	write_file(f, buf_span(&all));
	buf_fini(&all);
	free(line);
	free(pad);
	return count;
}

static void chain_goes_on_over_segments(void **state)
{
	char error[NODE_ERROR_MAX], first[128], second[128], main_path[128], away[128], name[64];
	struct sha256 last = { 0 }, head, again;
	struct folder f;
	struct audit *a;
	uint64_t n, m;

	(void)state;
	folder_make(&f);
	n = fill(&f, 0, &last);
	folder_file(first, &f, "audit-000000000001.jsonl");
	folder_file(main_path, &f, "audit.jsonl");
	a = open_it(&f);
	assert_int_equal(audit_head(a, &head), n);
	assert_memory_equal(&head, &last, sizeof(head));
	audit_event(a, "order");
	assert_int_equal(audit_head(a, &head), n + 2); /* and "segment" */
	close_it(a);
	assert_int_equal(access(first, F_OK), 0);
	a = open_it(&f);
	assert_int_equal(audit_head(a, &again), n + 2);
	assert_memory_equal(&head, &again, sizeof(head));
	close_it(a);
	/* A third one. */
	m = fill(&f, n, &last);
	a = open_it(&f);
	audit_event(a, "order");
	assert_int_equal(audit_head(a, &head), m + 2);
	close_it(a);
	(void)snprintf(name, sizeof(name), "audit-%012llu.jsonl", (unsigned long long)n + 1);
	folder_file(second, &f, name);
	assert_int_equal(access(second, F_OK), 0);
	/* The second may not be missing, or be under another name; the first may. */
	folder_file(away, &f, "away");
	assert_int_equal(rename(second, away), 0);
	assert_int_equal(audit_open(&a, f.path, &quiet, error), RC_MALFORMED);
	assert_int_equal(rename(away, second), 0);
	assert_int_equal(rename(first, away), 0);
	a = open_it(&f);
	assert_int_equal(audit_head(a, &again), m + 2);
	assert_memory_equal(&head, &again, sizeof(head));
	close_it(a);
	(void)snprintf(name, sizeof(name), "audit-%012llu.jsonl", (unsigned long long)n + 2);
	folder_file(first, &f, name);
	assert_int_equal(rename(second, first), 0);
	assert_int_equal(audit_open(&a, f.path, &quiet, error), RC_MALFORMED);
	/* A crash before the next main file was there. */
	assert_int_equal(rename(first, second), 0);
	assert_int_equal(unlink(main_path), 0);
	a = open_it(&f);
	assert_int_equal(audit_head(a, &again), m);
	audit_event(a, "order");
	assert_int_equal(audit_head(a, &again), m + 2);
	close_it(a);
	a = open_it(&f);
	assert_int_equal(audit_head(a, &again), m + 2);
	close_it(a);
	folder_remove(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chain_goes_on_after_a_restart),
		cmocka_unit_test(events_are_counted_over_restarts),
		cmocka_unit_test(half_a_line_is_cut_off),
		cmocka_unit_test(changed_lines_are_noticed),
		cmocka_unit_test(line_taken_out_is_noticed),
		cmocka_unit_test(chain_goes_on_over_segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
