/* shelf: what is put there is had by others as a whole, and gone when it is taken. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "certd/shelf.h"

static void names_of(struct names *out, const char *name)
{
	*out = (struct names){ 0 };
	assert_int_equal(names_put(out, span_str(name)), RC_OK);
}

static void edge_is(struct shelf *s, const char *want)
{
	struct buf out;

	buf_init(&out, SHELF_ANSWER_MAX);
	assert_int_equal(shelf_edge(s, &out), RC_OK);
	assert_int_equal(out.n, strlen(want));
	assert_memory_equal(buf_span(&out).p, want, out.n);
	buf_fini(&out);
}

static void edge_gets_certificates_and_proofs(void **state)
{
	struct shelf *s = shelf_new();
	struct names names;

	(void)state;
	edge_is(s, "{\"generation\":0,\"certificates\":[],\"proofs\":[],\"answers\":[]}");
	names_of(&names, "*.a.test");
	shelf_put_certificate(s, 0, &names, span_str("CHAIN"), "KEY");
	edge_is(s, "{\"generation\":1,\"certificates\":[{\"names\":[\"*.a.test\"],"
		   "\"chain\":\"CHAIN\",\"key\":\"KEY\"}],\"proofs\":[],\"answers\":[]}");
	assert_int_equal(shelf_put_proof(s, "b.test", span_str("P"), "K"), RC_OK);
	assert_int_equal(shelf_generation(s), 2);
	shelf_hold(s, 0, true);
	edge_is(s, "{\"generation\":3,\"certificates\":[],\"proofs\":[{\"name\":\"b.test\","
		   "\"chain\":\"P\",\"key\":\"K\"}],\"answers\":[]}");
	assert_int_equal(shelf_put_proof(s, "b.test", span_of(NULL, 0), NULL), RC_OK);
	edge_is(s, "{\"generation\":4,\"certificates\":[],\"proofs\":[],\"answers\":[]}");
	shelf_hold(s, 0, true);
	assert_int_equal(shelf_generation(s), 4);
	/* A renewed one is held, too. */
	shelf_put_certificate(s, 0, &names, span_str("NEXT"), "KEY2");
	edge_is(s, "{\"generation\":5,\"certificates\":[],\"proofs\":[],\"answers\":[]}");
	shelf_hold(s, 0, false);
	edge_is(s, "{\"generation\":6,\"certificates\":[{\"names\":[\"*.a.test\"],"
		   "\"chain\":\"NEXT\",\"key\":\"KEY2\"}],\"proofs\":[],\"answers\":[]}");
	shelf_free(s);
}

static void edge_gets_answers(void **state)
{
	struct shelf *s = shelf_new();

	(void)state;
	assert_int_equal(shelf_put_answer(s, "a.test", "t1", "v1"), RC_OK);
	assert_int_equal(shelf_put_answer(s, "a.test", "t2", "v2"), RC_OK);
	assert_int_equal(shelf_put_answer(s, "a.test", "t1", "v3"), RC_OK);
	edge_is(s, "{\"generation\":4,\"certificates\":[],\"proofs\":[],\"answers\":["
		   "{\"name\":\"a.test\",\"token\":\"t2\",\"value\":\"v2\"},"
		   "{\"name\":\"a.test\",\"token\":\"t1\",\"value\":\"v3\"}]}");
	assert_int_equal(shelf_put_answer(s, "b.test", "t1", NULL), RC_OK);
	assert_int_equal(shelf_put_answer(s, "a.test", "t1", NULL), RC_OK);
	edge_is(s, "{\"generation\":5,\"certificates\":[],\"proofs\":[],\"answers\":["
		   "{\"name\":\"a.test\",\"token\":\"t2\",\"value\":\"v2\"}]}");
	shelf_free(s);
}

static void answers_have_a_bound(void **state)
{
	struct shelf *s = shelf_new();
	char token[16];

	(void)state;
	for (int i = 0; i < SHELF_ANSWERS_MAX; i++) {
		(void)snprintf(token, sizeof(token), "t%d", i);
		assert_int_equal(shelf_put_answer(s, "a.test", token, "v"), RC_OK);
	}
	assert_int_equal(shelf_put_answer(s, "a.test", "more", "v"), RC_LIMIT);
	assert_int_equal(shelf_put_answer(s, "a.test", "t3", "w"), RC_OK);
	shelf_free(s);
}

static void proofs_have_a_bound(void **state)
{
	struct shelf *s = shelf_new();
	char name[32];

	(void)state;
	for (int i = 0; i < SHELF_PROOFS_MAX; i++) {
		snprintf(name, sizeof(name), "n%d.test", i);
		assert_int_equal(shelf_put_proof(s, name, span_str("P"), "K"), RC_OK);
	}
	assert_int_equal(shelf_put_proof(s, "more.test", span_str("P"), "K"), RC_LIMIT);
	assert_int_equal(shelf_put_proof(s, "n3.test", span_str("P"), "K"), RC_OK);
	shelf_free(s);
}

static struct shelf_file *one_file(const char *path, const char *body)
{
	struct shelf_file *f = mem_new(sizeof(*f));
	struct buf bytes;

	strcpy(f->path, path);
	f->content_type = "text/plain";
	buf_init(&bytes, 100);
	assert_true(buf_add(&bytes, span_str(body)));
	f->body = shared_of(&bytes);
	return f;
}

static void publishing_replaces_all(void **state)
{
	const struct sha256 first = { { 1 } }, second = { { 2 } };
	struct shelf *s = shelf_new();
	struct sha256 core;
	struct shared *old, *first_reader, *second_reader;
	const char *type;

	(void)state;
	assert_false(shelf_core(s, &core));
	shelf_publish(s, one_file("/evidences/a", "one"), 1, &first);
	old = shelf_get(s, &type, "/evidences/a");
	shelf_publish(s, one_file("/evidences/b", "two"), 1, &second);
	assert_true(shelf_core(s, &core));
	assert_int_equal(core.b[0], 2);
	assert_null(shelf_get(s, &type, "/evidences/a"));
	first_reader = shelf_get(s, &type, "/evidences/b");
	second_reader = shelf_get(s, &type, "/evidences/b");
	assert_string_equal(type, "text/plain");
	shelf_free(s);
	/* Who reads goes on reading what it began with, and all the same bytes. */
	assert_true(span_equal_str(shared_span(old), "one"));
	assert_true(span_equal_str(shared_span(second_reader), "two"));
	assert_ptr_equal(first_reader, second_reader);
	shared_unref(old);
	shared_unref(first_reader);
	shared_unref(second_reader);
}

static void status_has_each_part_once(void **state)
{
	struct shelf *s = shelf_new();
	struct buf out;

	(void)state;
	shelf_put_status(s, "a", span_str("[1]"));
	shelf_put_status(s, "b", span_str("{}"));
	shelf_put_status(s, "a", span_str("[2]"));
	buf_init(&out, 1000);
	assert_int_equal(shelf_status(s, &out), RC_OK);
	assert_true(span_equal_str(buf_span(&out), "{\"a\":[2],\"b\":{}}"));
	buf_fini(&out);
	shelf_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edge_gets_certificates_and_proofs),
		cmocka_unit_test(proofs_have_a_bound),
		cmocka_unit_test(edge_gets_answers),
		cmocka_unit_test(answers_have_a_bound),
		cmocka_unit_test(publishing_replaces_all),
		cmocka_unit_test(status_has_each_part_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
