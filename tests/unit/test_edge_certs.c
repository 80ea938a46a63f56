/* certs and terms: which one a name gets, and what is refused with its line. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "edge/certs.h"
#include "edge/terms.h"
#include "folder.h"
#include "io/file.h"
#include "tls_peer.h"

static void put(const struct folder *f, const char *name, const char *text)
{
	char path[128];

	assert_int_equal(file_replace(folder_file(path, f, name), span_str(text), 0600), RC_OK);
}

/* "<what>.pem" and "<what>.key". */
static void make(const struct folder *f, const char *what, const char *names)
{
	struct peer_cert c;
	struct peer_pem pem;
	char name[64];

	assert_true(peer_cert_make(&c, what, NULL, 3600, names) && peer_cert_write(&pem, &c));
	snprintf(name, sizeof(name), "%s.pem", what);
	put(f, name, pem.chain);
	snprintf(name, sizeof(name), "%s.key", what);
	put(f, name, pem.key);
	peer_cert_free(&c);
}

/* The configuration with '@' for the folder. */
static void parse(struct edge_config *out, struct arena *arena, const struct folder *f,
		  const char *more)
{
	char text[4096], error[CONF_ERROR_MAX];
	struct wr w = wr_over(text, sizeof(text) - 1);

	wr_str(&w, "base: example.net\nlisten: [ \"127.0.0.1:1\" ]\n");
	for (; *more; more++) {
		if (*more == '@')
			wr_str(&w, f->path);
		else
			wr_u8(&w, (uint8_t)*more);
	}
	text[w.n] = '\0';
	arena_init(arena, CONF_FILE_MAX);
	if (edge_config_parse(out, arena, "edge.yaml", wr_span(&w), error))
		fail_msg("%s", error);
}

#define SITE "certificate: { chain: @/site.pem, key: @/site.key }\n"
#define MORE(what) "  - { chain: @/" what ".pem, key: @/" what ".key }\n"

static enum rc load(struct certs *out, const struct folder *f, const char *more,
		    char error[EDGE_ERROR_MAX])
{
	struct files files = { 0 };
	struct edge_config c;
	struct arena arena;
	enum rc rc;

	parse(&c, &arena, f, more);
	rc = certs_load(out, &files, &c, "edge.yaml", error);
	files_fini(&files);
	arena_fini(&arena);
	return rc;
}

static void fill(struct folder *f)
{
	folder_make(f);
	make(f, "site", "DNS:*.example.net,DNS:example.net");
	make(f, "admin", "DNS:Admin.Example.net,DNS:a.test,IP:192.0.2.1,DNS:b*.test");
	make(f, "wild", "DNS:*.test");
	make(f, "again", "DNS:c.test,DNS:A.TEST");
	make(f, "nameless", NULL);
	make(f, "address", "IP:192.0.2.1");
}

static void name_gets_its_certificate(void **state)
{
	static const struct {
		const char *name;
		size_t want;
	} rows[] = {
		{ "x.example.net", 0 },
		{ "admin.example.net", 1 },
		{ "a.test", 1 },
		{ "b.test", 2 },
		{ "b1.test", 2 },
		{ "x.y.test", 0 },
		{ "test", 0 },
		{ "192.0.2.1", 0 },
		{ "", 0 },
	};
	char error[EDGE_ERROR_MAX];
	struct certs c, only;
	struct folder f;

	(void)state;
	fill(&f);
	assert_int_equal(load(&c, &f, SITE "certificates:\n" MORE("admin") MORE("wild"), error),
			 RC_OK);
	assert_int_equal(c.count, 3);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (int alpn = 0; alpn < CERTS_COUNT; alpn++)
			if (certs_find(&c, rows[i].name, (enum certs_alpn)alpn) !=
			    c.entries[rows[i].want].contexts[alpn])
				fail_msg("%s", rows[i].name);
	certs_fini(&c);
	/* The default one may have no name. */
	make(&f, "site", NULL);
	assert_int_equal(load(&only, &f, SITE, error), RC_OK);
	assert_ptr_equal(certs_find(&only, "any.where", CERTS_H2),
			 only.entries[CERTS_DEFAULT].contexts[CERTS_H2]);
	certs_fini(&only);
	folder_remove(&f);
}

