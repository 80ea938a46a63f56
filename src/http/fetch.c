#include "http/fetch.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/secret.h"
#include "io/file.h"

enum {
	CA_FILE_MAX = 4 * 1024 * 1024, /* a system's store has 0.25 MiB */
};

/* One transfer. */
struct transfer {
	const struct web_ask *ask;
	const struct fetch_options *options;
	struct web_answer answer;
	size_t fields_bytes;
	enum fetch_result why; /* it was ended by us */
	struct buf ca; /* of options->ca_file */
	struct curl_slist *headers, *resolve;
	CURL *curl;
};

static void transfer_fini(struct transfer *t)
{
	web_answer_fini(&t->answer);
	buf_fini(&t->ca);
	curl_slist_free_all(t->headers);
	curl_slist_free_all(t->resolve);
	if (t->curl)
		curl_easy_cleanup(t->curl);
}

const char *fetch_result_name(enum fetch_result r)
{
	static const char *const names[] = {
		[FETCH_OK] = "ok",
		[FETCH_UNREACHABLE] = "unreachable",
		[FETCH_TLS] = "tls",
		[FETCH_TIMEOUT] = "timeout",
		[FETCH_CUT] = "cut",
		[FETCH_TOO_LARGE] = "too_large",
		[FETCH_STOPPED] = "stopped",
		[FETCH_FORM] = "form",
	};

	return names[r];
}

static size_t take_body(char *piece, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;
	size_t n = size * count;

	if (buf_add(&t->answer.body, span_of(piece, n)))
		return n;
	t->why = FETCH_TOO_LARGE;
	return 0; /* any number but n makes curl stop */
}

static bool take_line(struct transfer *t, struct span line)
{
	struct span name;

	/* The status line of an answer; an interim one came before it. */
	if (span_has_prefix(line, span_str("HTTP/"))) {
		web_answer_init(&t->answer, 0, t->ask->answer_max);
		return true;
	}
	if (!rd_until(&line, &name, ':') ||
	    !web_answer_field(&t->answer, name, line))
		return true;
	t->why = FETCH_TOO_LARGE;
	return false;
}

static size_t take_header(char *piece, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;
	size_t n = size * count;

	t->fields_bytes += n;
	if (t->fields_bytes > FETCH_FIELDS_BYTES_MAX) {
		t->why = FETCH_TOO_LARGE;
		return 0;
	}
	return take_line(t, span_of(piece, n)) ? n : 0;
}

static int watch(void *arg, curl_off_t down_total, curl_off_t down,
		 curl_off_t up_total, curl_off_t up)
{
	struct transfer *t = arg;

	(void)down_total;
	(void)down;
	(void)up_total;
	(void)up;
	if (!t->options->stop || !atomic_load(t->options->stop))
		return 0;
	t->why = FETCH_STOPPED;
	return 1;
}

static struct curl_slist *append(struct curl_slist *list, const char *text)
{
	struct curl_slist *longer = curl_slist_append(list, text);

	if (!longer)
		abort(); /* out of memory */
	return longer;
}

static void set_lists(struct transfer *t)
{
	struct span headers = buf_span(&t->ask->headers), line;

	while (rd_until(&headers, &line, '\n')) {
		char text[WEB_FIELD_MAX];
		/* Without its CR; curl drops a header without a value unless
		 * it ends in ';', and none of ours is empty. */
		size_t n = line.n - 1;

		memcpy(text, line.p, n);
		text[n] = '\0';
		t->headers = append(t->headers, text);
		secret_wipe(text, n);
	}
	/* Not asked for by us, and not every server answers it. */
	t->headers = append(t->headers, "Expect:");
	for (size_t i = 0; t->options->resolve && t->options->resolve[i]; i++)
		t->resolve = append(t->resolve, t->options->resolve[i]);
	curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(t->curl, CURLOPT_RESOLVE, t->resolve);
}

static void set_request(struct transfer *t)
{
	struct span body = buf_span(&t->ask->body);
	enum web_method method = t->ask->method;

	if (method == WEB_HEAD)
		curl_easy_setopt(t->curl, CURLOPT_NOBODY, 1L);
	else if (method != WEB_GET && (method != WEB_DELETE || body.n)) {
		curl_easy_setopt(t->curl, CURLOPT_POST, 1L);
		curl_easy_setopt(t->curl, CURLOPT_POSTFIELDS,
				 body.n ? (const char *)body.p : "");
		curl_easy_setopt(t->curl, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)body.n);
	}
	if (method != WEB_GET && method != WEB_HEAD && method != WEB_POST)
		curl_easy_setopt(t->curl, CURLOPT_CUSTOMREQUEST,
				 web_method_name(method));
}

