#include "vm/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "io/file.h"
#include "json/jtree.h"
#include "json/jwrite.h"

enum {
	MACHINES_MAX = 1024,
	STAT_START_FIELD = 22,
	/* folder_keeper() holds the lock for a moment. */
	LOCK_TRIES = 20,
	LOCK_TICK_US = 10 * 1000,
};

void folder_state(char out[FOLDER_PATH_MAX], const char *name, const char *file)
{
	(void)snprintf(out, FOLDER_PATH_MAX, FOLDER_STATE "/%.15s%s%.60s", name,
		       *file ? "/" : "", file);
}

void folder_run(char out[FOLDER_PATH_MAX], const char *name, const char *file)
{
	(void)snprintf(out, FOLDER_PATH_MAX, FOLDER_RUN "/%.15s%s%.60s", name,
		       *file ? "/" : "", file);
}

/* Members, of a file that we wrote: one that is missing is not ours. */

struct reader {
	struct arena *arena;
	const struct jtree *root;
	const char *missing;
};

static const struct jtree *member(struct reader *r, const char *key,
				  enum jtree_type type)
{
	const struct jtree *t = jtree_get(r->root, key);

	if (t && t->type == type)
		return t;
	r->missing = key;
	return NULL;
}

static const char *text(struct reader *r, const char *key)
{
	const struct jtree *t = member(r, key, JTREE_TEXT);
	const char *copy = t ? arena_dup(r->arena, t->text) : "";

	if (!copy)
		r->missing = key;
	return copy ? copy : "";
}

static uint64_t number(struct reader *r, const char *key)
{
	const struct jtree *t = member(r, key, JTREE_NUMBER);

	return t ? t->number : 0;
}

static bool flag(struct reader *r, const char *key)
{
	const struct jtree *t = member(r, key, JTREE_BOOL);

	return t && t->is_true;
}

static void copy_text(struct reader *r, char *out, size_t max, const char *key)
{
	const struct jtree *t = member(r, key, JTREE_TEXT);

	if (t && t->text.n < max)
		memcpy(out, t->text.p, t->text.n);
	else
		r->missing = key;
}

/* Reads the JSON of one of a machine's files; the reader borrows 'bytes'. */
static enum rc open_json(struct reader *r, struct buf *bytes, const char *name,
			 const char *file, char error[VM_ERROR_MAX])
{
	char path[FOLDER_PATH_MAX];
	enum rc rc;

	folder_state(path, name, file);
	buf_init(bytes, FOLDER_JSON_MAX);
	rc = file_read(bytes, path);
	if (rc) {
		int saved = errno;

		(void)snprintf(error, VM_ERROR_MAX, "%s: %s", path,
			       file_why(rc));
		errno = saved;
		return rc == RC_SYS ? RC_SYS : RC_MALFORMED;
	}
	r->root = jtree_read(r->arena, buf_span(bytes));
	if (r->root && r->root->type == JTREE_OBJECT)
		return RC_OK;
	(void)snprintf(error, VM_ERROR_MAX, "%s: no JSON object", path);
	return RC_MALFORMED;
}

static enum rc closed(const struct reader *r, const char *name,
		      const char *file, char error[VM_ERROR_MAX])
{
	char path[FOLDER_PATH_MAX];

	if (!r->missing)
		return RC_OK;
	folder_state(path, name, file);
	(void)snprintf(error, VM_ERROR_MAX, "%s: %s: missing or wrong", path,
		       r->missing);
	return RC_MALFORMED;
}

static enum rc put(const char *name, const char *file, struct buf *json,
		   bool is_whole)
{
	char path[FOLDER_PATH_MAX];

	if (!is_whole || !buf_add(json, span_str("\n"))) {
		errno = E2BIG;
		return RC_SYS;
	}
	folder_state(path, name, file);
	return file_replace(path, buf_span(json), 0600);
}

/* vm.json */

static const char *const net_names[] = {
	[VM_NET_NONE] = "none",
	[VM_NET_USER] = "user",
	[VM_NET_TAP] = "tap",
};

static enum vm_net read_net(struct reader *r)
{
	const char *name = text(r, "net");

	for (unsigned i = 0; i < sizeof(net_names) / sizeof(net_names[0]);
	     i++) {
		if (strcmp(name, net_names[i]) == 0)
			return (enum vm_net)i;
	}
	r->missing = "net";
	return VM_NET_NONE;
}

