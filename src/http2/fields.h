/*
 * fields: the field block of a request, decoded, judged, and written anew.
 *
 * The decoder stands in for the backend's: it must see every block the client
 * sends, in order, of streams that were refused, too.  HPACK itself is
 * libnghttp2's.
 *
 * Source: RFC 9113 §8.1 to §8.5, §10.3; RFC 7541 §4.2.
 */
#ifndef POSTERN_HTTP2_FIELDS_H
#define POSTERN_HTTP2_FIELDS_H

#include "base/buf.h"
#include "http1/head.h"
#include "http1/vouch.h"

enum {
	/* What blocks may come to, names, values and 32 a field (RFC 9113
	 * §6.5.2), and what a backend's table may be: the default. */
	FIELDS_SIZE_MAX = 65536,
	FIELDS_COUNT_MAX = 256,
	FIELDS_TABLE_MAX = 4096,
};

struct fields;

/* Returns owned: fields_free(). */
struct fields *fields_new(void);
void fields_free(struct fields *f);

enum fields_kind {
	FIELDS_REQUEST,
	FIELDS_TRAILERS,
};
enum fields_verdict {
	FIELDS_GOOD,
	FIELDS_REFUSED, /* the request is, *why says how */
	FIELDS_BROKEN, /* HPACK is: the connection cannot go on */
	FIELDS_TOO_LARGE, /* over the bounds above; nor can it */
};
/*
 * Decodes a whole block and keeps it until the next, or fields_forget().
 *
 *   400 pseudo      one missing, twice, unknown, behind a field, in trailers
 *   400 field       a name or value of bytes that have no place there, or a
 *                   field of a connection (§8.2.2)
 *   400 host        :authority and Host differ, or none is a host, or missing
 *   400 path        neither "/..." nor "*"
 *   400 length      two Content-Lengths, or no number
 *   421 misdirected another name than vouch->name
 *   501 connect     CONNECT to another host
 *   505 own_path    one of vouch->own, which is for HTTP/1.1
 */
enum fields_verdict fields_read(struct fields *f, struct head_refusal *why,
				struct span block, enum fields_kind kind,
				const struct vouch *vouch);
/*
 * Appends the block kept, as one that needs no table; of a request to be
 * forwarded with what vouch says in place of the client's own word.  False: it
 * does not fit into 'out'.
 */
bool fields_write(struct fields *f, struct buf *out, enum fields_kind kind,
		  const struct vouch *vouch, uint64_t number);
/* Frees what is kept of a block, not the tables. */
void fields_forget(struct fields *f);

#endif
