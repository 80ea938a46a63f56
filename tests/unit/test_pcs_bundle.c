/* Collateral in one file: ours, and dcap-qvl's in both its forms. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "pcs/bundle.h"
#include "tee/document.h"
#include "tee_vectors.h"

static const char *const dirs[] = { "collateral/tdx_b0c0_202506", "collateral/sgx_00a067_202506" };

static void load(struct collateral_files *out, const char *dir)
{
	char path[256], error[256];

	(void)snprintf(path, sizeof(path), TDX_VECTORS "%s", dir);
	assert_int_equal(collateral_load(out, path, NULL, error), RC_OK);
}

static void expect_equal(const struct collateral_files *a, const struct collateral_files *b)
{
	struct span as[COLLATERAL_ITEMS], bs[COLLATERAL_ITEMS];

	collateral_spans(as, a);
	collateral_spans(bs, b);
	for (size_t i = 0; i < COLLATERAL_ITEMS; i++)
		if (!span_equal(as[i], bs[i]))
			fail_msg("%s differs", collateral_names[i]);
}

static void ours_written_and_read_is_the_identity(void **state)
{
	struct collateral_files sets[2];
	struct bundle b = { 0 };
	char error[BUNDLE_ERROR_MAX] = "";
	struct buf text;

	(void)state;
	buf_init(&text, BUNDLE_MAX);
	for (size_t i = 0; i < 2; i++)
		load(&sets[i], dirs[i]);
	buf_reset(&sets[1].pck_crl_chain); /* the one that may be absent */
	assert_int_equal(bundle_write(&text, sets, 2), RC_OK);
	if (bundle_read(&b, buf_span(&text), error))
		fail_msg("%s", error);
	assert_int_equal(b.count, 2);
	for (size_t i = 0; i < 2; i++) {
		expect_equal(&b.sets[i], &sets[i]);
		collateral_fini(&sets[i]);
	}
	bundle_fini(&b);
	buf_fini(&text);
}

static void what_is_no_text_cannot_be_written(void **state)
{
	struct collateral_files set;
	struct buf text;

	(void)state;
	buf_init(&text, BUNDLE_MAX);
	load(&set, dirs[0]);
	assert_true(buf_add(&set.tcb_info, span_of("\xff", 1)));
	assert_int_equal(bundle_write(&text, &set, 1), RC_MALFORMED);
	buf_fini(&text);
	buf_init(&text, 100);
	buf_reset(&set.tcb_info);
	assert_int_equal(bundle_write(&text, &set, 1), RC_LIMIT);
	buf_fini(&text);
	collateral_fini(&set);
}

/* ---- dcap-qvl's, made of a folder; is_old: bytes as arrays of numbers */

static void add(struct buf *to, const char *s)
{
	assert_true(buf_add(to, span_str(s)));
}

static void add_json_string(struct buf *to, struct span s)
{
	add(to, "\"");
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\n')
			add(to, "\\n");
		else if (s.p[i] == '"')
			add(to, "\\\"");
		else
			assert_true(buf_add(to, span_of(s.p + i, 1)));
	add(to, "\"");
}

static void add_bytes(struct buf *to, struct span s, bool is_old)
{
	char text[8];

	add(to, is_old ? "[" : "\"");
	for (size_t i = 0; i < s.n; i++) {
		(void)snprintf(text, sizeof(text), is_old ? "%s%u" : "%s%02x",
			       is_old && i ? "," : "", s.p[i]);
		add(to, text);
	}
	add(to, is_old ? "]" : "\"");
}

/* The object and the signature of a document as Intel serves it. */
static void add_document(struct buf *to, struct span text, const char *name, const char *key,
			 bool is_old)
{
	struct p256_signature signature;
	struct span object;
	char line[64];

	assert_true(document_split(&object, &signature, text, name));
	(void)snprintf(line, sizeof(line), "\"%s\":", key);
	add(to, line);
	add_json_string(to, object);
	(void)snprintf(line, sizeof(line), ",\"%s_signature\":", key);
	add(to, line);
	add_bytes(to, SPAN_ARRAY(signature.rs), is_old);
}

static void make_qvl(struct buf *to, const struct collateral_files *c, bool is_old)
{
	buf_init(to, BUNDLE_MAX);
	add(to, "{\"root_ca_crl\":");
	add_bytes(to, buf_span(&c->root_crl), is_old);
	add(to, ",\"pck_crl\":");
	add_bytes(to, buf_span(&c->pck_crl), is_old);
	add(to, ",\"pck_crl_issuer_chain\":");
	add_json_string(to, buf_span(&c->pck_crl_chain));
	add(to, ",\"tcb_info_issuer_chain\":");
	add_json_string(to, buf_span(&c->tcb_info_chain));
	add(to, ",\"qe_identity_issuer_chain\":");
	add_json_string(to, buf_span(&c->qe_identity_chain));
	add(to, ",\"pck_certificate_chain\":null,");
	add_document(to, buf_span(&c->tcb_info), "tcbInfo", "tcb_info", is_old);
	add(to, ",");
	add_document(to, buf_span(&c->qe_identity), "enclaveIdentity", "qe_identity", is_old);
	add(to, "}");
}

