/* collateral_dir: folders of documents, and which one a quote needs. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "folder.h"
#include "io/file.h"
#include "quoting/collateral_dir.h"
#include "quoting/sim_docs.h"
#include "quoting/sim_quote.h"
#include "vectors.h"

enum {
	NOW = 1'800'000'000,
};

#define TDX "tests/vectors/tdx/"
static const uint8_t sim_fmspc[6] = { 'S', 'I', 'M' };
static const uint8_t other_fmspc[6] = { 1, 2, 3 };

/* Documents whose every byte is 'c'. */
static void fill(struct collateral_files *c, const char *text)
{
	struct buf *all[] = { &c->root_crl, &c->pck_crl, &c->tcb_info,
			      &c->tcb_info_chain, &c->qe_identity, &c->qe_identity_chain,
			      &c->pck_crl_chain };

	collateral_init(c);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		assert_true(buf_add(all[i], span_str(text)));
}

static void what_is_saved_is_loaded(void **state)
{
	struct collateral_files c, back;
	char error[256] = "";
	struct folder f;

	(void)state;
	folder_make(&f);
	fill(&c, "saved");
	assert_int_equal(collateral_save(&c, f.path, sim_fmspc, error), RC_OK);
	for (int i = 0; i < 3; i++) {
		const uint8_t *fmspc = i == 0 ? NULL : i == 1 ? sim_fmspc
							      : other_fmspc;

		assert_int_equal(collateral_load(&back, f.path, fmspc, error), RC_OK);
		const struct tee_collateral v = collateral_view(&back);
		assert_true(span_equal_str(v.root_crl, "saved"));
		assert_true(span_equal_str(v.pck_crl, "saved"));
		assert_true(span_equal_str(v.tcb_info, "saved"));
		assert_true(span_equal_str(v.tcb_info_chain, "saved"));
		assert_true(span_equal_str(v.qe_identity, "saved"));
		assert_true(span_equal_str(v.qe_identity_chain, "saved"));
		assert_true(span_equal_str(v.pck_crl_chain, "saved"));
		collateral_fini(&back);
	}
	collateral_fini(&c);
	folder_remove(&f);
}

static void folder_of_the_fmspc_comes_first(void **state)
{
	struct collateral_files c, back;
	char error[256] = "", path[128];
	struct folder f;

	(void)state;
	folder_make(&f);
	fill(&c, "both");
	assert_int_equal(collateral_save(&c, f.path, sim_fmspc, error), RC_OK);
	collateral_fini(&c);
	folder_file(path, &f, "53494d000000/tcb_info.json");
	assert_int_equal(file_replace(path, span_str("of this platform"), 0644), RC_OK);
	assert_int_equal(collateral_load(&back, f.path, sim_fmspc, error), RC_OK);
	assert_true(span_equal_str(buf_span(&back.tcb_info), "of this platform"));
	collateral_fini(&back);
	assert_int_equal(collateral_load(&back, f.path, other_fmspc, error), RC_OK);
	assert_true(span_equal_str(buf_span(&back.tcb_info), "both"));
	collateral_fini(&back);
	/* A folder that lacks a file is not mended from the one above. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(collateral_load(&back, f.path, sim_fmspc, error), RC_SYS);
	folder_remove(&f);
}

static void missing_file_is_named(void **state)
{
	struct collateral_files c, back;
	char error[256] = "", path[128];
	struct folder f;

	(void)state;
	folder_make(&f);
	fill(&c, "x");
	assert_int_equal(collateral_save(&c, f.path, sim_fmspc, error), RC_OK);
	collateral_fini(&c);
	assert_int_equal(unlink(folder_file(path, &f, "qe_identity.json")), 0);
	assert_int_equal(collateral_load(&back, f.path, NULL, error), RC_SYS);
	assert_int_equal(errno, ENOENT);
	assert_non_null(strstr(error, "qe_identity.json: No such file"));
	assert_int_equal(back.root_crl.n, 0);
	folder_remove(&f);
}

static void pck_crl_chain_may_be_absent(void **state)
{
	struct collateral_files c, back;
	char error[256] = "", path[128];
	struct folder f;

	(void)state;
	folder_make(&f);
	fill(&c, "x");
	assert_int_equal(collateral_save(&c, f.path, sim_fmspc, error), RC_OK);
	collateral_fini(&c);
	assert_int_equal(unlink(folder_file(path, &f, "pck_crl_issuer_chain.pem")), 0);
	assert_int_equal(collateral_load(&back, f.path, NULL, error), RC_OK);
	assert_int_equal(collateral_view(&back).pck_crl_chain.n, 0);
	assert_true(span_equal_str(buf_span(&back.pck_crl), "x"));
	collateral_fini(&back);
	folder_remove(&f);
}

static void oversized_file_is_a_limit(void **state)
{
	static const char big[300 * 1024];
	struct collateral_files c, back;
	char error[256] = "", path[128];
	struct folder f;

	(void)state;
	folder_make(&f);
	fill(&c, "x");
	assert_int_equal(collateral_save(&c, f.path, sim_fmspc, error), RC_OK);
	collateral_fini(&c);
	folder_file(path, &f, "pck.crl.der");
	assert_int_equal(file_replace(path, SPAN_ARRAY(big), 0644), RC_OK);
	assert_int_equal(collateral_load(&back, f.path, NULL, error), RC_LIMIT);
	assert_non_null(strstr(error, "pck.crl.der: too large"));
	folder_remove(&f);
}

static void unwritable_folder_is_said(void **state)
{
	struct collateral_files c;
	char error[256] = "";

	(void)state;
	fill(&c, "x");
	assert_int_equal(collateral_save(&c, "/dev/null/x", sim_fmspc, error), RC_SYS);
	assert_non_null(strstr(error, "/dev/null/x"));
	collateral_fini(&c);
}

static void real_quotes_name_their_platform(void **state)
{
	static const struct {
		const char *file;
		uint8_t fmspc[6];
	} table[] = {
		{ TDX "quotes/tdx_v4_b0c0_uptodate.bin", { 0xb0, 0xc0, 0x6f } },
		{ TDX "quotes/tdx_v5_90c0_uptodate.bin", { 0x90, 0xc0, 0x6f } },
		{ TDX "quotes/sgx_v3_00a067.bin", { 0x00, 0xa0, 0x67, 0x11 } },
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct span quote = vector_load(table[i].file);
		uint8_t fmspc[6] = { 9 };

		assert_true(collateral_fmspc_of(fmspc, quote));
		assert_memory_equal(fmspc, table[i].fmspc, 6);
		/* Cut anywhere it is no quote, and nothing is said. */
		for (size_t n = 0; n < quote.n - 100; n += 97) {
			uint8_t *copy = vector_copy(span_of(quote.p, n));
			uint8_t none[6] = { 9 };

			assert_false(collateral_fmspc_of(none, span_of(copy, n)));
			assert_int_equal(none[0], 9);
			free(copy);
		}
		vector_free(quote);
	}
}

