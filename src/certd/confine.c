#include "certd/confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/sandbox.h"

enum {
	PATHS_MAX = 64,
	ARENA_MAX = 64 * 1024,
};

struct paths {
	struct sandbox_path of[PATHS_MAX];
	size_t count;
	struct arena *arena;
};

static void add(struct paths *p, const char *path, bool is_writable)
{
	if (path && path[0] && access(path, F_OK) == 0 &&
	    p->count < PATHS_MAX - 1)
		p->of[p->count++] = (struct sandbox_path){
			.path = path,
			.is_writable = is_writable,
		};
}

/* The folder of a file, since files are replaced by others with their name. */
static void add_folder(struct paths *p, const char *file, bool is_writable)
{
	const char *slash = file ? strrchr(file, '/') : NULL;
	struct span folder;

	if (!file || !file[0])
		return;
	if (!slash || slash == file) {
		add(p, slash ? "/" : ".", is_writable);
		return;
	}
	folder = span_of(file, (size_t)(slash - file));
	add(p, arena_dup(p->arena, folder), is_writable);
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
	"/etc/services",
	"/etc/protocols",
	"/usr/share/ca-certificates",
	"/usr/local/share/ca-certificates",
	"/dev/urandom",
	NULL,
};

static void name_paths(struct paths *p, const struct config *c)
{
	const struct config_authority *a = c->authorities.items;
	const struct config_source *s = c->ct.aggregators.items;

	for (size_t i = 0; fetching[i]; i++)
		add(p, fetching[i], false);
	for (size_t i = 0; i < c->authorities.count; i++) {
		add_folder(p, a[i].ca, false);
		add_folder(p, a[i].roots, false);
		add_folder(p, a[i].binding.key_file, false);
	}
	for (size_t i = 0; i < c->ct.aggregators.count; i++)
		add_folder(p, s[i].token_file, false);
	add_folder(p, c->ct.list, false);
	add_folder(p, c->ct.list_key, false);
	add_folder(p, c->ct.ca, false);
	add_folder(p, c->dns.anchors, false);
	add_folder(p, c->dns.update.secret_file, false);
	add(p, c->collateral, false);
	add_folder(p, c->kms.trust.policy, false);
	add(p, c->kms.trust.collateral, false);
	add_folder(p, c->kms.trust.simulated_root, false);
	add(p, c->state, true);
	add(p, c->instance, true);
	add_folder(p, c->admin, true);
	add_folder(p, c->keys, true);
	add_folder(p, c->public, true);
	add_folder(p, c->metrics, true);
	/* quotes of real TDX; not there on other machines */
	add(p, "/sys/kernel/config/tsm", true);
	add(p, "/dev/tdx_guest", true);
	add(p, "/etc/tdx-attest.conf", false);
}

static enum rc confine_files(const struct config *c, const struct log *log)
{
	AUTO(arena_fini)
	struct arena arena;
	struct paths paths = { .arena = &arena };
	enum rc rc;

	arena_init(&arena, ARENA_MAX);
	name_paths(&paths, c);
	rc = sandbox_landlock(paths.of);
	if (rc != RC_UNSUPPORTED)
		return rc;
	log_event(log, LOG_WARN, "files_not_confined",
		  LSTR("why", "the kernel has no Landlock"));
	return RC_OK;
}

enum rc confine(const struct config *config, const struct log *log,
		char error[NODE_ERROR_MAX])
{
	if (sandbox_drop(0, NULL)) {
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
