#include "agent/containers.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/secret.h"
#include "io/file.h"
#include "io/notify.h"
#include "io/proc.h"

enum {
	OUTPUT_MAX = 64 * 1024,
	UP_TIMEOUT_MS = 300000,
	/* with what ends an "up" before it: less than the unit's stop time */
	DOWN_TIMEOUT_MS = 45000,
	ENGINE_PAUSE_MS = 100,
	RETRY_PAUSE_MS = 1000, /* doubled by each failure, up to: */
	RETRY_PAUSE_MAX_MS = 30000,
	PATH_TEXT_MAX = 512,
	ARGUMENTS_MAX = 24,
	/* a value that is shorter is no secret, and stands in every word */
	HIDDEN_MIN = 4,
	ENVIRONMENT_PAUSE_MS = 1000,
};

struct containers {
	struct containers_options o;
	/* file, override and environment stand in folder; override may be "" */
	char folder[PATH_TEXT_MAX], file[PATH_TEXT_MAX],
		override[PATH_TEXT_MAX], environment[PATH_TEXT_MAX];
	struct envs envs; /* the thread's */
	char host[PATH_TEXT_MAX], home[PATH_TEXT_MAX];
	int stop_fd; /* readable once something is wanted; -1: none yet */
	pthread_t thread;
	bool has_thread;

	/* Shared with the thread, under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool wants_down, wants_end;
	enum containers_state state;
	char error[NODE_ERROR_MAX];
	loop_fn *done;
	void *done_arg;
};

const char *containers_state_name(enum containers_state s)
{
	switch (s) {
	case CONTAINERS_NONE:
		return "none";
	case CONTAINERS_WAITING:
		return "waiting";
	case CONTAINERS_STARTING:
		return "starting";
	case CONTAINERS_RUNNING:
		return "running";
	case CONTAINERS_FAILED:
		return "failed";
	case CONTAINERS_STOPPING:
		return "stopping";
	case CONTAINERS_STOPPED:
		return "stopped";
	}
	return "?";
}

static void set_state(struct containers *c, enum containers_state state)
{
	pthread_mutex_lock(&c->lock);
	c->state = state;
	pthread_mutex_unlock(&c->lock);
	log_event(c->o.log, LOG_INFO, "containers",
		  LSTR("state", containers_state_name(state)));
}

/* Waits for so long, or for a reason to stop; whether there was none. */
static bool pause_for(struct containers *c, unsigned ms)
{
	struct timespec until;
	bool goes_on;
	int waited = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&c->lock);
	while (!c->wants_down && !c->wants_end && waited != ETIMEDOUT)
		waited = pthread_cond_timedwait(&c->changed, &c->lock, &until);
	goes_on = !c->wants_down && !c->wants_end;
	pthread_mutex_unlock(&c->lock);
	return goes_on;
}

