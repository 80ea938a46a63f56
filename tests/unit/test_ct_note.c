/* note, witness: the specifications' examples, notes refused, and policies:
 * too few witnesses, one twice (A54). */
#include "unit.h"

#include "base/text.h"
#include "ct/witness.h"
#include "vectors.h"
#include "web_pki.h"

/* signed-note's own example; its key is not given there. */
static const char poem[] =
	"Ognuno sta solo sul cuor della terra\n"
	"trafitto da un raggio di sole:\n"
	"\n"
	"ed \xc3\xa8 subito sera.\n"
	"\n"
	"\xe2\x80\x94 quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+"
	"EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n";

static void example_parsed(void **state)
{
	struct note n;

	(void)state;
	assert_int_equal(note_parse(&n, span_str(poem)), RC_OK);
	assert_int_equal(n.count, 1);
	assert_true(span_equal_str(n.signature[0].name, "quasimodo.example/salvatore"));
	assert_int_equal(n.signature[0].key_id, 0x367ba04b);
	assert_true(span_has_prefix(n.text, span_str("Ognuno")));
	assert_int_equal(n.text.p[n.text.n - 1], '\n');
	assert_int_equal(n.text.p[n.text.n - 2], '.');
	for (size_t cut = 0; cut < sizeof(poem) - 1; cut++) {
		uint8_t *part = vector_copy(span_of(poem, cut));

		assert_int_equal(note_parse(&n, span_of(part, cut)), RC_MALFORMED);
		free(part);
	}
}

#define DASH "\xe2\x80\x94 "

static void notes_refused(void **state)
{
	static const struct {
		const char *name, *text;
	} cases[] = {
		{ "no_signature", "text\n\n" },
		{ "no_empty_line", "text\n" DASH "a AAAAAAA=\n" },
		{ "no_text", "\n" DASH "a AAAAAAA=\n" },
		{ "hyphen_for_a_dash", "text\n\n- a AAAAAAA=\n" },
		{ "no_name", "text\n\n" DASH " AAAAAAA=\n" },
		{ "plus_in_the_name", "text\n\n" DASH "a+b AAAAAAA=\n" },
		{ "wide_space_in_the_name", "text\n\n" DASH "a\xc2\xa0"
					    "b AAAAAAA=\n" },
		{ "only_a_key_id", "text\n\n" DASH "a AAAAAA==\n" },
		{ "base64_not_padded", "text\n\n" DASH "a AAAAAAA\n" },
		{ "tab", "te\txt\n\n" DASH "a AAAAAAA=\n" },
		{ "carriage_return", "text\r\n\n" DASH "a AAAAAAA=\n" },
		{ "not_utf8", "te\xffxt\n\n" DASH "a AAAAAAA=\n" },
		{ "utf8_too_long", "te\xc0\x80xt\n\n" DASH "a AAAAAAA=\n" },
		{ "surrogate", "te\xed\xa0\x80xt\n\n" DASH "a AAAAAAA=\n" },
	};
	struct note n = { .count = 77 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].name);
		assert_int_equal(note_parse(&n, span_str(cases[i].text)), RC_MALFORMED);
		assert_int_equal(n.count, 77);
	}
	assert_int_equal(note_parse(&n, span_str("text\n\n" DASH "a AAAAAAA=\n")), RC_OK);
}

static void sixteen_signatures_are_taken(void **state)
{
	char text[8192];
	struct wr w = WR_ARRAY(text);
	struct note n;

	(void)state;
	wr_str(&w, "text\n\n");
	for (int i = 0; i < NOTE_SIGNATURES_MAX; i++)
		wr_printf(&w, DASH "n%d AAAAAAA=\n", i);
	assert_int_equal(note_parse(&n, wr_span(&w)), RC_OK);
	assert_int_equal(n.count, NOTE_SIGNATURES_MAX);
	wr_str(&w, DASH "more AAAAAAA=\n");
	assert_int_equal(note_parse(&n, wr_span(&w)), RC_LIMIT);
}

