#include "cli/node.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/fmt.h"
#include "io/file.h"

enum {
	PATH_LEN = 512,
	FDS_MAX = 64, /* the supervisor has far fewer open */
	SPACES = CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS |
		 CLONE_NEWIPC,
	EXIT_SETUP = 3,
	EXIT_NO_NODE = 126, /* as a shell's "cannot execute" */
	EXIT_NO_COMMAND = 127,
};

static const char search_path[] =
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

static enum rc failed(char error[NODE_ERROR_MAX], const char *what,
		      const char *which)
{
	int saved = errno;

	(void)snprintf(error, NODE_ERROR_MAX, "%s %.150s: %s", what, which,
		       strerror(saved));
	errno = saved;
	return RC_SYS;
}

/* Inside the node. */

_Noreturn static void give_up(const char *what)
{
	dprintf(2, "postern node: %s: %s\n", what, strerror(errno));
	_exit(EXIT_SETUP);
}

/* A folder of the host, reached by descriptor: its path may be covered by the
 * time it is used. */
struct source {
	char path[32];
};

static struct source keep(const char *path)
{
	struct source s;
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		give_up(path);
	(void)snprintf(s.path, sizeof(s.path), "/proc/self/fd/%d", fd);
	return s;
}

static void bind_over(const char *from, const char *to)
{
	if (mount(from, to, NULL, MS_BIND, NULL) != 0)
		give_up(to);
}

static void make_dir(const char *path)
{
	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		give_up(path);
}

/* The upper layer is a tmpfs because a folder that itself lies on an overlay
 * (a host that is a container) cannot be one. */
static void overlay_etc(const struct node_spec *spec)
{
	char options[4 * PATH_LEN], upper[PATH_LEN], work[PATH_LEN];

	if (mount("tmpfs", spec->overlay, "tmpfs", MS_NOSUID | MS_NODEV,
		  "mode=755") != 0)
		give_up(spec->overlay);
	(void)snprintf(upper, sizeof(upper), "%s/upper", spec->overlay);
	(void)snprintf(work, sizeof(work), "%s/work", spec->overlay);
	make_dir(upper);
	make_dir(work);
	(void)snprintf(options, sizeof(options),
		       "lowerdir=%s:/etc,upperdir=%s,workdir=%s", spec->etc,
		       upper, work);
	if (mount("overlay", "/etc", "overlay", 0, options) != 0)
		give_up("/etc");
}

static void bind_collateral(const char *from)
{
	static const char at[] = "/var/lib/postern/collateral";

	make_dir("/var/lib/postern");
	make_dir(at);
	bind_over(from, at);
	if (mount(NULL, at, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) != 0)
		give_up(at);
}

static void mount_machine(const struct node_spec *spec)
{
	struct source run = keep(spec->run), lib = keep(spec->lib);
	struct source collateral = { "" };

	if (spec->collateral)
		collateral = keep(spec->collateral);
	bind_over(spec->bin, "/usr/local/bin");
	overlay_etc(spec);
	bind_over(run.path, "/run");
	bind_over(lib.path, "/var/lib");
	if (spec->collateral)
		bind_collateral(collateral.path);
	make_dir("/run/lock");
	make_dir("/run/postern");
	make_dir("/run/wireguard");
}

/* The capture of the network in between shows what Postern sends and nothing
 * a kernel says about IPv6 on its own. */
static void quiet_ipv6(void)
{
	static const char path[] = "/proc/sys/net/ipv6/conf/eth0/disable_ipv6";
	AUTO(mem_auto_close)
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		(void)!write(fd, "1", 1); /* harmless where it fails */
}

static void hold_lock(const struct node_spec *spec)
{
	int fd = open(spec->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
		give_up(spec->lock);
	/* Kept open, and so locked, until the node ends. */
}

/* Services find a clean environment, as systemd would give them. */
static void clean_environment(void)
{
	if (clearenv() != 0 || setenv("PATH", search_path, 1) != 0 ||
	    setenv("LANG", "C.UTF-8", 1) != 0 ||
	    setenv("HOME", "/root", 1) != 0)
		give_up("environment");
}

static bool takes(const struct service *s, int fd)
{
	for (unsigned i = 0; i < s->fd_count; i++) {
		if (s->fds[i] == fd)
			return true;
	}
	return false;
}

static void keep_only(int go, const struct node_spec *spec)
{
	for (int fd = 3; fd < FDS_MAX; fd++) {
		bool is_needed = fd == go;

		for (size_t i = 0; i < spec->service_count; i++)
			is_needed = is_needed || takes(&spec->services[i], fd);
		if (!is_needed)
			(void)close(fd);
	}
}

static void no_input(void)
{
	AUTO(mem_auto_close)
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, 0) != 0)
		give_up("/dev/null");
}

static void wait_for_go(int go)
{
	char word;

	/* Nothing to read: whoever made us is gone, and its death signal was
	 * sent before we asked for it. */
	if (read(go, &word, 1) != 1)
		_exit(0);
	(void)close(go);
}

