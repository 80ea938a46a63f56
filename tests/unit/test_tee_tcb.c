/*
 * tcb: level matching and the truth table of Intel's library for merging TDX
 * module, quoting enclave and relaunch advice into the platform's status.
 */
#include "unit.h"

#include <string.h>

#include "tcb_truth.h"
#include "tee/tcb.h"

/* SVNs of the two levels; the module's ISVSVN is 6 and 4, below 4 is none. */
static const uint8_t td_svn[] = { [L] = 6, [E] = 4, [N] = 3 };

struct made {
	struct tcb_level levels[2];
	struct svn_level module_levels[2], qe_level;
	struct tcb_module module;
	struct tcbinfo info;
	struct qeidentity qe;
	struct pck_info pck;
	uint8_t svn[16], svn2[16];
	struct td_report td;
	struct tcb_platform platform;
};

static void make(struct made *m, size_t row)
{
	memset(m, 0, sizeof(*m));
	memset(m->levels[0].sgx, 5, 16);
	memset(m->levels[1].sgx, 3, 16);
	m->levels[0].pce_svn = 13;
	m->levels[1].pce_svn = 11;
	m->levels[0].tdx[2] = 3; /* microcode: what tells levels apart here */
	m->levels[1].tdx[2] = 2;
	m->levels[0].level.status = truth[row].latest;
	m->levels[1].level.status = truth[row].earliest;
	m->module_levels[0] = (struct svn_level){ 6, { .status = truth[row].mod_latest } };
	m->module_levels[1] = (struct svn_level){ 4, { .status = truth[row].mod_earliest } };
	m->module = (struct tcb_module){ .version = 1, .levels = { m->module_levels, 2 } };
	m->qe_level = (struct svn_level){ 4, { .status = truth[row].qe } };
	m->info = (struct tcbinfo){
		.tee = QUOTE_TDX,
		.levels = m->levels,
		.level_count = 2,
		.modules = &m->module,
		.module_count = 1,
	};
	m->qe.levels = (struct svn_levels){ &m->qe_level, 1 };
	memset(m->pck.component, truth[row].cert == L ? 5 : truth[row].cert == E ? 3
										 : 2,
	       16);
	m->pck.pce_svn = truth[row].cert == L ? 13 : 11;
	m->svn[0] = td_svn[truth[row].td];
	m->svn[1] = 1;
	m->svn[2] = truth[row].td == L ? 3 : 2;
	m->svn2[0] = td_svn[truth[row].svn2];
	m->svn2[1] = 1;
	m->svn2[2] = truth[row].svn2 == L ? 3 : 2;
	m->td.tee_tcb_svn = SPAN_ARRAY(m->svn);
	m->td.tee_tcb_svn2 = span_of(m->svn2, truth[row].svn2 == N ? 0 : 16);
	m->platform = (struct tcb_platform){ .pck = &m->pck, .td = &m->td, .qe_isv_svn = 4 };
}

static enum tee_reason evaluate(struct made *m, struct tcb_answer *a)
{
	return tcb_evaluate(a, &m->info, &m->qe, &m->platform);
}

static void truth_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < TRUTH_COUNT; i++) {
		struct tcb_answer a, kept;
		struct made m;

		print_message("%s\n", truth[i].name);
		make(&m, i);
		memset(&a, 0x5a, sizeof(a));
		kept = a;
		assert_string_equal(tee_reason_name(evaluate(&m, &a)),
				    tee_reason_name(truth[i].reason));
		if (truth[i].reason)
			assert_memory_equal(&a, &kept, sizeof(a));
		else
			assert_string_equal(tee_tcb_status_name(a.status),
					    tee_tcb_status_name(truth[i].want));
	}
}

/* Each component for itself: a higher one never makes up for a lower one. */
static void one_component_lower_loses_the_level(void **state)
{
	struct tcb_answer a;
	struct made m;

	(void)state;
	for (size_t i = 0; i < 16; i++) {
		make(&m, 0);
		memset(m.pck.component, 9, 16);
		m.pck.component[i] = 4;
		assert_int_equal(evaluate(&m, &a), TEE_OK);
		assert_ptr_equal(a.parts[0], &m.levels[1].level);
		m.pck.component[i] = 2;
		assert_int_equal(evaluate(&m, &a), TEE_TCB_NOT_SUPPORTED);
	}
	make(&m, 0);
	m.pck.pce_svn = 12;
	assert_int_equal(evaluate(&m, &a), TEE_OK);
	assert_ptr_equal(a.parts[0], &m.levels[1].level);
	m.pck.pce_svn = 10;
	assert_int_equal(evaluate(&m, &a), TEE_TCB_NOT_SUPPORTED);
}

