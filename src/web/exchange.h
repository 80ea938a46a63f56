/*
 * exchange: one HTTP request to a stranger and the answer, as data: protocol
 * rooms make the one and read the other, and http/fetch does it.
 *
 * Pure.  A request's texts are checked where it is made: no byte in a URL or a
 * header could begin another header or another request.
 *
 * Source: RFC 9110 §5.1, §5.5 (fields), §9 (methods); RFC 3986 §3.
 */
#ifndef POSTERN_WEB_EXCHANGE_H
#define POSTERN_WEB_EXCHANGE_H

#include "base/buf.h"
#include "base/rc.h"

enum {
	WEB_URL_MAX = 2048,
	WEB_HEADERS_MAX = 16, /* of a request; of an answer WEB_FIELDS_MAX */
	WEB_FIELDS_MAX = 64,
	WEB_FIELD_MAX = 16 * 1024, /* bytes of a header line */
	WEB_BODY_MAX = 16 * 1024 * 1024, /* of a request */
};

enum web_method {
	WEB_GET,
	WEB_HEAD,
	WEB_POST,
	WEB_PUT,
	WEB_PATCH,
	WEB_DELETE,
};
/* "GET", ... */
const char *web_method_name(enum web_method m);

/* Zeroed: a GET of nothing.  Owns what is in its buffers: web_ask_fini(). */
struct web_ask {
	enum web_method method;
	char url[WEB_URL_MAX]; /* absolute, NUL-terminated */
	struct buf headers; /* "Name: value" CR LF, one or more times */
	size_t header_count;
	struct buf body;
	size_t answer_max; /* bytes of the answer's body; 0: none is taken */
};

/*
 * Begins a request, forgetting whatever was in it.  RC_MALFORMED: 'url' is
 * neither http:// nor https:// with a host, has a byte outside RFC 3986's or is
 * longer than WEB_URL_MAX - 1.
 */
enum rc web_ask_init(struct web_ask *a, enum web_method method,
		     struct span url, size_t answer_max);
/*
 * RC_MALFORMED: no field name, or a value with a byte that is not printable
 * ASCII, blank or tab.  RC_LIMIT: too many, or too long.
 */
enum rc web_ask_header(struct web_ask *a, const char *name, struct span value);
/* Copies the body and says its Content-Type.  As web_ask_header(). */
enum rc web_ask_body(struct web_ask *a, const char *content_type,
		     struct span body);
/* For AUTO(). */
void web_ask_fini(struct web_ask *a);

/* Zeroed: none yet.  Owns what is in its buffers: web_answer_fini(). */
struct web_answer {
	unsigned status; /* 100..599 */
	struct buf fields; /* "name: value" LF, names as sent */
	size_t field_count;
	struct buf body;
};

void web_answer_init(struct web_answer *a, unsigned status, size_t body_max);
/* Keeps a field of the answer.  RC_LIMIT: too many, or too long. */
enum rc web_answer_field(struct web_answer *a, struct span name,
			 struct span value);
/* For AUTO(). */
void web_answer_fini(struct web_answer *a);

/*
 * The value of the nth field (0: the first) of this name, any case, without
 * white space around it.  False: there is none.  Borrows the answer.
 */
bool web_answer_get(const struct web_answer *a, const char *name, size_t nth,
		    struct span *value);
/* The one field of this name; false when there is none or more than one. */
bool web_answer_only(const struct web_answer *a, const char *name,
		     struct span *value);
/* Its media type, without parameters, is this. */
bool web_answer_is(const struct web_answer *a, const char *media_type);

/* Scheme and host, port included, of a URL that web_ask_init() took. */
bool web_url_origin(struct span *origin, struct span url);
/* Percent-encodes all but RFC 3986 §2.3's unreserved bytes. */
void web_url_encode(struct wr *w, struct span text);

#endif
