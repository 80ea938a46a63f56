#include "http/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/clock.h"

enum {
	URL_MAX = 2048,
	FULL_QUEUE_MS = 5, /* between two tries */
};

void http_reply_fini(struct http_reply *r)
{
	buf_fini(&r->body);
	*r = (struct http_reply){ 0 };
}

static size_t take_body(char *piece, size_t size, size_t count, void *arg)
{
	size_t n = size * count;

	/* Any number but n makes curl stop: CURLE_WRITE_ERROR. */
	return buf_add(arg, span_of(piece, n)) ? n : 0;
}

static enum rc to_rc(CURL *curl, CURLcode code)
{
	long error = 0;

	switch ((int)code) {
	case CURLE_OK:
		return RC_OK;
	case CURLE_COULDNT_CONNECT:
		(void)curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &error);
		errno = error ? (int)error : ECONNREFUSED;
		return RC_SYS;
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_WRITE_ERROR:
		return RC_LIMIT;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
		return RC_CLOSED;
	default:
		return RC_MALFORMED;
	}
}

/* Options of which none can fail but for want of memory. */
static void set_options(CURL *curl, const char *unix_path, const char *method,
			const char *url, struct buf *body)
{
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, unix_path);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	/* Whatever the environment says about proxies. */
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_HTTP09_ALLOWED, 0L);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
}

static struct curl_slist *set_body(CURL *curl, struct span body)
{
	struct curl_slist *headers = curl_slist_append(
		NULL, "Content-Type: application/json");

	/* Not waiting for "100 Continue": the socket is local. */
	headers = curl_slist_append(headers, "Expect:");
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body.n);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, (const char *)body.p);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	return headers;
}

/*
 * connect(2) of a unix socket that may not block, as curl's may not, fails at
 * once with EAGAIN where the queue is full.  curl takes that for "in progress",
 * and then fails with no errno to tell.
 */
static bool is_queue_full(CURL *curl, CURLcode code)
{
	long error = 0;

	(void)curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &error);
	return code == CURLE_COULDNT_CONNECT && (error == 0 || error == EAGAIN);
}

/* Performs, and waits for a place in the server's queue. */
static CURLcode perform(CURL *curl, unsigned timeout_ms)
{
	uint64_t end_ms = clock_boot_ms() + timeout_ms, now_ms;
	long left_ms = (long)timeout_ms;
	CURLcode code;

	for (;;) {
		curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, left_ms);
		code = curl_easy_perform(curl);
		if (!is_queue_full(curl, code))
			return code;
		(void)usleep(FULL_QUEUE_MS * 1000);
		now_ms = clock_boot_ms();
		if (now_ms >= end_ms)
			return CURLE_OPERATION_TIMEDOUT;
		left_ms = (long)(end_ms - now_ms);
	}
}

enum rc http_client_ask(struct http_reply *out, const char *unix_path,
			const char *method, const char *path, struct span body,
			unsigned timeout_ms)
{
	char url[URL_MAX];
	struct curl_slist *headers = NULL;
	struct buf got;
	long status = 0;
	CURL *curl;
	enum rc rc;

	if ((size_t)snprintf(url, sizeof(url), "http://localhost%s", path) >=
	    sizeof(url))
		return RC_LIMIT;
	curl = curl_easy_init();
	if (!curl)
		abort(); /* out of memory */
	buf_init(&got, HTTP_REPLY_MAX);
	set_options(curl, unix_path, method, url, &got);
	if (body.n)
		headers = set_body(curl, body);
	rc = to_rc(curl, perform(curl, timeout_ms));
	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	if (rc)
		buf_wipe(&got); /* an answer cut short may hold keys */
	else
		*out = (struct http_reply){ (unsigned)status, got };
	return rc;
}

enum rc http_client_get(struct http_reply *out, const char *unix_path,
			const char *path, unsigned timeout_ms)
{
	return http_client_ask(out, unix_path, "GET", path, span_str(""),
			       timeout_ms);
}

enum rc http_client_delete(struct http_reply *out, const char *unix_path,
			   const char *path, unsigned timeout_ms)
{
	return http_client_ask(out, unix_path, "DELETE", path, span_str(""),
			       timeout_ms);
}

enum rc http_client_post(struct http_reply *out, const char *unix_path,
			 const char *path, struct span body,
			 unsigned timeout_ms)
{
	return http_client_ask(out, unix_path, "POST", path, body, timeout_ms);
}
