/* The bytes of a proof: which records stand in which section. */
#include "unit.h"

#include "dns/message.h"
#include "dns/proofform.h"

enum {
	ARENA_MAX = 2 * 1024 * 1024,
};

/* An RDATA that is well-formed for each type below. */
static void add_record(struct wr *w, const struct dns_name *owner, uint16_t type)
{
	static const uint8_t caa[] = { 0, 5, 'i', 's', 's', 'u', 'e', ';' };
	static const uint8_t target[] = { 1, 'b', 4, 't', 'e', 's', 't', 0 };
	static const uint8_t soa[22] = { 0 };
	const bool is_alias = type == DNS_CNAME || type == DNS_DNAME;

	dns_write_name(w, owner);
	wr_be16(w, type);
	wr_be16(w, DNS_IN);
	wr_be32(w, 60);
	wr_vec16(w, type == DNS_SOA ? SPAN_ARRAY(soa)
		    : is_alias	    ? SPAN_ARRAY(target)
				    : SPAN_ARRAY(caa));
}

/* A proof of "test" with one record, in the answer or behind it. */
static struct span make_with(struct wr *w, uint16_t type, bool is_authority, struct span chain)
{
	struct wr_mark mark;
	struct dns_name name;

	assert_int_equal(dns_name_parse(&name, span_str("test")), RC_OK);
	proofform_begin(w, 1);
	mark = wr_open(w, 2);
	wr_be16(w, 0);
	wr_be16(w, DNS_FLAG_QR);
	wr_be16(w, 1);
	wr_be16(w, !is_authority);
	wr_be16(w, is_authority);
	wr_be16(w, 0);
	dns_write_name(w, &name);
	wr_be16(w, DNS_CAA);
	wr_be16(w, DNS_IN);
	add_record(w, &name, type);
	wr_close(w, mark);
	proofform_chain(w, chain);
	assert_false(w->over);
	return wr_span(w);
}

static struct span make(struct wr *w, uint16_t type, bool is_authority)
{
	return make_with(w, type, is_authority, (struct span){ 0 });
}

/* Validation takes sets from both sections together; what is read is the
 * answer: a record behind it could be signed for and not seen. */
static void sets_stand_in_the_answer_alone(void **state)
{
	static const struct {
		uint16_t type;
		enum rc answer, authority;
	} cases[] = {
		{ DNS_CAA, RC_OK, RC_MALFORMED },
		{ DNS_CNAME, RC_OK, RC_MALFORMED },
		{ DNS_DNAME, RC_OK, RC_MALFORMED },
		{ DNS_SOA, RC_OK, RC_OK },
		{ DNS_NSEC, RC_OK, RC_OK },
		{ DNS_NSEC3, RC_OK, RC_OK },
		{ DNS_RRSIG, RC_OK, RC_OK },
		{ DNS_TXT, RC_MALFORMED, RC_MALFORMED },
	};
	struct dns_name name;

	(void)state;
	assert_int_equal(dns_name_parse(&name, span_str("test")), RC_OK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int behind = 0; behind < 2; behind++) {
			struct proofform f;
			struct arena arena;
			uint8_t room[512];
			struct wr w = WR_ARRAY(room);
			struct span bytes = make(&w, cases[i].type, behind);

			print_message("type %u, section %d\n", cases[i].type, behind);
			arena_init(&arena, ARENA_MAX);
			assert_int_equal(proofform_read(&f, &arena, bytes, &name),
					 behind ? cases[i].authority : cases[i].answer);
			arena_fini(&arena);
		}
}

