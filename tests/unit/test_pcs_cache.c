/* Collateral on disk: judged, replaced whole, and never back to an older one. */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utime.h>

#include "base/text.h"
#include "folder.h"
#include "io/file.h"
#include "pcs/cache.h"
#include "quoting/sim_docs.h"
#include "quoting/sim_pki.h"

enum {
	NOW = 1'800'000'000,
	DAY = 86400,
};

struct fixture {
	struct folder folder;
	char dir[128];
	struct sim_pki pki;
	struct tee_anchor anchor;
	struct pcs_key key;
};

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	folder_make(&f->folder);
	folder_file(f->dir, &f->folder, "collateral");
	assert_int_equal(sim_pki_generate(&f->pki, NULL, NOW - 40 * DAY), RC_OK);
	sim_pki_anchor(&f->anchor, &f->pki);
	f->key.tee = QUOTE_TDX;
	memcpy(f->key.fmspc, f->pki.platform.fmspc, sizeof(f->key.fmspc));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sim_pki_fini(&f->pki);
	folder_remove(&f->folder);
	test_free(f);
	return 0;
}

/* "<dir>/<before><fmspc><after>" */
static const char *folder_of(char out[256], const struct fixture *f, const char *before,
			     const char *after)
{
	char name[13] = "";
	struct wr w = wr_over(name, 12);

	text_hex(&w, SPAN_ARRAY(f->key.fmspc));
	snprintf(out, 256, "%s/%s%s%s", f->dir, before, name, after);
	return out;
}

static struct cache_terms terms_at(const struct fixture *f, int64_t now)
{
	return (struct cache_terms){ .anchors = &f->anchor, .anchor_count = 1, .now = now };
}

/* Makes documents and stores them. */
static enum pcs_reason put(struct fixture *f, const struct sim_knobs *knobs, int64_t issued,
			   const struct cache_terms *terms)
{
	struct collateral_files files;
	struct pcs_error e = { 0 };
	enum pcs_reason reason;

	assert_int_equal(sim_docs_make(&files, &f->pki, knobs, issued), RC_OK);
	reason = cache_store(NULL, &e, f->dir, &f->key, &files, terms);
	assert_int_equal(e.reason, reason);
	assert_int_equal(reason != PCS_OK, e.detail[0] != '\0');
	collateral_fini(&files);
	return reason;
}

static enum pcs_reason get_it(struct cache_set *out, struct fixture *f, int64_t now)
{
	struct cache_terms terms = terms_at(f, now);
	struct pcs_error e = { 0 };

	return cache_load(out, &e, f->dir, &f->key, &terms);
}

/* What is there has this evaluation data number. */
static void expect_stored(struct fixture *f, uint32_t evaluation)
{
	struct cache_set s = { 0 };

	assert_int_equal(get_it(&s, f, NOW), PCS_OK);
	assert_int_equal(s.info.tcb_evaluation, evaluation);
	cache_set_fini(&s);
}

static void nothing_is_nothing(void **state)
{
	struct cache_set s = { 0 };

	assert_int_equal(get_it(&s, *state, NOW), PCS_NOTHING);
}

static void stored_is_loaded_byte_by_byte(void **state)
{
	struct fixture *f = *state;
	struct cache_terms terms = terms_at(f, NOW);
	struct span want[COLLATERAL_ITEMS], got[COLLATERAL_ITEMS];
	struct tee_prepared_info info;
	struct collateral_files files;
	struct cache_set s = { 0 };
	struct pcs_error e = { 0 };
	uint8_t list[CACHE_SETS_MAX][PCS_FMSPC_LEN];

	assert_int_equal(cache_list(list, f->dir), 0);
	assert_int_equal(sim_docs_make(&files, &f->pki, NULL, NOW - 100), RC_OK);
	assert_int_equal(cache_store(&info, &e, f->dir, NULL, &files, &terms), PCS_OK);
	assert_true(info.is_simulated);
	assert_int_equal(info.tcb_issued, NOW - 100);
	assert_int_equal(get_it(&s, f, NOW), PCS_OK);
	collateral_spans(want, &files);
	collateral_spans(got, &s.files);
	for (size_t i = 0; i < COLLATERAL_ITEMS; i++)
		assert_true(span_equal(want[i], got[i]));
	assert_true(s.is_valid);
	cache_set_fini(&s);
	collateral_fini(&files);
	assert_int_equal(cache_list(list, f->dir), 1);
	assert_memory_equal(list[0], f->key.fmspc, PCS_FMSPC_LEN);
}

