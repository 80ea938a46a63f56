/* Messages read strictly: every prefix refused, aliases followed, updates as RFC 2136 lays them
 * out. */
#include "unit.h"

#include <stdlib.h>

#include "dns/message.h"
#include "dns/update.h"

enum {
	ARENA_MAX = 2 * 1024 * 1024,
};

static struct dns_name name(const char *text)
{
	struct dns_name n = { 0 };

	assert_int_equal(dns_name_parse(&n, span_str(text)), RC_OK);
	return n;
}

/* An answer for a.test CAA: a CNAME with a pointer, a CAA record at its target, an OPT record with
 * the extended rcode's upper bits zero. */
static const uint8_t answer[] = { 0x12, 0x34, 0x84, 0x00, 0, 1, 0, 2, 0, 0, 0, 1,
				  /* 12: a.test CAA IN */
				  1, 'a', 4, 't', 'e', 's', 't', 0, 1, 1, 0, 1,
				  /* 24: a.test CNAME b.test */
				  0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 4, 1, 'b', 0xc0, 14,
				  /* 40: b.test CAA 0 issue ";" */
				  0xc0, 36, 1, 1, 0, 1, 0, 0, 0, 30, 0, 8, 0, 5, 'i', 's', 's', 'u',
				  'e', ';',
				  /* 60: OPT */
				  0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0 };

static void answer_is_read(void **state)
{
	struct dns_name a = name("a.test"), b = name("b.test");
	struct dns_found found;
	struct dns_message m;
	struct arena arena;

	(void)state;
	arena_init(&arena, ARENA_MAX);
	assert_int_equal(dns_message_read(&m, &arena, SPAN_ARRAY(answer)), RC_OK);
	assert_int_equal(m.id, 0x1234);
	assert_int_equal(m.rcode, DNS_NOERROR);
	assert_int_equal(m.counts[DNS_ANSWER], 2);
	assert_true(dns_message_answers(&m, 0x1234, &a, DNS_CAA));
	assert_false(dns_message_answers(&m, 0x1235, &a, DNS_CAA));
	assert_false(dns_message_answers(&m, 0x1234, &b, DNS_CAA));
	assert_false(dns_message_answers(&m, 0x1234, &a, DNS_TXT));
	assert_int_equal(dns_message_find(&found, &arena, &m, &a, DNS_CAA), RC_OK);
	assert_true(found.is_alias && dns_name_equal(&found.at, &b));
	assert_int_equal(found.count, 1);
	assert_int_equal(found.ttl, 30);
	assert_int_equal(dns_message_find(&found, &arena, &m, &a, DNS_CNAME), RC_OK);
	assert_int_equal(found.count, 1);
	assert_true(span_equal(found.rdatas[0], dns_name_wire(&b)));
	arena_fini(&arena);
}

static void query_is_read_back(void **state)
{
	struct dns_name a = name("a.test");
	uint8_t room[128];

	(void)state;
	for (int dnssec = 0; dnssec < 2; dnssec++) {
		const struct dns_ask ask = { 7, dnssec == 0, dnssec == 1 };
		struct wr w = WR_ARRAY(room);
		struct dns_message m;
		struct arena arena;

		arena_init(&arena, ARENA_MAX);
		dns_message_query(&w, &ask, &a, DNS_CAA);
		assert_false(w.over);
		/* RFC 6891 §6.1.3: DO is the upper bit of the lower half. */
		assert_int_equal(room[w.n - 4], dnssec ? 0x80 : 0);
		room[2] |= 0x80; /* as an answer */
		assert_int_equal(dns_message_read(&m, &arena, wr_span(&w)), RC_OK);
		assert_true(dns_message_answers(&m, 7, &a, DNS_CAA));
		assert_int_equal(room[2] & 1, dnssec == 0);
		arena_fini(&arena);
	}
}

