/*
 * head: the head of an HTTP/1 message, from its first line to the empty one.
 *
 * A request is read so strictly that no server behind us can read it another
 * way: who disagrees about where a request ends, or whose it is, lets them
 * smuggle a second one past us (CWE-444).  A response is read for the same two
 * facts only, and less strictly: it comes from the app that its reader asked
 * for.  Pure: bytes in, views out.
 *
 * Source: RFC 9112 §2 to §7, RFC 9110 §5 and §7; sections beside the rules.
 */
#ifndef POSTERN_HTTP1_HEAD_H
#define POSTERN_HTTP1_HEAD_H

#include "base/span.h"

enum {
	HEAD_MAX = 32768, /* bytes of a head */
	HEAD_TARGET_MAX = 16384, /* bytes of a request-target */
	HEAD_FIELDS_MAX = 128,
};

/* Looks for the end of a head in bytes that come one after another. */
struct head_scan {
	size_t line; /* where the line begins that is not whole yet */
};
enum head_found {
	HEAD_MORE, /* not whole yet */
	HEAD_WHOLE, /* *n bytes, with the empty line */
	HEAD_BARE_LF, /* a line ends without a carriage return */
};
/* 'bytes' begins with the head and has at least those of the call before. */
enum head_found head_scan(struct head_scan *s, struct span bytes, size_t *n);

/* How long the body is, RFC 9112 §6.3. */
enum head_framing {
	HEAD_NO_BODY,
	HEAD_LENGTH, /* 'length' bytes */
	HEAD_CHUNKED,
	HEAD_UNTIL_CLOSE, /* of a response */
};

struct head_request {
	struct span line; /* with its CRLF */
	struct span method, target;
	unsigned minor; /* HTTP/1.minor: 0 or 1 */
	/* Of Host, or of an absolute target, which then agree; without port.
	 * n == 0: HTTP/1.0 without Host. */
	struct span host;
	enum head_framing framing;
	uint64_t length;
	bool is_head; /* the method is HEAD: its response has no body */
	bool has_upgrade; /* Connection: upgrade, and Upgrade */
	bool is_last; /* no other request follows it (§9.3) */
	struct span fields; /* as sent, for head_next() */
	size_t field_count;
};

/* 'line' is name and value as sent, with its CRLF; spans borrow the head. */
struct head_field {
	struct span name, value, line;
};
/* Takes the next of a request's fields; false: there is none. */
bool head_next(struct span *fields, struct head_field *out);

/* Why a request is refused: a status for the client, a word for the log. */
struct head_refusal {
	unsigned status;
	const char *reason; /* constant */
};

/*
 * Reads a whole head.  False: refused, *why says how; *out is then undefined.
 *
 *   400 request_line  not method, one space, target, one space, version
 *   400 target        a target of no known form, or a byte outside ASCII
 *   400 field         no name, a space before the colon, a folded line, a
 *                     control byte (§5.1, §5.2, RFC 9110 §5.5)
 *   400 host          none in HTTP/1.1, two, not a host, or another than the
 *                     absolute target's (§3.2)
 *   400 length        no number, or two (§6.3)
 *   400 length_and_coding  Content-Length beside Transfer-Encoding (§6.1)
 *   400 coding        two Transfer-Encodings, or one in HTTP/1.0
 *   400 connection    Connection names a field that is not for one hop
 *                     (RFC 9110 §7.6.1)
 *   400 upgrade       Upgrade without its Connection option, with a body, or
 *                     to h2c, under which we could not read on
 *   414 target_long, 431 fields_many
 *   501 coding_unknown  a coding other than "chunked"
 *   501 connect       this is no proxy for other hosts
 *   505 version
 */
bool head_request(struct head_request *out, struct span head,
		  struct head_refusal *why);

struct head_response {
	unsigned status; /* 100..599 */
	enum head_framing framing; /* as if the request was no HEAD */
	uint64_t length;
};
/* False: its end cannot be known.  'head' is whole. */
bool head_response(struct head_response *out, struct span head);

#endif
