/* The word of the command line that names the root. */
#include "unit.h"

#include <string.h>

#include "guestinit/bootline.h"

#define HASH "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define SALT "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff000102030405060708090a0b0c0d0e0f"
#define WORD "postern.root=" HASH ":" SALT ":30344"

static void word_read_among_others(void **state)
{
	static const char *const lines[] = {
		WORD,
		"console=ttyS0  panic=-1 " WORD " quiet\n",
		WORD " xpostern.root=1 postern.rootx\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct bootline b = { 0 };

		assert_int_equal(bootline_read(&b, span_str(lines[i])), RC_OK);
		assert_int_equal(b.blocks, 30344);
		assert_int_equal(b.root.b[31], 0x1f);
		assert_int_equal(b.salt.b[0], 0xf0);
	}
}

static void other_forms_refused(void **state)
{
	static const char *const lines[] = {
		"",
		"quiet",
		WORD " " WORD,
		"postern.root=",
		"postern.root=" HASH ":" SALT,
		"postern.root=" HASH ":" SALT ":",
		"postern.root=" HASH ":" SALT ":0",
		"postern.root=" HASH ":" SALT ":4294967297",
		"postern.root=" HASH ":" SALT ":1:",
		"postern.root=" HASH SALT ":1",
		"postern.root=" HASH "0:" SALT ":1",
		"postern.root=" HASH ":" SALT ":+1",
		WORD "\t",
		"postern.root=zz" HASH ":" SALT ":1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct bootline b = { .blocks = 7 };

		if (bootline_read(&b, span_str(lines[i])) != RC_MALFORMED || b.blocks != 7)
			fail_msg("%s", lines[i]);
	}
}

/* As veritysetup makes it of the same: version, devices, block sizes, blocks of
 * data, first block of the tree, algorithm, root, salt. */
static void table_as_the_kernel_wants_it(void **state)
{
	static const char want[] = "1 /dev/vda /dev/vda 4096 4096 30344 30344 sha256 " HASH " " SALT
				   " 1 panic_on_corruption";
	char text[512];
	struct wr w = WR_ARRAY(text);
	struct bootline b = { 0 };

	(void)state;
	assert_int_equal(bootline_read(&b, span_str(WORD)), RC_OK);
	bootline_table(&w, &b, "/dev/vda");
	assert_true(span_equal_str(wr_span(&w), want));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(word_read_among_others),
		cmocka_unit_test(other_forms_refused),
		cmocka_unit_test(table_as_the_kernel_wants_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
