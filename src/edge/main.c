/*
 * postern-edge: the TLS data plane of a gateway.  See postern-edge(8).
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "edge/prober.h"
#include "edge/worker.h"
#include "io/sandbox.h"

enum {
	EXIT_CONFIG = 2,
	BACKLOG = 4096,
	OTHER_FILES = 64, /* descriptors beside those of connections */
	FILES_A_CONNECTION = 2,
};

struct options {
	const char *config;
	bool is_check;
};

struct edge {
	struct edge_config config;
	struct log log;
	struct certs certs;
	struct store *store;
	struct health_board board;
	struct prober *prober;
	struct worker worker;
};

static const char USAGE[] =
	"usage: postern-edge [--config FILE] [--check]\n"
	"  --config FILE  configuration (default /etc/postern/edge.yaml)\n"
	"  --check        read the configuration, say ok, start nothing\n";

/* False: the program ends with *status. */
static bool read_options(struct options *out, int *status, int argc,
			 char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	*out = (struct options){ .config = "/etc/postern/edge.yaml" };
	*status = EXIT_CONFIG;
	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			out->config = optarg;
			break;
		case 'k':
			out->is_check = true;
			break;
		case 'h':
			(void)fputs(USAGE, stdout);
			*status = 0;
			return false;
		default:
			(void)fputs(USAGE, stderr);
			return false;
		}
	}
	if (optind == argc)
		return true;
	(void)fputs(USAGE, stderr);
	return false;
}

/* Logs why the start fails; errno is the reason unless 'why' is given. */
static bool fail_start(const struct edge *e, const char *what, const char *why)
{
	if (why)
		log_event(&e->log, LOG_ERROR, "start_failed",
			  LSTR("what", what), LSTR("reason", why));
	else
		log_event(&e->log, LOG_ERROR, "start_failed",
			  LSTR("what", what), LERRNO("reason", errno));
	return false;
}

/* As many connections as the configuration and the descriptors allow. */
static size_t raise_limits(const struct edge *e)
{
	struct rlimit files = { 0 };
	size_t most = e->config.limits.connections, fit;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		/* If it stays as it is, the bound below is of the old one. */
		if (setrlimit(RLIMIT_NOFILE, &files) != 0)
			(void)getrlimit(RLIMIT_NOFILE, &files);
	}
	if (files.rlim_cur == RLIM_INFINITY)
		return most;
	fit = 1;
	if (files.rlim_cur > OTHER_FILES + FILES_A_CONNECTION)
		fit = (files.rlim_cur - OTHER_FILES) / FILES_A_CONNECTION;
	if (fit >= most)
		return most;
	log_event(&e->log, LOG_WARN, "connections_limited",
		  LSTR("reason", "RLIMIT_NOFILE"), LU64("connections", fit),
		  LU64("configured", most));
	return fit;
}

/* Opens every listener; those open before a failure end with the process. */
static bool open_listeners(struct edge *e, int fds[EDGE_LISTEN_MAX])
{
	const struct edge_listen *l = e->config.listen.items;
	char text[128];
	struct wr at;
	enum rc rc;
	size_t i;

	for (i = 0; i < e->config.listen.count; i++, l++) {
		at = wr_over(text, sizeof(text) - 1);
		if (l->is_inherited) {
			wr_printf(&at, "inherit:%u", l->index);
			rc = sock_inherited(&fds[i], l->index);
		} else {
			sock_addr_write(&at, &l->address);
			rc = sock_listen(&fds[i], &l->address, BACKLOG);
		}
		text[at.n] = '\0';
		if (rc)
			return fail_start(e, text, NULL);
	}
	return true;
}

static bool load_certs(struct edge *e)
{
	char error[CERTS_ERROR_MAX];

	if (certs_load(&e->certs, e->config.certificate.chain,
		       e->config.certificate.key, error))
		return fail_start(e, "certificate", error);
	return true;
}

/* SIGHUP: the new certificate whole, or the old one goes on. */
static void reload(struct edge *e)
{
	char error[CERTS_ERROR_MAX];
	struct certs fresh = { 0 };

	if (certs_load(&fresh, e->config.certificate.chain,
		       e->config.certificate.key, error)) {
		log_event(&e->log, LOG_ERROR, "reload_failed",
			  LSTR("reason", error));
		return;
	}
	certs_fini(&e->certs);
	e->certs = fresh;
	log_event(&e->log, LOG_INFO, "reloaded");
}

