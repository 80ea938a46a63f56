/* json: members in the forms that all commands print alike; files of JSON. */
#include "unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/json.h"
#include "folder.h"
#include "io/file.h"

static void members_have_one_form(void **state)
{
	AUTO(jfree)
	json_t *o = json_object(), *list = json_array();
	AUTO(mem_auto_free)
	char *text = NULL;

	(void)state;
	jset_text(o, "text", "");
	jset_text(o, "no utf-8", "\xff");
	jset_text_if_any(o, "none", "");
	jset_text_if_any(o, "any", "x");
	jset_hex(o, "hex", span_of("\x00\xab\xFF", 3));
	jset_hex(o, "no bytes", (struct span){ 0 });
	jset_bits(o, "bits", 0x1e7);
	jset_time(o, "at", 1'751'328'000);
	jset_time(o, "never", 0);
	jadd(list, json_true());
	jset(o, "list", list);
	text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	assert_string_equal(text, "{\"any\":\"x\",\"at\":\"2025-07-01T00:00:00Z\","
				  "\"bits\":\"00000000000001e7\",\"hex\":\"00abff\","
				  "\"list\":[true],\"never\":null,\"no bytes\":\"\","
				  "\"no utf-8\":null,\"none\":null,\"text\":\"\"}");
	assert_string_equal(jtext(o, "any"), "x");
	assert_string_equal(jtext(o, "list"), "");
	assert_string_equal(jtext(o, "absent"), "");
	assert_string_equal(jtext(NULL, "any"), "");
	jset(o, "yes", json_true());
	assert_true(jtrue(o, "yes"));
	assert_false(jtrue(o, "any") || jtrue(o, "absent"));
}

/* Nobody writes to the FIFO: who waits is ended by the alarm. */
static void files_are_loaded_or_not(void **state)
{
	struct folder f;
	char path[128];
	json_t *root;

	(void)state;
	folder_make(&f);
	assert_null(jload(folder_file(path, &f, "absent")));
	assert_int_equal(mkfifo(folder_file(path, &f, "fifo"), 0600), 0);
	alarm(10);
	assert_null(jload(path));
	alarm(0);
	folder_file(path, &f, "half");
	assert_int_equal(file_replace(path, span_str("{\"a\":"), 0600), RC_OK);
	assert_null(jload(path));
	assert_int_equal(file_replace(path, span_str("{\"a\":\"b\"}"), 0600), RC_OK);
	root = jload(path);
	assert_string_equal(jtext(root, "a"), "b");
	json_decref(root);
	folder_remove(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_have_one_form),
		cmocka_unit_test(files_are_loaded_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
