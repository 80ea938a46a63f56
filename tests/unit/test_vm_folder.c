/* folder: what is written is what is read, and who holds a machine is known.
 *
 * Machines live in fixed places, so the test has a /var/lib of its own. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/file.h"
#include "vm/folder.h"

static int own_places(void **state)
{
	(void)state;
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", "/var/lib", "tmpfs", 0, NULL) != 0 ||
	    mkdir(FOLDER_STATE, 0700) != 0 || mkdir(FOLDER_STATE "/a", 0700) != 0)
		return -1;
	return 0;
}

static const struct vm_settings settings = {
	.image = "/images/a \"quoted\"",
	.accel = VM_TDX,
	.memory_mib = 4096,
	.cpus = 8,
	.net = VM_NET_TAP,
	.netns = "/run/netns/x",
	.bridge = "br0",
	.address = "198.51.100.100/24",
	.cloud = "demo",
	.control = "/run/control.sock",
	.platform = "",
	.quotes = "vsock:2:4050",
	.has_data = true,
	.has_env = true,
};

static void settings_survive(void **state)
{
	AUTO(arena_fini)
	struct arena arena;
	char error[VM_ERROR_MAX] = "";
	struct vm_settings s;

	(void)state;
	arena_init(&arena, FOLDER_ARENA_MAX);
	assert_false(folder_exists("a"));
	assert_int_equal(folder_write_settings(&settings, "a"), RC_OK);
	assert_true(folder_exists("a"));
	assert_int_equal(folder_read_settings(&s, &arena, "a", error), RC_OK);
	assert_string_equal(s.image, settings.image);
	assert_int_equal(s.accel, VM_TDX);
	assert_int_equal(s.memory_mib, 4096);
	assert_int_equal(s.cpus, 8);
	assert_int_equal(s.net, VM_NET_TAP);
	assert_string_equal(s.netns, settings.netns);
	assert_string_equal(s.bridge, settings.bridge);
	assert_string_equal(s.address, settings.address);
	assert_string_equal(s.cloud, settings.cloud);
	assert_string_equal(s.control, settings.control);
	assert_string_equal(s.platform, "");
	assert_string_equal(s.quotes, settings.quotes);
	assert_true(s.has_data && s.has_env && !s.has_images && !s.has_collateral);
}

static void run_survives(void **state)
{
	char error[VM_ERROR_MAX] = "";
	struct vm_run run = { .keeper = 12,
			      .qemu = 13,
			      .qemu_start = 123456789012,
			      .began_unix_ms = 1795420800000,
			      .ended_unix_ms = 1795420801000,
			      .why = "QEMU was ended by signal 9",
			      .step_count = FOLDER_STEPS_MAX };
	struct vm_run read;

	(void)state;
	for (size_t i = 0; i < run.step_count; i++) {
		(void)snprintf(run.steps[i].step, MANAGE_STEP_MAX, "step-%zu", i);
		(void)snprintf(run.steps[i].text, MANAGE_TEXT_MAX, "\\x1b\"%zu", i);
		run.steps[i].ms = i;
		run.steps[i].guest_ms = 2 * i;
	}
	errno = 0;
	assert_int_equal(folder_read_run(&read, "a", error), RC_SYS);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(folder_write_run(&run, "a"), RC_OK);
	assert_int_equal(folder_read_run(&read, "a", error), RC_OK);
	assert_memory_equal(&read, &run, sizeof(run));
}

static void put(const char *file, const char *text)
{
	char path[FOLDER_PATH_MAX];

	folder_state(path, "a", file);
	assert_int_equal(file_replace(path, span_str(text), 0600), RC_OK);
}

static void strange_files_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"name\":\"a\"}",
		/* an accelerator, then a net that nobody knows */
		"{\"image\":\"/i\",\"accel\":\"hvf\",\"memory_mib\":1,\"cpus\":1,\"net\":\"tap\","
		"\"netns\":\"\",\"bridge\":\"\",\"address\":\"\",\"cloud\":\"\",\"control\":\"\","
		"\"platform\":\"\",\"quotes\":\"\",\"data\":true,\"images\":true,\"env\":true,"
		"\"collateral\":true}",
		"{\"image\":\"/i\",\"accel\":\"tcg\",\"memory_mib\":1,\"cpus\":1,\"net\":\"x\","
		"\"netns\":\"\",\"bridge\":\"\",\"address\":\"\",\"cloud\":\"\",\"control\":\"\","
		"\"platform\":\"\",\"quotes\":\"\",\"data\":true,\"images\":true,\"env\":true,"
		"\"collateral\":true}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		AUTO(arena_fini)
		struct arena arena;
		char error[VM_ERROR_MAX] = "";
		struct vm_settings s = { .cpus = 77 };
		struct vm_run run = { .keeper = 77 };

		arena_init(&arena, FOLDER_ARENA_MAX);
		put("vm.json", texts[i]);
		put("run.json", texts[i]);
		assert_int_equal(folder_read_settings(&s, &arena, "a", error), RC_MALFORMED);
		assert_non_null(strstr(error, "/a/vm.json: "));
		assert_int_equal(folder_read_run(&run, "a", error), RC_MALFORMED);
		assert_int_equal(s.cpus, 77);
		assert_int_equal(run.keeper, 77);
	}
}

