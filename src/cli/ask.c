#include "cli/ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "http/client.h"

enum {
	TIMEOUT_MS = 5000,
	HTTP_OK = 200,
	HTTP_REDIRECT = 300,
};

/* {"error": "..."} of a refusal, else the status alone. */
static void explain(const json_t *said, unsigned status,
		    char error[ASK_ERROR_MAX])
{
	const char *text = json_string_value(json_object_get(said, "error"));
	const char *more = json_string_value(json_object_get(said, "detail"));

	(void)snprintf(error, ASK_ERROR_MAX, "status %u%s%.80s%s%.150s", status,
		       text ? ": " : "", text ? text : "", more ? ": " : "",
		       more ? more : "");
}

static enum rc fail(enum rc rc, const char *socket, const char *why,
		    char error[ASK_ERROR_MAX])
{
	(void)snprintf(error, ASK_ERROR_MAX, "%.150s: %s", socket, why);
	return rc;
}

/* Why there is no answer, in ask()'s own words. */
static enum rc no_answer(enum rc rc, const char *socket,
			 char error[ASK_ERROR_MAX])
{
	switch (rc) {
	case RC_SYS:
		return fail(RC_CLOSED, socket, strerror(errno), error);
	case RC_CLOSED:
		return fail(RC_CLOSED, socket, "closed in its answer", error);
	case RC_LIMIT:
		return fail(RC_CLOSED, socket,
			    "no whole answer in time, or too long a one",
			    error);
	case RC_OK:
	case RC_MALFORMED:
	case RC_UNSUPPORTED:
	case RC_DENIED:
	case RC_STALE:
	case RC_CRYPTO:
		break;
	}
	return fail(RC_MALFORMED, socket, "no HTTP", error);
}

enum rc ask(json_t **out, const char *socket, const char *method,
	    const char *path, char error[ASK_ERROR_MAX])
{
	return ask_with(out, socket, method, path, span_str(""), error);
}

enum rc ask_with(json_t **out, const char *socket, const char *method,
		 const char *path, struct span body, char error[ASK_ERROR_MAX])
{
	AUTO(http_reply_fini)
	struct http_reply reply = { 0 };
	struct span text;
	json_t *said;
	enum rc rc;

	rc = http_client_ask(&reply, socket, method, path, body, TIMEOUT_MS);
	if (rc)
		return no_answer(rc, socket, error);
	text = buf_span(&reply.body);
	said = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES,
			  NULL);
	if (reply.status < HTTP_OK || reply.status >= HTTP_REDIRECT) {
		explain(said, reply.status, error);
		json_decref(said);
		return RC_DENIED;
	}
	if (!said)
		return fail(RC_MALFORMED, socket, "no JSON", error);
	*out = said;
	return RC_OK;
}
