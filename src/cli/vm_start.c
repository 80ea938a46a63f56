#include "cli/vm_start.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/fmt.h"
#include "cli/vm_keep.h"
#include "cli/vm_machine.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/sock.h"
#include "manifest/manifest.h"
#include "vm/disk.h"

enum {
	ARENA_MAX = 8 * 1024 * 1024,
	CONFIG_MAX = 16 * 1024, /* docs/IMAGE.md */
	ENV_MAX = 96 * 1024,
	COPY_STEP = 1024 * 1024,
	TICK_US = 20 * 1000,
	HALT_MS = VM_KEEP_STOP_MS + 10000,
	LINE_BYTES = 400,
	EXEC_FAILED = 127,
};

/* A machine being made or changed. */
struct work {
	const char *name;
	const struct vm_change *change;
	struct arena arena;
	struct vm_settings settings;
	struct image image;
	bool is_new;
	char *error;
};

static enum rc say(struct work *w, const char *what)
{
	(void)snprintf(w->error, VM_START_ERROR_MAX, "%.300s: %s", what,
		       strerror(errno));
	return RC_SYS;
}

static const char *own(struct work *w, const char *file)
{
	char path[FOLDER_PATH_MAX];

	folder_state(path, w->name, file);
	return fmt(&w->arena, "%s", path);
}

/* TDX shows in a parameter of KVM's module; a KVM that is not the processor's
 * own (PVM) does not run Debian's kernels. */
enum vm_accel vm_best_accel(void)
{
	static const char path[] = "/sys/module/kvm_intel/parameters/tdx";
	AUTO(mem_auto_close)
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char word = 'N';

	if (access("/dev/kvm", R_OK | W_OK) != 0)
		return VM_TCG;
	if (fd >= 0 && read(fd, &word, 1) == 1 && (word == 'Y' || word == '1'))
		return VM_TDX;
	if (access("/sys/module/kvm_intel", F_OK) == 0 ||
	    access("/sys/module/kvm_amd", F_OK) == 0)
		return VM_KVM;
	return VM_TCG;
}

static bool copy_bytes(int to, int from)
{
	off_t at = 0;

	for (;;) {
		off_t data = lseek(from, at, SEEK_DATA), hole;

		if (data < 0)
			break; /* the rest is a hole (ENXIO) */
		hole = lseek(from, data, SEEK_HOLE);
		if (lseek(to, data, SEEK_SET) < 0)
			return false;
		for (at = data; at < hole;) {
			if (sendfile(to, from, &at, COPY_STEP) <= 0)
				return false;
		}
	}
	at = lseek(from, 0, SEEK_END);
	return at >= 0 && ftruncate(to, at) == 0 && fsync(to) == 0;
}

enum rc vm_copy(const char *to, const char *from,
		char error[VM_START_ERROR_MAX])
{
	AUTO(mem_auto_close)
	int source = open(from, O_RDONLY | O_CLOEXEC);
	AUTO(mem_auto_close)
	int target = -1;
	char fresh[FOLDER_PATH_MAX + 8];

	(void)snprintf(fresh, sizeof(fresh), "%.120s.new", to);
	if (source < 0) {
		(void)snprintf(error, VM_START_ERROR_MAX, "%.300s: %s", from,
			       strerror(errno));
		return RC_SYS;
	}
	target = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (target >= 0 && copy_bytes(target, source) &&
	    rename(fresh, to) == 0)
		return RC_OK;
	(void)snprintf(error, VM_START_ERROR_MAX, "%.300s: %s", to,
		       strerror(errno));
	(void)unlink(fresh);
	return RC_SYS;
}

/* Steps of vm_apply(). */

static enum rc open_image(struct work *w)
{
	const char *given = w->change->image;
	const char *folder = w->settings.image;

	if (given)
		folder = strchr(given, '/') || strcmp(given, ".") == 0
				 ? given
				 : fmt(&w->arena, VM_IMAGES "/%s", given);
	if (!*folder) {
		(void)snprintf(w->error, VM_START_ERROR_MAX,
			       "a new machine needs --image");
		return RC_DENIED;
	}
	if (vm_image_open(&w->image, &w->arena, folder, w->error))
		return RC_SYS;
	w->settings.image = w->image.folder;
	return RC_OK;
}

static enum rc set_backend(struct work *w)
{
	const char *given = w->change->backend;

