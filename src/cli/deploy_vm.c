#include "cli/deploy_vm.h"

#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/deploy_lineage.h"
#include "cli/deploy_url.h"
#include "cli/place.h"
#include "cli/vm_wait.h"
#include "io/clock.h"
#include "io/file.h"

enum {
	DEFAULT_DATA_MIB = 2048, /* of an app with volumes; it is sparse */
	TICK_US = 100 * 1000,
};

/* Its machine. */

static bool is_as_before(struct deploy_app *d)
{
	AUTO(buf_fini)
	struct buf old = { 0 };
	char path[FOLDER_PATH_MAX];

	folder_state(path, d->name, "manifest.json");
	buf_init(&old, MANIFEST_MAX);
	return folder_keeper(d->name) > 0 && !d->o->change.image &&
	       !d->o->change.env && !d->o->change.data_mib &&
	       !d->o->change.memory_mib && !d->o->change.cpus &&
	       file_read(&old, path) == RC_OK &&
	       span_equal(buf_span(&old), buf_span(&d->manifest));
}

/* Before the old one is stopped: the new app would not start. */
static bool can_have_disk(struct deploy_app *d)
{
	if (!deploy_has_other_disk(d->name, buf_span(&d->manifest)))
		return true;
	(void)snprintf(d->error, DEPLOY_ERROR_MAX,
		       "%s: its manifest has changed, and no key service that "
		       "both name lets it be the same app, so it cannot open "
		       "its disk; `postern vm remove %s` first, which removes "
		       "the disk, or deploy under another --name",
		       d->name, d->name);
	return false;
}

static bool start_machine(struct deploy_app *d)
{
	struct vm_change *c = &d->o->change;
	char path[PLACE_PATH_MAX];
	bool is_new = !folder_exists(d->name), was_running;

	if (!can_have_disk(d))
		return false;
	if (is_new && !c->image)
		c->image = "default";
	if (is_new && !c->data_mib && d->compose.has_volumes)
		c->data_mib = DEFAULT_DATA_MIB;
	place_path(path, d->cloud.name, "deploy.json");
	if (!deploy_app_write_manifest(d, path, 0600))
		return false;
	c->manifest = path;
	c->cloud = d->cloud.name;
	if (vm_halt(&was_running, d->name, d->error))
		return false;
	if (was_running)
		progress_event(&d->progress, "%s: the old one is stopped",
			       d->name);
	if (vm_apply(d->name, c, d->error) || vm_launch(d->name, d->error))
		return false;
	progress_event(&d->progress, "%s: machine started, SIMULATED", d->name);
	return true;
}

/* Waiting. */

/* Prints what the guest reported since the last look. */
static void tell_steps(struct deploy_app *d, const struct vm_run *run,
		       size_t *seen)
{
	for (; *seen < run->step_count; (*seen)++) {
		const struct vm_step *s = &run->steps[*seen];

		progress_event(&d->progress, "%s: %s%s%s (%.1f s after start)",
			       d->name, s->step, *s->text ? ": " : "", s->text,
			       (double)s->ms / 1000);
	}
}

static bool fail_ended(struct deploy_app *d, const struct vm_run *run)
{
	(void)snprintf(d->error, DEPLOY_ERROR_MAX,
		       "%s: %s; see `postern vm log %s`", d->name,
		       *run->why ? run->why : "its machine ended", d->name);
	return false;
}

/* Where nothing can be asked over HTTP, the guest's word has to do. */
static bool is_there(struct deploy_app *d, const struct vm_run *run,
		     const char *host)
{
	return host ? deploy_url_answers(d, host)
		    : vm_find_step(run, VM_STEP_CONTAINERS) != NULL;
}

/* Until the tunnel is up and the app is there. */
static bool wait_app(struct deploy_app *d)
{
	const struct compose_port *port = deploy_url_port(d);
	const char *host = port ? deploy_url_host(d, port) : NULL;
	uint64_t end_ms = clock_boot_ms() + d->o->wait_s * 1000;
	bool has_tunnel = false;
	struct vm_run run;
	size_t seen = 0;

	while (clock_boot_ms() < end_ms) {
		enum vm_wait now = vm_wait_tunnel(&run, d->name);

		tell_steps(d, &run, &seen);
		if (now == VM_WAIT_ENDED)
			return fail_ended(d, &run);
		if (now == VM_WAIT_THERE && !has_tunnel)
			progress_event(&d->progress, "%s: tunnel up", d->name);
		has_tunnel = now == VM_WAIT_THERE;
		if (has_tunnel && is_there(d, &run, host))
			return true;
		progress_waiting(&d->progress,
				 has_tunnel ? "the app" : "the tunnel");
		(void)usleep(TICK_US);
	}
	(void)snprintf(d->error, DEPLOY_ERROR_MAX,
		       "%s: %s after %llu s; see `postern vm log %s`%s",
		       d->name,
		       has_tunnel ? "the app does not answer" : "no tunnel",
		       (unsigned long long)d->o->wait_s, d->name,
		       has_tunnel ? "; what containers write stays inside, "
				    "where `--backend netns` lets it be read"
				  : "");
	return false;
}

/* All of it. */

bool deploy_vm(struct deploy_app *d)
{
	bool was_started;

	if (deploy_cloud(&d->cloud, &was_started, &d->arena, &d->o->cloud,
			 d->error))
		return false;
	if (was_started)
		progress_event(&d->progress,
			       "cloud %s: started (`postern down --name %s` "
			       "ends it)",
			       d->cloud.name, d->cloud.name);
	if (!d->o->change.images) {
		if (!deploy_app_build_images(d))
			return false;
		progress_event(&d->progress, "%s: %zu container image%s saved",
			       d->name, d->compose.image_count,
			       d->compose.image_count == 1 ? "" : "s");
	}
	if (!deploy_app_list_images(d) || !deploy_app_make_manifest(d, true))
		return false;
	if (d->o->manifest_only)
		return deploy_app_write_manifest(d, d->o->manifest_only, 0644);
	/* One that ran in a cloud of before has to find the new one. */
	if (!was_started && is_as_before(d))
		progress_event(&d->progress, "%s: nothing changed", d->name);
	else if (!start_machine(d))
		return false;
	if (!wait_app(d))
		return false;
	progress_event(&d->progress, "%s: answers", d->name);
	deploy_url_print(d);
	return true;
}
