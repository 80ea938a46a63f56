/*
 * source_tsm against a kernel played by this test: report entries are folders
 * in memory, with the generation and the provider of configfs-tsm as
 * Documentation/ABI/testing/configfs-tsm-report describes them.  What is
 * simulated is the kernel's side of four file operations; the operations
 * themselves are also run on a real folder at the end.
 */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "folder.h"
#include "io/file.h"
#include "quoting/source_tsm.h"

enum {
	ENTRIES_MAX = 8,
};

struct entry {
	char path[256];
	unsigned generation;
	uint8_t inblob[64];
	bool exists, was_written;
};

/* The kernel, its mistakes and its moods. */
struct kernel {
	pthread_mutex_t lock;
	struct entry entry[ENTRIES_MAX];
	unsigned made, dropped, quotes;
	const char *provider;
	int make_error;
	int put_error, put_errors; /* the error, how often it comes */
	int get_error, get_errors;
	unsigned intruder_at_put; /* others write the entry too, n times */
	unsigned intruder_at_get;
	size_t quote_len;
	struct sha384 rtmr[4];
	int rtmr_error;
};

static struct entry *find(struct kernel *k, const char *file)
{
	for (size_t i = 0; i < ENTRIES_MAX; i++)
		if (k->entry[i].exists &&
		    strncmp(file, k->entry[i].path, strlen(k->entry[i].path)) == 0)
			return &k->entry[i];
	return NULL;
}

static int fake_make(void *world, const char *folder)
{
	struct kernel *k = world;
	int error = k->make_error;

	pthread_mutex_lock(&k->lock);
	for (size_t i = 0; !error && i < ENTRIES_MAX; i++) {
		if (k->entry[i].exists)
			continue;
		k->entry[i] = (struct entry){ .exists = true };
		snprintf(k->entry[i].path, sizeof(k->entry[i].path), "%s", folder);
		k->made++;
		break;
	}
	pthread_mutex_unlock(&k->lock);
	return error;
}

static int fake_drop(void *world, const char *folder)
{
	struct kernel *k = world;

	pthread_mutex_lock(&k->lock);
	find(k, folder)->exists = false;
	k->dropped++;
	pthread_mutex_unlock(&k->lock);
	return 0;
}

/* Of ".../rtmrN:sha384". */
static struct sha384 *register_of(struct kernel *k, const char *file)
{
	return &k->rtmr[file[strlen(file) - strlen("N:sha384")] - '0'];
}

static int put_locked(struct kernel *k, const char *file, struct span content)
{
	struct entry *e = find(k, file);

	if (strstr(file, "rtmr")) {
		if (k->rtmr_error || content.n != 48)
			return k->rtmr_error ? k->rtmr_error : EINVAL;
		memcpy(register_of(k, file)->b, content.p, 48);
		return 0;
	}
	if (!e || !strstr(file, "/inblob") || content.n != 64)
		return EINVAL;
	if (k->put_errors && k->put_errors--)
		return k->put_error;
	memcpy(e->inblob, content.p, 64);
	e->was_written = true;
	e->generation++;
	if (k->intruder_at_put && k->intruder_at_put--)
		e->generation++;
	return 0;
}

static int fake_put(void *world, const char *file, struct span content)
{
	struct kernel *k = world;

	pthread_mutex_lock(&k->lock);
	int error = put_locked(k, file, content);
	pthread_mutex_unlock(&k->lock);
	return error;
}

/* A quote is its report data, padded to the length asked for. */
static int get_quote(struct kernel *k, struct entry *e, struct buf *out)
{
	static const uint8_t pad[1024];
	size_t left = k->quote_len;

	if (k->get_errors && k->get_errors--)
		return k->get_error;
	if (!e->was_written)
		return EINVAL;
	k->quotes++;
	if (k->intruder_at_get && k->intruder_at_get--)
		e->generation++;
	if (!left)
		return 0;
	if (!buf_add(out, SPAN_ARRAY(e->inblob)))
		return EFBIG;
	for (left -= 64; left; left -= left < 1024 ? left : 1024)
		if (!buf_add(out, span_of(pad, left < 1024 ? left : 1024)))
			return EFBIG;
	return 0;
}