static void both_forms_of_dcap_qvl_are_read_and_verify(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		struct collateral_files set;
		struct bundle b = { 0 };
		char error[BUNDLE_ERROR_MAX] = "", detail[TEE_DETAIL_MAX];
		struct tee_prepared *p = NULL;
		struct tee_collateral view;
		struct buf text;

		load(&set, dirs[i % 2]);
		make_qvl(&text, &set, i / 2);
		if (bundle_read(&b, buf_span(&text), error))
			fail_msg("%s", error);
		assert_int_equal(b.count, 1);
		expect_equal(&b.sets[0], &set);
		view = collateral_view(&b.sets[0]);
		assert_int_equal(tee_prepare(&p, detail, &view, &tee_anchor_intel, 1), TEE_OK);
		tee_prepared_free(p);
		bundle_fini(&b);
		collateral_fini(&set);
		buf_fini(&text);
	}
}

/* A signature is 64 bytes, and what it signs is there. */
static void signed_by_halves_is_refused(void **state)
{
	/* clang-format off */
	static const struct {
		const char *name, *from, *to, *said;
	} cases[] = {
		{ "signature_short", "_signature\":\"", "_signature\":\"zz",
		  "tcb_info_signature: not of its form" },
		{ "signature_absent", "\"tcb_info_signature\"", "\"tcb_info_signaturE\"",
		  "tcb_info_signature: missing" },
		{ "object_empty", "\"tcb_info\":\"", "\"tcb_info\":\"\",\"rest\":\"",
		  "tcb_info: missing" },
		{ "object_absent", "\"tcb_info\":", "\"tcb_inf0\":", "tcb_info: missing" },
		{ "qe_identity_signature_absent", "\"qe_identity_signature\"", "\"x\"",
		  "qe_identity_signature: missing" },
		{ "qe_identity_absent", "\"qe_identity\"", "\"x\"", "qe_identity: missing" },
		{ "root_crl_absent", "\"root_ca_crl\"", "\"x\"", "root_ca_crl: missing" },
		{ "root_crl_no_bytes", "\"root_ca_crl\":\"", "\"root_ca_crl\":\"zz",
		  "root_ca_crl: not of its form" },
		{ "chain_absent", "\"tcb_info_issuer_chain\"", "\"x\"",
		  "tcb_info_issuer_chain: missing" },
	};
	/* clang-format on */
	struct collateral_files set;
	struct buf text;

	(void)state;
	load(&set, dirs[0]);
	make_qvl(&text, &set, false);
	assert_true(buf_add(&text, span_of("", 1)));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char error[BUNDLE_ERROR_MAX] = "";
		const char *all = (const char *)buf_span(&text).p;
		const char *at = strstr(all, cases[i].from);
		struct bundle b = { 0 };
		struct buf changed;

		print_message("%s\n", cases[i].name);
		assert_non_null(at);
		buf_init(&changed, BUNDLE_MAX);
		assert_true(buf_add(&changed, span_of(all, (size_t)(at - all))));
		add(&changed, cases[i].to);
		add(&changed, at + strlen(cases[i].from));
		assert_int_equal(bundle_read(&b, buf_span(&changed), error), RC_MALFORMED);
		assert_string_equal(error, cases[i].said);
		buf_fini(&changed);
	}
	buf_fini(&text);
	collateral_fini(&set);
}

static void expect_refused(const char *text, enum rc want, const char *said)
{
	char error[BUNDLE_ERROR_MAX] = "";
	struct bundle b = { 0 }, untouched = { 0 };
	enum rc rc = bundle_read(&b, span_str(text), error);

	if (rc != want || !strstr(error, said))
		fail_msg("%s: %s: %s", text, rc_name(rc), error);
	assert_memory_equal(&b, &untouched, sizeof(b));
}

#define OURS "{\"format\":\"postern-collateral/1\","

