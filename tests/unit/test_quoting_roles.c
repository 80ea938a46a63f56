/*
 * Certificates in roles that are not theirs, and chains that are none: of the
 * documents' signer and in the quote.
 *
 * "dq n", "x n": see test_quoting_documents.c.
 */
#include "unit.h"

#include <stdlib.h>

#include "pki/pem.h"
#include "sim_world.h"

/* x 8, 9; dq 30, 31, 53, 54: certificates in roles that are not theirs. */
static void certificates_in_other_roles(void **state)
{
	const struct world *w = *state;
	const struct {
		const char *name;
		enum sim_cert first, second; /* SIM_CERT_COUNT: none */
		const char *want;
	} cases[] = {
		{ "empty", SIM_CERT_COUNT, SIM_CERT_COUNT, "collateral-missing" },
		{ "signer_alone", SIM_CERT_SIGNER, SIM_CERT_COUNT, "tcb-signer-chain-invalid" },
		{ "root_alone", SIM_CERT_ROOT, SIM_CERT_COUNT, "tcb-signer-chain-invalid" },
		{ "root_twice", SIM_CERT_ROOT, SIM_CERT_ROOT, "tcb-signer-chain-invalid" },
		{ "ca_as_signer", SIM_CERT_CA, SIM_CERT_ROOT, "tcb-signer-chain-invalid" },
		{ "pck_as_signer", SIM_CERT_PCK, SIM_CERT_ROOT, "tcb-signer-chain-invalid" },
		{ "ca_as_root", SIM_CERT_SIGNER, SIM_CERT_CA, "root-untrusted" },
		{ "signer_twice", SIM_CERT_SIGNER, SIM_CERT_SIGNER, "root-untrusted" },
		{ "root_first_accepted", SIM_CERT_ROOT, SIM_CERT_SIGNER, "ok" },
	};
	struct set s;

	set_make(&s, w, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int is_qe = 0; is_qe < 2; is_qe++) {
			struct tee_collateral c = collateral_view(&s.docs);
			const char *want = cases[i].want;
			struct tee_verdict v;
			struct buf pem;

			buf_init(&pem, 8192);
			if (cases[i].first != SIM_CERT_COUNT)
				assert_int_equal(sim_pki_pem(&pem, &w->pki, cases[i].first), RC_OK);
			if (cases[i].second != SIM_CERT_COUNT)
				assert_int_equal(sim_pki_pem(&pem, &w->pki, cases[i].second),
						 RC_OK);
			*(is_qe ? &c.qe_identity_chain : &c.tcb_info_chain) = buf_span(&pem);
			print_message("%s %d\n", cases[i].name, is_qe);
			assert_string_equal(judge(&v, w, buf_span(&s.quote), &c), want);
			buf_fini(&pem);
		}
	}
	set_fini(&s);
}

/* The quote with another text where its PCK chain was; nothing is signed over
 * it, so that all signatures stay good. */
static struct span with_chain(uint8_t *out, struct span from, struct span chain)
{
	struct wr w = wr_over(out, QUOTE_MAX);
	struct quote q;
	struct span tail;
	size_t certified;

	assert_int_equal(quote_parse(&q, from), TEE_OK);
	certified = q.qe_report.raw.n + 64 + 2 + q.qe_auth_data.n + 6 + chain.n;
	wr_bytes(&w, q.signed_region);
	wr_le32(&w, (uint32_t)(64 + 64 + 6 + certified));
	wr_bytes(&w, q.signature);
	wr_bytes(&w, q.attestation_key);
	wr_le16(&w, 6);
	wr_le32(&w, (uint32_t)certified);
	tail = span_of(q.qe_report.raw.p,
		       (size_t)(q.certification_data.p - q.qe_report.raw.p) - 6);
	wr_bytes(&w, tail);
	wr_le16(&w, 5);
	wr_le32(&w, (uint32_t)chain.n);
	wr_bytes(&w, chain);
	assert_false(w.over);
	return wr_span(&w);
}

