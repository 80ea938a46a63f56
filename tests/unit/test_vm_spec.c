/* spec: what a machine may be made of, and what is refused before QEMU sees it. */
#include "unit.h"

#include <stdio.h>

#include "vm_specs.h"

static void good_specs_pass(void **state)
{
	char error[VM_ERROR_MAX] = "untouched";
	struct vm_spec s = tcg_spec();

	(void)state;
	assert_int_equal(vm_spec_check(&s, error), RC_OK);
	s = tdx_spec();
	assert_int_equal(vm_spec_check(&s, error), RC_OK);
	s.quotes = NULL; /* a host without the service: no quotes */
	assert_int_equal(vm_spec_check(&s, error), RC_OK);
	s.quotes = "unix:/run/tdx-qgs/qgs.socket";
	assert_int_equal(vm_spec_check(&s, error), RC_OK);
	s = tcg_spec();
	s.accel = VM_KVM;
	s.net = VM_NET_NONE;
	memset(s.mac, 0, sizeof(s.mac));
	s.data = s.images = s.env = s.collateral = s.platform = NULL;
	assert_int_equal(vm_spec_check(&s, error), RC_OK);
	assert_string_equal(error, "untouched");
}

/* Each changes one field of a good spec. */
#define CHANGE(name) static void name(struct vm_spec *s)
CHANGE(name_empty)
{
	s->name = "";
}
CHANGE(name_none)
{
	s->name = NULL;
}
CHANGE(name_long)
{
	s->name = "abcdefghijklmnop";
}
CHANGE(name_upper)
{
	s->name = "Hello";
}
CHANGE(name_option)
{
	s->name = "-hello";
}
CHANGE(name_dots)
{
	s->name = "../x";
}
CHANGE(memory_small)
{
	s->memory_mib = 127;
}
CHANGE(memory_large)
{
	s->memory_mib = 4 * 1024 * 1024 + 1;
}
CHANGE(cpus_none)
{
	s->cpus = 0;
}
CHANGE(cpus_many)
{
	s->cpus = 256;
}
CHANGE(cmdline_none)
{
	s->cmdline = NULL;
}
CHANGE(cmdline_line)
{
	s->cmdline = "quiet\ninit=/bin/sh";
}
CHANGE(cmdline_utf8)
{
	s->cmdline = "quiet \xc3\xa9";
}
CHANGE(kernel_relative)
{
	s->kernel = "vmlinuz";
}
CHANGE(kernel_none)
{
	s->kernel = NULL;
}
CHANGE(initrd_none)
{
	s->initrd = NULL;
}
CHANGE(root_line)
{
	s->root = "/a\nb";
}
CHANGE(data_relative)
{
	s->data = "data.img";
}
CHANGE(images_bad_utf8)
{
	s->images = "/\xff";
}
CHANGE(manifest_none)
{
	s->manifest = NULL;
}
CHANGE(config_none)
{
	s->config = NULL;
}
CHANGE(qemu_relative)
{
	s->qemu = "qemu-system-x86_64";
}
CHANGE(firmware_relative)
{
	s->firmware_folders[1] = "share";
}
CHANGE(firmware_many)
{
	for (int i = 0; i <= VM_FIRMWARE_FOLDERS_MAX; i++)
		s->firmware_folders[i] = "/x";
}
CHANGE(socket_long)
{
	s->qmp = "/2345678901234567890123456789012345678901234567890123456789012345678901234567890"
		 "1234567890123456789012345678";
}
CHANGE(accel_odd)
{
	s->accel = VM_ACCEL_COUNT;
}
CHANGE(net_odd)
{
	s->net = (enum vm_net)3;
}
CHANGE(tap_is_stderr)
{
	s->tap_fd = 2;
}
CHANGE(mac_many)
{
	s->mac[0] = 0x03;
}
CHANGE(mac_none)
{
	memset(s->mac, 0, sizeof(s->mac));
}
CHANGE(tdvf_without_tdx)
{
	s->tdvf = "/i/firmware.fd";
}
CHANGE(quotes_without_tdx)
{
	s->quotes = "vsock:2:4050";
}

CHANGE(tdx_without_tdvf)
{
	s->tdvf = NULL;
}
CHANGE(tdx_simulated)
{
	s->platform = "/r/platform.sock";
}
CHANGE(tdx_without_id)
{
	memset(s->config_id, 0, sizeof(s->config_id));
}
CHANGE(quotes_odd)
{
	s->quotes = "tcp:1:2";
}
CHANGE(quotes_cid_any)
{
	s->quotes = "vsock:4294967295:1";
}
CHANGE(quotes_cid_hypervisor)
{
	s->quotes = "vsock:0:1";
}
CHANGE(quotes_no_port)
{
	s->quotes = "vsock:2";
}
CHANGE(quotes_more)
{
	s->quotes = "vsock:2:1:3";
}
CHANGE(quotes_relative)
{
	s->quotes = "unix:qgs";
}

