#include "guestinit/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "guestinit/agentconf.h"
#include "guestinit/engine.h"
#include "guestinit/hostfiles.h"
#include "guestinit/manage.h"
#include "guestinit/port.h"
#include "guestinit/service.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/loop.h"
#include "io/proc.h"
#include "json/jtree.h"

#define NOTIFY_SOCKET GUEST_RUN "/notify.sock"
#define SELF "/usr/sbin/postern-init"
#define AGENT "/usr/sbin/postern-agent"
#define RUNTIME_SOCKET "/run/containerd/containerd.sock"

enum {
	FIREWALL_MS = 30000,
	ENGINE_POLL_MS = 100,
	IMAGES_PAUSE_MS = 1000,
	AGENT_STOP_MS = 60000, /* it takes the containers down first */
	ENGINE_STOP_MS = 20000,
	KILL_MS = 1000,
	DRAIN_MS = 1000,
	CLOSE_MS = 10000,
	STEP_MAX = 32,
	STORAGE_MAX = 16 * 1024,
	REASON_MAX = KERNEL_ERROR_MAX,
};

/* clang-format off */
static const struct kernel_mount mounts[] = {
	{ "tmpfs", "/run", "mode=0755", MS_NOSUID | MS_NODEV },
	{ "tmpfs", "/tmp", "mode=1777", MS_NOSUID | MS_NODEV },
	{ "tmpfs", "/var", "mode=0755", MS_NOSUID | MS_NODEV },
	/* What is to last: the agent mounts the data disk over it. */
	{ "tmpfs", "/var/lib", "mode=0755", MS_NODEV },
	{ "tmpfs", "/dev/shm", "mode=1777", MS_NOSUID | MS_NODEV },
	{ "devpts", "/dev/pts", "mode=0620,ptmxmode=0666",
	  MS_NOSUID | MS_NOEXEC },
	{ "mqueue", "/dev/mqueue", NULL, MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "cgroup2", "/sys/fs/cgroup", "nsdelegate",
	  MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ "configfs", "/sys/kernel/config", NULL,
	  MS_NOSUID | MS_NODEV | MS_NOEXEC },
	{ 0 },
};

/* Texts of several pieces, which a list of texts would hide. */
static const char notify_socket[] = "NOTIFY_SOCKET=" NOTIFY_SOCKET;
static const char engine_host[] = "unix://" GUEST_ENGINE_INSIDE;
static const char agent_conf[] = GUEST_AGENT;

static const char *const environment[] = {
	"PATH=/usr/sbin:/usr/bin", "HOME=/root", "LANG=C.UTF-8",
	notify_socket, NULL,
};
static const char *const engine_environment[] = {
	"PATH=/usr/sbin:/usr/bin", "HOME=/root", "LANG=C.UTF-8", NULL,
};

static const char *const relay_argv[] = { SELF, "relay", NULL };
static const char *const agent_argv[] = { AGENT, "--config", agent_conf,
					  NULL };
static const char *const runtime_argv[] = {
	"/usr/bin/containerd", "--config", "/etc/containerd/config.toml", NULL,
};
static const char *const engine_argv[] = {
	"/usr/sbin/dockerd", "--host", engine_host,
	"--containerd", RUNTIME_SOCKET,
	"--pidfile", "/run/engine/docker.pid", "--log-level", "error", NULL,
};
static const char *const images_argv[] = { SELF, "images", NULL };
/* clang-format on */

/* How the process that loads the images ends. */
enum {
	IMAGES_OK = 0,
	IMAGES_REFUSED = 1, /* GUEST_REASON says why */
	IMAGES_AGAIN = 2, /* engine or disk failed */
};

enum stage {
	STARTING,
	RUNNING, /* the agent is ready */
	STOPPING_AGENT,
	STOPPING_ENGINE,
};

struct guest {
	const struct log *log;
	struct loop *loop;
	struct port port;
	enum stage stage;
	bool is_simulated, has_disk;
	bool is_engine_open; /* the agent can reach it */
	struct service relay, agent, runtime, engine, images;
	struct loop_watch signals, notify;
	struct loop_timer engine_poll, deadline;
};

