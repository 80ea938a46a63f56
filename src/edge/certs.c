#include "edge/certs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/file.h"

enum {
	PEM_FILE_MAX = 256 * 1024,
};

static const char *const http1[] = { "http/1.1", NULL };
static const char *const h2[] = { "h2", NULL };

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
	const struct edge_certificate *from;
	char *error;
};

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

/* Makes the next entry's contexts. */
static enum rc make(struct loading *l, struct span chain, struct span key)
{
	struct certs_entry *e;
	char why[TLS_ERROR_MAX];
	enum rc rc;
	int i;

	l->certs.entries = mem_grow(l->certs.entries, l->certs.count + 1,
				    sizeof(*e));
	e = &l->certs.entries[l->certs.count++];
	*e = (struct certs_entry){ 0 };
	for (i = 0; i < CERTS_COUNT; i++) {
		rc = tls_server_new(&e->contexts[i], chain, key, alpns[i],
				    why);
		if (rc) {
			edge_config_complain(l->error, &l->place,
					     l->from->chain, why);
			return rc;
		}
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

static enum rc add(struct loading *l)
{
	AUTO(buf_fini)
	struct buf chain = { 0 };
	AUTO(buf_wipe)
	struct buf key = { 0 };
	enum rc rc;

	rc = read_pem(&chain, l, l->from->chain);
	if (!rc)
		rc = read_pem(&key, l, l->from->key);
	if (!rc)
		rc = make(l, buf_span(&chain), buf_span(&key));
	if (rc)
		return rc;
	if (!tls_context_each_name(
		    l->certs.entries[l->certs.count - 1].contexts[0], add_name,
		    l)) {
		edge_config_complain(l->error, &l->place, l->from->chain,
				     "malformed subjectAltName");
		return RC_CRYPTO;
	}
	if (l->certs.count - 1 != CERTS_DEFAULT && !has_name(&l->certs)) {
		edge_config_complain(l->error, &l->place, l->from->chain,
				     "expected a certificate for a host name");
		return RC_MALFORMED;
	}
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
	l->from = nth(config, n);
	l->place.line = l->from->line;
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
	edge_config_complain(l->error, &l->place, l->from->chain, why);
	return RC_MALFORMED;
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
	enum rc rc = RC_OK;
	size_t i;

	for (i = 0; i <= config->certificates.count && !rc; i++) {
		set_place(&l, config, i);
		rc = add(&l);
	}
	if (!rc)
		rc = sort(&l, config);
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
	names_fini(&c->names);
	*c = (struct certs){ 0 };
}

struct tls_context *certs_find(const struct certs *c, const char *name,
			       enum certs_alpn alpn)
{
	size_t n;

	if (!names_find(&c->names, &n, name))
		n = CERTS_DEFAULT;
	return c->entries[n].contexts[alpn];
}
