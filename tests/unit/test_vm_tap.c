/* tap: the host's end of a guest's card, in a network namespace of this test's own. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vm/tap.h"

/* Ends the child with the line's number when x is false. */
#define CHECK(x) \
	do { \
		if (!(x)) \
			return __LINE__ % 250 + 1; \
	} while (0)

static void in_child(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static bool is_up(const char *name)
{
	struct ifreq r = { 0 };
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool up;

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	up = ioctl(s, SIOCGIFFLAGS, &r) == 0 && r.ifr_flags & IFF_UP;
	close(s);
	return up;
}

static int silent_over_ipv6(const char *name)
{
	char path[96], v = '0';
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT; /* a kernel without IPv6 */
	CHECK(read(fd, &v, 1) == 1);
	close(fd);
	return v == '1';
}

static int made_and_gone_with_its_descriptor(void)
{
	const struct tap_options o = { .name = "tapunit0" };
	char error[TAP_ERROR_MAX] = "";
	int fd = -1;

	CHECK(unshare(CLONE_NEWNET) == 0);
	CHECK(tap_open(&fd, &o, error) == RC_OK);
	CHECK(fd >= 0 && fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CHECK(is_up("tapunit0"));
	CHECK(silent_over_ipv6("tapunit0"));
	close(fd);
	CHECK(if_nametoindex("tapunit0") == 0);
	return 0;
}

static int joins_its_bridge(void)
{
	const struct tap_options o = { .name = "tapunit0", .bridge = "brunit" };
	char error[TAP_ERROR_MAX] = "";
	int s, fd = -1;

	CHECK(unshare(CLONE_NEWNET) == 0);
	/* There is none yet: nothing is left. */
	CHECK(tap_open(&fd, &o, error) == RC_SYS);
	CHECK(strncmp(error, "cannot join bridge brunit: ", 27) == 0);
	CHECK(fd == -1 && if_nametoindex("tapunit0") == 0);
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(ioctl(s, SIOCBRADDBR, "brunit") == 0);
	CHECK(tap_open(&fd, &o, error) == RC_OK);
	CHECK(ioctl(s, SIOCBRDELBR, "brunit") == 0 || errno == EBUSY);
	close(s);
	close(fd);
	return 0;
}

/* Of two namespaces the device is in the one that is named, and the thread in its own. */
static int made_in_another_namespace(void)
{
	struct tap_options o = { .name = "tapunit0" };
	char error[TAP_ERROR_MAX] = "", path[64];
	struct stat before, after;
	int theirs, ours, fd = -1;

	CHECK(unshare(CLONE_NEWNET) == 0);
	theirs = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	CHECK(unshare(CLONE_NEWNET) == 0);
	CHECK(stat("/proc/self/ns/net", &before) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", theirs);
	o.netns = path;
	CHECK(tap_open(&fd, &o, error) == RC_OK);
	CHECK(stat("/proc/self/ns/net", &after) == 0);
	CHECK(before.st_ino == after.st_ino);
	CHECK(if_nametoindex("tapunit0") == 0);
	ours = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	CHECK(setns(theirs, CLONE_NEWNET) == 0);
	CHECK(is_up("tapunit0"));
	CHECK(setns(ours, CLONE_NEWNET) == 0);
	o.netns = "/nowhere/at/all";
	close(fd);
	fd = -1;
	CHECK(tap_open(&fd, &o, error) == RC_SYS && fd == -1);
	CHECK(strcmp(error, "cannot enter /nowhere/at/all: No such file or directory") == 0);
	o.netns = "/dev/null"; /* no namespace */
	CHECK(tap_open(&fd, &o, error) == RC_SYS && fd == -1);
	return 0;
}

static int names_that_cannot_be(void)
{
	struct tap_options o = { .name = "sixteen-letters!" };
	char error[TAP_ERROR_MAX] = "";
	int fd = -1;

	CHECK(unshare(CLONE_NEWNET) == 0);
	CHECK(tap_open(&fd, &o, error) == RC_SYS && errno == ENAMETOOLONG);
	CHECK(strncmp(error, "cannot make tap sixteen-letters!: ", 34) == 0);
	o.name = "a/b";
	CHECK(tap_open(&fd, &o, error) == RC_SYS);
	CHECK(fd == -1);
	return 0;
}

static void devices(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	in_child(made_and_gone_with_its_descriptor);
	in_child(joins_its_bridge);
	in_child(made_in_another_namespace);
	in_child(names_that_cannot_be);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
