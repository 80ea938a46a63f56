#include "edge/terms.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "io/file.h"

enum {
	PEM_FILE_MAX = 256 * 1024,
};

void terms_fini(struct terms *t)
{
	size_t i;

	for (i = 0; i < t->count; i++)
		tls_terms_free(t->entries[i].tls);
	free(t->entries);
	names_fini(&t->names);
	*t = (struct terms){ 0 };
}

static void set_demand(struct terms_entry *e, const struct edge_name *from,
		       struct span pem)
{
	const uint8_t mode[] = { (uint8_t)from->client_certificate };
	const struct span parts[] = {
		span_str("postern/client-certificate/v1"),
		SPAN_ARRAY(mode),
		pem,
	};

	if (from->client_certificate != EDGE_CERTIFICATE_NONE)
		sha256_parts(&e->demand, parts,
			     sizeof(parts) / sizeof(*parts));
}

static enum rc make(struct terms_entry *out, struct files *files,
		    const struct edge_name *from,
		    const struct edge_place *place, char *error)
{
	AUTO(buf_fini)
	struct buf pem = { 0 };
	struct terms_entry e = { .admits_tls12 = from->tls12 };
	struct tls_terms_options options = {
		.admits_tls12 = from->tls12,
		.is_certificate_required =
			from->client_certificate == EDGE_CERTIFICATE_REQUIRED,
	};
	char why[TLS_ERROR_MAX];
	enum rc rc = RC_OK;

	buf_init(&pem, PEM_FILE_MAX);
	if (from->client_ca)
		rc = files_read(files, &pem, from->client_ca);
	if (!rc && from->client_ca && pem.n == 0)
		rc = RC_MALFORMED;
	if (rc) {
		edge_config_complain(error, place, from->client_ca,
				     rc == RC_MALFORMED ? "empty"
							: file_why(rc));
		return rc;
	}
	options.client_ca_pem = buf_span(&pem);
	rc = tls_terms_new(&e.tls, &options, why);
	if (rc) {
		edge_config_complain(error, place, from->client_ca, why);
		return rc;
	}
	set_demand(&e, from, buf_span(&pem));
	*out = e;
	return RC_OK;
}

enum rc terms_load(struct terms *out, struct files *files,
		   const struct edge_config *config, const char *config_path,
		   char error[EDGE_ERROR_MAX])
{
	const struct edge_name *from = config->names.items;
	struct edge_place place = { .path = config_path, .key = "names" };
	const struct names_entry *first, *again;
	struct terms t = { 0 };
	enum rc rc = RC_OK;
	size_t i;

	for (i = 0; i < config->names.count; i++) {
		place.line = from[i].line;
		t.entries = mem_grow(t.entries, i + 1, sizeof(*t.entries));
		rc = make(&t.entries[i], files, &from[i], &place, error);
		if (rc)
			break;
		t.count++;
		(void)names_add(&t.names, span_str(from[i].name), i);
	}
	if (!rc && !names_sort(&t.names, &first, &again)) {
		place.line = from[again->number].line;
		edge_config_complain(error, &place, again->pattern,
				     "expected once, given twice");
		rc = RC_MALFORMED;
	}
	if (rc) {
		terms_fini(&t);
		return rc;
	}
	*out = t;
	return RC_OK;
}

const struct terms_entry *terms_find(const struct terms *t, const char *name)
{
	size_t i;

	return t && names_find(&t->names, &i, name) ? &t->entries[i] : NULL;
}
