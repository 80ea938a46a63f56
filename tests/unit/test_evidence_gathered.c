/* What a visitor saw: written, read, and what is refused. */
#include "unit.h"

#include <string.h>

#include "base/text.h"
#include "evidence/gathered.h"
#include "json_odd.h"

#define S(text) \
	{ \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}

static const struct span bytes[] = { S("one"), S("") };
static const struct gathered_level levels[] = {
	{ S("www.example.org"), S("www.target.example"), DNS_SECURE, bytes, 2 },
	{ S("org"), S("org"), DNS_FAILED, NULL, 0 },
};
static const struct material_cert certs[] = { { S("der"), S("issuer") }, { S("der"), S("") } };
static const struct material_source sources[] = {
	{ S("crt.sh"), MATERIAL_WHOLE, certs, 2 },
	{ S("certspotter"), MATERIAL_CUT, NULL, 0 },
};
static const struct sha256 proof[] = { { { 3 } } };
static const struct gathered_growth growth[] = {
	{ .log_id = { { 1 } },
	  .from = 7,
	  .head = S("log\n8\nAA\n"),
	  .proof = proof,
	  .proof_count = 1 },
};
static const struct gathered whole = {
	.host = S("www.example.org"),
	.at = 1'800'000'000,
	.tls = { .is_there = true,
		 .is_tls13 = true,
		 .has_exporter = true,
		 .exporter = { 4 },
		 .chain = bytes,
		 .chain_count = 1,
		 .redirect = S("other.example") },
	.nonce = { .b = { 9 }, .n = 32 },
	.bundle = S("{}"),
	.answer = S("{\"v\":2}"),
	.files = { .item = { { S("sha256sum.txt"), S("x") } }, .count = 1 },
	.collateral = { .item = { { S("tcb_info.json"), S("y") } }, .count = 1 },
	.log_list = S("list"),
	.log_list_signature = S("sig"),
	.has_dns = true,
	.levels = levels,
	.level_count = 2,
	.persist = { true, DNS_INSECURE, bytes, 1 },
	.challenge = S("x.acme.example"),
	.sources = sources,
	.source_count = 2,
	.crls = bytes,
	.crl_count = 1,
	.growth = growth,
	.growth_count = 1,
};

static void written_and_read_is_the_identity(void **state)
{
	static struct gathered g;
	struct arena arena;
	struct buf out, again;

	(void)state;
	arena_init(&arena, 1024 * 1024);
	buf_init(&out, 64 * 1024);
	buf_init(&again, 64 * 1024);
	assert_int_equal(gathered_write(&out, &whole), RC_OK);
	assert_int_equal(gathered_read(&g, &arena, buf_span(&out)), RC_OK);
	assert_true(span_equal(g.host, whole.host));
	assert_true(g.tls.is_tls13 && g.tls.has_exporter && !g.tls.is_plain);
	assert_memory_equal(g.tls.exporter, whole.tls.exporter, 32);
	assert_int_equal(g.level_count, 2);
	assert_int_equal(g.levels[0].trust, DNS_SECURE);
	assert_int_equal(g.levels[1].trust, DNS_FAILED);
	assert_int_equal(g.levels[0].count, 2);
	assert_true(span_equal(g.persist.texts[0], bytes[0]));
	assert_int_equal(g.sources[1].state, MATERIAL_CUT);
	assert_true(span_equal(g.sources[0].certs[0].issuer, certs[0].issuer));
	assert_int_equal(g.growth[0].from, 7);
	assert_true(span_equal(g.growth[0].head, growth[0].head));
	assert_true(span_equal(g.log_list_signature, whole.log_list_signature));
	assert_int_equal(gathered_write(&again, &g), RC_OK);
	assert_true(span_equal(buf_span(&again), buf_span(&out)));
	arena_fini(&arena);
	buf_fini(&out);
	buf_fini(&again);
}

