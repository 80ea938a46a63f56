#include "vm/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "base/mem.h"

static enum rc failed(char error[TAP_ERROR_MAX], const char *what,
		      const char *which)
{
	int saved = errno;

	(void)snprintf(error, TAP_ERROR_MAX, "%s %.150s: %s", what, which,
		       strerror(saved));
	errno = saved;
	return RC_SYS;
}

/* QEMU takes it with or without the header of virtio; with it a card can hand
 * over packets whose checksums are still to be made. */
static enum rc make(int *fd, const char *name, char error[TAP_ERROR_MAX])
{
	struct ifreq r = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };

	*fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (*fd < 0)
		return failed(error, "cannot open", "/dev/net/tun");
	(void)snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (ioctl(*fd, TUNSETIFF, &r) == 0)
		return RC_OK;
	return failed(error, "cannot make tap", name);
}

/* The kernel would otherwise greet the guest's network on its own. */
static void quiet_ipv6(const char *name)
{
	char path[96];
	AUTO(mem_auto_close)
	int fd = -1;

	(void)snprintf(path, sizeof(path),
		       "/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)!write(fd, "1", 1); /* harmless where it fails */
}

static enum rc bring_up(const struct tap_options *o, char error[TAP_ERROR_MAX])
{
	AUTO(mem_auto_close)
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq r = { 0 };

	if (s < 0)
		return failed(error, "no socket for", o->name);
	if (o->bridge) {
		(void)snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", o->bridge);
		r.ifr_ifindex = (int)if_nametoindex(o->name);
		if (ioctl(s, SIOCBRADDIF, &r) != 0)
			return failed(error, "cannot join bridge", o->bridge);
	}
	quiet_ipv6(o->name);
	r = (struct ifreq){ .ifr_flags = IFF_UP };
	(void)snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", o->name);
	if (ioctl(s, SIOCSIFFLAGS, &r) != 0)
		return failed(error, "cannot bring up", o->name);
	return RC_OK;
}

static enum rc open_here(int *fd, const struct tap_options *o,
			 char error[TAP_ERROR_MAX])
{
	int made;
	enum rc rc = make(&made, o->name, error);

	if (!rc)
		rc = bring_up(o, error);
	if (!rc)
		*fd = made;
	else if (made >= 0)
		(void)close(made);
	return rc;
}

enum rc tap_open(int *fd, const struct tap_options *options,
		 char error[TAP_ERROR_MAX])
{
	AUTO(mem_auto_close)
	int ours = -1;
	AUTO(mem_auto_close)
	int theirs = -1;
	enum rc rc;

	if (strlen(options->name) >= IFNAMSIZ) {
		errno = ENAMETOOLONG;
		return failed(error, "cannot make tap", options->name);
	}
	if (!options->netns)
		return open_here(fd, options, error);
	ours = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	theirs = open(options->netns, O_RDONLY | O_CLOEXEC);
	if (ours < 0 || theirs < 0 || setns(theirs, CLONE_NEWNET) != 0)
		return failed(error, "cannot enter", options->netns);
	rc = open_here(fd, options, error);
	if (setns(ours, CLONE_NEWNET) != 0)
		abort();
	return rc;
}
