/*
 * crew: the workers of the interface and their threads.
 *
 * The first worker runs in the main thread, in the program's own loop, which
 * also serves control; each other has a thread and a loop of its own.  With one
 * worker there is no thread, no program in the kernel and nothing to wait for.
 *
 * What concerns all workers (keys, peers, port, mark, MTU) is changed and
 * looked at only while they are stopped: crew_stop() waits until each stands
 * still between two turns, crew_go() lets them go on.  So the way of a packet
 * takes no lock, and nobody ever sees half of a change.
 */
#ifndef POSTERN_WGD_CREW_H
#define POSTERN_WGD_CREW_H

#include "base/rc.h"
#include "io/log.h"
#include "io/loop.h"
#include "wireguard/device.h"

struct crew;

struct crew_events {
	/* the interface was deleted, or a worker failed */
	void (*gone)(void *arg);
	void *arg;
};

/*
 * 'wanted' workers, or fewer when the kernel does not let packets be steered:
 * then one, which is logged.  Takes the main loop, also when it fails.  RC_SYS
 * with errno.
 * Returns owned: crew_free(), which ends the threads and deletes the interface.
 */
enum rc crew_new(struct crew **out, struct loop *main, unsigned wanted,
		 const struct log *log, const struct crew_events *events);
void crew_free(struct crew *c);

/* Makes the TUN interface.  RC_SYS with errno. */
enum rc crew_open(struct crew *c, const char *interface);
/* Starts the threads of the other workers.  RC_SYS with errno. */
enum rc crew_start(struct crew *c);

unsigned crew_count(const struct crew *c);
/* The guards that hold for all memory of keys (io/vault.h). */
unsigned crew_guards(const struct crew *c);

/* -- in the main thread -- */

/* Returns the time at which they stand still. */
struct device_time crew_stop(struct crew *c);
void crew_go(struct crew *c);

/* -- while they are stopped, or not started yet -- */

/* Any of the devices: for what is common to all. */
struct device *crew_device(const struct crew *c);
/* Moves all sockets to another port (0: any that is free on both families).  0,
 * or an errno and nothing changed. */
int crew_bind(struct crew *c, uint16_t port);
uint16_t crew_port(const struct crew *c);
/* The mark of packets sent (SO_MARK); 0 or an errno. */
int crew_set_mark(struct crew *c, uint32_t mark);
uint32_t crew_mark(const struct crew *c);

#endif
