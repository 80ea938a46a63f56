/*
 * kernel: what the guest's first program asks of its kernel: modules, file
 * systems, disks, a verified root, an address, power.
 *
 * Each blocks, and says in 'error' what failed: who calls has nothing else to
 * do, and ends the machine when it does.
 */
#ifndef POSTERN_GUESTINIT_KERNEL_H
#define POSTERN_GUESTINIT_KERNEL_H

#include "base/buf.h"
#include "base/rc.h"
#include "guestinit/bootline.h"
#include "io/tun.h"

enum {
	KERNEL_ERROR_MAX = 256,
	KERNEL_DISK_MAX = 32, /* "vda", with a NUL */
	KERNEL_PATH_MAX = 256,
};

/* printf into error[KERNEL_ERROR_MAX], cut when too long; errno is kept. */
void kernel_say(char *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What to mount, and where; made when it is not there. */
struct kernel_mount {
	const char *what, *at, *options;
	unsigned long flags;
};
/* 'mounts' ends with a NULL 'what'.  What is mounted already is left. */
enum rc kernel_mount_all(const struct kernel_mount *mounts, char *error);

/* Loads the modules that postern.load lists, in its order; one that is there
 * already is no failure, nor one for hardware that is not there. */
enum rc kernel_load_modules(char *error);
/* The same for one, by its path under the modules' folder. */
enum rc kernel_load_module(const char *name, char *error);

/*
 * The name of the virtio disk with this serial number, waiting for it up to
 * wait_ms.  RC_CLOSED: there is none.
 */
enum rc kernel_disk(char out[KERNEL_DISK_MAX], const char *serial,
		    unsigned wait_ms);
/* The path of the virtio-serial port of this name, likewise. */
enum rc kernel_port(char out[KERNEL_PATH_MAX], const char *name,
		    unsigned wait_ms);

/* Makes the verified device of this disk: /dev/dm-0, the first one. */
enum rc kernel_verity(const struct bootline *root, const char *disk,
		      char *error);

/* A file that the host gave through fw_cfg.  RC_CLOSED: it gave none; RC_LIMIT:
 * larger than out's room. */
enum rc kernel_host_file(struct buf *out, const char *name);

/* Sets eth0 up with an address and, when 'via' is not zero, a default route. */
enum rc kernel_network(const struct io_prefix *address, const uint8_t via[4],
		       char *error);

/* Writes what is dirty and takes the power away; does not return. */
_Noreturn void kernel_power_off(void);

#endif
