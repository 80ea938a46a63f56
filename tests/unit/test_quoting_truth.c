/*
 * Levels, modules and relaunch, end to end: each row of tcb_truth.h as TCB
 * info, QE identity, PCK certificate and quote of the simulated platform.
 */
#include "unit.h"

#include "sim_world.h"
#include "tcb_truth.h"

enum {
	V5_SVN = 54, /* TEE_TCB_SVN in a quote of version 5 */
	V5_SVN2 = 54 + 584,
	MODULE_LATEST = 6, /* ISVSVN of the two module levels */
	MODULE_EARLIEST = 4,
	MODULE_BELOW = 3,
	MICROCODE_LATEST = 3, /* what tells the two TCB levels apart */
	MICROCODE_EARLIEST = 2,
	PCE_LATEST = 11,
	PCE_EARLIEST = 6,
	PCE_BELOW = 4,
};

static void put_components(struct wr *w, const char *key, const uint8_t svn[16])
{
	wr_printf(w, "\"%s\":[", key);
	for (size_t i = 0; i < 16; i++)
		wr_printf(w, "%s{\"svn\":%u}", i ? "," : "", svn[i]);
	wr_str(w, "]");
}

static void put_level(struct wr *w, unsigned pce_svn, uint8_t microcode, enum tee_tcb_status s)
{
	static const uint8_t sgx[16] = { 2, 2, 2, 2, 3, 1, 0, 5 };
	/* components 0 and 1 are the module's: no TD here reaches them */
	const uint8_t tdx[16] = { 99, 99, microcode };

	wr_str(w, "{\"tcb\":{");
	put_components(w, "sgxtcbcomponents", sgx);
	wr_printf(w, ",\"pcesvn\":%u,", pce_svn);
	put_components(w, "tdxtcbcomponents", tdx);
	wr_printf(w, "},\"tcbDate\":\"2025-05-14T00:00:00Z\",\"tcbStatus\":\"%s\"}",
		  tee_tcb_status_name(s));
}

static void put_module_level(struct wr *w, unsigned svn, enum tee_tcb_status s)
{
	wr_printf(w,
		  "{\"tcb\":{\"isvsvn\":%u},\"tcbDate\":\"2025-05-14T00:00:00Z\","
		  "\"tcbStatus\":\"%s\"}",
		  svn, tee_tcb_status_name(s));
}

#define MODULE_FORM \
	"\"mrsigner\":\"" MR_ZERO "\",\"attributes\":\"0000000000000000\"," \
	"\"attributesMask\":\"FFFFFFFFFFFFFFFF\""
#define MR_ZERO \
	"000000000000000000000000000000000000000000000000" \
	"000000000000000000000000000000000000000000000000"

/* 'order' 1: as the service sends them; -1: the earliest first. */
static struct span tcb_info(struct wr *w, size_t row, int order)
{
	struct span object;

	wr_str(w, "{\"id\":\"TDX\",\"version\":3,\"issueDate\":\"2027-01-15T00:00:00Z\","
		  "\"nextUpdate\":\"2027-02-14T00:00:00Z\",\"fmspc\":\"53494d000000\","
		  "\"pceId\":\"0000\",\"tcbType\":0,\"tcbEvaluationDataNumber\":18,"
		  "\"tdxModule\":{" MODULE_FORM "},\"tdxModuleIdentities\":["
		  "{\"id\":\"TDX_01\"," MODULE_FORM ",\"tcbLevels\":[");
	if (order < 0)
		put_module_level(w, MODULE_EARLIEST, truth[row].mod_earliest);
	else
		put_module_level(w, MODULE_LATEST, truth[row].mod_latest);
	wr_str(w, ",");
	if (order < 0)
		put_module_level(w, MODULE_LATEST, truth[row].mod_latest);
	else
		put_module_level(w, MODULE_EARLIEST, truth[row].mod_earliest);
	wr_str(w, "]}],\"tcbLevels\":[");
	if (order < 0)
		put_level(w, PCE_EARLIEST, MICROCODE_EARLIEST, truth[row].earliest);
	else
		put_level(w, PCE_LATEST, MICROCODE_LATEST, truth[row].latest);
	wr_str(w, ",");
	if (order < 0)
		put_level(w, PCE_LATEST, MICROCODE_LATEST, truth[row].latest);
	else
		put_level(w, PCE_EARLIEST, MICROCODE_EARLIEST, truth[row].earliest);
	wr_str(w, "]}");
	assert_true(wr_done(w, &object));
	return object;
}

static void put_svn(uint8_t *at, enum which which)
{
	static const uint8_t module[] = { [L] = MODULE_LATEST,
					  [E] = MODULE_EARLIEST,
					  [N] = MODULE_BELOW };

	at[0] = module[which];
	at[1] = 1;
	at[2] = which == L ? MICROCODE_LATEST : MICROCODE_EARLIEST;
}

/* The quote with the row's SVNs, signed again. */
static struct span requote(uint8_t *out, const struct world *w, struct span from, size_t row)
{
	struct p256_signature sig;
	struct quote q;

