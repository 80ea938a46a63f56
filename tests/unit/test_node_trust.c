/* Whom a node believes, as the files are now: on the simulated platform. */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "io/file.h"
#include "node/trust.h"
#include "quoting/collateral_dir.h"
#include "quoting/sim_docs.h"
#include "quoting/sim_pki.h"
#include "quoting/sim_quote.h"

enum {
	NOW = 1'800'000'000
};

static const char any[] = "tcb:\n  accept: [UpToDate]\n";
static const char none[] = "tcb:\n  accept: [OutOfDate]\n";

struct fixture {
	struct folder folder;
	char policy[128], root[128], collateral[128];
	struct sim_pki pki;
	struct buf quote;
	struct trust *trust;
};

/* Writes all documents, made with these knobs. */
static void serve(struct fixture *f, const struct sim_knobs *knobs)
{
	struct collateral_files files;
	char error[256];

	assert_int_equal(sim_docs_make(&files, &f->pki, knobs, NOW - 3600), RC_OK);
	assert_int_equal(collateral_save(&files, f->collateral,
					 f->pki.platform.fmspc, error),
			 RC_OK);
	collateral_fini(&files);
}

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	struct trust_settings settings = {
		.policy = f->policy,
		.collateral = f->collateral,
		.simulated_root = f->root,
	};
	const uint8_t report_data[64] = { 1 };
	struct sim_td td = { 0 };
	char error[NODE_ERROR_MAX] = "";
	struct buf pem;

	folder_make(&f->folder);
	folder_file(f->policy, &f->folder, "policy.yaml");
	folder_file(f->root, &f->folder, "root.pem");
	folder_file(f->collateral, &f->folder, "collateral");
	assert_int_equal(sim_pki_generate(&f->pki, NULL, NOW - 86400), RC_OK);
	buf_init(&pem, 65536);
	assert_int_equal(sim_pki_pem(&pem, &f->pki, SIM_CERT_ROOT), RC_OK);
	assert_int_equal(file_replace(f->root, buf_span(&pem), 0644), RC_OK);
	buf_fini(&pem);
	assert_int_equal(file_replace(f->policy, span_str(any), 0644), RC_OK);
	serve(f, NULL);
	sim_td_launch(&td, "base", NULL);
	buf_init(&f->quote, QUOTE_MAX);
	assert_int_equal(sim_quote(&f->quote, &f->pki, &td, report_data, NULL), RC_OK);
	if (trust_open(&f->trust, &settings, error))
		fail_msg("%s", error);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	trust_free(f->trust);
	buf_fini(&f->quote);
	sim_pki_fini(&f->pki);
	folder_remove(&f->folder);
	test_free(f);
	return 0;
}

static void expect(struct fixture *f, enum tee_reason want)
{
	static struct tee_verdict v;

	/* The first reads the files, the second may know them already. */
	for (int i = 0; i < 2; i++) {
		trust_verify(f->trust, &v, buf_span(&f->quote), NOW);
		if (v.reason != want)
			fail_msg("%s: %s", tee_reason_name(v.reason), v.detail);
		assert_true(want != TEE_OK || v.is_simulated);
	}
}

static void collateral_is_as_the_files_are(void **state)
{
	const struct sim_knobs revoked = { .docs = { .revokes_leaf = true } };
	struct fixture *f = *state;
	char crl[200];

	expect(f, TEE_OK);
	serve(f, &revoked);
	expect(f, TEE_PCK_REVOKED);
	serve(f, NULL);
	expect(f, TEE_OK);
	snprintf(crl, sizeof(crl), "%s/pck.crl.der", f->collateral);
	assert_int_equal(unlink(crl), 0);
	expect(f, TEE_OK); /* the FMSPC's own folder comes first */
	folder_remove(&f->folder);
	assert_int_equal(file_make_dirs(f->folder.path, 0755), RC_OK);
	expect(f, TEE_COLLATERAL_MISSING);
}

/* The last good policy stays, and meets the collateral of now. */
static void broken_policy_hides_no_revocation(void **state)
{
	const struct sim_knobs revoked = { .docs = { .revokes_leaf = true } };
	struct fixture *f = *state;
	char error[NODE_ERROR_MAX] = "";

	assert_int_equal(file_replace(f->policy, span_str("tcb: ["), 0644), RC_OK);
	serve(f, &revoked);
	assert_int_equal(trust_poll(f->trust, true, error), TRUST_BAD);
	assert_non_null(strstr(error, f->policy));
	expect(f, TEE_PCK_REVOKED);
	serve(f, NULL);
	expect(f, TEE_OK);
}

static void new_policy_meets_known_collateral(void **state)
{
	struct fixture *f = *state;
	char error[NODE_ERROR_MAX] = "";

	expect(f, TEE_OK);
	assert_int_equal(file_replace(f->policy, span_str(none), 0644), RC_OK);
	assert_int_equal(trust_poll(f->trust, true, error), TRUST_RELOADED);
	expect(f, TEE_TCB_STATUS);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(collateral_is_as_the_files_are),
		T(broken_policy_hides_no_revocation),
		T(new_policy_meets_known_collateral),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
