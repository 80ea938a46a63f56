/* Each case is a child of its own, since what it gives up is gone for good. */
#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <lmdb.h>
#include <netinet/in.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/file.h"
#include "io/loop.h"
#include "io/sandbox.h"
#include "io/sock.h"

enum {
	KILLED = 1000, /* by SIGSYS */
};

static char folder_path[64];

/* 0, an exit status, or KILLED. */
static int in_child(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGSYS);
		return KILLED;
	}
	return WEXITSTATUS(status);
}

/* CHECK(x) ends the child with the line's number when x is false. */
#define CHECK(x) \
	do { \
		if (!(x)) \
			return __LINE__ % 250 + 1; \
	} while (0)

static bool status_has(const char *line)
{
	char text[8192];
	FILE *f = fopen("/proc/self/status", "re");
	size_t n = fread(text, 1, sizeof(text) - 1, f);

	fclose(f);
	text[n] = '\0';
	return strstr(text, line) != NULL;
}

static int basics(void)
{
	CHECK(sandbox_basics() == RC_OK);
	CHECK(prctl(PR_GET_DUMPABLE) == 0);
	CHECK(status_has("NoNewPrivs:\t1"));
	return 0;
}

static int drop_to_user(void)
{
	CHECK(sandbox_basics() == RC_OK);
	CHECK(sandbox_drop(1ull << CAP_NET_ADMIN, "nobody") == RC_OK);
	CHECK(status_has("Uid:\t65534\t65534\t65534\t65534"));
	CHECK(status_has("Gid:\t65534\t65534\t65534\t65534"));
	CHECK(status_has("Groups:\t65534 \n"));
	CHECK(status_has("CapInh:\t0000000000000000"));
	CHECK(status_has("CapPrm:\t0000000000001000"));
	CHECK(status_has("CapEff:\t0000000000001000"));
	CHECK(status_has("CapBnd:\t0000000000001000"));
	CHECK(status_has("CapAmb:\t0000000000000000"));
	CHECK(prctl(PR_GET_DUMPABLE) == 0);
	CHECK(setuid(0) == -1);
	return 0;
}

static int drop_everything(void)
{
	CHECK(sandbox_drop(0, NULL) == RC_OK);
	CHECK(status_has("CapEff:\t0000000000000000"));
	CHECK(status_has("CapBnd:\t0000000000000000"));
	/* Again, now with nothing to drop; and what is gone cannot be kept. */
	CHECK(sandbox_drop(0, NULL) == RC_OK);
	CHECK(sandbox_drop(1ull << CAP_NET_ADMIN, NULL) == RC_SYS && errno == EPERM);
	return 0;
}

static int drop_to_unknown_user(void)
{
	CHECK(sandbox_drop(0, "ptio-no-such-user") == RC_SYS && errno == ENOENT);
	return 0;
}

static void privileges_are_dropped(void **state)
{
	(void)state;
	assert_int_equal(in_child(basics), 0);
	if (geteuid() != 0) {
		skip();
		return;
	}
	assert_int_equal(in_child(drop_to_user), 0);
	assert_int_equal(in_child(drop_everything), 0);
	assert_int_equal(in_child(drop_to_unknown_user), 0);
}

static bool can_open(const char *name, int flags)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder_path, name);
	fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int landlock(void)
{
	char rw[96], file[128];
	const struct sandbox_path paths[] = {
		{ folder_path, false, false },
		{ rw, true, false },
		{ file, true, false },
		{ "/bin/sh", false, true },
		{ "/usr/lib", false, true },
		{ "/lib64", false, true },
		{ NULL, false, false },
	};
	enum rc rc;

	snprintf(rw, sizeof(rw), "%s/rw", folder_path);
	snprintf(file, sizeof(file), "%s/file", folder_path);
	CHECK(sandbox_basics() == RC_OK);
	rc = sandbox_landlock(paths);
	if (rc == RC_UNSUPPORTED)
		return 0;
	CHECK(rc == RC_OK);
	CHECK(can_open("ro", O_RDONLY) && !can_open("ro", O_WRONLY));
	CHECK(!can_open("new", O_CREAT | O_WRONLY));
	CHECK(can_open("file", O_WRONLY));
	CHECK(can_open("rw/new", O_CREAT | O_RDWR | O_TRUNC));
	CHECK(file_replace(rw, span_str(""), 0600) == RC_SYS); /* its folder is read-only */
	snprintf(file, sizeof(file), "%s/f", rw);
	CHECK(file_replace(file, span_str("x"), 0600) == RC_OK);
	CHECK(open("/etc/passwd", O_RDONLY | O_CLOEXEC) == -1 && errno == EACCES);
	CHECK(mkfifo("/tmp/ptio-fifo", 0600) == -1 && errno == EACCES);
	CHECK(execl("/bin/true", "true", NULL) == -1 && errno == EACCES);
	execl("/bin/sh", "sh", "-c", "exit 0", NULL);
	return 1;
}