static void checkpoints(void **state)
{
	static const struct {
		const char *name, *text;
		enum rc want;
	} cases[] = {
		{ "specification",
		  "example.com/behind-the-sofa\n20852163\n"
		  "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
		  RC_OK },
		{ "extension_lines",
		  "o\n0\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\nmore\nlines\n", RC_OK },
		{ "leading_zero", "o\n07\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
		  RC_MALFORMED },
		{ "negative", "o\n-7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
		  RC_MALFORMED },
		{ "too_large",
		  "o\n18446744073709551616\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
		  RC_MALFORMED },
		{ "short_root", "o\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n",
		  RC_MALFORMED },
		{ "no_origin", "\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
		  RC_MALFORMED },
		{ "no_newline", "o\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
		  RC_MALFORMED },
		{ "empty_line_behind",
		  "o\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\nx\n", RC_MALFORMED },
	};
	struct checkpoint c;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s\n", cases[i].name);
		assert_int_equal(checkpoint_parse(&c, span_str(cases[i].text)), cases[i].want);
	}
	assert_int_equal(checkpoint_parse(&c, span_str(cases[0].text)), RC_OK);
	assert_true(span_equal_str(c.origin, "example.com/behind-the-sofa"));
	assert_int_equal(c.head.size, 20852163);
	assert_int_equal(c.head.root.b[0], 0x0a);
	assert_int_equal(c.extensions.n, 0);
}

/* An Ed25519 signer of notes. */
struct signer {
	EVP_PKEY *key;
	char name[64], vkey[256];
	uint8_t type, id[4];
};

static void signer_init(struct signer *s, const char *name, uint8_t type, EVP_PKEY *key)
{
	uint8_t blob[33] = { type }, hash[32], material[128];
	size_t n = 32;
	struct wr w = WR_ARRAY(material), v = WR_ARRAY(s->vkey);

	s->key = key ? key : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	s->type = type;
	snprintf(s->name, sizeof(s->name), "%s", name);
	assert_int_equal(EVP_PKEY_get_raw_public_key(s->key, blob + 1, &n), 1);
	wr_str(&w, name);
	wr_str(&w, "\n");
	wr_bytes(&w, SPAN_ARRAY(blob));
	SHA256(material, w.n, hash);
	memcpy(s->id, hash, 4);
	wr_printf(&v, "%s+", name);
	text_hex(&v, SPAN_ARRAY(s->id));
	wr_str(&v, "+");
	text_base64(&v, SPAN_ARRAY(blob));
	wr_u8(&v, 0);
}

static void sign(struct wr *note, const struct signer *s, const char *text, uint64_t at)
{
	uint8_t message[1024], blob[128], signature[64];
	struct wr m = WR_ARRAY(message), b = WR_ARRAY(blob);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t n = sizeof(signature);

	if (s->type == NOTE_COSIGNATURE)
		wr_printf(&m, "cosignature/v1\ntime %llu\n", (unsigned long long)at);
	wr_str(&m, text);
	assert_int_equal(EVP_DigestSignInit(c, NULL, NULL, NULL, s->key), 1);
	assert_int_equal(EVP_DigestSign(c, signature, &n, message, m.n), 1);
	EVP_MD_CTX_free(c);
	wr_bytes(&b, SPAN_ARRAY(s->id));
	if (s->type == NOTE_COSIGNATURE)
		wr_be64(&b, at);
	wr_bytes(&b, SPAN_ARRAY(signature));
	wr_printf(note, DASH "%s ", s->name);
	text_base64(note, wr_span(&b));
	wr_str(note, "\n");
}

static void keys(void **state)
{
	struct signer s;
	struct note_key k;
	char bad[256];

	(void)state;
	signer_init(&s, "log.example", NOTE_ED25519, NULL);
	assert_int_equal(note_key_read(&k, span_str(s.vkey)), RC_OK);
	assert_int_equal(k.type, NOTE_ED25519);
	assert_true(span_equal_str(k.name, "log.example"));
	strcpy(bad, s.vkey);
	bad[12] = bad[12] == '0' ? '1' : '0'; /* the id is not the key's */
	assert_int_equal(note_key_read(&k, span_str(bad)), RC_MALFORMED);
	assert_int_equal(note_key_read(&k, span_str("log.example")), RC_MALFORMED);
	assert_int_equal(note_key_read(&k, span_str("log.example+00000000+AjAA")), RC_UNSUPPORTED);
	for (size_t n = 0; n < strlen(s.vkey); n++)
		assert_int_not_equal(note_key_read(&k, span_of(s.vkey, n)), RC_OK);
	EVP_PKEY_free(s.key);
}

#define TEXT "log.example\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
#define ELSE "elsewhere.example\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

enum {
	W = 4,
	NOW = 1767225600,
};

/* A54 and its kin: who signs decides; the policy is 2 of {w0, w1, w2}, and w3
 * is in no group. */