	if (given && !vm_accel_find(&w->settings.accel, given)) {
		(void)snprintf(w->error, VM_START_ERROR_MAX,
			       "--backend takes tdx, kvm or tcg");
		return RC_DENIED;
	}
	/* A SIMULATED image is no reason to leave KVM, but for TDX it is. */
	if (w->is_new && !given) {
		w->settings.accel = vm_best_accel();
		if (w->settings.accel == VM_TDX && w->image.is_simulated)
			w->settings.accel = VM_KVM;
	}
	return RC_OK;
}

static enum rc take_manifest(struct work *w)
{
	AUTO(buf_fini)
	struct buf json = { 0 };
	char why[MANIFEST_ERROR_MAX];
	struct manifest read;
	const char *from = w->change->manifest;
	enum rc rc;

	if (!from && !w->is_new)
		return RC_OK;
	if (!from) {
		(void)snprintf(w->error, VM_START_ERROR_MAX,
			       "a new machine needs --manifest");
		return RC_DENIED;
	}
	buf_init(&json, MANIFEST_MAX);
	rc = file_read(&json, from);
	if (rc) {
		(void)snprintf(w->error, VM_START_ERROR_MAX, "%.300s: %s",
			       from, file_why(rc));
		return RC_SYS;
	}
	if (manifest_read(&read, buf_span(&json), why)) {
		(void)snprintf(w->error, VM_START_ERROR_MAX, "%.200s: %s", from,
			       why);
		return RC_DENIED;
	}
	manifest_fini(&read);
	return file_replace(own(w, "manifest.json"), buf_span(&json), 0600)
		       ? say(w, own(w, "manifest.json"))
		       : RC_OK;
}

/* A file of the machine's, copied where one was named. */
static enum rc take_file(struct work *w, bool *has, const char *from,
			 const char *file)
{
	enum rc rc;

	if (!from)
		return RC_OK;
	rc = vm_copy(own(w, file), from, w->error);
	if (!rc)
		*has = true;
	return rc;
}

static enum rc set_disk(struct work *w)
{
	const char *path = own(w, "data.img");
	uint64_t mib = w->change->data_mib;
	enum rc rc;

	if (mib == 0)
		return RC_OK;
	/* One that is there, of a machine without vm.json, was never used. */
	if (!w->settings.has_data)
		(void)unlink(path);
	rc = w->settings.has_data ? disk_grow(path, mib)
				  : disk_make(path, mib);
	if (rc == RC_SYS)
		return say(w, path);
	if (rc) {
		(void)snprintf(w->error, VM_START_ERROR_MAX,
			       rc == RC_LIMIT ? "a disk has %d MiB or more"
					      : "a disk cannot shrink",
			       DISK_MIN_MIB);
		return RC_DENIED;
	}
	w->settings.has_data = true;
	return RC_OK;
}

static enum rc place_in_cloud(struct work *w, const char *cloud)
{
	struct vm_cloud c;
	enum rc rc = vm_cloud_find(&c, &w->arena, cloud, w->error);
	bool was_added;

	if (!rc)
		rc = vm_cloud_heed(&c, own(w, "manifest.json"), w->error);
	if (!rc)
		rc = vm_cloud_settle(&w->settings, &w->arena, &c, w->name,
				     w->error);
	if (!rc)
		rc = vm_cloud_files(&w->settings, &c, w->name, w->error);
	if (!rc)
		rc = vm_cloud_list_image(&was_added, &c, &w->image, w->error);
	if (!rc)
		rc = vm_cloud_list_app(&was_added, &c, &w->image,
				       own(w, "manifest.json"), w->error);
	return rc;
}

static enum rc set_net(struct work *w)
{
	static const char *const names[] = { "none", "user", "tap" };
	const struct vm_change *c = w->change;
	const char *net = c->net ? c->net : "user";

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(net, names[i]) != 0)
			continue;
		w->settings.net = (enum vm_net)i;
		w->settings.netns = c->netns ? c->netns : "";
		w->settings.bridge = c->bridge ? c->bridge : "";
		w->settings.address = c->address ? c->address : "";
		w->settings.cloud = "";
		return RC_OK;
	}
	(void)snprintf(w->error, VM_START_ERROR_MAX,
		       "--net takes user, none or tap");
	return RC_DENIED;
}

/* "192.0.2.2:8446,192.0.2.3:8446" */
static bool split_kms(const char *kms[KEYSERVICE_NODES_MAX], size_t *count,
		      struct work *w)
{
	struct span rest, one;

