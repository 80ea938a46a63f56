/* evidence: which files of a folder are quotes, and what belongs to each. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/evidence.h"
#include "folder.h"
#include "io/file.h"

struct fixture {
	struct folder folder;
	char seen[2048];
	size_t left; /* to see before it says stop */
};

static bool note(void *ctx, const struct evidence *e, const char *error)
{
	struct fixture *f = ctx;
	size_t n = strlen(f->seen), skip = strlen(f->folder.path) + 1;
	char at[32] = "";

	if (e->has_time)
		snprintf(at, sizeof(at), " at %lld", (long long)e->at);
	snprintf(f->seen + n, sizeof(f->seen) - n, "%s%s%s%s%s\n", e->path + skip, at,
		 e->collateral[0] ? " by " : "", e->collateral[0] ? e->collateral + skip : "",
		 error ? " BAD" : "");
	return !f->left || --f->left;
}

static void put(struct fixture *f, const char *name, const char *content)
{
	char path[256], folder[256];

	snprintf(path, sizeof(path), "%s/%s", f->folder.path, name);
	strcpy(folder, path);
	*strrchr(folder, '/') = '\0';
	assert_int_equal(file_make_dirs(folder, 0755), RC_OK);
	assert_int_equal(file_replace(path, span_str(content), 0644), RC_OK);
}

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	folder_make(&f->folder);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	folder_remove(&f->folder);
	test_free(f);
	return 0;
}

static enum rc walk(struct fixture *f, char error[EVIDENCE_ERROR_MAX])
{
	f->seen[0] = '\0';
	return evidence_walk(f->folder.path, note, f, error);
}

static void what_belongs_together(void **state)
{
	struct fixture *f = *state;
	char error[EVIDENCE_ERROR_MAX] = "";

	assert_int_equal(walk(f, error), RC_OK);
	assert_string_equal(f->seen, "");
	put(f, "b.bin", "");
	put(f, "b.bin.collateral/x", "");
	put(f, "a.bin", "");
	put(f, "a.bin.at", "2026-03-01T00:00:00Z\n");
	put(f, "c.at", "");
	put(f, ".hidden", "");
	put(f, "sub/d", "");
	put(f, "sub/e", "");
	put(f, "sub/e.at", "2026-03-01T00:00:00Z");
	put(f, "sub/e.collateral", "a file of this name is a quote too");
	put(f, "sub/collateral/x", "");
	put(f, "z", "");
	put(f, "z.at", "yesterday\n");
	assert_int_equal(walk(f, error), RC_OK);
	assert_string_equal(f->seen, "a.bin at 1772323200\n"
				     "b.bin by b.bin.collateral\n"
				     "sub/d by sub/collateral\n"
				     "sub/e at 1772323200 by sub/collateral\n"
				     "sub/e.collateral by sub/collateral\n"
				     "z BAD\n");
	f->left = 2;
	assert_int_equal(walk(f, error), RC_OK);
	assert_string_equal(f->seen, "a.bin at 1772323200\nb.bin by b.bin.collateral\n");
}

static void times_that_are_none(void **state)
{
	static const char *const times[] = {
		"",
		"\n",
		"2026-03-01T00:00:00Z\n2026-03-01T00:00:00Z\n",
		"2026-03-01",
		"2026-03-01T00:00:00Z                                                            ",
	};
	struct fixture *f = *state;
	char error[EVIDENCE_ERROR_MAX] = "";

	put(f, "a", "");
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		put(f, "a.at", times[i]);
		assert_int_equal(walk(f, error), RC_OK);
		assert_string_equal(f->seen, "a BAD\n");
	}
}

static void folders_that_cannot_be_walked(void **state)
{
	struct fixture *f = *state;
	char error[EVIDENCE_ERROR_MAX] = "";

	put(f, "1/2/3/4/5/6/7/8/a", "");
	assert_int_equal(walk(f, error), RC_OK);
	assert_string_equal(f->seen, "1/2/3/4/5/6/7/8/a\n");
	put(f, "1/2/3/4/5/6/7/8/9/b", "");
	assert_int_equal(walk(f, error), RC_LIMIT);
	assert_non_null(strstr(error, "/8/9: too deep"));
	assert_int_equal(evidence_walk("/nonexistent", note, f, error), RC_SYS);
	assert_string_equal(error, "/nonexistent: No such file or directory");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_belongs_together),
		T(times_that_are_none),
		T(folders_that_cannot_be_walked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
