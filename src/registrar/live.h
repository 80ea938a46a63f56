/*
 * live: what the edge says of itself, asked for over its metrics socket at most
 * once a second, and not again for a while when it did not answer: the asking
 * waits, in the loop's thread, LIVE_WAIT_MS at most.
 */
#ifndef POSTERN_REGISTRAR_LIVE_H
#define POSTERN_REGISTRAR_LIVE_H

#include <jansson.h>

#include "registrar/page.h"

enum {
	LIVE_WAIT_MS = 200,
	LIVE_FRESH_MS = 1000,
	LIVE_REST_MS = 10000, /* after no answer */
};

/* Zeroed: never asked. */
struct live {
	json_t *answer; /* NULL: none */
	uint64_t asked_ms; /* on the clock since boot; 0: never */
};

void live_fini(struct live *l);
/* The edge's /live.json, borrowed until the next call; NULL: none.  path "":
 * there is no edge to ask. */
const json_t *live_ask(struct live *l, const char *path, uint64_t now_ms);
/* Of such an answer; what is not in it is 0. */
void live_read(struct page_live *out, const json_t *answer);

#endif