static void what_is_neither_is_refused(void **state)
{
	(void)state;
	expect_refused("", RC_MALFORMED, "not a JSON object");
	expect_refused("[]", RC_MALFORMED, "not a JSON object");
	expect_refused("{} x", RC_MALFORMED, "not a JSON object");
	expect_refused("{}", RC_MALFORMED, "root_ca_crl");
	expect_refused("{\"a\":1,\"a\":1}", RC_MALFORMED, "not a JSON object");
	expect_refused("{\"format\":1}", RC_MALFORMED, "format");
	expect_refused("{\"format\":\"postern-collateral/2\",\"sets\":[]}", RC_MALFORMED, "format");
	expect_refused(OURS "\"sets\":{}}", RC_MALFORMED, "sets");
	expect_refused(OURS "\"sets\":[],\"more\":1}", RC_MALFORMED, "nothing else");
	expect_refused(OURS "\"sets\":[1]}", RC_MALFORMED, "sets[0]: root_ca.crl.der");
	expect_refused(OURS "\"sets\":[{\"root_ca.crl.der\":\"!\"}]}", RC_MALFORMED,
		       "sets[0]: root_ca.crl.der: not of its form");
	expect_refused(OURS "\"sets\":[{\"root_ca.crl.der\":\"\"}]}", RC_MALFORMED,
		       "sets[0]: root_ca.crl.der: missing");
	expect_refused("{\"root_ca_crl\":\"300\"}", RC_MALFORMED, "root_ca_crl");
	expect_refused("{\"root_ca_crl\":[256]}", RC_MALFORMED, "root_ca_crl");
	expect_refused("{\"root_ca_crl\":[-1]}", RC_MALFORMED, "root_ca_crl");
	expect_refused("{\"root_ca_crl\":[1.0]}", RC_MALFORMED, "root_ca_crl");
	expect_refused("{\"root_ca_crl\":[]}", RC_MALFORMED, "root_ca_crl");
	expect_refused("{\"root_ca_crl\":\"\"}", RC_MALFORMED, "root_ca_crl");
	expect_refused("{\"root_ca_crl\":\"30\",\"pck_crl\":5}", RC_MALFORMED, "pck_crl");
}

static void every_prefix_is_refused(void **state)
{
	struct collateral_files set;
	struct buf texts[2];

	(void)state;
	load(&set, dirs[1]);
	make_qvl(&texts[0], &set, false);
	buf_init(&texts[1], BUNDLE_MAX);
	assert_int_equal(bundle_write(&texts[1], &set, 1), RC_OK);
	for (size_t i = 0; i < 2; i++) {
		struct span s = buf_span(&texts[i]);

		/* The last but one ends in the line end that ours has. */
		for (size_t n = 0; n + 1 < s.n; n += 7) {
			char error[BUNDLE_ERROR_MAX];
			struct bundle b = { 0 };

			assert_int_equal(bundle_read(&b, span_of(s.p, n), error), RC_MALFORMED);
		}
		buf_fini(&texts[i]);
	}
	collateral_fini(&set);
}

static void bounds(void **state)
{
	char error[BUNDLE_ERROR_MAX];
	char *text = mem_new(BUNDLE_MAX + 1);
	struct bundle b = { 0 };
	struct wr w = wr_over(text, BUNDLE_MAX);

	(void)state;
	memset(text, ' ', BUNDLE_MAX + 1);
	assert_int_equal(bundle_read(&b, span_of(text, BUNDLE_MAX + 1), error), RC_LIMIT);
	wr_str(&w, OURS "\"sets\":[0");
	for (size_t i = 0; i < BUNDLE_SETS_MAX; i++)
		wr_str(&w, ",0");
	wr_str(&w, "]}");
	assert_int_equal(bundle_read(&b, wr_span(&w), error), RC_LIMIT);
	w = wr_over(text, BUNDLE_MAX);
	wr_str(&w, "{\"root_ca_crl\":\"");
	for (size_t i = 0; i <= COLLATERAL_ITEM_MAX; i++)
		wr_str(&w, "00");
	wr_str(&w, "\"}");
	assert_int_equal(bundle_read(&b, wr_span(&w), error), RC_LIMIT);
	w = wr_over(text, BUNDLE_MAX);
	wr_str(&w, "{\"root_ca_crl\":[0");
	for (size_t i = 0; i < COLLATERAL_ITEM_MAX; i++)
		wr_str(&w, ",0");
	wr_str(&w, "]}");
	assert_int_equal(bundle_read(&b, wr_span(&w), error), RC_LIMIT);
	w = wr_over(text, BUNDLE_MAX);
	wr_str(&w, OURS "\"sets\":[{\"root_ca.crl.der\":\"");
	for (size_t i = 0; i <= COLLATERAL_ITEM_MAX; i += 3)
		wr_str(&w, "AAAA");
	wr_str(&w, "\"}]}");
	assert_int_equal(bundle_read(&b, wr_span(&w), error), RC_LIMIT);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ours_written_and_read_is_the_identity),
		cmocka_unit_test(what_is_no_text_cannot_be_written),
		cmocka_unit_test(both_forms_of_dcap_qvl_are_read_and_verify),
		cmocka_unit_test(signed_by_halves_is_refused),
		cmocka_unit_test(what_is_neither_is_refused),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
