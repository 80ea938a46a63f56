/* disk: a disk looked at and refused, as far as that goes without a device-mapper: on a
 * file.  What is opened in the end is tests/e2e/test_vm_disk.py's; here an opening that
 * gets as far as the mapping ends with "crypt". */
#include "disk_luks.h"
#include "folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/mem.h"
#include "disk/disk.h"
#include "disk/volume.h"

enum {
	SIZE = DISK_SIZE_MIN
};

struct world {
	struct folder folder;
	char path[128];
	/* the provider */
	struct key32 key;
	uint32_t asked_epoch;
	enum rc key_rc, count_rc;
	uint64_t count;
	struct disk_keeper keeper;
	struct disk_options options;
};

static enum rc give_key(void *arg, struct key32 *key, uint32_t *epoch, char error[DISK_ERROR_MAX])
{
	struct world *w = arg;

	w->asked_epoch = *epoch;
	if (w->key_rc)
		snprintf(error, DISK_ERROR_MAX, "measurement_refused");
	*key = w->key;
	*epoch = *epoch ? *epoch : 4;
	return w->key_rc;
}

static enum rc give_count(void *arg, uint64_t *value, uint64_t raise_to,
			  char error[DISK_ERROR_MAX])
{
	struct world *w = arg;

	if (w->count_rc)
		snprintf(error, DISK_ERROR_MAX, "no_quorum");
	if (!w->count_rc && raise_to > w->count)
		w->count = raise_to;
	*value = w->count;
	return w->count_rc;
}

static int make_world(void **state)
{
	struct world *w = mem_new(sizeof(*w));

	folder_make(&w->folder);
	folder_file(w->path, &w->folder, "disk");
	fclose(mem_need(fopen(w->path, "w")));
	assert_int_equal(truncate(w->path, SIZE), 0);
	w->key = (struct key32){ .b = { 5 } };
	w->keeper = (struct disk_keeper){
		.kind = RECORD_KMS,
		.key = give_key,
		.count = give_count,
		.arg = w,
	};
	w->options = (struct disk_options){ .name = "postern-unit", .keeper = &w->keeper };
	memset(w->options.app, 0x22, RECORD_ID_LEN);
	*state = w;
	return 0;
}

static int remove_world(void **state)
{
	struct world *w = *state;

	folder_remove(&w->folder);
	free(w);
	return 0;
}

static void write_file(const struct world *w, off_t at, const void *p, size_t n)
{
	int fd = open(w->path, O_WRONLY | O_CLOEXEC);

	assert_int_equal(pwrite(fd, p, n, at), (ssize_t)n);
	close(fd);
}

/* A whole record of this generation and header, signed by the world's key. */
static void write_whole(struct world *w, unsigned slot, uint64_t generation,
			const uint8_t *header, enum record_integrity integrity)
{
	struct record r = {
		.state = RECORD_WHOLE,
		.integrity = integrity,
		.generation = generation,
		.owner = { .provider = w->keeper.kind, .key_epoch = 4 },
	};
	struct record_keys keys;
	uint8_t bytes[RECORD_LEN];

	memset(r.seed, 0x11, sizeof(r.seed));
	memcpy(r.owner.app, w->options.app, RECORD_ID_LEN);
	record_instance(r.owner.instance, r.seed, r.owner.app);
	memcpy(w->options.instance, r.owner.instance, RECORD_ID_LEN);
	sha256_of(&r.header_hash, span_of(header, RECORD_HEADER_LEN));
	record_keys_derive(&keys, &w->key, &r.owner);
	record_write(bytes, &r, &keys);
	write_file(w, (off_t)slot * RECORD_LEN, bytes, sizeof(bytes));
	write_file(w, RECORD_HEADER_AT, header, RECORD_HEADER_LEN);
}

/* As disk_open() would have made it. */
static uint8_t *new_header(struct world *w)
{
	AUTO(buf_fini)
	struct buf header = { 0 };
	struct record_owner owner = { .provider = w->keeper.kind, .key_epoch = 4 };
	uint8_t seed[RECORD_SEED_LEN];
	struct record_keys keys;
	char error[VOLUME_ERROR_MAX] = "";

	memset(seed, 0x11, sizeof(seed));
	memcpy(owner.app, w->options.app, RECORD_ID_LEN);
	record_instance(owner.instance, seed, owner.app);
	record_keys_derive(&keys, &w->key, &owner);
	buf_init(&header, RECORD_HEADER_LEN);
	assert_int_equal(volume_make(&header, w->path, RECORD_PLAIN, &keys.luks, error), RC_OK);
	return (uint8_t *)mem_dup_n(buf_span(&header).p, RECORD_HEADER_LEN);
}

/* What is said of the disk as it is now. */
static enum disk_reason try(struct world *w, char error[DISK_ERROR_MAX])
{
	struct disk *d = NULL;
	enum disk_reason reason = disk_look(&d, w->path, error);

	if (!reason && disk_state(d) == DISK_BLANK)
		reason = disk_begin(d, w->options.app, w->keeper.kind, error);
	if (!reason && disk_state(d) == DISK_BEGUN)
		memcpy(w->options.instance, disk_record(d)->owner.instance, RECORD_ID_LEN);
	if (!reason)
		reason = disk_open(d, &w->options, error);
	disk_free(d);
	return reason;
}

