#include "cli/watch.h"

#include <stdio.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/json.h"
#include "cli/vm_wait.h"

enum {
	ASK_EVERY_MS = 250
};

static bool tell_tunnel(const char *node, const json_t *status,
			struct progress *progress)
{
	const json_t *lease = json_object_get(status, "lease");
	const json_t *ms = json_object_get(lease, "lease_ms");
	const char *address;

	if (!json_is_object(lease))
		return false;
	address = jtext(lease, "address");
	progress_event(progress,
		       "%s: attested both ways, lease of %lld s, tunnel "
		       "address %.*s",
		       node, (long long)json_integer_value(ms) / 1000,
		       (int)strcspn(address, "/"), address);
	return true;
}

static bool tell_refusal(const char *node, const json_t *status,
			 struct progress *progress)
{
	const json_t *last = json_array_get(
		json_object_get(status, "refusals"), 0);
	const char *detail;

	if (!last)
		return false;
	detail = jtext(last, "detail");
	progress_event(progress, "%s: refused, as it should be: %s, %.*s", node,
		       jtext(last, "reason"), (int)strcspn(detail, ":"),
		       detail);
	return true;
}

/* A guest answers nobody but its gateway; it tells its host how far it is. */
static bool has_tunnel(const struct machine *m, struct progress *progress)
{
	char path[512];
	json_t *run;
	const json_t *step;
	bool is_there = false;
	size_t i;

	(void)snprintf(path, sizeof(path), "%.450s/postern-vm/%.15s/run.json",
		       m->spec.lib, m->spec.name);
	run = jload(path);
	json_array_foreach(json_object_get(run, "steps"), i, step)
		is_there = is_there || strcmp(jtext(step, "step"),
					      VM_STEP_TUNNEL) == 0;
	json_decref(run);
	if (is_there)
		progress_event(progress,
			       "%s: a virtual machine, attested both ways",
			       m->spec.name);
	return is_there;
}

static bool is_as_expected(const struct machine *m, struct progress *progress)
{
	char path[512], error[ASK_ERROR_MAX];
	json_t *status = NULL;
	bool is_settled;

	if (m->cvm->is_machine)
		return has_tunnel(m, progress);
	(void)snprintf(path, sizeof(path), "%.450s/postern/agent.sock",
		       m->spec.run);
	if (ask(&status, path, "GET", "/v1/status", error))
		return false;
	if (m->cvm->expect == CLOUD_EXPECT_TUNNEL)
		is_settled = tell_tunnel(m->spec.name, status, progress);
	else
		is_settled = tell_refusal(m->spec.name, status, progress);
	json_decref(status);
	return is_settled;
}

bool watch_cvms(struct watch *w, const struct plan *p,
		struct progress *progress, uint64_t now_ms, char *waiting,
		size_t waiting_len)
{
	bool is_due = now_ms >= w->next_ms, are_settled = true;

	if (is_due)
		w->next_ms = now_ms + ASK_EVERY_MS;
	for (size_t i = PLAN_FIRST_NODE; i < p->count; i++) {
		const struct machine *m = &p->machines[i];

		if (!m->cvm || m->cvm->expect == CLOUD_EXPECT_NOTHING ||
		    w->is_settled[i])
			continue;
		w->is_settled[i] = is_due && is_as_expected(m, progress);
		if (w->is_settled[i])
			continue;
		are_settled = false;
		(void)snprintf(waiting, waiting_len, "%s: attestation",
			       m->spec.name);
	}
	return are_settled;
}
