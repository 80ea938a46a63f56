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
};

const char *answer_reason(enum answer_why why)
{
	return answers[why].reason;
}

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

static void write_h2(struct wr *w, const struct answer *a)
{
	uint8_t payload[256];
	struct wr p = WR_ARRAY(payload);

	wr_be32(&p, 0); /* no stream was processed */
	wr_be32(&p, H2_INTERNAL_ERROR);
	wr_str(&p, a->reason);
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
		write_h2(w, &answers[why]);
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
