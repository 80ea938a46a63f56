/* A valid spec of each kind, to be changed in one place by a test. */
#ifndef TESTS_VM_SPECS_H
#define TESTS_VM_SPECS_H

#include <string.h>

#include "vm/spec.h"

static inline struct vm_spec tcg_spec(void)
{
	return (struct vm_spec){
		.name = "hello",
		.accel = VM_TCG,
		.memory_mib = 1024,
		.cpus = 2,
		.qemu = "/q/bin/qemu-system-x86_64",
		.firmware_folders = { "/q/share/qemu", "/q/share/seabios", NULL },
		.kernel = "/i/vmlinuz",
		.initrd = "/i/initrd",
		.cmdline = "console=ttyS0 quiet postern.root=ab:1",
		.root = "/i/root.img",
		.data = "/s/data.img",
		.images = "/s/images.tar",
		.manifest = "/s/manifest.json",
		.config = "/s/config.json",
		.env = "/s/env",
		.collateral = "/s/collateral.json",
		.platform = "/r/platform.sock",
		.net = VM_NET_TAP,
		.tap_fd = 7,
		.mac = { 0x02, 0, 0, 0, 0, 1 },
		.serial = "/s/serial.log",
		.manage = "/r/manage.sock",
		.qmp = "/r/qmp.sock",
	};
}

static inline struct vm_spec tdx_spec(void)
{
	struct vm_spec s = tcg_spec();

	s.accel = VM_TDX;
	s.tdvf = "/i/firmware.fd";
	s.platform = NULL;
	s.quotes = "vsock:2:4050";
	memset(s.config_id, 0, sizeof(s.config_id));
	s.config_id[0] = 1;
	memset(s.config_id + 1, 0xab, 32);
	return s;
}

#endif