static void addresses_have_their_length(void **state)
{
	static const struct {
		uint16_t type;
		uint8_t len;
		enum rc want;
	} cases[] = {
		{ DNS_A, 4, RC_OK },
		{ DNS_A, 3, RC_MALFORMED },
		{ DNS_A, 5, RC_MALFORMED },
		{ DNS_AAAA, 16, RC_OK },
		{ DNS_AAAA, 4, RC_MALFORMED },
	};
	struct dns_name a = name("a.test");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		static const uint8_t zeros[16] = { 0 };
		uint8_t room[128];
		struct wr w = WR_ARRAY(room);
		struct dns_message m;
		struct arena arena;

		arena_init(&arena, ARENA_MAX);
		wr_be16(&w, 1);
		wr_be16(&w, DNS_FLAG_QR);
		wr_be16(&w, 1);
		wr_be16(&w, 1);
		wr_be16(&w, 0);
		wr_be16(&w, 0);
		dns_write_name(&w, &a);
		wr_be16(&w, cases[i].type);
		wr_be16(&w, DNS_IN);
		dns_write_record(&w, &(struct dns_record){
					     .owner = a,
					     .type = cases[i].type,
					     .class = DNS_IN,
					     .rdata = span_of(zeros, cases[i].len),
				     });
		assert_false(w.over);
		assert_int_equal(dns_message_read(&m, &arena, wr_span(&w)), cases[i].want);
		arena_fini(&arena);
	}
}

/* RFC 2308 §4: the last of its five numbers. */
static void soa_tells_how_long_nothing_is_remembered(void **state)
{
	static const uint8_t rdata[] = { 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0,
					 0, 0, 3, 0, 0, 0, 4, 0, 0, 1, 5 };
	struct dns_name a = name("test");
	uint8_t room[128];
	struct wr w = WR_ARRAY(room);
	struct dns_message m;
	struct arena arena;

	(void)state;
	arena_init(&arena, ARENA_MAX);
	wr_be16(&w, 1);
	wr_be16(&w, DNS_FLAG_QR);
	wr_be16(&w, 0);
	wr_be16(&w, 0);
	wr_be16(&w, 1);
	wr_be16(&w, 0);
	dns_write_record(&w, &(struct dns_record){
				     .owner = a,
				     .type = DNS_SOA,
				     .class = DNS_IN,
				     .rdata = SPAN_ARRAY(rdata),
			     });
	assert_int_equal(dns_message_read(&m, &arena, wr_span(&w)), RC_OK);
	assert_int_equal(m.counts[DNS_AUTHORITY], 1);
	assert_int_equal(dns_soa_minimum(&m, &m.records[DNS_AUTHORITY][0]), 261);
	assert_string_equal(dns_rcode_name(3), "NXDOMAIN");
	assert_string_equal(dns_rcode_name(99), dns_rcode_name(98));
	arena_fini(&arena);
}

static void every_prefix_is_refused(void **state)
{
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(answer); n++) {
		uint8_t *copy = malloc(n ? n : 1);
		struct dns_message m = { .id = 7 };
		struct arena arena;

		memcpy(copy, answer, n);
		arena_init(&arena, ARENA_MAX);
		assert_int_equal(dns_message_read(&m, &arena, span_of(copy, n)), RC_MALFORMED);
		assert_int_equal(m.id, 7);
		arena_fini(&arena);
		free(copy);
	}
}

static const struct {
	const char *what;
	size_t at;
	uint8_t value;
	enum rc want;
} changes[] = {
	{ "two_questions", 5, 2, RC_MALFORMED },
	{ "one_record_fewer", 7, 1, RC_MALFORMED },
	{ "one_record_more", 11, 2, RC_MALFORMED },
	{ "pointer_to_itself", 25, 24, RC_MALFORMED },
	{ "rdata_of_a_cname_too_long", 35, 5, RC_MALFORMED },
	{ "rdata_of_a_cname_too_short", 35, 3, RC_MALFORMED },
	{ "opt_with_a_name", 60, 1, RC_MALFORMED },
	{ "extended_rcode", 65, 1, RC_OK },
};

static void changed_answers(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		uint8_t copy[sizeof(answer)];
		struct dns_message m;
		struct arena arena;

		memcpy(copy, answer, sizeof(copy));
		copy[changes[i].at] = changes[i].value;
		arena_init(&arena, ARENA_MAX);
		if (dns_message_read(&m, &arena, SPAN_ARRAY(copy)) != changes[i].want)
			fail_msg("%s", changes[i].what);
		if (!strcmp(changes[i].what, "extended_rcode"))
			assert_int_equal(m.rcode, 16);
		arena_fini(&arena);
	}
}