static void quote_without_extension_names_none(void **state)
{
	static const struct sim_knobs knobs[] = {
		{ .pki = { .leaf_without_sgx = true } },
		{ .quote = { .chain = SIM_CHAIN_NO_ROOT } },
		{ .quote = { .chain = SIM_CHAIN_GARBAGE } },
		{ .quote = { .certification_type = 4 } },
	};
	static const uint8_t report_data[64] = { 0 };
	struct sim_pki pki;
	struct sim_td td;

	(void)state;
	sim_td_launch(&td, "base", NULL);
	for (size_t i = 0; i < 4; i++) {
		uint8_t fmspc[6];
		struct buf quote;

		buf_init(&quote, QUOTE_MAX);
		assert_int_equal(sim_pki_generate(&pki, &knobs[i], NOW), RC_OK);
		assert_int_equal(sim_quote(&quote, &pki, &td, report_data, &knobs[i]), RC_OK);
		assert_false(collateral_fmspc_of(fmspc, buf_span(&quote)));
		buf_fini(&quote);
		sim_pki_fini(&pki);
	}
}

static void anchor_is_read_and_marked(void **state)
{
	struct tee_anchor anchor = { 0 };
	char error[256] = "", path[128];
	struct p256_point key;
	struct sim_pki pki;
	struct folder f;
	struct buf pem;

	(void)state;
	folder_make(&f);
	folder_file(path, &f, "root.pem");
	assert_int_equal(collateral_simulated_anchor(&anchor, path, error), RC_SYS);
	assert_non_null(strstr(error, "root.pem: No such file"));
	assert_int_equal(file_replace(path, span_str("nonsense"), 0644), RC_OK);
	assert_int_equal(collateral_simulated_anchor(&anchor, path, error), RC_MALFORMED);
	assert_false(anchor.is_simulated);

	assert_int_equal(sim_pki_generate(&pki, NULL, NOW), RC_OK);
	buf_init(&pem, 65536);
	assert_int_equal(sim_pki_pem(&pem, &pki, SIM_CERT_ROOT), RC_OK);
	assert_int_equal(file_replace(path, buf_span(&pem), 0644), RC_OK);
	assert_int_equal(collateral_simulated_anchor(&anchor, path, error), RC_OK);
	assert_true(anchor.is_simulated);
	p256_private_point(pki.key[SIM_KEY_ROOT], &key);
	assert_memory_equal(&anchor.key, &key, sizeof(key));
	buf_fini(&pem);
	sim_pki_fini(&pki);
	folder_remove(&f);
}

/* Real documents load as they lie in the vectors, and Intel's root is refused
 * as a simulated anchor. */
static void intels_root_is_no_simulation(void **state)
{
	struct tee_anchor anchor;
	char error[256] = "", path[128];
	struct collateral_files c;
	struct folder f;

	(void)state;
	assert_int_equal(collateral_load(&c, TDX "collateral/tdx_b0c0_202506", NULL, error), RC_OK);
	struct span chain = buf_span(&c.tcb_info_chain), line;
	struct span rest = chain;
	while (rd_until(&rest, &line, '\n') && !span_has_prefix(line, span_str("-----END")))
		continue;
	folder_make(&f);
	folder_file(path, &f, "root.pem");
	assert_int_equal(file_replace(path, rest, 0644), RC_OK);
	assert_int_equal(collateral_simulated_anchor(&anchor, path, error), RC_DENIED);
	assert_non_null(strstr(error, "Intel"));
	collateral_fini(&c);
	folder_remove(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_saved_is_loaded),
		cmocka_unit_test(folder_of_the_fmspc_comes_first),
		cmocka_unit_test(missing_file_is_named),
		cmocka_unit_test(pck_crl_chain_may_be_absent),
		cmocka_unit_test(oversized_file_is_a_limit),
		cmocka_unit_test(unwritable_folder_is_said),
		cmocka_unit_test(real_quotes_name_their_platform),
		cmocka_unit_test(quote_without_extension_names_none),
		cmocka_unit_test(anchor_is_read_and_marked),
		cmocka_unit_test(intels_root_is_no_simulation),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