static const struct {
	const char *more;
	enum rc rc;
	const char *want; /* behind the file's name; '@' is the folder */
} MISTAKES[] = {
	{ SITE "certificates:\n" MORE("admin") MORE("again"), RC_MALFORMED,
	  ":6: certificates: @/again.pem: a.test has @/admin.pem already" },
	{ SITE "certificates:\n" MORE("again") MORE("admin"), RC_MALFORMED,
	  ":6: certificates: @/admin.pem: a.test has @/again.pem already" },
	{ SITE "certificates:\n" MORE("wild") MORE("site"), RC_MALFORMED,
	  ":6: certificates: @/site.pem: *.example.net has @/site.pem already" },
	{ SITE "certificates:\n" MORE("nameless"), RC_MALFORMED,
	  ":5: certificates: @/nameless.pem: expected a certificate for a host name" },
	{ SITE "certificates:\n" MORE("address"), RC_MALFORMED,
	  ":5: certificates: @/address.pem: expected a certificate for a host name" },
	{ SITE "certificates:\n  - chain: @/wild.pem\n    key: @/again.key\n", RC_CRYPTO,
	  ":5: certificates: @/wild.pem: private key: key values mismatch" },
	{ SITE "certificates:\n" MORE("none"), RC_SYS,
	  ":5: certificates: @/none.pem: No such file or directory" },
	{ "certificate: { chain: @/site.pem, key: @/wild.key }\n", RC_CRYPTO,
	  ":3: certificate: @/site.pem: private key: key values mismatch" },
	{ "", RC_SYS, ": certificate: /etc/postern/tls/chain.pem: No such file or directory" },
};

static void expand(char *out, size_t n, const struct folder *f, const char *text)
{
	struct wr w = wr_over(out, n - 1);

	for (; *text; text++) {
		if (*text == '@')
			wr_str(&w, f->path);
		else
			wr_u8(&w, (uint8_t)*text);
	}
	out[w.n] = '\0';
}

static void mistakes_are_told_with_their_line(void **state)
{
	char error[EDGE_ERROR_MAX], want[EDGE_ERROR_MAX];
	const struct certs none = { 0 };
	struct certs c = { 0 };
	struct folder f;

	(void)state;
	fill(&f);
	for (size_t i = 0; i < sizeof(MISTAKES) / sizeof(*MISTAKES); i++) {
		assert_int_equal(load(&c, &f, MISTAKES[i].more, error), MISTAKES[i].rc);
		expand(want, sizeof(want), &f, MISTAKES[i].want);
		assert_memory_equal(error, "edge.yaml", 9);
		assert_string_equal(error + 9, want);
		assert_memory_equal(&c, &none, sizeof(c));
	}
	folder_remove(&f);
}

/* ---- what postern-cert has issued ---- */

#define CERT "cert: { keys: /run/keys }\n"

/* A PEM text as JSON has it. */
static void add_pem(struct wr *w, const char *pem)
{
	for (; *pem; pem++) {
		if (*pem == '\n')
			wr_str(w, "\\n");
		else
			wr_u8(w, (uint8_t)*pem);
	}
}

static void add_entry(struct wr *w, const char *name, const char *dns, const char *key_of)
{
	struct peer_cert c, other;
	struct peer_pem pem, keys;

	assert_true(peer_cert_make(&c, "issued", NULL, 3600, dns) && peer_cert_write(&pem, &c));
	assert_true(peer_cert_make(&other, "other", NULL, 3600, dns) &&
		    peer_cert_write(&keys, &other));
	wr_printf(w, "{%s,\"chain\":\"", name);
	add_pem(w, pem.chain);
	wr_str(w, "\",\"key\":\"");
	add_pem(w, key_of ? keys.key : pem.key);
	wr_str(w, "\"}");
	peer_cert_free(&c);
	peer_cert_free(&other);
}

struct issue {
	const char *names, *dns, *other_key; /* of a certificate; names NULL: none */
	const char *proof, *proof_again; /* or NULL */
};

static enum rc load_issued(struct certs *out, const struct folder *f, const char *more,
			   const struct issue *issue, char error[EDGE_ERROR_MAX])
{
	static char text[32768];
	struct wr w = wr_over(text, sizeof(text));
	struct files files = { 0 };
	struct edge_config c;
	struct arena arena;
	enum rc rc;

	wr_str(&w, "{\"generation\":1,\"certificates\":[");
	if (issue->names)
		add_entry(&w, issue->names, issue->dns, issue->other_key);
	wr_str(&w, "],\"proofs\":[");
	if (issue->proof)
		add_entry(&w, issue->proof, "DNS:p.test", NULL);
	if (issue->proof_again) {
		wr_str(&w, ",");
		add_entry(&w, issue->proof_again, "DNS:p.test", NULL);
	}
	wr_str(&w, "]}");
	assert_false(w.over);
	assert_int_equal(issued_keep(&files, wr_span(&w)), RC_OK);
	parse(&c, &arena, f, more);
	rc = certs_load(out, &files, &c, "edge.yaml", error);
	files_fini(&files);
	arena_fini(&arena);
	return rc;
}

