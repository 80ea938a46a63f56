/* acme_report: what a person reads, and when something is to be looked at. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "cli/acme_report.h"

/* 2026-11-28T00:00:00Z */
#define NOW INT64_C(1795824000)

#define READY \
	"{'directory':'https://ca/d','standing':'ready'," \
	"'url':'https://ca/1','thumbprint':'tp'}"
#define LOST "{'directory':'https://ca/d','standing':'lost','url':'','why':'missing\\u001b[2J'}"
#define GOOD \
	"{'names':['*.a.test','a.test'],'there':true,'directory':'https://ca/d'," \
	"'not_after':'2026-12-28T12:00:00Z','renew_at':'2026-11-28T05:00:00Z'}"
#define OLD \
	"{'names':['b.test'],'there':true,'directory':'https://ca/d'," \
	"'not_after':'2026-11-27T12:00:00Z','renew_at':'2026-11-01T00:00:00Z'}"
#define NONE "{'names':['c.test'],'there':false}"
#define CAA "{'name':'a.test','state':'drifted','trust':'secure','disagree':true,'why':'x'}"
#define ALARM \
	"{'kind':'caa_drifted','about':'a.test','text':'now\\u0007'," \
	"'since':'2026-11-27T00:00:00Z'}"
#define EVIDENCE "{'core_sha256':'0123456789abcdef0123','expires_at':'2026-11-28T00:30:00Z'}"
#define STALE "{'core_sha256':'0123456789abcdef0123','expires_at':'2026-11-28T00:00:00Z'}"

#define STATUS(accounts, certificates, alarms, evidence) \
	"{'accounts':[" accounts "],'certificates':[" certificates "],'caa':[" CAA \
	"],'alarms':[" alarms "],'evidence':" evidence ",'node':{'simulated':true}}"

/* clang-format off */
static const struct {
	const char *name, *status;
	unsigned parts;
	bool is_well;
	const char *want, *never;
} rows[] = {
	{ "all_is_well", STATUS(READY, GOOD, "", EVIDENCE), ACME_PART_ACCOUNTS | ACME_PART_REST, true,
	  "account      ready  https://ca/1  key tp\n"
	  "certificate  *.a.test a.test: 30 days left, to be renewed in 5 h, from https://ca/d\n"
	  "caa          a.test: drifted, secure, servers disagree; x\n"
	  "evidence     core 0123456789abcdef, valid for 30 min\n"
	  "SIMULATED    no hardware signs for any of this\n", "ALARM" },
	{ "accounts_alone", STATUS(READY, NONE, ALARM, "{}"), ACME_PART_ACCOUNTS, true,
	  "account      ready  https://ca/1  key tp\n", "certificate" },
	{ "account_lost", STATUS(LOST, GOOD, "", EVIDENCE), ACME_PART_ACCOUNTS, false,
	  "account      lost  https://ca/d\n             missing?[2J\n", "\x1b" },
	{ "no_account_yet", STATUS("", GOOD, "", EVIDENCE), ACME_PART_ACCOUNTS, false, "", "account" },
	{ "expired", STATUS(READY, GOOD "," OLD, "", EVIDENCE), ACME_PART_REST, false,
	  "certificate  b.test: EXPIRED, to be renewed now, from https://ca/d\n", "account" },
	{ "none_yet", STATUS(READY, NONE, "", "{}"), ACME_PART_REST, false,
	  "certificate  c.test: none yet\n", "left" },
	{ "no_certificates", STATUS(READY, "", "", "{}"), ACME_PART_REST, false, "evidence     none yet\n", "certificate" },
	{ "alarm", STATUS(READY, GOOD, ALARM, STALE), ACME_PART_REST, false,
	  "evidence     core 0123456789abcdef, EXPIRED\n"
	  "ALARM        caa_drifted a.test: now? (since 2026-11-27T00:00:00Z)\n", "\x07" },
};
/* clang-format on */

static json_t *load(const char *text)
{
	char *json = strdup(text);
	json_t *value;

	for (char *c = json; *c; c++)
		if (*c == '\'')
			*c = '"';
	value = json_loads(json, 0, NULL);
	assert_non_null(value);
	free(json);
	return value;
}

static void status_as_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_t *status = load(rows[i].status);
		char *text = NULL;
		size_t n = 0;
		FILE *to = open_memstream(&text, &n);

		print_message("%s\n", rows[i].name);
		acme_report(to, status, rows[i].parts, NOW);
		fclose(to);
		if (!strstr(text, rows[i].want))
			fail_msg("got %s", text);
		assert_null(strstr(text, rows[i].never));
		assert_int_equal(acme_is_well(status, rows[i].parts, NOW), rows[i].is_well);
		free(text);
		json_decref(status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_as_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