	assert_int_equal(quote_parse(&q, from), TEE_OK);
	memcpy(out, from.p, from.n);
	put_svn(out + V5_SVN, truth[row].td);
	if (truth[row].svn2 != N)
		put_svn(out + V5_SVN2, truth[row].svn2);
	p256_sign(w->pki.key[SIM_KEY_ATTESTATION], &sig, span_of(out, q.signed_region.n));
	memcpy(out + (q.signature.p - from.p), sig.rs, sizeof(sig.rs));
	return span_of(out, from.n);
}

static struct sim_knobs knobs_of(size_t row)
{
	static const uint16_t pce_svn[] = { [L] = PCE_LATEST, [E] = PCE_EARLIEST, [N] = PCE_BELOW };

	return (struct sim_knobs){
		.pki = { .leaf_pce_svn = pce_svn[truth[row].cert] },
		.docs = { .qe_status = tee_tcb_status_name(truth[row].qe) },
		.quote = { .version = 5, .is_15 = truth[row].svn2 != N },
	};
}

static const char *want_of(size_t row)
{
	if (truth[row].reason)
		return tee_reason_name(truth[row].reason);
	if (truth[row].want == TCB_UP_TO_DATE)
		return "ok";
	return truth[row].want == TCB_REVOKED ? "tcb-revoked" : "tcb-status-not-accepted";
}

static void each_row(void **state)
{
	struct world *w = *state;
	int failed = 0;

	for (size_t i = 0; i < 2 * TRUTH_COUNT; i++) {
		const size_t row = i / 2;
		const struct sim_knobs k = knobs_of(row);
		uint8_t object[16 * 1024], text[16 * 1024], room[QUOTE_MAX];
		struct wr o = WR_ARRAY(object), t = WR_ARRAY(text);
		struct tee_collateral c;
		struct tee_verdict v;
		struct set s;

		assert_int_equal(sim_pki_certify(&w->pki, &k, NOW), RC_OK);
		set_make(&s, w, &k);
		c = collateral_view(&s.docs);
		c.tcb_info = sign_document(&t, w, "tcbInfo", tcb_info(&o, row, i % 2 ? -1 : 1));
		failed += differs(truth[row].name,
				  judge(&v, w, requote(room, w, buf_span(&s.quote), row), &c),
				  want_of(row), &v);
		if (v.tcb_status != truth[row].want) {
			print_message("%s: status %s\n", truth[row].name,
				      tee_tcb_status_name(v.tcb_status));
			failed++;
		}
		set_fini(&s);
	}
	assert_int_equal(failed, 0);
}

/*
 * The module that runs now counts by the levels of its own version; of version
 * 0, which has none, by the latest TCB level.
 */
static void relaunch_by_module_version(void **state)
{
	static const struct {
		const char *name;
		uint8_t svn, version, microcode; /* TEE_TCB_SVN2 */
		const char *want;
		enum tee_tcb_status status;
	} cases[] = {
		{ "version_1_advised", 6, 1, 3, "tcb-status-not-accepted", RA },
		{ "version_1_svn_behind", 5, 1, 3, "tcb-status-not-accepted", OOD },
		{ "version_1_microcode_behind", 6, 1, 2, "tcb-status-not-accepted", OOD },
		{ "version_0_advised", 99, 0, 3, "tcb-status-not-accepted", RA },
		{ "version_0_svn_behind", 98, 0, 3, "tcb-status-not-accepted", OOD },
		{ "version_0_microcode_behind", 99, 0, 2, "tcb-status-not-accepted", OOD },
		{ "version_unknown", 6, 2, 3, "tdx-module-mismatch", TCB_NONE },
	};
	struct world *w = *state;
	const struct sim_knobs k = { .quote = { .version = 5, .is_15 = true } };
	size_t row = 0;
	int failed = 0;

	while (strcmp(truth[row].name, "old_td_new_module_relaunch") != 0)
		row++;
	assert_int_equal(sim_pki_certify(&w->pki, NULL, NOW), RC_OK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t object[16 * 1024], text[16 * 1024], room[QUOTE_MAX];
		struct wr o = WR_ARRAY(object), t = WR_ARRAY(text);
		struct p256_signature sig;
		struct tee_collateral c;
		struct tee_verdict v;
		struct span quote;
		struct quote q;
		struct set s;

		set_make(&s, w, &k);
		c = collateral_view(&s.docs);
		c.tcb_info = sign_document(&t, w, "tcbInfo", tcb_info(&o, row, 1));
		quote = requote(room, w, buf_span(&s.quote), row);
		room[V5_SVN2] = cases[i].svn;
		room[V5_SVN2 + 1] = cases[i].version;
		room[V5_SVN2 + 2] = cases[i].microcode;
		assert_int_equal(quote_parse(&q, quote), TEE_OK);
		p256_sign(w->pki.key[SIM_KEY_ATTESTATION], &sig, q.signed_region);
		memcpy(room + (q.signature.p - room), sig.rs, sizeof(sig.rs));
		failed += differs(cases[i].name, judge(&v, w, quote, &c), cases[i].want, &v);
		failed += v.tcb_status != cases[i].status;
		set_fini(&s);
	}
	assert_int_equal(failed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row),
		cmocka_unit_test(relaunch_by_module_version),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