static int landlock_absent_path(void)
{
	const struct sandbox_path paths[] = {
		{ "/ptio/none", false, false },
		{ NULL, false, false },
	};
	enum rc rc = sandbox_landlock(paths);

	CHECK(rc == RC_UNSUPPORTED || (rc == RC_SYS && errno == ENOENT));
	return 0;
}

static void files_are_confined(void **state)
{
	struct folder f;
	char path[128];

	(void)state;
	folder_make(&f);
	memcpy(folder_path, f.path, sizeof(folder_path));
	assert_int_equal(file_replace(folder_file(path, &f, "ro"), span_str("x"), 0600), RC_OK);
	assert_int_equal(file_replace(folder_file(path, &f, "file"), span_str("x"), 0600), RC_OK);
	assert_int_equal(file_make_dirs(folder_file(path, &f, "rw"), 0700), RC_OK);
	assert_int_equal(in_child(landlock), 0);
	assert_int_equal(in_child(landlock_absent_path), 0);
	folder_remove(&f);
}

static void *add_one(void *arg)
{
	unsigned char key[32];

	/* A signature: what a thread of ours would do. */
	EVP_PKEY *pkey = EVP_EC_gen("P-256");

	RAND_bytes(key, sizeof(key));
	EVP_PKEY_free(pkey);
	return pkey ? (char *)arg + 1 : arg;
}

static bool threads_work(void)
{
	char base[8];
	pthread_t t[2];
	void *got[2];

	return pthread_create(&t[0], NULL, add_one, base) == 0 &&
	       pthread_create(&t[1], NULL, add_one, base) == 0 &&
	       pthread_join(t[0], &got[0]) == 0 && pthread_join(t[1], &got[1]) == 0 &&
	       got[0] == base + 1 && got[1] == base + 1;
}

static bool database_works(void)
{
	char path[96];
	MDB_val k = { 1, path }, v = { 1, path };
	MDB_env *env = NULL;
	MDB_txn *txn;
	MDB_dbi dbi;
	bool ok;

	snprintf(path, sizeof(path), "%s/db", folder_path);
	ok = file_make_dirs(path, 0700) == RC_OK && mdb_env_create(&env) == 0 &&
	     mdb_env_open(env, path, MDB_NOTLS, 0600) == 0 &&
	     mdb_txn_begin(env, NULL, 0, &txn) == 0 && mdb_dbi_open(txn, NULL, 0, &dbi) == 0 &&
	     mdb_put(txn, dbi, &k, &v, 0) == 0 && mdb_txn_commit(txn) == 0;
	mdb_env_close(env);
	return ok;
}

static void count(void *arg)
{
	++*(int *)arg;
}

static bool loops_work(void)
{
	struct loop *l;
	int called = 0;

	if (loop_new(&l))
		return false;
	loop_post(l, count, &called);
	while (!called)
		if (loop_turn(l, 1000))
			return false;
	loop_free(l);
	return clock_unix_s() > 0;
}

static bool sockets_work(void)
{
	struct sock_addr a, peer, at = { .len = sizeof(at.un) };
	int listener, client, server;

	if (!sock_addr_parse(&a, span_str("127.0.0.1:0")) || sock_listen(&listener, &a, 4) ||
	    getsockname(listener, &at.sa, &at.len) != 0 || sock_connect(&client, &at))
		return false;
	poll(&(struct pollfd){ .fd = listener, .events = POLLIN }, 1, 5000);
	if (sock_accept(&server, &peer, listener) || send(server, "x", 1, 0) != 1)
		return false;
	close(client);
	close(server);
	close(listener);
	return true;
}

