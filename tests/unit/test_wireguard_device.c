/* Two devices back to back over a simulated link.  Rows of the attack
 * catalogue are named g<number>_... */
#include "wg_sim.h"

static void handshake_and_data_both_ways(void **state)
{
	struct sim *s = sim_new();

	(void)state;
	sim_send(s, 0, 100);
	sim_run(s, 100);
	assert_int_equal(s->side[1].packets, 1);
	assert_int_equal(s->side[1].last_packet_len, 100);
	sim_send(s, 1, 1400);
	sim_run(s, 100);
	assert_int_equal(s->side[0].packets, 1);
	assert_int_equal(s->side[0].last_packet_len, 1400);
	assert_int_equal(s->side[0].sent[1], 1);
	assert_int_equal(s->side[1].sent[2], 1);
	assert_int_equal(s->side[0].events[DEVICE_HANDSHAKE], 1);
	assert_int_equal(s->side[1].events[DEVICE_HANDSHAKE], 1);
	sim_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(handshake_and_data_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