	if (!w->change->kms)
		return true;
	for (rest = span_str(w->change->kms); rest.n;) {
		struct sock_addr a;

		if (!rd_until(&rest, &one, ',')) {
			one = rest;
			rest = (struct span){ 0 };
		}
		if (*count == KEYSERVICE_NODES_MAX ||
		    !sock_addr_parse(&a, one) || a.sa.sa_family == AF_UNIX) {
			(void)snprintf(w->error, VM_START_ERROR_MAX,
				       "--kms takes at most %d addresses such "
				       "as 192.0.2.2:8446",
				       KEYSERVICE_NODES_MAX);
			return false;
		}
		kms[(*count)++] = fmt(&w->arena, "%.*s", (int)one.n,
				      (const char *)one.p);
	}
	return true;
}

static enum rc write_config(struct work *w)
{
	const struct vm_change *c = w->change;
	AUTO(buf_fini)
	struct buf json = { 0 };
	AUTO(buf_fini)
	struct buf root = { 0 };
	bool is_user = w->settings.net == VM_NET_USER;
	const char *kms[KEYSERVICE_NODES_MAX];
	struct vm_config config = {
		.node = w->name,
		.gateway_address = c->gateway,
		.gateway_name = c->gateway_name,
		/* QEMU's own network is always the same. */
		.address = is_user && !c->address ? "10.0.2.15/24" : c->address,
		.route = is_user && !c->route ? "10.0.2.2" : c->route,
		.collateral_url = c->collateral_url,
		.kms = kms,
	};

	if (!split_kms(kms, &config.kms_count, w))
		return RC_DENIED;

	buf_init(&root, CONFIG_MAX);
	if (c->root && file_read(&root, c->root))
		return say(w, c->root);
	if (c->root)
		config.root = fmt(&w->arena, "%.*s", (int)root.n,
				  (const char *)buf_span(&root).p);
	buf_init(&json, CONFIG_MAX);
	if (!vm_config_write(&json, &config)) {
		errno = E2BIG;
		return say(w, "config.json");
	}
	return file_replace(own(w, "config.json"), buf_span(&json), 0600)
		       ? say(w, own(w, "config.json"))
		       : RC_OK;
}

/* Of a machine that is in no cloud of this host: all of it is said. */
static enum rc place_alone(struct work *w)
{
	const struct vm_change *c = w->change;
	struct vm_settings *s = &w->settings;
	enum rc rc;

	if (!c->gateway || !c->gateway_name) {
		(void)snprintf(w->error, VM_START_ERROR_MAX,
			       "a machine in no cloud of this host needs "
			       "--gateway and --gateway-name");
		return RC_DENIED;
	}
	rc = set_net(w);
	if (rc)
		return rc;
	s->control = c->control ? c->control : "";
	s->platform = c->platform ? c->platform : "";
	s->quotes = c->quotes		 ? c->quotes
		    : s->accel == VM_TDX ? "vsock:2:4050"
					 : "";
	rc = write_config(w);
	if (!rc)
		rc = take_file(w, &s->has_collateral, c->collateral,
			       "collateral.json");
	return rc;
}

static enum rc set_place(struct work *w)
{
	const struct vm_change *c = w->change;

	if (c->cloud)
		return place_in_cloud(w, c->cloud);
	if (c->gateway || w->is_new)
		return place_alone(w);
	/* It may have moved meanwhile: another platform, other documents. */
	return *w->settings.cloud ? place_in_cloud(w, w->settings.cloud)
				  : RC_OK;
}

static void set_size(struct work *w)
{
	if (w->is_new) {
		w->settings.memory_mib = VM_DEFAULT_MEMORY_MIB;
		w->settings.cpus = 1;
	}
	if (w->change->memory_mib)
		w->settings.memory_mib = w->change->memory_mib;
	if (w->change->cpus)
		w->settings.cpus = w->change->cpus;
}

static enum rc apply(struct work *w)
{
	struct vm_settings *s = &w->settings;
	enum rc rc = open_image(w);

	set_size(w);
	if (!rc)
		rc = set_backend(w);
	if (!rc)
		rc = take_manifest(w);
	if (!rc)
		rc = take_file(w, &s->has_images, w->change->images,
			       "images.tar");
	if (!rc)
		rc = take_file(w, &s->has_env, w->change->env, "env");
	if (!rc)
		rc = set_disk(w);
	if (!rc)
		rc = set_place(w);
	if (!rc && folder_write_settings(s, w->name))
		rc = say(w, own(w, "vm.json"));
	return rc;
}

