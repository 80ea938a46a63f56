/*
 * sockets: the listening sockets, which the master holds for its workers.
 *
 * Of a TCP address there is one for each worker, in one group of the kernel
 * (SO_REUSEPORT), so that workers do not meet at a queue; a unix socket, one
 * that a supervisor handed over, and a port of the kernel's choice is shared by
 * all.  The master's copy keeps what is queued while a worker is replaced, and
 * a whole master: the next one gets the very sockets.
 */
#ifndef POSTERN_EDGE_SOCKETS_H
#define POSTERN_EDGE_SOCKETS_H

#include "edge/config.h"

enum {
	SOCKETS_TEXT_MAX = 160,
	SOCKETS_ERROR_MAX = 256,
	SOCKETS_SHARED = UINT32_MAX,
};

/* The highest bit of an id: no TLS is spoken there. */
#define SOCKETS_PLAIN UINT32_C(0x80000000)

struct sockets_entry {
	uint32_t id; /* never used twice in a process */
	uint32_t place; /* in its group, or SOCKETS_SHARED */
	/* as the configuration has it; "http:" before one of http.listen */
	char text[SOCKETS_TEXT_MAX];
	int fd;
};

/* Zeroed: none. */
struct sockets {
	struct sockets_entry *at;
	size_t count;
};

/* Closes all and forgets them. */
void sockets_fini(struct sockets *s);

/*
 * Makes the sockets of a configuration: those of 'have' that it still lists,
 * and new ones for the rest, numbered from *next_id on.  *out borrows
 * descriptors of 'have' and owns the others.  RC_SYS: error[] says which and
 * why, nothing is left open.
 */
enum rc sockets_make(struct sockets *out, const struct sockets *have,
		     const struct edge_config *config, uint32_t *next_id,
		     char error[SOCKETS_ERROR_MAX]);
/* Ends 'have' once 'now', made of it, has taken its place. */
void sockets_replace(struct sockets *have, struct sockets *now);
/* Gives 'made' of 'have' up. */
void sockets_drop(struct sockets *made, const struct sockets *have);

/* The id of a socket with that number and text. */
uint32_t sockets_id(uint32_t number, const char *text);
bool sockets_is_plain(uint32_t id);

/* Adds one that another process held.  Takes fd. */
void sockets_adopt(struct sockets *s, const struct sockets_entry *e);

/* Whether this worker listens there; a group may be larger than the workers
 * are many. */
bool sockets_is_for(const struct sockets_entry *e, uint32_t worker,
		    uint32_t workers);

#endif
