/*
 * sigv4: AWS Signature Version 4 of one HTTP request.
 *
 * Pure: the time is an input.
 *
 * Source: AWS General Reference, "Create a signed AWS API request".
 */
#ifndef POSTERN_DNS_SIGV4_H
#define POSTERN_DNS_SIGV4_H

#include "base/rc.h"
#include "base/span.h"
#include "base/wr.h"

enum {
	SIGV4_DATE_LEN = 16, /* 20150830T123600Z */
	SIGV4_TEXT_MAX = 1024, /* of the Authorization header */
};

/* Borrowed for the call. */
struct sigv4 {
	const char *method;
	struct span host, path; /* of the URL, the path as it is sent */
	struct span query; /* parameters sorted by name, encoded; or empty */
	struct span body;
	const char *region, *service;
	struct span key_id, secret;
	struct span session; /* x-amz-security-token; empty: none */
	int64_t now;
};

/* Value of the header x-amz-date. */
void sigv4_date(char out[SIGV4_DATE_LEN + 1], int64_t now);
/* Writes the value of the header Authorization, which covers host, x-amz-date
 * and, if there is one, x-amz-security-token. */
void sigv4_sign(struct wr *w, const struct sigv4 *s);

#endif