static void meta_records_have_their_place(void **state)
{
	static const uint8_t opt_in_answer[] = { 0, 0, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0,
						 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0 };
	static const uint8_t two_opts[] = { 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 2,
					    0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0, 0,
					    0, 41, 4, 208, 0, 0, 0, 0, 0, 0 };
	static const uint8_t tsig_first[] = { 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 2,
					      0, 0, 250, 0, 255, 0, 0, 0, 0, 0, 0, 0,
					      0, 41, 4, 208, 0, 0, 0, 0, 0, 0 };
	const struct span bad[] = { SPAN_ARRAY(opt_in_answer), SPAN_ARRAY(two_opts),
				    SPAN_ARRAY(tsig_first) };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct dns_message m;
		struct arena arena;

		arena_init(&arena, ARENA_MAX);
		assert_int_equal(dns_message_read(&m, &arena, bad[i]), RC_MALFORMED);
		arena_fini(&arena);
	}
}

/* Builds an answer section and follows it from a.test. */
static enum rc follow(struct dns_found *found, struct arena *arena, const char *const (*records)[3])
{
	uint8_t bytes[2048];
	struct wr w = WR_ARRAY(bytes);
	struct dns_name start = name("a.test");
	struct dns_message m;
	uint16_t n = 0;
	char *copy;

	wr_be32(&w, 0x8400);
	wr_zero(&w, 8);
	for (; records[n][0]; n++) {
		struct dns_name target = name(records[n][2]);
		struct dns_record r = { .owner = name(records[n][0]),
					.class = DNS_IN,
					.ttl = 9,
					.rdata = dns_name_wire(&target) };

		r.type = records[n][1][0] == 'C'   ? DNS_CNAME
			 : records[n][1][0] == 'D' ? DNS_DNAME
						   : DNS_CAA;
		dns_write_record(&w, &r);
	}
	bytes[7] = (uint8_t)n;
	copy = arena_dup(arena, wr_span(&w));
	assert_int_equal(dns_message_read(&m, arena, span_of(copy, w.n)), RC_OK);
	return dns_message_find(found, arena, &m, &start, DNS_CAA);
}

