/* Whom a node believes, as the files are now: on the simulated platform. */
#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "io/file.h"
#include "node/trust.h"
#include "pki/pem.h"
#include "pki/spki.h"
#include "quoting/collateral_dir.h"
#include "quoting/sim_docs.h"
#include "quoting/sim_pki.h"
#include "quoting/sim_quote.h"
#include "tee/platforms.h"

enum {
	NOW = 1'800'000'000
};

static const char any[] = "tcb:\n  accept: [UpToDate]\n";
static const char none[] = "tcb:\n  accept: [OutOfDate]\n";

struct fixture {
	struct folder folder;
	char policy[128], root[128], collateral[128], state[128];
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

/* Opens it, as a process that starts does. */
static enum rc start(struct fixture *f, char error[NODE_ERROR_MAX])
{
	const struct trust_settings settings = {
		.policy = f->policy,
		.collateral = f->collateral,
		.simulated_root = f->root,
	};

	trust_free(f->trust);
	f->trust = NULL;
	return trust_open(&f->trust, &settings, f->state, error);
}

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	const uint8_t report_data[64] = { 1 };
	struct sim_td td = { 0 };
	char error[NODE_ERROR_MAX] = "";
	struct buf pem;

	folder_make(&f->folder);
	folder_file(f->policy, &f->folder, "policy.yaml");
	folder_file(f->root, &f->folder, "root.pem");
	folder_file(f->collateral, &f->folder, "collateral");
	folder_file(f->state, &f->folder, "state");
	assert_int_equal(file_make_dirs(f->state, 0700), RC_OK);
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
	if (start(f, error))
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

static void name_list(struct fixture *f, const struct p256_private *key)
{
	struct p256_point at;
	char pem[512], yaml[1024];
	uint8_t der[SPKI_LEN];
	struct wr w = WR_ARRAY(pem), y = WR_ARRAY(yaml);
	struct span lines, line;

	p256_private_point(key, &at);
	spki_of(der, &at);
	pem_encode(&w, PEM_PUBLIC_KEY, SPAN_ARRAY(der));
	wr_str(&y, "platforms:\n  lists:\n    - {name: ours, use: deny, file: list.json, key: \"");
	for (lines = wr_span(&w); rd_until(&lines, &line, '\n');)
		wr_printf(&y, "%.*s\\n", (int)line.n, (const char *)line.p);
	wr_str(&y, "\"}\n");
	assert_false(w.over || y.over);
	assert_int_equal(file_replace(f->policy, wr_span(&y), 0644), RC_OK);
}

static void serve_list(struct fixture *f, const struct p256_private *key, uint32_t serial,
		       const struct platform *platform)
{
	const struct platform_list list = { .name = "ours",
					    .use = PLATFORM_DENY,
					    .serial = serial,
					    .issued_at = NOW - 1,
					    .expires_at = NOW,
					    .platforms = platform,
					    .count = platform != NULL };
	char room[1024], path[128];
	struct wr w = WR_ARRAY(room);

	platforms_write(&w, &list, key);
	folder_file(path, &f->folder, "list.json");
	assert_int_equal(file_replace(path, wr_span(&w), 0644), RC_OK);
}

/* A list is taken up like the policy that names it, and never goes back. */
static void signed_list_is_taken_up(void **state)
{
	struct fixture *f = *state;
	struct p256_private *key = p256_private_generate();
	struct platform ours = { 0 };
	char error[NODE_ERROR_MAX] = "";

	memcpy(ours.ppid, f->pki.platform.ppid, sizeof(ours.ppid));
	name_list(f, key);
	assert_int_equal(trust_poll(f->trust, true, error), TRUST_RELOADED);
	expect(f, TEE_LIST_MISSING);
	serve_list(f, key, 1, NULL);
	assert_int_equal(trust_poll(f->trust, true, error), TRUST_RELOADED);
	expect(f, TEE_OK);
	assert_int_equal(trust_poll(f->trust, false, error), TRUST_SAME);
	serve_list(f, key, 2, &ours);
	assert_int_equal(trust_poll(f->trust, false, error), TRUST_SAME); /* to settle */
	assert_int_equal(trust_poll(f->trust, false, error), TRUST_RELOADED);
	expect(f, TEE_POLICY_PLATFORM);
	serve_list(f, key, 1, NULL);
	assert_int_equal(trust_poll(f->trust, true, error), TRUST_RELOADED);
	expect(f, TEE_LIST_STALE);
	p256_private_free(key);
}

/* ... also when the process that saw it is gone. */
static void signed_list_does_not_go_back_at_a_restart(void **state)
{
	struct fixture *f = *state;
	struct p256_private *key = p256_private_generate();
	char error[NODE_ERROR_MAX] = "", path[200];

	name_list(f, key);
	serve_list(f, key, 7, NULL);
	assert_int_equal(start(f, error), RC_OK);
	expect(f, TEE_OK);
	serve_list(f, key, 6, NULL);
	assert_int_equal(start(f, error), RC_OK);
	expect(f, TEE_LIST_STALE);
	serve_list(f, key, 7, NULL);
	assert_int_equal(trust_poll(f->trust, true, error), TRUST_RELOADED);
	expect(f, TEE_OK);
	serve_list(f, key, 8, NULL);
	assert_int_equal(trust_poll(f->trust, true, error), TRUST_RELOADED);
	serve_list(f, key, 7, NULL);
	assert_int_equal(start(f, error), RC_OK);
	expect(f, TEE_LIST_STALE);
	/* Not knowing what was seen is no way to know that it is newer. */
	(void)snprintf(path, sizeof(path), "%s/platform-serials", f->state);
	assert_int_equal(file_replace(path, span_str("x"), 0644), RC_OK);
	assert_int_equal(start(f, error), RC_MALFORMED);
	assert_non_null(strstr(error, "state/platform-serials: not what was written there"));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(start(f, error), RC_OK); /* the operator's word */
	expect(f, TEE_OK);
	p256_private_free(key);
}

/* The list is in force at once, and its serial is written as soon as it can. */
static void serial_that_cannot_be_written_is_said(void **state)
{
	struct fixture *f = *state;
	struct p256_private *key = p256_private_generate();
	char error[NODE_ERROR_MAX] = "", aside[128];

	name_list(f, key);
	serve_list(f, key, 1, NULL);
	assert_int_equal(start(f, error), RC_OK);
	serve_list(f, key, 2, NULL);
	assert_int_equal(rename(f->state, folder_file(aside, &f->folder, "aside")), 0);
	assert_int_equal(trust_poll(f->trust, true, error), TRUST_UNSAVED);
	assert_non_null(strstr(error, "state/platform-serials: No such file"));
	expect(f, TEE_OK);
	assert_int_equal(start(f, error), RC_SYS); /* and no start without it */
	assert_int_equal(rename(aside, f->state), 0);
	assert_int_equal(start(f, error), RC_OK);
	serve_list(f, key, 3, NULL);
	assert_int_equal(rename(f->state, aside), 0);
	assert_int_equal(trust_poll(f->trust, true, error), TRUST_UNSAVED);
	assert_int_equal(rename(aside, f->state), 0);
	assert_int_equal(trust_poll(f->trust, false, error), TRUST_SAME);
	serve_list(f, key, 2, NULL);
	assert_int_equal(start(f, error), RC_OK);
	expect(f, TEE_LIST_STALE);
	p256_private_free(key);
}

/* Such a quote is verified with the chain beside the collateral, as it is now;
 * one with a chain of its own does not look there. */
static void quote_without_its_chain(void **state)
{
	const struct sim_knobs knobs = { .quote = { .certification_type =
							    QUOTE_CERTIFICATION_PPID_CLEAR } };
	const uint8_t report_data[64] = { 1 };
	struct fixture *f = *state;
	struct sim_td td = { 0 };
	struct buf usual = f->quote;
	struct quote q;
	char path[200];

	assert_int_equal(quote_parse(&q, buf_span(&usual)), TEE_OK);
	expect(f, TEE_OK);
	sim_td_launch(&td, "base", NULL);
	buf_init(&f->quote, QUOTE_MAX);
	assert_int_equal(sim_quote(&f->quote, &f->pki, &td, report_data, &knobs), RC_OK);
	expect(f, TEE_QUOTE_CERT_TYPE);
	(void)snprintf(path, sizeof(path), "%s/pck_chain.pem", f->collateral);
	assert_int_equal(file_replace(path, q.certification_data, 0644), RC_OK);
	expect(f, TEE_OK);
	assert_int_equal(file_replace(path, span_str("of another platform"), 0644), RC_OK);
	expect(f, TEE_PCK_PEM);
	struct buf chainless = f->quote;
	f->quote = usual;
	expect(f, TEE_OK);
	buf_fini(&chainless);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(collateral_is_as_the_files_are),
		T(broken_policy_hides_no_revocation),
		T(new_policy_meets_known_collateral),
		T(signed_list_is_taken_up),
		T(signed_list_does_not_go_back_at_a_restart),
		T(serial_that_cannot_be_written_is_said),
		T(quote_without_its_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
