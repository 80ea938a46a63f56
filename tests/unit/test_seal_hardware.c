/* hardware: the key and the measurement that a folder is bound to, from a platform played by a
 * thread, which quotes a trust domain as the simulator does. */
#include "sim_platform.h"

#include "seal/hardware.h"

static struct quote_source *start(struct platform *p)
{
	static const uint8_t id[QUOTE_MR_LEN] = { 1, 2, 3 };

	return platform_start(p, id);
}

static void measurement_is_of_code_not_of_its_log(void **state)
{
	const struct sha384 digest = { "an event" };
	uint8_t first[FORM_MEASUREMENT_LEN], again[FORM_MEASUREMENT_LEN];
	struct platform p = { 0 };
	struct quote_source *s = start(&p);
	char error[SEAL_ERROR_MAX];

	(void)state;
	assert_int_equal(hardware_measurement(first, s, error), RC_OK);
	assert_true(sim_td_extend(&p.td, 3, &digest));
	assert_int_equal(hardware_measurement(again, s, error), RC_OK);
	assert_memory_equal(first, again, sizeof(first));
	for (int i = 0; i < 5; i++) {
		struct sim_td was = p.td;

		switch (i) {
		case 0:
			p.td.mr_td.b[0] ^= 1;
			break;
		case 4:
			p.td.attributes |= SIM_TD_DEBUG;
			break;
		default:
			p.td.rtmr[i - 1].b[47] ^= 1;
		}
		assert_int_equal(hardware_measurement(again, s, error), RC_OK);
		assert_memory_not_equal(first, again, sizeof(first));
		p.td = was;
	}
	p.td.mr_config_id[1] ^= 1;
	assert_int_equal(hardware_measurement(again, s, error), RC_OK);
	assert_memory_not_equal(first, again, sizeof(first));
	platform_end(&p);
}

static void folder_is_bound_to_the_platform(void **state)
{
	struct platform p = { 0 };
	struct quote_source *s = start(&p);
	const struct seal_provider provider = hardware_provider(s);
	char error[SEAL_ERROR_MAX] = "", path[128];
	const struct seal_options o = {
		.folder = folder_file(path, &p.folder, "sealed"),
		.provider = &provider,
	};
	struct seal *seal = NULL;

	(void)state;
	assert_int_equal(seal_open(&seal, &o, error), SEAL_OK);
	assert_int_equal(seal_write(seal, "account", span_str("one")), SEAL_OK);
	seal_close(seal);
	p.td.rtmr[1].b[0] ^= 1;
	assert_int_equal((int)seal_open(&seal, &o, error), FORM_OTHER_MEASUREMENT);
	assert_non_null(strstr(error, "other_measurement"));
	p.td.rtmr[1].b[0] ^= 1;
	assert_int_equal(seal_open(&seal, &o, error), SEAL_OK);
	seal_close(seal);
	platform_end(&p);
}

static void platform_that_fails_gives_no_key(void **state)
{
	struct platform p = { 0 };
	struct quote_source *s = start(&p);
	const struct seal_provider provider = hardware_provider(s);
	char error[SEAL_ERROR_MAX] = "", path[128];
	const struct seal_options o = {
		.folder = folder_file(path, &p.folder, "sealed"),
		.provider = &provider,
	};
	struct seal *seal = NULL;

	(void)state;
	p.fails = 1u << SIMPROTO_KEY;
	assert_int_equal(seal_open(&seal, &o, error), SEAL_NO_KEY);
	assert_non_null(strstr(error, "no sealing key from simulator"));
	p.fails = 0;
	p.quotes_nonsense = true;
	assert_int_equal(seal_open(&seal, &o, error), SEAL_NO_KEY);
	assert_non_null(strstr(error, "own quote from simulator: malformed"));
	assert_null(seal);
	platform_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(measurement_is_of_code_not_of_its_log),
		cmocka_unit_test(folder_is_bound_to_the_platform),
		cmocka_unit_test(platform_that_fails_gives_no_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
