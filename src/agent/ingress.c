#include "agent/ingress.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/firewall.h"
#include "agent/ingress_files.h"
#include "base/mem.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/sandbox.h"
#include "supervise/supervise.h"

enum {
	PATH_TEXT_MAX = 200, /* with a socket's name it fits in an address */
	STOP_MS = 2000, /* a service, between SIGTERM and SIGKILL */
	END_MS = 3 * STOP_MS,
	LOOK_MS = 10,
	EXIT_SETUP = 3,
	SERVICES = 2,
};

struct ingress {
	char folder[PATH_TEXT_MAX], state[PATH_TEXT_MAX];
	char edge[PATH_TEXT_MAX], cert[PATH_TEXT_MAX]; /* configurations */
	char report[PATH_TEXT_MAX];
	char edge_ready[PATH_TEXT_MAX], cert_ready[PATH_TEXT_MAX];
	char edge_pid[PATH_TEXT_MAX];
	pid_t pid; /* of the supervisor; 0: it has ended */
};

/* ---- paths and files ---- */

static bool set_path(char out[PATH_TEXT_MAX], const char *before,
		     const char *path, const char *file)
{
	int n = snprintf(out, PATH_TEXT_MAX, "%s%s%s", before, path, file);

	return n >= 0 && n < PATH_TEXT_MAX;
}

static bool set_paths(struct ingress *g, const struct config *c)
{
	const char *slash = strrchr(c->status, '/');
	char parent[PATH_TEXT_MAX];

	if (!slash || !set_path(parent, "", c->status, ""))
		return false;
	parent[slash - c->status] = '\0';
	return set_path(g->folder, "", parent, "/ingress") &&
	       set_path(g->state, "", c->state, "/ingress") &&
	       set_path(g->edge, "", g->folder, "/edge.yaml") &&
	       set_path(g->cert, "", g->folder, "/cert.yaml") &&
	       set_path(g->report, "", g->folder, "/services.json") &&
	       set_path(g->edge_pid, "", g->folder, "/edge.pid") &&
	       set_path(g->edge_ready, "unix:", g->folder, "/edge.sock") &&
	       set_path(g->cert_ready, "unix:", g->folder, "/cert.sock");
}

static enum rc put(const char *path, const struct wr *w)
{
	return w->over ? RC_LIMIT : file_replace(path, wr_span(w), 0600);
}

static enum rc write_files(const struct ingress *g, const struct config *c,
			   const struct manifest *m,
			   char error[NODE_ERROR_MAX])
{
	const struct ingress_places places = { .folder = g->folder,
					       .state = g->state };
	AUTO(mem_auto_free)
	char *text = mem_new(INGRESS_FILE_MAX);
	struct wr w = wr_over(text, INGRESS_FILE_MAX);
	enum rc rc = file_make_dirs(g->folder, 0700);

	if (!rc) {
		ingress_write_edge(&w, m, &places);
		rc = put(g->edge, &w);
	}
	if (!rc) {
		w = wr_over(text, INGRESS_FILE_MAX);
		ingress_write_cert(&w, m, c, &places);
		rc = put(g->cert, &w);
	}
	if (rc)
		error_set(error, "ingress: %s: %s", g->folder,
			  rc == RC_SYS ? strerror(errno) : "too long");
	return rc;
}

/* ---- the supervisor ---- */

static void describe(struct service out[SERVICES], const struct ingress *g)
{
	out[0] = (struct service){
		.name = "cert",
		.argv = { "postern-cert", "--config", g->cert },
		.ready = g->cert_ready,
		.stop_ms = STOP_MS,
		.group = INGRESS_GROUP,
		.dies_with_us = true,
	};
	out[1] = (struct service){
		.name = "edge",
		.argv = { "postern-edge", "--config", g->edge },
		.ready = g->edge_ready,
		.pid_file = g->edge_pid,
		.stop_ms = STOP_MS,
		.dies_with_us = true,
	};
}

_Noreturn static void run(const struct ingress *g, pid_t agent)
{
	const struct supervise_options options = { .node = "ingress",
						   .report = g->report };
	struct service services[SERVICES];
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)prctl(PR_SET_NAME, "postern-ingress");
	/* A worker of the edge, and its next master, stay ours. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0 ||
	    getppid() != agent ||
	    sandbox_drop(UINT64_C(1) << CAP_SETGID |
				 UINT64_C(1) << CAP_NET_BIND_SERVICE,
			 NULL))
		_exit(EXIT_SETUP);
	/* What we and our services say of readiness is not the agent's. */
	(void)unsetenv("NOTIFY_SOCKET");
	describe(services, g);
	supervise(services, SERVICES, &options);
	_exit(0);
}

enum rc ingress_open(struct ingress **out, const struct config *config,
		     const struct manifest *manifest,
		     char error[NODE_ERROR_MAX])
{
	struct ingress *g = mem_new(sizeof(*g));
	pid_t agent = getpid();
	enum rc rc = RC_OK;

	if (!set_paths(g, config)) {
		error_set(error, "ingress: status: expected a shorter path "
				 "with a folder");
		rc = RC_LIMIT;
	}
	if (!rc)
		rc = write_files(g, config, manifest, error);
	if (!rc) {
		(void)unlink(g->report); /* of a run before */
		g->pid = fork();
		if (g->pid == 0)
			run(g, agent);
	}
	if (!rc && g->pid < 0) {
		error_set(error, "ingress: no process: %s", strerror(errno));
		g->pid = 0;
		rc = RC_SYS;
	}
	if (rc) {
		free(g);
		return rc;
	}
	*out = g;
	return RC_OK;
}

bool ingress_is_alive(struct ingress *g)
{
	if (g->pid > 0 && waitpid(g->pid, NULL, WNOHANG) == g->pid)
		g->pid = 0;
	return g->pid > 0;
}

void ingress_stop(struct ingress *g)
{
	if (g && g->pid > 0)
		(void)kill(g->pid, SIGTERM);
}

void ingress_free(struct ingress *g)
{
	const struct timespec look = { .tv_nsec = LOOK_MS * 1'000'000l };
	uint64_t end_ms = clock_boot_ms() + END_MS;

	if (!g)
		return;
	ingress_stop(g);
	while (ingress_is_alive(g) && clock_boot_ms() < end_ms)
		(void)nanosleep(&look, NULL);
	if (g->pid > 0) {
		(void)kill(g->pid, SIGKILL);
		(void)waitpid(g->pid, NULL, 0);
	}
	free(g);
}

void ingress_report(const struct ingress *g, struct buf *out)
{
	/* A small file in memory (/run), replaced whole. */
	(void)file_read(out, g->report);
}
