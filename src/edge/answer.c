#include "edge/answer.h"

#include <string.h>

/* RFC 9113 */
enum {
	H2_SETTINGS = 4, /* §6.5 */
	H2_GOAWAY = 7, /* §6.8 */
	H2_INTERNAL_ERROR = 2, /* §7 */
};

struct answer {
	const char *status, *reason, *text;
};

static const struct answer answers[] = {
	[ANSWER_REFUSED] = { "502 Bad Gateway", "connect_refused",
			     "The app's container does not accept "
			     "connections on this port.\n" },
	[ANSWER_NO_INSTANCE] = { "503 Service Unavailable", "no_instance",
				 "No attested instance of this app is "
				 "connected to this gateway.\n" },
	[ANSWER_TIMEOUT] = { "504 Gateway Timeout", "connect_timeout",
			     "The app did not answer in time.\n" },
	[ANSWER_PLAIN_HTTP] = { "400 Bad Request", "not_tls",
				"This port speaks TLS: use https://.\n" },
	[ANSWER_H2_ONLY] = { "505 HTTP Version Not Supported", "h2_only",
			     "This app speaks HTTP/2 alone; of HTTP/1.1 there "
			     "is its evidence.\n" },
};

const char *answer_reason(enum answer_why why)
{
	return answers[why].reason;
}

/* RFC 9110 §15.5 and §15.6; what to tell whoever reads it. */
struct refusal {
	unsigned code;
	const char *status, *text;
};

static const struct refusal refusals[] = {
	{ 400, "400 Bad Request",
	  "This request is not as HTTP/1.1 has it, or can be read in two "
	  "ways.\n" },
	{ 404, "404 Not Found", "Nothing is here for this name.\n" },
	{ 405, "405 Method Not Allowed",
	  "Evidence is asked for with GET, HEAD or POST.\n" },
	{ 408, "408 Request Timeout", "The request took too long to come.\n" },
	{ 413, "413 Content Too Large",
	  "The request's body is too large, or its length is not said.\n" },
	{ 414, "414 URI Too Long", "The target of the request is too long.\n" },
	{ 421, "421 Misdirected Request",
	  "This connection is not for the host that the request names.\n" },
	{ 431, "431 Request Header Fields Too Large",
	  "The request has too many fields, or too long ones.\n" },
	{ 501, "501 Not Implemented",
	  "This gateway does not serve such requests.\n" },
	{ 502, "502 Bad Gateway",
	  "The app's responses cannot be followed any more.\n" },
	{ 505, "505 HTTP Version Not Supported",
	  "Only HTTP/1.1 and HTTP/1.0 are served here.\n" },
};

static void write_http1(struct wr *w, const struct answer *a)
{
	wr_printf(w,
		  "HTTP/1.1 %s\r\n"
		  "Content-Type: text/plain; charset=utf-8\r\n"
		  "Content-Length: %zu\r\n"
		  "Cache-Control: no-store\r\n"
		  "Postern-Reason: %s\r\n"
		  "Connection: close\r\n"
		  "\r\n"
		  "%s",
		  a->status, strlen(a->text), a->reason, a->text);
}

static void write_frame(struct wr *w, uint8_t type, struct span payload)
{
	wr_be24(w, (uint32_t)payload.n);
	wr_u8(w, type);
	wr_u8(w, 0); /* flags */
	wr_be32(w, 0); /* the connection's stream */
	wr_bytes(w, payload);
}

void answer_write_refusal(struct wr *w, unsigned status, const char *reason)
{
	const struct refusal *r = &refusals[0];
	struct answer a;
	size_t i;

	for (i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		if (refusals[i].code == status)
			r = &refusals[i];
	a = (struct answer){ r->status, reason, r->text };
	write_http1(w, &a);
}

void answer_write_goaway(struct wr *w, uint32_t error, const char *reason)
{
	uint8_t payload[256];
	struct wr p = WR_ARRAY(payload);

	wr_be32(&p, 0); /* no stream was processed */
	wr_be32(&p, error);
	wr_str(&p, reason);
	write_frame(w, H2_SETTINGS, span_of(NULL, 0));
	write_frame(w, H2_GOAWAY, wr_span(&p));
}

void answer_write(struct wr *w, enum answer_why why, enum certs_alpn alpn)
{
	switch (alpn) {
	case CERTS_HTTP1:
		write_http1(w, &answers[why]);
		return;
	case CERTS_H2:
		answer_write_goaway(w, H2_INTERNAL_ERROR, answers[why].reason);
		return;
	case CERTS_NONE:
	case CERTS_COUNT:
		return;
	}
}

bool answer_is_http(struct span stream)
{
	static const char *const methods[] = { "GET ", "HEAD", "POST", "PUT ",
					       "DELE", "OPTI", "PATC", "CONN" };
	size_t i;

	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (span_has_prefix(stream, span_str(methods[i])))
			return true;
	return false;
}