/* Other software writes FMSPCs in upper case. */
static void folder_in_upper_case_is_the_same(void **state)
{
	struct fixture *f = *state;
	struct cache_set s = { 0 };
	struct cache_terms terms = terms_at(f, NOW);
	char lower[256], upper[256], mixed[256];
	uint8_t list[CACHE_SETS_MAX][PCS_FMSPC_LEN];

	assert_int_equal(put(f, NULL, NOW - 1000, &terms), PCS_OK);
	folder_of(lower, f, "", "");
	(void)snprintf(upper, sizeof(upper), "%s/53494D000000", f->dir);
	(void)snprintf(mixed, sizeof(mixed), "%s/53494d000000", f->dir);
	assert_string_equal(lower, mixed);
	assert_int_equal(rename(lower, upper), 0);
	assert_int_equal(cache_list(list, f->dir), 1);
	assert_memory_equal(list[0], f->key.fmspc, PCS_FMSPC_LEN);
	assert_int_equal(get_it(&s, f, NOW), PCS_OK);
	cache_set_fini(&s);
	/* What comes later takes its place, and not one beside it. */
	assert_int_equal(put(f, NULL, NOW - 10, &terms), PCS_OK);
	assert_int_equal(access(lower, F_OK), -1);
	assert_int_equal(put(f, NULL, NOW - 20, &terms), PCS_OLDER);
	/* Of two the one in lower case counts, and it is one set. */
	assert_int_equal(mkdir(lower, 0755), 0);
	assert_int_equal(cache_list(list, f->dir), 1);
	assert_int_equal(get_it(&s, f, NOW), PCS_NOTHING);
}

static void when_it_was_fetched_is_the_files_time(void **state)
{
	struct fixture *f = *state;
	struct cache_terms terms = terms_at(f, NOW);
	struct cache_set s = { 0 };
	struct utimbuf at = { NOW - 500, NOW - 500 };
	char path[256];

	assert_int_equal(put(f, NULL, NOW - 1000, &terms), PCS_OK);
	assert_int_equal(utime(folder_of(path, f, "", "/tcb_info.json"), &at), 0);
	assert_int_equal(get_it(&s, f, NOW), PCS_OK);
	assert_int_equal(s.fetched_at, NOW - 500);
	cache_set_fini(&s);
	/* Never in the future, so that a clock set back cannot put off forever. */
	assert_int_equal(get_it(&s, f, NOW - 700), PCS_OK);
	assert_int_equal(s.fetched_at, NOW - 700);
	cache_set_fini(&s);
}

static void expired_is_loaded_and_says_so(void **state)
{
	struct fixture *f = *state;
	struct cache_terms terms = terms_at(f, NOW);
	struct cache_set s = { 0 };

	assert_int_equal(put(f, NULL, NOW, &terms), PCS_OK);
	assert_int_equal(get_it(&s, f, NOW + SIM_DOCS_VALID_S), PCS_OK);
	assert_true(s.is_valid);
	cache_set_fini(&s);
	assert_int_equal(get_it(&s, f, NOW + SIM_DOCS_VALID_S + 1), PCS_OK);
	assert_false(s.is_valid);
	cache_set_fini(&s);
	assert_int_equal(get_it(&s, f, NOW - 1), PCS_OK);
	assert_false(s.is_valid);
	cache_set_fini(&s);
}

