#include "guestinit/initrd.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/mem.h"
#include "guestinit/kernel.h"
#include "io/file.h"

enum {
	DISK_WAIT_MS = 10000,
	OPEN_FOLDERS = 16,
};

static const struct kernel_mount mounts[] = {
	{ "devtmpfs", "/dev", "mode=0755", MS_NOSUID },
	{ "proc", "/proc", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "sysfs", "/sys", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ 0 },
};

/* Standard input, output and error, which may be the first descriptors that
 * there are. */
static void open_console(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return;
	/* Without a console nobody reads us. */
	for (int i = 0; i <= 2; i++)
		if (i == fd)
			(void)fcntl(fd, F_SETFD, 0);
		else
			(void)dup2(fd, i);
	if (fd > 2)
		close(fd);
}

static enum rc read_bootline(struct bootline *out, char *error)
{
	AUTO(buf_fini)
	struct buf text = { 0 };

	buf_init(&text, BOOTLINE_MAX);
	if (file_read(&text, "/proc/cmdline") == RC_OK &&
	    bootline_read(out, buf_span(&text)) == RC_OK)
		return RC_OK;
	kernel_say(error, "command line: expected one postern.root=");
	return RC_MALFORMED;
}

static enum rc mount_root(char *error)
{
	struct bootline root;
	char disk[KERNEL_DISK_MAX];
	enum rc rc = read_bootline(&root, error);

	if (rc)
		return rc;
	rc = kernel_disk(disk, "root", DISK_WAIT_MS);
	if (rc) {
		kernel_say(error, "there is no disk with serial number root");
		return rc;
	}
	rc = kernel_verity(&root, disk, error);
	if (rc)
		return rc;
	if (mount("/dev/dm-0", "/sysroot", "erofs", MS_RDONLY | MS_NODEV,
		  NULL)) {
		kernel_say(error, "root disk: %s", strerror(errno));
		return RC_SYS;
	}
	return RC_OK;
}

static int remove_entry(const char *path, const struct stat *s, int type,
			struct FTW *at)
{
	(void)s;
	(void)type;
	(void)at;
	/* A mount point stays; all else is memory that is of no more use. */
	(void)remove(path);
	return 0;
}

static enum rc enter_root(char *error)
{
	static const char *const moved[] = { "/dev", "/proc", "/sys" };
	char to[32];

	for (size_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++) {
		(void)snprintf(to, sizeof(to), "/sysroot%s", moved[i]);
		if (mount(moved[i], to, NULL, MS_MOVE, NULL)) {
			kernel_say(error, "moving %s: %s", moved[i],
				   strerror(errno));
			return RC_SYS;
		}
	}
	if (chdir("/sysroot"))
		return RC_SYS;
	(void)nftw("/", remove_entry, OPEN_FOLDERS,
		   FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	if (mount(".", "/", NULL, MS_MOVE, NULL) == 0 && chroot(".") == 0 &&
	    chdir("/") == 0)
		return RC_OK;
	kernel_say(error, "entering the root: %s", strerror(errno));
	return RC_SYS;
}

void initrd_run(const struct log *log, char *error)
{
	char *const argv[] = { (char[]){ "/usr/sbin/postern-init" }, NULL };
	char *const environment[] = { NULL };
	enum rc rc = kernel_mount_all(mounts, error);

	open_console();
	if (!rc)
		rc = kernel_load_modules(error);
	if (!rc)
		rc = mount_root(error);
	if (!rc)
		rc = enter_root(error);
	if (rc)
		return;
	log_event(log, LOG_INFO, "root");
	execve(argv[0], argv, environment);
	kernel_say(error, "%s: %s", argv[0], strerror(errno));
}