static int network_works(void)
{
	char path[96], *text;
	struct buf b;

	CHECK(sandbox_basics() == RC_OK);
	CHECK(sandbox_seccomp(SANDBOX_NETWORK) == RC_OK);
	CHECK(threads_work());
	CHECK(database_works());
	CHECK(loops_work());
	CHECK(sockets_work());
	snprintf(path, sizeof(path), "%s/n", folder_path);
	CHECK(file_replace(path, span_str("x"), 0600) == RC_OK);
	buf_init(&b, 10);
	CHECK(file_read(&b, path) == RC_OK);
	buf_fini(&b);
	CHECK(close(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0)) == 0);
	text = strdup("x");
	CHECK(fprintf(stderr, "%s%s", text, "\n") == 2);
	free(text);
	return 0;
}

static int dataplane_works(void)
{
	char path[96];
	struct buf b;

	CHECK(sandbox_basics() == RC_OK);
	CHECK(sandbox_seccomp(SANDBOX_DATAPLANE) == RC_OK);
	CHECK(threads_work());
	CHECK(loops_work());
	CHECK(sockets_work());
	snprintf(path, sizeof(path), "%s/ro", folder_path);
	buf_init(&b, 10);
	CHECK(file_read(&b, path) == RC_OK);
	buf_fini(&b);
	return 0;
}

static long bpf(enum bpf_cmd command, union bpf_attr attr)
{
	return syscall(SYS_bpf, command, &attr, sizeof(attr));
}

/* What is forbidden kills; what is allowed fails here, there being no map. */
static int tunnel_works(void)
{
	CHECK(sandbox_basics() == RC_OK);
	CHECK(sandbox_seccomp(SANDBOX_TUNNEL) == RC_OK);
	CHECK(threads_work());
	CHECK(loops_work());
	CHECK(sockets_work());
	CHECK(close(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0)) == 0);
	CHECK(bpf(BPF_MAP_UPDATE_ELEM, (union bpf_attr){ .map_fd = 999 }) == -1);
	CHECK(bpf(BPF_MAP_DELETE_ELEM, (union bpf_attr){ .map_fd = 999 }) == -1);
	return 0;
}

#define FORBIDDEN(name, profile, call) \
	static int name(void) \
	{ \
		CHECK(sandbox_basics() == RC_OK); \
		CHECK(sandbox_seccomp(profile) == RC_OK); \
		(void)!(call); \
		return 0; \
	}

FORBIDDEN(network_fork, SANDBOX_NETWORK, syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0))
FORBIDDEN(network_exec, SANDBOX_NETWORK, execl("/bin/true", "true", NULL))
FORBIDDEN(network_ptrace, SANDBOX_NETWORK, ptrace(PTRACE_TRACEME, 0, 0, 0))
FORBIDDEN(network_namespace, SANDBOX_NETWORK, unshare(CLONE_NEWUSER))
FORBIDDEN(network_packet, SANDBOX_NETWORK, socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0))
FORBIDDEN(network_uring, SANDBOX_NETWORK, syscall(SYS_io_uring_setup, 1, NULL))
FORBIDDEN(network_keyctl, SANDBOX_NETWORK, syscall(SYS_keyctl, 0, 0))
FORBIDDEN(network_kill, SANDBOX_NETWORK, kill(getppid(), 0))
FORBIDDEN(network_bpf, SANDBOX_NETWORK,
	  bpf(BPF_MAP_UPDATE_ELEM, (union bpf_attr){ .map_fd = 999 }))
