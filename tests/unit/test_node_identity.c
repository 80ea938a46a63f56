/* The instance id: what it is made of, and which seed files are refused. */
#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "folder.h"
#include "io/file.h"
#include "node/identity.h"

static const char manifest[] = "{\"manifest_version\":2,\"name\":\"hello\",\"runner\":"
			       "\"docker-compose\",\"docker_compose_file\":\"services: {}\\n\"}";

#define HEX_32 "0123456789abcdef0123456789abcdef"

/* SHA-256 of the bytes 0..31 and 0x40..0x53, as Python's hashlib has it. */
static void id_is_of_seed_and_app(void **state)
{
	static const uint8_t want[MANIFEST_ID_LEN] = {
		0x0d,
		0xe8,
		0xb6,
		0x0c,
		0x04,
		0x6a,
		0xac,
		0x89,
		0x52,
		0x42,
		0x85,
		0x34,
		0x45,
		0xbb,
		0x1b,
		0x32,
		0x7c,
		0xf0,
		0x79,
		0xbf,
	};
	uint8_t seed[IDENTITY_SEED_LEN], app[MANIFEST_ID_LEN], id[MANIFEST_ID_LEN];

	(void)state;
	for (size_t i = 0; i < sizeof(seed); i++)
		seed[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(app); i++)
		app[i] = (uint8_t)(0x40 + i);
	identity_instance_id(id, seed, app);
	assert_memory_equal(id, want, sizeof(want));
}

static void wrong_seed_files_refused(void **state)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{ "empty", "" },
		{ "an_id_that_was_chosen", HEX_32 "01234567\n" },
		{ "no_newline", HEX_32 HEX_32 },
		{ "too_long", HEX_32 HEX_32 "00\n" },
		{ "no_hex", HEX_32 "0123456789abcdef0123456789abcdeg\n" },
	};
	struct folder folder;
	char seed[128], measured[128], error[NODE_ERROR_MAX];

	(void)state;
	folder_make(&folder);
	folder_file(seed, &folder, "instance-seed");
	folder_file(measured, &folder, "manifest.json");
	assert_int_equal(file_replace(measured, span_str(manifest), 0644), RC_OK);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct identity_options o = {
			.manifest = measured,
			.state = folder.path,
			.node = "cvm-1",
		};
		struct identity id;
		enum rc rc;

		assert_int_equal(file_replace(seed, span_str(rows[i].text), 0600), RC_OK);
		rc = identity_open(&id, &o, NULL, error); /* no quote is asked for */
		if (rc != RC_MALFORMED && rc != RC_LIMIT)
			fail_msg("%s: %s", rows[i].name, rc_name(rc));
		assert_non_null(strstr(error, seed));
	}
	folder_remove(&folder);
}

struct opening {
	struct identity_options options;
	char error[NODE_ERROR_MAX];
	enum rc rc;
	atomic_bool is_done;
};

static void *open_it(void *arg)
{
	struct opening *o = arg;
	struct identity id;

	o->rc = identity_open(&id, &o->options, NULL, o->error);
	atomic_store(&o->is_done, true);
	return NULL;
}

/* A seed that is given leaves the folder alone: it may be on a disk that is not open yet.
 * There is nobody to quote here, so it ends at the quote. */
static void a_given_seed_needs_no_folder(void **state)
{
	static const uint8_t given[IDENTITY_SEED_LEN] = { 1 };
	struct quote_source *source = NULL;
	const char *const no_marks[] = { NULL };
	const struct quote_source_options nobody = {
		.tsm_path = "/no/such",
		.measurements_path = "/no/such",
		.device_path = "/no/such",
		.tdx_marks = no_marks,
		.simulator = "/no/such/socket",
	};
	struct folder folder;
	char measured[128], elsewhere[128], error[NODE_ERROR_MAX] = "";
	struct identity_options o = { .manifest = measured, .node = "cvm-1", .seed = given };
	struct identity id;

	(void)state;
	folder_make(&folder);
	folder_file(measured, &folder, "manifest.json");
	o.state = folder_file(elsewhere, &folder, "not-there");
	assert_int_equal(file_replace(measured, span_str(manifest), 0644), RC_OK);
	assert_int_equal(quote_source_open(&source, &nobody, error), RC_OK);
	assert_int_not_equal(identity_open(&id, &o, source, error), RC_OK);
	assert_non_null(strstr(error, "no quote"));
	assert_int_not_equal(access(elsewhere, F_OK), 0);
	quote_source_free(source);
	folder_remove(&folder);
}

/* Of two programs of a TD that start at once, one does all of it first. */
static void waits_for_another_that_opens(void **state)
{
	struct folder folder;
	char seed[128], measured[128], lock[128];
	struct opening o = { .options = { .manifest = measured, .node = "cvm-1" } };
	pthread_t thread;
	int fd;

	(void)state;
	folder_make(&folder);
	folder_file(seed, &folder, "instance-seed");
	folder_file(measured, &folder, "manifest.json");
	folder_file(lock, &folder, "instance-lock");
	o.options.state = folder.path;
	assert_int_equal(file_replace(measured, span_str(manifest), 0644), RC_OK);
	assert_int_equal(file_replace(seed, span_str("no seed"), 0600), RC_OK);
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(pthread_create(&thread, NULL, open_it, &o), 0);
	usleep(100 * 1000);
	assert_false(atomic_load(&o.is_done));
	close(fd);
	pthread_join(thread, NULL);
	assert_int_equal(o.rc, RC_MALFORMED);
	/* And it is let go of after a failure. */
	fd = open(lock, O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	close(fd);
	folder_remove(&folder);
}

static void lock_that_cannot_be_had_refused(void **state)
{
	struct folder folder;
	char measured[128], lock[128], error[NODE_ERROR_MAX] = "";
	struct identity_options o = { .manifest = measured, .node = "cvm-1" };
	struct identity id;

	(void)state;
	folder_make(&folder);
	folder_file(measured, &folder, "manifest.json");
	folder_file(lock, &folder, "instance-lock");
	o.state = folder.path;
	assert_int_equal(file_replace(measured, span_str(manifest), 0644), RC_OK);
	assert_int_equal(symlink("/dev/null", lock), 0);
	assert_int_equal(identity_open(&id, &o, NULL, error), RC_SYS);
	assert_non_null(strstr(error, "instance-lock"));
	folder_remove(&folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(id_is_of_seed_and_app),
		cmocka_unit_test(wrong_seed_files_refused),
		cmocka_unit_test(a_given_seed_needs_no_folder),
		cmocka_unit_test(waits_for_another_that_opens),
		cmocka_unit_test(lock_that_cannot_be_had_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