static void assert_said(struct world *w, enum disk_reason want, const char *part)
{
	char error[DISK_ERROR_MAX] = "";
	enum disk_reason got = try(w, error);

	if (got != want || !strstr(error, part) || !strstr(error, disk_reason_name(want)) ||
	    strncmp(error, w->path, strlen(w->path)) != 0)
		fail_msg("%s: %s", disk_reason_name(got), error);
}

static void a_blank_disk_is_begun_and_keeps_its_seed(void **state)
{
	struct world *w = *state;
	uint8_t seed[RECORD_SEED_LEN];
	char error[DISK_ERROR_MAX] = "";
	struct disk *d = NULL;

	assert_int_equal(disk_look(&d, w->path, error), DISK_OK);
	assert_int_equal(disk_state(d), DISK_BLANK);
	assert_int_equal(disk_begin(d, w->options.app, RECORD_KMS, error), DISK_OK);
	memcpy(seed, disk_record(d)->seed, sizeof(seed));
	assert_false(span_is_zero(SPAN_ARRAY(seed)));
	disk_free(d);
	assert_int_equal(disk_look(&d, w->path, error), DISK_OK);
	assert_int_equal(disk_state(d), DISK_BEGUN);
	assert_memory_equal(disk_record(d)->seed, seed, sizeof(seed));
	disk_free(d);
}

/* Made as far as the kernel is not needed; then tried again from the beginning. */
static void making_writes_a_header_of_our_profile(void **state)
{
	struct world *w = *state;
	uint8_t *header = mem_new(RECORD_HEADER_LEN), *before = mem_new(RECORD_HEADER_LEN);

	for (int i = 0; i < 2; i++) {
		int fd;

		assert_said(w, DISK_CRYPT, "");
		fd = open(w->path, O_RDONLY | O_CLOEXEC);
		assert_int_equal(pread(fd, header, RECORD_HEADER_LEN, RECORD_HEADER_AT),
				 RECORD_HEADER_LEN);
		close(fd);
		assert_null(luks_check(span_of(header, RECORD_HEADER_LEN), RECORD_PLAIN));
		assert_memory_not_equal(header, before, RECORD_HEADER_LEN);
		memcpy(before, header, RECORD_HEADER_LEN);
	}
	assert_int_equal(w->count, 0);
	free(header);
	free(before);
}

static void a_whole_disk_comes_as_far_as_the_mapping(void **state)
{
	struct world *w = *state;
	AUTO(mem_auto_free)
	uint8_t *header = new_header(w);

	write_whole(w, 1, 1, header, RECORD_PLAIN);
	w->count = 1;
	assert_said(w, DISK_CRYPT, "mapping");
	/* and nothing was counted or written for it */
	assert_int_equal(w->count, 1);
	assert_said(w, DISK_CRYPT, "mapping");
}

static void refusals(void **state)
{
	struct world *w = *state;
	AUTO(mem_auto_free)
	uint8_t *header = new_header(w);

	write_whole(w, 1, 5, header, RECORD_PLAIN);
	w->count = 6;
	assert_said(w, DISK_ROLLED_BACK, "generation 5 of 6");
	w->options.rollback = DISK_READ_ONLY;
	assert_said(w, DISK_CRYPT, "mapping");
	w->options.rollback = DISK_REFUSE;
	w->count = 5;
	w->count_rc = RC_CLOSED;
	assert_said(w, DISK_NO_COUNT, "no_quorum");
	w->count_rc = RC_OK;
	w->key_rc = RC_DENIED;
	assert_said(w, DISK_NO_KEY, "measurement_refused");
	w->key_rc = RC_OK;
	w->key.b[31] ^= 1;
	assert_said(w, DISK_HEADER_NOT_AUTHENTIC, "");
	w->key.b[31] ^= 1;
	w->options.integrity = RECORD_HMAC;
	assert_said(w, DISK_HEADER_PROFILE, "integrity");
	w->options.integrity = RECORD_PLAIN;
	w->options.app[0] ^= 1;
	assert_said(w, DISK_OTHER_APP, "");
	w->options.app[0] ^= 1;
	w->options.instance[0] ^= 1;
	assert_said(w, DISK_OTHER_INSTANCE, "");
	w->options.instance[0] ^= 1;
	w->keeper.measurement[0] = 1;
	assert_said(w, DISK_OTHER_MEASUREMENT, "");
	w->keeper.measurement[0] = 0;
	w->keeper.kind = RECORD_SIMULATOR;
	assert_said(w, DISK_OTHER_PROVIDER, "");
	w->keeper.kind = RECORD_KMS;
	assert_said(w, DISK_CRYPT, "mapping");
}

/* Signed by our own key: whoever signs, only one profile is used. */
static void a_signed_header_of_another_profile_is_refused(void **state)
{
	struct world *w = *state;
	AUTO(mem_auto_free)
	uint8_t *header = new_header(w);

	luks_replace(header, "\"iv_tweak\":\"0\",\"encryption\":\"aes-xts-plain64\"",
		     "\"iv_tweak\":\"0\",\"encryption\":\"cipher_null-ecb\"");
	write_whole(w, 1, 1, header, RECORD_PLAIN);
	assert_said(w, DISK_HEADER_PROFILE, "segments.0.encryption");
}

