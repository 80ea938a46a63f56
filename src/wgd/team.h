/*
 * team: the workers of the interface and their threads.
 *
 * The first worker runs in the main thread, in the program's own loop, which
 * also serves control; each other has a thread and a loop of its own.  With one
 * worker there is no thread, no program in the kernel and nothing to wait for.
 *
 * What concerns all workers (keys, peers, port, mark, MTU) is changed and
 * looked at only while they are stopped: team_stop() waits until each stands
 * still between two turns, team_go() lets them go on.  So the way of a packet
 * takes no lock, and nobody ever sees half of a change.
 */
#ifndef POSTERN_WGD_TEAM_H
#define POSTERN_WGD_TEAM_H

#include "base/rc.h"
#include "io/log.h"
#include "io/loop.h"
#include "wireguard/device.h"

struct team;

struct team_events {
	/* the interface was deleted, or a worker failed */
	void (*gone)(void *arg);
	void *arg;
};

/*
 * 'wanted' workers, or fewer when the kernel does not let packets be steered:
 * then one, which is logged.  Takes the main loop, also when it fails.  RC_SYS
 * with errno.
 * Returns owned: team_free(), which ends the threads and deletes the interface.
 */
enum rc team_new(struct team **out, struct loop *main, unsigned wanted,
		 const struct log *log, const struct team_events *events);
void team_free(struct team *c);

/* Makes the TUN interface.  RC_SYS with errno. */
enum rc team_open(struct team *c, const char *interface);
/* Starts the threads of the other workers.  RC_SYS with errno. */
enum rc team_start(struct team *c);

unsigned team_count(const struct team *c);
/* The guards that hold for all memory of keys (io/vault.h). */
unsigned team_guards(const struct team *c);

/* -- in the main thread -- */

/* Returns the time at which they stand still. */
struct device_time team_stop(struct team *c);
void team_go(struct team *c);

/* -- while they are stopped, or not started yet -- */

/* Any of the devices: for what is common to all. */
struct device *team_device(const struct team *c);
/* Moves all sockets to another port (0: any that is free on both families).  0,
 * or an errno and nothing changed. */
int team_bind(struct team *c, uint16_t port);
uint16_t team_port(const struct team *c);
/* The mark of packets sent (SO_MARK); 0 or an errno. */
int team_set_mark(struct team *c, uint32_t mark);
uint32_t team_mark(const struct team *c);

#endif