static void step(struct guest *g, const char *name)
{
	uint64_t now = clock_boot_ms();

	log_event(g->log, LOG_INFO, "step", LSTR("name", name),
		  LU64("ms", now));
	manage_step(&g->port.out, name, now);
	port_flush(&g->port);
}

static _Noreturn void refuse_on(const struct log *log, struct port *port,
				const char *reason)
{
	log_event(log, LOG_ERROR, "refused", LSTR("why", reason));
	manage_refused(&port->out, span_str(reason), clock_boot_ms());
	port_drain(port, DRAIN_MS);
	kernel_power_off();
}

void guest_refuse(const struct log *log, const char *reason)
{
	struct port port;

	port_open(&port, "org.postern.manage");
	refuse_on(log, &port, reason);
}

/* ---- the end ---- */

/* The agent knows how its disk is closed; nothing uses it any more. */
static void close_storage(struct guest *g)
{
	static const char *const argv[] = { AGENT, "--close-storage",
					    "--config", agent_conf, NULL };
	enum rc rc = proc_run_with(argv, (struct span){ 0 }, NULL,
				   &(struct proc_options){
					   .timeout_ms = CLOSE_MS,
					   .environment = engine_environment },
				   NULL);

	/* Its file system was synced: what is lost is a clean mark. */
	if (rc)
		log_event(g->log, LOG_WARN, "storage_not_closed",
			  LSTR("why", rc_name(rc)));
}

static void end_all(struct guest *g)
{
	const struct timespec grace = { .tv_sec = KILL_MS / 1000 };

	/* All but us; there may be nobody left. */
	(void)kill(-1, SIGTERM);
	(void)nanosleep(&grace, NULL);
	(void)kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	sync();
	if (g->has_disk)
		close_storage(g);
	step(g, "stopped");
	port_drain(&g->port, DRAIN_MS);
	kernel_power_off();
}

static void stop_engine(struct guest *g)
{
	g->stage = STOPPING_ENGINE;
	service_stop(&g->images, SIGKILL);
	g->runtime.is_stopped = true; /* it ends with all the others */
	service_stop(&g->engine, SIGTERM);
	if (!g->engine.pid)
		end_all(g);
	loop_timer_arm(g->loop, &g->deadline,
		       loop_now_ms(g->loop) + ENGINE_STOP_MS);
}

static void stop(struct guest *g)
{
	if (g->stage >= STOPPING_AGENT)
		return;
	g->stage = STOPPING_AGENT;
	log_event(g->log, LOG_INFO, "stopping");
	manage_stopping(&g->port.out, clock_boot_ms());
	port_flush(&g->port);
	service_stop(&g->agent, SIGTERM);
	loop_timer_arm(g->loop, &g->deadline,
		       loop_now_ms(g->loop) + AGENT_STOP_MS);
	if (!g->agent.pid)
		stop_engine(g);
}

static void on_deadline(void *arg)
{
	struct guest *g = arg;

	log_event(g->log, LOG_WARN, "stop_slow");
	if (g->stage == STOPPING_AGENT)
		stop_engine(g);
	else
		end_all(g);
}

/* ---- the engine ---- */

static void open_engine(struct guest *g)
{
	if (symlink(GUEST_ENGINE_INSIDE, GUEST_ENGINE) && errno != EEXIST)
		refuse_on(g->log, &g->port, "engine: no link to its socket");
	g->is_engine_open = true;
	step(g, "images");
}

/* What comes next, as soon as it can: containerd, which dockerd would wait for
 * only so long; dockerd; the images, also again after the engine failed. */
static void on_engine_poll(void *arg)
{
	struct guest *g = arg;

	if (g->is_engine_open || g->stage != RUNNING || g->images.pid)
		return;
	if (!g->engine.loop && engine_answers(RUNTIME_SOCKET)) {
		step(g, "runtime");
		service_start(&g->engine, g->loop);
	}
	if (g->engine.loop && engine_answers(GUEST_ENGINE_INSIDE)) {
		step(g, "engine");
		service_start(&g->images, g->loop);
		return;
	}
	loop_timer_arm(g->loop, &g->engine_poll,
		       loop_now_ms(g->loop) + ENGINE_POLL_MS);
}

