/*
 * meter: what a worker can measure of its own load: the signals of load.h.
 */
#ifndef POSTERN_EDGE_METER_H
#define POSTERN_EDGE_METER_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed but for fd -1: nothing is measured. */
struct meter {
	int statm_fd; /* /proc/self/statm, opened before the sandbox */
};

#define METER_NULL ((struct meter){ .statm_fd = -1 })

void meter_init(struct meter *m);
void meter_fini(struct meter *m);

/* Resident memory, bytes; 0: not known. */
uint64_t meter_rss(const struct meter *m);
/*
 * What the program holds of it: freed memory that the heap keeps does not
 * count, or a flood would never be over.  Looks through the heap only when
 * resident memory is at least 'from'; else less than that is the answer.
 */
uint64_t meter_memory(const struct meter *m, uint64_t from);

/* Connections that wait at a listening TCP socket, and how many may; 0 and 0
 * for other sockets. */
void meter_queue(int fd, uint64_t *queued, uint64_t *max);

#endif