FORBIDDEN(tunnel_map, SANDBOX_TUNNEL, bpf(BPF_MAP_CREATE, (union bpf_attr){ .key_size = 4 }))
FORBIDDEN(tunnel_program, SANDBOX_TUNNEL, bpf(BPF_PROG_LOAD, (union bpf_attr){ .insn_cnt = 1 }))
FORBIDDEN(tunnel_look, SANDBOX_TUNNEL, bpf(BPF_MAP_LOOKUP_ELEM, (union bpf_attr){ .map_fd = 9 }))
FORBIDDEN(tunnel_vsock, SANDBOX_TUNNEL, socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0))
FORBIDDEN(dataplane_create, SANDBOX_DATAPLANE,
	  open("/tmp/ptio-new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600))
FORBIDDEN(dataplane_write, SANDBOX_DATAPLANE, open("/dev/null", O_WRONLY | O_CLOEXEC))
FORBIDDEN(dataplane_unlink, SANDBOX_DATAPLANE, unlink("/tmp/ptio-none"))
FORBIDDEN(dataplane_netlink, SANDBOX_DATAPLANE, socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0))
FORBIDDEN(dataplane_ioctl, SANDBOX_DATAPLANE, ioctl(0, TIOCSTI, "x"))
FORBIDDEN(dataplane_exec, SANDBOX_DATAPLANE, execl("/bin/true", "true", NULL))

static void *exec_in_thread(void *arg)
{
	poll(NULL, 0, 50);
	execl("/bin/true", "true", NULL);
	return arg;
}

/* A thread that was there before is under the filter too. */
static int network_older_thread(void)
{
	pthread_t t;

	CHECK(sandbox_basics() == RC_OK);
	CHECK(pthread_create(&t, NULL, exec_in_thread, NULL) == 0);
	CHECK(sandbox_seccomp(SANDBOX_NETWORK) == RC_OK);
	pthread_join(t, NULL);
	return 0;
}

static void system_calls_are_confined(void **state)
{
	static const struct {
		const char *name;
		int (*fn)(void);
	} forbidden[] = {
		{ "network_fork", network_fork },
		{ "network_exec", network_exec },
		{ "network_ptrace", network_ptrace },
		{ "network_namespace", network_namespace },
		{ "network_packet", network_packet },
		{ "network_uring", network_uring },
		{ "network_keyctl", network_keyctl },
		{ "network_kill", network_kill },
		{ "network_older_thread", network_older_thread },
		{ "network_bpf", network_bpf },
		{ "tunnel_map", tunnel_map },
		{ "tunnel_program", tunnel_program },
		{ "tunnel_look", tunnel_look },
		{ "tunnel_vsock", tunnel_vsock },
		{ "dataplane_create", dataplane_create },
		{ "dataplane_write", dataplane_write },
		{ "dataplane_unlink", dataplane_unlink },
		{ "dataplane_netlink", dataplane_netlink },
		{ "dataplane_ioctl", dataplane_ioctl },
		{ "dataplane_exec", dataplane_exec },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(*forbidden); i++) {
		print_message("%s\n", forbidden[i].name);
		assert_int_equal(in_child(forbidden[i].fn), KILLED);
	}
}

static void what_programs_do_is_allowed(void **state)
{
	struct folder f;
	char path[128];

	(void)state;
	folder_make(&f);
	memcpy(folder_path, f.path, sizeof(folder_path));
	assert_int_equal(file_replace(folder_file(path, &f, "ro"), span_str("x"), 0600), RC_OK);
	assert_int_equal(in_child(network_works), 0);
	assert_int_equal(in_child(tunnel_works), 0);
	assert_int_equal(in_child(dataplane_works), 0);
	folder_remove(&f);
}

static int seccomp_without_basics(void)
{
	CHECK(sandbox_drop(0, NULL) == RC_OK);
	CHECK(sandbox_seccomp(SANDBOX_NETWORK) == RC_OK);
	/* libseccomp sets no_new_privs itself. */
	CHECK(status_has("NoNewPrivs:\t1"));
	return 0;
}

static void filter_sets_no_new_privileges(void **state)
{
	(void)state;
	assert_int_equal(in_child(seccomp_without_basics), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(privileges_are_dropped),
		cmocka_unit_test(files_are_confined),
		cmocka_unit_test(what_programs_do_is_allowed),
		cmocka_unit_test(system_calls_are_confined),
		cmocka_unit_test(filter_sets_no_new_privileges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
