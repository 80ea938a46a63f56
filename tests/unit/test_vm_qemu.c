/* qemu: the whole command line as text, for each kind of machine. */
#include "unit.h"

#include <stdio.h>

#include "base/mem.h"
#include "vm/qemu.h"
#include "vm_specs.h"

enum {
	TEXT_MAX = 64 * 1024,
};

/* One argument a line. */
static void make(char text[TEXT_MAX], const struct vm_spec *spec)
{
	AUTO(arena_fini)
	struct arena arena;
	char error[VM_ERROR_MAX] = "";
	struct qemu_args args;
	size_t n = 0;

	arena_init(&arena, QEMU_ARENA_MAX);
	if (qemu_args(&args, spec, &arena, error))
		fail_msg("%s", error);
	assert_null(args.argv[args.count]);
	for (size_t i = 0; i < args.count; i++)
		n += (size_t)snprintf(text + n, TEXT_MAX - n, "%s\n", args.argv[i]);
}

#define HEAD(folders) \
	"/q/bin/qemu-system-x86_64\n-name\nhello\n" folders \
	"-no-user-config\n-nodefaults\n-no-reboot\n-display\nnone\n-sandbox\n" \
	"on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny\n"
#define FOLDERS "-L\n/q/share/qemu\n-L\n/q/share/seabios\n"
#define MACHINE "q35,vmport=off,dump-guest-core=off,mem-merge=off,memory-backend=ram"
#define SIZE "-m\nsize=1024M\n-smp\n2\n"
#define RAM "-object\nmemory-backend-ram,id=ram,size=1024M\n"
#define BOOT \
	"-kernel\n/i/vmlinuz\n-initrd\n/i/initrd\n-append\nconsole=ttyS0 quiet " \
	"postern.root=ab:1\n"
#define FW "name=opt/org.postern/"
#define FILES \
	"-fw_cfg\n" FW "manifest,file=/s/manifest.json\n" \
	"-fw_cfg\n" FW "config,file=/s/config.json\n" \
	"-fw_cfg\n" FW "env,file=/s/env\n" \
	"-fw_cfg\n" FW "collateral,file=/s/collateral.json\n"
#define DISK(name, ro, path) \
	"-blockdev\n{\"driver\":\"raw\",\"node-name\":\"" name "\",\"read-only\":" ro \
	",\"file\":{\"driver\":\"file\",\"filename\":\"" path "\"}}\n" \
	"-device\nvirtio-blk-pci,drive=" name ",serial=" name "\n"
#define DISKS \
	DISK("root", "true", "/i/root.img") \
	DISK("data", "false,\"discard\":\"unmap\"", "/s/data.img") \
	DISK("images", "true", "/s/images.tar")
#define CARD "-device\nvirtio-net-pci,netdev=net,romfile=,mac=02:00:00:00:00:01\n"
#define TAP "-netdev\ntap,id=net,fd=7,vhost=off\n" CARD
#define SERIAL \
	"-chardev\nfile,id=serial,path=/s/serial.log,append=on\n-serial\nchardev:serial\n"
#define MANAGE \
	"-chardev\nsocket,id=manage,path=/r/manage.sock,server=on,wait=off\n" \
	"-device\nvirtserialport,chardev=manage,name=org.postern.manage\n"
#define PLATFORM \
	"-chardev\nsocket,id=platform,path=/r/platform.sock,server=off,reconnect-ms=50\n" \
	"-device\nvirtserialport,chardev=platform,name=org.postern.platform\n"
#define QMP \
	"-chardev\nsocket,id=qmp,path=/r/qmp.sock,server=on,wait=off\n" \
	"-mon\nchardev=qmp,mode=control\n"
/* 0x01, 32 times 0xab, 15 zeros */
#define CONFIG_ID "Aaurq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urAAAAAAAAAAAAAAAAAAAA"

/* clang-format off */
static const char tdx_text[] =
	HEAD(FOLDERS)
	"-accel\nkvm\n-cpu\nhost\n"
	"-object\n{\"qom-type\":\"tdx-guest\",\"id\":\"tdx\","
	"\"mrconfigid\":\"" CONFIG_ID "\","
	"\"sept-ve-disable\":true,\"quote-generation-socket\":"
	"{\"type\":\"vsock\",\"cid\":\"2\",\"port\":\"4050\"}}\n"
	RAM
	"-machine\n" MACHINE
	",hpet=off,kernel-irqchip=split,confidential-guest-support=tdx\n"
	SIZE "-bios\n/i/firmware.fd\n" BOOT FILES DISKS TAP SERIAL
	"-device\nvirtio-serial-pci,max_ports=2\n" MANAGE QMP;

