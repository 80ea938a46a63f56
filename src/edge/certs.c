#include "edge/certs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/file.h"
#include "sni/name.h"

enum {
	PEM_FILE_MAX = 256 * 1024,
};

static const char *const http1[] = { "http/1.1", NULL };
static const char *const h2[] = { "h2", NULL };

static const char *const acme[] = { "acme-tls/1", NULL }; /* RFC 8737 §6.2 */

static const char *const *const alpns[CERTS_COUNT] = {
	[CERTS_HTTP1] = http1,
	[CERTS_H2] = h2,
	[CERTS_NONE] = NULL,
};

/* What is being loaded, and where it says what is wrong. */
struct loading {
	struct certs certs;
	struct files *files;
	struct edge_place place;
	const char *what; /* of the entry: its file, or its first name */
	char *error;
};

static enum rc complain(struct loading *l, enum rc rc, const char *why)
{
	edge_config_complain(l->error, &l->place, l->what, why);
	return rc;
}

static enum rc read_pem(struct buf *out, const struct loading *l,
			const char *path)
{
	enum rc rc;

	buf_init(out, PEM_FILE_MAX);
	rc = files_read(l->files, out, path);
	if (rc)
		edge_config_complain(l->error, &l->place, path, file_why(rc));
	return rc;
}

static struct certs_entry *grow(struct certs *c)
{
	c->entries = mem_grow(c->entries, c->count + 1, sizeof(*c->entries));
	c->entries[c->count] = (struct certs_entry){ 0 };
	return &c->entries[c->count++];
}

/* Makes the next entry's contexts. */
static enum rc make(struct loading *l, struct span chain, struct span key)
{
	struct certs_entry *e = grow(&l->certs);
	char why[TLS_ERROR_MAX];
	enum rc rc;
	int i;

	for (i = 0; i < CERTS_COUNT; i++) {
		rc = tls_server_new(&e->contexts[i], chain, key, alpns[i],
				    why);
		if (rc)
			return complain(l, rc, why);
	}
	return RC_OK;
}

/* Names of other kinds, such as "a*.example.net", are nobody's here. */
static bool add_name(void *arg, struct span name)
{
	struct loading *l = arg;

	(void)names_add(&l->certs.names, name, l->certs.count - 1);
	return true;
}

/* Whether the newest entry has a name. */
static bool has_name(const struct certs *c)
{
	return c->names.count > 0 &&
	       c->names.entries[c->names.count - 1].number == c->count - 1;
}

static enum rc add(struct loading *l, const struct edge_certificate *from)
{
	AUTO(buf_fini)
	struct buf chain = { 0 };
	AUTO(buf_wipe)
	struct buf key = { 0 };
	enum rc rc;

	rc = read_pem(&chain, l, from->chain);
	if (!rc)
		rc = read_pem(&key, l, from->key);
	if (!rc)
		rc = make(l, buf_span(&chain), buf_span(&key));
	if (rc)
		return rc;
	if (!tls_context_each_name(
		    l->certs.entries[l->certs.count - 1].contexts[0], add_name,
		    l))
		return complain(l, RC_CRYPTO, "malformed subjectAltName");
	if (l->certs.count - 1 != CERTS_DEFAULT && !has_name(&l->certs))
		return complain(l, RC_MALFORMED,
				"expected a certificate for a host name");
	return RC_OK;
}

static const struct edge_certificate *nth(const struct edge_config *config,
					  size_t n)
{
	const struct edge_certificate *more = config->certificates.items;

	return n == CERTS_DEFAULT ? &config->certificate : &more[n - 1];
}

static void set_place(struct loading *l, const struct edge_config *config,
		      size_t n)
{
	l->what = nth(config, n)->chain;
	l->place.line = nth(config, n)->line;
	l->place.key = n == CERTS_DEFAULT ? "certificate" : "certificates";
}

static enum rc sort(struct loading *l, const struct edge_config *config)
{
	const struct names_entry *first, *again;
	char why[EDGE_ERROR_MAX];

	if (names_sort(&l->certs.names, &first, &again))
		return RC_OK;
	set_place(l, config, again->number);
	(void)snprintf(why, sizeof(why), "%s has %s already",
		       again->pattern, nth(config, first->number)->chain);
	return complain(l, RC_MALFORMED, why);
}

static enum rc add_files(struct loading *l, const struct edge_config *config)
{
	enum rc rc = RC_OK;
	size_t i = 0;

	if (!edge_config_has_default(config)) {
		(void)grow(&l->certs);
		i = 1;
	}
	for (; i <= config->certificates.count && !rc; i++) {
		set_place(l, config, i);
		rc = add(l, nth(config, i));
	}
	return rc ? rc : sort(l, config);
}

/* ---- what postern-cert has issued ---- */

/* A name to look for among a certificate's own. */
struct wanted {
	struct span name;
	bool is_there;
};

static bool see_name(void *arg, struct span name)
{
	struct wanted *w = arg;

	w->is_there |= span_equal_nocase(w->name, name);
	return true;
}

/* The key's owner may say that it is for fewer names, not for others. */
static enum rc add_issued(struct loading *l, const struct issued_entry *e)
{
	enum rc rc = make(l, e->chain, e->key);
	size_t i, n = l->certs.count - 1;

	for (i = 0; i < e->name_count && !rc; i++) {
		struct wanted w = { .name = e->names[i] };

		if (!tls_context_each_name(l->certs.entries[n].contexts[0],
					   see_name, &w) ||
		    !w.is_there)
			rc = complain(l, RC_MALFORMED,
				      "the certificate is not for this name");
		else
			(void)names_add(&l->certs.issued, w.name, n);
	}
	return rc;
}

