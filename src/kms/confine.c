#include "kms/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"
#include "io/sandbox.h"

enum {
	PATHS_MAX = 32,
};

/* The folder of a file, since files are replaced by others with their name;
 * NULL for NULL. */
static const char *folder_of(struct arena *arena, const char *file)
{
	const char *slash = file ? strrchr(file, '/') : NULL;

	if (!file)
		return NULL;
	if (!slash)
		return ".";
	if (slash == file)
		return "/";
	return arena_dup(arena, span_of(file, (size_t)(slash - file)));
}

static const char *listen_folder(struct arena *arena, const struct config *c)
{
	if (c->listen.sa.sa_family != AF_UNIX)
		return NULL;
	return folder_of(arena, c->listen.un.sun_path);
}

/* What resolving a name and checking a certificate read. */
static const char *const fetching[] = {
	"/etc/hosts",
	"/etc/resolv.conf",
	"/run/systemd/resolve",
	"/etc/nsswitch.conf",
	"/etc/host.conf",
	"/etc/gai.conf",
	"/etc/ssl/certs",
	"/etc/ssl/openssl.cnf",
	"/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates",
	NULL,
};

static void name_paths(struct sandbox_path paths[PATHS_MAX],
		       struct arena *arena, const struct config *c)
{
	bool has_source = settings_has_source(&c->trust);
	const struct sandbox_path wanted[] = {
		{ .path = folder_of(arena, c->trust.policy) },
		{ .path = folder_of(arena, c->trust.simulated_root) },
		{ .path = c->trust.collateral, .is_writable = has_source },
		{ .path = folder_of(arena, c->trust.source.ca) },
		{ .path = c->state, .is_writable = true },
		{ .path = folder_of(arena, c->admin), .is_writable = true },
		{ .path = listen_folder(arena, c), .is_writable = true },
		/* quotes of real TDX; not there on other machines */
		{ .path = "/sys/kernel/config/tsm", .is_writable = true },
		{ .path = "/dev/tdx_guest", .is_writable = true },
		{ .path = "/etc/tdx-attest.conf" },
	};
	size_t n = 0;

	for (size_t i = 0; has_source && fetching[i]; i++)
		if (access(fetching[i], F_OK) == 0)
			paths[n++].path = fetching[i];
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		if (wanted[i].path && access(wanted[i].path, F_OK) == 0)
			paths[n++] = wanted[i];
}

static enum rc confine_files(const struct config *c, const struct log *log)
{
	AUTO(arena_fini)
	struct arena arena;
	struct sandbox_path paths[PATHS_MAX] = { 0 };
	enum rc rc;

	arena_init(&arena, SETTINGS_ARENA_MAX);
	/* It may be filled only later. */
	rc = file_make_dirs(c->trust.collateral, 0755);
	if (rc)
		return rc;
	name_paths(paths, &arena, c);
	rc = sandbox_landlock(paths);
	if (rc != RC_UNSUPPORTED)
		return rc;
	log_event(log, LOG_WARN, "files_not_confined",
		  LSTR("why", "the kernel has no Landlock"));
	return RC_OK;
}

enum rc confine(const struct config *config, const struct log *log,
		char error[NODE_ERROR_MAX])
{
	/* A port below 1024 to listen at. */
	const uint64_t keep = UINT64_C(1) << CAP_NET_BIND_SERVICE;

	if (sandbox_drop(keep, NULL)) {
		error_set(error, "capabilities: %s", strerror(errno));
		return RC_SYS;
	}
	if (confine_files(config, log)) {
		error_set(error, "landlock: %s", strerror(errno));
		return RC_SYS;
	}
	return RC_OK;
}

enum rc confine_calls(char error[NODE_ERROR_MAX])
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