static void tdx_components_from_the_module_version_on(void **state)
{
	struct tcb_answer a;
	struct made m;

	(void)state;
	/* A versioned module: components 0 and 1 are its own affair. */
	make(&m, 0);
	m.levels[0].tdx[0] = 200;
	m.levels[0].tdx[1] = 200;
	assert_int_equal(evaluate(&m, &a), TEE_OK);
	assert_ptr_equal(a.parts[0], &m.levels[0].level);
	for (size_t i = 2; i < 16; i++) {
		make(&m, 0);
		m.levels[0].tdx[i] = 200;
		assert_int_equal(evaluate(&m, &a), TEE_OK);
		assert_ptr_equal(a.parts[0], &m.levels[1].level);
	}
	/* Version 0: all sixteen count and there is no module status. */
	for (size_t i = 0; i < 16; i++) {
		make(&m, 0);
		m.svn[1] = 0;
		assert_int_equal(evaluate(&m, &a), TEE_OK);
		assert_int_equal(a.module, TCB_NONE);
		assert_null(a.parts[1]);
		assert_ptr_equal(a.parts[0], &m.levels[0].level);
		m.levels[0].tdx[i] = 200;
		assert_int_equal(evaluate(&m, &a), TEE_OK);
		assert_ptr_equal(a.parts[0], &m.levels[1].level);
	}
	/* Both levels out of the TD's reach. */
	make(&m, 0);
	m.levels[0].tdx[15] = m.levels[1].tdx[15] = 1;
	assert_int_equal(evaluate(&m, &a), TEE_TCB_NOT_SUPPORTED);
}

static void sgx_has_no_module(void **state)
{
	struct tcb_answer a;
	struct made m;

	(void)state;
	make(&m, 0);
	m.platform.td = NULL;
	m.info.module_count = 0;
	memset(m.levels[0].tdx, 0xff, 16); /* not looked at */
	assert_int_equal(evaluate(&m, &a), TEE_OK);
	assert_int_equal(a.status, UTD);
	assert_int_equal(a.module, TCB_NONE);
	assert_ptr_equal(a.parts[2], &m.qe_level.level);
}

static void missing_identities(void **state)
{
	struct tcb_answer a;
	struct made m;
	const size_t relaunch = 11;

	(void)state;
	make(&m, 0);
	m.info.module_count = 0;
	assert_int_equal(evaluate(&m, &a), TEE_MODULE);
	make(&m, 0);
	m.platform.qe_isv_svn = 3;
	assert_int_equal(evaluate(&m, &a), TEE_QE_SVN);
	m.qe.levels.count = 0;
	m.platform.qe_isv_svn = UINT16_MAX;
	assert_int_equal(evaluate(&m, &a), TEE_QE_SVN);
	/* The module that runs now is of a version nobody knows. */
	make(&m, relaunch);
	assert_int_equal(evaluate(&m, &a), TEE_OK);
	assert_int_equal(a.status, RA);
	m.svn2[1] = 2;
	assert_int_equal(evaluate(&m, &a), TEE_MODULE);
	/* Version 0: compared with the latest level's own component. */
	m.svn2[1] = 0;
	m.levels[0].tdx[0] = 6;
	assert_int_equal(evaluate(&m, &a), TEE_OK);
	assert_int_equal(a.status, RA);
	m.levels[0].tdx[0] = 7;
	assert_int_equal(evaluate(&m, &a), TEE_OK);
	assert_int_equal(a.status, OOD);
	/* Its microcode is behind. */
	m.levels[0].tdx[0] = 6;
	m.svn2[2] = 2;
	assert_int_equal(evaluate(&m, &a), TEE_OK);
	assert_int_equal(a.status, OOD);
}

static void module_identity(void **state)
{
	static const uint8_t zero[48], one[48] = { 1 };
	const char *field = NULL;
	struct made m;

	(void)state;
	make(&m, 0);
	m.td.mr_signer_seam = SPAN_ARRAY(zero);
	m.td.seam_attributes = span_of(zero, 8);
	assert_int_equal(tcb_check_module(&field, &m.info, &m.td), TEE_OK);
	m.td.mr_signer_seam = SPAN_ARRAY(one);
	assert_int_equal(tcb_check_module(&field, &m.info, &m.td), TEE_MODULE);
	assert_string_equal(field, "MRSIGNERSEAM");
	m.module.mr_signer[0] = 1;
	assert_int_equal(tcb_check_module(&field, &m.info, &m.td), TEE_OK);
	m.td.seam_attributes = span_of(one, 8);
	assert_int_equal(tcb_check_module(&field, &m.info, &m.td), TEE_MODULE);
	assert_string_equal(field, "SEAMATTRIBUTES");
	/* not zero is not in order, even where the document agrees */
	m.module.attributes[0] = 1;
	assert_int_equal(tcb_check_module(&field, &m.info, &m.td), TEE_MODULE);
	m.svn[1] = 7;
	assert_int_equal(tcb_check_module(&field, &m.info, &m.td), TEE_MODULE);
	assert_string_equal(field, "module version");
	/* version 0 goes by the plain tdxModule */
	m.svn[1] = 0;
	m.td.mr_signer_seam = SPAN_ARRAY(zero);
	m.td.seam_attributes = span_of(zero, 8);
	assert_int_equal(tcb_check_module(&field, &m.info, &m.td), TEE_OK);
}

