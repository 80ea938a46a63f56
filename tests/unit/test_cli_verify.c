/* verify, offline: what a file that somebody else made can do.  Every check is optional here, so
 * that a visit that shows nothing refutes nothing, and only the file itself decides. */
#include "unit.h"

#include <fcntl.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/verify.h"
#include "evidence/checks.h"
#include "evidence/gathered.h"
#include "folder.h"
#include "io/file.h"
#include "web_pki.h"

#include <openssl/pem.h>

enum {
	ARGS_MAX = 16,
	TEXT_MAX = 1024 * 1024,
};

static const char *const documents[] = {
	"root_ca.crl.der",
	"pck.crl.der",
	"tcb_info.json",
	"tcb_info_issuer_chain.pem",
	"qe_identity.json",
	"qe_identity_issuer_chain.pem",
};

struct place {
	struct folder folder;
	char rules[128], roots[128], saved[128], page[128];
};

static void write_file(const char *path, struct span text)
{
	assert_int_equal(file_replace(path, text, 0600), RC_OK);
}

/* Rules that ask for nothing, roots of the web, and a page to be written. */
static void make(struct place *p)
{
	char text[8192];
	struct wr w = WR_ARRAY(text);
	EVP_PKEY *key = web_key();
	X509 *root = web_issue(&(struct web_spec){ .name = "root",
						   .key = key,
						   .from = WEB_PKI_T0,
						   .until = WEB_PKI_T0 + DAY,
						   .constraints = "critical,CA:TRUE" });
	BIO *pem = BIO_new(BIO_s_mem());
	char *at;
	long n;

	folder_make(&p->folder);
	folder_file(p->rules, &p->folder, "rules.yaml");
	folder_file(p->roots, &p->folder, "roots.pem");
	folder_file(p->saved, &p->folder, "saved");
	folder_file(p->page, &p->folder, "page.html");
	wr_str(&w, "optional:\n");
	for (size_t i = 0; i < checks_count; i++)
		wr_printf(&w, "- %s\n", checks[i].id);
	write_file(p->rules, wr_span(&w));
	assert_int_equal(PEM_write_bio_X509(pem, root), 1);
	n = BIO_get_mem_data(pem, &at);
	write_file(p->roots, span_of(at, (size_t)n));
	BIO_free(pem);
	X509_free(root);
	EVP_PKEY_free(key);
}

static void save(const struct place *p, const struct gathered *g)
{
	struct buf b;

	buf_init(&b, TEXT_MAX);
	assert_int_equal(gathered_write(&b, g), RC_OK);
	write_file(p->saved, buf_span(&b));
	buf_fini(&b);
}

/* The status of "verify --offline saved ..." with up to three arguments more. */
static int judge(struct place *p, const char *a, const char *b, const char *c)
{
	const char *args[] = { "verify", "--offline", p->saved, "--policy", p->rules, "--ca-file",
			       p->roots, "--html", p->page, a, b, c,
			       NULL };
	char *argv[ARGS_MAX];
	int argc = 0, status, kept = dup(STDOUT_FILENO), nowhere = open("/dev/null", O_WRONLY);

	for (; args[argc]; argc++)
		argv[argc] = (char *)(uintptr_t)args[argc];
	argv[argc] = NULL;
	/* The report is none of cmocka's. */
	(void)fflush(stdout);
	assert_true(dup2(nowhere, STDOUT_FILENO) >= 0);
	status = cli_verify(argc, argv);
	(void)fflush(stdout);
	assert_true(dup2(kept, STDOUT_FILENO) >= 0);
	(void)close(nowhere);
	(void)close(kept);
	return status;
}

static bool page_has(const struct place *p, const char *text)
{
	struct buf b;
	bool has;

	buf_init(&b, TEXT_MAX);
	assert_int_equal(file_read_argument(&b, p->page), RC_OK);
	has = memmem(buf_span(&b).p, buf_span(&b).n, text, strlen(text)) != NULL;
	buf_fini(&b);
	return has;
}

