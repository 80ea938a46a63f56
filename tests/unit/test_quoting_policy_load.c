/*
 * policy_load: a policy and its signed lists from their files; a list that is
 * not there or not in order refuses, and does not go back.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folder.h"
#include "io/file.h"
#include "pki/pem.h"
#include "pki/spki.h"
#include "quoting/policy_load.h"

struct fixture {
	struct folder folder;
	char policy[128], list[128];
	struct p256_private *key;
	struct arena arena;
};

/* The policy names one list, below its folder, and its signer. */
static void write_policy(struct fixture *f, const char *rest)
{
	struct p256_point at;
	uint8_t der[SPKI_LEN];
	char pem[512], yaml[2048];
	struct wr w = WR_ARRAY(pem), y = WR_ARRAY(yaml);
	struct span lines, line;

	p256_private_point(f->key, &at);
	spki_of(der, &at);
	pem_encode(&w, PEM_PUBLIC_KEY, SPAN_ARRAY(der));
	wr_str(&y, "platforms:\n  lists:\n    - name: ours\n      use: deny\n"
		   "      file: lists/ours.json\n      key: |\n");
	for (lines = wr_span(&w); rd_until(&lines, &line, '\n');)
		wr_printf(&y, "        %.*s\n", (int)line.n, (const char *)line.p);
	wr_str(&y, rest);
	assert_false(w.over || y.over);
	assert_int_equal(file_replace(f->policy, wr_span(&y), 0644), RC_OK);
}

static void write_list(struct fixture *f, uint32_t serial)
{
	/* clang-format off */
	const struct platform_list list = {
		.name = "ours", .use = PLATFORM_DENY, .serial = serial, .issued_at = 1, .expires_at = 2
	};
	/* clang-format on */
	char room[1024];
	struct wr w = WR_ARRAY(room);

	platforms_write(&w, &list, f->key);
	assert_int_equal(file_replace(f->list, wr_span(&w), 0644), RC_OK);
}

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	char lists[128];

	folder_make(&f->folder);
	folder_file(f->policy, &f->folder, "policy.yaml");
	folder_file(lists, &f->folder, "lists");
	folder_file(f->list, &f->folder, "lists/ours.json");
	assert_int_equal(file_make_dirs(lists, 0755), RC_OK);
	f->key = p256_private_generate();
	arena_init(&f->arena, POLICY_ARENA_MAX);
	write_policy(f, "");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	arena_fini(&f->arena);
	p256_private_free(f->key);
	folder_remove(&f->folder);
	test_free(f);
	return 0;
}

static void load(struct fixture *f, struct tee_policy *out, const struct tee_policy *before,
		 enum tee_reason want)
{
	char error[POLICY_ERROR_MAX] = "";

	if (policy_load(out, &f->arena, f->policy, before, error))
		fail_msg("%s", error);
	assert_int_equal(out->list_count, 1);
	assert_string_equal(tee_reason_name(out->lists[0].state), tee_reason_name(want));
}

/* Nobody writes to it: who waits is ended by the alarm. */
static void fifo_is_not_waited_for(void **state)
{
	struct fixture *f = *state;
	char error[POLICY_ERROR_MAX] = "";
	struct tee_policy p;

	assert_int_equal(mkfifo(f->list, 0600), 0);
	alarm(10);
	load(f, &p, NULL, TEE_LIST_MISSING);
	assert_int_equal(unlink(f->policy), 0);
	assert_int_equal(mkfifo(f->policy, 0600), 0);
	assert_int_equal(policy_load(&p, &f->arena, f->policy, NULL, error), RC_UNSUPPORTED);
	alarm(0);
	assert_non_null(strstr(error, "policy.yaml: not a regular file"));
}

static void list_beside_its_policy(void **state)
{
	struct fixture *f = *state;
	struct tee_policy p;
	uint8_t *large = test_calloc(1, PLATFORM_LIST_MAX + 2);

	load(f, &p, NULL, TEE_LIST_MISSING);
	write_list(f, 3);
	load(f, &p, NULL, TEE_OK);
	assert_int_equal(p.lists[0].list.serial, 3);
	assert_int_equal(file_replace(f->list, span_str("{}"), 0644), RC_OK);
	load(f, &p, NULL, TEE_LIST_MALFORMED);
	assert_int_equal(file_replace(f->list, span_of(large, PLATFORM_LIST_MAX + 2), 0644), RC_OK);
	load(f, &p, NULL, TEE_LIST_MALFORMED);
	test_free(large);
	assert_int_equal(unlink(f->list), 0);
	load(f, &p, NULL, TEE_LIST_MISSING);
}

static void policy_by_its_bare_name(void **state)
{
	struct fixture *f = *state;
	char error[POLICY_ERROR_MAX] = "", before[1024];
	struct tee_policy p;

	write_list(f, 3);
	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(f->folder.path), 0);
	assert_int_equal(policy_load(&p, &f->arena, "policy.yaml", NULL, error), RC_OK);
	assert_int_equal(p.lists[0].state, TEE_OK);
	assert_int_equal(chdir(before), 0);
}

/* What was seen is remembered through whatever came between. */
static void serial_never_goes_back(void **state)
{
	struct fixture *f = *state;
	struct tee_policy a, b, c, d;

	write_list(f, 3);
	load(f, &a, NULL, TEE_OK);
	write_list(f, 2);
	load(f, &b, &a, TEE_LIST_STALE);
	assert_int_equal(unlink(f->list), 0);
	load(f, &c, &b, TEE_LIST_MISSING);
	write_list(f, 2);
	load(f, &d, &c, TEE_LIST_STALE);
	write_list(f, 3);
	load(f, &d, &c, TEE_OK);
	write_list(f, 4);
	load(f, &a, &d, TEE_OK);
	/* another signer counts for himself */
	p256_private_free(f->key);
	f->key = p256_private_generate();
	write_policy(f, "");
	write_list(f, 1);
	load(f, &b, &a, TEE_OK);
	write_policy(f, "      min_serial: 2\n");
	load(f, &b, NULL, TEE_LIST_STALE);
}

static void policy_that_is_none(void **state)
{
	struct fixture *f = *state;
	char error[POLICY_ERROR_MAX] = "", want[160];
	struct tee_policy p;

	assert_int_equal(file_replace(f->policy, span_str("a: b\n"), 0644), RC_OK);
	assert_int_equal(policy_load(&p, &f->arena, f->policy, NULL, error), RC_MALFORMED);
	snprintf(want, sizeof(want), "%s:1: a: unknown", f->policy);
	assert_non_null(strstr(error, want));
	assert_int_equal(unlink(f->policy), 0);
	assert_int_equal(policy_load(&p, &f->arena, f->policy, NULL, error), RC_SYS);
	assert_non_null(strstr(error, "policy.yaml: No such file"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(list_beside_its_policy),
		T(fifo_is_not_waited_for),
		T(policy_by_its_bare_name),
		T(serial_never_goes_back),
		T(policy_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
