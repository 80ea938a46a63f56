#include "vm/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum {
	MIB = 1024 * 1024,
};

static bool is_size(uint64_t mib)
{
	return mib >= DISK_MIN_MIB && mib <= DISK_MAX_MIB;
}

enum rc disk_make(const char *path, uint64_t mib)
{
	AUTO(mem_auto_close)
	int fd = -1;
	int saved;

	if (!is_size(mib))
		return RC_LIMIT;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST ? RC_DENIED : RC_SYS;
	if (ftruncate(fd, (off_t)(mib * MIB)) == 0 && fsync(fd) == 0)
		return RC_OK;
	saved = errno;
	(void)unlink(path);
	errno = saved;
	return RC_SYS;
}

enum rc disk_grow(const char *path, uint64_t mib)
{
	AUTO(mem_auto_close)
	int fd = -1;
	uint64_t now_mib;
	enum rc rc;

	if (!is_size(mib))
		return RC_LIMIT;
	rc = disk_size(&now_mib, path);
	if (rc)
		return rc;
	if (mib < now_mib)
		return RC_DENIED;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)(mib * MIB)) != 0 || fsync(fd) != 0)
		return RC_SYS;
	return RC_OK;
}

enum rc disk_size(uint64_t *mib, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return RC_SYS;
	if (!S_ISREG(st.st_mode))
		return RC_UNSUPPORTED;
	/* A part of a MiB counts as one: growing never cuts. */
	*mib = ((uint64_t)st.st_size + MIB - 1) / MIB;
	return RC_OK;
}