static int get_locked(struct kernel *k, const char *file, struct buf *out)
{
	struct entry *e = find(k, file);
	char text[32];

	if (strstr(file, "rtmr")) {
		if (k->rtmr_error)
			return k->rtmr_error;
		return buf_add(out, SPAN_ARRAY(register_of(k, file)->b)) ? 0 : EFBIG;
	}
	if (!e)
		return ENOENT;
	if (strstr(file, "/outblob"))
		return get_quote(k, e, out);
	if (strstr(file, "/generation"))
		snprintf(text, sizeof(text), "%u\n", e->generation);
	else
		snprintf(text, sizeof(text), "%s\n", k->provider);
	return buf_add(out, span_str(text)) ? 0 : EFBIG;
}

static int fake_get(void *world, const char *file, struct buf *out)
{
	struct kernel *k = world;

	pthread_mutex_lock(&k->lock);
	int error = get_locked(k, file, out);
	pthread_mutex_unlock(&k->lock);
	return error;
}

static const struct tsm_ops fake = { fake_make, fake_drop, fake_put, fake_get };

static void kernel_init(struct kernel *k, struct tsm *t)
{
	*k = (struct kernel){ .provider = "tdx_guest", .quote_len = 5006 };
	pthread_mutex_init(&k->lock, NULL);
	*t = (struct tsm){
		.report_path = "/fake/report",
		.measurements_path = "/fake/measurements",
		.ops = &fake,
		.world = k,
	};
}

static const uint8_t report_data[64] = "what the quote is over";

/* Runs tsm_quote; on failure 'out' must be as it was. */
static enum rc quote(const struct tsm *t, size_t *n)
{
	struct buf out;
	enum rc rc;
	int error;

	buf_init(&out, 2 * QUOTE_MAX);
	assert_true(buf_add(&out, span_str("had")));
	rc = tsm_quote(t, &out, report_data);
	error = errno;
	if (!rc)
		assert_memory_equal(buf_span(&out).p + 3, report_data, 64);
	else
		assert_int_equal(out.n, 3);
	*n = out.n - 3;
	buf_fini(&out);
	errno = error;
	return rc;
}

static void quote_is_over_our_report_data(void **state)
{
	struct kernel k;
	struct tsm t;
	size_t n;

	(void)state;
	kernel_init(&k, &t);
	assert_int_equal(quote(&t, &n), RC_OK);
	assert_int_equal(n, 5006);
	assert_int_equal(k.made, 1);
	assert_int_equal(k.dropped, 1);
	assert_int_equal(k.quotes, 1);
}

/* clang-format off */
static const struct {
	const char *name;
	struct kernel kernel; /* what differs from a kernel in good order */
	enum rc want;
	int error; /* with RC_SYS */
	unsigned made; /* entries: one an attempt */
} table[] = {
	{ "busy_once_tried_again", { .put_error = EBUSY, .put_errors = 1 }, RC_OK, 0, 2 },
	{ "busy_for_ever_is_busy", { .put_error = EBUSY, .put_errors = 99 }, RC_SYS, EBUSY, TSM_ATTEMPTS },
	{ "interrupted_tried_again", { .get_error = EINTR, .get_errors = 2 }, RC_OK, 0, 3 },
	{ "host_too_slow_tried_again", { .get_error = ETIMEDOUT, .get_errors = 1 }, RC_OK, 0, 2 },
	{ "generation_changed_under_way_tried_again", { .get_error = EWOULDBLOCK, .get_errors = 1 }, RC_OK, 0, 2 },
	{ "intruder_before_the_quote_tried_again", { .intruder_at_put = 1 }, RC_OK, 0, 2 },
	{ "intruder_during_the_quote_tried_again", { .intruder_at_get = 1 }, RC_OK, 0, 2 },
	{ "intruder_for_ever_is_no_quote", { .intruder_at_get = 99 }, RC_SYS, EAGAIN, TSM_ATTEMPTS },
	{ "bad_input_is_not_tried_again", { .put_error = EINVAL, .put_errors = 99 }, RC_SYS, EINVAL, 1 },
	{ "no_host_service_is_not_tried_again", { .get_error = ENXIO, .get_errors = 99 }, RC_SYS, ENXIO, 1 },
	{ "not_root_is_said", { .make_error = EACCES }, RC_SYS, EACCES, 0 },
	{ "no_configfs_is_said", { .make_error = ENOENT }, RC_SYS, ENOENT, 0 },
	{ "quote_of_64_kib_fits", { .quote_len = QUOTE_MAX }, RC_OK, 0, 1 },
	{ "quote_over_64_kib_is_a_limit", { .quote_len = QUOTE_MAX + 1 }, RC_LIMIT, 0, 1 },
};
/* clang-format on */