/* A certificate that the PCK key signed, as if that were a CA's. */
static void add_by_pck(struct buf *pem, const struct world *w)
{
	struct issue_certificate c = {
		.subject = SIM_LABEL " SGX PCK Certificate 2",
		.issuer = sim_pki_name(SIM_CERT_PCK),
		.serial = { [19] = 77 },
		.not_before = NOW - 1000,
		.not_after = NOW + 1000,
		.role = ISSUE_END,
		.crl_url = "https://simulated.invalid/x",
	};
	uint8_t sgx[1024], text[8192];
	struct wr ext = WR_ARRAY(sgx), t = WR_ARRAY(text);
	struct buf der;

	issue_sgx(&ext, &w->pki.platform);
	c.sgx = wr_span(&ext);
	p256_private_point(w->pki.key[SIM_KEY_PCK], &c.key);
	c.issuer_key = c.key;
	buf_init(&der, ISSUE_DER_MAX);
	assert_int_equal(issue_certificate(&der, &c, w->pki.key[SIM_KEY_PCK]), RC_OK);
	pem_encode(&t, PEM_CERTIFICATE, buf_span(&der));
	assert_true(buf_add(pem, wr_span(&t)));
	buf_fini(&der);
}

/* What stands in the quote: 'P' PCK, 'C' CA, 'R' root, 'S' TCB signer, 'X' one
 * by the PCK key, 'O' another installation's root; others as they are. */
static void add_chain(struct buf *pem, const struct world *w, const struct sim_pki *other,
		      const char *recipe, size_t n)
{
	static const struct {
		char letter;
		enum sim_cert cert;
	} letters[] = {
		{ 'P', SIM_CERT_PCK },
		{ 'C', SIM_CERT_CA },
		{ 'R', SIM_CERT_ROOT },
		{ 'S', SIM_CERT_SIGNER },
	};

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < 4 && letters[k].letter != recipe[i])
			k++;
		if (k < 4)
			assert_int_equal(sim_pki_pem(pem, &w->pki, letters[k].cert), RC_OK);
		else if (recipe[i] == 'X')
			add_by_pck(pem, w);
		else if (recipe[i] == 'O')
			assert_int_equal(sim_pki_pem(pem, other, SIM_CERT_ROOT), RC_OK);
		else
			assert_true(buf_add(pem, span_of(&recipe[i], 1)));
	}
}

static void chains_in_the_quote(void **state)
{
#define RECIPE(s) s, sizeof(s) - 1
	static const struct {
		const char *name, *recipe;
		size_t n;
		const char *want;
	} cases[] = {
		{ "usual_accepted", RECIPE("PCR\0"), "ok" },
		{ "without_nul_accepted", RECIPE("PCR"), "ok" },
		{ "any_order_accepted", RECIPE("CRP"), "ok" },
		{ "white_space_around_accepted", RECIPE(" \r\n\tP\n\nC \0 R\n"), "ok" },
		{ "no_certificate", RECIPE(""), "pck-chain-malformed" },
		{ "leaf_alone", RECIPE("P"), "pck-chain-malformed" },
		{ "root_missing", RECIPE("PC"), "pck-chain-malformed" },
		{ "ca_missing", RECIPE("PR"), "pck-chain-malformed" },
		{ "leaf_missing", RECIPE("CR"), "pck-chain-malformed" },
		{ "four_certificates", RECIPE("PCRR"), "pck-chain-malformed" },
		{ "four_with_the_signer", RECIPE("PCRS"), "pck-chain-malformed" },
		{ "leaf_repeated", RECIPE("PPR"), "pck-issuer-mismatch" },
		{ "ca_repeated", RECIPE("CCR"), "pck-issuer-mismatch" },
		{ "root_repeated", RECIPE("PRR"), "pck-issuer-mismatch" },
		{ "two_roots", RECIPE("PRO"), "pck-issuer-mismatch" },
		{ "no_root", RECIPE("PCC"), "root-untrusted" },
		{ "root_of_the_same_name_and_another_key", RECIPE("PCO"), "root-untrusted" },
		{ "signer_as_leaf", RECIPE("SCR"), "pck-issuer-mismatch" },
		{ "signer_as_ca", RECIPE("PSR"), "pck-issuer-mismatch" },
		{ "pck_as_ca", RECIPE("XPR"), "pck-issuer-mismatch" },
		{ "text_before", RECIPE("# chain\nPCR"), "pck-chain-malformed" },
		{ "text_between", RECIPE("P-C-R"), "pck-chain-malformed" },
		{ "text_behind", RECIPE("PCR\0x"), "pck-chain-malformed" },
	};
	struct world *w = *state;
	struct sim_pki other;
	int failed = 0;
	struct set s;

	assert_int_equal(sim_pki_generate(&other, NULL, NOW), RC_OK);
	assert_int_equal(sim_pki_certify(&w->pki, NULL, NOW), RC_OK);
	set_make(&s, w, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct tee_collateral c = collateral_view(&s.docs);
		uint8_t *room = mem_new(QUOTE_MAX);
		struct tee_verdict v;
		struct buf pem;

		buf_init(&pem, 64 * 1024);
		add_chain(&pem, w, &other, cases[i].recipe, cases[i].n);
		judge(&v, w, with_chain(room, buf_span(&s.quote), buf_span(&pem)), &c);
		failed += differs(cases[i].name, tee_reason_name(v.reason), cases[i].want, &v);
		buf_fini(&pem);
		free(room);
	}
	assert_int_equal(failed, 0);
	set_fini(&s);
	sim_pki_fini(&other);
}