static void set_tls(struct transfer *t)
{
	struct curl_blob ca = { .flags = CURL_BLOB_NOCOPY };

	curl_easy_setopt(t->curl, CURLOPT_SSLVERSION,
			 (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(t->curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(t->curl, CURLOPT_SSL_VERIFYHOST, 2L);
	if (!t->options->ca_file)
		return;
	ca.data = t->ca.p + t->ca.at;
	ca.len = t->ca.n;
	curl_easy_setopt(t->curl, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(t->curl, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(t->curl, CURLOPT_CAINFO_BLOB, &ca);
}

/* Options of which none can fail but for want of memory. */
static void set_options(struct transfer *t)
{
	const struct fetch_options *o = t->options;
	long timeout_ms =
		o->timeout_ms ? (long)o->timeout_ms : FETCH_TIMEOUT_MS;
	CURL *curl = t->curl;

	curl_easy_setopt(curl, CURLOPT_URL, t->ask->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR,
			 strncmp(t->ask->url, "http:", 5) == 0 ? "http"
							       : "https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION,
			 (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_HTTP09_ALLOWED, 0L);
	/* Whatever the environment says about proxies. */
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
			 timeout_ms < FETCH_CONNECT_MS
				 ? timeout_ms
				 : (long)FETCH_CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
}

static enum fetch_result result_of(CURLcode code)
{
	switch ((int)code) {
	case CURLE_OK:
		return FETCH_OK;
	case CURLE_OPERATION_TIMEDOUT:
		return FETCH_TIMEOUT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_ISSUER_ERROR:
		return FETCH_TLS;
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return FETCH_CUT;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_HTTP2:
		return FETCH_FORM;
	default:
		return FETCH_UNREACHABLE;
	}
}

/*
 * With CURLOPT_NOSIGNAL curl leaves SIGPIPE to us, and a TLS alert to a server
 * that is gone raises it: blocked for the transfer, and one that came of it is
 * taken before it can be delivered.
 */
static CURLcode perform(CURL *curl)
{
	static const struct timespec at_once;
	sigset_t pipe_only, before, pending;
	bool was_pending;
	CURLcode code;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	sigpending(&pending);
	was_pending = sigismember(&pending, SIGPIPE) == 1;
	(void)pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
	code = curl_easy_perform(curl);
	if (!was_pending)
		(void)sigtimedwait(&pipe_only, NULL, &at_once);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return code;
}

static enum fetch_result fail(char error[FETCH_ERROR_MAX],
			      const struct web_ask *ask,
			      enum fetch_result result, const char *what)
{
	snprintf(error, FETCH_ERROR_MAX, "%.*s: %s",
		 (int)strcspn(ask->url, "?"), ask->url, what);
	return result;
}

static const char *words_of(const struct transfer *t, CURLcode code,
			    const char *text)
{
	if (t->why == FETCH_TOO_LARGE)
		return "larger than is taken, or with more headers";
	if (t->why == FETCH_STOPPED)
		return "stopped";
	return text[0] ? text : curl_easy_strerror(code);
}

enum fetch_result fetch(struct web_answer *out, char error[FETCH_ERROR_MAX],
			const struct web_ask *ask,
			const struct fetch_options *options)
{
	AUTO(transfer_fini)
	struct transfer t = { .ask = ask, .options = options };
	char text[CURL_ERROR_SIZE] = "";
	enum fetch_result result;
	long status = 0;
	CURLcode code;

	t.curl = curl_easy_init();
	if (!t.curl)
		abort(); /* out of memory */
	buf_init(&t.ca, CA_FILE_MAX);
	if (options->ca_file) {
		enum rc rc = file_read(&t.ca, options->ca_file);

		if (rc) {
			snprintf(error, FETCH_ERROR_MAX, "%s: %s",
				 options->ca_file, file_why(rc));
			return FETCH_TLS;
		}
	}
	web_answer_init(&t.answer, 0, ask->answer_max);
	set_options(&t);
	set_tls(&t);
	set_request(&t);
	set_lists(&t);
	curl_easy_setopt(t.curl, CURLOPT_ERRORBUFFER, text);
	code = perform(t.curl);
	(void)curl_easy_getinfo(t.curl, CURLINFO_RESPONSE_CODE, &status);
	result = t.why && code ? t.why : result_of(code);
	if (result)
		return fail(error, ask, result, words_of(&t, code, text));
	t.answer.status = (unsigned)status;
	web_answer_fini(out);
	*out = t.answer;
	t.answer = (struct web_answer){ 0 };
	return FETCH_OK;
}
