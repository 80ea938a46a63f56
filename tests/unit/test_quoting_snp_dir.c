/* snp_dir: which files of a folder a report is verified with, and roots. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "folder.h"
#include "io/file.h"
#include "quoting/snp_dir.h"
#include "snp_pki.h"

#define SNP "tests/vectors/snp/"

static void put(const struct folder *f, const char *name, const char *text)
{
	char path[128];

	assert_int_equal(file_replace(folder_file(path, f, name), span_str(text), 0644), RC_OK);
}

static void by_signing_key(void **state)
{
	struct folder f;
	struct snp_files files;
	struct snp_collateral view;
	char error[256] = "";

	(void)state;
	folder_make(&f);
	assert_int_equal(snp_files_load(&files, f.path, SNP_VCEK, error), RC_SYS);
	assert_int_equal(errno, ENOENT);
	assert_non_null(strstr(error, "/vcek.der: No such file"));
	put(&f, "vcek.der", "chip");
	assert_int_equal(snp_files_load(&files, f.path, SNP_VCEK, error), RC_SYS);
	assert_non_null(strstr(error, "/cert_chain.pem: "));
	put(&f, "cert_chain.pem", "chain");
	assert_int_equal(snp_files_load(&files, f.path, SNP_VLEK, error), RC_SYS);
	assert_non_null(strstr(error, "/vlek.der: "));
	assert_int_equal(snp_files_load(&files, f.path, SNP_VCEK, error), RC_OK);
	view = snp_files_view(&files);
	assert_true(span_equal_str(view.vek, "chip") && span_equal_str(view.chain, "chain"));
	assert_int_equal(view.crl.n, 0);
	snp_files_fini(&files);
	put(&f, "vlek.der", "cloud");
	put(&f, "crl.der", "list");
	assert_int_equal(snp_files_load(&files, f.path, SNP_VLEK, error), RC_OK);
	view = snp_files_view(&files);
	assert_true(span_equal_str(view.vek, "cloud") && span_equal_str(view.crl, "list"));
	snp_files_fini(&files);
	folder_remove(&f);
}

static void too_large(void **state)
{
	AUTO(mem_auto_free)
	char *text = mem_new(1024 * 1024 + 2);
	struct folder f;
	struct snp_files files;
	char error[256] = "";

	(void)state;
	memset(text, 'x', 1024 * 1024 + 1);
	folder_make(&f);
	put(&f, "vcek.der", "chip");
	put(&f, "cert_chain.pem", "chain");
	put(&f, "crl.der", text);
	assert_int_equal(snp_files_load(&files, f.path, SNP_VCEK, error), RC_LIMIT);
	assert_non_null(strstr(error, "/crl.der: too large"));
	assert_int_equal(snp_files_view(&files).vek.n, 0);
	folder_remove(&f);
}

static void roots(void **state)
{
	struct made_cert plan = {
		.subject = "ARK-Milan",
		.issuer = "ARK-Milan",
		.serial = 1,
		.from = MADE_AT,
		.to = MADE_AT + 1,
		.constraints = "critical,CA:TRUE",
		.usage = "critical,keyCertSign,cRLSign",
	};
	uint8_t der[MADE_MAX], text[2 * MADE_MAX] = { 0 };
	struct wr w = WR_ARRAY(text);
	struct tee_anchor anchor;
	struct folder f;
	char error[256] = "", path[128];

	(void)state;
	folder_make(&f);
	plan.key = plan.signer = made_rsa(4096);
	pem_encode(&w, PEM_CERTIFICATE, made_certificate(der, &plan));
	put(&f, "root.pem", (char *)text);
	folder_file(path, &f, "root.pem");
	assert_int_equal(snp_files_simulated_anchor(&anchor, path, error), RC_OK);
	assert_true(anchor.is_simulated);
	assert_int_equal(snp_files_simulated_anchor(&anchor, folder_file(path, &f, "none"), error),
			 RC_SYS);
	assert_non_null(strstr(error, "/none: No such file"));
	put(&f, "text", "no certificate");
	assert_int_equal(snp_files_simulated_anchor(&anchor, folder_file(path, &f, "text"), error),
			 RC_MALFORMED);
	assert_non_null(strstr(error, "/text: not one self-signed"));
	EVP_PKEY_free(plan.key);
	folder_remove(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_signing_key),
		cmocka_unit_test(too_large),
		cmocka_unit_test(roots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
