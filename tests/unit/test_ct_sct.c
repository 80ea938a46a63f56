/* sct: Google's vectors; lists refused; libcrypto's SCT validation agrees on
 * what is good and what is not. */
#include "unit.h"

#include <unistd.h>

#include <openssl/ct.h>

#include "base/text.h"
#include "ct/sct.h"
#include "vectors.h"
#include "web_pki.h"

#define DIR "tests/vectors/ct/"

static struct web_cert load(struct span *der, const char *path)
{
	struct web_cert c;

	*der = vector_load(path);
	assert_int_equal(web_parse(&c, *der), RC_OK);
	return c;
}

/* One SCT as a list. */
static struct span list_of(uint8_t *room, size_t cap, struct span sct)
{
	struct wr w = wr_over(room, cap);

	wr_be16(&w, (uint16_t)(sct.n + 2));
	wr_vec16(&w, sct);
	return wr_span(&w);
}

static void google_vectors(void **state)
{
	static const struct {
		const char *cert, *sct, *leaf;
		enum sct_entry_type type;
	} cases[] = {
		{ DIR "go_cert.der", DIR "go_cert.sct",
		  "BKZLZGMbAnDW0gQWjNJNCyS2IgweWn76YW3tFlu3AuY=", SCT_ENTRY_X509 },
		{ DIR "go_precert.der", DIR "go_precert.sct",
		  "mbk+d5FDW3oNZJCbOi828rqC3hf+qhigTWVGcXEZq1U=", SCT_ENTRY_PRECERT },
	};
	struct span ca_der, spki = vector_load(DIR "go_log.spki");
	struct web_cert ca = load(&ca_der, DIR "go_ca.der");

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct span der, bytes = vector_load(cases[i].sct);
		struct web_cert c = load(&der, cases[i].cert);
		struct sct_entry e = sct_entry_embedded(&c, &ca);
		uint8_t room[512], want[32];
		struct sct sct[SCT_COUNT_MAX];
		struct merkle_hash leaf;
		size_t n;

		e.type = cases[i].type;
		assert_int_equal(sct_list_parse(sct, &n, list_of(room, sizeof(room), bytes)),
				 RC_OK);
		assert_int_equal(n, 1);
		assert_true(sct_verify(&sct[0], &e, spki));
		sct_leaf_hash(&leaf, &sct[0], &e);
		assert_true(text_base64_decode(want, sizeof(want), &n, span_str(cases[i].leaf)));
		assert_memory_equal(leaf.b, want, 32);
		sct[0].timestamp_ms++;
		assert_false(sct_verify(&sct[0], &e, spki));
		sct[0].timestamp_ms--;
		sct[0].log_id[31] ^= 1; /* this log's signature, another's id */
		assert_false(sct_verify(&sct[0], &e, spki));
		sct[0].log_id[31] ^= 1;
		sct[0].signature.kind = WEBKEY_RSA; /* says RSA, is ECDSA */
		assert_false(sct_verify(&sct[0], &e, spki));
		sct[0].signature.kind = WEBKEY_EC;
		e.issuer_key_hash.b[0] ^= 1; /* A34: another issuer */
		assert_int_equal(sct_verify(&sct[0], &e, spki), e.type == SCT_ENTRY_X509);
		vector_free(der);
		vector_free(bytes);
	}
	vector_free(ca_der);
	vector_free(spki);
}

static void google_embedded(void **state)
{
	struct span ca_der, der, spki = vector_load(DIR "go_log.spki");
	struct web_cert ca = load(&ca_der, DIR "go_ca.der"), c;
	struct sct sct[SCT_COUNT_MAX];
	struct sct_entry e;
	size_t n;

	(void)state;
	c = load(&der, DIR "go_embedded.der");
	e = sct_entry_embedded(&c, &ca);
	assert_int_equal(sct_list_parse(sct, &n, c.scts), RC_OK);
	assert_true(sct_verify(&sct[0], &e, spki));
	assert_false(sct[0].has_index);
	vector_free(der);
	c = load(&der, DIR "go_embedded_invalid.der");
	e = sct_entry_embedded(&c, &ca);
	assert_int_equal(sct_list_parse(sct, &n, c.scts), RC_OK);
	assert_false(sct_verify(&sct[0], &e, spki));
	vector_free(der);
	vector_free(ca_der);
	vector_free(spki);
}

/* One SCT: version, id, time, no extensions, ECDSA over SHA-256, 2 bytes. */
#define SCT_HEX(version, tail) \
	version "0000000000000000000000000000000000000000000000000000000000000001" \
		"000001a0b1c2d3e4" tail
#define GOOD SCT_HEX("00", "0000" \
			   "0403" \
			   "0002" \
			   "abcd")
