#include "cli/deploy_netns.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/deploy_url.h"
#include "cli/fmt.h"
#include "cli/place.h"
#include "io/clock.h"
#include "io/file.h"

enum {
	TICK_US = 100 * 1000,
};

static const char *describe_cloud(struct deploy_app *d)
{
	struct arena *a = &d->arena;
	const char *gateway = deploy_example(a, "deploy/gateway.json");
	const char *contexts = deploy_app_has_context(d)
				       ? fmt(a, "    contexts: [ \"%s\" ]\n",
					     d->folder)
				       : "";

	return fmt(a,
		   "name: %s\n"
		   "base: postern.localhost\n"
		   "lease: 60s\n"
		   "gateways:\n"
		   "  - name: gateway\n"
		   "    address: 198.51.100.1\n"
		   "    public: true\n"
		   "    image: gateway\n"
		   "    accepts: base\n"
		   "    manifest: \"%s\"\n"
		   "cvms:\n"
		   "  - name: cvm\n"
		   "    address: 198.51.100.11\n"
		   "    image: base\n"
		   "    manifest: manifest.json\n"
		   "%s"
		   "    gateway: 198.51.100.1:443\n"
		   "    accepts: gateway\n",
		   d->name, gateway ? gateway : "gateway.json", contexts);
}

/* Its path goes into a quoted text of YAML. */
static bool can_be_described(struct deploy_app *d)
{
	if (!strpbrk(d->folder, "\"\\\n"))
		return true;
	(void)snprintf(d->error, DEPLOY_ERROR_MAX,
		       "%.300s: the folder's path must not have '\"', '\\' or "
		       "a line's end",
		       d->o->file);
	return false;
}

/* A cloud of this name that no deploy described is a person's. */
static bool is_ours(struct deploy_app *d, const char *config)
{
	if (place_supervisor(d->name) <= 0 || access(config, F_OK) == 0)
		return true;
	(void)snprintf(d->error, DEPLOY_ERROR_MAX,
		       "cloud %s runs and is no app's: say another --name",
		       d->name);
	return false;
}

static bool end_old_cloud(struct deploy_app *d)
{
	pid_t pid = place_supervisor(d->name);
	uint64_t end_ms = clock_boot_ms() + d->o->wait_s * 1000;

	if (pid > 0)
		(void)kill(pid, SIGTERM);
	while (pid > 0 && place_supervisor(d->name) == pid) {
		if (clock_boot_ms() > end_ms) {
			(void)snprintf(d->error, DEPLOY_ERROR_MAX,
				       "cloud %s does not end", d->name);
			return false;
		}
		(void)usleep(TICK_US);
	}
	return true;
}

bool deploy_netns(struct deploy_app *d)
{
	struct arena *a = &d->arena;
	const char *folder = fmt(a, PLACE_STATE "/%s.app", d->name);
	const char *config = fmt(a, "%s/cloud.yaml", folder);
	const struct compose_port *port = deploy_url_port(d);
	uint64_t end_ms = clock_boot_ms() + d->o->wait_s * 1000;

	if (!deploy_app_make_manifest(d, false))
		return false;
	if (d->o->manifest_only)
		return deploy_app_write_manifest(d, d->o->manifest_only, 0644);
	if (!is_ours(d, config) || !can_be_described(d))
		return false;
	if (file_make_dirs(folder, 0755))
		return deploy_app_say(d, folder);
	if (!deploy_app_write_manifest(d, fmt(a, "%s/manifest.json", folder),
				       0644))
		return false;
	if (fmt_file(config, 0644, describe_cloud(d)))
		return deploy_app_say(d, config);
	if (!end_old_cloud(d) ||
	    deploy_up(config, d->name, d->o->cloud.port,
		      fmt(a, "%s/up.log", folder),
		      (unsigned)d->o->wait_s * 1000, d->error) ||
	    vm_cloud_find(&d->cloud, a, d->name, d->error))
		return false;
	while (port && !deploy_url_answers(d, deploy_url_host(d, port))) {
		if (clock_boot_ms() > end_ms) {
			(void)snprintf(d->error, DEPLOY_ERROR_MAX,
				       "%s: the app does not answer", d->name);
			return false;
		}
		(void)usleep(TICK_US);
	}
	progress_event(&d->progress, "%s: answers, in namespaces", d->name);
	deploy_url_print(d);
	return true;
}