static void one_change_is_refused(void **state)
{
	static const struct {
		const char *name;
		void (*change)(struct vm_spec *s);
		const char *field;
		bool is_tdx;
	} rows[] = {
#define ROW(change, field) { #change, change, field, false }
#define TDX(change, field) \
	{ \
#change, change, field, true \
	}
		ROW(name_empty, "name"),
		ROW(name_none, "name"),
		ROW(name_long, "name"),
		ROW(name_upper, "name"),
		ROW(name_option, "name"),
		ROW(name_dots, "name"),
		ROW(memory_small, "memory"),
		ROW(memory_large, "memory"),
		ROW(cpus_none, "cpus"),
		ROW(cpus_many, "cpus"),
		ROW(cmdline_none, "cmdline"),
		ROW(cmdline_line, "cmdline"),
		ROW(cmdline_utf8, "cmdline"),
		ROW(kernel_relative, "kernel"),
		ROW(kernel_none, "kernel"),
		ROW(initrd_none, "initrd"),
		ROW(root_line, "root"),
		ROW(data_relative, "data"),
		ROW(images_bad_utf8, "images"),
		ROW(manifest_none, "manifest"),
		ROW(config_none, "config"),
		ROW(qemu_relative, "qemu"),
		ROW(firmware_relative, "firmware_folders"),
		ROW(firmware_many, "firmware_folders"),
		ROW(socket_long, "qmp"),
		ROW(accel_odd, "accel"),
		ROW(net_odd, "net"),
		ROW(tap_is_stderr, "tap_fd"),
		ROW(mac_many, "mac"),
		ROW(mac_none, "mac"),
		ROW(tdvf_without_tdx, "tdvf"),
		ROW(quotes_without_tdx, "quotes"),
		TDX(tdx_without_tdvf, "tdvf"),
		TDX(tdx_simulated, "platform"),
		TDX(tdx_without_id, "config_id"),
		TDX(quotes_odd, "quotes"),
		TDX(quotes_cid_any, "quotes"),
		TDX(quotes_cid_hypervisor, "quotes"),
		TDX(quotes_no_port, "quotes"),
		TDX(quotes_more, "quotes"),
		TDX(quotes_relative, "quotes"),
#undef ROW
#undef TDX
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vm_spec s = rows[i].is_tdx ? tdx_spec() : tcg_spec();
		char error[VM_ERROR_MAX] = "", want[64];

		rows[i].change(&s);
		(void)snprintf(want, sizeof(want), "%s: expected ", rows[i].field);
		if (vm_spec_check(&s, error) != RC_MALFORMED || strncmp(error, want, strlen(want)))
			fail_msg("%s: \"%s\"", rows[i].name, error);
	}
}

static void sizes_read(void **state)
{
	static const struct {
		const char *text;
		uint64_t mib; /* 0: refused */
	} rows[] = {
		{ "512M", 512 },
		{ "2G", 2048 },
		{ "1T", 1024 * 1024 },
		{ "300", 300 },
		{ "1M", 1 },
		{ "2147483647", 2147483647 },
		{ "0", 0 },
		{ "0G", 0 },
		{ "", 0 },
		{ "M", 0 },
		{ "-1G", 0 },
		{ "1.5G", 0 },
		{ "1g", 0 },
		{ "1GB", 0 },
		{ " 1G", 0 },
		{ "2147483648", 0 },
		{ "2048T", 0 },
		{ "18446744073709551616", 0 },
		{ "17592186044417T", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t mib = 77;

		print_message("%s\n", rows[i].text);
		assert_int_equal(vm_size(&mib, rows[i].text), rows[i].mib != 0);
		assert_int_equal(mib, rows[i].mib ? rows[i].mib : 77);
	}
}

static void macs_differ_and_stay(void **state)
{
	uint8_t a[6], b[6], again[6];

	(void)state;
	vm_mac(a, "demo/hello");
	vm_mac(b, "demo/hellp");
	vm_mac(again, "demo/hello");
	assert_memory_equal(a, again, 6);
	assert_memory_not_equal(a, b, 6);
	assert_int_equal(a[0] & 3, 2);
	assert_int_equal(b[0] & 3, 2);
}

static void accelerators_have_names(void **state)
{
	enum vm_accel accel = VM_KVM;

	(void)state;
	for (unsigned i = 0; i < VM_ACCEL_COUNT; i++) {
		assert_true(vm_accel_find(&accel, vm_accel_name((enum vm_accel)i)));
		assert_int_equal(accel, i);
	}
	accel = VM_TDX;
	assert_false(vm_accel_find(&accel, "hvf"));
	assert_int_equal(accel, VM_TDX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_specs_pass),
		cmocka_unit_test(one_change_is_refused),
		cmocka_unit_test(sizes_read),
		cmocka_unit_test(macs_differ_and_stay),
		cmocka_unit_test(accelerators_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
