#include "edge/certs.h"

#include <stdio.h>
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

static enum rc read_pem(struct buf *out, struct files *files,
			const char *path, char error[CERTS_ERROR_MAX])
{
	enum rc rc;

	buf_init(out, PEM_FILE_MAX);
	rc = files_read(files, out, path);
	if (rc)
		(void)snprintf(error, CERTS_ERROR_MAX, "%s: %s", path,
			       file_why(rc));
	return rc;
}

static enum rc make(struct certs *c, struct span chain, struct span key,
		    const char *chain_path, char error[CERTS_ERROR_MAX])
{
	char why[TLS_ERROR_MAX];
	enum rc rc;
	int i;

	for (i = 0; i < CERTS_COUNT; i++) {
		rc = tls_server_new(&c->contexts[i], chain, key, alpns[i],
				    why);
		if (rc) {
			(void)snprintf(error, CERTS_ERROR_MAX, "%s: %s",
				       chain_path, why);
			return rc;
		}
	}
	return RC_OK;
}

enum rc certs_load(struct certs *out, struct files *files,
		   const char *chain_path, const char *key_path,
		   char error[CERTS_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf chain = { 0 };
	AUTO(buf_wipe)
	struct buf key = { 0 };
	AUTO(certs_fini)
	struct certs c = { 0 };
	enum rc rc;

	rc = read_pem(&chain, files, chain_path, error);
	if (rc)
		return rc;
	rc = read_pem(&key, files, key_path, error);
	if (rc)
		return rc;
	rc = make(&c, buf_span(&chain), buf_span(&key), chain_path, error);
	if (rc)
		return rc;
	*out = c;
	c = (struct certs){ 0 };
	return RC_OK;
}

void certs_fini(struct certs *c)
{
	int i;

	for (i = 0; i < CERTS_COUNT; i++)
		tls_context_free(c->contexts[i]);
	*c = (struct certs){ 0 };
}