static void aliases(void **state)
{
	static const struct {
		const char *what;
		const char *records[6][3];
		enum rc want;
		const char *at;
		size_t count;
	} cases[] = {
		{ "none", { { "a.test", "X", "x" } }, RC_OK, "a.test", 1 },
		{ "in_any_order",
		  { { "c.test", "X", "x" },
		    { "b.test", "C", "c.test" },
		    { "a.test", "C", "b.test" } },
		  RC_OK,
		  "c.test",
		  1 },
		{ "of_another_name",
		  { { "z.test", "C", "b.test" }, { "b.test", "X", "x" } },
		  RC_OK,
		  "a.test",
		  0 },
		{ "dname",
		  { { "test", "D", "other.org" }, { "a.other.org", "X", "x" } },
		  RC_OK,
		  "a.other.org",
		  1 },
		{ "dname_before_its_own_cname",
		  { { "test", "D", "other.org" },
		    { "a.test", "C", "evil.org" },
		    { "a.other.org", "X", "x" } },
		  RC_OK,
		  "a.other.org",
		  1 },
		{ "dname_says_nothing_of_its_own_name",
		  { { "a.test", "D", "other.org" } },
		  RC_OK,
		  "a.test",
		  0 },
		{ "circle",
		  { { "a.test", "C", "b.test" }, { "b.test", "C", "a.test" } },
		  RC_MALFORMED,
		  "",
		  0 },
		{ "two_at_one_name",
		  { { "a.test", "C", "b.test" }, { "a.test", "C", "c.test" } },
		  RC_MALFORMED,
		  "",
		  0 },
		{ "dname_into_itself", { { "test", "D", "x.test" } }, RC_MALFORMED, "", 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct dns_found found;
		struct arena arena;
		char at[DNS_NAME_TEXT];

		arena_init(&arena, ARENA_MAX);
		if (follow(&found, &arena, cases[i].records) != cases[i].want)
			fail_msg("%s", cases[i].what);
		if (!cases[i].want) {
			dns_name_text(at, &found.at);
			assert_string_equal(at, cases[i].at);
			assert_int_equal(found.count, cases[i].count);
		}
		arena_fini(&arena);
	}
}

/* RFC 2136 §2.4, §2.5: class and TTL of each kind of condition and change. */
static void updates_are_laid_out(void **state)
{
	struct dns_name zone = name("test"), a = name("a.test");
	const struct span rdata = span_str("\1x");
	uint8_t bytes[512];
	struct dns_update u;
	struct dns_message m;
	struct arena arena;
	struct span message;
	static const struct {
		enum dns_section section;
		size_t at;
		uint16_t class;
		uint32_t ttl;
		size_t n;
	} want[] = {
		{ DNS_ANSWER, 0, DNS_IN, 0, 2 },
		{ DNS_ANSWER, 1, DNS_CLASS_NONE, 0, 0 },
		{ DNS_ANSWER, 2, DNS_CLASS_ANY, 0, 0 },
		{ DNS_AUTHORITY, 0, DNS_CLASS_ANY, 0, 0 },
		{ DNS_AUTHORITY, 1, DNS_CLASS_NONE, 0, 2 },
		{ DNS_AUTHORITY, 2, DNS_IN, 77, 2 },
	};
	size_t i;

	(void)state;
	dns_update_begin(&u, bytes, sizeof(bytes), 0x4242, &zone);
	dns_update_if_same(&u, &a, DNS_TXT, &rdata, 1);
	dns_update_if_same(&u, &a, DNS_CAA, NULL, 0);
	dns_update_if_any(&u, &a, DNS_A);
	dns_update_delete_set(&u, &a, DNS_CAA);
	dns_update_delete(&u, &a, DNS_TXT, rdata);
	dns_update_add(&u, &a, DNS_TXT, 77, rdata);
	assert_true(dns_update_end(&u, &message));
	arena_init(&arena, ARENA_MAX);
	assert_int_equal(dns_message_read(&m, &arena, message), RC_OK);
	assert_int_equal(m.opcode, DNS_OPCODE_UPDATE);
	assert_true(m.has_question && m.qtype == DNS_SOA && dns_name_equal(&m.qname, &zone));
	for (i = 0; i < sizeof(want) / sizeof(*want); i++) {
		const struct dns_record *r = &m.records[want[i].section][want[i].at];

		assert_int_equal(r->class, want[i].class);
		assert_int_equal(r->ttl, want[i].ttl);
		assert_int_equal(r->rdata.n, want[i].n);
	}
	assert_int_equal(m.counts[DNS_ADDITIONAL], 0);
	arena_fini(&arena);
	dns_update_begin(&u, bytes, 20, 1, &zone);
	dns_update_delete_set(&u, &a, DNS_CAA);
	assert_false(dns_update_end(&u, &message));
}

static void texts_are_cut_into_strings(void **state)
{
	uint8_t text[600], bytes[700], again[700];
	struct wr w = WR_ARRAY(bytes), joined = WR_ARRAY(again);

	(void)state;
	memset(text, 'x', sizeof(text));
	dns_txt_write(&w, SPAN_ARRAY(text));
	assert_int_equal(w.n, 603);
	assert_true(dns_txt_join(&joined, wr_span(&w)));
	assert_true(span_equal(wr_span(&joined), SPAN_ARRAY(text)));
	assert_false(dns_txt_join(&joined, span_of(bytes, 602)));
	w = WR_ARRAY(bytes);
	dns_txt_write(&w, (struct span){ 0 });
	assert_int_equal(w.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_is_read),
		cmocka_unit_test(query_is_read_back),
		cmocka_unit_test(addresses_have_their_length),
		cmocka_unit_test(soa_tells_how_long_nothing_is_remembered),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(changed_answers),
		cmocka_unit_test(meta_records_have_their_place),
		cmocka_unit_test(aliases),
		cmocka_unit_test(updates_are_laid_out),
		cmocka_unit_test(texts_are_cut_into_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
