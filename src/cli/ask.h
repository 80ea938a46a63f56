/*
 * ask: a question to a program of ours over its unix socket: HTTP with a JSON
 * answer.
 */
#ifndef POSTERN_CLI_ASK_H
#define POSTERN_CLI_ASK_H

#include <jansson.h>

#include "base/rc.h"
#include "base/span.h"

enum {
	ASK_ERROR_MAX = 256,
};

/*
 * RC_OK         status 2xx; *out is owned: json_decref()
 * RC_CLOSED     nobody listens there, or no whole answer came in time
 * RC_DENIED     another status; error says what the program said
 * RC_MALFORMED  an answer that is no HTTP, or no JSON
 * On failure *out is untouched and error has one line.
 */
enum rc ask(json_t **out, const char *socket, const char *method,
	    const char *path, char error[ASK_ERROR_MAX]);
/* The same with a body. */
enum rc ask_with(json_t **out, const char *socket, const char *method,
		 const char *path, struct span body, char error[ASK_ERROR_MAX]);

#endif
