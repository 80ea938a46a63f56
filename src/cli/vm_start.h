/*
 * vm_start: machines made, changed and started, for `postern vm` and
 * `postern deploy`.
 */
#ifndef POSTERN_CLI_VM_START_H
#define POSTERN_CLI_VM_START_H

#include "cli/vm_cloud.h"

/* Where images are looked for that are given by name. */
#define VM_IMAGES "/usr/local/lib/postern/images"

enum {
	VM_START_ERROR_MAX = VM_CLOUD_ERROR_MAX,
	VM_DEFAULT_MEMORY_MIB = 1024,
};

/* What is to be said of a new machine, or changed of one.  Zeroed: nothing. */
struct vm_change {
	const char *image; /* folder, or a name below VM_IMAGES */
	const char *manifest, *images, *env; /* files, which are copied */
	const char *backend; /* "tdx", "kvm", "tcg" */
	uint64_t memory_mib, cpus, data_mib; /* 0: as it is */
	const char *cloud; /* of this machine, by name */
	/* Without a cloud: */
	const char *net; /* "user", "none" or "tap" */
	const char *netns, *bridge; /* of tap */
	const char *address, *route, *gateway, *gateway_name;
	const char *kms; /* addresses, with commas between */
	const char *collateral; /* a bundle */
	const char *collateral_url;
	const char *root; /* PEM: a simulated one */
	const char *control; /* of the simulated platform's owner */
	const char *platform; /* or a trust domain's socket */
	const char *quotes;
};

/* The best that this host has: TDX, KVM, else TCG. */
enum vm_accel vm_best_accel(void);

/*
 * Makes the machine, or changes one that does not run.
 *
 * RC_DENIED  it runs; the image, the manifest or a file is refused; its disk
 *            would shrink
 * RC_SYS     a file or folder cannot be read or written
 * else       as vm_cloud_find() and vm_cloud_settle()
 *
 * error is a line.  A new machine of which this fails does not exist; an
 * existing one may have some of the changes.
 */
enum rc vm_apply(const char *name, const struct vm_change *change,
		 char error[VM_START_ERROR_MAX]);

/*
 * Starts its keeper in the background; RC_OK when QEMU runs.  RC_DENIED: error
 * has the keeper's reason.
 */
enum rc vm_launch(const char *name, char error[VM_START_ERROR_MAX]);

/*
 * Tells the keeper to end the machine and waits until it did.  *was_running
 * says whether there was one.  RC_LIMIT: it does not end.
 */
enum rc vm_halt(bool *was_running, const char *name,
		char error[VM_START_ERROR_MAX]);

/* A file of any size, copied with its holes into one that is replaced whole. */
enum rc vm_copy(const char *to, const char *from,
		char error[VM_START_ERROR_MAX]);

#endif
