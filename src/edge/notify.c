#include "edge/notify.h"

#include <stdio.h>

#include "io/file.h"

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