#define OTHER SCT_HEX("00", "0000" \
			    "0403" \
			    "0002" \
			    "abce")

static void lists(void **state)
{
	static const struct {
		const char *name, *hex;
		enum rc want;
	} cases[] = {
		{ "one_read", "0033"
			      "0031" GOOD,
		  RC_OK },
		{ "two_read", "0066"
			      "0031" GOOD "0031" OTHER,
		  RC_OK },
		{ "rsa_read", "0033"
			      "0031" SCT_HEX("00", "0000"
						   "0401"
						   "0002"
						   "abcd"),
		  RC_OK },
		{ "empty_refused", "0000", RC_MALFORMED },
		{ "no_bytes_refused", "", RC_MALFORMED },
		{ "empty_sct_refused", "0002"
				       "0000",
		  RC_MALFORMED },
		{ "same_twice_refused", "0066"
					"0031" GOOD "0031" GOOD,
		  RC_MALFORMED },
		{ "list_longer_than_bytes", "0034"
					    "0031" GOOD,
		  RC_MALFORMED },
		{ "bytes_longer_than_list", "0033"
					    "0031" GOOD "00",
		  RC_MALFORMED },
		{ "sct_longer_than_list", "0033"
					  "0032" GOOD,
		  RC_MALFORMED },
		{ "bytes_after_signature", "0034"
					   "0032" GOOD "00",
		  RC_MALFORMED },
		{ "version_2_unsupported", "0033"
					   "0031" SCT_HEX("01", "0000"
								"0403"
								"0002"
								"abcd"),
		  RC_UNSUPPORTED },
		{ "sha1_unsupported", "0033"
				      "0031" SCT_HEX("00", "0000"
							   "0203"
							   "0002"
							   "abcd"),
		  RC_UNSUPPORTED },
		{ "dsa_unsupported", "0033"
				     "0031" SCT_HEX("00", "0000"
							  "0402"
							  "0002"
							  "abcd"),
		  RC_UNSUPPORTED },
	};
	uint8_t bytes[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sct sct[SCT_COUNT_MAX];
		size_t n, count = 77;

		print_message("%s\n", cases[i].name);
		assert_true(text_hex_decode_any(bytes, sizeof(bytes), &n, span_str(cases[i].hex)));
		uint8_t *copy = vector_copy(span_of(bytes, n));

		assert_int_equal(sct_list_parse(sct, &count, span_of(copy, n)), cases[i].want);
		if (cases[i].want)
			assert_int_equal(count, 77);
		for (size_t cut = 0; cases[i].want == RC_OK && cut < n; cut++) {
			uint8_t *part = vector_copy(span_of(bytes, cut));

			assert_int_equal(sct_list_parse(sct, &count, span_of(part, cut)),
					 RC_MALFORMED);
			free(part);
		}
		free(copy);
	}
}

static void too_many_are_a_limit(void **state)
{
	uint8_t room[4096];
	struct wr w = WR_ARRAY(room);
	struct wr_mark m = wr_open(&w, 2);
	struct sct sct[SCT_COUNT_MAX];
	size_t n;

	(void)state;
	for (uint8_t i = 0; i <= SCT_COUNT_MAX; i++) {
		wr_be16(&w, 49);
		wr_u8(&w, 0);
		wr_zero(&w, 31);
		wr_u8(&w, i);
		wr_zero(&w, 10);
		wr_u8(&w, 4);
		wr_u8(&w, 3);
		wr_be16(&w, 2);
		wr_zero(&w, 2);
	}
	wr_close(&w, m);
	assert_int_equal(sct_list_parse(sct, &n, wr_span(&w)), RC_LIMIT);
}

