/*
 * session: saying one thing to an ACME server: the directory first, a nonce,
 * the signed request, and the same again where that is what the protocol says
 * (a bad nonce, a server that is busy or not there).
 *
 * One call at a time.  No clock and no socket: requests go out, answers and
 * the time come in.
 *
 * Source: RFC 8555 §6 (6.2 JWS, 6.3 POST-as-GET, 6.5 nonces, 6.6 rate limits),
 * §7.1.1, §7.2.
 */
#ifndef POSTERN_ACME_SESSION_H
#define POSTERN_ACME_SESSION_H

#include "acme/directory.h"
#include "acme/jws.h"
#include "acme/problem.h"
#include "web/exchange.h"

enum {
	SESSION_NONCES = 4,
	SESSION_NONCE_MAX = 256,
	SESSION_BAD_NONCES_MAX = 10, /* tries after badNonce, of one call */
	SESSION_TRIES_MAX = 4, /* of one call without an answer, or with 5xx */
	SESSION_PAUSE_FIRST = 2, /* seconds; doubles with each of them */
	SESSION_PAUSE_MAX = 120, /* a longer Retry-After ends the call */
	SESSION_DIRECTORY_AGE = 86'400, /* seconds until it is read again */
	SESSION_ANSWER_MAX = 256 * 1024,
};

/* Who signs. */
enum call_auth {
	CALL_GET, /* nobody: a plain GET */
	CALL_KEY, /* 'key', which is named in the request */
	CALL_ACCOUNT, /* 'key', named by the account's URL 'kid' */
};

/* What is to be said.  Zeroed: nothing. */
struct call {
	enum call_auth auth;
	const struct p256_private *key; /* borrows until it is answered */
	char kid[ACME_URL_MAX];
	/* where to: 'url', or when that is empty this entry */
	char url[ACME_URL_MAX];
	enum directory_entry entry;
	struct buf payload; /* empty: POST-as-GET */
	/* sent twice it would do something twice: no answer is no second try */
	bool is_once;
	unsigned tries, bad_nonces; /* the session counts here */
};

struct session {
	char directory_url[ACME_URL_MAX];
	bool has_directory;
	int64_t directory_at; /* when it was read */
	struct directory directory;
	char nonce[SESSION_NONCES][SESSION_NONCE_MAX];
	size_t nonce_count;
	int64_t pause_until; /* 0: none */
	enum session_asked {
		SESSION_IDLE,
		SESSION_ASKED_DIRECTORY,
		SESSION_ASKED_NONCE,
		SESSION_ASKED_CALL,
	} asked;
};

enum session_said {
	SESSION_AGAIN, /* ask session_ask() for the next request */
	SESSION_ANSWERED, /* success: the answer is the call's */
	SESSION_REFUSED, /* *problem says why */
	SESSION_UNREACHABLE, /* no answer, or none that could be used */
};

/* RC_MALFORMED: not a URL. */
enum rc session_init(struct session *s, const char *url);
/* Forgets the directory, nonces and pause. */
void session_reset(struct session *s);

void call_init(struct call *c);
/* For AUTO(). */
void call_fini(struct call *c);

/* The directory has been read, lately. */
bool session_is_ready(const struct session *s, int64_t now);

/*
 * The next request of the call into *ask; *wait_until is 0 then.  Where the
 * session pauses, it is the time until which, and *ask is not written.
 *
 * RC_UNSUPPORTED  the server does not offer the call's entry
 * RC_MALFORMED, RC_LIMIT  the request cannot be written
 */
enum rc session_ask(struct session *s, const struct call *c,
		    struct web_ask *ask, int64_t now, int64_t *wait_until);

/*
 * The answer to it; NULL: there was none.  *problem is filled with
 * SESSION_REFUSED, and with SESSION_UNREACHABLE as far as known.
 */
enum session_said session_answer(struct session *s, struct call *c,
				 const struct web_answer *a, int64_t now,
				 struct problem *problem);

#endif