static void issued_goes_before_files(void **state)
{
	const struct issue issue = { "\"names\":[\"*.example.net\"]",
				     "DNS:*.Example.net,DNS:example.net",
				     .proof = "\"name\":\"p.test\"" };
	char error[EDGE_ERROR_MAX];
	struct certs c;
	struct folder f;

	(void)state;
	fill(&f);
	assert_int_equal(load_issued(&c, &f, SITE CERT "certificates:\n" MORE("admin"), &issue,
				     error),
			 RC_OK);
	assert_int_equal(c.count, 3);
	assert_int_equal(c.issued_from, 2);
	assert_ptr_equal(certs_find(&c, "x.example.net", CERTS_H2),
			 c.entries[2].contexts[CERTS_H2]);
	/* Of a file by this very name; but not one that was issued wider. */
	assert_ptr_equal(certs_find(&c, "admin.example.net", CERTS_H2),
			 c.entries[2].contexts[CERTS_H2]);
	assert_ptr_equal(certs_find(&c, "a.test", CERTS_H2), c.entries[1].contexts[CERTS_H2]);
	/* It is in the certificate, and yet not said. */
	assert_ptr_equal(certs_find(&c, "example.net", CERTS_H2), c.entries[0].contexts[CERTS_H2]);
	assert_non_null(certs_proof(&c, "p.test"));
	assert_null(certs_proof(&c, "x.p.test"));
	assert_null(certs_proof(&c, "a.test"));
	assert_null(certs_proof(NULL, "p.test"));
	certs_fini(&c);
	/* Without 'cert' nobody asked for it. */
	assert_int_equal(load_issued(&c, &f, SITE, &issue, error), RC_OK);
	assert_int_equal(c.count, 1);
	assert_null(certs_proof(&c, "p.test"));
	certs_fini(&c);
	/* And with it no file is needed: who has no certificate has none. */
	assert_int_equal(load_issued(&c, &f, CERT, &issue, error), RC_OK);
	assert_non_null(certs_find(&c, "x.example.net", CERTS_HTTP1));
	assert_null(certs_find(&c, "example.net", CERTS_HTTP1));
	certs_fini(&c);
	folder_remove(&f);
}

static void issued_mistakes_are_refused_whole(void **state)
{
	static const struct {
		struct issue issue;
		enum rc rc;
		const char *want;
	} rows[] = {
		{ { "\"names\":[\"a.test\",\"b.test\"]", "DNS:a.test", NULL, NULL, NULL },
		  RC_MALFORMED,
		  "edge.yaml: cert: a.test: the certificate is not for this name" },
		{ { "\"names\":[\"b.a.test\"]", "DNS:*.a.test", NULL, NULL, NULL },
		  RC_MALFORMED,
		  "edge.yaml: cert: b.a.test: the certificate is not for this name" },
		{ { "\"names\":[\"a.test\"]", "DNS:a.test", "other", NULL, NULL },
		  RC_CRYPTO,
		  "edge.yaml: cert: a.test: private key: key values mismatch" },
		{ { "\"nam\":[\"a.test\"]", "DNS:a.test", NULL, NULL, NULL },
		  RC_MALFORMED,
		  "edge.yaml: cert: /run/keys: malformed" },
		{ { NULL, NULL, NULL, "\"name\":\"p.test\"", "\"name\":\"p.test\"" },
		  RC_MALFORMED,
		  "edge.yaml: cert: p.test: expected once, given twice" },
	};
	const struct certs none = { 0 };
	char error[EDGE_ERROR_MAX];
	struct certs c = { 0 };
	struct folder f;

	(void)state;
	fill(&f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(load_issued(&c, &f, SITE CERT, &rows[i].issue, error), rows[i].rc);
		assert_string_equal(error, rows[i].want);
		assert_memory_equal(&c, &none, sizeof(c));
	}
	folder_remove(&f);
}

/* ---- terms ---- */

static enum rc load_terms(struct terms *out, const struct folder *f, const char *more,
			  char error[EDGE_ERROR_MAX])
{
	struct files files = { 0 };
	struct edge_config c;
	struct arena arena;
	enum rc rc;

	parse(&c, &arena, f, more);
	rc = terms_load(out, &files, &c, "edge.yaml", error);
	files_fini(&files);
	arena_fini(&arena);
	return rc;
}

