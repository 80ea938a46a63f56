#include "cli/reports.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "cli/json.h"

static bool is_fine(const char *state)
{
	return strcmp(state, "ready") == 0 || strcmp(state, "done") == 0;
}

/* "wg, registrar, edge" */
static void list_names(char *out, size_t n, const json_t *services)
{
	const json_t *service;
	size_t i, at = 0;

	json_array_foreach(services, i, service)
	{
		const char *name =
			json_string_value(json_object_get(service, "name"));

		if (at >= n)
			return;
		at += (size_t)snprintf(out + at, n - at, "%s%s", i ? ", " : "",
				       name ? name : "?");
	}
}

/* False: this service is not ready; *name says which. */
static bool follow_service(int *restarts_seen, const json_t *service,
			   const char *machine, struct progress *progress,
			   const char **name)
{
	const char *state = "", *how = "";
	int restarts = 0;

	(void)json_unpack((json_t *)(uintptr_t)service, "{s:s, s:s, s:i, s:s}",
			  "name", name, "state", &state, "restarts", &restarts,
			  "exit", &how);
	if (restarts > *restarts_seen)
		progress_event(progress, "%s: %s ended (%s), restarting",
			       machine, *name, how);
	*restarts_seen = restarts;
	return is_fine(state);
}

static bool follow_services(struct reports *r, size_t machine,
			    const struct machine *m, const json_t *services,
			    struct progress *progress, char *waiting,
			    size_t waiting_len)
{
	const json_t *service;
	bool is_ready = true;
	size_t i;

	json_array_foreach(services, i, service)
	{
		const char *name = "?";

		if (i >= SERVICES_MAX ||
		    follow_service(&r->restarts[machine][i], service,
				   m->spec.name, progress, &name) ||
		    !is_ready)
			continue;
		(void)snprintf(waiting, waiting_len, "%s: %s", m->spec.name,
			       name);
		is_ready = false;
	}
	return is_ready;
}

bool reports_follow(struct reports *r, const struct plan *p, size_t machine,
		    struct progress *progress, char *waiting,
		    size_t waiting_len)
{
	const struct machine *m = &p->machines[machine];
	char path[512], names[128] = "";
	json_t *root, *services;
	bool is_ready;

	(void)snprintf(path, sizeof(path), "%.450s/postern/services.json",
		       m->spec.run);
	root = jload(path);
	services = json_object_get(root, "services");
	if (json_array_size(services) < m->spec.service_count) {
		json_decref(root);
		(void)snprintf(waiting, waiting_len, "%s", m->spec.name);
		return m->spec.service_count == 0;
	}
	is_ready = follow_services(r, machine, m, services, progress, waiting,
				   waiting_len);
	if (is_ready && !r->was_ready[machine] && m->spec.service_count > 0) {
		list_names(names, sizeof(names), services);
		progress_event(progress, "%s: %s ready", m->spec.name, names);
	}
	r->was_ready[machine] = r->was_ready[machine] || is_ready;
	json_decref(root);
	return is_ready;
}