static void start_engine(struct guest *g)
{
	if (g->stage != STARTING)
		return;
	g->stage = RUNNING;
	step(g, "ready");
	service_start(&g->runtime, g->loop);
	on_engine_poll(g);
}

/* Why the images were refused, as the process that did it wrote down. */
static _Noreturn void refuse_images(struct guest *g)
{
	AUTO(buf_fini)
	struct buf why = { 0 };
	char reason[REASON_MAX] = "images: the check failed";

	buf_init(&why, sizeof(reason) - 1);
	if (file_read(&why, GUEST_REASON) == RC_OK && why.n) {
		memcpy(reason, buf_span(&why).p, why.n);
		reason[why.n] = '\0';
	}
	refuse_on(g->log, &g->port, reason);
}

static void images_ended(struct guest *g, unsigned status)
{
	if (status == IMAGES_OK)
		open_engine(g);
	else if (status == IMAGES_REFUSED)
		refuse_images(g);
	else /* the engine went away meanwhile, or the disk failed */
		loop_timer_arm(g->loop, &g->engine_poll,
			       loop_now_ms(g->loop) + IMAGES_PAUSE_MS);
}

/* ---- what the children do ---- */

/* An agent that may not open its disk ends each time it is started; the machine
 * has nothing to wait for then. */
static void look_at_storage(struct guest *g)
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	AUTO(arena_fini)
	struct arena arena;
	const struct jtree *root, *state, *reason;
	char why[REASON_MAX] = "storage: refused";

	arena_init(&arena, STORAGE_MAX);
	buf_init(&text, STORAGE_MAX / 2);
	root = file_read(&text, GUEST_STORAGE) == RC_OK
		       ? jtree_read(&arena, buf_span(&text))
		       : NULL;
	state = jtree_get(root, "state");
	reason = jtree_get(root, "reason");
	if (!state || !span_equal_str(state->text, "refused"))
		return;
	if (reason)
		(void)snprintf(why, sizeof(why), "storage: %.*s",
			       (int)reason->text.n,
			       (const char *)reason->text.p);
	refuse_on(g->log, &g->port, why);
}

static void on_service(void *arg, struct service *s, bool is_running,
		       unsigned status)
{
	struct guest *g = arg;
	const char *state = is_running ? "started" : "ended";

	log_event(g->log, LOG_INFO, "service", LSTR("name", s->name),
		  LSTR("state", state), LU64("status", status));
	manage_service(&g->port.out, s->name, state, status, clock_boot_ms());
	port_flush(&g->port);
	if (is_running)
		return;
	if (g->stage == STARTING && s == &g->agent)
		look_at_storage(g);
	else if (g->stage == STOPPING_AGENT && s == &g->agent)
		stop_engine(g);
	else if (g->stage == STOPPING_ENGINE && s == &g->engine)
		end_all(g);
	else if (g->stage == RUNNING && s == &g->images)
		images_ended(g, status);
}

static void reap(struct guest *g)
{
	struct service *const all[] = { &g->relay, &g->agent, &g->runtime,
					&g->engine, &g->images };
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
			if (service_reaped(all[i], pid, status))
				break;
}

static void on_signals(void *arg, uint32_t events)
{
	struct guest *g = arg;
	struct signalfd_siginfo s;
	bool wants_stop = false;

	(void)events;
	while (read(g->signals.fd, &s, sizeof(s)) == (ssize_t)sizeof(s))
		wants_stop = wants_stop || s.ssi_signo != SIGCHLD;
	reap(g);
	if (wants_stop)
		stop(g);
}

/* "X_POSTERN_STEP=" and a word: how far the agent is, for the host to see. */
static void take_step(struct guest *g, struct span word)
{
	char name[STEP_MAX + 1];

	if (word.n < 1 || word.n > STEP_MAX)
		return;
	for (size_t i = 0; i < word.n; i++)
		if (word.p[i] < 'a' || word.p[i] > 'z')
			return;
	memcpy(name, word.p, word.n);
	name[word.n] = '\0';
	step(g, name);
}

