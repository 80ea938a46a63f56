#include "io/sandbox.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/*
 * What both profiles allow: what glibc, OpenSSL, LMDB and our loops call once
 * everything is open.  Names, because not every architecture has each of them;
 * libseccomp skips those.
 */
/* clang-format off */
static const char *const common[] = {
	/* descriptors that are open */
	"read", "readv", "pread64", "preadv", "preadv2", "write", "writev",
	"pwrite64", "pwritev", "pwritev2", "lseek", "close", "close_range",
	"dup", "dup2", "dup3", "fcntl", "fstat", "fsync", "fdatasync",
	"ftruncate", "fallocate", "flock", "fadvise64", "sendfile", "splice",
	"tee", "pipe", "pipe2", "eventfd2", "memfd_create", "copy_file_range",
	"fstatfs",
	/* what may be asked about files; openat has a rule of its own */
	"stat", "lstat", "newfstatat", "statx", "access", "faccessat",
	"faccessat2", "readlink", "readlinkat", "getcwd",
	/* waiting */
	"epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait",
	"epoll_pwait2", "poll", "ppoll", "select", "pselect6", "timerfd_create",
	"timerfd_settime", "timerfd_gettime", "signalfd4",
	/* sockets; socket itself has a rule of its own */
	"socketpair", "bind", "listen", "accept", "accept4", "connect",
	"shutdown", "getsockname", "getpeername", "getsockopt", "setsockopt",
	"sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg",
	/* memory */
	"brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "msync",
	"mlock", "mlock2", "munlock",
	/* threads and signals; clone has a rule of its own */
	"futex", "futex_waitv", "set_robust_list", "get_robust_list",
	"set_tid_address", "rseq", "membarrier", "sched_yield",
	"sched_getaffinity", "sched_getparam", "sched_getscheduler", "getcpu",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending",
	"rt_sigtimedwait", "sigaltstack", "tgkill", "restart_syscall", "exit",
	"exit_group",
	/* time, chance, oneself */
	"clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep",
	"gettimeofday", "time", "getrandom", "getpid", "gettid", "getppid",
	"getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid",
	"getgroups", "uname", "sysinfo", "getrusage", "times", "getrlimit",
	"prlimit64", "umask", NULL,
};
/* clang-format on */

/* What a program of the control plane needs beside that. */
/* clang-format off */
static const char *const files[] = {
	"open", "openat", "openat2", "creat", "mkdir", "mkdirat", "rmdir",
	"unlink", "unlinkat", "rename", "renameat", "renameat2", "link",
	"linkat", "symlink", "symlinkat", "chmod", "fchmod", "fchmodat",
	"chown", "fchown", "fchownat", "lchown", "truncate", "utimensat",
	"getdents64", "statfs", "chdir", "fchdir", "inotify_init1",
	"inotify_add_watch", "inotify_rm_watch", "ioctl", "sync_file_range",
	NULL,
};
/* clang-format on */

static int allow_names(scmp_filter_ctx f, const char *const *names)
{
	int error = 0;

	for (; *names && !error; names++) {
		int number = seccomp_syscall_resolve_name(*names);

		/* Negative: libseccomp knows no such call, or not here. */
		if (number >= 0)
			error = seccomp_rule_add(f, SCMP_ACT_ALLOW, number, 0);
	}
	return error;
}

static int allow_arg(scmp_filter_ctx f, int number, struct scmp_arg_cmp cmp)
{
	return seccomp_rule_add_array(f, SCMP_ACT_ALLOW, number, 1, &cmp);
}

static int allow_sockets(scmp_filter_ctx f, enum sandbox_profile profile)
{
	static const unsigned families[] = { AF_UNIX, AF_INET, AF_INET6 };
	int error = 0;

	for (size_t i = 0; i < 3 && !error; i++)
		error = allow_arg(f, SCMP_SYS(socket),
				  SCMP_A0(SCMP_CMP_EQ, families[i], 0));
	if (!error && profile != SANDBOX_DATAPLANE)
		error = allow_arg(f, SCMP_SYS(socket),
				  SCMP_A0(SCMP_CMP_EQ, AF_NETLINK, 0));
	/* the host's quote service, see quoting/source_devtdx.h */
	if (!error && profile == SANDBOX_NETWORK)
		error = allow_arg(f, SCMP_SYS(socket),
				  SCMP_A0(SCMP_CMP_EQ, AF_VSOCK, 0));
	return error;
}

