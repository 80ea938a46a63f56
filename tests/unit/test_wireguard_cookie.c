/* MACs and cookies: whitepaper §5.3, §5.4.4, §5.4.7. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wireguard/cookie.h"

enum {
	N = MESSAGE_INITIATION_LEN,
};

struct fixture {
	struct cookie_root root;
	struct cookie_checker checker;
	struct cookie_maker maker;
	struct endpoint from;
	uint8_t message[N];
};

static const uint8_t public_key[32] = { 7, 7, 7 };

static void fixture_init(struct fixture *f)
{
	*f = (struct fixture){ 0 };
	cookie_root_init(&f->root);
	f->checker.root = &f->root;
	cookie_checker_set(&f->checker, public_key);
	cookie_maker_set(&f->maker, public_key);
	assert_true(endpoint_parse(&f->from, span_str("192.0.2.1:1000")));
	memset(f->message, 0x42, sizeof(f->message));
}

static enum cookie_verdict check(struct fixture *f, uint64_t now_ms)
{
	return cookie_check(&f->checker, SPAN_ARRAY(f->message), &f->from, now_ms);
}

/* Stamps, lets the receiver answer with a cookie, and takes it. */
static bool get_cookie(struct fixture *f, uint64_t now_ms)
{
	struct message_cookie reply;

	cookie_stamp(&f->maker, f->message, N, now_ms);
	cookie_reply(&f->checker, &reply, SPAN_ARRAY(f->message), 1, &f->from, now_ms);
	return cookie_take(&f->maker, &reply, now_ms);
}

static void without_cookie_mac1_only(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_int_equal(check(&f, 0), COOKIE_INVALID);
	cookie_stamp(&f.maker, f.message, N, 0);
	assert_int_equal(check(&f, 0), COOKIE_MAC1);
	assert_true(span_is_zero(span_of(f.message + N - 16, 16)));
}

static void any_byte_under_mac1_flipped_is_invalid(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	cookie_stamp(&f.maker, f.message, N, 0);
	for (size_t i = 0; i < N - 16; i++) {
		f.message[i] ^= 1;
		assert_int_equal(check(&f, 0), COOKIE_INVALID);
		f.message[i] ^= 1;
	}
}

static void mac1_for_another_key_is_invalid(void **state)
{
	struct fixture f;
	const uint8_t other[32] = { 8 };

	(void)state;
	fixture_init(&f);
	cookie_maker_set(&f.maker, other);
	cookie_stamp(&f.maker, f.message, N, 0);
	assert_int_equal(check(&f, 0), COOKIE_INVALID);
}

static void with_cookie_mac2_is_right(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_true(get_cookie(&f, 1000));
	cookie_stamp(&f.maker, f.message, N, 1001);
	assert_int_equal(check(&f, 1001), COOKIE_MAC2);
	f.message[N - 1] ^= 1;
	assert_int_equal(check(&f, 1001), COOKIE_MAC1);
}

static void g11_cookie_is_bound_to_address_and_port(void **state)
{
	static const char *const others[] = { "192.0.2.1:1001", "192.0.2.2:1000",
					      "[2001:db8::1]:1000" };
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_true(get_cookie(&f, 1000));
	cookie_stamp(&f.maker, f.message, N, 1001);
	for (size_t i = 0; i < 3; i++) {
		assert_true(endpoint_parse(&f.from, span_str(others[i])));
		assert_int_equal(check(&f, 1001), COOKIE_MAC1);
	}
}

static void g11_secret_changes_after_two_minutes(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_true(get_cookie(&f, 1000));
	cookie_stamp(&f.maker, f.message, N, 1000);
	assert_int_equal(check(&f, 1000 + COOKIE_SECRET_MS - 1), COOKIE_MAC2);
	assert_int_equal(check(&f, 1000 + COOKIE_SECRET_MS), COOKIE_MAC1);
}

static void g11_sender_forgets_its_cookie_before_that(void **state)
{
	struct fixture f;

	(void)state;
	fixture_init(&f);
	assert_true(get_cookie(&f, 1000));
	cookie_stamp(&f.maker, f.message, N, 1000 + COOKIE_SECRET_MS - COOKIE_MARGIN_MS - 1);
	assert_int_equal(check(&f, 1000), COOKIE_MAC2);
	cookie_stamp(&f.maker, f.message, N, 1000 + COOKIE_SECRET_MS - COOKIE_MARGIN_MS);
	assert_int_equal(check(&f, 1000), COOKIE_MAC1);
}

static void reply_taken_once_and_only_for_the_last_message(void **state)
{
	struct fixture f;
	struct message_cookie reply;

	(void)state;
	fixture_init(&f);
	cookie_stamp(&f.maker, f.message, N, 0);
	cookie_reply(&f.checker, &reply, SPAN_ARRAY(f.message), 1, &f.from, 0);
	assert_true(cookie_take(&f.maker, &reply, 0));
	assert_false(cookie_take(&f.maker, &reply, 0));
	/* Another message went out since. */
	cookie_stamp(&f.maker, f.message, N, 0);
	f.message[10] ^= 1;
	cookie_reply(&f.checker, &reply, SPAN_ARRAY(f.message), 1, &f.from, 0);
	cookie_stamp(&f.maker, f.message, N, 0);
	assert_false(cookie_take(&f.maker, &reply, 0));
}

static void unasked_or_forged_reply_changes_nothing(void **state)
{
	struct fixture f;
	struct cookie_maker before;
	struct message_cookie reply;

	(void)state;
	fixture_init(&f);
	memset(&reply, 9, sizeof(reply));
	before = f.maker;
	assert_false(cookie_take(&f.maker, &reply, 0));
	assert_memory_equal(&f.maker, &before, sizeof(before));
	cookie_stamp(&f.maker, f.message, N, 0);
	cookie_reply(&f.checker, &reply, SPAN_ARRAY(f.message), 1, &f.from, 0);
	before = f.maker;
	for (size_t i = 0; i < sizeof(reply.sealed_cookie); i++) {
		reply.sealed_cookie[i] ^= 1;
		assert_false(cookie_take(&f.maker, &reply, 0));
		assert_memory_equal(&f.maker, &before, sizeof(before));
		reply.sealed_cookie[i] ^= 1;
	}
	assert_true(cookie_take(&f.maker, &reply, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_cookie_mac1_only),
		cmocka_unit_test(any_byte_under_mac1_flipped_is_invalid),
		cmocka_unit_test(mac1_for_another_key_is_invalid),
		cmocka_unit_test(with_cookie_mac2_is_right),
		cmocka_unit_test(g11_cookie_is_bound_to_address_and_port),
		cmocka_unit_test(g11_secret_changes_after_two_minutes),
		cmocka_unit_test(g11_sender_forgets_its_cookie_before_that),
		cmocka_unit_test(reply_taken_once_and_only_for_the_last_message),
		cmocka_unit_test(unasked_or_forged_reply_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
