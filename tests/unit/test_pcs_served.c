/*
 * served: a real set of documents in each form that servers give them in
 * becomes, byte for byte, the set as our folders have it; what has no such form
 * stays as it is.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "io/file.h"
#include "folder.h"
#include "pcs/served.h"
#include "pki/pem.h"
#include "tee_vectors.h"

#define REAL TDX_VECTORS "collateral/tdx_b0c0_202506"

enum {
	ROOM = 64 * 1024,
};

static void to_hex(struct wr *w, struct span s)
{
	text_hex(w, s);
}

static void to_hex_line(struct wr *w, struct span s)
{
	text_hex(w, s);
	wr_str(w, "\r\n");
}

static void to_pem(struct wr *w, struct span s)
{
	pem_encode(w, PEM_CRL, s);
}

static void with_nul(struct wr *w, struct span s)
{
	wr_bytes(w, s);
	wr_u8(w, 0);
}

static void with_line_end(struct wr *w, struct span s)
{
	wr_bytes(w, s);
	wr_str(w, "\n");
}

static void to_percent(struct wr *w, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == ' ' || s.p[i] == '\n' || s.p[i] == '+')
			wr_printf(w, "%%%02X", s.p[i]);
		else
			wr_u8(w, s.p[i]);
}

/* The indexes of collateral_names that a form is of. */
static const struct {
	const char *name;
	void (*make)(struct wr *w, struct span s);
	size_t items[COLLATERAL_ITEMS], count;
} forms[] = {
	{ "lists in hex", to_hex, { 0, 1 }, 2 },
	{ "lists in hex with a line end", to_hex_line, { 0, 1 }, 2 },
	{ "lists in PEM", to_pem, { 0, 1 }, 2 },
	{ "lists with a NUL", with_nul, { 0, 1 }, 2 },
	{ "lists with a line end", with_line_end, { 0, 1 }, 2 },
	{ "chains percent-encoded", to_percent, { 3, 5, 6 }, 3 },
	{ "documents with a NUL", with_nul, { 2, 4 }, 2 },
	{ "as they are", NULL, { 0 }, 0 },
};

static void each_form_becomes_ours(void **state)
{
	static uint8_t room[ROOM];
	struct collateral_files real, c;
	struct span want[COLLATERAL_ITEMS], found[COLLATERAL_ITEMS];
	char error[256], path[128];
	struct folder f;

	(void)state;
	assert_int_equal(collateral_load(&real, REAL, NULL, error), RC_OK);
	collateral_spans(want, &real);
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		print_message("%s\n", forms[i].name);
		folder_make(&f);
		for (size_t k = 0; k < COLLATERAL_ITEMS; k++)
			assert_int_equal(file_replace(folder_file(path, &f, collateral_names[k]),
						      want[k], 0644),
					 RC_OK);
		for (size_t k = 0; k < forms[i].count; k++) {
			struct wr w = WR_ARRAY(room);

			forms[i].make(&w, want[forms[i].items[k]]);
			assert_false(w.over);
			folder_file(path, &f, collateral_names[forms[i].items[k]]);
			assert_int_equal(file_replace(path, wr_span(&w), 0644), RC_OK);
		}
		assert_int_equal(served_load(&c, f.path, NULL, error), RC_OK);
		collateral_spans(found, &c);
		for (size_t k = 0; k < COLLATERAL_ITEMS; k++)
			assert_true(span_equal(found[k], want[k]));
		collateral_fini(&c);
		folder_remove(&f);
	}
	collateral_fini(&real);
}

static void what_has_no_such_form_stays(void **state)
{
	static const char *const texts[] = { "", "abc", "-----BEGIN X509 CRL-----\nAAAA\n",
					     "3003020101ff", "-----BEGIN%20CERTIFICATE%2" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct collateral_files c;
		struct buf *items[COLLATERAL_ITEMS];

		collateral_init(&c);
		collateral_items(items, &c);
		for (size_t k = 0; k < COLLATERAL_ITEMS; k++)
			assert_true(buf_add(items[k], span_str(texts[i])));
		served_normalize(&c);
		for (size_t k = 0; k < COLLATERAL_ITEMS; k++)
			assert_true(span_equal_str(buf_span(items[k]), texts[i]));
		collateral_fini(&c);
	}
}

static void missing_folder_is_said(void **state)
{
	struct collateral_files c;
	char error[256] = "";

	(void)state;
	assert_int_equal(served_load(&c, "/nonexistent", NULL, error), RC_SYS);
	assert_non_null(strstr(error, "/nonexistent/"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_form_becomes_ours),
		cmocka_unit_test(what_has_no_such_form_stays),
		cmocka_unit_test(missing_folder_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
