/* MessagePack: each kind of value at the lengths where its form changes. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "guest/msgpack.h"

enum kind {
	MAP,
	ARRAY,
	TEXT,
	BYTES,
	NUMBER,
	NUMBERS,
};

static void write_one(struct msgpack *m, enum kind kind, uint64_t n, struct span filler)
{
	filler.n = (size_t)n;
	switch (kind) {
	case MAP:
		msgpack_map(m, (size_t)n);
		return;
	case ARRAY:
		msgpack_array(m, (size_t)n);
		return;
	case TEXT:
		msgpack_text(m, filler);
		return;
	case BYTES:
		msgpack_bytes(m, filler);
		return;
	case NUMBER:
		msgpack_number(m, n);
		return;
	case NUMBERS:
		msgpack_numbers(m, filler);
		return;
	}
}

/* The specification's table of formats; of texts and bytes what stands before them. */
static void every_value_has_its_shortest_form(void **state)
{
	static const struct {
		enum kind kind;
		uint64_t n;
		const char *head;
		size_t rest; /* bytes after it */
	} cases[] = {
		{ MAP, 0, "80", 0 },
		{ MAP, 15, "8f", 0 },
		{ MAP, 16, "de0010", 0 },
		{ MAP, 65535, "deffff", 0 },
		{ MAP, 65536, "df00010000", 0 },
		{ ARRAY, 0, "90", 0 },
		{ ARRAY, 15, "9f", 0 },
		{ ARRAY, 16, "dc0010", 0 },
		{ ARRAY, 65536, "dd00010000", 0 },
		{ TEXT, 0, "a0", 0 },
		{ TEXT, 31, "bf", 31 },
		{ TEXT, 32, "d920", 32 },
		{ TEXT, 255, "d9ff", 255 },
		{ TEXT, 256, "da0100", 256 },
		{ TEXT, 65536, "db00010000", 65536 },
		{ BYTES, 0, "c400", 0 },
		{ BYTES, 255, "c4ff", 255 },
		{ BYTES, 256, "c50100", 256 },
		{ BYTES, 65536, "c600010000", 65536 },
		{ NUMBER, 0, "00", 0 },
		{ NUMBER, 127, "7f", 0 },
		{ NUMBER, 128, "cc80", 0 },
		{ NUMBER, 256, "cd0100", 0 },
		{ NUMBER, 65536, "ce00010000", 0 },
		{ NUMBER, 0x08000001, "ce08000001", 0 },
		{ NUMBER, 1ULL << 32, "cf0000000100000000", 0 },
		{ NUMBER, UINT64_MAX, "cfffffffffffffffff", 0 },
		{ NUMBERS, 3, "93cc80cc80cc80", 0 },
	};
	uint8_t *filler = mem_new(65536);

	(void)state;
	memset(filler, 0x80, 65536);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO(buf_fini)
		struct buf out = { 0 };
		struct msgpack m = msgpack_to(&out);
		uint8_t want[16];
		size_t n = 0;

		buf_init(&out, 70000);
		write_one(&m, cases[i].kind, cases[i].n, span_of(filler, 0));
		assert_true(msgpack_done(&m));
		assert_true(text_hex_decode_any(want, sizeof(want), &n, span_str(cases[i].head)));
		if (buf_span(&out).n != n + cases[i].rest ||
		    memcmp(buf_span(&out).p, want, n) != 0)
			fail_msg("case %zu", i);
	}
	free(filler);
}

static void what_does_not_fit_is_remembered(void **state)
{
	AUTO(buf_fini)
	struct buf out = { 0 };
	struct msgpack m = msgpack_to(&out);

	(void)state;
	buf_init(&out, 4);
	msgpack_str(&m, "abc");
	assert_true(msgpack_done(&m));
	msgpack_str(&m, "d");
	assert_false(msgpack_done(&m));
	msgpack_map(&m, 0); /* nor is anything written after it */
	assert_false(msgpack_done(&m));
	assert_int_equal(buf_span(&out).n, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_has_its_shortest_form),
		cmocka_unit_test(what_does_not_fit_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