static bool engine_answers(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd;
	bool ok;

	memcpy(at.sun_path, path, strnlen(path, sizeof(at.sun_path) - 1));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ok = fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Also where it begins within itself: "aa" twice in "aaa". */
static void hide_one(const char *value, const uint8_t *as_was, uint8_t *text,
		     size_t n)
{
	size_t len = strlen(value), at = 0;
	const uint8_t *found;

	while ((found = memmem(as_was + at, n - at, value, len))) {
		at = (size_t)(found - as_was);
		memset(text + at, '*', len);
		at++;
	}
}

void containers_hide(const struct envs *envs, uint8_t *text, size_t n)
{
	uint8_t *as_was;

	if (!n)
		return;
	as_was = (uint8_t *)mem_dup_n(text, n);
	for (size_t i = 0; i < envs->count; i++)
		if (strlen(envs->list[i].value) >= HIDDEN_MIN)
			hide_one(envs->list[i].value, as_was, text, n);
	secret_wipe(as_was, n);
	free(as_was);
}

/* The last lines are the ones that say why. */
static void keep_error(struct containers *c, struct span output)
{
	size_t n = output.n, max = NODE_ERROR_MAX - 1;

	if (n > max)
		n = max;
	pthread_mutex_lock(&c->lock);
	memcpy(c->error, output.p + output.n - n, n);
	c->error[n] = '\0';
	pthread_mutex_unlock(&c->lock);
}

/* "NAME=value" of ours and of the app; NULL: more than there can be. */
static const char **environment_of(struct containers *c, struct arena *arena)
{
	size_t count = c->envs.count, n = 0;
	const char **list = arena_new(arena, count + 3, sizeof(*list));

	if (!list)
		return NULL;
	list[n++] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
		    "/sbin:/bin";
	list[n++] = c->home;
	for (size_t i = 0; i < count; i++) {
		const struct env *e = &c->envs.list[i];
		size_t len = strlen(e->name) + strlen(e->value) + 2;
		char *text = arena_new(arena, 1, len);

		if (!text)
			return NULL;
		(void)snprintf(text, len, "%s=%s", e->name, e->value);
		list[n++] = text;
	}
	return list;
}

static size_t arguments_of(const struct containers *c,
			   const char *argv[ARGUMENTS_MAX],
			   const char *const tail[])
{
	/* clang-format off */
	const char *const head[] = {
		"docker-compose", "-H", c->host,
		"--env-file", c->environment, "--project-directory", c->folder,
		"-p", c->o.manifest->name, "-f", c->file,
	};
	/* clang-format on */
	size_t n = sizeof(head) / sizeof(head[0]);

	memcpy(argv, head, sizeof(head));
	if (c->override[0]) {
		argv[n++] = "-f";
		argv[n++] = c->override;
	}
	for (size_t i = 0; tail[i]; i++)
		argv[n++] = tail[i];
	argv[n] = NULL;
	return n;
}

static bool compose(struct containers *c, const char *const tail[],
		    unsigned timeout_ms, int stop_fd)
{
	AUTO(buf_wipe)
	struct buf output;
	AUTO(arena_wipe)
	struct arena arena;
	const char *argv[ARGUMENTS_MAX];
	struct proc_options options = { .timeout_ms = timeout_ms,
					.stop_fd = stop_fd };
	enum rc rc;

	arena_init(&arena, ENVS_ARENA_MAX);
	buf_init(&output, OUTPUT_MAX);
	(void)arguments_of(c, argv, tail);
	options.environment = environment_of(c, &arena);
	rc = options.environment
		     ? proc_run_with(argv, (struct span){ 0 }, &output,
				     &options, NULL)
		     : RC_LIMIT;
	if (rc == RC_OK)
		return true;
	if (rc == RC_CLOSED) /* we ended it */
		return false;
	/* What docker-compose complains of may be what a variable says. */
	containers_hide(&c->envs, output.p + output.at, output.n);
	keep_error(c, output.n ? buf_span(&output) : span_str(rc_name(rc)));
	log_event(c->o.log, LOG_ERROR, "containers_failed",
		  LSTR("command", tail[0]), LSTR("why", rc_name(rc)),
		  LSPAN("output", span_str(c->error)));
	return false;
}

/* False: a reason to stop came before it. */
static bool get_environment(struct containers *c)
{
	char why[NODE_ERROR_MAX] = "";

	if (!c->o.environment)
		return true;
	while (c->o.environment(c->o.environment_arg, &c->envs, why)) {
		keep_error(c, span_str(why));
		if (!pause_for(c, ENVIRONMENT_PAUSE_MS))
			return false;
	}
	keep_error(c, (struct span){ .p = (const uint8_t *)"" });
	return true;
}

/*
 * For taking down what an agent before us brought up, without the variables:
 * docker-compose reads the whole file all the same, and "${NAME:?}" in it wants
 * any value.
 */
static void stand_in(struct containers *c)
{
	const struct manifest_guest *rules = c->o.manifest->guest;
	AUTO(buf_fini)
	struct buf lines = { 0 };
	size_t line;

	if (!c->o.environment || !rules || c->envs.arena.max)
		return;
	buf_init(&lines, ENVS_TEXT_MAX);
	for (size_t i = 0; i < rules->env_count; i++)
		if (!buf_add(&lines, span_str(rules->envs[i])) ||
		    !buf_add(&lines, span_str("=none\n")))
			return;
	/* It cannot fail: these names were judged with the manifest. */
	(void)envs_read_lines(&c->envs, buf_span(&lines), &line);
}

static void bring_up(struct containers *c)
{
	static const char *const up[] = { "up", "-d", "--remove-orphans",
					  NULL };
	unsigned pause_ms = RETRY_PAUSE_MS;

	set_state(c, CONTAINERS_WAITING);
	if (!get_environment(c))
		return;
	while (!engine_answers(c->o.socket))
		if (!pause_for(c, ENGINE_PAUSE_MS))
			return;
	set_state(c, CONTAINERS_STARTING);
	while (!compose(c, up, UP_TIMEOUT_MS, c->stop_fd)) {
		if (!pause_for(c, 0))
			return;
		set_state(c, CONTAINERS_FAILED);
		if (!pause_for(c, pause_ms))
			return;
		if (pause_ms < RETRY_PAUSE_MAX_MS)
			pause_ms *= 2;
	}
	keep_error(c, (struct span){ .p = (const uint8_t *)"" });
	set_state(c, CONTAINERS_RUNNING);
	notify_send("X_POSTERN_STEP=containers");
}

static void *work(void *arg)
{
	/* Each container gets the time that its stop_grace_period says. */
	static const char *const down[] = { "down", NULL };
	struct containers *c = arg;
	bool takes_down;

	bring_up(c);
	pthread_mutex_lock(&c->lock);
	while (!c->wants_down && !c->wants_end)
		pthread_cond_wait(&c->changed, &c->lock);
	takes_down = c->wants_down;
	pthread_mutex_unlock(&c->lock);
	if (!takes_down)
		return NULL;
	set_state(c, CONTAINERS_STOPPING);
	stand_in(c);
	/* A failure is logged; there is nothing else to try. */
	if (engine_answers(c->o.socket))
		(void)compose(c, down, DOWN_TIMEOUT_MS, 0);
	set_state(c, CONTAINERS_STOPPED);
	loop_post(c->o.loop, c->done, c->done_arg);
	return NULL;
}

static void init_lock(struct containers *c)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->changed, &attr);
	pthread_condattr_destroy(&attr);
}

