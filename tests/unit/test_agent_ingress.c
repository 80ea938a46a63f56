/* The ingress's processes, with scripts in the place of the programs: they run,
 * come back, and end with it (as root, for their group). */
#include "unit.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/ingress.h"
#include "base/mem.h"
#include "folder.h"
#include "io/clock.h"
#include "io/file.h"

enum {
	WAIT_MS = 10000,
	STEP_US = 10000,
};

struct fixture {
	struct folder folder;
	char status[128], state[128], *path;
	struct manifest manifest;
	struct config config;
	struct ingress *ingress;
};

static void program(const struct fixture *f, const char *name)
{
	static const char text[] = "#!/bin/sh\nexec sleep 60\n";
	char path[128];

	assert_int_equal(file_replace(folder_file(path, &f->folder, name), span_str(text), 0755),
			 RC_OK);
}

static void setup(struct fixture *f)
{
	static const char json[] = "{\"manifest_version\":2,\"name\":\"x\",\"ingress\":"
				   "{\"domains\":[\"a.example\"],\"backend\":80}}";
	char error[MANIFEST_ERROR_MAX], path[4200];

	*f = (struct fixture){ 0 };
	folder_make(&f->folder);
	program(f, "postern-cert");
	program(f, "postern-edge");
	f->path = mem_dup(getenv("PATH"));
	(void)snprintf(path, sizeof(path), "%s:%.4000s", f->folder.path, f->path);
	assert_int_equal(setenv("PATH", path, 1), 0);
	assert_int_equal(manifest_read(&f->manifest, span_str(json), error), RC_OK);
	f->config = (struct config){
		.node = "x",
		.manifest = "/m",
		.status = folder_file(f->status, &f->folder, "agent.sock"),
		.state = folder_file(f->state, &f->folder, "state"),
		.trust.collateral = "/c",
		.ingress.port = 53,
	};
}

static void teardown(struct fixture *f)
{
	assert_int_equal(setenv("PATH", f->path, 1), 0);
	free(f->path);
	folder_remove(&f->folder);
}

/* Of the first service, once it was started again so many times; 0: not yet. */
static pid_t pid_after(const struct ingress *g, int restarts)
{
	AUTO(buf_fini)
	struct buf text = { 0 };
	json_t *root, *s;
	pid_t pid = 0;

	buf_init(&text, 65536);
	ingress_report(g, &text);
	root = json_loadb((const char *)buf_span(&text).p, text.n, 0, NULL);
	s = json_array_get(json_object_get(root, "services"), 0);
	if (json_integer_value(json_object_get(s, "restarts")) >= restarts)
		pid = (pid_t)json_integer_value(json_object_get(s, "pid"));
	json_decref(root);
	return pid;
}

static pid_t wait_pid(const struct ingress *g, int restarts)
{
	uint64_t end = clock_boot_ms() + WAIT_MS;
	pid_t pid;

	while ((pid = pid_after(g, restarts)) == 0) {
		if (clock_boot_ms() > end)
			fail_msg("no process after %d restarts", restarts);
		usleep(STEP_US);
	}
	return pid;
}

static void programs_come_back_and_end_with_it(void **state)
{
	char error[NODE_ERROR_MAX] = "", path[128];
	struct fixture f;
	struct stat st;
	pid_t first, second;

	(void)state;
	if (getuid() != 0)
		skip();
	setup(&f);
	if (ingress_open(&f.ingress, &f.config, &f.manifest, error))
		fail_msg("%s", error);
	assert_int_equal(stat(folder_file(path, &f.folder, "ingress/cert.yaml"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	first = wait_pid(f.ingress, 0);
	assert_int_equal(kill(first, SIGKILL), 0);
	second = wait_pid(f.ingress, 1);
	assert_int_not_equal(first, second);
	assert_true(ingress_is_alive(f.ingress));
	ingress_free(f.ingress);
	assert_int_equal(kill(second, 0), -1);
	teardown(&f);
}

static void end_of_the_supervisor_is_seen(void **state)
{
	uint64_t end = clock_boot_ms() + WAIT_MS;
	char error[NODE_ERROR_MAX] = "";
	struct fixture f;

	(void)state;
	if (getuid() != 0)
		skip();
	setup(&f);
	assert_int_equal(ingress_open(&f.ingress, &f.config, &f.manifest, error), RC_OK);
	(void)wait_pid(f.ingress, 0);
	ingress_stop(f.ingress);
	while (ingress_is_alive(f.ingress) && clock_boot_ms() < end)
		usleep(STEP_US);
	assert_false(ingress_is_alive(f.ingress));
	ingress_free(f.ingress);
	teardown(&f);
}

static void a_place_that_cannot_be_is_said(void **state)
{
	static const char *const places[] = { "agent.sock", "/proc/nothing/agent.sock" };
	char error[NODE_ERROR_MAX];
	struct fixture f;

	(void)state;
	setup(&f);
	for (size_t i = 0; i < 2; i++) {
		error[0] = '\0';
		f.config.status = places[i];
		if (ingress_open(&f.ingress, &f.config, &f.manifest, error) == RC_OK)
			fail_msg("%s", places[i]);
		assert_non_null(strstr(error, "ingress: "));
		assert_null(f.ingress);
	}
	teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_come_back_and_end_with_it),
		cmocka_unit_test(end_of_the_supervisor_is_seen),
		cmocka_unit_test(a_place_that_cannot_be_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