/* A keeper that is killed holds nothing. */
static void lock_goes_with_its_holder(void **state)
{
	int ready[2], fd = -1, again = -1;
	char word;
	pid_t pid;

	(void)state;
	assert_int_equal(folder_keeper("a"), 0);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		int held;

		if (folder_lock(&held, "a") == RC_OK)
			(void)!write(ready[1], "r", 1);
		(void)pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &word, 1), 1);
	assert_int_equal(folder_keeper("a"), pid);
	assert_int_equal(folder_lock(&fd, "a"), RC_DENIED);
	assert_int_equal(fd, -1);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	assert_int_equal(folder_keeper("a"), 0);
	assert_int_equal(folder_lock(&fd, "a"), RC_OK);
	assert_int_equal(folder_lock(&again, "a"), RC_DENIED);
	(void)close(fd);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

/* Who asks whether it runs is not taken for its keeper, and keeps none out. */
static void asking_is_not_keeping(void **state)
{
	char path[FOLDER_PATH_MAX];
	int ready[2], fd = -1;
	char word;
	pid_t pid;

	(void)state;
	folder_state(path, "a", "lock");
	assert_int_equal(folder_lock(&fd, "a"), RC_OK); /* it has a pid in it */
	(void)close(fd);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		int held = open(path, O_RDWR | O_CLOEXEC);

		if (flock(held, LOCK_SH | LOCK_NB) == 0)
			(void)!write(ready[1], "r", 1);
		(void)usleep(50 * 1000);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &word, 1), 1);
	assert_int_equal(folder_keeper("a"), 0);
	assert_int_equal(folder_lock(&fd, "a"), RC_OK);
	(void)waitpid(pid, NULL, 0);
	(void)close(fd);
	(void)close(ready[0]);
	(void)close(ready[1]);
}

static void disks_are_their_apps(void **state)
{
	char path[FOLDER_PATH_MAX];
	struct vm_settings s = settings;

	(void)state;
	put("manifest.json", "one");
	s.has_data = true;
	assert_int_equal(folder_write_settings(&s, "a"), RC_OK);
	assert_false(folder_has_other_disk("a", span_str("one")));
	assert_true(folder_has_other_disk("a", span_str("two")));
	assert_true(folder_has_other_disk("a", span_str("one ")));
	s.has_data = false;
	assert_int_equal(folder_write_settings(&s, "a"), RC_OK);
	assert_false(folder_has_other_disk("a", span_str("two")));
	assert_false(folder_has_other_disk("none", span_str("two")));
	/* a disk whose app is not known */
	assert_int_equal(mkdir(FOLDER_STATE "/bare", 0700), 0);
	s.has_data = true;
	assert_int_equal(folder_write_settings(&s, "bare"), RC_OK);
	assert_true(folder_has_other_disk("bare", span_str("one")));
	folder_state(path, "bare", "vm.json");
	assert_int_equal(unlink(path), 0);
}

static void machines_listed(void **state)
{
	AUTO(arena_fini)
	struct arena arena;
	const char *const *names;

	(void)state;
	arena_init(&arena, FOLDER_ARENA_MAX);
	assert_int_equal(mkdir(FOLDER_STATE "/half", 0700), 0); /* no vm.json */
	assert_int_equal(mkdir(FOLDER_STATE "/B", 0700), 0); /* no name */
	assert_int_equal(mkdir(FOLDER_STATE "/0", 0700), 0);
	assert_int_equal(folder_write_settings(&settings, "0"), RC_OK);
	assert_int_equal(folder_write_settings(&settings, "B"), RC_OK);
	assert_int_equal(folder_write_settings(&settings, "a"), RC_OK);
	names = folder_list(&arena);
	assert_string_equal(names[0], "0");
	assert_string_equal(names[1], "a");
	assert_null(names[2]);
}

static void start_times_tell_processes_apart(void **state)
{
	uint64_t first = folder_start_time(1), own = folder_start_time(getpid());

	(void)state;
	assert_true(own > 0);
	assert_true(own >= first);
	assert_int_equal(folder_start_time(getpid()), own);
	assert_int_equal(folder_start_time(0x7fffffff), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_survive),
		cmocka_unit_test(run_survives),
		cmocka_unit_test(strange_files_refused),
		cmocka_unit_test(lock_goes_with_its_holder),
		cmocka_unit_test(asking_is_not_keeping),
		cmocka_unit_test(disks_are_their_apps),
		cmocka_unit_test(machines_listed),
		cmocka_unit_test(start_times_tell_processes_apart),
	};

	return cmocka_run_group_tests(tests, own_places, NULL);
}
