#include "io/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

enum rc sandbox_basics(void)
{
	const struct rlimit none = { 0, 0 };

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    setrlimit(RLIMIT_CORE, &none) != 0)
		return RC_SYS;
	return RC_OK;
}

static int set_caps(uint64_t caps)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	const struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = (uint32_t)caps, .permitted = (uint32_t)caps },
		{ .effective = (uint32_t)(caps >> 32),
		  .permitted = (uint32_t)(caps >> 32) },
	};

	return (int)syscall(SYS_capset, &head, data);
}

static bool get_caps(uint64_t *effective)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, data) != 0)
		return false;
	*effective = data[0].effective | (uint64_t)data[1].effective << 32;
	return true;
}

/*
 * Nothing executed later can get back what the bounding set does not hold.
 * Without CAP_SETPCAP it cannot be changed; then no_new_privs alone stands for
 * it.
 */
static enum rc drop_bounding(uint64_t keep)
{
	uint64_t effective;

	if (!get_caps(&effective))
		return RC_SYS;
	if (!(effective >> CAP_SETPCAP & 1))
		return RC_OK;
	for (unsigned cap = 0; cap < 64; cap++) {
		if (keep >> cap & 1)
			continue;
		/* 0 or 1 for a capability this kernel knows. */
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1 &&
		    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
			return RC_SYS;
	}
	return RC_OK;
}

static enum rc become(const char *user)
{
	const struct passwd *p;

	errno = 0;
	p = getpwnam(user);
	if (!p) {
		if (!errno)
			errno = ENOENT;
		return RC_SYS;
	}
	/* The permitted set outlives the change of user; capset() cuts it. */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 ||
	    setgroups(1, &p->pw_gid) != 0 ||
	    setresgid(p->pw_gid, p->pw_gid, p->pw_gid) != 0 ||
	    setresuid(p->pw_uid, p->pw_uid, p->pw_uid) != 0)
		return RC_SYS;
	/* Changing the user made the process dumpable again, or may have. */
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return RC_SYS;
	return RC_OK;
}

enum rc sandbox_drop(uint64_t keep, const char *user)
{
	enum rc rc = drop_bounding(keep);

	if (!rc && user)
		rc = become(user);
	if (!rc &&
	    (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 ||
	     set_caps(keep) != 0))
		rc = RC_SYS;
	return rc;
}

/*
 * Rights by the version of Landlock that brought them (Linux
 * Documentation/userspace-api/landlock.rst).  Those that the headers we build
 * with may lack are written as numbers.
 */
enum {
	READ = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	EXECUTE = LANDLOCK_ACCESS_FS_EXECUTE,
	REFER = 1 << 13, /* version 2 */
	TRUNCATE = 1 << 14, /* version 3 */
	IOCTL_DEV = 1 << 15, /* version 5 */
	WRITE = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
		LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
		LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
		LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM |
		REFER | TRUNCATE | IOCTL_DEV,
	/* Handled, so that they are denied, and never given. */
	NEVER = LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK,
	/* The rights that a rule about one file, not a folder, can give. */
	OF_FILE = LANDLOCK_ACCESS_FS_READ_FILE |
		  LANDLOCK_ACCESS_FS_WRITE_FILE | EXECUTE | TRUNCATE |
		  IOCTL_DEV,
};

static uint64_t rights_of_version(long version)
{
	uint64_t all = READ | EXECUTE | WRITE | NEVER;

	if (version < 2)
		all &= ~(uint64_t)REFER;
	if (version < 3)
		all &= ~(uint64_t)TRUNCATE;
	if (version < 5)
		all &= ~(uint64_t)IOCTL_DEV;
	return all;
}

static enum rc add_path(int ruleset, const struct sandbox_path *p,
			uint64_t handled)
{
	struct landlock_path_beneath_attr rule = { .parent_fd = -1 };
	AUTO(mem_auto_close)
	int fd = open(p->path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		return RC_SYS;
	rule.parent_fd = fd;
	rule.allowed_access = READ;
	if (p->is_writable)
		rule.allowed_access |= WRITE;
	if (p->is_executable)
		rule.allowed_access |= EXECUTE;
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= OF_FILE;
	rule.allowed_access &= handled;
	return syscall(SYS_landlock_add_rule, ruleset,
		       LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0
		       ? RC_OK
		       : RC_SYS;
}

enum rc sandbox_landlock(const struct sandbox_path *paths)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
			       LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr all = { 0 };
	AUTO(mem_auto_close)
	int ruleset = -1;

	if (version < 1)
		return RC_UNSUPPORTED;
	all.handled_access_fs = rights_of_version(version);
	/* The descriptor is close-on-exec by itself. */
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &all,
			       sizeof(all.handled_access_fs), 0);
	if (ruleset < 0)
		return RC_SYS;
	for (; paths->path; paths++) {
		enum rc rc = add_path(ruleset, paths, all.handled_access_fs);

		if (rc)
			return rc;
	}
	return syscall(SYS_landlock_restrict_self, ruleset, 0) == 0 ? RC_OK
								    : RC_SYS;
}
