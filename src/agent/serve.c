#include "agent/serve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "http/server.h"

enum {
	STATUS_MODE = 0600,
};

struct serve {
	struct http_server *server;
	const struct status_sources *sources;
};

static void handle(void *arg, const struct http_request *request,
		   struct http_answer *answer)
{
	AUTO(mem_auto_free)
	char *text = NULL;
	struct serve *s = arg;

	if (strcmp(request->method, "GET") != 0) {
		answer->status = 405;
		text = mem_dup("{\"error\": \"expected GET\"}");
	} else if (strcmp(request->path, "/v1/status") != 0) {
		answer->status = 404;
		text = mem_dup("{\"error\": \"there is /v1/status\"}");
	} else {
		text = status_json(s->sources);
	}
	if (!text || !buf_add(&answer->body, span_str(text)))
		answer->status = 500;
}

enum rc serve_new(struct serve **out, struct loop *loop,
		  const struct status_sources *sources,
		  char error[NODE_ERROR_MAX])
{
	struct serve *s = mem_new(sizeof(*s));
	const char *path = sources->config->status;
	enum rc rc;

	s->sources = sources;
	rc = http_server_new(&s->server, loop, path, STATUS_MODE, handle, s);
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
	http_server_free(s->server);
	free(s);
}
