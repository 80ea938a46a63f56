/* pinned: which accounts CAA names is not forgotten while their CA is silent. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "certd/pinned.h"

static struct pinned *made(void)
{
	struct pinned *p = mem_new(sizeof(*p));

	p->count = 2;
	strcpy(p->of[0].url, "https://ca.test/acct/1");
	strcpy(p->of[0].issuer[0], "ca.test");
	p->of[0].issuer_count = 1;
	strcpy(p->of[1].url, "https://other.test/acct/2");
	strcpy(p->of[1].issuer[0], "other.test");
	strcpy(p->of[1].issuer[1], "also.test");
	p->of[1].issuer_count = 2;
	return p;
}

static void accounts_are_found_by_their_url(void **state)
{
	struct pinned *p = made(), *q = made();
	struct pins_account a = { .url = "x" };

	(void)state;
	assert_false(pinned_find(&a, p, "https://ca.test/acct/2"));
	assert_string_equal(a.url, "x");
	assert_true(pinned_find(&a, p, "https://other.test/acct/2"));
	assert_string_equal(a.issuer[1], "also.test");
	assert_true(pinned_equal(p, q));
	strcpy(q->of[1].issuer[1], "more.test");
	assert_false(pinned_equal(p, q));
	q->count = 1;
	assert_false(pinned_equal(p, q));
	free(p);
	free(q);
}

static void document_is_read_back_and_its_prefixes_are_not(void **state)
{
	static const char *const wrong[] = {
		"{\"v\":2,\"accounts\":[]}",
		"{\"v\":1}",
		"{\"v\":1,\"accounts\":[{\"url\":\"\",\"issuers\":[\"a\"]}]}",
		"{\"v\":1,\"accounts\":[{\"url\":\"u\",\"issuers\":[]}]}",
		"{\"v\":1,\"accounts\":[{\"url\":\"u\",\"issuers\":[1]}]}",
		"{\"v\":1,\"accounts\":[{\"issuers\":[\"a\"]}]}",
	};
	struct pinned *p = made(), *back = mem_new(sizeof(*back));
	struct buf json;

	(void)state;
	buf_init(&json, PINNED_STATE_MAX);
	assert_int_equal(pinned_write(&json, p), RC_OK);
	assert_int_equal(pinned_read(back, buf_span(&json)), RC_OK);
	assert_true(pinned_equal(p, back));
	for (size_t n = 0; n < json.n; n++)
		assert_int_equal(pinned_read(back, span_of(buf_span(&json).p, n)), RC_MALFORMED);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(pinned_read(back, span_str(wrong[i])), RC_MALFORMED);
	assert_true(pinned_equal(p, back));
	buf_fini(&json);
	free(p);
	free(back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accounts_are_found_by_their_url),
		cmocka_unit_test(document_is_read_back_and_its_prefixes_are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
