#include "cli/vm_wait.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/ask.h"
#include "cli/gather.h"
#include "cli/json.h"

const struct vm_step *vm_find_step(const struct vm_run *run, const char *step)
{
	for (size_t i = 0; i < run->step_count; i++) {
		if (strcmp(run->steps[i].step, step) == 0)
			return &run->steps[i];
	}
	return NULL;
}

/* A lease of the run before counts for nothing: its tunnel's keys are gone. */
static bool has_lease(const json_t *leases, const char *name, int64_t since_ms)
{
	const json_t *lease;
	size_t i;

	json_array_foreach(leases, i, lease)
	{
		const json_t *granted =
			json_object_get(lease, "granted_unix_ms");
		const json_t *renewed =
			json_object_get(lease, "renewed_unix_ms");

		if (strcmp(jtext(lease, "node_id"), name) == 0 &&
		    (json_integer_value(granted) >= since_ms ||
		     json_integer_value(renewed) >= since_ms))
			return true;
	}
	return false;
}

static bool ask_gateway(const char *cloud, const char *name, int64_t since_ms)
{
	char admin[GATHER_PATH_MAX], ignored[ASK_ERROR_MAX];
	json_t *answer = NULL;
	bool is_there;

	gather_admin(admin, cloud);
	if (ask(&answer, admin, "GET", "/v1/leases", ignored))
		return false;
	is_there = has_lease(json_object_get(answer, "leases"), name, since_ms);
	json_decref(answer);
	return is_there;
}

enum vm_wait vm_wait_tunnel(struct vm_run *run, const char *name)
{
	AUTO(arena_fini)
	struct arena arena;
	char ignored[VM_ERROR_MAX];
	struct vm_settings settings;
	bool is_running = folder_keeper(name) > 0;

	*run = (struct vm_run){ 0 };
	arena_init(&arena, FOLDER_ARENA_MAX);
	if (folder_read_run(run, name, ignored) ||
	    folder_read_settings(&settings, &arena, name, ignored))
		return is_running ? VM_WAIT_MORE : VM_WAIT_ENDED;
	if (!is_running)
		return VM_WAIT_ENDED;
	if (vm_find_step(run, VM_STEP_TUNNEL))
		return VM_WAIT_THERE;
	return *settings.cloud && run->began_unix_ms &&
			       ask_gateway(settings.cloud, name,
					   run->began_unix_ms)
		       ? VM_WAIT_THERE
		       : VM_WAIT_MORE;
}