/*
 * Threads, but no processes.  clone3's flags lie in memory, where a filter
 * cannot look: glibc takes clone when clone3 does not exist.
 */
static int allow_threads(scmp_filter_ctx f)
{
	int error = allow_arg(f, SCMP_SYS(clone),
			      SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD,
				      CLONE_THREAD));

	if (!error)
		error = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS),
					 SCMP_SYS(clone3), 0);
	return error;
}

/* Looking at files, for certificates that are read again. */
static int allow_reading(scmp_filter_ctx f)
{
	const unsigned flags = O_ACCMODE | O_CREAT | O_TRUNC;
	int error = allow_arg(f, SCMP_SYS(openat),
			      SCMP_A2(SCMP_CMP_MASKED_EQ, flags, O_RDONLY));

	if (!error)
		error = allow_arg(f, SCMP_SYS(open),
				  SCMP_A1(SCMP_CMP_MASKED_EQ, flags, O_RDONLY));
	return error;
}

/* Whether it is a terminal (stdio), non-blocking, bytes waiting. */
static int allow_harmless_ioctls(scmp_filter_ctx f)
{
	static const unsigned requests[] = { TCGETS, FIONBIO, FIONREAD };
	int error = 0;

	for (size_t i = 0; i < 3 && !error; i++)
		error = allow_arg(f, SCMP_SYS(ioctl),
				  SCMP_A1(SCMP_CMP_EQ, requests[i], 0));
	return error;
}

static int allow_prctl(scmp_filter_ctx f)
{
	static const unsigned options[] = { PR_SET_NAME, PR_GET_NAME,
					    PR_GET_DUMPABLE,
					    /* names of anonymous memory */
					    0x53564d41 };
	int error = 0;

	for (size_t i = 0; i < 4 && !error; i++)
		error = allow_arg(f, SCMP_SYS(prctl),
				  SCMP_A0(SCMP_CMP_EQ, options[i], 0));
	return error;
}

/* No map and no program is made any more. */
static int allow_map_changes(scmp_filter_ctx f)
{
	int error = allow_arg(f, SCMP_SYS(bpf),
			      SCMP_A0(SCMP_CMP_EQ, BPF_MAP_UPDATE_ELEM, 0));

	if (!error)
		error = allow_arg(f, SCMP_SYS(bpf),
				  SCMP_A0(SCMP_CMP_EQ, BPF_MAP_DELETE_ELEM,
					  0));
	return error;
}

static int fill(scmp_filter_ctx f, enum sandbox_profile profile)
{
	/* All threads, also those that run already. */
	int error = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);

	if (!error)
		error = allow_names(f, common);
	if (!error)
		error = allow_sockets(f, profile);
	if (!error)
		error = allow_threads(f);
	if (!error)
		error = allow_prctl(f);
	switch (profile) {
	case SANDBOX_NETWORK:
		if (!error)
			error = allow_names(f, files);
		break;
	case SANDBOX_TUNNEL:
		if (!error)
			error = allow_names(f, files);
		if (!error)
			error = allow_map_changes(f);
		break;
	case SANDBOX_DATAPLANE:
		if (!error)
			error = allow_reading(f);
		if (!error)
			error = allow_harmless_ioctls(f);
		break;
	}
	return error;
}

enum rc sandbox_seccomp(enum sandbox_profile profile)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int error;

	if (!f) {
		errno = ENOMEM;
		return RC_SYS;
	}
	error = fill(f, profile);
	if (!error)
		error = seccomp_load(f);
	seccomp_release(f);
	if (error) {
		errno = -error;
		return RC_SYS;
	}
	return RC_OK;
}