/* A bad answer leaves the good one. */
static void refused_answers_destroy_nothing(void **state)
{
	static const struct {
		struct sim_knobs knobs;
		int64_t issued;
		enum pcs_reason want;
	} rows[] = {
		{ { .docs.tcb_by_stranger = true }, NOW, PCS_REFUSED },
		{ { .docs.qe_by_stranger = true }, NOW, PCS_REFUSED },
		{ { .docs.pck_crl_by_stranger = true }, NOW, PCS_REFUSED },
		{ { .docs.root_crl_by_stranger = true }, NOW, PCS_REFUSED },
		{ { .docs.revokes_signer = true }, NOW, PCS_REFUSED },
		{ { .docs.revokes_ca = true }, NOW, PCS_REFUSED },
		{ { .docs.tcb_changed_after = true }, NOW, PCS_REFUSED },
		{ { .docs.tcb_cut = true }, NOW, PCS_REFUSED },
		{ { .docs.signer_chain_of_leaf = true }, NOW, PCS_REFUSED },
		{ { .docs.tcb_valid = { NOW - DAY, NOW - 1 } }, NOW, PCS_REFUSED },
		{ { .docs.tcb_valid = { NOW + 1, NOW + DAY } }, NOW, PCS_REFUSED },
		{ { .docs.pck_crl_valid = { NOW - DAY, NOW - 1 } }, NOW, PCS_REFUSED },
		{ { .docs.fmspc_differs = true }, NOW, PCS_OTHER },
		{ { .docs.tcb_evaluation = 18 }, NOW, PCS_WENT_BACK },
		{ { .docs.tcb_evaluation = 19 }, NOW - 2 * DAY, PCS_OLDER },
		{ { .docs.tcb_valid = { NOW - 2 * DAY, NOW + DAY }, .docs.tcb_evaluation = 20 },
		  NOW,
		  PCS_OLDER },
		{ { .docs.qe_valid = { NOW - 2 * DAY, NOW + DAY }, .docs.tcb_evaluation = 20 },
		  NOW,
		  PCS_OLDER },
		{ { .docs.pck_crl_valid = { NOW - 2 * DAY, NOW + DAY }, .docs.tcb_evaluation = 20 },
		  NOW,
		  PCS_OLDER },
		{ { .docs.root_crl_valid = { NOW - 2 * DAY, NOW + DAY },
		    .docs.tcb_evaluation = 20 },
		  NOW,
		  PCS_OLDER },
		/* and last of all a good one */
		{ { .docs.tcb_evaluation = 19 }, NOW, PCS_OK },
	};
	const struct sim_knobs first = { .docs.tcb_evaluation = 19 };
	struct fixture *f = *state;
	struct cache_terms terms = terms_at(f, NOW);

	assert_int_equal(put(f, &first, NOW - DAY, &terms), PCS_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum pcs_reason reason = put(f, &rows[i].knobs, rows[i].issued, &terms);

		if (reason != rows[i].want)
			fail_msg("%zu: %s", i, pcs_reason_name(reason));
		expect_stored(f, 19);
	}
}

static void another_root_is_refused(void **state)
{
	struct fixture *f = *state;
	struct cache_terms terms = terms_at(f, NOW);
	struct cache_set s = { 0 };

	assert_int_equal(put(f, NULL, NOW, &terms), PCS_OK);
	f->anchor = tee_anchor_intel;
	assert_int_equal(put(f, NULL, NOW, &terms), PCS_REFUSED);
	assert_int_equal(get_it(&s, f, NOW), PCS_REFUSED);
}

static void the_number_is_remembered_without_the_set(void **state)
{
	const struct sim_knobs later = { .docs.tcb_evaluation = 20 };
	const struct sim_knobs earlier = { .docs.tcb_evaluation = 19 };
	struct fixture *f = *state;
	struct cache_terms terms = terms_at(f, NOW);
	struct cache_set s = { 0 };
	char folder[256], gone[256];

	assert_int_equal(put(f, &later, NOW, &terms), PCS_OK);
	assert_int_equal(rename(folder_of(folder, f, "", ""), folder_of(gone, f, "x", "")), 0);
	assert_int_equal(get_it(&s, f, NOW), PCS_NOTHING);
	assert_int_equal(put(f, &earlier, NOW, &terms), PCS_WENT_BACK);
	/* A person may say that it is right; from then on that is the floor. */
	terms.allows_older = true;
	assert_int_equal(put(f, &earlier, NOW, &terms), PCS_OK);
	terms.allows_older = false;
	expect_stored(f, 19);
	assert_int_equal(put(f, &earlier, NOW, &terms), PCS_OK);
	assert_int_equal(put(f, &later, NOW, &terms), PCS_OK);
	assert_int_equal(put(f, &earlier, NOW, &terms), PCS_WENT_BACK);
}

/* Who exchanges the files on disk for older ones gets nowhere. */
static void an_older_set_put_back_is_not_loaded(void **state)
{
	const struct sim_knobs later = { .docs.tcb_evaluation = 20 };
	const struct sim_knobs earlier = { .docs.tcb_evaluation = 19 };
	struct fixture *f = *state;
	struct cache_terms terms = terms_at(f, NOW);
	struct collateral_files old;
	struct cache_set s = { 0 };
	char error[256];

	assert_int_equal(put(f, &later, NOW, &terms), PCS_OK);
	assert_int_equal(sim_docs_make(&old, &f->pki, &earlier, NOW), RC_OK);
	assert_int_equal(collateral_save(&old, f->dir, f->key.fmspc, error), RC_OK);
	collateral_fini(&old);
	assert_int_equal(get_it(&s, f, NOW), PCS_WENT_BACK);
}

