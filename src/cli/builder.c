#include "cli/builder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/fmt.h"
#include "cli/leftovers.h"
#include "cli/node.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/proc.h"

enum {
	CONTEXT_MS = 120000,
	ENGINE_MS = 20000, /* for dockerd to answer */
	STOP_MS = 10000,
	TICK_US = 20 * 1000,
	ARGS_MAX = 80,
	PATH_LIMIT = 512,
	SAID_MAX = 64 * 1024,
};

static const char host_socket[] = "/run/docker.sock";

struct builder {
	const struct builder_job *job;
	struct arena *arena;
	char *error;
	struct node_spec spec;
	struct node node; /* init 0: the machine's engine is used */
	/* A folder as we see it and as the engine's programs see it. */
	const char *outside, *inside;
	const char *log; /* what those programs say */
};

static enum rc say(struct builder *b, enum rc rc, const char *what)
{
	(void)snprintf(b->error, BUILDER_ERROR_MAX, "%.300s: %s", what,
		       strerror(errno));
	return rc;
}

static bool answers(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	AUTO(mem_auto_close)
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(a.sun_path))
		return false;
	memcpy(a.sun_path, path, strlen(path));
	return connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
}

/* The node with dockerd. */

static enum rc make_folders(struct builder *b)
{
	const struct node_spec *s = &b->spec;
	const char *folders[] = { s->lib, s->etc, s->log, s->overlay,
				  fmt(b->arena, "%s/postern", s->run),
				  fmt(b->arena, "%s/docker", s->etc) };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (file_make_dirs(folders[i], 0755))
			return say(b, RC_SYS, folders[i]);
	}
	return RC_OK;
}

/* Builds get no network: an image is made of what its context holds. */
static enum rc write_settings(struct builder *b)
{
	const char *path = fmt(b->arena, "%s/docker/daemon.json", b->spec.etc);
	struct rlimit files;
	const char *text;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return say(b, RC_SYS, "limit of open files");
	text = fmt(b->arena,
		   "{\"bridge\": \"none\", \"iptables\": false, "
		   "\"log-level\": \"warn\", \"oom-score-adjust\": 0, "
		   "\"default-ulimits\": {\"nofile\": {\"Name\": \"nofile\", "
		   "\"Soft\": %llu, \"Hard\": %llu}}}\n",
		   (unsigned long long)files.rlim_max,
		   (unsigned long long)files.rlim_max);
	return fmt_file(path, 0644, text) ? say(b, RC_SYS, path) : RC_OK;
}

static void describe(struct builder *b)
{
	const struct builder_job *job = b->job;
	struct arena *a = b->arena;

	b->spec = (struct node_spec){
		.name = "builder",
		.kind = NODE_MACHINE,
		.netns = job->netns,
		.run = fmt(a, "%s/run", job->run),
		.lib = fmt(a, "%s/lib", job->state),
		.etc = fmt(a, "%s/etc", job->state),
		.overlay = fmt(a, "%s/overlay", job->run),
		.log = fmt(a, "%s/log", job->state),
		.bin = job->bin,
		.lock = fmt(a, "%s/lock", job->run),
		.services = { { .name = "dockerd",
				.argv = { "/usr/sbin/dockerd" },
				.ready = "unix:/run/docker.sock",
				.stop_ms = STOP_MS } },
		.service_count = 1,
	};
}

static enum rc wait_engine(struct builder *b)
{
	const char *path = fmt(b->arena, "%s/docker.sock", b->spec.run);
	uint64_t end_ms = clock_boot_ms() + ENGINE_MS;

	while (!answers(path)) {
		if (clock_boot_ms() > end_ms ||
		    waitpid(b->node.init, NULL, WNOHANG) != 0) {
			(void)snprintf(b->error, BUILDER_ERROR_MAX,
				       "dockerd does not start; see "
				       "%.300s/dockerd.log",
				       b->spec.log);
			return RC_SYS;
		}
		(void)usleep(TICK_US);
	}
	return RC_OK;
}

static enum rc start_engine(struct builder *b)
{
	char netns[PATH_LIMIT];
	enum rc rc;

	describe(b);
	(void)snprintf(netns, sizeof(netns), "/run/netns/%s", b->spec.netns);
	(void)leftovers_remove_netns(netns); /* of one that was killed */
	rc = make_folders(b);
	if (!rc)
		rc = write_settings(b);
	if (!rc && fmt_empty_folder(b->spec.run, "postern"))
		rc = say(b, RC_SYS, b->spec.run);
	if (!rc)
		rc = node_start(&b->node, &b->spec, b->error);
	if (rc)
		return rc;
	node_go(&b->node);
	b->outside = fmt(b->arena, "%s/postern", b->spec.lib);
	b->inside = "/var/lib/postern";
	return wait_engine(b);
}

