/* The highest evaluation numbers seen, as text and back. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "pcs/floor.h"

#define FIRST "postern-evaluations 1\n"

static const uint8_t b0c0[6] = { 0xb0, 0xc0, 0x6f };
static const uint8_t a067[6] = { 0x00, 0xa0, 0x67, 0x11 };

static void write_and_read_is_the_identity(void **state)
{
	static const char want[] = FIRST "tdx b0c06f000000 18\n"
					 "tdx qe 18\n"
					 "sgx 00a067110000 4294967295\n";
	static struct floor f, again;
	char text[256];
	struct wr w = WR_ARRAY(text);

	(void)state;
	assert_true(floor_set(&f, QUOTE_TDX, b0c0, 17));
	assert_true(floor_set(&f, QUOTE_TDX, NULL, 18));
	assert_true(floor_set(&f, QUOTE_SGX, a067, UINT32_MAX));
	assert_true(floor_set(&f, QUOTE_TDX, b0c0, 18));
	floor_write(&w, &f);
	assert_true(span_equal_str(wr_span(&w), want));
	assert_int_equal(floor_parse(&again, wr_span(&w)), RC_OK);
	assert_memory_equal(&again, &f, sizeof(f));
	assert_int_equal(floor_get(&again, QUOTE_TDX, b0c0), 18);
	assert_int_equal(floor_get(&again, QUOTE_TDX, NULL), 18);
	assert_int_equal(floor_get(&again, QUOTE_SGX, a067), UINT32_MAX);
	/* Nothing is mixed up with another TEE's or family's. */
	assert_int_equal(floor_get(&again, QUOTE_SGX, b0c0), 0);
	assert_int_equal(floor_get(&again, QUOTE_SGX, NULL), 0);
	assert_int_equal(floor_get(&again, QUOTE_TDX, a067), 0);
}

static void broken_texts_are_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"\n",
		"postern-evaluations 1",
		"postern-evaluations 2\n",
		FIRST "\n",
		FIRST "tdx b0c06f000000 18",
		FIRST "tdx b0c06f000000\n",
		FIRST "tdx b0c06f0000 18\n",
		FIRST "tdx b0c06f000000 -1\n",
		FIRST "tdx b0c06f000000 018\n",
		FIRST "tdx b0c06f000000 4294967296\n",
		FIRST "tdx b0c06f000000 18 \n",
		FIRST "snp b0c06f000000 18\n",
		FIRST "tdx QE 18\n",
		FIRST " tdx qe 18\n",
		FIRST "tdx qe 18\ntdx qe 17\n",
		FIRST "tdx b0c06f000000 18\ntdx B0C06F000000 17\n",
	};
	static struct floor f, untouched;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (floor_parse(&f, span_str(rows[i])) != RC_MALFORMED)
			fail_msg("%zu: %s", i, rows[i]);
		assert_memory_equal(&f, &untouched, sizeof(f));
	}
	assert_int_equal(floor_parse(&f, span_str(FIRST)), RC_OK);
}

/* The bound holds, and what fits within it fits into the file's bound. */
static void as_many_as_there_is_room_for(void **state)
{
	static struct floor f, again;
	char *text = mem_new(FLOOR_TEXT_MAX);
	struct wr w = wr_over(text, FLOOR_TEXT_MAX);
	uint8_t fmspc[6] = { 0 };

	(void)state;
	for (size_t i = 0; i < FLOOR_ENTRIES_MAX; i++) {
		fmspc[0] = (uint8_t)i;
		fmspc[1] = (uint8_t)(i >> 8);
		assert_true(floor_set(&f, QUOTE_TDX, fmspc, UINT32_MAX));
	}
	assert_false(floor_set(&f, QUOTE_SGX, fmspc, 1));
	assert_true(floor_set(&f, QUOTE_TDX, fmspc, 1));
	floor_write(&w, &f);
	assert_false(w.over);
	assert_int_equal(floor_parse(&again, wr_span(&w)), RC_OK);
	wr_str(&w, "sgx qe 1\n");
	assert_int_equal(floor_parse(&again, wr_span(&w)), RC_MALFORMED);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(write_and_read_is_the_identity),
		cmocka_unit_test(broken_texts_are_refused),
		cmocka_unit_test(as_many_as_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
