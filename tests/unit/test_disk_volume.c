/* volume: what libcryptsetup does without a device-mapper: headers made and opened in
 * memory.  Mappings are tests/e2e/test_vm_disk.py's. */
#include "disk_luks.h"
#include "folder.h"

#include <unistd.h>

#include "base/mem.h"
#include "disk/volume.h"

static const struct key32 passphrase = { .b = { 7, 7, 7 } };

static const char *new_data(char out[128], struct folder *f)
{
	folder_make(f);
	folder_file(out, f, "data");
	fclose(mem_need(fopen(out, "w")));
	assert_int_equal(truncate(out, 32 * 1024 * 1024), 0);
	return out;
}

static void a_header_opens_with_its_passphrase_alone(void **state)
{
	AUTO(buf_fini)
	struct buf header = { 0 };
	struct key32 wrong = passphrase;
	struct folder f;
	char data[128], error[VOLUME_ERROR_MAX] = "";

	(void)state;
	new_data(data, &f);
	buf_init(&header, RECORD_HEADER_LEN);
	assert_int_equal(volume_make(&header, data, RECORD_PLAIN, &passphrase, error), RC_OK);
	assert_int_equal(header.n, RECORD_HEADER_LEN);
	assert_int_equal(volume_map(NULL, buf_span(&header), data, &passphrase, VOLUME_TRY, error),
			 RC_OK);
	wrong.b[31] ^= 1;
	assert_int_equal(volume_map(NULL, buf_span(&header), data, &wrong, VOLUME_TRY, error),
			 RC_DENIED);
	assert_true(strstr(error, "keyslot") != NULL);
	folder_remove(&f);
}

static void two_headers_have_nothing_random_in_common(void **state)
{
	AUTO(buf_fini)
	struct buf a = { 0 }, b = { 0 };
	struct folder f;
	char data[128], error[VOLUME_ERROR_MAX] = "";

	(void)state;
	new_data(data, &f);
	buf_init(&a, RECORD_HEADER_LEN);
	buf_init(&b, RECORD_HEADER_LEN);
	assert_int_equal(volume_make(&a, data, RECORD_PLAIN, &passphrase, error), RC_OK);
	assert_int_equal(volume_make(&b, data, RECORD_PLAIN, &passphrase, error), RC_OK);
	assert_memory_not_equal(buf_span(&a).p + 2 * LUKS_COPY_LEN,
				buf_span(&b).p + 2 * LUKS_COPY_LEN, 258048);
	buf_fini(&b);
	folder_remove(&f);
}

/* The disk's own header is never looked at, whatever is there. */
static void nothing_is_read_from_or_written_to_the_disk(void **state)
{
	AUTO(buf_fini)
	struct buf header = { 0 };
	struct folder f;
	char data[128], error[VOLUME_ERROR_MAX] = "";
	uint8_t front[4096];
	FILE *file;

	(void)state;
	new_data(data, &f);
	buf_init(&header, RECORD_HEADER_LEN);
	assert_int_equal(volume_make(&header, data, RECORD_PLAIN, &passphrase, error), RC_OK);
	assert_int_equal(volume_map(NULL, buf_span(&header), data, &passphrase, VOLUME_TRY, error),
			 RC_OK);
	file = mem_need(fopen(data, "r"));
	while (fread(front, 1, sizeof(front), file) == sizeof(front))
		assert_true(span_is_zero(SPAN_ARRAY(front)));
	fclose(file);
	folder_remove(&f);
}

static void what_is_no_header_is_refused(void **state)
{
	AUTO(mem_auto_free)
	uint8_t *header = mem_new(RECORD_HEADER_LEN);
	struct folder f;
	char data[128], error[VOLUME_ERROR_MAX] = "";

	(void)state;
	new_data(data, &f);
	assert_int_equal(volume_map(NULL, span_of(header, RECORD_HEADER_LEN), data, &passphrase,
				    VOLUME_TRY, error),
			 RC_CRYPTO);
	assert_true(strncmp(error, "LUKS2 header", 12) == 0);
	folder_remove(&f);
}

static void what_is_not_mapped_cannot_be_ended(void **state)
{
	char error[VOLUME_ERROR_MAX] = "";

	(void)state;
	assert_false(volume_is_mapped("postern-no-such-mapping"));
	assert_int_equal(volume_unmap("postern-no-such-mapping", error), RC_CLOSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_opens_with_its_passphrase_alone),
		cmocka_unit_test(two_headers_have_nothing_random_in_common),
		cmocka_unit_test(nothing_is_read_from_or_written_to_the_disk),
		cmocka_unit_test(what_is_no_header_is_refused),
		cmocka_unit_test(what_is_not_mapped_cannot_be_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
