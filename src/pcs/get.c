#include "pcs/get.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "base/mem.h"
#include "io/file.h"

enum {
	HEADERS_BYTES_MAX = 64 * 1024,
	HEADER_MAX = 32 * 1024, /* an issuer chain takes 2 to 3 KiB */
	CA_FILE_MAX = 4 * 1024 * 1024, /* a system's store has 0.25 MiB */
};

static const char retry_name[] = "Retry-After";

/* One transfer. */
struct transfer {
	const struct get_options *options;
	struct get_reply reply;
	size_t header_bytes;
	enum pcs_reason why; /* it was ended by us */
	struct buf ca; /* of options->ca_file */
};

void get_reply_fini(struct get_reply *r)
{
	buf_fini(&r->body);
	for (size_t i = 0; i < GET_HEADERS_MAX; i++)
		buf_fini(&r->header[i]);
	buf_fini(&r->retry_after);
	*r = (struct get_reply){ 0 };
}

static void transfer_fini(struct transfer *t)
{
	get_reply_fini(&t->reply);
	buf_fini(&t->ca);
}

static size_t take_body(char *piece, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;
	size_t n = size * count;

	if (buf_add(&t->reply.body, span_of(piece, n)))
		return n;
	t->why = PCS_TOO_LARGE;
	return 0; /* any number but n makes curl stop */
}

static bool is_white(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span trim(struct span s)
{
	while (s.n && is_white(s.p[0]))
		(void)rd_skip(&s, 1); /* s.n is not 0 */
	while (s.n && is_white(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Where the header of this name goes; NULL: nowhere. */
static struct buf *place_of(struct transfer *t, struct span name)
{
	const char *const *names = t->options->headers;

	for (size_t i = 0; i < GET_HEADERS_MAX && names && names[i]; i++)
		if (span_equal_nocase(name, span_str(names[i])))
			return &t->reply.header[i];
	return span_equal_nocase(name, span_str(retry_name))
		       ? &t->reply.retry_after
		       : NULL;
}

static bool take_line(struct transfer *t, struct span line)
{
	struct span name;
	struct buf *to;

	/* The status line of an answer; an interim one came before it. */
	if (span_has_prefix(line, span_str("HTTP/"))) {
		for (size_t i = 0; i < GET_HEADERS_MAX; i++)
			buf_reset(&t->reply.header[i]);
		buf_reset(&t->reply.retry_after);
		return true;
	}
	if (!rd_until(&line, &name, ':'))
		return true;
	to = place_of(t, name);
	if (!to)
		return true;
	if (to->n) {
		t->why = PCS_FORM;
		return false;
	}
	if (!buf_add(to, trim(line))) {
		t->why = PCS_TOO_LARGE;
		return false;
	}
	return true;
}

static size_t take_header(char *piece, size_t size, size_t count, void *arg)
{
	struct transfer *t = arg;
	size_t n = size * count;

	t->header_bytes += n;
	if (t->header_bytes > HEADERS_BYTES_MAX) {
		t->why = PCS_TOO_LARGE;
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
	t->why = PCS_STOPPED;
	return 1;
}

/* Options of which none can fail but for want of memory. */
static void set_options(CURL *curl, struct transfer *t)
{
	const struct get_options *o = t->options;
	long timeout_ms = o->timeout_ms ? (long)o->timeout_ms : GET_TIMEOUT_MS;
	bool is_plain = strncasecmp(o->url, "http:", 5) == 0;
	struct curl_blob ca = { .data = t->ca.p,
				.len = t->ca.n,
				.flags = CURL_BLOB_NOCOPY };

	curl_easy_setopt(curl, CURLOPT_URL, o->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR,
			 is_plain ? "http" : "https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION,
			 (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_HTTP09_ALLOWED, 0L);
	/* Whatever the environment says about proxies. */
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION,
			 (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	if (o->ca_file) {
		curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
		curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &ca);
	}
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
			 timeout_ms < GET_CONNECT_MS ? timeout_ms
						     : (long)GET_CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
}

static enum pcs_reason reason_of(CURLcode code)
{
	switch ((int)code) {
	case CURLE_OK:
		return PCS_OK;
	case CURLE_OPERATION_TIMEDOUT:
		return PCS_TIMEOUT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_ISSUER_ERROR:
		return PCS_TLS;
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return PCS_CUT;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_HTTP2:
		return PCS_FORM;
	default:
		return PCS_UNREACHABLE;
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

enum pcs_reason get(struct get_reply *out, struct pcs_error *error,
		    const struct get_options *options)
{
	AUTO(transfer_fini)
	struct transfer t = { .options = options };
	char text[CURL_ERROR_SIZE] = "";
	CURL *curl = curl_easy_init();
	enum pcs_reason reason;
	long status = 0;
	CURLcode code;

	if (!curl)
		abort(); /* out of memory */
	buf_init(&t.ca, CA_FILE_MAX);
	if (options->ca_file) {
		enum rc rc = file_read(&t.ca, options->ca_file);

		if (rc) {
			curl_easy_cleanup(curl);
			return pcs_fail(error, PCS_TLS, "%s: %s",
					options->ca_file, file_why(rc));
		}
	}
	buf_init(&t.reply.body, options->body_max);
	for (size_t i = 0; i < GET_HEADERS_MAX; i++)
		buf_init(&t.reply.header[i], HEADER_MAX);
	buf_init(&t.reply.retry_after, HEADER_MAX);
	set_options(curl, &t);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, text);
	code = perform(curl);
	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	reason = t.why && code ? t.why : reason_of(code);
	if (reason)
		return pcs_fail(error, reason, "%s: %s", options->url,
				t.why == PCS_TOO_LARGE
					? "larger than is taken"
					: (text[0] ? text
						   : curl_easy_strerror(code)));
	t.reply.status = (unsigned)status;
	*out = t.reply;
	t.reply = (struct get_reply){ 0 };
	return PCS_OK;
}
