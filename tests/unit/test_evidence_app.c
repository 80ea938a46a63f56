/* Which application the evidence is of: an app id that is only claimed is no answer. */
#include "unit.h"

#include <string.h>

#include "evidence/check_list.h"
#include "evidence/rules.h"

enum {
	FIRST = 0xaa, /* every byte of the hash of the app's first manifest */
	LATER = 0xbb,
	OTHER = 0xcc,
};

static const struct {
	const char *name;
	uint8_t app, compose; /* of the rule; compose 0: it names none */
	uint8_t log_app, log_compose; /* of the event log */
	enum check_state want;
} rows[] = {
	{ "first_by_its_id", FIRST, 0, FIRST, FIRST, CHECK_PASS },
	{ "first_by_both", FIRST, FIRST, FIRST, FIRST, CHECK_PASS },
	{ "another_app", OTHER, 0, FIRST, FIRST, CHECK_FAIL },
	{ "another_manifest", FIRST, OTHER, FIRST, FIRST, CHECK_FAIL },
	{ "update_by_both", FIRST, LATER, FIRST, LATER, CHECK_PASS },
	{ "update_that_only_says_so", FIRST, 0, FIRST, LATER, CHECK_UNKNOWN },
	{ "another_update", FIRST, LATER, FIRST, OTHER, CHECK_FAIL },
	{ "update_by_its_own_id", LATER, 0, FIRST, LATER, CHECK_FAIL },
};

static struct finding look(size_t i, size_t more)
{
	struct rules_app apps[2];
	struct rules rules = { .apps = apps, .app_count = 1 + more };
	struct material m = { .rules = &rules };
	struct reading r = { .m = &m, .kind = READING_CORE };
	struct finding f = { 0 };

	memset(apps, 0, sizeof(apps));
	memset(apps[more].app_id, rows[i].app, sizeof(apps[0].app_id));
	memset(apps[more].compose, rows[i].compose, sizeof(apps[0].compose));
	apps[more].has_compose = rows[i].compose != 0;
	if (more) /* of the same app, and another manifest */
		memset(apps[0].app_id, rows[i].app, sizeof(apps[0].app_id));
	r.quote.is_there = r.quote.verdict.is_verified = r.quote.has_log = true;
	r.quote.identity.has_app_id = r.quote.identity.has_manifest_hash = true;
	memset(r.quote.identity.app_id, rows[i].log_app, sizeof(r.quote.identity.app_id));
	memset(r.quote.identity.manifest_hash, rows[i].log_compose,
	       sizeof(r.quote.identity.manifest_hash));
	check_app(&f, &r);
	return f;
}

static void table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct finding f = look(i, 0);

		if (f.state != rows[i].want)
			fail_msg("%s: %d, %s", rows[i].name, (int)f.state, f.reason);
	}
}

/* A rule that is not enough does not hide one that is. */
static void any_rule_may_prove_it(void **state)
{
	(void)state;
	assert_int_equal(look(4, 1).state, CHECK_PASS);
	assert_int_equal(look(5, 1).state, CHECK_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(any_rule_may_prove_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
