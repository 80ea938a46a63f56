/*
 * Quotes of the simulated platform with bytes changed before signing, signed
 * again by the right keys, or changed as they are sent; keys and signatures
 * that are no numbers of the curve.
 *
 * "dq n", "x n": see test_quoting_documents.c.
 */
#include "unit.h"

#include "sim_world.h"

enum {
	EDITS_MAX = 3,
	/* places in a v4 quote (Intel TDX DCAP Quoting Library API, A.3) */
	V4_SVN = 48,
	V4_ATTRIBUTES = 168,
	V4_AUTH_SIZE = 632,
	V4_KEY = 700,
	V4_OUTER_TYPE = 764,
	V4_OUTER_SIZE = 766,
	V4_AUTH_DATA_LEN = 1218,
	V4_INNER_TYPE = 1252,
	V4_INNER_SIZE = 1254,
	V5_BODY_TYPE = 48,
	V5_BODY_SIZE = 50,
	V5_SVN = 54,
	V5_SVN2 = 54 + 584,
	/* places in an enclave report */
	REPORT_MISC = 16,
	REPORT_ATTRIBUTES = 48,
};

/* Quotes: bytes changed before signing, or after it. */
struct byte {
	size_t at;
	uint8_t mask, value; /* (old & ~mask) | value; mask 0: none */
};