static void on_notify(void *arg, uint32_t events)
{
	static const char said[] = "X_POSTERN_STEP=";
	struct guest *g = arg;
	uint8_t text[256];
	ssize_t n;

	(void)events;
	while ((n = recv(g->notify.fd, text, sizeof(text), 0)) > 0) {
		struct span all = span_of(text, (size_t)n), line;

		while (rd_until(&all, &line, '\n')) {
			if (span_equal_str(line, "READY=1"))
				start_engine(g);
			else if (span_has_prefix(line, span_str(said)) &&
				 rd_skip(&line, sizeof(said) - 1))
				take_step(g, line);
		}
	}
}

static void on_line(void *arg, struct span line)
{
	struct guest *g = arg;

	switch (manage_read(line)) {
	case MANAGE_STOP:
		stop(g);
		break;
	case MANAGE_UNKNOWN:
		log_event(g->log, LOG_WARN, "manage_refused",
			  LSPAN("line", line));
		break;
	}
}

/* ---- the start ---- */

static enum rc watch_signals(struct guest *g)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGPWR);
	(void)sigprocmask(SIG_BLOCK, &set, NULL); /* cannot fail */
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? RC_SYS
		      : loop_watch_add(g->loop, &g->signals, fd, EPOLLIN,
				       on_signals, g);
}

static enum rc watch_notify(struct guest *g)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX,
				  .sun_path = NOTIFY_SOCKET };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) ||
	    chmod(NOTIFY_SOCKET, 0600))
		return RC_SYS;
	return loop_watch_add(g->loop, &g->notify, fd, EPOLLIN, on_notify, g);
}

static enum rc open_loop(struct guest *g, char *error)
{
	enum rc rc = loop_new(&g->loop);

	if (!rc)
		rc = watch_signals(g);
	if (!rc)
		rc = watch_notify(g);
	if (rc)
		kernel_say(error, "loop: %s", strerror(errno));
	else
		port_watch(&g->port, g->loop, on_line, g);
	return rc;
}

static enum rc make_folders(char *error)
{
	static const char *const folders[] = { GUEST_RUN, "/run/engine",
					       "/var/lib/postern", "/var/log",
					       "/var/tmp" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (file_make_dirs(folders[i], 0755)) {
			kernel_say(error, "%s: %s", folders[i],
				   strerror(errno));
			return RC_SYS;
		}
	/* Programs that still write there. */
	if (symlink("/run", "/var/run") && errno != EEXIST) {
		kernel_say(error, "/var/run: %s", strerror(errno));
		return RC_SYS;
	}
	return RC_OK;
}

static enum rc close_firewall(char *error)
{
	static const char *const argv[] = { AGENT, "--firewall-only",
					    "--config", agent_conf, NULL };
	AUTO(buf_fini)
	struct buf said = { 0 };
	struct span text;
	enum rc rc;

	buf_init(&said, 4096);
	rc = proc_run_with(argv, (struct span){ 0 }, &said,
			   &(struct proc_options){
				   .timeout_ms = FIREWALL_MS,
				   .environment = engine_environment },
			   NULL);
	text = buf_span(&said);
	if (rc)
		kernel_say(error, "firewall: %.*s",
			   (int)(text.n < 200 ? text.n : 200),
			   text.n ? (const char *)text.p : rc_name(rc));
	return rc;
}

static void name_services(struct guest *g)
{
	/* clang-format off */
	g->relay = (struct service){
		.name = "relay", .argv = relay_argv,
		.environment = engine_environment,
		.changed = on_service, .arg = g };
	g->agent = (struct service){
		.name = "agent", .argv = agent_argv,
		.environment = environment,
		.changed = on_service, .arg = g };
	g->runtime = (struct service){
		.name = "runtime", .argv = runtime_argv,
		.environment = engine_environment,
		.changed = on_service, .arg = g };
	g->engine = (struct service){
		.name = "engine", .argv = engine_argv,
		.environment = engine_environment,
		.changed = on_service, .arg = g };
	g->images = (struct service){
		.name = "images", .argv = images_argv,
		.environment = engine_environment, .is_once = true,
		.changed = on_service, .arg = g };
	/* clang-format on */
	g->engine_poll = (struct loop_timer){ .fn = on_engine_poll, .arg = g };
	g->deadline = (struct loop_timer){ .fn = on_deadline, .arg = g };
}

/* Before any child but the relay runs. */
static enum rc prepare(struct guest *g, char *error)
{
	AUTO(hostfiles_fini)
	struct hostfiles files = { 0 };
	enum rc rc = hostfiles_take(&files, g->is_simulated, error);

