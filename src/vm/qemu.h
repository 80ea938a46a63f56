/*
 * qemu: the exact arguments with which QEMU makes the machine of a spec.
 *
 * The same spec gives the same arguments, in the same order.  What they leave
 * out matters as much: no default device, no configuration of a user, no
 * monitor but the one socket, no shared folder, no vsock, no display, no reboot
 * (a guest that reboots ends, so that every start is a new launch with
 * registers from zero).
 *
 * The command line for TDX was compared with QEMU's documentation, and its
 * JSON with QEMU's own schema; no machine with TDX was at hand to run it.
 *
 * Pure: a spec goes in, texts in the caller's arena come out.
 *
 * Source: qemu(1); QEMU docs/system/i386/tdx.rst, qapi/qom.json
 * (TdxGuestProperties), qapi/sockets.json, docs/specs/fw_cfg.rst.
 */
#ifndef POSTERN_VM_QEMU_H
#define POSTERN_VM_QEMU_H

#include "base/arena.h"
#include "vm/spec.h"

enum {
	QEMU_ARGS_MAX = 96,
	QEMU_ARENA_MAX = 256 * 1024, /* enough for any valid spec */
};

struct qemu_args {
	const char *argv[QEMU_ARGS_MAX + 1]; /* NULL-terminated */
	size_t count;
};

/* Names that the guest finds its things by. */
#define QEMU_PORT_MANAGE "org.postern.manage"
#define QEMU_PORT_PLATFORM "org.postern.platform"
#define QEMU_FW_CFG "opt/org.postern/"

/*
 * RC_MALFORMED  vm_spec_check() refuses the spec; error is its
 * RC_LIMIT      the arena has no room
 * On failure *out is untouched.
 */
enum rc qemu_args(struct qemu_args *out, const struct vm_spec *spec,
		  struct arena *arena, char error[VM_ERROR_MAX]);

#endif
