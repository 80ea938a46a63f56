#include "guestinit/kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/route.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"

enum {
	POLL_MS = 5,
	LIST_MAX = 64 * 1024,
	SERIAL_MAX = 64,
	INTERFACE_WAIT_MS = 3000,
};

void kernel_say(char *error, const char *format, ...)
{
	int before = errno;
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(error, KERNEL_ERROR_MAX, format, arguments);
	va_end(arguments);
	errno = before;
}

static void pause_ms(unsigned ms)
{
	const struct timespec t = { .tv_nsec = (long)ms * 1'000'000 };

	(void)nanosleep(&t, NULL); /* cut short: looked again earlier */
}

enum rc kernel_mount_all(const struct kernel_mount *mounts, char *error)
{
	for (const struct kernel_mount *m = mounts; m->what; m++) {
		if (file_make_dirs(m->at, 0755) ||
		    (mount(m->what, m->at, m->what, m->flags, m->options) &&
		     errno != EBUSY)) {
			kernel_say(error, "mount %s: %s", m->at,
				   strerror(errno));
			return RC_SYS;
		}
	}
	return RC_OK;
}

/* ---- modules ---- */

static bool module_path(char out[KERNEL_PATH_MAX], const char *name)
{
	struct utsname u;
	int n;

	if (uname(&u))
		return false;
	n = snprintf(out, KERNEL_PATH_MAX, "/usr/lib/modules/%s/%s", u.release,
		     name);
	return n > 0 && n < KERNEL_PATH_MAX;
}

enum rc kernel_load_module(const char *name, char *error)
{
	AUTO(mem_auto_close)
	int fd = -1;
	char path[KERNEL_PATH_MAX];

	if (!module_path(path, name)) {
		kernel_say(error, "module %s: its path is too long", name);
		return RC_LIMIT;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && (syscall(SYS_finit_module, fd, "", 0) == 0 ||
			errno == EEXIST || errno == ENODEV))
		return RC_OK;
	kernel_say(error, "module %s: %s", name, strerror(errno));
	return RC_SYS;
}

enum rc kernel_load_modules(char *error)
{
	AUTO(buf_fini)
	struct buf list = { 0 };
	char path[KERNEL_PATH_MAX], name[KERNEL_PATH_MAX];
	struct span all, line;
	enum rc rc;

	buf_init(&list, LIST_MAX);
	if (!module_path(path, "postern.load") || file_read(&list, path)) {
		kernel_say(error, "%s cannot be read", path);
		return RC_SYS;
	}
	all = buf_span(&list);
	while (rd_until(&all, &line, '\n')) {
		if (line.n >= sizeof(name))
			return RC_LIMIT;
		memcpy(name, line.p, line.n);
		name[line.n] = '\0';
		rc = kernel_load_module(name, error);
		if (rc)
			return rc;
	}
	return RC_OK;
}

/* ---- disks and ports ---- */

/* Whether a short file of sysfs says this. */
static bool says(const char *folder, const char *entry, const char *file,
		 const char *want)
{
	AUTO(mem_auto_close)
	int fd = -1;
	char path[KERNEL_PATH_MAX], text[SERIAL_MAX + 1];
	ssize_t n;

	if (snprintf(path, sizeof(path), "%s/%s/%s", folder, entry, file) >=
	    (int)sizeof(path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, SERIAL_MAX);
	while (n > 0 && text[n - 1] == '\n')
		n--;
	return n > 0 && span_equal_str(span_of(text, (size_t)n), want);
}

static void dir_close(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* The entry of a folder whose file says this. */
static bool find_entry(char out[KERNEL_DISK_MAX], const char *folder,
		       const char *prefix, const char *file, const char *want)
{
	AUTO(dir_close)
	DIR *d = opendir(folder);
	const struct dirent *e;

	while (d && (e = readdir(d)))
		if (strncmp(e->d_name, prefix, strlen(prefix)) == 0 &&
		    strlen(e->d_name) < KERNEL_DISK_MAX &&
		    says(folder, e->d_name, file, want)) {
			memcpy(out, e->d_name, strlen(e->d_name) + 1);
			return true;
		}
	return false;
}

static enum rc wait_entry(char out[KERNEL_DISK_MAX], const char *folder,
			  const char *prefix, const char *file,
			  const char *want, unsigned wait_ms)
{
	for (unsigned waited = 0;; waited += POLL_MS) {
		if (find_entry(out, folder, prefix, file, want))
			return RC_OK;
		if (waited >= wait_ms)
			return RC_CLOSED;
		pause_ms(POLL_MS);
	}
}

enum rc kernel_disk(char out[KERNEL_DISK_MAX], const char *serial,
		    unsigned wait_ms)
{
	return wait_entry(out, "/sys/block", "vd", "serial", serial, wait_ms);
}

enum rc kernel_port(char out[KERNEL_PATH_MAX], const char *name,
		    unsigned wait_ms)
{
	char port[KERNEL_DISK_MAX];
	enum rc rc = wait_entry(port, "/sys/class/virtio-ports", "vport",
				"name", name, wait_ms);

	if (!rc)
		(void)snprintf(out, KERNEL_PATH_MAX, "/dev/%s", port);
	return rc;
}

enum rc kernel_host_file(struct buf *out, const char *name)
{
	static const char folder[] = "/sys/firmware/qemu_fw_cfg/by_name/";
	char path[KERNEL_PATH_MAX];
	enum rc rc;

	if (snprintf(path, sizeof(path), "%sopt/org.postern/%s/raw", folder,
		     name) >= (int)sizeof(path))
		return RC_LIMIT;
	rc = file_read(out, path);
	return rc == RC_SYS && errno == ENOENT ? RC_CLOSED : rc;
}

/* ---- the network ---- */

static void set_address(struct sockaddr *to, const uint8_t bytes[4])
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	memcpy(&in.sin_addr, bytes, 4);
	memcpy(to, &in, sizeof(in));
}

/* The kernel's older interface: io/tun.h knows routes without a gateway. */
static enum rc add_default_route(const uint8_t via[4])
{
	static const uint8_t any[4];
	struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY };
	AUTO(mem_auto_close)
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	set_address(&route.rt_dst, any);
	set_address(&route.rt_genmask, any);
	set_address(&route.rt_gateway, via);
	return fd >= 0 && ioctl(fd, SIOCADDRT, &route) == 0 ? RC_OK : RC_SYS;
}

enum rc kernel_network(const struct io_prefix *address, const uint8_t via[4],
		       char *error)
{
	static const char name[] = "eth0";
	enum rc rc = RC_OK;

	for (unsigned waited = 0; !net_link_exists(name); waited += POLL_MS) {
		if (waited >= INTERFACE_WAIT_MS) {
			kernel_say(error, "network: there is no card");
			return RC_CLOSED;
		}
		pause_ms(POLL_MS);
	}
	rc = net_address_set(name, address);
	if (!rc)
		rc = net_link_up(name, 0);
	if (!rc && !span_is_zero(span_of(via, 4)))
		rc = add_default_route(via);
	if (rc)
		kernel_say(error, "network: %s", strerror(errno));
	return rc;
}

void kernel_power_off(void)
{
	sync();
	(void)reboot(RB_POWER_OFF);
	/* There is no power management; PID 1 must not end. */
	for (;;)
		pause();
}