static const struct quote_case {
	const char *name;
	struct sim_knobs knobs;
	struct byte report[EDITS_MAX]; /* of the QE report, signed again */
	struct byte signed_bytes[EDITS_MAX]; /* header and body, signed again */
	struct byte after[EDITS_MAX]; /* of the quote as it is sent */
	size_t cut; /* bytes left; 0: all */
	size_t fill; /* so many bytes FF instead; 0: none */
	const char *want;
	enum tee_tcb_status status;
} quotes[] = {
#define SET(at, value) \
	{ \
		at, 0xff, value \
	}
#define SIGNED(...) .signed_bytes = { __VA_ARGS__ }
#define AFTER(...) .after = { __VA_ARGS__ }
	/* clang-format off */
	{ "unchanged_accepted", .want = "ok", .status = TCB_UP_TO_DATE },
	/* dq 2, 4 */
	{ "sgx_in_version_4", SIGNED(SET(4, 0)), .want = "quote-tee-type-unsupported" },
	{ "version_5_in_the_layout_of_4", SIGNED(SET(0, 5)), .want = "quote-body-mismatch" },
	{ "version_5_in_the_layout_of_3", { .quote = { .is_enclave = true }, .docs = { .tcb_id = "SGX", .qe_id = "QE" } }, SIGNED(SET(0, 5)), .want = "quote-tee-type-unsupported" },
	{ "version_5_of_an_enclave", { .quote = { .is_enclave = true }, .docs = { .tcb_id = "SGX", .qe_id = "QE" } }, SIGNED(SET(0, 5), SET(4, 0x81)), .want = "quote-body-mismatch" },
	{ "enclave_in_version_4", { .quote = { .is_enclave = true }, .docs = { .tcb_id = "SGX", .qe_id = "QE" } }, SIGNED(SET(0, 4)), .want = "quote-tee-type-unsupported" },
	{ "enclave_with_the_header_of_a_td", { .quote = { .is_enclave = true }, .docs = { .tcb_id = "SGX", .qe_id = "QE" } }, SIGNED(SET(0, 4), SET(4, 0x81)), .want = "quote-too-short" },
	{ "td_with_the_header_of_an_enclave", SIGNED(SET(0, 3), SET(4, 0)), .want = "quote-too-short" },
	/* dq 10, 11 */
	{ "protection_keys_accepted", SIGNED({ V4_ATTRIBUTES + 3, 0x40, 0x40 }), .want = "ok", .status = TCB_UP_TO_DATE },
	{ "key_locker_accepted", SIGNED({ V4_ATTRIBUTES + 3, 0x80, 0x80 }), .want = "ok", .status = TCB_UP_TO_DATE },
	/* dq 13 to 22 */
	{ "a_hundred_bytes_ff", .fill = 100, .want = "quote-version-unsupported" },
	{ "four_bytes", .cut = 4, .want = "quote-too-short" },
	{ "version_0", SIGNED(SET(0, 0)), .want = "quote-version-unsupported" },
	{ "version_1", SIGNED(SET(0, 1)), .want = "quote-version-unsupported" },
	{ "version_2", SIGNED(SET(0, 2)), .want = "quote-version-unsupported" },
	{ "version_6", SIGNED(SET(0, 6)), .want = "quote-version-unsupported" },
	{ "version_255", SIGNED(SET(0, 255)), .want = "quote-version-unsupported" },
	{ "version_260", SIGNED(SET(1, 1)), .want = "quote-version-unsupported" },
	{ "key_type_0", SIGNED(SET(2, 0)), .want = "quote-key-type-unsupported" },
	{ "key_type_1", SIGNED(SET(2, 1)), .want = "quote-key-type-unsupported" },
	{ "key_type_3", SIGNED(SET(2, 3)), .want = "quote-key-type-unsupported" },
	{ "key_type_255", SIGNED(SET(2, 255)), .want = "quote-key-type-unsupported" },
	/* dq 44 to 46, from the report's side */
	{ "qe_report_miscselect", .report = { SET(REPORT_MISC, 1) }, .want = "qe-identity-mismatch" },
	{ "qe_report_attributes", .report = { { REPORT_ATTRIBUTES, 0x20, 0x20 } }, .want = "qe-identity-mismatch" },
	{ "qe_report_attribute_outside_mask_accepted", .report = { { REPORT_ATTRIBUTES, 0x04, 0x04 } }, .want = "ok", .status = TCB_UP_TO_DATE },
	/* Intel: v5 descriptor */
	{ "body_type_of_an_enclave", { .quote = { .version = 5 } }, SIGNED(SET(V5_BODY_TYPE, 1)), .want = "quote-body-mismatch" },
	{ "body_type_4", { .quote = { .version = 5 } }, SIGNED(SET(V5_BODY_TYPE, 4)), .want = "quote-body-mismatch" },
	{ "body_type_of_1_5_with_size_of_1_0", { .quote = { .version = 5 } }, SIGNED(SET(V5_BODY_TYPE, 3)), .want = "quote-body-mismatch" },
	{ "body_size_one_more", { .quote = { .version = 5 } }, SIGNED({ V5_BODY_SIZE, 0x01, 0x01 }), .want = "quote-body-mismatch" },
	{ "body_size_huge", { .quote = { .version = 5 } }, SIGNED(SET(V5_BODY_SIZE + 3, 0xff)), .want = "quote-body-mismatch" },
	/* Intel: sizes that do not tile; x 18, 19 */
	{ "auth_size_one_less", AFTER({ V4_AUTH_SIZE, 0x01, 0x00 }, { V4_AUTH_SIZE + 1, 0xff, 0x00 }), .want = "quote-auth-size" },
	{ "auth_size_4_gib", AFTER(SET(V4_AUTH_SIZE + 3, 0xff)), .want = "quote-too-short" },
	{ "outer_type_5", AFTER(SET(V4_OUTER_TYPE, 5)), .want = "quote-certification-type" },
	{ "outer_size_4_gib", AFTER(SET(V4_OUTER_SIZE + 3, 0xff)), .want = "quote-auth-size" },
	{ "auth_data_64_kib", AFTER(SET(V4_AUTH_DATA_LEN, 0xff), SET(V4_AUTH_DATA_LEN + 1, 0xff)), .want = "quote-auth-size" },
	{ "inner_size_4_gib", AFTER(SET(V4_INNER_SIZE + 3, 0xff)), .want = "quote-auth-size" },
	{ "inner_type_0", AFTER(SET(V4_INNER_TYPE, 0)), .want = "quote-certification-type" },
	{ "inner_type_6", AFTER(SET(V4_INNER_TYPE, 6)), .want = "quote-certification-type" },
	{ "inner_type_7", AFTER(SET(V4_INNER_TYPE, 7)), .want = "quote-certification-type" },
	{ "inner_type_8", AFTER(SET(V4_INNER_TYPE, 8)), .want = "quote-certification-type" },
	{ "auth_size_0", AFTER(SET(V4_AUTH_SIZE, 0), SET(V4_AUTH_SIZE + 1, 0)), .want = "quote-auth-size" },
	{ "auth_data_one_byte_less", AFTER(SET(V4_AUTH_DATA_LEN, 31)), .want = "quote-auth-size" },
	{ "auth_data_one_byte_more", AFTER(SET(V4_AUTH_DATA_LEN, 33)), .want = "quote-auth-size" },
	{ "outer_size_0", AFTER(SET(V4_OUTER_SIZE, 0), SET(V4_OUTER_SIZE + 1, 0)), .want = "quote-auth-size" },
	{ "inner_size_0", AFTER(SET(V4_INNER_SIZE, 0), SET(V4_INNER_SIZE + 1, 0)), .want = "quote-auth-size" },
	/* x 29: a module of its own identity skips components 0 and 1 */
	{ "module_below_a_component_of_the_level_accepted", SIGNED(SET(V4_SVN, 4)), .want = "ok", .status = TCB_UP_TO_DATE },
	{ "module_of_an_old_level", SIGNED(SET(V4_SVN, 3)), .want = "tcb-status-not-accepted", .status = TCB_OUT_OF_DATE },
	{ "module_03_03_is_not_known", SIGNED(SET(V4_SVN, 3), SET(V4_SVN + 1, 3)), .want = "tdx-module-mismatch" },
	/* statuses end to end */
	{ "configuration_needed", { .docs = { .tcb_status = "ConfigurationNeeded" } }, .want = "tcb-status-not-accepted", .status = TCB_CONFIGURATION_NEEDED },
	{ "configuration_and_hardening", { .docs = { .tcb_status = "ConfigurationAndSWHardeningNeeded" } }, .want = "tcb-status-not-accepted", .status = TCB_CONFIGURATION_AND_SW_HARDENING_NEEDED },
	{ "configuration_and_module_behind", { .docs = { .tcb_status = "ConfigurationNeeded", .module_status = "OutOfDate" } }, .want = "tcb-status-not-accepted", .status = TCB_OUT_OF_DATE_CONFIGURATION_NEEDED },
	{ "configuration_and_qe_behind", { .docs = { .tcb_status = "ConfigurationNeeded", .qe_status = "OutOfDate" } }, .want = "tcb-status-not-accepted", .status = TCB_OUT_OF_DATE_CONFIGURATION_NEEDED },
	{ "out_of_date_configuration", { .docs = { .tcb_status = "OutOfDateConfigurationNeeded" } }, .want = "tcb-status-not-accepted", .status = TCB_OUT_OF_DATE_CONFIGURATION_NEEDED },
	/* clang-format on */
};

