/*
 * storage: the CVM's data disk at the agent's start: found, made at the first
 * start, opened at later ones, mounted; and the instance's seed, which lives on
 * it.
 *
 * In this order, since each needs the one before:
 *
 *   the disk's front is read      whose is it: the seed, in clear
 *   the instance is measured      manifest and seed, into RTMR3
 *   the key is asked for          as this measurement, app and instance
 *   the disk is opened, mounted   disk/disk.h, disk/mount.h
 *   <state>/instance-seed         is written, for every program after this
 *
 * An agent that starts again finds the disk mounted and leaves it so; ending it
 * is for whoever ends the machine, after all that uses it: storage_close().
 *
 * What came of it stands in a file, for the guest's first process (which starts
 * the container engine after it), replaced atomically:
 *
 *   { "state": "open", "device": "/dev/vda", "mount": "/var/lib",
 *     "mode": "read-write", "made": false, "generation": 7, "counted": true,
 *     "integrity": false, "simulated": true }
 *   { "state": "refused", "reason": "rolled_back", "why": "..." }
 *
 * Blocks: for a program's start, before its capabilities are given up.
 *
 * Source: docs/PROTOCOL.disk.md; postern-agent(8).
 */
#ifndef POSTERN_AGENT_STORAGE_H
#define POSTERN_AGENT_STORAGE_H

#include "agent/config.h"
#include "io/log.h"
#include "node/error.h"

/* What a start must know of it. */
struct storage {
	bool is_there; /* one is configured, and open */
	bool is_read_only; /* an older copy: no container is started */
};

/*
 * Does all of the above; nothing without "storage" in the configuration.
 * RC_DENIED: the disk is refused; error and the file say why.  Otherwise files,
 * devices or the platform failed.
 */
enum rc storage_open(struct storage *out, const struct config *c,
		     const struct log *log, char error[NODE_ERROR_MAX]);

/* Ends the mount and the mapping.  RC_DENIED: in use. */
enum rc storage_close(const struct config *c, char error[NODE_ERROR_MAX]);

/*
 * The block device that a name stands for: a path, or the serial of a virtio
 * disk ("data").  False: there is none (yet).  'sys' is "/sys/block".
 */
enum {
	STORAGE_PATH_MAX = 256,
};
bool storage_find(char out[STORAGE_PATH_MAX], const char *device,
		  const char *sys);

#endif
