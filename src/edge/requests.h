/*
 * requests: what the edge sees to in the HTTP of a connection it ends TLS of:
 * http1/filter or http2/guard, behind one face.
 *
 * Made for such a connection alone, when its first bytes are here.  The
 * client's bytes are taken and put out for the backend; what cannot go yet is
 * kept, at most one read of them, and nothing more is read meanwhile.
 *
 * Opens nothing, logs nothing.
 */
#ifndef POSTERN_EDGE_REQUESTS_H
#define POSTERN_EDGE_REQUESTS_H

#include "edge/certs.h"
#include "base/secret.h"
#include "http1/filter.h"
#include "http2/guard.h"
#include "io/sock.h"

enum {
	/* More is put out only while less than this is there. */
	REQUESTS_OUT_STOP = 64 * 1024,
	/* What is put out at once beside a read: a head, or a block. */
	REQUESTS_PIECE_MAX = GUARD_BLOCK_MAX,
	REQUESTS_RESULT_MAX = 48,
};

struct tls_peer;

struct requests {
	struct vouch vouch;
	char client[64]; /* its address, as text */
	/* For the edge's own service, where there is one. */
	struct vouch_own own;
	char binding[2 * 32 + 1];
	char *certificate; /* what is said of it; owned, NULL: nothing */
	bool is_h2;
	union {
		struct filter filter;
		struct guard guard;
	};
	struct buf held; /* of the client's */
	uint64_t head_since_ms; /* a head began and is not whole; 0: none */
	char result[REQUESTS_RESULT_MAX]; /* "http_<reason>", once refused */
};

struct requests_options {
	bool is_h2; /* else HTTP/1.1 */
	/* See struct vouch; the name is borrowed, the rest copied. */
	struct span name;
	bool is_forwarding;
	const struct sock_addr *client;
	const struct tls_peer *certificate; /* of the client's; or NULL */
	/* The edge's own service is here, too, under this name, for HTTP/1.1
	 * alone; n == 0: it is not.  Borrowed. */
	struct span own_name;
	const struct key32 *binding; /* of TLS; or NULL */
	bool is_tls13;
	const uint8_t *id; /* VOUCH_ID_LEN bytes */
	size_t read_max; /* the most that is taken at once */
};

/* Returns owned: requests_free(). */
struct requests *requests_new(const struct requests_options *o);
void requests_free(struct requests *r);

/* How much 'out' of requests_take() has to have room for, when empty. */
size_t requests_out_max(size_t read_max);

enum requests_status {
	REQUESTS_OK,
	REQUESTS_REFUSED, /* r->result; the connection ends */
};

/*
 * Takes the client's bytes and adds what the backend may see of them to *out,
 * or gives it in *direct, which borrows 'in' or r until the next call; never
 * both.  With bytes held 'in' is to be empty, and they are taken.
 */
enum requests_status requests_take(struct requests *r, struct buf *out,
				   struct span *direct, struct span in,
				   uint64_t now_ms);
/* Bytes are held and cannot be taken before the backend said more. */
bool requests_are_waiting(const struct requests *r);
/* Bytes are held. */
bool requests_are_held(const struct requests *r);

/* What was put out last begins a request for another service than all before,
 * own or the app's; said once. */
bool requests_have_switched(struct requests *r);
/* The last request was for the edge's own service. */
bool requests_are_own(const struct requests *r);
/* No request or response is on its way, nor a part of one. */
bool requests_are_idle(const struct requests *r);

enum requests_step {
	REQUESTS_SEND, /* *piece goes to the client; then call again */
	REQUESTS_MORE, /* all of 'in' was taken */
	REQUESTS_BROKEN, /* as REQUESTS_REFUSED */
};
/* The backend's bytes; with none, what the edge has to say itself. */
enum requests_step requests_give(struct requests *r, struct span *in,
				 struct span *piece);

struct requests_refusal {
	unsigned status; /* of HTTP/1.1; 0: no place for a response */
	const char *reason;
	/* HTTP/2, before the backend's SETTINGS went to the client, without
	 * which requests_give() keeps its GOAWAY. */
	bool needs_goaway;
	uint32_t error;
};
void requests_refusal(const struct requests *r, struct requests_refusal *out);
/* The client did not finish a head in time: as if refused. */
void requests_late(struct requests *r);

#endif