static void quorums(void **state)
{
	static const struct {
		const char *name;
		unsigned who; /* bit n: witness n signs; bit 7: the log does */
		unsigned again; /* who signs a second time */
		const char *text;
		bool is_broken; /* one byte of the text changed afterwards */
		int64_t late; /* cosignatures this much after now */
		enum witness_answer want;
		size_t count;
	} cases[] = {
		{ "two", 0x83, 0, TEXT, false, -5, WITNESS_OK, 2 },
		{ "three", 0x87, 0, TEXT, false, -5, WITNESS_OK, 3 },
		{ "A54_one", 0x81, 0, TEXT, false, -5, WITNESS_TOO_FEW, 1 },
		{ "A54_same_twice", 0x81, 0x01, TEXT, false, -5, WITNESS_TOO_FEW, 1 },
		{ "A54_one_outside_of_the_group", 0x89, 0, TEXT, false, -5, WITNESS_TOO_FEW, 2 },
		{ "none", 0x80, 0, TEXT, false, -5, WITNESS_TOO_FEW, 0 },
		{ "not_the_log", 0x07, 0, TEXT, false, -5, WITNESS_UNKNOWN_LOG, 0 },
		{ "another_logs_origin", 0x87, 0, ELSE, false, -5, WITNESS_UNKNOWN_LOG, 0 },
		{ "changed_afterwards", 0x83, 0, TEXT, true, -5, WITNESS_BAD_SIGNATURE, 0 },
		{ "from_the_future", 0x83, 0, TEXT, false, 5, WITNESS_FUTURE, 0 },
	};
	struct signer log, w[W];
	char policy_text[4096], name[32];
	struct wr p = WR_ARRAY(policy_text);
	struct witness_policy policy;
	size_t line;

	(void)state;
	signer_init(&log, "log.example", NOTE_ED25519, NULL);
	wr_printf(&p, "# policy\n\nlog %s https://log.example/\n", log.vkey);
	for (int i = 0; i < W; i++) {
		snprintf(name, sizeof(name), "w%d.example", i);
		signer_init(&w[i], name, NOTE_COSIGNATURE, NULL);
		wr_printf(&p, "  witness w%d\t%s\n", i, w[i].vkey);
	}
	wr_str(&p, "group g 2 w0 w1 w2\nquorum g\n");
	assert_int_equal(witness_policy_read(&policy, &line, wr_span(&p)), RC_OK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[4096];
		struct wr t = WR_ARRAY(text);
		struct witness_verdict v;

		print_message("%s\n", cases[i].name);
		wr_str(&t, cases[i].text);
		wr_str(&t, "\n");
		if (cases[i].who & 0x80)
			sign(&t, &log, cases[i].text, 0);
		for (unsigned k = 0; k < W; k++)
			if (cases[i].who >> k & 1)
				sign(&t, &w[k], cases[i].text,
				     (uint64_t)(NOW + cases[i].late - (int64_t)k));
		for (unsigned k = 0; k < W; k++)
			if (cases[i].again >> k & 1)
				sign(&t, &w[k], cases[i].text, NOW - 1);
		if (cases[i].is_broken)
			text[12] ^= 1; /* the size */
		witness_judge(&v, wr_span(&t), &policy, NULL, NOW);
		assert_int_equal(v.answer, cases[i].want);
		if (v.answer == WITNESS_OK || v.answer == WITNESS_TOO_FEW)
			assert_int_equal(v.witnesses, cases[i].count);
		assert_non_null(witness_answer_name(v.answer));
	}
	for (int i = 0; i < W; i++)
		EVP_PKEY_free(w[i].key);
	EVP_PKEY_free(log.key);
}