static void stop_engine(struct builder *b)
{
	uint64_t end_ms = clock_boot_ms() + STOP_MS;
	char netns[PATH_LIMIT];

	if (b->node.init <= 0)
		return;
	(void)kill(b->node.init, SIGTERM);
	while (waitpid(b->node.init, NULL, WNOHANG) == 0) {
		if (clock_boot_ms() > end_ms)
			(void)kill(b->node.init, SIGKILL);
		(void)usleep(TICK_US);
	}
	(void)snprintf(netns, sizeof(netns), "/run/netns/%s", b->spec.netns);
	(void)leftovers_remove_netns(netns);
}

/* Its programs. */

/* The last line that was said, for the message. */
static enum rc failed(struct builder *b, const char *what)
{
	AUTO(buf_fini)
	struct buf said = { 0 };
	struct span text, line = { 0 }, last = { 0 };

	buf_init(&said, SAID_MAX);
	(void)file_read(&said, b->log); /* else there is nothing to quote */
	text = buf_span(&said);
	while (rd_until(&text, &line, '\n')) {
		if (line.n)
			last = line;
	}
	(void)snprintf(b->error, BUILDER_ERROR_MAX, "%s: %.*s", what,
		       (int)(last.n < 300 ? last.n : 300),
		       last.n ? (const char *)last.p : "");
	return RC_DENIED;
}

/* In a process of its own, whose streams go to the log. */
static int run_logged(struct builder *b, const char *const *argv)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
		int log = open(b->log, flags, 0600); /* O_CLOEXEC */

		if (log < 0 || dup2(log, 1) != 1 || dup2(log, 2) != 2)
			_exit(1);
		if (b->node.init > 0)
			_exit(node_exec(b->node.init,
					(char *const *)(uintptr_t)argv));
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(1);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static enum rc build_context(struct builder *b)
{
	const struct builder_job *job = b->job;
	const char *to = fmt(b->arena, "%s/context", b->outside);
	const char *user = job->user ? job->user
				     : fmt(b->arena, "%s/user", job->state);
	const char *script = fmt(b->arena, "%s/context", job->context);
	const char *from = fmt(b->arena, "%s/context", b->inside);
	AUTO(buf_fini)
	struct buf said = { 0 };
	int status;

	if (fmt_remove_tree(to) || file_make_dirs(to, 0755) ||
	    file_make_dirs(user, 0700))
		return say(b, RC_SYS, to);
	buf_init(&said, SAID_MAX);
	if (proc_run((const char *[]){ script, to, user, job->bin, job->base,
				       NULL },
		     (struct span){ 0 }, &said, CONTEXT_MS, &status)) {
		struct span text = buf_span(&said);

		(void)snprintf(b->error, BUILDER_ERROR_MAX, "%.200s: %.*s",
			       script, (int)(text.n < 250 ? text.n : 250),
			       text.n ? (const char *)text.p : "");
		return RC_DENIED;
	}
	if (run_logged(b, (const char *[]){ "docker", "build", "-q", "-t",
					    last_part(job->context), from,
					    NULL }) != 0)
		return failed(b, "docker build");
	return RC_OK;
}

static enum rc save(struct builder *b, const char **out)
{
	const char *argv[ARGS_MAX] = { "docker", "save", "-o",
				       fmt(b->arena, "%s/images.tar",
					   b->inside) };
	size_t n = 4;

	for (size_t i = 0; i < b->job->count && n + 1 < ARGS_MAX; i++)
		argv[n++] = b->job->images[i];
	*out = fmt(b->arena, "%s/images.tar", b->outside);
	(void)unlink(*out); /* of the time before */
	return run_logged(b, argv) == 0 ? RC_OK : failed(b, "docker save");
}

enum rc builder_run(const char **out, struct arena *arena,
		    const struct builder_job *job,
		    char error[BUILDER_ERROR_MAX])
{
	struct builder b = { .job = job, .arena = arena, .error = error };
	enum rc rc = RC_OK;

	b.outside = b.inside = fmt(arena, "%s/lib/postern", job->state);
	b.log = fmt(arena, "%s/build.log", job->state);
	if (file_make_dirs(b.outside, 0755) || file_make_dirs(job->run, 0755))
		return say(&b, RC_SYS, job->state);
	if (!answers(host_socket))
		rc = start_engine(&b);
	if (!rc && job->context)
		rc = build_context(&b);
	if (!rc)
		rc = save(&b, out);
	stop_engine(&b);
	return rc;
}