_Noreturn static void run_node(const struct node_spec *spec, int go)
{
	char report[PATH_LEN];
	struct source log;
	sigset_t set;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		give_up("parent death signal");
	keep_only(go, spec);
	no_input();
	wait_for_go(go);
	(void)setsid(); /* a Ctrl-C at the terminal is the supervisor's */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_SETMASK, &set, NULL);
	clean_environment();
	hold_lock(spec);
	if (sethostname(spec->name, strlen(spec->name)) != 0)
		give_up("host name");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		give_up("private mounts");
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  NULL) != 0)
		give_up("/proc");
	log = keep(spec->log);
	quiet_ipv6();
	(void)snprintf(report, sizeof(report), "%s/postern/services.json",
		       spec->kind == NODE_MACHINE ? "/run" : spec->run);
	if (spec->kind == NODE_MACHINE)
		mount_machine(spec);
	if (chdir("/") != 0)
		give_up("/");
	supervise(spec->services, spec->service_count,
		  &(struct supervise_options){ .node = spec->name,
					       .log_dir = log.path,
					       .report = report });
	_exit(0);
}

/* Outside. */

static enum rc bind_netns(pid_t init, const char *netns,
			  char error[NODE_ERROR_MAX])
{
	char from[64], to[PATH_LEN];
	AUTO(mem_auto_close)
	int fd = -1;

	(void)snprintf(from, sizeof(from), "/proc/%d/ns/net", (int)init);
	(void)snprintf(to, sizeof(to), "/run/netns/%s", netns);
	if (file_make_dirs("/run/netns", 0755))
		return failed(error, "cannot make", "/run/netns");
	fd = open(to, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return failed(error, "cannot make", to);
	if (mount(from, to, NULL, MS_BIND, NULL) != 0) {
		enum rc rc = failed(error, "cannot bind", to);

		(void)unlink(to);
		return rc;
	}
	return RC_OK;
}

static enum rc note_pid(const struct node_spec *spec, pid_t pid,
			char error[NODE_ERROR_MAX])
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%d\n", (int)pid);
	if (fmt_file(spec->lock, 0600, text))
		return failed(error, "cannot write", spec->lock);
	return RC_OK;
}

enum rc node_start(struct node *out, const struct node_spec *spec,
		   char error[NODE_ERROR_MAX])
{
	int go[2];
	pid_t pid;
	enum rc rc;

	if (pipe2(go, O_CLOEXEC) != 0)
		return failed(error, "no pipe for", spec->name);
	pid = (pid_t)syscall(SYS_clone, (unsigned long)(SPACES | SIGCHLD), NULL,
			     NULL, NULL, 0);
	if (pid == 0) {
		(void)close(go[1]);
		run_node(spec, go[0]);
	}
	(void)close(go[0]);
	if (pid < 0) {
		(void)close(go[1]);
		return failed(error, "no namespaces for", spec->name);
	}
	rc = note_pid(spec, pid, error);
	if (!rc)
		rc = bind_netns(pid, spec->netns, error);
	if (rc) {
		(void)close(go[1]); /* it reads nothing and ends */
		(void)waitpid(pid, NULL, 0);
		return rc;
	}
	*out = (struct node){ .spec = spec, .init = pid, .go = go[1] };
	return RC_OK;
}

void node_go(struct node *n)
{
	if (n->go < 0)
		return;
	/* One that died meanwhile is noticed by waitpid. */
	(void)!write(n->go, "g", 1);
	(void)close(n->go);
	n->go = -1;
}

void node_abandon(struct node *n)
{
	if (n->go >= 0)
		(void)close(n->go);
	n->go = -1;
	if (n->init <= 0)
		return;
	(void)kill(n->init, SIGKILL);
	(void)waitpid(n->init, NULL, 0);
	n->init = 0;
}

pid_t node_alive(const char *lock)
{
	AUTO(mem_auto_close)
	int fd = open(lock, O_RDWR | O_CLOEXEC);
	char text[16];
	uint64_t pid;
	ssize_t n;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return 0;
	n = read(fd, text, sizeof(text));
	if (n < 2 || !text_u64(&pid, span_of(text, (size_t)n - 1), INT32_MAX))
		return 0;
	return (pid_t)pid;
}

static int wait_status(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return EXIT_NO_NODE;
	}
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

_Noreturn static void run_inside(char *const *argv)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (chdir("/") != 0)
		give_up("/");
	(void)setenv("PATH", search_path, 1);
	execvp(argv[0], argv);
	dprintf(2, "postern exec: %s: %s\n", argv[0], strerror(errno));
	_exit(EXIT_NO_COMMAND);
}

/* A process namespace takes effect for children only: hence one between. */
_Noreturn static void enter(pid_t init, char *const *argv)
{
	int fd = (int)syscall(SYS_pidfd_open, init, 0);
	pid_t pid;

	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (fd < 0 || setns(fd, SPACES) != 0 || (pid = fork()) < 0) {
		dprintf(2, "postern exec: %s\n", strerror(errno));
		_exit(EXIT_NO_NODE);
	}
	if (pid == 0)
		run_inside(argv);
	_exit(wait_status(pid));
}

int node_exec(pid_t init, char *const *argv)
{
	pid_t pid = fork();

	if (pid == 0)
		enter(init, argv);
	return pid < 0 ? EXIT_NO_NODE : wait_status(pid);
}
