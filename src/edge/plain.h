/*
 * plain: HTTP without TLS, at the addresses of http.listen: a CA's question for
 * an http-01 challenge is answered, and everybody else is sent to https.
 *
 * One request a connection, read as strictly as where TLS ends (http1/head) and
 * of at most PLAIN_HEAD_MAX bytes in the time that a ClientHello has; answered
 * by the edge itself and never passed on, so there is nobody to smuggle
 * anything to.  What comes behind it is thrown away.
 *
 *   GET, HEAD /.well-known/acme-challenge/TOKEN   the answer that postern-cert
 *             has put there for this name; 404 when there is none
 *   else      308 to https of the same name and target, for names of the base
 *             and of a backend, where the edge has a certificate or bytes pass
 *             through; 421 for all others: whether somebody else's domain leads
 *             here takes a look into the DNS, which this is not worth
 *
 * Source: RFC 8555 §8.3 (http-01); RFC 9110 §15.4.9 (308), §15.5.20 (421);
 *         docs/CONFIGURATION.md, "http".
 */
#ifndef POSTERN_EDGE_PLAIN_H
#define POSTERN_EDGE_PLAIN_H

#include "edge/phase.h"

enum {
	PLAIN_HEAD_MAX = 8 * 1024,
	/* A response: head, and a target or one of our words. */
	PLAIN_ANSWER_MAX = PLAIN_HEAD_MAX + 1024,
};

/* CONN_HELLO of a connection without TLS: more has come to c->stream.
 * PHASE_NEXT: it was answered, c is in CONN_DRAIN; or more is to come. */
enum phase_step plain_take(struct conn *c);
/* Says a status of answer_write_refusal(), or 404; 'result' is for the log. */
enum phase_step plain_refuse(struct conn *c, unsigned status,
			     const char *result);

#endif
