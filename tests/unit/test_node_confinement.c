/* confinement: what stays open, by name; each case that gives something up is a
 * child of its own. */
#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/file.h"
#include "node/confinement.h"

static bool has(const struct confinement *c, const char *path, bool is_writable)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->of[i].path, path) == 0)
			return c->of[i].is_writable == is_writable;
	return false;
}

static void make_file(const char *path)
{
	assert_int_equal(file_replace(path, span_str("x"), 0600), RC_OK);
}

static void only_what_is_there(void **state)
{
	struct folder f;
	struct confinement c;
	char a[128], b[128];

	(void)state;
	folder_make(&f);
	make_file(folder_file(a, &f, "a"));
	confinement_init(&c);
	confinement_path(&c, NULL, CONFINEMENT_READ);
	confinement_path(&c, "", CONFINEMENT_WRITE);
	confinement_path(&c, folder_file(b, &f, "b"), CONFINEMENT_READ);
	confinement_folder(&c, NULL, CONFINEMENT_READ);
	confinement_folder(&c, "", CONFINEMENT_READ);
	confinement_folder(&c, "/nowhere/at/all", CONFINEMENT_WRITE);
	assert_int_equal(c.count, 0);
	confinement_path(&c, a, CONFINEMENT_READ);
	confinement_path(&c, f.path, CONFINEMENT_WRITE);
	assert_int_equal(c.count, 2);
	assert_true(has(&c, a, false));
	assert_true(has(&c, f.path, true));
	assert_null(c.of[2].path);
	confinement_fini(&c);
	folder_remove(&f);
}

static void folders_of_files(void **state)
{
	static const struct {
		const char *name, *file, *want;
	} cases[] = {
		{ "deep", "/etc/ssl/x.pem", "/etc/ssl" },
		{ "of_the_root", "/x", "/" },
		{ "relative", "x", "." },
		{ "relative_deep", "./x", "." },
		{ "ends_in_a_slash", "/etc/", "/etc" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct confinement c;

		print_message("%s\n", cases[i].name);
		confinement_init(&c);
		confinement_folder(&c, cases[i].file, CONFINEMENT_WRITE);
		assert_int_equal(c.count, 1);
		assert_string_equal(c.of[0].path, cases[i].want);
		assert_true(c.of[0].is_writable);
		confinement_fini(&c);
	}
}

static void only_unix_listeners_need_a_folder(void **state)
{
	struct sock_addr a;
	struct confinement c;

	(void)state;
	confinement_init(&c);
	assert_true(sock_addr_parse(&a, span_str("127.0.0.1:1")));
	confinement_listen(&c, &a);
	assert_int_equal(c.count, 0);
	assert_true(sock_addr_parse(&a, span_str("unix:/tmp/a.sock")));
	confinement_listen(&c, &a);
	assert_int_equal(c.count, 1);
	assert_true(has(&c, "/tmp", true));
	confinement_fini(&c);
}

/* Where collateral is fetched its folder is written, and names are resolved. */
static void trust_with_and_without_a_source(void **state)
{
	struct folder f;
	char policies[128], roots[128], collateral[128], policy[160], root[160];
	struct trust_settings t = { .policy = policy, .collateral = collateral };
	struct confinement c;

	(void)state;
	folder_make(&f);
	assert_int_equal(mkdir(folder_file(policies, &f, "policies"), 0755), 0);
	assert_int_equal(mkdir(folder_file(roots, &f, "roots"), 0755), 0);
	assert_int_equal(mkdir(folder_file(collateral, &f, "collateral"), 0755), 0);
	snprintf(policy, sizeof(policy), "%s/policy.yaml", policies);
	snprintf(root, sizeof(root), "%s/root.pem", roots);

	confinement_init(&c);
	confinement_trust(&c, &t);
	assert_int_equal(c.count, 2);
	assert_true(has(&c, policies, false));
	assert_true(has(&c, collateral, false));
	confinement_fini(&c);

	confinement_init(&c);
	t.simulated_root = root;
	confinement_trust(&c, &t);
	assert_int_equal(c.count, 3);
	assert_true(has(&c, roots, false));
	confinement_fini(&c);

	confinement_init(&c);
	t.simulated_root = NULL;
	t.source.ca = root;
	strcpy(t.source.server.base, "https://pccs.example.net");
	confinement_trust(&c, &t);
	assert_true(c.count > 3);
	assert_true(has(&c, roots, false));
	assert_true(has(&c, collateral, true));
	assert_true(has(&c, "/etc/hosts", false));
	confinement_fini(&c);
	folder_remove(&f);
}

static void one_path_too_many_is_refused_before_anything(void **state)
{
	const struct log log = { .fd = -1 };
	struct confinement c;
	char error[NODE_ERROR_MAX] = "";

	(void)state;
	confinement_init(&c);
	for (int i = 0; i < CONFINEMENT_PATHS_MAX; i++)
		confinement_path(&c, "/tmp", CONFINEMENT_WRITE);
	assert_false(c.is_full);
	confinement_path(&c, "/etc", CONFINEMENT_READ);
	assert_true(c.is_full);
	assert_int_equal(confinement_begin(&c, 0, &log, error), RC_LIMIT);
	assert_string_equal(error, "landlock: more than 128 paths");
	/* Nothing was given up. */
	assert_int_equal(access("/etc/passwd", R_OK), 0);
	confinement_fini(&c);
}

/* ---- for good, in a child */

enum {
	KILLED = 1000, /* by SIGSYS */
};

static int in_child(int (*fn)(const struct folder *), const struct folder *f)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn(f));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGSYS);
		return KILLED;
	}
	return WEXITSTATUS(status);
}