static void apply(uint8_t *bytes, size_t n, const struct byte *edits)
{
	for (size_t i = 0; i < EDITS_MAX && edits[i].mask; i++) {
		assert_true(edits[i].at < n);
		bytes[edits[i].at] = (uint8_t)((bytes[edits[i].at] & ~edits[i].mask) |
					       edits[i].value);
	}
}

/* The quote with the row's changes, each part signed again by its key. */
static struct span make_quote(uint8_t *out, const struct world *w, struct span from,
			      const struct quote_case *c)
{
	struct p256_signature sig;
	struct quote q;
	size_t report, body;

	assert_int_equal(quote_parse(&q, from), TEE_OK);
	memcpy(out, from.p, from.n);
	report = (size_t)(q.qe_report.raw.p - from.p);
	body = q.signed_region.n;
	apply(out + report, q.qe_report.raw.n, c->report);
	p256_sign(w->pki.key[SIM_KEY_PCK], &sig, span_of(out + report, q.qe_report.raw.n));
	memcpy(out + (q.qe_report_signature.p - from.p), sig.rs, sizeof(sig.rs));
	apply(out, body, c->signed_bytes);
	p256_sign(w->pki.key[SIM_KEY_ATTESTATION], &sig, span_of(out, body));
	memcpy(out + (q.signature.p - from.p), sig.rs, sizeof(sig.rs));
	apply(out, from.n, c->after);
	if (c->fill)
		memset(out, 0xff, c->fill);
	return span_of(out, c->fill  ? c->fill
			    : c->cut ? c->cut
				     : from.n);
}

