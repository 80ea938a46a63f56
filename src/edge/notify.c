#include "edge/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"

void notify_send(const char *state)
{
	const char *where = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	AUTO(mem_auto_close)
	int fd = -1;
	size_t n;

	if (!where || (where[0] != '/' && where[0] != '@'))
		return;
	n = strlen(where);
	if (n >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, where, n);
	if (where[0] == '@')
		to.sun_path[0] = '\0'; /* an abstract address, unix(7) */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* A supervisor that does not listen is not our failure. */
	if (fd >= 0)
		(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL,
			     (const struct sockaddr *)&to,
			     (socklen_t)(offsetof(struct sockaddr_un,
						  sun_path) +
					 n));
}

void notify_main_pid(pid_t pid)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "MAINPID=%d\nREADY=1", (int)pid);
	notify_send(text);
}

enum rc notify_pid_file(const char *path, pid_t pid)
{
	char text[16];

	if (!*path)
		return RC_OK;
	(void)snprintf(text, sizeof(text), "%d\n", (int)pid);
	return file_replace(path, span_str(text), 0644);
}