/* x 20: the armour itself, in the quote. */
static void armour_in_the_quote(void **state)
{
	static const struct {
		const char *name, *find, *put;
		size_t put_n; /* 0: of the string */
		const char *want;
	} cases[] = {
		{ "line_ends_of_two_bytes_accepted", "\n", "\r\n", 0, "ok" },
		{ "nul_in_a_line", "MII", "MI\0I", 4, "pck-chain-malformed" },
		{ "space_in_a_line", "MII", "MI I", 0, "pck-chain-malformed" },
		{ "boundary_in_small_letters", "BEGIN CERT", "BEGIN Cert", 0,
		  "pck-chain-malformed" },
		{ "other_label", "BEGIN CERTIFICATE", "BEGIN X509 CRL", 0, "pck-chain-malformed" },
		{ "trusted_certificate", "CERTIFICATE-----", "TRUSTED CERTIFICATE-----", 0,
		  "pck-chain-malformed" },
	};
	struct world *w = *state;
	int failed = 0;
	struct set s;

	assert_int_equal(sim_pki_certify(&w->pki, NULL, NOW), RC_OK);
	set_make(&s, w, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct tee_collateral c = collateral_view(&s.docs);
		const size_t n = cases[i].put_n ? cases[i].put_n : strlen(cases[i].put);
		uint8_t *room = mem_new(QUOTE_MAX), *text = mem_new(QUOTE_MAX);
		struct wr t = wr_over(text, QUOTE_MAX);
		struct span find = span_str(cases[i].find), left;
		struct tee_verdict v;
		struct quote q;

		assert_int_equal(quote_parse(&q, buf_span(&s.quote)), TEE_OK);
		for (left = q.certification_data; left.n;) {
			bool is_there = span_has_prefix(left, find);

			wr_bytes(&t, is_there ? span_of(cases[i].put, n) : span_of(left.p, 1));
			assert_true(rd_skip(&left, is_there ? find.n : 1));
		}
		judge(&v, w, with_chain(room, buf_span(&s.quote), wr_span(&t)), &c);
		failed += differs(cases[i].name, tee_reason_name(v.reason), cases[i].want, &v);
		free(room);
		free(text);
	}
	assert_int_equal(failed, 0);
	set_fini(&s);
}

/* x 8, 30: a whole platform under a root of the same name that is not trusted,
 * and documents of the one for the quote of the other. */
static void roots_of_the_same_name(void **state)
{
	struct world *w = *state, stranger = { 0 };
	struct tee_verdict v;
	struct set ours, theirs;
	struct tee_collateral c;

	assert_int_equal(sim_pki_certify(&w->pki, NULL, NOW), RC_OK);
	assert_int_equal(sim_pki_generate(&stranger.pki, NULL, NOW), RC_OK);
	stranger.td = w->td;
	set_make(&ours, w, NULL);
	set_make(&theirs, &stranger, NULL);
	c = collateral_view(&theirs.docs);
	assert_string_equal(judge(&v, w, buf_span(&theirs.quote), &c), "root-untrusted");
	assert_string_equal(judge(&v, w, buf_span(&ours.quote), &c), "root-untrusted");
	c = collateral_view(&ours.docs);
	assert_string_equal(judge(&v, w, buf_span(&theirs.quote), &c), "root-untrusted");
	assert_string_equal(judge(&v, w, buf_span(&ours.quote), &c), "ok");
	c.root_crl = buf_span(&theirs.docs.root_crl);
	assert_string_equal(judge(&v, w, buf_span(&ours.quote), &c), "crl-issuer-mismatch");
	c = collateral_view(&ours.docs);
	c.qe_identity_chain = buf_span(&theirs.docs.qe_identity_chain);
	assert_string_equal(judge(&v, w, buf_span(&ours.quote), &c), "root-untrusted");
	set_fini(&ours);
	set_fini(&theirs);
	sim_pki_fini(&stranger.pki);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_in_other_roles),
		cmocka_unit_test(chains_in_the_quote),
		cmocka_unit_test(armour_in_the_quote),
		cmocka_unit_test(roots_of_the_same_name),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