static void kernels_moods_are_answered(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct kernel k;
		struct tsm t;
		enum rc rc;
		size_t n;

		kernel_init(&k, &t);
		k = table[i].kernel;
		pthread_mutex_init(&k.lock, NULL);
		k.provider = "tdx_guest";
		k.quote_len = k.quote_len ? k.quote_len : 5006;
		rc = quote(&t, &n);
		int error = errno;
		print_message("%s\n", table[i].name);
		assert_int_equal(rc, table[i].want);
		if (rc == RC_SYS)
			assert_int_equal(error, table[i].error);
		assert_int_equal(k.made, table[i].made);
		assert_int_equal(k.dropped, k.made); /* none stays behind */
	}
}

static void empty_quote_is_no_quote(void **state)
{
	struct kernel k;
	struct tsm t;
	size_t n;

	(void)state;
	kernel_init(&k, &t);
	k.quote_len = 0;
	assert_int_equal(quote(&t, &n), RC_SYS);
	assert_int_equal(errno, EIO);
}

static void full_output_is_a_limit(void **state)
{
	struct kernel k;
	struct tsm t;
	struct buf out;

	(void)state;
	kernel_init(&k, &t);
	buf_init(&out, 5005);
	assert_int_equal(tsm_quote(&t, &out, report_data), RC_LIMIT);
	assert_int_equal(out.n, 0);
	buf_fini(&out);
}

static void probe_names_the_provider(void **state)
{
	char provider[TSM_PROVIDER_MAX] = "";
	struct kernel k;
	struct tsm t;

	(void)state;
	kernel_init(&k, &t);
	assert_int_equal(tsm_probe(&t, provider), 0);
	assert_string_equal(provider, "tdx_guest");
	assert_int_equal(k.dropped, 1);
	k.provider = "sev_guest";
	assert_int_equal(tsm_probe(&t, provider), 0);
	assert_string_equal(provider, "sev_guest");
	k.make_error = ENXIO;
	assert_int_equal(tsm_probe(&t, provider), ENXIO);
}

static void registers_are_read_and_extended(void **state)
{
	const struct sha384 digest = { "a digest" };
	struct sha384 value = { "before" };
	struct kernel k;
	struct tsm t;

	(void)state;
	kernel_init(&k, &t);
	assert_int_equal(tsm_extend(&t, 3, &digest), RC_OK);
	assert_int_equal(tsm_rtmr(&t, 3, &value), RC_OK);
	assert_memory_equal(&value, &digest, sizeof(value));
	assert_int_equal(tsm_rtmr(&t, 2, &value), RC_OK);
	assert_true(span_is_zero(SPAN_ARRAY(value.b)));
}

static void kernel_without_registers_is_unsupported(void **state)
{
	struct sha384 value = { "before" };
	struct kernel k;
	struct tsm t;

	(void)state;
	kernel_init(&k, &t);
	k.rtmr_error = ENOENT;
	assert_int_equal(tsm_extend(&t, 3, &value), RC_UNSUPPORTED);
	assert_int_equal(tsm_rtmr(&t, 3, &value), RC_UNSUPPORTED);
	k.rtmr_error = EIO;
	assert_int_equal(tsm_rtmr(&t, 3, &value), RC_SYS);
	assert_int_equal(errno, EIO);
	assert_string_equal((const char *)value.b, "before");
}

enum {
	THREADS = 6,
	ROUNDS = 50,
};

struct worker {
	const struct tsm *t;
	uint8_t mine;
	bool ok;
};

/* Each thread's quotes are over its own bytes. */
static void *work(void *arg)
{
	struct worker *w = arg;
	uint8_t data[64];

	w->ok = true;
	for (int i = 0; i < ROUNDS; i++) {
		struct buf out;

		memset(data, w->mine, sizeof(data));
		buf_init(&out, QUOTE_MAX);
		w->ok = w->ok && tsm_quote(w->t, &out, data) == RC_OK &&
			memcmp(buf_span(&out).p, data, sizeof(data)) == 0;
		buf_fini(&out);
	}
	return NULL;
}