	if (rc)
		return rc;
	step(g, "config");
	g->has_disk = files.has_disk;
	if (!g->has_disk)
		log_event(g->log, LOG_WARN, "no_data_disk",
			  LSTR("lost_at_power_off", "/var/lib"));
	rc = close_firewall(error);
	if (rc)
		return rc;
	step(g, "firewall");
	if (files.conf.has_net)
		rc = kernel_network(&files.conf.address, files.conf.route,
				    error);
	if (!rc && files.conf.has_net)
		step(g, "network");
	return rc;
}

static enum rc start(struct guest *g, char *error)
{
	enum rc rc = kernel_load_modules(error);

	if (!rc)
		rc = kernel_mount_all(mounts, error);
	if (!rc)
		rc = make_folders(error);
	if (!rc)
		rc = net_link_up("lo", 0);
	port_open(&g->port, "org.postern.manage");
	if (!rc)
		rc = open_loop(g, error);
	if (rc)
		return rc;
	step(g, "modules");
	name_services(g);
	if (g->is_simulated)
		service_start(&g->relay, g->loop);
	rc = prepare(g, error);
	if (!rc)
		service_start(&g->agent, g->loop);
	return rc;
}

void guest_run(const struct log *log)
{
	struct guest g = { .log = log, .port.fd = -1 };
	char error[KERNEL_ERROR_MAX] = "";

	g.is_simulated = access("/etc/postern/simulated", F_OK) == 0;
	if (g.is_simulated)
		log_event(log, LOG_WARN, "simulated",
			  LSTR("protects", "nothing"));
	(void)reboot(RB_DISABLE_CAD); /* Ctrl-Alt-Del is an orderly stop */
	if (start(&g, error))
		refuse_on(log, &g.port, error);
	if (loop_run(g.loop))
		kernel_say(error, "loop: %s", strerror(errno));
	refuse_on(log, &g.port, error);
}

/* ---- the images ---- */

static enum rc check_images(char *error)
{
	AUTO(manifest_launch_fini)
	struct manifest_launch launch = { 0 };
	AUTO(buf_fini)
	struct buf json = { 0 };
	char why[MANIFEST_ERROR_MAX] = "", disk[KERNEL_DISK_MAX];
	bool has_disk = kernel_disk(disk, "images", 0) == RC_OK;
	enum rc rc;

	buf_init(&json, MANIFEST_MAX);
	rc = file_read(&json, GUEST_MANIFEST);
	if (!rc)
		rc = manifest_launch_read(&launch, buf_span(&json), why);
	if (rc) {
		kernel_say(error, "manifest: %s", why);
		return rc;
	}
	if (has_disk && !launch.lists_images) {
		kernel_say(error, "images disk: the manifest lists no images");
		return RC_DENIED;
	}
	if (!launch.lists_images)
		return RC_OK;
	return engine_load(GUEST_ENGINE_INSIDE, has_disk ? disk : NULL, &launch,
			   error);
}

int guest_images(const struct log *log)
{
	char error[KERNEL_ERROR_MAX] = "";
	enum rc rc = check_images(error);

	if (rc == RC_OK)
		return IMAGES_OK;
	log_event(log, LOG_ERROR, "images_failed", LSTR("why", error));
	if (rc == RC_SYS || file_replace(GUEST_REASON, span_str(error), 0600))
		return IMAGES_AGAIN;
	return IMAGES_REFUSED;
}