static void policies_refused(void **state)
{
	static const struct {
		const char *name, *text; /* @0..@2: witnesses' keys, @L: the log's */
		enum rc want;
	} cases[] = {
		{ "none_asked_for", "log @L\nquorum none\n", RC_OK },
		{ "single_witness", "log @L\nwitness a @0\nquorum a\n", RC_OK },
		{ "nested",
		  "witness a @0\nwitness b @1\nwitness c @2\ngroup g all a b\ngroup h any g c\n"
		  "quorum h\n",
		  RC_OK },
		{ "no_quorum", "log @L\n", RC_MALFORMED },
		{ "two_quorums", "witness a @0\nquorum a\nquorum a\n", RC_MALFORMED },
		{ "A54_same_key_under_two_names", "witness a @0\nwitness b @0\nquorum a\n",
		  RC_MALFORMED },
		{ "same_name_twice", "witness a @0\nwitness a @1\nquorum a\n", RC_MALFORMED },
		{ "A54_member_of_two_groups",
		  "witness a @0\nwitness b @1\ngroup g any a b\ngroup h any a g\nquorum h\n",
		  RC_MALFORMED },
		{ "member_twice", "witness a @0\ngroup g 2 a a\nquorum g\n", RC_MALFORMED },
		{ "threshold_0", "witness a @0\ngroup g 0 a\nquorum g\n", RC_MALFORMED },
		{ "threshold_over_members", "witness a @0\ngroup g 2 a\nquorum g\n",
		  RC_MALFORMED },
		{ "no_members", "group g any\nquorum g\n", RC_MALFORMED },
		{ "none_as_a_member", "witness a @0\ngroup g any none a\nquorum g\n",
		  RC_MALFORMED },
		{ "defined_too_late", "group g any a\nwitness a @0\nquorum g\n", RC_MALFORMED },
		{ "unknown_line", "witness a @0\nquorum a\nallow x\n", RC_MALFORMED },
		{ "log_key_as_a_witness", "witness a @L\nquorum a\n", RC_MALFORMED },
		{ "witness_key_as_a_log", "log @0\nquorum none\n", RC_MALFORMED },
		{ "same_log_twice", "log @L\nlog @L\nquorum none\n", RC_MALFORMED },
		{ "no_newline_at_the_end", "quorum none", RC_MALFORMED },
		{ "control_character", "quorum none\r\n", RC_MALFORMED },
	};
	struct signer log, w[3];

	(void)state;
	signer_init(&log, "log.example", NOTE_ED25519, NULL);
	for (int i = 0; i < 3; i++)
		signer_init(&w[i], "w.example", NOTE_COSIGNATURE, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[4096];
		struct wr t = WR_ARRAY(text);
		struct witness_policy policy;
		size_t line;

		print_message("%s\n", cases[i].name);
		for (const char *c = cases[i].text; *c; c++) {
			if (*c != '@') {
				wr_u8(&t, (uint8_t)*c);
				continue;
			}
			c++;
			wr_str(&t, *c == 'L' ? log.vkey : w[*c - '0'].vkey);
		}
		assert_int_equal(witness_policy_read(&policy, &line, wr_span(&t)), cases[i].want);
	}
	for (int i = 0; i < 3; i++)
		EVP_PKEY_free(w[i].key);
	EVP_PKEY_free(log.key);
}

/* A static-ct log's checkpoint: the origin is not under the signature, so that
 * another one in the text must be noticed otherwise. */
static void tree_heads(void **state)
{
	static const struct {
		const char *name, *text;
		bool is_flipped;
		enum note_answer want;
	} cases[] = {
		{ "good", TEXT, false, NOTE_SIGNED },
		{ "another_origin", ELSE, false, NOTE_BAD_SIGNATURE },
		{ "another_size",
		  "log.example\n6\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", false,
		  NOTE_BAD_SIGNATURE },
		{ "extension_line", TEXT "more\n", false, NOTE_BAD_SIGNATURE },
		{ "signature_flipped", TEXT, true, NOTE_BAD_SIGNATURE },
	};
	struct web_log log;
	struct note_key key, other;
	struct checkpoint c;
	uint8_t room[64], blob[256];
	struct wr m = WR_ARRAY(room), b = WR_ARRAY(blob);

	(void)state;
	web_log_init(&log, NULL);
	note_key_of_log(&key, span_str("log.example"), log.spki);
	note_key_of_log(&other, span_str("else.example"), log.spki);
	assert_int_equal(checkpoint_parse(&c, span_str(TEXT)), RC_OK);
	wr_be16(&m, 1); /* v1, tree_hash */
	wr_be64(&m, 1234);
	wr_be64(&m, c.head.size);
	wr_bytes(&m, SPAN_ARRAY(c.head.root.b));
	wr_be32(&b, key.id);
	wr_be64(&b, 1234);
	web_log_sign(&b, &log, wr_span(&m));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[2048];
		struct wr t = WR_ARRAY(text);
		uint64_t at = 0;
		struct note n;

		print_message("%s\n", cases[i].name);
		blob[b.n - 1] ^= cases[i].is_flipped;
		wr_printf(&t, "%s\n" DASH "log.example ", cases[i].text);
		text_base64(&t, wr_span(&b));
		wr_str(&t, "\n");
		blob[b.n - 1] ^= cases[i].is_flipped;
		assert_int_equal(note_parse(&n, wr_span(&t)), RC_OK);
		assert_int_equal(note_verify(&at, &n, &key), cases[i].want);
		if (cases[i].want == NOTE_SIGNED)
			assert_int_equal(at, 1234);
		assert_int_equal(note_verify(&at, &n, &other), NOTE_UNSIGNED);
	}
	web_log_fini(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(example_parsed),
		cmocka_unit_test(notes_refused),
		cmocka_unit_test(sixteen_signatures_are_taken),
		cmocka_unit_test(checkpoints),
		cmocka_unit_test(keys),
		cmocka_unit_test(tree_heads),
		cmocka_unit_test(quorums),
		cmocka_unit_test(policies_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