enum rc folder_read_settings(struct vm_settings *out, struct arena *arena,
			     const char *name, char error[VM_ERROR_MAX])
{
	AUTO(buf_fini)
	struct buf bytes = { 0 };
	struct reader r = { .arena = arena };
	struct vm_settings s = { 0 };
	enum rc rc = open_json(&r, &bytes, name, "vm.json", error);

	if (rc)
		return rc;
	s.image = text(&r, "image");
	if (!vm_accel_find(&s.accel, text(&r, "accel")))
		r.missing = "accel";
	s.memory_mib = number(&r, "memory_mib");
	s.cpus = number(&r, "cpus");
	s.net = read_net(&r);
	s.netns = text(&r, "netns");
	s.bridge = text(&r, "bridge");
	s.address = text(&r, "address");
	s.cloud = text(&r, "cloud");
	s.control = text(&r, "control");
	s.platform = text(&r, "platform");
	s.quotes = text(&r, "quotes");
	s.has_data = flag(&r, "data");
	s.has_images = flag(&r, "images");
	s.has_env = flag(&r, "env");
	s.has_collateral = flag(&r, "collateral");
	rc = closed(&r, name, "vm.json", error);
	if (!rc)
		*out = s;
	return rc;
}

bool folder_settings_text(struct buf *out, const struct vm_settings *s,
			  const char *name)
{
	struct jwrite j = jwrite_to(out);

	jwrite_object(&j, NULL);
	jwrite_str(&j, "name", name);
	jwrite_str(&j, "image", s->image);
	jwrite_str(&j, "accel", vm_accel_name(s->accel));
	jwrite_bool(&j, "simulated", s->accel != VM_TDX);
	jwrite_number(&j, "memory_mib", s->memory_mib);
	jwrite_number(&j, "cpus", s->cpus);
	jwrite_str(&j, "net", net_names[s->net]);
	jwrite_str(&j, "netns", s->netns);
	jwrite_str(&j, "bridge", s->bridge);
	jwrite_str(&j, "address", s->address);
	jwrite_str(&j, "cloud", s->cloud);
	jwrite_str(&j, "control", s->control);
	jwrite_str(&j, "platform", s->platform);
	jwrite_str(&j, "quotes", s->quotes);
	jwrite_bool(&j, "data", s->has_data);
	jwrite_bool(&j, "images", s->has_images);
	jwrite_bool(&j, "env", s->has_env);
	jwrite_bool(&j, "collateral", s->has_collateral);
	jwrite_end(&j);
	return jwrite_done(&j);
}

enum rc folder_write_settings(const struct vm_settings *s, const char *name)
{
	AUTO(buf_fini)
	struct buf json = { 0 };

	buf_init(&json, FOLDER_JSON_MAX);
	return put(name, "vm.json", &json,
		   folder_settings_text(&json, s, name));
}

/* run.json */

static void read_steps(struct vm_run *run, struct reader *r)
{
	const struct jtree *steps = member(r, "steps", JTREE_ARRAY);

	if (!steps)
		return;
	for (const struct jtree *t = steps->first;
	     t && run->step_count < FOLDER_STEPS_MAX; t = t->next) {
		struct vm_step *step = &run->steps[run->step_count++];
		struct reader one = { .arena = r->arena, .root = t };

		copy_text(&one, step->step, sizeof(step->step), "step");
		copy_text(&one, step->text, sizeof(step->text), "text");
		step->guest_ms = number(&one, "guest_ms");
		step->ms = number(&one, "ms");
		if (one.missing)
			r->missing = "steps";
	}
}

enum rc folder_read_run(struct vm_run *out, const char *name,
			char error[VM_ERROR_MAX])
{
	AUTO(arena_fini)
	struct arena arena;
	AUTO(buf_fini)
	struct buf bytes = { 0 };
	struct reader r = { .arena = &arena };
	struct vm_run run = { 0 };
	enum rc rc;

	arena_init(&arena, FOLDER_ARENA_MAX);
	rc = open_json(&r, &bytes, name, "run.json", error);
	if (rc)
		return rc;
	run.keeper = (pid_t)number(&r, "keeper");
	run.qemu = (pid_t)number(&r, "qemu");
	run.qemu_start = number(&r, "qemu_start");
	run.began_unix_ms = (int64_t)number(&r, "began_unix_ms");
	run.ended_unix_ms = (int64_t)number(&r, "ended_unix_ms");
	copy_text(&r, run.why, sizeof(run.why), "why");
	read_steps(&run, &r);
	rc = closed(&r, name, "run.json", error);
	if (!rc)
		*out = run;
	return rc;
}

enum rc folder_write_run(const struct vm_run *run, const char *name)
{
	AUTO(buf_fini)
	struct buf json = { 0 };
	struct jwrite j = jwrite_to(&json);

