/* facts: what a certificate made here and now says of itself. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "folder.h"
#include "io/file.h"
#include "io/proc.h"
#include "tls/facts.h"

static void make(struct buf *out, const char *folder, const char *names)
{
	char chain[128], key[128], ext[512];
	const char *const argv[] = {
		"openssl",
		"req",
		"-x509",
		"-newkey",
		"ec",
		"-pkeyopt",
		"ec_paramgen_curve:P-256",
		"-nodes",
		"-days",
		"3",
		"-subj",
		"/CN=Some CA",
		"-keyout",
		key,
		"-out",
		chain,
		"-addext",
		ext,
		NULL,
	};

	snprintf(chain, sizeof(chain), "%s/chain", folder);
	snprintf(key, sizeof(key), "%s/key", folder);
	snprintf(ext, sizeof(ext), "subjectAltName=%s", names);
	buf_init(out, 65536);
	assert_int_equal(proc_run(argv, span_of(NULL, 0), out, 20000, NULL), RC_OK);
	buf_reset(out);
	assert_int_equal(file_read(out, chain), RC_OK);
}

static void names_dates_and_issuer(void **state)
{
	struct folder d;
	struct buf pem;
	struct facts f;

	(void)state;
	folder_make(&d);
	make(&pem, d.path, "DNS:*.example.net,IP:192.0.2.1,DNS:example.net");
	assert_int_equal(facts_read(&f, buf_span(&pem)), RC_OK);
	assert_int_equal(f.name_count, 2);
	assert_string_equal(f.names[0], "*.example.net");
	assert_string_equal(f.names[1], "example.net");
	assert_string_equal(f.issuer, "Some CA");
	assert_int_equal(f.not_after - f.not_before, 3 * 86400);
	assert_true(f.not_before > 1700000000);
	assert_false(span_is_zero(SPAN_ARRAY(f.fingerprint)));
	buf_fini(&pem);
	folder_remove(&d);
}

static void what_is_none_is_refused(void **state)
{
	struct facts f = { .name_count = 7 };

	(void)state;
	assert_int_equal(facts_read(&f, span_of(NULL, 0)), RC_CRYPTO);
	assert_int_equal(facts_read(&f, span_str("-----BEGIN CERTIFICATE-----\nAA\n")), RC_CRYPTO);
	assert_int_equal(facts_read(&f, span_str("x")), RC_CRYPTO);
	assert_int_equal(f.name_count, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_dates_and_issuer),
		cmocka_unit_test(what_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