/* Since when something is behind: its first newer level, the earliest of all. */
static void behind_since_the_first_newer_level(void **state)
{
	static const struct {
		const char *name;
		enum tee_tcb_status latest, module, qe; /* of what is reached */
		enum which cert;
		int64_t dates[4]; /* latest, earliest level; latest module, latest QE */
		int64_t want;
	} cases[] = {
		{ "nothing_behind", UTD, UTD, UTD, L, { 90, 50, 90, 90 }, 0 },
		{ "level_behind", UTD, UTD, UTD, E, { 90, 50, 70, 70 }, 90 },
		{ "no_newer_level", OOD, UTD, UTD, L, { 90, 50, 70, 70 }, 0 },
		{ "newer_level_not_later", UTD, UTD, UTD, E, { 50, 50, 70, 70 }, 0 },
		{ "module_behind", UTD, OOD, UTD, L, { 90, 50, 70, 80 }, 70 },
		{ "qe_behind", UTD, UTD, OOD, L, { 90, 50, 70, 80 }, 80 },
		{ "earliest_of_all", UTD, OOD, OOD, E, { 60, 50, 70, 80 }, 60 },
		{ "one_not_known", OOD, OOD, UTD, L, { 90, 50, 70, 80 }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const int64_t *dates = cases[i].dates;
		struct svn_level qe[2];
		struct tcb_answer a;
		struct made m;

		print_message("%s\n", cases[i].name);
		make(&m, 0);
		m.levels[0].level.status = cases[i].latest;
		m.levels[0].level.date = dates[0];
		m.levels[1].level.date = dates[1];
		m.module_levels[0].level.date = dates[2];
		m.module_levels[1].level = (struct level){ cases[i].module, 10, NULL, 0 };
		m.svn[0] = 4;
		qe[0] = (struct svn_level){ 9, { UTD, dates[3], NULL, 0 } };
		qe[1] = (struct svn_level){ 4, { cases[i].qe, 10, NULL, 0 } };
		m.qe.levels = (struct svn_levels){ qe, 2 };
		memset(m.pck.component, cases[i].cert == L ? 5 : 3, 16);
		assert_int_equal(evaluate(&m, &a), TEE_OK);
		assert_int_equal(a.behind_since, cases[i].want);
	}
}

static void status_names(void **state)
{
	enum tee_tcb_status s = TCB_NONE;

	(void)state;
	for (int i = TCB_UP_TO_DATE; i < TCB_STATUS_COUNT; i++) {
		const char *name = tee_tcb_status_name((enum tee_tcb_status)i);
		bool is_theirs = i != RA && i != RA_CN;

		assert_int_equal(tee_tcb_status_parse(&s, span_str(name)), is_theirs);
		if (is_theirs)
			assert_int_equal(s, i);
	}
	s = UTD;
	assert_false(tee_tcb_status_parse(&s, span_str("None")));
	assert_false(tee_tcb_status_parse(&s, span_str("uptodate")));
	assert_false(tee_tcb_status_parse(&s, span_str("")));
	assert_int_equal(s, UTD);
	assert_string_equal(tee_tcb_status_name(TCB_STATUS_COUNT), "None");
}

static void reason_names_are_distinct(void **state)
{
	(void)state;
	for (int i = 0; i < TEE_REASON_COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(tee_reason_name((enum tee_reason)i),
						tee_reason_name((enum tee_reason)j));
	assert_string_equal(tee_reason_name(TEE_REASON_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(truth_table),
		cmocka_unit_test(one_component_lower_loses_the_level),
		cmocka_unit_test(tdx_components_from_the_module_version_on),
		cmocka_unit_test(sgx_has_no_module),
		cmocka_unit_test(missing_identities),
		cmocka_unit_test(module_identity),
		cmocka_unit_test(behind_since_the_first_newer_level),
		cmocka_unit_test(status_names),
		cmocka_unit_test(reason_names_are_distinct),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