/* static-ct's leaf_index, and what is not one. */
static void indexes(void **state)
{
	static const struct {
		const char *name, *extensions;
		bool has;
		uint64_t index;
	} cases[] = {
		{ "none", "", false, 0 },
		{ "index", "0000050102030405", true, 0x0102030405 },
		{ "among_others", "0900010a000005000000000707000000", false, 0 },
		{ "behind_another", "0900010a0000050000000007", true, 7 },
		{ "twice", "00000500000000070000050000000007", false, 0 },
		{ "short", "00000401020304", false, 0 },
		{ "junk", "ffff", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t ext[64], room[256], list[300];
		struct wr w = WR_ARRAY(room);
		struct sct sct[SCT_COUNT_MAX];
		size_t n;

		print_message("%s\n", cases[i].name);
		assert_true(text_hex_decode_any(ext, sizeof(ext), &n,
						span_str(cases[i].extensions)));
		wr_u8(&w, 0);
		wr_zero(&w, 40);
		wr_vec16(&w, span_of(ext, n));
		wr_u8(&w, 4);
		wr_u8(&w, 3);
		wr_vec16(&w, span_str("s"));
		assert_int_equal(sct_list_parse(sct, &n, list_of(list, sizeof(list), wr_span(&w))),
				 RC_OK);
		assert_int_equal(sct[0].has_index, cases[i].has);
		if (cases[i].has)
			assert_int_equal(sct[0].index, cases[i].index);
	}
}

/* libcrypto's verdict over the same certificate: how many SCTs are valid. */
static int by_libcrypto(X509 *x, X509 *issuer, const struct web_log *log, uint64_t now_ms)
{
	CT_POLICY_EVAL_CTX *ctx = CT_POLICY_EVAL_CTX_new();
	CTLOG_STORE *store = CTLOG_STORE_new();
	STACK_OF(SCT) *list = X509_get_ext_d2i(x, NID_ct_precert_scts, NULL, NULL);
	char b64[2048], path[] = "/tmp/ctlogXXXXXX";
	struct wr w = WR_ARRAY(b64);
	int fd = mkstemp(path), valid = 0;
	FILE *f = fdopen(fd, "we");

	text_base64(&w, log->spki);
	assert_non_null(f);
	fprintf(f, "enabled_logs=a\n[a]\ndescription=a\nkey=%.*s\n", (int)w.n, b64);
	fclose(f);
	assert_int_equal(CTLOG_STORE_load_file(store, path), 1);
	unlink(path);
	CT_POLICY_EVAL_CTX_set1_cert(ctx, x);
	CT_POLICY_EVAL_CTX_set1_issuer(ctx, issuer);
	CT_POLICY_EVAL_CTX_set_shared_CTLOG_STORE(ctx, store);
	CT_POLICY_EVAL_CTX_set_time(ctx, now_ms);
	assert_non_null(list);
	(void)SCT_LIST_validate(list, ctx);
	for (int i = 0; i < sk_SCT_num(list); i++)
		valid += SCT_get_validation_status(sk_SCT_value(list, i)) ==
			 SCT_VALIDATION_STATUS_VALID;
	SCT_LIST_free(list);
	CTLOG_STORE_free(store);
	CT_POLICY_EVAL_CTX_free(ctx);
	return valid;
}

/* Logs with EC and RSA keys; the right issuer and another; a bit flipped. */
static void libcrypto_agrees(void **state)
{
	struct web_ca ca, other;
	struct web_log logs[2];
	EVP_PKEY *key = web_key();
	const struct web_log *list[2] = { &logs[0], &logs[1] };

	(void)state;
	web_ca_init(&ca, "CA", NULL);
	web_ca_init(&other, "CA", NULL);
	web_log_init(&logs[0], NULL);
	web_log_init(&logs[1], web_rsa(2048));
	struct web_spec spec = { .name = "a.example",
				 .key = key,
				 .issuer = ca.x,
				 .issuer_key = ca.key,
				 .from = WEB_PKI_T0,
				 .until = WEB_PKI_T0 + 90 * DAY,
				 .san = "DNS:a.example",
				 .has_ids = true };
	uint64_t at = (uint64_t)WEB_PKI_T0 * 1000;
	X509 *x = web_issue_logged(spec, list, 2, at, NULL);
	struct span der = web_der(x);
	struct web_cert c;
	struct sct sct[SCT_COUNT_MAX];
	struct sct_entry e, wrong;
	size_t n;

	assert_int_equal(web_parse(&c, der), RC_OK);
	assert_int_equal(sct_list_parse(sct, &n, c.scts), RC_OK);
	assert_int_equal(n, 2);
	e = sct_entry_embedded(&c, &ca.view);
	wrong = sct_entry_embedded(&c, &other.view);
	for (size_t i = 0; i < 2; i++) {
		assert_true(sct_verify(&sct[i], &e, logs[i].spki));
		assert_int_equal(by_libcrypto(x, ca.x, &logs[i], at + 1), 1);
		assert_false(sct_verify(&sct[i], &wrong, logs[i].spki));
		assert_int_equal(by_libcrypto(x, other.x, &logs[i], at + 1), 0);
		assert_false(sct_verify(&sct[i], &e, logs[1 - i].spki));
	}
	web_free_der(der);
	X509_free(x);
	EVP_PKEY_free(key);
	web_log_fini(&logs[1]);
	web_log_fini(&logs[0]);
	web_ca_fini(&other);
	web_ca_fini(&ca);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(google_vectors),
		cmocka_unit_test(google_embedded),
		cmocka_unit_test(lists),
		cmocka_unit_test(too_many_are_a_limit),
		cmocka_unit_test(indexes),
		cmocka_unit_test(libcrypto_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
