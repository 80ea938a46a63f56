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

static void say(struct http_answer *answer, unsigned status, struct span text)
{
	answer->status = buf_add(&answer->body, text) ? status : 500;
}

static void handle(void *arg, const struct http_request *request,
		   struct http_answer *answer)
{
	AUTO(mem_auto_free)
	char *text = NULL;
	struct serve *s = arg;

	if (strcmp(request->method, "GET") != 0) {
		say(answer, 405, span_str("{\"error\": \"expected GET\"}"));
	} else if (strcmp(request->path, "/v1/status") == 0) {
		text = status_json(s->sources);
		say(answer, text ? 200 : 500,
		    text ? span_str(text) : (struct span){ 0 });
	} else if (strcmp(request->path, "/v1/env-key") != 0) {
		say(answer, 404,
		    span_str("{\"error\": \"there are /v1/status and "
			     "/v1/env-key\"}"));
	} else if (s->sources->secrets) {
		say(answer, 200, secrets_proof(s->sources->secrets));
	} else {
		say(answer, 404,
		    span_str("{\"error\": \"the manifest lists no "
			     "allowed_envs\"}"));
	}
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
