/*
 * hello: what a gateway must know of a TLS ClientHello that it does not
 * terminate: the name asked for and the protocols offered.
 *
 * Two layers.  hello_feed() takes the bytes of a TCP stream as they come and
 * reassembles the handshake message over records and segments; hello_parse()
 * reads the whole message.  Both are pure; neither answers, neither logs.
 *
 * Where two readings are possible the hello is refused: the server behind us
 * may read it the other way.
 *
 * Source: RFC 8446 §4.1.2, §4.2, §5.1; RFC 6066 §3; RFC 7301 §3.1.
 */
#ifndef POSTERN_SNI_HELLO_H
#define POSTERN_SNI_HELLO_H

#include "base/buf.h"
#include "base/rc.h"
#include "base/span.h"

enum {
	HELLO_MAX = 65536, /* bytes of one ClientHello with its header */
	HELLO_STREAM_MAX = HELLO_MAX + 65536, /* with its record headers */
	HELLO_ALPN_MAX = 16, /* protocols kept; more is malformed */
	HELLO_NAME_MAX = 255, /* bytes of a host_name */
};

struct hello {
	/* host_name as sent: 1..255 bytes of [A-Za-z0-9._:-], where ':' is for
	 * the IPv6 addresses that some clients send; n == 0: none */
	struct span sni;
	struct span alpn[HELLO_ALPN_MAX]; /* in the client's order */
	size_t alpn_count;
	bool offers_tls13; /* supported_versions holds 0x0304 */
};

/*
 * Reads one ClientHello.  'body' is the handshake message without its 4-byte
 * header.
 *
 * RC_OK           *out is filled; its spans borrow 'body'
 * RC_MALFORMED    the grammar is broken, a length does not tile, an extension
 *                 comes twice, the null compression method is missing,
 *                 pre_shared_key is not last, server_name is anything but one
 *                 host_name, the name holds a byte no host name has, or
 *                 legacy_version is newer than TLS 1.2, where it is frozen
 * RC_UNSUPPORTED  legacy_version is older than TLS 1.2
 *
 * On failure *out is untouched.
 */
enum rc hello_parse(struct hello *out, struct span body);

enum hello_status {
	HELLO_MORE, /* not whole yet */
	HELLO_DONE, /* out is filled */
	HELLO_NOT_TLS, /* the first bytes are not a TLS handshake record */
	HELLO_MALFORMED, /* refuse with decode_error */
	HELLO_TOO_LARGE, /* over HELLO_MAX, or HELLO_STREAM_MAX with records */
	HELLO_OLD, /* refuse with protocol_version */
};

/* Reassembles one hello.  Holds at most HELLO_MAX bytes. */
struct hello_reader {
	struct buf message; /* the handshake message so far */
	size_t consumed; /* bytes of the stream that were understood */
	size_t record_left; /* bytes the current record still owes */
};

void hello_reader_init(struct hello_reader *r);
void hello_reader_fini(struct hello_reader *r);
/*
 * 'stream' is everything received so far on the connection, from its first
 * byte; each call has at least the bytes of the one before.  The answer is
 * the same however the stream was cut, and a refusal comes with the first byte
 * that earns it.  Spans in *out borrow the reader.  A ClientHello must be
 * alone: bytes of a second handshake message in its record are malformed.
 * Records may follow it (RFC 8446 §D.4, early data): they stay in the stream
 * behind 'consumed'.  After any answer but HELLO_MORE the reader is done.
 * Only HELLO_DONE writes *out.
 */
enum hello_status hello_feed(struct hello_reader *r, struct hello *out,
			     struct span stream);

#endif