static void nothing_seen_is_kept_too(void **state)
{
	static struct gathered g;
	static const struct gathered little = { .host = S("a.example"), .at = 1 };
	struct arena arena;
	struct buf out;

	(void)state;
	arena_init(&arena, 1024 * 1024);
	buf_init(&out, 4096);
	assert_int_equal(gathered_write(&out, &little), RC_OK);
	assert_int_equal(gathered_read(&g, &arena, buf_span(&out)), RC_OK);
	assert_false(g.has_dns || g.tls.is_there);
	assert_int_equal(g.bundle.n, 0);
	for (size_t n = 0; n < buf_span(&out).n; n++) {
		arena_fini(&arena);
		assert_int_equal(gathered_read(&g, &arena, span_of(buf_span(&out).p, n)),
				 RC_MALFORMED);
	}
	arena_fini(&arena);
	buf_fini(&out);
	buf_init(&out, 64);
	assert_int_equal(gathered_write(&out, &little), RC_LIMIT);
	assert_int_equal(buf_span(&out).n, 0);
	buf_fini(&out);
}

static void a_servers_bundle_is_not_such_a_file(void **state)
{
	static struct gathered g;
	struct arena arena;
	const struct cmw *top;

	(void)state;
	arena_init(&arena, 1024 * 1024);
	assert_int_equal(cmw_read(&top, &arena, span_str("{\"core\":[\"a/b\",\"AA\"]}")), RC_OK);
	assert_false(gathered_is(top));
	assert_int_equal(gathered_read(&g, &arena, span_str("{\"core\":[\"a/b\",\"AA\"]}")),
			 RC_MALFORMED);
	arena_fini(&arena);
}

static enum rc read_whole(struct arena *arena, struct span text)
{
	static struct gathered g, before;
	enum rc rc;

	memset(&g, 0xa5, sizeof(g));
	before = g;
	rc = gathered_read(&g, arena, text);
	if (rc)
		assert_memory_equal(&g, &before, sizeof(g));
	return rc;
}

/* "seen" is JSON in base64. */
static enum rc read_seen_alone(struct arena *arena, struct span text)
{
	char *document = malloc(4 * text.n + 200);
	struct wr w = wr_over(document, 4 * text.n + 200);
	enum rc rc;

	wr_str(&w, "{\"__cmwc_t\":\"2.25.214996118928484339226540397997355506744\","
		   "\"seen\":[\"application/json\",\"");
	text_base64url(&w, text);
	wr_str(&w, "\"]}");
	rc = read_whole(arena, wr_span(&w));
	free(document);
	return rc;
}

static void members_of_what_was_seen(void **state)
{
	/* What a visitor saw is judged later; lists may be of any length, and
	 * what is not known is skipped. */
	static const char *const may[] = {
		"* more", ".host text", ".at 7",
		".tls.there true", ".tls.plain true",
		".tls.bound true", ".tls.tls13 true", ".tls.redirect text",
		".tls.chain array", ".tls.chain.0 gone", ".tls.chain.0 twice",
		".dns gone", ".dns.*s array", ".dns.*.[01] gone",
		".dns.*.[01] twice", ".dns.levels.?.name text", ".dns.levels.?.at text",
		".dns.*asked true", ".dns.challenge text", ".sources*s array",
		".sources array", ".sources*.[01] gone", ".sources*.[01] twice",
		".sources.?.name text", ".growth array", ".growth*.[01] gone",
		".growth*.[01] twice", ".growth.0.from 7", ".growth.0.head text",
		".growth.0.proof array", ".crls array", ".crls.0 gone",
		".crls.0 twice", NULL
	};
	const struct cmw *top;
	struct arena arena;
	struct span seen;
	struct buf out;

	(void)state;
	arena_init(&arena, 1024 * 1024);
	buf_init(&out, 64 * 1024);
	assert_int_equal(gathered_write(&out, &whole), RC_OK);
	assert_int_equal(cmw_read(&top, &arena, buf_span(&out)), RC_OK);
	seen = cmw_value(top, "seen");
	odd_in_arena(read_seen_alone, seen, may);
	arena_fini(&arena);
	buf_fini(&out);
}

static void members_one_by_one(void **state)
{
	static const char *const may[] = { "*.0 text",
					   ".bundle gone",
					   ".answer gone",
					   ".log-list gone",
					   ".log-list-signature gone",
					   ".files gone",
					   ".collateral gone",
					   NULL };
	struct buf out;

	(void)state;
	buf_init(&out, 64 * 1024);
	assert_int_equal(gathered_write(&out, &whole), RC_OK);
	odd_in_arena(read_whole, buf_span(&out), may);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_and_read_is_the_identity),
		cmocka_unit_test(nothing_seen_is_kept_too),
		cmocka_unit_test(a_servers_bundle_is_not_such_a_file),
		cmocka_unit_test(members_one_by_one),
		cmocka_unit_test(members_of_what_was_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
