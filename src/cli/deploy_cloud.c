#include "cli/deploy_cloud.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cloud.h"
#include "cli/fmt.h"
#include "cli/place.h"
#include "io/clock.h"
#include "io/file.h"

enum {
	UP_MS = 60000,
	TICK_US = 20 * 1000,
	LOG_MAX = 1024 * 1024,
	PATH_LEN = 512,
	EXEC_FAILED = 127,
};

#define OWN_CLOUD "deploy"

static void close_dir(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

/* How many clouds run, and the name of one of them. */
static size_t count_running(const char **name, struct arena *a)
{
	AUTO(close_dir)
	DIR *d = opendir(PLACE_RUN);
	size_t count = 0;

	for (struct dirent *e; d && (e = readdir(d));) {
		if (!cloud_is_name(e->d_name) ||
		    place_supervisor(e->d_name) <= 0)
			continue;
		*name = fmt(a, "%s", e->d_name);
		count++;
	}
	return count;
}

const char *deploy_example(struct arena *arena, const char *file)
{
	static const char *const places[] = {
		"../../../examples",
		"../share/doc/postern/examples",
	};
	char self[PATH_LEN];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n <= 0)
		return NULL;
	self[n] = '\0';
	slash = strrchr(self, '/');
	*slash = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const char *path = fmt(arena, "%s/%s/%s", self, places[i],
				       file);

		if (access(path, R_OK) == 0)
			return path;
	}
	return NULL;
}

/* The log whole, and its last line. */
static bool read_log(struct buf *out, struct span *last, const char *path)
{
	struct span text, line;

	buf_init(out, LOG_MAX);
	if (file_read(out, path))
		return false;
	text = buf_span(out);
	*last = (struct span){ 0 };
	while (rd_until(&text, &line, '\n')) {
		if (line.n)
			*last = line;
	}
	return true;
}

static bool says_ready(const char *path)
{
	static const char word[] = "  ready: ";
	AUTO(buf_fini)
	struct buf text = { 0 };
	struct span last;

	return read_log(&text, &last, path) && text.n &&
	       memmem(buf_span(&text).p, text.n, word, strlen(word));
}

_Noreturn static void exec_up(const char *config, const char *name,
			      uint64_t port, int log)
{
	char number[16];

	(void)setsid();
	(void)snprintf(number, sizeof(number), "%llu",
		       (unsigned long long)port);
	if (dup2(log, 1) == 1 && dup2(log, 2) == 2)
		execl("/proc/self/exe", "postern", "up", "--config", config,
		      "--name", name, "--port", number, (char *)NULL);
	_exit(EXEC_FAILED);
}

/* The wait status in *status when it ended before it was ready. */
static bool wait_up(pid_t pid, const char *log, unsigned wait_ms)
{
	uint64_t end_ms = clock_boot_ms() + wait_ms;

	while (clock_boot_ms() < end_ms) {
		if (says_ready(log))
			return true;
		if (waitpid(pid, NULL, WNOHANG) != 0)
			return false;
		(void)usleep(TICK_US);
	}
	(void)kill(pid, SIGTERM);
	return false;
}

enum rc deploy_up(const char *config, const char *name, uint64_t port,
		  const char *log, unsigned wait_ms,
		  char error[VM_CLOUD_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	AUTO(mem_auto_close)
	int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC,
		      0600);
	struct span last = { 0 };
	pid_t pid;

	if (fd < 0 || (pid = fork()) < 0) {
		(void)snprintf(error, VM_CLOUD_ERROR_MAX, "%.300s: %s", log,
			       strerror(errno));
		return RC_SYS;
	}
	if (pid == 0)
		exec_up(config, name, port, fd);
	if (wait_up(pid, log, wait_ms))
		return RC_OK;
	(void)read_log(&text, &last, log);
	(void)snprintf(error, VM_CLOUD_ERROR_MAX,
		       "cloud %s does not come up: %.*s", name,
		       (int)(last.n < 300 ? last.n : 300),
		       last.n ? (const char *)last.p : "");
	return RC_DENIED;
}

static enum rc start_own(struct arena *a, const struct deploy_cloud_options *o,
			 const char *name, char error[VM_CLOUD_ERROR_MAX])
{
	const char *config = o->config ? o->config
				       : deploy_example(a, "deploy/cloud.yaml");

	if (!config) {
		(void)snprintf(error, VM_CLOUD_ERROR_MAX,
			       "no cloud runs, and the examples that describe "
			       "one are not here: say --config");
		return RC_DENIED;
	}
	if (file_make_dirs(PLACE_STATE, 0755)) {
		(void)snprintf(error, VM_CLOUD_ERROR_MAX, PLACE_STATE ": %s",
			       strerror(errno));
		return RC_SYS;
	}
	return deploy_up(config, name, o->port,
			 fmt(a, PLACE_STATE "/%s.log", name), UP_MS, error);
}

enum rc deploy_cloud(struct vm_cloud *out, bool *was_started,
		     struct arena *arena,
		     const struct deploy_cloud_options *options,
		     char error[VM_CLOUD_ERROR_MAX])
{
	const char *name = options->name;
	const char *running = NULL;
	size_t count = count_running(&running, arena);
	enum rc rc = RC_OK;

	if (!name && count > 1) {
		(void)snprintf(error, VM_CLOUD_ERROR_MAX,
			       "%zu clouds run here: say which by --cloud",
			       count);
		return RC_DENIED;
	}
	if (!name)
		name = running ? running : OWN_CLOUD;
	*was_started = place_supervisor(name) <= 0;
	if (*was_started)
		rc = start_own(arena, options, name, error);
	return rc ? rc : vm_cloud_find(out, arena, name, error);
}
