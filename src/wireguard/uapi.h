/*
 * uapi: the text by which `wg` and others configure a userspace device.
 *
 * Reads the lines of a set operation into typed items, and writes the answer
 * of a get.  Touches no device: see control.h.
 *
 * Strict: a key it does not know, a key where it does not belong, a value that
 * is not exactly of its form: the whole operation is refused before any of it
 * is done.
 *
 * Source: https://www.wireguard.com/xplatform/ (cross-platform userspace
 * interface, version 1).
 */
#ifndef POSTERN_WIREGUARD_UAPI_H
#define POSTERN_WIREGUARD_UAPI_H

#include "base/buf.h"
#include "base/secret.h"
#include "base/span.h"
#include "wireguard/allowedips.h"
#include "wireguard/endpoint.h"

enum {
	UAPI_KEY_LEN = 32,
	UAPI_REQUEST_MAX = 32 << 20, /* bytes of one operation */
	UAPI_ANSWER_MAX = 256 << 20,
};

enum uapi_kind {
	/* of the device */
	UAPI_PRIVATE_KEY,
	UAPI_LISTEN_PORT,
	UAPI_FWMARK,
	UAPI_REPLACE_PEERS,
	/* begins the lines of one peer */
	UAPI_PUBLIC_KEY,
	/* of that peer */
	UAPI_REMOVE,
	UAPI_UPDATE_ONLY,
	UAPI_PRESHARED_KEY,
	UAPI_ENDPOINT,
	UAPI_KEEPALIVE,
	UAPI_REPLACE_ALLOWED,
	UAPI_ALLOWED,
	UAPI_PROTOCOL_VERSION, /* always 1 */
};

/* One line; 'kind' says which of the others is filled in. */
struct uapi_item {
	enum uapi_kind kind;
	struct key32 key; /* private, preshared or public */
	uint32_t number; /* port, mark, seconds */
	struct endpoint endpoint;
	char scope[ENDPOINT_SCOPE_MAX + 1]; /* of the endpoint, if a name */
	struct allowedips_prefix prefix;
	bool is_removal; /* of the prefix */
};

/* What a request asks for. */
enum uapi_operation {
	UAPI_GET,
	UAPI_SET,
	UAPI_BROKEN, /* neither */
};
/* Takes the first line off the request. */
enum uapi_operation uapi_begin(struct span *request);

/*
 * How many bytes of 'received' the first request takes, its closing empty line
 * included; 0: it is not whole yet.
 */
size_t uapi_request_len(struct span received);

/* Where a reader of set lines stands.  Zeroed: before the first. */
struct uapi_reader {
	bool is_in_peer;
	bool has_begun_peer; /* the peer's lines so far are more than its key */
};

enum uapi_line {
	UAPI_ITEM, /* *out is filled */
	UAPI_END, /* nothing is left */
	UAPI_PROTOCOL, /* no key=value line: EPROTO */
	UAPI_INVALID, /* unknown key, wrong place or wrong value: EINVAL */
};
/* Takes the next line off 'lines'. */
enum uapi_line uapi_next(struct uapi_reader *r, struct uapi_item *out,
			 struct span *lines);
/* The first fault of a whole set request, or UAPI_END when there is none. */
enum uapi_line uapi_check(struct span lines);

/* Writing.  False: over the buffer's bound. */
[[nodiscard]] bool uapi_put_key(struct buf *out, const char *name,
				const uint8_t key[UAPI_KEY_LEN]);
[[nodiscard]] bool uapi_put_number(struct buf *out, const char *name,
				   uint64_t v);
[[nodiscard]] bool uapi_put_endpoint(struct buf *out, const struct endpoint *e);
[[nodiscard]] bool uapi_put_allowed(struct buf *out,
				    const struct allowedips_prefix *p);
/* The line that ends an answer: errno's value, which wg wants negative. */
[[nodiscard]] bool uapi_put_errno(struct buf *out, int error);

#endif
