#include "node/confinement.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
	ARENA_MAX = 1024 * 1024, /* of folders' names */
};

void confinement_init(struct confinement *c)
{
	*c = (struct confinement){ 0 };
	arena_init(&c->arena, ARENA_MAX);
}

void confinement_fini(struct confinement *c)
{
	arena_fini(&c->arena);
}

/* ---- paths ---- */

void confinement_path(struct confinement *c, const char *path,
		      enum confinement_access wanted)
{
	if (!path || !path[0] || access(path, F_OK) != 0)
		return;
	if (c->count == CONFINEMENT_PATHS_MAX) {
		c->is_full = true;
		return;
	}
	c->of[c->count++] = (struct sandbox_path){
		.path = path,
		.is_writable = wanted == CONFINEMENT_WRITE,
	};
}

void confinement_folder(struct confinement *c, const char *file,
			enum confinement_access wanted)
{
	const char *slash = file ? strrchr(file, '/') : NULL;
	struct span folder;

	if (!file || !file[0])
		return;
	if (!slash || slash == file) {
		confinement_path(c, slash ? "/" : ".", wanted);
		return;
	}
	folder = span_of(file, (size_t)(slash - file));
	confinement_path(c, arena_dup(&c->arena, folder), wanted);
}

void confinement_listen(struct confinement *c, const struct sock_addr *at)
{
	if (at->sa.sa_family == AF_UNIX)
		confinement_folder(c, at->un.sun_path, CONFINEMENT_WRITE);
}

void confinement_fetching(struct confinement *c)
{
	static const char *const read[] = {
		"/etc/hosts",
		"/etc/resolv.conf",
		"/run/systemd/resolve",
		"/etc/nsswitch.conf",
		"/etc/host.conf",
		"/etc/gai.conf",
		"/etc/services",
		"/etc/protocols",
		"/etc/ssl/certs",
		"/etc/ssl/openssl.cnf",
		"/usr/share/ca-certificates",
		"/usr/local/share/ca-certificates",
	};

	for (size_t i = 0; i < sizeof(read) / sizeof(*read); i++)
		confinement_path(c, read[i], CONFINEMENT_READ);
}

void confinement_quotes(struct confinement *c)
{
	confinement_path(c, "/sys/kernel/config/tsm", CONFINEMENT_WRITE);
	confinement_path(c, "/dev/tdx_guest", CONFINEMENT_WRITE);
	confinement_path(c, "/etc/tdx-attest.conf", CONFINEMENT_READ);
}

void confinement_trust(struct confinement *c, const struct trust_settings *t)
{
	bool fetches = settings_has_source(t);

	confinement_folder(c, t->policy, CONFINEMENT_READ);
	confinement_folder(c, t->simulated_root, CONFINEMENT_READ);
	confinement_path(c, t->collateral,
			 fetches ? CONFINEMENT_WRITE : CONFINEMENT_READ);
	confinement_folder(c, t->source.ca, CONFINEMENT_READ);
	if (fetches)
		confinement_fetching(c);
}

/* ---- giving up ---- */

static enum rc keep_files(const struct confinement *c, const struct log *log)
{
	enum rc rc = sandbox_landlock(c->of);

	if (rc != RC_UNSUPPORTED)
		return rc;
	log_event(log, LOG_WARN, "files_not_confined",
		  LSTR("why", "the kernel has no Landlock"));
	return RC_OK;
}

enum rc confinement_begin(const struct confinement *c, uint64_t keep,
			  const struct log *log, char error[NODE_ERROR_MAX])
{
	if (c->is_full) {
		error_set(error, "landlock: more than %d paths",
			  CONFINEMENT_PATHS_MAX);
		return RC_LIMIT;
	}
	if (sandbox_drop(keep, NULL)) {
		error_set(error, "capabilities: %s", strerror(errno));
		return RC_SYS;
	}
	if (keep_files(c, log)) {
		error_set(error, "landlock: %s", strerror(errno));
		return RC_SYS;
	}
	return RC_OK;
}

enum rc confinement_calls(char error[NODE_ERROR_MAX])
{
#ifndef __SANITIZE_ADDRESS__ /* its leak check at the end calls ptrace */
	if (sandbox_seccomp(SANDBOX_NETWORK)) {
		error_set(error, "seccomp: %s", strerror(errno));
		return RC_SYS;
	}
#endif
	(void)error; /* unused when sanitized */
	return RC_OK;
}