static enum rc begin(const struct folder *f, uint64_t keep, char error[NODE_ERROR_MAX])
{
	const struct log log = { .fd = 2, .program = "test", .max = LOG_WARN };
	struct confinement c;
	char path[128];
	enum rc rc;

	confinement_init(&c);
	confinement_path(&c, f->path, CONFINEMENT_WRITE);
	confinement_path(&c, folder_file(path, f, "read"), CONFINEMENT_READ);
	rc = confinement_begin(&c, keep, &log, error);
	confinement_fini(&c);
	return rc;
}

static bool can_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int named_files_only(const struct folder *f)
{
	char error[NODE_ERROR_MAX] = "", path[128];

	if (sandbox_basics() || begin(f, 0, error))
		return 1;
	if (!can_open(folder_file(path, f, "new"), O_RDWR | O_CREAT))
		return 2;
	if (can_open("/etc/passwd", O_RDONLY) || errno != EACCES)
		return 3;
	/* No capability is left: not even root may give files away. */
	if (chown(f->path, 1, 1) == 0 || errno != EPERM)
		return 4;
	return 0;
}

static int capability_that_is_not_there(const struct folder *f)
{
	char error[NODE_ERROR_MAX] = "";

	if (sandbox_basics() || begin(f, 0, error))
		return 1;
	if (begin(f, UINT64_C(1) << CAP_NET_ADMIN, error) != RC_SYS)
		return 2;
	return strncmp(error, "capabilities: ", 14) == 0 ? 0 : 3;
}

static int no_ptrace_afterwards(const struct folder *f)
{
	char error[NODE_ERROR_MAX] = "";

	(void)f;
	if (sandbox_basics() || confinement_calls(error))
		return 1;
	(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	return 2;
}

static void files_and_capabilities_are_given_up(void **state)
{
	struct folder f;

	(void)state;
	folder_make(&f);
	assert_int_equal(in_child(named_files_only, &f), 0);
	assert_int_equal(in_child(capability_that_is_not_there, &f), 0);
	folder_remove(&f);
}

static void system_calls_are_given_up(void **state)
{
	(void)state;
#ifdef __SANITIZE_ADDRESS__ /* they stay */
	assert_int_equal(in_child(no_ptrace_afterwards, NULL), 2);
#else
	assert_int_equal(in_child(no_ptrace_afterwards, NULL), KILLED);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_there),
		cmocka_unit_test(folders_of_files),
		cmocka_unit_test(only_unix_listeners_need_a_folder),
		cmocka_unit_test(trust_with_and_without_a_source),
		cmocka_unit_test(one_path_too_many_is_refused_before_anything),
		cmocka_unit_test(files_and_capabilities_are_given_up),
		cmocka_unit_test(system_calls_are_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