static void threads_do_not_mix_their_quotes(void **state)
{
	struct worker w[THREADS];
	pthread_t id[THREADS];
	struct kernel k;
	struct tsm t;

	(void)state;
	kernel_init(&k, &t);
	for (uint8_t i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ .t = &t, .mine = (uint8_t)(i + 1) };
		assert_int_equal(pthread_create(&id[i], NULL, work, &w[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(id[i], NULL);
		assert_true(w[i].ok);
	}
	assert_int_equal(k.quotes, THREADS * ROUNDS);
}

/*
 * The real operations, on a real folder: mkdir makes the entry, then the test
 * puts the files there that configfs would, and after the write to inblob it
 * moves the generation and fills outblob, as the kernel would.
 */
static int files_make(void *world, const char *entry)
{
	char path[300];
	int error = tsm_kernel.make(world, entry);

	if (error)
		return error;
	snprintf(path, sizeof(path), "%s/generation", entry);
	assert_int_equal(file_replace(path, span_str("7\n"), 0600), RC_OK);
	snprintf(path, sizeof(path), "%s/provider", entry);
	assert_int_equal(file_replace(path, span_str("tdx_guest\n"), 0600), RC_OK);
	snprintf(path, sizeof(path), "%s/inblob", entry);
	assert_int_equal(file_replace(path, span_str(""), 0600), RC_OK);
	return 0;
}

static int files_put(void *world, const char *file, struct span content)
{
	int error = tsm_kernel.put(world, file, content);
	char path[300], *slash;

	snprintf(path, sizeof(path), "%s", file);
	slash = strrchr(path, '/');
	strcpy(slash, "/generation");
	assert_int_equal(file_replace(path, span_str("8\n"), 0600), RC_OK);
	strcpy(slash, "/outblob");
	assert_int_equal(file_replace(path, content, 0600), RC_OK);
	return error;
}

static int files_drop(void *world, const char *entry)
{
	static const char *const names[] = { "generation", "provider", "inblob", "outblob" };
	char path[300];

	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%s", entry, names[i]);
		(void)remove(path);
	}
	return tsm_kernel.drop(world, entry);
}

static void real_files_work_too(void **state)
{
	const struct tsm_ops ops = { files_make, files_drop, files_put, tsm_kernel.get };
	struct tsm t = { .ops = &ops };
	char provider[TSM_PROVIDER_MAX];
	struct folder f;
	size_t n;

	(void)state;
	folder_make(&f);
	t.report_path = f.path;
	assert_int_equal(tsm_probe(&t, provider), 0);
	assert_string_equal(provider, "tdx_guest");
	assert_int_equal(quote(&t, &n), RC_OK);
	assert_int_equal(n, 64);
	/* Nothing stays behind: the folder can be removed as an empty one. */
	assert_int_equal(remove(f.path), 0);
	assert_int_equal(tsm_probe(&t, provider), ENOENT);
}

static void real_registers_work_too(void **state)
{
	const struct sha384 digest = { "a digest of forty-eight bytes" };
	struct tsm t = { .ops = &tsm_kernel };
	struct sha384 value;
	struct folder f;
	char path[128];

	(void)state;
	folder_make(&f);
	t.measurements_path = f.path;
	assert_int_equal(tsm_extend(&t, 3, &digest), RC_UNSUPPORTED);
	folder_file(path, &f, "rtmr3:sha384");
	assert_int_equal(file_replace(path, span_str("short"), 0600), RC_OK);
	assert_int_equal(tsm_rtmr(&t, 3, &value), RC_SYS);
	assert_int_equal(errno, EIO);
	assert_int_equal(tsm_extend(&t, 3, &digest), RC_OK);
	assert_int_equal(tsm_rtmr(&t, 3, &value), RC_OK);
	assert_memory_equal(&value, &digest, sizeof(value));
	folder_remove(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quote_is_over_our_report_data),
		cmocka_unit_test(kernels_moods_are_answered),
		cmocka_unit_test(empty_quote_is_no_quote),
		cmocka_unit_test(full_output_is_a_limit),
		cmocka_unit_test(probe_names_the_provider),
		cmocka_unit_test(registers_are_read_and_extended),
		cmocka_unit_test(kernel_without_registers_is_unsupported),
		cmocka_unit_test(threads_do_not_mix_their_quotes),
		cmocka_unit_test(real_files_work_too),
		cmocka_unit_test(real_registers_work_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