	buf_init(&json, FOLDER_JSON_MAX);
	jwrite_object(&j, NULL);
	jwrite_number(&j, "keeper", (uint64_t)run->keeper);
	jwrite_number(&j, "qemu", (uint64_t)run->qemu);
	jwrite_number(&j, "qemu_start", run->qemu_start);
	jwrite_number(&j, "began_unix_ms", (uint64_t)run->began_unix_ms);
	jwrite_number(&j, "ended_unix_ms", (uint64_t)run->ended_unix_ms);
	jwrite_str(&j, "why", run->why);
	jwrite_array(&j, "steps");
	for (size_t i = 0; i < run->step_count; i++) {
		jwrite_object(&j, NULL);
		jwrite_str(&j, "step", run->steps[i].step);
		jwrite_number(&j, "guest_ms", run->steps[i].guest_ms);
		jwrite_number(&j, "ms", run->steps[i].ms);
		jwrite_str(&j, "text", run->steps[i].text);
		jwrite_end(&j);
	}
	jwrite_end(&j);
	jwrite_end(&j);
	return put(name, "run.json", &json, jwrite_done(&j));
}

bool folder_exists(const char *name)
{
	char path[FOLDER_PATH_MAX];

	folder_state(path, name, "vm.json");
	return access(path, F_OK) == 0;
}

static bool has_data(const char *name)
{
	AUTO(arena_fini)
	struct arena arena;
	char ignored[VM_ERROR_MAX];
	struct vm_settings s;

	arena_init(&arena, FOLDER_ARENA_MAX);
	return folder_read_settings(&s, &arena, name, ignored) == RC_OK &&
	       s.has_data;
}

bool folder_has_other_disk(const char *name, struct span manifest)
{
	AUTO(buf_fini)
	struct buf old = { 0 };
	char path[FOLDER_PATH_MAX];

	folder_state(path, name, "manifest.json");
	buf_init(&old, manifest.n + 1); /* what is longer is another */
	return has_data(name) && (file_read(&old, path) != RC_OK ||
				  !span_equal(buf_span(&old), manifest));
}

/* Who runs it. */

static enum rc hold(int lock)
{
	char pid[16];
	int n;

	for (int i = 0; flock(lock, LOCK_EX | LOCK_NB) != 0; i++) {
		if (errno != EWOULDBLOCK)
			return RC_SYS;
		if (i == LOCK_TRIES)
			return RC_DENIED;
		(void)usleep(LOCK_TICK_US);
	}
	n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(lock, 0) != 0 || pwrite(lock, pid, (size_t)n, 0) != n)
		return RC_SYS;
	return RC_OK;
}

enum rc folder_lock(int *fd, const char *name)
{
	char path[FOLDER_PATH_MAX];
	int lock, saved;
	enum rc rc;

	folder_state(path, name, "lock");
	lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (lock < 0)
		return RC_SYS;
	rc = hold(lock);
	if (rc) {
		saved = errno;
		(void)close(lock);
		errno = saved;
	} else {
		*fd = lock;
	}
	return rc;
}

pid_t folder_keeper(const char *name)
{
	char path[FOLDER_PATH_MAX], held[16];
	AUTO(mem_auto_close)
	int fd = -1;
	uint64_t pid;
	ssize_t n;

	folder_state(path, name, "lock");
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_SH | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return 0;
	n = read(fd, held, sizeof(held));
	if (n < 2 || !text_u64(&pid, span_of(held, (size_t)n - 1), INT32_MAX))
		return 0;
	return (pid_t)pid;
}

uint64_t folder_start_time(pid_t pid)
{
	char path[32], held[1024];
	AUTO(mem_auto_close)
	int fd = -1;
	struct span rest, field;
	uint64_t start;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, held, sizeof(held));
	if (n <= 0)
		return 0;
	rest = span_of(held, (size_t)n);
	/* The name in field 2 may hold anything but ends with the last ')'. */
	while (rest.n && rest.p[rest.n - 1] != ')')
		rest.n--;
	rest = span_of(held + rest.n, (size_t)n - rest.n);
	if (!rd_skip(&rest, 1))
		return 0;
	for (int i = 3; i <= STAT_START_FIELD; i++) {
		if (!rd_until(&rest, &field, ' '))
			return 0;
	}
	return text_u64(&start, field, UINT64_MAX) ? start : 0;
}

static int by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static void close_dir(DIR **d)
{
	if (*d)
		(void)closedir(*d);
}

const char *const *folder_list(struct arena *arena)
{
	AUTO(close_dir)
	DIR *d = opendir(FOLDER_STATE);
	const char **names = mem_need(
		arena_new(arena, MACHINES_MAX + 1, sizeof(*names)));
	size_t count = 0;

	while (d && count < MACHINES_MAX) {
		const struct dirent *e = readdir(d);

		if (!e)
			break;
		if (vm_is_name(e->d_name) && folder_exists(e->d_name))
			names[count++] = mem_need(
				arena_dup(arena, span_str(e->d_name)));
	}
	qsort(names, count, sizeof(*names), by_name);
	return names;
}
