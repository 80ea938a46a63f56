/* renewal: documents are there at once and due when ten days are left. */
#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "io/clock.h"
#include "teesim/renewal.h"

enum {
	DAY = 86400,
};

static void due_when_ten_days_are_left(void **state)
{
	const int64_t at = 1'800'000'000;

	(void)state;
	assert_false(renewal_is_due(at, at));
	assert_false(renewal_is_due(at, at + 20 * DAY));
	assert_true(renewal_is_due(at, at + 20 * DAY + 1));
	assert_true(renewal_is_due(at, at + 100 * DAY));
	/* the clock went back: the documents are of the future */
	assert_true(renewal_is_due(at, at - 1));
}

static void started_it_has_written_everything(void **state)
{
	struct log log = { .fd = open("/dev/null", O_WRONLY | O_CLOEXEC), .program = "t" };
	char collateral[128], root[128], error[256] = "";
	struct collateral_files c;
	struct tee_anchor anchor;
	struct sim_pki pki;
	struct loop *loop;
	struct folder f;

	(void)state;
	folder_make(&f);
	folder_file(collateral, &f, "collateral");
	folder_file(root, &f, "root.pem");
	assert_int_equal(loop_new(&loop), RC_OK);
	assert_int_equal(sim_pki_generate(&pki, NULL, clock_unix_s()), RC_OK);
	struct renewal r = {
		.loop = loop,
		.log = &log,
		.pki = &pki,
		.collateral = collateral,
		.root = root,
	};
	assert_int_equal(renewal_start(&r, error), RC_OK);
	assert_false(renewal_is_due(r.issued_at, clock_unix_s()));
	assert_true(loop_timer_is_armed(&r.timer));
	assert_int_equal(collateral_load(&c, collateral, pki.platform.fmspc, error), RC_OK);
	assert_int_equal(collateral_simulated_anchor(&anchor, root, error), RC_OK);
	collateral_fini(&c);
	renewal_stop(&r);
	assert_false(loop_timer_is_armed(&r.timer));

	r.root = "/dev/null/root.pem";
	assert_int_equal(renewal_start(&r, error), RC_SYS);
	assert_non_null(strstr(error, "/dev/null/root.pem"));
	loop_free(loop);
	sim_pki_fini(&pki);
	close(log.fd);
	folder_remove(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(due_when_ten_days_are_left),
		cmocka_unit_test(started_it_has_written_everything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
