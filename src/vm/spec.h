/*
 * spec: everything that one virtual machine's command line depends on, checked
 * before any of it is used.
 *
 * A spec only says; vm/qemu turns it into arguments.  Nothing in it is secret,
 * and nothing in it is trusted by the guest: what matters to its owner is
 * measured at launch, or reaches it over the attested channel.
 *
 * Pure.  Strings are borrowed; paths are absolute, so that a machine started
 * from anywhere is the same machine.
 */
#ifndef POSTERN_VM_SPEC_H
#define POSTERN_VM_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rc.h"

enum {
	VM_NAME_MAX = 15, /* fits a network interface's name */
	VM_CPUS_MAX = 255,
	VM_MEMORY_MIN_MIB = 128,
	VM_MEMORY_MAX_MIB = 4 * 1024 * 1024,
	VM_PATH_MAX = 1024, /* bytes, without the NUL */
	VM_SOCKET_MAX = 107, /* bytes of a unix socket's path */
	VM_CMDLINE_MAX = 2047, /* COMMAND_LINE_SIZE of x86, less the NUL */
	VM_CONFIG_ID_LEN = 48, /* MRCONFIGID */
	VM_FIRMWARE_FOLDERS_MAX = 3,
	VM_ERROR_MAX = 256,
};

enum vm_accel {
	VM_TDX, /* a trust domain: the only one that is confidential */
	VM_KVM, /* SIMULATED */
	VM_TCG, /* SIMULATED, and no hardware help either */
	VM_ACCEL_COUNT,
};

enum vm_net {
	VM_NET_NONE,
	VM_NET_USER, /* QEMU's own, to the outside only */
	VM_NET_TAP, /* a TAP device, handed over as a descriptor */
};

struct vm_spec {
	const char *name; /* 1..VM_NAME_MAX of a-z, 0-9 and '-' */
	enum vm_accel accel;
	uint64_t memory_mib;
	uint64_t cpus;
	const char *qemu; /* the program */
	/* Where it looks for its own firmware, in order; NULL ends */
	const char *firmware_folders[VM_FIRMWARE_FOLDERS_MAX + 1];
	const char *tdvf; /* TDX: the measured firmware; else NULL */
	const char *kernel, *initrd;
	const char *cmdline; /* measured, so exactly the image's */
	const char *root; /* disk of the image, read-only */
	const char *data; /* encrypted by the guest; NULL: none */
	const char *images; /* container images, read-only; NULL: none */
	/* files that the guest reads through fw_cfg */
	const char *manifest;
	const char *config;
	const char *env; /* NULL: none */
	const char *collateral; /* NULL: none */
	/* TDX: MRCONFIGID, what binds the manifest to the machine */
	uint8_t config_id[VM_CONFIG_ID_LEN];
	/* TDX: the quote generation service, "vsock:CID:PORT" or "unix:/path";
	 * NULL: quotes are not to be had */
	const char *quotes;
	/* not TDX: the simulated platform's socket of this trust domain */
	const char *platform;
	enum vm_net net;
	int tap_fd; /* VM_NET_TAP: as QEMU will see it */
	uint8_t mac[6]; /* of its card; unicast */
	const char *serial; /* file: what the guest's console says */
	const char *manage; /* socket: the management port */
	const char *qmp; /* socket: QEMU's own */
};

/* "tdx", "kvm", "tcg". */
const char *vm_accel_name(enum vm_accel accel);
/* False, *out untouched: none is called so. */
bool vm_accel_find(enum vm_accel *out, const char *name);

/* 1..VM_NAME_MAX of a-z, 0-9 and '-', the first no '-'. */
bool vm_is_name(const char *name);

/*
 * RC_MALFORMED: error names the field and what is expected of it.  What is
 * well formed may still not exist: that is for who opens it.
 */
enum rc vm_spec_check(const struct vm_spec *s, char error[VM_ERROR_MAX]);

/*
 * The same card's address for the same name and cloud: locally administered,
 * from a hash of 'seed'.
 */
void vm_mac(uint8_t out[6], const char *seed);

/*
 * A size as a person writes it: "512M", "2G", "1T"; a bare number is MiB.
 * False, *mib untouched: it is none, zero, or over 2^31 MiB.
 */
bool vm_size(uint64_t *mib, const char *text);

#endif
