/* What the service manager hears. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/notify.h"

static void manager_hears_the_state(void **state)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	char got[64] = "", name[64];
	int n = snprintf(name, sizeof(name), "@postern-test-%d", (int)getpid());

	(void)state;
	memcpy(at.sun_path + 1, name + 1, (size_t)n - 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&at,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)),
			 0);
	setenv("NOTIFY_SOCKET", name, 1);
	notify_send("READY=1");
	assert_int_equal(recv(fd, got, sizeof(got), 0), 7);
	assert_string_equal(got, "READY=1");
	close(fd);
	/* Nobody listens now, and then there is no manager, or no such name. */
	notify_send("READY=1");
	unsetenv("NOTIFY_SOCKET");
	notify_send("READY=1");
	setenv("NOTIFY_SOCKET", "", 1);
	notify_send("READY=1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manager_hears_the_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
