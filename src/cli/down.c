#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/cloud.h"
#include "cli/commands.h"
#include "cli/leftovers.h"
#include "cli/place.h"
#include "cli/up.h"
#include "io/clock.h"

enum {
	TICK_MS = 50,
	DOWN_WAIT_MS = 30000,
};

static const char down_help[] =
	"usage: postern down [--name NAME]\n"
	"\n"
	"Ends a cloud that `postern up` runs (default demo), and takes away "
	"what one\n"
	"that was killed left on this machine.  Its state folder stays.\n";

static int end_cloud(const char *name)
{
	uint64_t end_ms = clock_boot_ms() + DOWN_WAIT_MS;
	char run[PLACE_PATH_MAX], lock[PLACE_PATH_MAX];
	char error[LEFTOVERS_ERROR_MAX];
	pid_t pid = place_supervisor(name);
	bool was_there;
	int fd;

	if (pid > 0)
		(void)kill(pid, SIGTERM);
	while (pid > 0 && place_supervisor(name) == pid) {
		if (clock_boot_ms() > end_ms)
			(void)kill(pid, SIGKILL);
		(void)usleep(TICK_MS * 1000);
	}
	if (place_lock(&fd, name)) {
		fprintf(stderr, "postern down: %s: started again meanwhile, or "
				"no lock to be had\n",
			name);
		return CLI_REFUSED;
	}
	place_path(run, name, "");
	was_there = pid > 0 || access(run, F_OK) == 0;
	if (!leftovers_remove(name, run, error)) {
		fprintf(stderr, "postern down: %s\n", error);
		return CLI_REFUSED;
	}
	place_lock_path(lock, name);
	(void)unlink(lock);
	(void)rmdir(PLACE_RUN);
	printf("%s: %s\n", name,
	       was_there ? "ended, and taken away" : "does not run");
	return CLI_OK;
}

int cli_down(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "name", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *name = PLACE_DEFAULT_NAME;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'n')
			name = optarg;
		else if (c == 'h') {
			fputs(down_help, stdout);
			return CLI_OK;
		} else
			return cli_usage("down", "wrong arguments");
	}
	if (optind < argc || !cloud_is_name(name))
		return cli_usage("down", "what is '%s'?",
				 optind < argc ? argv[optind] : name);
	if (!cli_is_root("down"))
		return CLI_REFUSED;
	return end_cloud(name);
}
