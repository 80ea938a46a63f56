#include "cli/vm_report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "cli/json.h"
#include "io/clock.h"
#include "io/file.h"
#include "manifest/lineage.h"
#include "vm/disk.h"
#include "vm/monitor.h"

enum {
	QMP_MS = 1000,
	STATM_MAX = 128,
};

/* Resident memory of a process; 0: it is not there. */
static uint64_t resident_kib(pid_t pid)
{
	char path[32];
	AUTO(buf_fini)
	struct buf text = { 0 };
	struct span rest, field;
	uint64_t pages;

	(void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	buf_init(&text, STATM_MAX);
	if (file_read(&text, path))
		return 0;
	rest = buf_span(&text);
	/* The second field of proc(5)'s statm. */
	(void)rd_until(&rest, &field, ' ');
	if (!rd_until(&rest, &field, ' ') ||
	    !text_u64(&pages, field, UINT64_MAX / 4096))
		return 0;
	return pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

/* QEMU's own word for what its machine does; false: it does not answer. */
static bool ask_state(char out[QMP_WORD_MAX], const char *name)
{
	char path[FOLDER_PATH_MAX], ignored[MONITOR_ERROR_MAX];
	const struct jtree *value, *status = NULL;
	struct monitor m;
	bool is_known = false;

	folder_run(path, name, "qmp.sock");
	if (monitor_open(&m, path, QMP_MS, ignored))
		return false;
	if (monitor_ask(&m, &value, "query-status", (struct span){ 0 }, QMP_MS,
			ignored) == RC_OK)
		status = jtree_get(value, "status");
	if (status && status->type == JTREE_TEXT &&
	    status->text.n < QMP_WORD_MAX) {
		struct wr w = wr_over(out, QMP_WORD_MAX - 1);

		memset(out, 0, QMP_WORD_MAX);
		text_escape(&w, status->text, QMP_WORD_MAX / 4 - 1);
		is_known = true;
	}
	monitor_close(&m);
	return is_known;
}

static void add_steps(json_t *report, const struct vm_run *run)
{
	json_t *steps = json_array();

	for (size_t i = 0; i < run->step_count; i++) {
		const struct vm_step *s = &run->steps[i];
		json_t *step = json_object();

		jset_text(step, "step", s->step);
		jset(step, "guest_ms", json_integer((json_int_t)s->guest_ms));
		jset(step, "ms", json_integer((json_int_t)s->ms));
		jset_text_if_any(step, "text", s->text);
		jadd(steps, step);
	}
	jset(report, "steps", steps);
}

static void add_app(json_t *report, const char *name)
{
	AUTO(buf_fini)
	struct buf json = { 0 };
	char path[FOLDER_PATH_MAX];
	uint8_t id[MANIFEST_ID_LEN];
	struct sha256 hash;

	folder_state(path, name, "manifest.json");
	buf_init(&json, MANIFEST_MAX);
	if (file_read(&json, path))
		return;
	if (lineage_of(id, buf_span(&json)))
		return;
	sha256_of(&hash, buf_span(&json));
	jset_hex(report, "app_id", SPAN_ARRAY(id));
	jset_hex(report, "compose_hash", SPAN_ARRAY(hash.b));
}

static void add_settings(json_t *report, const struct vm_settings *s,
			 const char *name)
{
	char path[FOLDER_PATH_MAX];
	uint64_t mib = 0;

	folder_state(path, name, "data.img");
	jset(report, "simulated", json_boolean(s->accel != VM_TDX));
	jset_text(report, "image", s->image);
	jset_text(report, "accel", vm_accel_name(s->accel));
	jset(report, "memory_mib", json_integer((json_int_t)s->memory_mib));
	jset(report, "cpus", json_integer((json_int_t)s->cpus));
	if (s->has_data && disk_size(&mib, path) == RC_OK)
		jset(report, "data_mib", json_integer((json_int_t)mib));
	jset_text_if_any(report, "address", s->address);
	jset_text_if_any(report, "cloud", s->cloud);
	add_app(report, name);
}

/* A run that its keeper could not end is one that was killed. */
static const char *state_of(const struct vm_run *run, pid_t keeper,
			    const char *name, char word[QMP_WORD_MAX])
{
	if (keeper > 0)
		return run->qemu > 0 && ask_state(word, name) ? word
							      : "starting";
	if (run->began_unix_ms && !run->ended_unix_ms)
		return "killed";
	return "stopped";
}

enum rc vm_report(json_t **out, const char *name, char error[VM_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena arena;
	char word[QMP_WORD_MAX], ignored[VM_ERROR_MAX];
	struct vm_settings settings;
	struct vm_run run = { 0 };
	pid_t keeper = folder_keeper(name);
	json_t *report;
	enum rc rc;

	arena_init(&arena, FOLDER_ARENA_MAX);
	rc = folder_read_settings(&settings, &arena, name, error);
	if (rc)
		return rc;
	/* Without one it never ran. */
	(void)folder_read_run(&run, name, ignored);
	report = json_object();
	jset_text(report, "name", name);
	jset(report, "running", json_boolean(keeper > 0));
	jset_text(report, "state", state_of(&run, keeper, name, word));
	jset_text_if_any(report, "why", run.why);
	add_settings(report, &settings, name);
	jset(report, "keeper", json_integer(keeper));
	jset(report, "qemu", json_integer(keeper > 0 ? run.qemu : 0));
	jset(report, "resident_kib",
	     json_integer(keeper > 0 && run.qemu > 0
				  ? (json_int_t)resident_kib(run.qemu)
				  : 0));
	jset(report, "began_unix_ms", json_integer(run.began_unix_ms));
	add_steps(report, &run);
	*out = report;
	return RC_OK;
}

static long long number(const json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

void vm_report_line(const json_t *r)
{
	const json_t *steps = json_object_get(r, "steps");
	const json_t *last = json_array_get(steps, json_array_size(steps) - 1);

	printf("%-15s %-9s %s%s %5lld MiB %2lld CPUs  %s\n", jtext(r, "name"),
	       jtext(r, "state"), jtext(r, "accel"),
	       jtrue(r, "simulated") ? " SIMULATED" : "",
	       number(r, "memory_mib"), number(r, "cpus"),
	       jtrue(r, "running") ? jtext(last, "step") : jtext(r, "why"));
}

void vm_report_print(const json_t *r)
{
	const json_t *step;
	size_t i;

	printf("%s: %s", jtext(r, "name"), jtext(r, "state"));
	if (!jtrue(r, "running") && *jtext(r, "why") &&
	    strcmp(jtext(r, "why"), jtext(r, "state")) != 0)
		printf(" (%s)", jtext(r, "why"));
	if (jtrue(r, "running"))
		printf(" for %lld s, QEMU is process %lld with %lld MiB",
		       (clock_unix_ms() - number(r, "began_unix_ms")) / 1000,
		       number(r, "qemu"), number(r, "resident_kib") / 1024);
	printf("\n  platform  %s%s\n  image     %s\n", jtext(r, "accel"),
	       jtrue(r, "simulated") ? ", SIMULATED" : "", jtext(r, "image"));
	printf("  app       %s\n  manifest  %s\n", jtext(r, "app_id"),
	       jtext(r, "compose_hash"));
	printf("  size      %lld MiB, %lld CPUs, disk %lld MiB\n",
	       number(r, "memory_mib"), number(r, "cpus"),
	       number(r, "data_mib"));
	if (*jtext(r, "address"))
		printf("  address   %s%s%s\n", jtext(r, "address"),
		       *jtext(r, "cloud") ? ", cloud " : "",
		       jtext(r, "cloud"));
	json_array_foreach(json_object_get(r, "steps"), i, step)
	{
		printf("  %6lld ms %s%s%s\n", number(step, "ms"),
		       jtext(step, "step"), *jtext(step, "text") ? ": " : "",
		       jtext(step, "text"));
	}
}
