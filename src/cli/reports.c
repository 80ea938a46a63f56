#include "cli/reports.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static bool is_fine(const char *state)
{
	return strcmp(state, "ready") == 0 || strcmp(state, "done") == 0;
}

static void tell(const struct machine *m, const char *service,
		 const char *state, int restarts, int restarts_before,
		 const char *how, struct progress *progress)
{
	if (restarts > restarts_before)
		progress_event(progress, "%s: %s ended (%s), restarting",
			       m->spec.name, service, how);
	else if (is_fine(state))
		progress_event(progress, "%s: %s %s", m->spec.name, service,
			       state);
}

bool reports_follow(struct reports *r, const struct plan *p, size_t machine,
		    struct progress *progress, char *waiting,
		    size_t waiting_len)
{
	const struct machine *m = &p->machines[machine];
	char path[512];
	json_t *root, *services, *service;
	bool is_ready = true;
	size_t i;

	(void)snprintf(path, sizeof(path), "%.450s/postern/services.json",
		       m->spec.run);
	root = json_load_file(path, 0, NULL);
	services = json_object_get(root, "services");
	if (json_array_size(services) < m->spec.service_count) {
		json_decref(root);
		(void)snprintf(waiting, waiting_len, "%s", m->spec.name);
		return m->spec.service_count == 0;
	}
	json_array_foreach(services, i, service)
	{
		const char *name = "?", *state = "?", *how = "";
		int restarts = 0;

		(void)json_unpack(service, "{s:s, s:s, s:i, s:s}", "name",
				  &name, "state", &state, "restarts", &restarts,
				  "exit", &how);
		if (i < SERVICES_MAX &&
		    (strcmp(r->seen[machine][i].state, state) != 0 ||
		     r->seen[machine][i].restarts != restarts)) {
			tell(m, name, state, restarts,
			     r->seen[machine][i].restarts, how, progress);
			(void)snprintf(r->seen[machine][i].state,
				       sizeof(r->seen[machine][i].state), "%s",
				       state);
			r->seen[machine][i].restarts = restarts;
		}
		if (is_ready && !is_fine(state)) {
			(void)snprintf(waiting, waiting_len, "%s: %s",
				       m->spec.name, name);
			is_ready = false;
		}
	}
	json_decref(root);
	return is_ready;
}