static struct gathered visit(void)
{
	/* Not yet at TLS: nothing of it is refuted, since nothing is shown. */
	return (struct gathered){ .host = span_str("www.example.org"), .at = WEB_PKI_T0 };
}

static void a_saved_visit_is_hearsay(void **state)
{
	struct gathered g = visit();
	struct place p;

	(void)state;
	make(&p);
	save(&p, &g);
	assert_int_equal(judge(&p, NULL, NULL, NULL), CHECKS_UNDECIDED);
	assert_true(page_has(&p, "As saved by whoever made "));
	assert_true(page_has(&p, "without --trust-saved"));
	assert_int_equal(judge(&p, "--trust-saved", NULL, NULL), CHECKS_HOLD);
	assert_true(page_has(&p, "As saved by whoever made "));
	assert_false(page_has(&p, "without --trust-saved"));
	/* What is refuted stays so. */
	g.tls.redirect = span_str("https://elsewhere.example/");
	save(&p, &g);
	assert_int_equal(judge(&p, NULL, NULL, NULL), CHECKS_REFUTED);
	assert_int_equal(judge(&p, "--trust-saved", NULL, NULL), CHECKS_REFUTED);
	folder_remove(&p.folder);
}

static void of_the_host_that_is_asked_for(void **state)
{
	struct gathered g = visit();
	struct place p;

	(void)state;
	make(&p);
	save(&p, &g);
	assert_int_equal(judge(&p, "--trust-saved", "https://WWW.example.org/", NULL), CHECKS_HOLD);
	assert_int_equal(judge(&p, "--trust-saved", "example.org", NULL), CLI_VERIFY_USAGE);
	folder_remove(&p.folder);
}

/* As many documents as there is room for, and the folder's six in their place. */
static void collateral_of_the_folder(void **state)
{
	struct gathered g = visit();
	struct place p;
	char path[128];

	(void)state;
	make(&p);
	for (; g.collateral.count < BUNDLE_ITEMS_MAX; g.collateral.count++) {
		static char names[BUNDLE_ITEMS_MAX][8];
		char *name = names[g.collateral.count];

		(void)snprintf(name, 8, "n%zu", g.collateral.count);
		g.collateral.item[g.collateral.count] =
			(struct bundle_item){ span_str(name), span_str("x") };
	}
	save(&p, &g);
	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
		write_file(folder_file(path, &p.folder, documents[i]), span_str("{}"));
	assert_int_equal(judge(&p, "--trust-saved", "--collateral", p.folder.path), CHECKS_HOLD);
	folder_remove(&p.folder);
}

/* DNS that was asked, and not at every level of the name; the account is what CAA is held to. */
static void levels_are_missing(void **state)
{
	static const struct gathered_level level = { .trust = DNS_SECURE };
	struct gathered g = visit();
	struct place p;

	(void)state;
	make(&p);
	g.has_dns = true;
	g.persist = (struct material_txt){ .was_asked = true, .trust = DNS_SECURE };
	g.acme_info = span_str("{\"account_uri\":\"https://ca.example/acct/1\","
			       "\"quoted_hist_keys\":[]}");
	for (g.level_count = 0; g.level_count < 3; g.level_count++) {
		struct gathered_level levels[3] = { level, level, level };

		levels[0].name = levels[0].at = span_str("www.example.org");
		levels[1].name = levels[1].at = span_str("example.org");
		g.levels = levels;
		save(&p, &g);
		assert_int_not_equal(judge(&p, "--trust-saved", NULL, NULL), CLI_VERIFY_USAGE);
		assert_true(page_has(&p, "DNS was not asked"));
		assert_false(page_has(&p, "no account is"));
	}
	folder_remove(&p.folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_saved_visit_is_hearsay),
		cmocka_unit_test(of_the_host_that_is_asked_for),
		cmocka_unit_test(collateral_of_the_folder),
		cmocka_unit_test(levels_are_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