static void chain_has_records_of_its_kinds(void **state)
{
	static const struct {
		uint16_t type, class;
		enum rc want;
	} cases[] = {
		{ DNS_DS, DNS_IN, RC_OK },
		{ DNS_DNSKEY, DNS_IN, RC_OK },
		{ DNS_SOA, DNS_IN, RC_OK },
		{ DNS_CNAME, DNS_IN, RC_OK },
		{ DNS_NSEC, DNS_IN, RC_OK },
		{ DNS_NSEC3, DNS_IN, RC_OK },
		{ DNS_RRSIG, DNS_IN, RC_OK },
		{ DNS_CAA, DNS_IN, RC_MALFORMED },
		{ DNS_TXT, DNS_IN, RC_MALFORMED },
		{ DNS_DS, 3, RC_MALFORMED },
	};
	struct dns_name name;

	(void)state;
	assert_int_equal(dns_name_parse(&name, span_str("test")), RC_OK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t room[512], records[128];
		struct wr w = WR_ARRAY(room), r = WR_ARRAY(records);
		struct proofform f = { 0 };
		struct span bytes;
		struct arena arena;

		add_record(&r, &name, cases[i].type);
		records[9] = (uint8_t)cases[i].class; /* behind "test", its end and the type */
		add_record(&r, &name, DNS_RRSIG);
		bytes = make_with(&w, DNS_CAA, false, wr_span(&r));
		arena_init(&arena, ARENA_MAX);
		assert_int_equal(proofform_read(&f, &arena, bytes, &name), cases[i].want);
		assert_int_equal(f.chain_count, cases[i].want ? 0 : 2);
		if (!cases[i].want)
			assert_int_equal(f.chain[0].n + f.chain[1].n, r.n);
		arena_fini(&arena);
	}
}

static void prefixes_and_more_are_refused(void **state)
{
	uint8_t room[512], records[128];
	struct wr w = WR_ARRAY(room), r = WR_ARRAY(records);
	struct dns_name name, deeper;
	struct span bytes;

	(void)state;
	assert_int_equal(dns_name_parse(&name, span_str("test")), RC_OK);
	assert_int_equal(dns_name_parse(&deeper, span_str("a.test")), RC_OK);
	add_record(&r, &name, DNS_DS);
	bytes = make_with(&w, DNS_CAA, false, wr_span(&r));
	for (size_t n = 0; n <= bytes.n + 1; n++) {
		struct proofform f = { 0 };
		struct arena arena;
		enum rc rc;

		room[bytes.n] = 0;
		arena_init(&arena, ARENA_MAX);
		rc = proofform_read(&f, &arena, span_of(room, n), &name);
		if (n == bytes.n)
			assert_int_equal(rc, RC_OK);
		else
			assert_int_equal(rc, RC_MALFORMED);
		assert_int_equal(f.count, n == bytes.n);
		arena_fini(&arena);
	}
	/* It has a level for each label, and fits its room. */
	for (size_t max = 16; max <= ARENA_MAX; max *= 2) {
		struct proofform f = { 0 };
		struct arena arena;
		enum rc rc;

		arena_init(&arena, max);
		assert_int_not_equal(proofform_read(&f, &arena, bytes, &deeper), RC_OK);
		arena_fini(&arena);
		arena_init(&arena, max);
		rc = proofform_read(&f, &arena, bytes, &name);
		assert_true(rc == RC_OK || rc == RC_LIMIT);
		arena_fini(&arena);
	}
}

/* A server that sends them behind the answer: they are left out of the proof. */
static void writing_leaves_them_out(void **state)
{
	uint8_t room[512], again[512];
	struct wr w = WR_ARRAY(room), out = WR_ARRAY(again);
	struct span whole = make(&w, DNS_CAA, true), message, magic;
	struct dns_message m;
	struct dns_name name;
	struct proofform f;
	struct arena arena;

	(void)state;
	arena_init(&arena, ARENA_MAX);
	assert_int_equal(dns_name_parse(&name, span_str("test")), RC_OK);
	assert_true(rd_until(&whole, &magic, '\n') && rd_skip(&whole, 1));
	assert_true(rd_vec16(&whole, &message));
	assert_int_equal(dns_message_read(&m, &arena, message), RC_OK);
	proofform_begin(&out, 1);
	proofform_level(&out, &m, 1);
	proofform_chain(&out, (struct span){ 0 });
	assert_int_equal(proofform_read(&f, &arena, wr_span(&out), &name), RC_OK);
	assert_int_equal(f.levels[0].counts[DNS_ANSWER], 0);
	assert_int_equal(f.levels[0].counts[DNS_AUTHORITY], 0);
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_stand_in_the_answer_alone),
		cmocka_unit_test(chain_has_records_of_its_kinds),
		cmocka_unit_test(prefixes_and_more_are_refused),
		cmocka_unit_test(writing_leaves_them_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