static const char tcg_text[] =
	HEAD(FOLDERS)
	"-accel\ntcg,thread=multi,tb-size=1024\n-cpu\nHaswell\n"
	RAM "-machine\n" MACHINE "\n"
	SIZE BOOT FILES DISKS TAP SERIAL
	"-device\nvirtio-serial-pci,max_ports=3\n" MANAGE PLATFORM QMP
	"-device\nvirtio-rng-pci\n";

static const char kvm_text[] =
	HEAD("")
	"-accel\nkvm\n-cpu\nhost\n" RAM "-machine\n" MACHINE "\n"
	SIZE BOOT
	"-fw_cfg\n" FW "manifest,file=/s/manifest.json\n"
	"-fw_cfg\n" FW "config,file=/s/config.json\n"
	DISK("root", "true", "/i/root.img")
	"-netdev\nuser,id=net\n" CARD SERIAL
	"-device\nvirtio-serial-pci,max_ports=2\n" MANAGE QMP
	"-device\nvirtio-rng-pci\n";
/* clang-format on */

static void arguments_are_exact(void **state)
{
	static char text[TEXT_MAX];
	struct vm_spec s = tdx_spec();

	(void)state;
	make(text, &s);
	assert_string_equal(text, tdx_text);
	s = tcg_spec();
	make(text, &s);
	assert_string_equal(text, tcg_text);
	s.accel = VM_KVM;
	s.firmware_folders[0] = NULL;
	s.data = s.images = s.env = s.collateral = s.platform = NULL;
	s.net = VM_NET_USER;
	make(text, &s);
	assert_string_equal(text, kvm_text);
	s.net = VM_NET_NONE;
	make(text, &s);
	assert_null(strstr(text, "netdev"));
}

static void quotes_over_a_unix_socket(void **state)
{
	static char text[TEXT_MAX];
	struct vm_spec s = tdx_spec();

	(void)state;
	s.quotes = "unix:/run/q\"s";
	make(text, &s);
	assert_non_null(strstr(text, "\"quote-generation-socket\":{\"type\":\"unix\","
				     "\"path\":\"/run/q\\\"s\"}}\n"));
	s.quotes = NULL;
	make(text, &s);
	assert_null(strstr(text, "quote-generation-socket"));
}

/* What a path holds cannot become another option. */
static void paths_stay_paths(void **state)
{
	static char text[TEXT_MAX];
	struct vm_spec s = tcg_spec();

	(void)state;
	s.manifest = "/s/a,string=x";
	s.serial = "/s/b,append=off";
	s.manage = "/r/c,server=off";
	s.data = "/s/d\",\"locking\":\"off";
	make(text, &s);
	assert_non_null(strstr(text, "manifest,file=/s/a,,string=x\n"));
	assert_non_null(strstr(text, "path=/s/b,,append=off,append=on\n"));
	assert_non_null(strstr(text, "path=/r/c,,server=off,server=on,wait=off\n"));
	assert_non_null(strstr(text, "\"filename\":\"/s/d\\\",\\\"locking\\\":\\\"off\"}}\n"));
}

static void bad_spec_changes_nothing(void **state)
{
	AUTO(arena_fini)
	struct arena arena;
	struct qemu_args args = { .count = 77 };
	char error[VM_ERROR_MAX] = "";
	struct vm_spec s = tdx_spec();

	(void)state;
	arena_init(&arena, QEMU_ARENA_MAX);
	s.tdvf = NULL;
	assert_int_equal(qemu_args(&args, &s, &arena, error), RC_MALFORMED);
	assert_string_equal(error, "tdvf: expected a firmware for TDX");
	assert_int_equal(args.count, 77);
}

static void small_arena_is_limit(void **state)
{
	struct vm_spec s = tdx_spec();

	(void)state;
	for (size_t max = 0; max < 1500; max += 50) {
		AUTO(arena_fini)
		struct arena arena;
		struct qemu_args args = { .count = 77 };
		char error[VM_ERROR_MAX] = "";

		arena_init(&arena, max);
		assert_int_equal(qemu_args(&args, &s, &arena, error), RC_LIMIT);
		assert_int_equal(args.count, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments_are_exact),
		cmocka_unit_test(quotes_over_a_unix_socket),
		cmocka_unit_test(paths_stay_paths),
		cmocka_unit_test(bad_spec_changes_nothing),
		cmocka_unit_test(small_arena_is_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
