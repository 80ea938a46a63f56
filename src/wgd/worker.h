/*
 * worker: one thread's share of the interface: a loop with a device, a queue of
 * the TUN, a socket a family, and a ring for what other workers hand over.
 *
 * Nothing of it is touched by another thread but the ring, unless the team has
 * stopped it (wgd/team.h).
 */
#ifndef POSTERN_WGD_WORKER_H
#define POSTERN_WGD_WORKER_H

#include "io/log.h"
#include "io/loop.h"
#include "wgd/inner.h"
#include "wgd/ports.h"
#include "wireguard/device.h"

struct vault;
struct worker;

struct worker_setup {
	unsigned number; /* 0: the first, which is configured through */
	const struct log *log; /* borrowed */
	/* of all workers, by number, as they are made; borrowed */
	struct worker *const *all;
	/* of the first only: an address block is that worker's (-1: nobody's);
	 * the interface has this MTU, as it may have had; it was deleted */
	void (*route)(void *arg, const struct allowedips_prefix *p, int worker);
	void (*mtu)(void *arg, size_t mtu);
	void (*gone)(void *arg);
	void *arg;
};

/* Takes the loop, also when it fails.  RC_SYS.  Returns owned: worker_free(),
 * after all threads have ended, and of the first worker last. */
enum rc worker_new(struct worker **out, struct loop *loop,
		   const struct worker_setup *setup);
void worker_free(struct worker *w);

/* Gives it a queue of the TUN, which it takes.  RC_SYS. */
enum rc worker_open(struct worker *w, const struct inner_queue *queue);

struct loop *worker_loop(const struct worker *w);
struct device *worker_device(const struct worker *w);
/* Which guards hold for the memory of its keys (io/vault.h). */
unsigned worker_guards(const struct worker *w);

/* -- while it is stopped, or in its own thread -- */

void worker_use_sockets(struct worker *w, const struct ports_pair *sockets);
int worker_set_mark(struct worker *w, uint32_t mark);
void worker_set_mtu(struct worker *w, size_t mtu);
/* From now on its clock says at least this. */
void worker_set_floor(struct worker *w, uint64_t ms);
/* After anything its device did for somebody else: sends what that made, and
 * wakes when that wants.  In its own thread only. */
void worker_settle(struct worker *w);

#endif