#define CLIENT(mode) "client_ca: @/ca.pem, client_certificate: " mode

/* clang-format off */
static const char NAMES[] =
	"names:\n"
	"  - { name: \"*.example.net\", tls12: true }\n"
	"  - { name: admin.example.net, " CLIENT("required") " }\n"
	"  - { name: maybe.example.net, " CLIENT("optional") " }\n"
	"  - { name: plain.example.net, client_certificate: none }\n";
static const char OTHERS[] =
	"names:\n"
	"  - { name: a.test, " CLIENT("required") " }\n"
	"  - { name: b.test, tls12: true, " CLIENT("required") " }\n";
/* clang-format on */

static void name_has_its_terms(void **state)
{
	const struct terms_entry *wild, *admin, *maybe, *plain;
	static const struct sha256 nothing;
	char error[EDGE_ERROR_MAX];
	struct terms t, others;
	struct folder f;

	(void)state;
	folder_make(&f);
	make(&f, "ca", NULL);
	assert_int_equal(load_terms(&t, &f, NAMES, error), RC_OK);
	wild = terms_find(&t, "x.example.net");
	admin = terms_find(&t, "admin.example.net");
	maybe = terms_find(&t, "maybe.example.net");
	plain = terms_find(&t, "plain.example.net");
	assert_true(wild->admits_tls12 && !admin->admits_tls12 && !plain->admits_tls12);
	assert_memory_equal(&wild->demand, &nothing, 32);
	assert_memory_equal(&plain->demand, &nothing, 32);
	assert_memory_not_equal(&admin->demand, &nothing, 32);
	assert_memory_not_equal(&admin->demand, &maybe->demand, 32);
	assert_null(terms_find(&t, "example.net"));
	assert_null(terms_find(NULL, "admin.example.net"));
	/* Another authority is another demand, TLS 1.2 is none. */
	make(&f, "ca", NULL);
	assert_int_equal(load_terms(&others, &f, OTHERS, error), RC_OK);
	assert_memory_not_equal(&terms_find(&others, "a.test")->demand, &admin->demand, 32);
	assert_memory_equal(&terms_find(&others, "a.test")->demand,
			    &terms_find(&others, "b.test")->demand, 32);
	terms_fini(&others);
	terms_fini(&t);
	folder_remove(&f);
}

static const struct {
	const char *more;
	enum rc rc;
	const char *want;
} TERMS_MISTAKES[] = {
	{ "names:\n  - { name: a.test, tls12: true }\n  - name: b.test\n  - { name: a.test }\n",
	  RC_MALFORMED, ":6: names: a.test: expected once, given twice" },
	{ "names:\n  - { name: a.test, " CLIENT("required") " }\n", RC_SYS,
	  ":4: names: @/ca.pem: No such file or directory" },
	{ "names:\n  - { name: a.test, client_ca: @/key, client_certificate: optional }\n",
	  RC_CRYPTO,
	  ":4: names: @/key: no certificate" },
	{ "names:\n  - { name: a.test, client_ca: @/empty, client_certificate: optional }\n",
	  RC_MALFORMED, ":4: names: @/empty: empty" },
};

static void mistakes_in_terms_are_told(void **state)
{
	char error[EDGE_ERROR_MAX], want[EDGE_ERROR_MAX];
	const struct terms none = { 0 };
	struct terms t = { 0 };
	struct folder f;

	(void)state;
	folder_make(&f);
	put(&f, "key", "nothing of the kind");
	put(&f, "empty", "");
	for (size_t i = 0; i < sizeof(TERMS_MISTAKES) / sizeof(*TERMS_MISTAKES); i++) {
		assert_int_equal(load_terms(&t, &f, TERMS_MISTAKES[i].more, error),
				 TERMS_MISTAKES[i].rc);
		expand(want, sizeof(want), &f, TERMS_MISTAKES[i].want);
		assert_memory_equal(error, "edge.yaml", 9);
		assert_string_equal(error + 9, want);
		assert_memory_equal(&t, &none, sizeof(t));
	}
	folder_remove(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_gets_its_certificate),
		cmocka_unit_test(mistakes_are_told_with_their_line),
		cmocka_unit_test(issued_goes_before_files),
		cmocka_unit_test(issued_mistakes_are_refused_whole),
		cmocka_unit_test(name_has_its_terms),
		cmocka_unit_test(mistakes_in_terms_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