static void a_broken_memory_is_no_empty_one(void **state)
{
	static const char *const broken[] = { "", "x", "postern-evaluations 1" };
	struct fixture *f = *state;
	struct cache_terms terms = terms_at(f, NOW);
	struct cache_set s = { 0 };
	char path[256];

	assert_int_equal(put(f, NULL, NOW, &terms), PCS_OK);
	snprintf(path, sizeof(path), "%s/evaluations", f->dir);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(file_replace(path, span_str(broken[i]), 0644), RC_OK);
		assert_int_equal(get_it(&s, f, NOW), PCS_WENT_BACK);
		assert_int_equal(put(f, NULL, NOW, &terms), PCS_WENT_BACK);
	}
	terms.allows_older = true; /* makes it anew */
	assert_int_equal(put(f, NULL, NOW, &terms), PCS_OK);
	assert_int_equal(get_it(&s, f, NOW), PCS_OK);
	cache_set_fini(&s);
}

/* As a crash in the middle of storing leaves it. */
static void half_a_set_beside_is_cleared_away(void **state)
{
	struct fixture *f = *state;
	struct cache_terms terms = terms_at(f, NOW);
	char left[256], file[300];
	struct stat st;

	assert_int_equal(put(f, NULL, NOW, &terms), PCS_OK);
	folder_of(left, f, ".", ".new");
	assert_int_equal(mkdir(left, 0755), 0);
	snprintf(file, sizeof(file), "%s/tcb_info.json", left);
	assert_int_equal(file_replace(file, span_str("half"), 0644), RC_OK);
	assert_int_equal(put(f, NULL, NOW, &terms), PCS_OK);
	assert_int_not_equal(stat(left, &st), 0);
}

static void a_set_cut_or_changed_on_disk_is_refused(void **state)
{
	struct fixture *f = *state;
	struct cache_terms terms = terms_at(f, NOW);
	char folder[256], path[300];

	folder_of(folder, f, "", "");
	for (size_t i = 0; i < COLLATERAL_ITEMS; i++) {
		struct cache_set s = { 0 };

		assert_int_equal(put(f, NULL, NOW, &terms), PCS_OK);
		snprintf(path, sizeof(path), "%s/%s", folder, collateral_names[i]);
		assert_int_equal(file_replace(path, span_str("x"), 0644), RC_OK);
		assert_int_equal(get_it(&s, f, NOW), PCS_REFUSED);
		assert_int_equal(unlink(path), 0);
		if (i < COLLATERAL_NEEDED)
			assert_int_equal(get_it(&s, f, NOW), PCS_NOTHING);
	}
}

static void another_tee_does_not_take_the_place(void **state)
{
	const struct sim_knobs sgx = { .docs = { .tcb_id = "SGX", .qe_id = "QE" } };
	struct fixture *f = *state;
	struct cache_terms terms = terms_at(f, NOW);
	struct collateral_files files;
	struct pcs_error e = { 0 };

	assert_int_equal(put(f, NULL, NOW, &terms), PCS_OK);
	assert_int_equal(sim_docs_make(&files, &f->pki, &sgx, NOW), RC_OK);
	assert_int_equal(cache_store(NULL, &e, f->dir, NULL, &files, &terms), PCS_OTHER);
	assert_non_null(strstr(e.detail, "another TEE"));
	collateral_fini(&files);
	expect_stored(f, 18);
}

static void no_folder_can_be_made(void **state)
{
	struct fixture *f = *state;
	struct cache_terms terms = terms_at(f, NOW);

	assert_int_equal(file_replace(f->dir, span_str("a file"), 0644), RC_OK);
	assert_int_equal(put(f, NULL, NOW, &terms), PCS_STORE);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(nothing_is_nothing),
		T(stored_is_loaded_byte_by_byte),
		T(folder_in_upper_case_is_the_same),
		T(when_it_was_fetched_is_the_files_time),
		T(expired_is_loaded_and_says_so),
		T(refused_answers_destroy_nothing),
		T(another_root_is_refused),
		T(the_number_is_remembered_without_the_set),
		T(an_older_set_put_back_is_not_loaded),
		T(a_broken_memory_is_no_empty_one),
		T(half_a_set_beside_is_cleared_away),
		T(a_set_cut_or_changed_on_disk_is_refused),
		T(another_tee_does_not_take_the_place),
		T(no_folder_can_be_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
