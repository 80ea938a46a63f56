/* quote_snp: a report of a made-up platform, from a folder to the JSON. */
#include "unit.h"

#include <string.h>

#include "cli/documents.h"
#include "cli/quote_snp.h"
#include "folder.h"
#include "io/file.h"
#include "snp_plan.h"
#include "tee/policy.h"

static struct made_keys keys;

static int make_keys(void **state)
{
	(void)state;
	made_keys_init(&keys);
	return 0;
}

static int drop_keys(void **state)
{
	(void)state;
	made_keys_fini(&keys);
	return 0;
}

static void put(const struct folder *f, const char *name, struct span content)
{
	char path[128];

	assert_int_equal(file_replace(folder_file(path, f, name), content, 0644), RC_OK);
}

static const char *string_at(const json_t *root, const char *object, const char *key)
{
	return json_string_value(json_object_get(json_object_get(root, object), key));
}

/* As `postern quote verify` does: AMD's roots, or the one named. */
static bool verify(struct tee_verdict *v, struct span report, const char *dir, const char *root,
		   char error[COLLATERAL_ERROR_MAX])
{
	struct tee_anchor anchors[DOCUMENTS_ANCHORS_MAX];
	size_t count = documents_anchors(anchors);
	struct documents d = { 0 };
	struct tee_collateral view;
	bool is_done;

	if (root && !documents_root(&anchors[0], root, error))
		return false;
	is_done = documents_open(&d, &view,
				 &(struct collateral_want){
					 .from = dir, .quote = report, .at = MADE_AT },
				 error);
	if (is_done)
		tee_verify(v, &(struct tee_input){ .quote = report,
						   .collateral = &view,
						   .anchors = anchors,
						   .anchor_count = root ? 1 : count,
						   .policy = &tee_policy_default,
						   .at = MADE_AT });
	documents_fini(&d);
	return is_done;
}

static void from_folder(void **state)
{
	struct plan_documents d;
	struct plan p;
	struct folder f;
	struct tee_verdict v;
	char error[COLLATERAL_ERROR_MAX] = "", root_path[128];
	json_t *root;

	(void)state;
	folder_make(&f);
	plan_init(&p, &keys, SNP_TURIN, SNP_VLEK);
	p.report.version = 5;
	p.report.cpu_family = 0x1a;
	p.report.cpu_model = 0x02;
	plan_documents(&d, &p);
	put(&f, "vlek.der", d.vek);
	put(&f, "cert_chain.pem", d.chain);
	put(&f, "crl.der", d.crl);
	put(&f, "root.pem", d.root);
	folder_file(root_path, &f, "root.pem");
	assert_true(verify(&v, SPAN_ARRAY(d.report), f.path, root_path, error));
	assert_int_equal(v.reason, TEE_OK);
	root = quote_snp_verdict(&v);
	assert_true(json_is_true(json_object_get(root, "accepted")));
	assert_true(json_is_true(json_object_get(root, "simulated")));
	assert_string_equal(json_string_value(json_object_get(root, "reason")), "ok");
	assert_string_equal(string_at(root, "platform", "line"), "Turin");
	assert_string_equal(string_at(root, "platform", "cloud"), "example-cloud");
	assert_string_equal(string_at(root, "report", "tee"), "SEV-SNP");
	assert_string_equal(string_at(root, "report", "signed_by"), "VLEK");
	assert_string_equal(string_at(root, "report", "reported_tcb"), "db00000018010402");
	assert_string_equal(string_at(root, "report", "cpu"),
			    "family 1a model 02 stepping 0 (Turin)");
	assert_true(json_is_true(json_object_get(json_object_get(root, "collateral"), "crl")));
	json_decref(root);
	/* AMD's roots, when no other is named */
	assert_true(verify(&v, SPAN_ARRAY(d.report), f.path, NULL, error));
	assert_int_equal(v.reason, TEE_PCK_ROOT);
	root = quote_snp_verdict(&v);
	assert_true(json_is_null(json_object_get(root, "platform")));
	json_decref(root);
	folder_remove(&f);
}

static void unusable(void **state)
{
	uint8_t zeros[SNP_REPORT_LEN] = { 0 };
	struct plan_documents d;
	struct plan p;
	struct tee_verdict v;
	char error[COLLATERAL_ERROR_MAX] = "";
	json_t *root;

	(void)state;
	plan_init(&p, &keys, SNP_MILAN, SNP_VCEK);
	plan_documents(&d, &p);
	assert_false(verify(&v, SPAN_ARRAY(d.report), "/nonexistent", NULL, error));
	assert_non_null(strstr(error, "/nonexistent/vcek.der: "));
	assert_false(verify(&v, SPAN_ARRAY(d.report), "/nonexistent", "/nonexistent.pem", error));
	assert_non_null(strstr(error, "/nonexistent.pem: "));
	assert_false(verify(&v, SPAN_ARRAY(d.report), "https://example", NULL, error));
	assert_non_null(strstr(error, "https://example: AMD's documents"));
	/* no report: refused as one, whatever the folder holds */
	assert_true(verify(&v, SPAN_ARRAY(zeros), "/nonexistent", NULL, error));
	assert_int_equal(v.reason, TEE_SNP_VERSION);
	root = quote_snp_verdict(&v);
	assert_true(json_is_false(json_object_get(root, "accepted")));
	assert_null(json_object_get(root, "report"));
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_folder),
		cmocka_unit_test(unusable),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