/* Two that are made at the same time get different addresses. */
static enum rc lock_all(struct work *w, int *fd)
{
	if (file_make_dirs(own(w, ""), 0700))
		return say(w, own(w, ""));
	*fd = open(FOLDER_STATE "/.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*fd < 0 || flock(*fd, LOCK_EX) != 0)
		return say(w, FOLDER_STATE "/.lock");
	return RC_OK;
}

static enum rc begin(struct work *w)
{
	w->is_new = !folder_exists(w->name);
	if (folder_keeper(w->name) > 0) {
		(void)snprintf(w->error, VM_START_ERROR_MAX,
			       "it runs already");
		return RC_DENIED;
	}
	if (!w->is_new)
		return folder_read_settings(&w->settings, &w->arena, w->name,
					    w->error);
	w->settings = (struct vm_settings){
		.image = "",
		.netns = "",
		.bridge = "",
		.address = "",
		.cloud = "",
		.control = "",
		.platform = "",
		.quotes = "",
	};
	return RC_OK;
}

enum rc vm_apply(const char *name, const struct vm_change *change,
		 char error[VM_START_ERROR_MAX])
{
	struct work w = { .name = name, .change = change, .error = error };
	AUTO(mem_auto_close)
	int lock = -1;
	enum rc rc;

	arena_init(&w.arena, ARENA_MAX);
	rc = lock_all(&w, &lock);
	if (!rc)
		rc = begin(&w);
	if (!rc)
		rc = apply(&w);
	if (rc && w.is_new)
		(void)fmt_remove_tree(own(&w, "")); /* it never was */
	arena_fini(&w.arena);
	return rc;
}

/* Starting and ending. */

_Noreturn static void exec_keeper(const char *name, int ready_fd, int log)
{
	char fd[16];

	(void)setsid();
	(void)snprintf(fd, sizeof(fd), "%d", ready_fd);
	if (fcntl(ready_fd, F_SETFD, 0) != 0 || dup2(log, 1) != 1 ||
	    dup2(log, 2) != 2 || chdir("/") != 0)
		_exit(EXEC_FAILED);
	execl("/proc/self/exe", "postern", "vm", "run", name, "--ready-fd", fd,
	      (char *)NULL);
	_exit(EXEC_FAILED);
}

/* A grandchild, so that it is nobody's to wait for. */
static bool spawn_keeper(const char *name, int ready_fd, int log)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		pid = fork();
		if (pid == 0)
			exec_keeper(name, ready_fd, log);
		_exit(pid < 0 ? 1 : 0);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* What the keeper says: "ok", or why not; nothing when it died. */
static enum rc hear(int fd, char error[VM_START_ERROR_MAX])
{
	char line[LINE_BYTES + 1] = "";
	size_t have = 0;
	ssize_t n;

	while (have < LINE_BYTES &&
	       (n = read(fd, line + have, LINE_BYTES - have)) != 0) {
		if (n < 0 && errno != EINTR)
			break;
		have += n > 0 ? (size_t)n : 0;
	}
	line[strcspn(line, "\n")] = '\0';
	if (strcmp(line, "ok") == 0)
		return RC_OK;
	(void)snprintf(error, VM_START_ERROR_MAX, "%s",
		       *line ? line : "its keeper ended; see run.log");
	return RC_DENIED;
}

enum rc vm_launch(const char *name, char error[VM_START_ERROR_MAX])
{
	char path[FOLDER_PATH_MAX];
	AUTO(mem_auto_close)
	int log = -1;
	int ready[2];
	bool is_spawned;
	enum rc rc;

	folder_state(path, name, "run.log");
	log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log < 0 || pipe2(ready, O_CLOEXEC) != 0) {
		(void)snprintf(error, VM_START_ERROR_MAX, "%s: %s", path,
			       strerror(errno));
		return RC_SYS;
	}
	is_spawned = spawn_keeper(name, ready[1], log);
	(void)close(ready[1]);
	if (is_spawned) {
		rc = hear(ready[0], error);
	} else {
		(void)snprintf(error, VM_START_ERROR_MAX, "no process: %s",
			       strerror(errno));
		rc = RC_SYS;
	}
	(void)close(ready[0]);
	return rc;
}

enum rc vm_halt(bool *was_running, const char *name,
		char error[VM_START_ERROR_MAX])
{
	uint64_t end_ms = clock_boot_ms() + HALT_MS;
	pid_t keeper = folder_keeper(name);

	*was_running = keeper > 0;
	if (keeper > 0)
		(void)kill(keeper, SIGTERM);
	while (keeper > 0 && folder_keeper(name) == keeper) {
		if (clock_boot_ms() > end_ms) {
			(void)snprintf(error, VM_START_ERROR_MAX,
				       "process %d does not end", (int)keeper);
			return RC_LIMIT;
		}
		(void)usleep(TICK_US);
	}
	return RC_OK;
}