/* A record that a crash cut short, or a host's: the one before it counts. */
static void a_forged_newer_record_gives_way_to_the_true_one(void **state)
{
	struct world *w = *state;
	AUTO(mem_auto_free)
	uint8_t *header = new_header(w);
	struct key32 ours = w->key;

	write_whole(w, 1, 3, header, RECORD_PLAIN);
	w->key.b[0] ^= 1;
	write_whole(w, 0, 4, header, RECORD_PLAIN);
	w->key = ours;
	w->count = 3;
	assert_said(w, DISK_CRYPT, "mapping");
	w->count = 4; /* but it is that one, and old */
	assert_said(w, DISK_ROLLED_BACK, "generation 3 of 4");
}

static void a_begun_disk_of_a_counted_instance_is_refused(void **state)
{
	struct world *w = *state;

	assert_said(w, DISK_CRYPT, "");
	w->count = 1;
	assert_said(w, DISK_ROLLED_BACK, "whole once");
}

/* Whoever can write the disk can write that record: its epoch says nothing. */
static void a_begun_disk_gets_a_key_of_the_newest_epoch(void **state)
{
	struct record r = { .state = RECORD_BEGUN,
			    .owner = { .provider = RECORD_KMS, .key_epoch = 1 } };
	struct world *w = *state;
	uint8_t bytes[RECORD_LEN];

	memcpy(r.owner.app, w->options.app, RECORD_ID_LEN);
	record_instance(r.owner.instance, r.seed, r.owner.app);
	record_write(bytes, &r, NULL);
	write_file(w, 0, bytes, sizeof(bytes));
	w->asked_epoch = 99;
	assert_said(w, DISK_CRYPT, "");
	assert_int_equal(w->asked_epoch, 0);
}

static void what_was_looked_at_is_what_is_used(void **state)
{
	struct world *w = *state;
	AUTO(mem_auto_free)
	uint8_t *header = new_header(w);
	char error[DISK_ERROR_MAX] = "";
	struct disk *d = NULL;

	write_whole(w, 1, 1, header, RECORD_PLAIN);
	assert_int_equal(disk_look(&d, w->path, error), DISK_OK);
	memset(header, 'x', RECORD_HEADER_LEN);
	write_file(w, RECORD_HEADER_AT, header, RECORD_HEADER_LEN);
	write_file(w, RECORD_LEN, header, RECORD_LEN);
	assert_int_equal(disk_open(d, &w->options, error), DISK_CRYPT);
	disk_free(d);
	assert_said(w, DISK_NOT_OURS, "");
}

static void disks_of_others_are_left_alone(void **state)
{
	static const struct {
		const char *name, *content;
		off_t at;
	} table[] = {
		{ "boot_sector", "\xeb\x63", 0 },
		{ "luks", "LUKS\xba\xbe", 0 },
		{ "second_slot", "x", RECORD_LEN },
		{ "in_between", "x", 20000 },
		{ "in_the_header", "LUKS\xba\xbe", RECORD_HEADER_AT },
		{ "at_the_end_of_the_front", "x", RECORD_DATA_AT - 1 },
	};
	struct world *w = *state;
	static const uint8_t zeros[8];

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		char error[DISK_ERROR_MAX] = "";
		size_t n = strlen(table[i].content);

		write_file(w, table[i].at, table[i].content, n);
		if (try(w, error) != DISK_NOT_OURS)
			fail_msg("%s: %s", table[i].name, error);
		write_file(w, table[i].at, zeros, n);
	}
	/* What stands in the data's place is nobody's business. */
	write_file(w, RECORD_DATA_AT, "x", 1);
	assert_said(w, DISK_CRYPT, "");
}

static void short_absent_and_busy_disks(void **state)
{
	struct world *w = *state;
	int fd;

	assert_int_equal(truncate(w->path, SIZE - 1), 0);
	assert_said(w, DISK_TRUNCATED, "16 MiB");
	assert_int_equal(truncate(w->path, SIZE), 0);
	fd = open(w->path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_said(w, DISK_BUSY, "");
	close(fd);
	assert_int_equal(unlink(w->path), 0);
	assert_said(w, DISK_IO, "No such file");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make_world, remove_world)
	const struct CMUnitTest tests[] = {
		T(a_blank_disk_is_begun_and_keeps_its_seed),
		T(making_writes_a_header_of_our_profile),
		T(a_whole_disk_comes_as_far_as_the_mapping),
		T(refusals),
		T(a_signed_header_of_another_profile_is_refused),
		T(a_forged_newer_record_gives_way_to_the_true_one),
		T(a_begun_disk_of_a_counted_instance_is_refused),
		T(a_begun_disk_gets_a_key_of_the_newest_epoch),
		T(what_was_looked_at_is_what_is_used),
		T(disks_of_others_are_left_alone),
		T(short_absent_and_busy_disks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