static bool set_path(char out[PATH_TEXT_MAX], const char *before,
		     const char *path, const char *after)
{
	int n = snprintf(out, PATH_TEXT_MAX, "%s%s%s", before, path, after);

	return n >= 0 && n < PATH_TEXT_MAX;
}

/* The folder beside the status socket, which is in memory (/run). */
static enum rc make_folder(struct containers *c)
{
	char parent[PATH_TEXT_MAX];
	char *slash;

	if (!set_path(parent, "", c->o.status, ""))
		return RC_LIMIT;
	slash = strrchr(parent, '/');
	if (slash)
		*slash = '\0';
	if (!set_path(c->folder, slash ? parent : ".", "/compose", ".XXXXXX"))
		return RC_LIMIT;
	if (slash && slash > parent && file_make_dirs(parent, 0755))
		return RC_SYS;
	return mkdtemp(c->folder) ? RC_OK : RC_SYS;
}

static enum rc write_compose(struct containers *c, char error[NODE_ERROR_MAX])
{
	const struct containers_options *o = &c->o;
	enum rc rc = make_folder(c);

	if (!rc && o->override.n &&
	    !set_path(c->override, c->folder, "/override.yml", ""))
		rc = RC_LIMIT;
	if (!rc && (!set_path(c->file, c->folder, "/docker-compose.yml", "") ||
		    !set_path(c->environment, c->folder, "/.env", "") ||
		    !set_path(c->home, "HOME=", c->folder, "") ||
		    !set_path(c->host, "unix://", o->socket, "")))
		rc = RC_LIMIT;
	if (!rc)
		rc = file_replace(c->file, span_str(o->manifest->compose),
				  0600);
	if (!rc)
		rc = file_replace(c->environment, (struct span){ 0 }, 0600);
	if (!rc && c->override[0])
		rc = file_replace(c->override, o->override, 0600);
	if (rc)
		error_set(error, "compose file %s: %s", c->folder,
			  rc == RC_SYS ? strerror(errno) : "path too long");
	return rc;
}

/* A container may have been given a place in it; that stays. */
static void remove_folder(struct containers *c)
{
	if (!c->file[0])
		return;
	(void)unlink(c->file);
	(void)unlink(c->environment);
	if (c->override[0])
		(void)unlink(c->override);
	(void)rmdir(c->folder);
}

enum rc containers_new(struct containers **out,
		       const struct containers_options *options,
		       char error[NODE_ERROR_MAX])
{
	struct containers *c = mem_new(sizeof(*c));
	enum rc rc = RC_OK;

	c->o = *options;
	c->stop_fd = -1;
	init_lock(c);
	if (options->manifest->compose) {
		rc = write_compose(c, error);
		c->o.override = (struct span){ 0 }; /* only borrowed */
		c->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (!rc && c->stop_fd < 0) {
			error_set(error, "containers: %s", strerror(errno));
			rc = RC_SYS;
		}
		if (!rc && pthread_create(&c->thread, NULL, work, c)) {
			error_set(error, "containers: no thread");
			rc = RC_SYS;
		}
		c->has_thread = !rc;
	}
	if (rc) {
		containers_free(c);
		return rc;
	}
	*out = c;
	return RC_OK;
}

static void tell(struct containers *c, bool *what)
{
	pthread_mutex_lock(&c->lock);
	*what = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	if (c->stop_fd >= 0)
		(void)eventfd_write(c->stop_fd, 1); /* cannot be full */
}

void containers_free(struct containers *c)
{
	if (!c)
		return;
	tell(c, &c->wants_end);
	if (c->has_thread)
		pthread_join(c->thread, NULL);
	if (c->stop_fd >= 0)
		close(c->stop_fd);
	remove_folder(c);
	envs_fini(&c->envs);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

void containers_down(struct containers *c, loop_fn *done, void *arg)
{
	if (!c->has_thread) {
		loop_post(c->o.loop, done, arg);
		return;
	}
	c->done = done;
	c->done_arg = arg;
	tell(c, &c->wants_down);
}

enum containers_state containers_state(struct containers *c)
{
	enum containers_state state;

	pthread_mutex_lock(&c->lock);
	state = c->state;
	pthread_mutex_unlock(&c->lock);
	return state;
}

void containers_error(struct containers *c, char out[NODE_ERROR_MAX])
{
	pthread_mutex_lock(&c->lock);
	memcpy(out, c->error, NODE_ERROR_MAX);
	pthread_mutex_unlock(&c->lock);
}