static void each_quote_gets_its_reason(void **state)
{
	const struct world *w = *state;
	int failed = 0;

	for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++) {
		uint8_t room[QUOTE_MAX];
		struct tee_collateral c;
		struct tee_verdict v;
		struct set s;

		set_make(&s, w, &quotes[i].knobs);
		c = collateral_view(&s.docs);
		failed += differs(quotes[i].name,
				  judge(&v, w,
					make_quote(room, w, buf_span(&s.quote), &quotes[i]),
					&c),
				  quotes[i].want, &v);
		if (v.tcb_status != quotes[i].status) {
			print_message("%s: status %s\n", quotes[i].name,
				      tee_tcb_status_name(v.tcb_status));
			failed++;
		}
		set_fini(&s);
	}
	assert_int_equal(failed, 0);
}

/* x 13, 14; dq 35, 36: keys that are no points, signatures that are none. */
static void keys_and_signatures_of_no_value(void **state)
{
	static const uint8_t order[32] = {
		0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
		0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51
	};
	static const uint8_t prime[32] = {
		0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
	};
	static const uint8_t zero[32], one[32] = { [31] = 1 };
	static const struct {
		const char *name;
		const uint8_t *a, *b; /* the halves; NULL: left as it is */
		enum {
			KEY,
			QUOTE_SIGNATURE,
			QE_SIGNATURE
		} part;
		const char *want;
	} cases[] = {
		{ "point_at_infinity", zero, zero, KEY, "attestation-key-invalid" },
		{ "x_is_the_prime", prime, NULL, KEY, "attestation-key-invalid" },
		{ "y_is_the_prime", NULL, prime, KEY, "attestation-key-invalid" },
		{ "r_zero", zero, NULL, QUOTE_SIGNATURE, "quote-signature-invalid" },
		{ "s_zero", NULL, zero, QUOTE_SIGNATURE, "quote-signature-invalid" },
		{ "both_zero", zero, zero, QUOTE_SIGNATURE, "quote-signature-invalid" },
		{ "both_one", one, one, QUOTE_SIGNATURE, "quote-signature-invalid" },
		{ "r_is_the_order", order, NULL, QUOTE_SIGNATURE, "quote-signature-invalid" },
		{ "s_is_the_order", NULL, order, QUOTE_SIGNATURE, "quote-signature-invalid" },
		{ "qe_both_zero", zero, zero, QE_SIGNATURE, "qe-report-signature-invalid" },
		{ "qe_r_is_the_order", order, NULL, QE_SIGNATURE, "qe-report-signature-invalid" },
	};
	const struct world *w = *state;
	struct set s;

	set_make(&s, w, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct tee_collateral c = collateral_view(&s.docs);
		struct span from = buf_span(&s.quote), part;
		uint8_t bytes[QUOTE_MAX];
		struct p256_signature sig;
		struct tee_verdict v;
		struct quote q;
		uint8_t *at;

		assert_int_equal(quote_parse(&q, from), TEE_OK);
		memcpy(bytes, from.p, from.n);
		part = cases[i].part == KEY	       ? q.attestation_key
		       : cases[i].part == QE_SIGNATURE ? q.qe_report_signature
						       : q.signature;
		at = bytes + (part.p - from.p);
		if (cases[i].a)
			memcpy(at, cases[i].a, 32);
		if (cases[i].b)
			memcpy(at + 32, cases[i].b, 32);
		if (cases[i].part == KEY) {
			/* the QE vouches for this key */
			struct span bound[] = { span_of(at, 64), q.qe_auth_data };
			size_t report = (size_t)(q.qe_report.raw.p - from.p);
			struct sha256 hash;

			sha256_parts(&hash, bound, 2);
			memcpy(bytes + report + 320, hash.b, 32);
			p256_sign(w->pki.key[SIM_KEY_PCK], &sig,
				  span_of(bytes + report, q.qe_report.raw.n));
			memcpy(bytes + (q.qe_report_signature.p - from.p), sig.rs, 64);
		}
		print_message("%s\n", cases[i].name);
		assert_string_equal(judge(&v, w, span_of(bytes, from.n), &c), cases[i].want);
	}
	set_fini(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_quote_gets_its_reason),
		cmocka_unit_test(keys_and_signatures_of_no_value),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