static void on_signal(void *arg, int number)
{
	struct edge *e = arg;

	if (number == SIGHUP) {
		reload(e);
		return;
	}
	log_event(&e->log, LOG_INFO, "draining",
		  LU64("connections", e->worker.conn_count));
	worker_drain(&e->worker);
}

/* The folder of a file: it is replaced by rename, so its own inode is not
 * what must stay readable. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return mem_dup(".");
	return mem_dup_n(path, slash == path ? 1 : (size_t)(slash - path));
}

/* The folder of the file that a symlink stands for (certbot's layout). */
static char *real_folder_of(const char *path)
{
	AUTO(mem_auto_free)
	char *real = realpath(path, NULL);

	return folder_of(real ? real : path);
}

static bool lock_down(struct edge *e)
{
	AUTO(mem_auto_free)
	char *chain = folder_of(e->config.certificate.chain);
	AUTO(mem_auto_free)
	char *key = folder_of(e->config.certificate.key);
	AUTO(mem_auto_free)
	char *real_chain = real_folder_of(e->config.certificate.chain);
	AUTO(mem_auto_free)
	char *real_key = real_folder_of(e->config.certificate.key);
	const struct sandbox_path paths[] = {
		/* Readers write their place into LMDB's lock file. */
		{ .path = e->config.store, .is_writable = true },
		{ .path = chain },
		{ .path = key },
		{ .path = real_chain },
		{ .path = real_key },
		{ .path = "/dev/null" }, /* the reserve descriptor */
		{ 0 },
	};
	enum rc rc;

	if (sandbox_drop(0, NULL))
		return fail_start(e, "capabilities", NULL);
	rc = sandbox_landlock(paths);
	if (rc == RC_UNSUPPORTED)
		log_event(&e->log, LOG_WARN, "no_landlock");
	else if (rc)
		return fail_start(e, "landlock", NULL);
	if (sandbox_seccomp(SANDBOX_DATAPLANE))
		return fail_start(e, "seccomp", NULL);
	return true;
}

static bool start(struct edge *e)
{
	int fds[EDGE_LISTEN_MAX];
	char error[256];
	size_t most;

	if (sandbox_basics())
		return fail_start(e, "basics", NULL);
	/* A log nobody reads any more must not end the gateway. */
	(void)signal(SIGPIPE, SIG_IGN);
	most = raise_limits(e);
	if (!load_certs(e))
		return false;
	if (store_open(&e->store, e->config.store, STORE_READ, 0, error))
		return fail_start(e, "store", error);
	if (!open_listeners(e, fds))
		return false;
	if (worker_init(&e->worker, &e->config, &e->log, e->store, &e->certs,
			&e->board, fds, e->config.listen.count, most))
		return fail_start(e, "loop", NULL);
	if (loop_signals(e->worker.loop, on_signal, e))
		return fail_start(e, "signals", NULL);
	if (!lock_down(e))
		return false;
	/* Its thread lives under the sandbox. */
	if (prober_start(&e->prober, &e->config, &e->log, e->store, &e->board))
		return fail_start(e, "prober", NULL);
	return true;
}

static int run(struct edge *e)
{
	if (!start(e))
		return EXIT_FAILURE;
	log_event(&e->log, LOG_INFO, "ready",
		  LU64("listeners", e->worker.listener_count),
		  LU64("connections_max", e->worker.conn_max));
	if (worker_run(&e->worker)) {
		log_event(&e->log, LOG_ERROR, "loop_failed",
			  LERRNO("reason", errno));
		return EXIT_FAILURE;
	}
	log_event(&e->log, LOG_INFO, "stopped");
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct edge e = { .log = { .fd = STDERR_FILENO, .program = "edge" },
			  .worker = { .reserve_fd = -1 } };
	AUTO(arena_fini)
	struct arena arena = { 0 };
	char error[CONF_ERROR_MAX];
	struct options options;
	int status;

	if (!read_options(&options, &status, argc, argv))
		return status;
	arena_init(&arena, CONF_FILE_MAX);
	if (edge_config_read(&e.config, &arena, options.config, error)) {
		(void)fprintf(stderr, "postern-edge: %s\n", error);
		return EXIT_CONFIG;
	}
	if (options.is_check) {
		(void)puts("ok");
		return EXIT_SUCCESS;
	}
	e.log.max = (enum log_level)e.config.log;
	health_board_init(&e.board);
	status = run(&e);
	prober_stop(e.prober);
	worker_fini(&e.worker);
	store_close(e.store);
	certs_fini(&e.certs);
	health_board_fini(&e.board);
	return status;
}
