/* The three sessions of a peer: whitepaper §6.4. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wireguard/keypair.h"

static uint32_t dead[8];
static size_t dead_count;

static void note(void *arg, uint32_t index)
{
	(void)arg;
	dead[dead_count++] = index;
}

static const struct keypair_gone gone = { .fn = note };

static void install(struct keypairs *k, uint32_t index, bool is_initiator)
{
	struct noise_session s = { .local_index = index, .is_initiator = is_initiator };

	keypairs_install(k, &s, 1000, &gone);
}

static void assert_slots(const struct keypairs *k, uint32_t previous, uint32_t current,
			 uint32_t next)
{
	assert_int_equal(k->previous ? k->previous->local_index : 0, previous);
	assert_int_equal(k->current ? k->current->local_index : 0, current);
	assert_int_equal(k->next ? k->next->local_index : 0, next);
}

static void assert_dead(size_t count, uint32_t first)
{
	assert_int_equal(dead_count, count);
	if (count)
		assert_int_equal(dead[0], first);
	dead_count = 0;
}

static void initiator_uses_the_new_one_at_once(void **state)
{
	struct keypairs k = { 0 };

	(void)state;
	dead_count = 0;
	install(&k, 1, true);
	assert_slots(&k, 0, 1, 0);
	install(&k, 2, true);
	assert_slots(&k, 1, 2, 0);
	install(&k, 3, true);
	assert_slots(&k, 2, 3, 0);
	assert_dead(1, 1);
	keypairs_clear(&k, &gone);
	assert_slots(&k, 0, 0, 0);
	assert_dead(2, 2);
}

static void responder_waits_for_the_first_message(void **state)
{
	struct keypairs k = { 0 };

	(void)state;
	dead_count = 0;
	install(&k, 1, false);
	assert_slots(&k, 0, 0, 1);
	assert_true(keypairs_confirm(&k, k.next, &gone));
	assert_slots(&k, 0, 1, 0);
	assert_false(keypairs_confirm(&k, k.current, &gone));
	install(&k, 2, false);
	assert_slots(&k, 0, 1, 2);
	assert_false(keypairs_confirm(&k, k.current, &gone));
	assert_true(keypairs_confirm(&k, k.next, &gone));
	assert_slots(&k, 1, 2, 0);
	/* A new one takes the place of one that was never confirmed. */
	install(&k, 3, false);
	assert_slots(&k, 0, 2, 3);
	assert_dead(1, 1);
	install(&k, 4, false);
	assert_slots(&k, 0, 2, 4);
	assert_dead(1, 3);
	keypairs_clear(&k, &gone);
	dead_count = 0;
}

static void initiator_keeps_what_the_peer_may_send_under(void **state)
{
	struct keypairs k = { 0 };

	(void)state;
	dead_count = 0;
	install(&k, 1, true);
	install(&k, 2, false);
	assert_slots(&k, 0, 1, 2);
	install(&k, 3, true);
	assert_slots(&k, 2, 3, 0);
	assert_dead(1, 1);
	keypairs_clear(&k, &gone);
	dead_count = 0;
}

static void found_by_index(void **state)
{
	struct keypairs k = { 0 };

	(void)state;
	install(&k, 1, true);
	install(&k, 2, true);
	install(&k, 3, false);
	assert_ptr_equal(keypairs_find(&k, 2), k.current);
	assert_ptr_equal(keypairs_find(&k, 3), k.next);
	assert_null(keypairs_find(&k, 4));
	keypairs_clear(&k, &gone);
	assert_null(keypairs_find(&k, 2));
	dead_count = 0;
}

static void g2_limits_of_age_and_number(void **state)
{
	struct keypair k = { .born_ms = 1000 };

	(void)state;
	assert_false(keypair_can_send(NULL, 0));
	assert_true(keypair_can_send(&k, 1000 + KEYPAIR_REJECT_AFTER_MS - 1));
	assert_false(keypair_can_send(&k, 1000 + KEYPAIR_REJECT_AFTER_MS));
	assert_true(keypair_can_receive(&k, 1000 + KEYPAIR_REJECT_AFTER_MS - 1));
	assert_false(keypair_can_receive(&k, 1000 + KEYPAIR_REJECT_AFTER_MS));
	k.send_counter = REPLAY_REJECT_AFTER - 1;
	assert_true(keypair_can_send(&k, 1000));
	k.send_counter++;
	assert_false(keypair_can_send(&k, 1000));
	k.replay.next = REPLAY_REJECT_AFTER;
	assert_false(keypair_can_receive(&k, 1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(initiator_uses_the_new_one_at_once),
		cmocka_unit_test(responder_waits_for_the_first_message),
		cmocka_unit_test(initiator_keeps_what_the_peer_may_send_under),
		cmocka_unit_test(found_by_index),
		cmocka_unit_test(g2_limits_of_age_and_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