static enum rc add_proof(struct loading *l, const struct issued_entry *e)
{
	struct certs *c = &l->certs;
	char why[TLS_ERROR_MAX];
	enum rc rc;

	c->proofs = mem_grow(c->proofs, c->proof_count + 1,
			     sizeof(*c->proofs));
	rc = tls_server_new(&c->proofs[c->proof_count].context, e->chain,
			    e->key, acme, why);
	if (rc)
		return complain(l, rc, why);
	(void)names_add(&c->proof_names, e->names[0], c->proof_count++);
	return RC_OK;
}

static enum rc sort_issued(struct loading *l, struct names *names)
{
	const struct names_entry *first, *again;

	if (names_sort(names, &first, &again))
		return RC_OK;
	l->what = again->pattern;
	return complain(l, RC_MALFORMED, "expected once, given twice");
}

static enum rc add_all(struct loading *l, const struct issued *issued)
{
	char name[NAME_MAX_LEN + 3];
	enum rc rc = RC_OK;
	size_t i, n = issued->certificate_count;

	l->what = name;
	for (i = 0; i < n + issued->proof_count && !rc; i++) {
		const struct issued_entry *e = &issued->certificates[i];

		if (i >= n)
			e = &issued->proofs[i - n];
		(void)snprintf(name, sizeof(name), "%.*s",
			       (int)e->names[0].n,
			       (const char *)e->names[0].p);
		rc = i < n ? add_issued(l, e) : add_proof(l, e);
	}
	if (!rc)
		rc = sort_issued(l, &l->certs.issued);
	if (!rc)
		rc = sort_issued(l, &l->certs.proof_names);
	l->what = NULL; /* it was ours */
	return rc;
}

static char *text_of(struct span s)
{
	return mem_dup_n(s.p, s.n);
}

static void add_answers(struct certs *c, const struct issued *issued)
{
	size_t i;

	c->answers = mem_grow(c->answers, issued->answer_count,
			      sizeof(*c->answers));
	for (i = 0; i < issued->answer_count; i++) {
		const struct issued_answer *a = &issued->answers[i];

		c->answers[c->answer_count++] = (struct certs_answer){
			.name = text_of(a->name),
			.token = text_of(a->token),
			.value = text_of(a->value),
		};
	}
}

static enum rc add_document(struct loading *l, const struct edge_config *config)
{
	AUTO(arena_wipe)
	struct arena arena = { 0 };
	struct issued issued = { 0 };
	struct span document;
	enum rc rc;

	l->certs.issued_from = l->certs.count;
	if (!config->cert.keys || !issued_find(l->files, &document))
		return RC_OK;
	arena_init(&arena, ISSUED_ARENA_MAX);
	l->place.line = 0;
	l->place.key = "cert";
	l->what = config->cert.keys;
	rc = issued_read(&issued, &arena, document);
	if (rc)
		return complain(l, rc,
				rc == RC_LIMIT ? "too much" : "malformed");
	if (issued.answer_count)
		add_answers(&l->certs, &issued);
	return add_all(l, &issued);
}

enum rc certs_load(struct certs *out, struct files *files,
		   const struct edge_config *config, const char *config_path,
		   char error[EDGE_ERROR_MAX])
{
	struct loading l = {
		.files = files,
		.place = { .path = config_path },
		.error = error,
	};
	enum rc rc = add_files(&l, config);

	if (!rc)
		rc = add_document(&l, config);
	if (rc) {
		certs_fini(&l.certs);
		return rc;
	}
	*out = l.certs;
	return RC_OK;
}

void certs_fini(struct certs *c)
{
	size_t n;
	int i;

	for (n = 0; n < c->count; n++)
		for (i = 0; i < CERTS_COUNT; i++)
			tls_context_free(c->entries[n].contexts[i]);
	free(c->entries);
	for (n = 0; n < c->proof_count; n++)
		tls_context_free(c->proofs[n].context);
	free(c->proofs);
	for (n = 0; n < c->answer_count; n++) {
		free(c->answers[n].name);
		free(c->answers[n].token);
		free(c->answers[n].value);
	}
	free(c->answers);
	names_fini(&c->names);
	names_fini(&c->issued);
	names_fini(&c->proof_names);
	*c = (struct certs){ 0 };
}

struct tls_context *certs_find(const struct certs *c, const char *name,
			       enum certs_alpn alpn)
{
	size_t n;

	if (!names_find(&c->issued, &n, name) &&
	    !names_find(&c->names, &n, name))
		n = CERTS_DEFAULT;
	return c->entries[n].contexts[alpn];
}

bool certs_is_issued(const struct certs *c, const char *name)
{
	size_t n;

	return names_find(&c->issued, &n, name);
}

bool certs_has(const struct certs *c, const char *name)
{
	size_t n;

	return certs_is_issued(c, name) || names_find(&c->names, &n, name);
}

struct tls_context *certs_proof(const struct certs *c, const char *name)
{
	size_t n;

	return c && names_find(&c->proof_names, &n, name)
		       ? c->proofs[n].context
		       : NULL;
}

const char *certs_answer(const struct certs *c, const char *name,
			 struct span token)
{
	size_t i;

	for (i = 0; i < c->answer_count; i++)
		if (strcmp(c->answers[i].name, name) == 0 &&
		    span_equal_str(token, c->answers[i].token))
			return c->answers[i].value;
	return NULL;
}

bool certs_has_answer(const struct certs *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->answer_count; i++)
		if (strcmp(c->answers[i].name, name) == 0)
			return true;
	return false;
}
