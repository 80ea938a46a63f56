#include "registrar/serve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "http/server.h"

enum {
	ADMIN_MODE = 0600,
	STATUS_MODE = 0666, /* the edge runs as somebody else */
};

struct serve {
	struct http_server *admin, *status;
};

enum rc serve_new(struct serve **out, struct loop *loop, struct api *api,
		  char error[NODE_ERROR_MAX])
{
	struct serve *s = mem_new(sizeof(*s));
	const char *path = api->config->admin;
	enum rc rc;

	rc = http_server_new(&s->admin, loop, path, ADMIN_MODE, api_admin, api);
	if (!rc) {
		path = api->config->status;
		rc = http_server_new(&s->status, loop, path, STATUS_MODE,
				     api_status, api);
	}
	if (rc) {
		error_set(error, "%s: %s", path, strerror(errno));
		serve_free(s);
		return rc;
	}
	*out = s;
	return RC_OK;
}

void serve_free(struct serve *s)
{
	if (!s)
		return;
	http_server_free(s->admin);
	http_server_free(s->status);
	free(s);
}
