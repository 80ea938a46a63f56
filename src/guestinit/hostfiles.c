#include "guestinit/hostfiles.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/text.h"
#include "guestinit/agentconf.h"
#include "io/file.h"
#include "json/jtree.h"
#include "pcs/bundle.h"

enum {
	ENVIRONMENT_MAX = 96 * 1024, /* all that the agent takes */
	COLLATERAL_MAX = 1024 * 1024,
	ARENA_MAX = 1024 * 1024,
	FMSPC_LEN = 6,
};

/* What is in memory before anything is written. */
struct given {
	struct buf manifest, config, environment, collateral;
	struct bundle bundle;
};

static void given_fini(struct given *g)
{
	buf_fini(&g->manifest);
	buf_fini(&g->config);
	buf_fini(&g->environment);
	buf_fini(&g->collateral);
	bundle_fini(&g->bundle);
}

static enum rc read_one(struct buf *out, size_t max, const char *name,
			bool is_required, char *error)
{
	enum rc rc;

	buf_init(out, max);
	rc = kernel_host_file(out, name);
	if (!rc || (rc == RC_CLOSED && !is_required))
		return RC_OK;
	if (rc == RC_CLOSED)
		kernel_say(error, "%s: the host gives none", name);
	else if (rc == RC_LIMIT)
		kernel_say(error, "%s: larger than %zu bytes", name, max);
	else
		kernel_say(error, "%s: it cannot be read", name);
	return rc;
}

static enum rc read_all(struct given *g, char *error)
{
	enum rc rc = read_one(&g->manifest, MANIFEST_MAX, "manifest", true,
			      error);

	if (!rc)
		rc = read_one(&g->config, HOSTCONF_MAX, "config", true, error);
	if (!rc)
		rc = read_one(&g->environment, ENVIRONMENT_MAX, "env", false,
			      error);
	if (!rc)
		rc = read_one(&g->collateral, COLLATERAL_MAX, "collateral",
			      false, error);
	return rc;
}

enum rc hostfiles_agree(const struct hostfiles *f, const struct manifest *m,
			char *error)
{
	if (!f->launch.trust) {
		kernel_say(error, "manifest: trust: missing");
		return RC_MALFORMED;
	}
	if (m->storage.is_there && !f->has_disk) {
		kernel_say(error, "manifest: storage: the host gives no disk "
				  "\"data\"");
		return RC_DENIED;
	}
	if (f->conf.kms_count &&
	    span_is_zero(SPAN_ARRAY(f->launch.key_service))) {
		kernel_say(error, "config: kms: the manifest names no "
				  "key_service");
		return RC_DENIED;
	}
	return RC_OK;
}

static enum rc read_manifest(struct manifest *m, struct manifest_launch *launch,
			     struct span json, char *error)
{
	char why[MANIFEST_ERROR_MAX] = "";
	enum rc rc = manifest_read(m, json, why);

	if (!rc)
		rc = manifest_launch_read(launch, json, why);
	if (rc)
		kernel_say(error, "manifest: %s", why);
	return rc;
}

static enum rc judge(struct hostfiles *out, struct given *g, bool is_simulated,
		     char *error)
{
	AUTO(manifest_fini)
	struct manifest m = { 0 };
	char why[HOSTCONF_ERROR_MAX] = "", what[BUNDLE_ERROR_MAX] = "";
	enum rc rc = read_manifest(&m, &out->launch, buf_span(&g->manifest),
				   error);

	if (rc)
		return rc;
	rc = hostconf_read(&out->conf, buf_span(&g->config), is_simulated, why);
	if (rc) {
		kernel_say(error, "config: %s", why);
		return rc;
	}
	rc = hostfiles_agree(out, &m, error);
	if (rc || !g->collateral.n)
		return rc;
	rc = bundle_read(&g->bundle, buf_span(&g->collateral), what);
	if (rc)
		kernel_say(error, "collateral: %s", what);
	return rc;
}

/* Which platforms a set is for, as its TCB info says. */
static bool read_fmspc(uint8_t out[FMSPC_LEN], const struct buf *tcb_info)
{
	AUTO(arena_fini)
	struct arena arena;
	const struct jtree *value;

	arena_init(&arena, ARENA_MAX);
	value = jtree_get(jtree_get(jtree_read(&arena, buf_span(tcb_info)),
				    "tcbInfo"),
			  "fmspc");
	return value && value->type == JTREE_TEXT &&
	       text_hex_decode(out, FMSPC_LEN, value->text);
}

static enum rc write_collateral(struct bundle *b, char *error)
{
	uint8_t fmspc[FMSPC_LEN];
	enum rc rc = file_make_dirs(GUEST_COLLATERAL, 0755);

	for (size_t i = 0; !rc && i < b->count; i++) {
		if (!read_fmspc(fmspc, &b->sets[i].tcb_info)) {
			kernel_say(error, "collateral: set %zu names no FMSPC",
				   i);
			return RC_MALFORMED;
		}
		rc = collateral_save(&b->sets[i], GUEST_COLLATERAL, fmspc,
				     error);
	}
	if (rc)
		kernel_say(error, "%s: %s", GUEST_COLLATERAL, strerror(errno));
	return rc;
}

static enum rc put(const char *path, struct span content, mode_t mode,
		   char *error)
{
	enum rc rc = file_replace(path, content, mode);

	if (rc)
		kernel_say(error, "%s: %s", path, strerror(errno));
	return rc;
}

static enum rc write_agent(const struct hostfiles *f, char *error)
{
	char text[AGENTCONF_MAX];
	struct wr w = WR_ARRAY(text);
	struct span whole;

	agentconf_write(&w, &f->conf, &f->launch, f->has_disk);
	if (!wr_done(&w, &whole)) {
		kernel_say(error, "%s: it does not fit", GUEST_AGENT);
		return RC_LIMIT;
	}
	return put(GUEST_AGENT, whole, 0644, error);
}

static enum rc write_all(const struct hostfiles *f, struct given *g,
			 char *error)
{
	enum rc rc = put(GUEST_MANIFEST, buf_span(&g->manifest), 0644, error);

	if (!rc)
		rc = put(GUEST_POLICY, span_str(f->launch.trust), 0644, error);
	if (!rc && f->conf.simulated_root[0])
		rc = put(GUEST_ROOT, span_str(f->conf.simulated_root), 0644,
			 error);
	if (!rc && g->environment.n)
		rc = put(GUEST_ENVIRONMENT, buf_span(&g->environment), 0600,
			 error);
	if (!rc)
		rc = write_collateral(&g->bundle, error);
	/* Nobody out there is to be asked for names. */
	if (!rc)
		rc = put(GUEST_RUN "/resolv.conf", (struct span){ 0 }, 0644,
			 error);
	if (!rc)
		rc = write_agent(f, error);
	return rc;
}

enum rc hostfiles_take(struct hostfiles *out, bool is_simulated, char *error)
{
	AUTO(given_fini)
	struct given g = { 0 };
	AUTO(hostfiles_fini)
	struct hostfiles f = { 0 };
	char disk[KERNEL_DISK_MAX];
	enum rc rc = read_all(&g, error);

	/* Disks that are there were found with the root. */
	f.has_disk = kernel_disk(disk, "data", 0) == RC_OK;
	if (!rc)
		rc = judge(&f, &g, is_simulated, error);
	if (!rc)
		rc = write_all(&f, &g, error);
	if (rc)
		return rc;
	*out = f;
	f = (struct hostfiles){ 0 };
	return RC_OK;
}

void hostfiles_fini(struct hostfiles *f)
{
	manifest_launch_fini(&f->launch);
}
