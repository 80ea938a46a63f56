#include "cli/ask.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

enum {
	TIMEOUT_MS = 5000,
	HTTP_OK = 200,
	HTTP_REDIRECT = 300,
};

static size_t receive(char *bytes, size_t size, size_t count, void *arg)
{
	struct buf *answer = arg;

	return buf_add(answer, span_of(bytes, size * count)) ? size * count : 0;
}

static void easy_free(CURL **c)
{
	curl_easy_cleanup(*c);
}

/* {"error": "..."} of a refusal, else the status alone. */
static void explain(const json_t *said, long status,
		    char error[ASK_ERROR_MAX])
{
	const char *text = json_string_value(json_object_get(said, "error"));

	(void)snprintf(error, ASK_ERROR_MAX, "status %ld%s%.200s", status,
		       text ? ": " : "", text ? text : "");
}

enum rc ask(json_t **out, const char *socket, const char *method,
	    const char *path, char error[ASK_ERROR_MAX])
{
	AUTO(easy_free)
	CURL *curl = curl_easy_init();
	AUTO(buf_fini)
	struct buf answer = { 0 };
	char url[512];
	struct span text;
	CURLcode code;
	json_t *said;
	long status = 0;

	if (!curl)
		return RC_SYS;
	buf_init(&answer, ASK_ANSWER_MAX);
	(void)snprintf(url, sizeof(url), "http://postern%.400s", path);
	(void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket);
	(void)curl_easy_setopt(curl, CURLOPT_URL, url);
	(void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
	code = curl_easy_perform(curl);
	if (code != CURLE_OK) {
		(void)snprintf(error, ASK_ERROR_MAX, "%.150s: %s", socket,
			       curl_easy_strerror(code));
		return RC_CLOSED;
	}
	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	text = buf_span(&answer);
	said = json_loadb((const char *)text.p, text.n, 0, NULL);
	if (status < HTTP_OK || status >= HTTP_REDIRECT) {
		explain(said, status, error);
		json_decref(said);
		return RC_DENIED;
	}
	if (!said) {
		(void)snprintf(error, ASK_ERROR_MAX, "%.150s: no JSON", socket);
		return RC_MALFORMED;
	}
	*out = said;
	return RC_OK;
}
