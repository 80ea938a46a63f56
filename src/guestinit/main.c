/*
 * postern-init: the first program of a guest, and the only one between its
 * kernel and postern-agent.
 *
 *   postern-init           PID 1: in the initramfs the way to the root, in the
 *                          root the guest
 *   postern-init relay     the way to the simulated platform
 *   postern-init images    loads and checks the container images
 *
 * Source: docs/IMAGE.md; postern-init(8).
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guestinit/guest.h"
#include "guestinit/initrd.h"
#include "guestinit/kernel.h"
#include "guestinit/relay.h"

static _Noreturn void first_program(const struct log *log)
{
	char error[KERNEL_ERROR_MAX] = "";

	if (access("/sysroot", F_OK) != 0)
		guest_run(log);
	initrd_run(log, error);
	guest_refuse(log, error);
}

int main(int argc, char *argv[])
{
	const struct log log = { .fd = 2, .program = "init", .max = LOG_INFO };

	if (getpid() == 1)
		first_program(&log);
	if (argc == 2 && strcmp(argv[1], "relay") == 0)
		return relay_run(&log);
	if (argc == 2 && strcmp(argv[1], "images") == 0)
		return guest_images(&log);
	fprintf(stderr, "usage: postern-init is the first program of a guest; "
			"see postern-init(8)\n");
	return 2;
}
