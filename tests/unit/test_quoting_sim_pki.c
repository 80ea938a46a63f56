/* sim_pki: made once, kept whole, read back, mended when a certificate is due. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "folder.h"
#include "io/file.h"
#include "pki/cert.h"
#include "quoting/sim_pki.h"

enum {
	NOW = 1'800'000'000,
	DAY = 86400,
};

static void open_ok(struct sim_pki *p, const char *folder, int64_t now)
{
	char error[256] = "";

	assert_int_equal(sim_pki_open(p, folder, now, error), RC_OK);
}

static struct p256_point key_of(const struct sim_pki *p, enum sim_key k)
{
	struct p256_point at;

	p256_private_point(p->key[k], &at);
	return at;
}

static void second_start_finds_the_same_platform(void **state)
{
	struct sim_pki a, b;
	struct folder f;

	(void)state;
	folder_make(&f);
	open_ok(&a, f.path, NOW);
	open_ok(&b, f.path, NOW + DAY);
	for (enum sim_key k = 0; k < SIM_KEY_COUNT; k++) {
		struct p256_point x = key_of(&a, k), y = key_of(&b, k);
		assert_memory_equal(&x, &y, sizeof(x));
	}
	for (size_t c = 0; c < SIM_CERT_COUNT; c++) {
		assert_true(span_equal(buf_span(&a.cert[c]), buf_span(&b.cert[c])));
		assert_memory_equal(a.serial[c], b.serial[c], ISSUE_SERIAL_LEN);
	}
	assert_memory_equal(&a.platform, &b.platform, sizeof(a.platform));
	sim_pki_fini(&a);
	sim_pki_fini(&b);
	folder_remove(&f);
}

static void two_installations_share_nothing(void **state)
{
	struct sim_pki a, b;

	(void)state;
	assert_int_equal(sim_pki_generate(&a, NULL, NOW), RC_OK);
	assert_int_equal(sim_pki_generate(&b, NULL, NOW), RC_OK);
	for (enum sim_key k = 0; k < SIM_KEY_COUNT; k++) {
		struct p256_point x = key_of(&a, k), y = key_of(&b, k);
		assert_memory_not_equal(&x, &y, sizeof(x));
	}
	assert_memory_not_equal(a.platform.ppid, b.platform.ppid, 16);
	assert_memory_equal(a.platform.ppid, "SIM", 3);
	sim_pki_fini(&a);
	sim_pki_fini(&b);
}

static void state_file_is_for_the_owner_alone(void **state)
{
	struct sim_pki p;
	struct folder f;
	struct stat st;
	char path[128];

	(void)state;
	folder_make(&f);
	open_ok(&p, f.path, NOW);
	assert_int_equal(stat(folder_file(path, &f, "platform.pem"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	sim_pki_fini(&p);
	folder_remove(&f);
}

/* After seven years the keys stay and the certificates are new. */
static void due_certificates_are_issued_again(void **state)
{
	static const int64_t later[] = { NOW + 7LL * 365 * DAY, NOW - 30LL * DAY };
	struct sim_pki a, b;
	struct folder f;
	struct cert leaf;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		folder_make(&f);
		open_ok(&a, f.path, NOW);
		open_ok(&b, f.path, later[i]);
		struct p256_point x = key_of(&a, SIM_KEY_PCK), y = key_of(&b, SIM_KEY_PCK);
		assert_memory_equal(&x, &y, sizeof(x));
		assert_int_equal(cert_parse(&leaf, buf_span(&b.cert[SIM_CERT_PCK])), RC_OK);
		assert_true(leaf.not_before <= later[i] && leaf.not_after > later[i]);
		assert_memory_not_equal(a.serial[SIM_CERT_PCK], b.serial[SIM_CERT_PCK],
					ISSUE_SERIAL_LEN);
		sim_pki_fini(&a);
		/* And they were kept. */
		open_ok(&a, f.path, later[i]);
		assert_memory_equal(a.serial, b.serial, sizeof(a.serial));
		sim_pki_fini(&a);
		sim_pki_fini(&b);
		folder_remove(&f);
	}
}

/* Each is refused and left as it is: it may be somebody's only copy. */
static void damaged_state_is_refused_and_kept(void **state)
{
	struct buf whole, now;
	struct sim_pki p;
	struct folder f;
	char path[128], error[256];

	(void)state;
	folder_make(&f);
	open_ok(&p, f.path, NOW);
	sim_pki_fini(&p);
	folder_file(path, &f, "platform.pem");
	buf_init(&whole, 65536);
	assert_int_equal(file_read(&whole, path), RC_OK);
	/* Without its last line end alone it would still be whole. */
	const size_t cuts[] = { 0, 1, 100, whole.n / 2, whole.n - 2 };
	for (size_t i = 0; i < 5; i++) {
		struct span part = span_of(buf_span(&whole).p, cuts[i]);

		assert_int_equal(file_replace(path, part, 0600), RC_OK);
		error[0] = '\0';
		assert_int_equal(sim_pki_open(&p, f.path, NOW, error), RC_MALFORMED);
		assert_non_null(strstr(error, "platform.pem"));
		buf_init(&now, 65536);
		assert_int_equal(file_read(&now, path), RC_OK);
		assert_true(span_equal(buf_span(&now), part));
		buf_fini(&now);
	}
	buf_fini(&whole);
	folder_remove(&f);
}

static void unwritable_folder_is_said(void **state)
{
	char error[256] = "";
	struct sim_pki p;

	(void)state;
	assert_int_equal(sim_pki_open(&p, "/dev/null/state", NOW, error), RC_SYS);
	assert_non_null(strstr(error, "/dev/null/state"));
}

static void names_say_what_it_is(void **state)
{
	struct sim_pki p;
	struct cert c;

	(void)state;
	assert_int_equal(sim_pki_generate(&p, NULL, NOW), RC_OK);
	for (size_t i = 0; i < SIM_CERT_COUNT; i++) {
		assert_int_equal(cert_parse(&c, buf_span(&p.cert[i])), RC_OK);
		assert_true(cert_name_has(&c, "SIMULATED - NOT FOR PRODUCTION SGX "));
	}
	sim_pki_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(second_start_finds_the_same_platform),
		cmocka_unit_test(two_installations_share_nothing),
		cmocka_unit_test(state_file_is_for_the_owner_alone),
		cmocka_unit_test(due_certificates_are_issued_again),
		cmocka_unit_test(damaged_state_is_refused_and_kept),
		cmocka_unit_test(unwritable_folder_is_said),
		cmocka_unit_test(names_say_what_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
