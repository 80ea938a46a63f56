/* ticket: a session there and back, every bit changed, keys that go. */
#include "unit.h"

#include <string.h>

#include "tls/ticket.h"

static const uint8_t nonce[ENGINE_NONCE_LEN] = { 1, 2, 3 };

static struct ticket session(enum digest_kind hash)
{
	struct ticket t = { .hash = hash };

	memset(t.scope.b, 's', sizeof(t.scope.b));
	memset(t.psk, 'k', digest_len(hash));
	return t;
}

static void there_and_back(void **state)
{
	struct engine *e = engine_new();
	uint8_t form[TICKET_MAX];
	struct ticket t, got;
	struct tickets keys;
	struct span sealed;
	int hash;

	(void)state;
	tickets_init(&keys, 0);
	for (hash = 0; hash <= DIGEST_SHA384; hash++) {
		t = session((enum digest_kind)hash);
		sealed = ticket_seal(form, &t, &keys, e, nonce);
		assert_int_equal(sealed.n, TICKETS_NAME_LEN + ENGINE_NONCE_LEN + 1 + 32 +
						   digest_len(t.hash) + ENGINE_TAG_LEN);
		assert_true(ticket_open(&got, sealed, &keys, e));
		assert_int_equal(got.hash, t.hash);
		assert_memory_equal(&got.scope, &t.scope, sizeof(t.scope));
		assert_memory_equal(got.psk, t.psk, digest_len(t.hash));
	}
	engine_free(e);
}

static void what_was_changed_does_not_open(void **state)
{
	struct ticket t = session(DIGEST_SHA256), got = { 0 }, nothing = { 0 };
	struct engine *e = engine_new();
	uint8_t form[TICKET_MAX + 1] = { 0 };
	struct tickets keys;
	struct span sealed;
	size_t i;

	(void)state;
	tickets_init(&keys, 0);
	sealed = ticket_seal(form, &t, &keys, e, nonce);
	for (i = 0; i < 8 * sealed.n; i++) {
		form[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(ticket_open(&got, sealed, &keys, e));
		form[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (i = 0; i < sealed.n; i++)
		assert_false(ticket_open(&got, span_of(form, i), &keys, e));
	assert_false(ticket_open(&got, span_of(form, sealed.n + 1), &keys, e));
	assert_false(ticket_open(&got, span_of(form, sizeof(form)), &keys, e));
	assert_memory_equal(&got, &nothing, sizeof(got));
	assert_true(ticket_open(&got, sealed, &keys, e));
	engine_free(e);
}

/* A form that says another hash than its key is long, under the right key. */
static void length_is_that_of_its_hash(void **state)
{
	struct ticket t = session(DIGEST_SHA256), got;
	struct engine *e = engine_new();
	uint8_t form[TICKET_MAX], plain[81], kind;
	struct tickets keys;
	struct key32 key;
	uint8_t value[DIGEST_MAX];
	const struct span label = span_str("postern/ticket/v2 session");
	struct span sealed;
	static const struct {
		uint8_t hash;
		size_t n;
		bool is_good;
	} rows[] = {
		{ DIGEST_SHA256, 65, true },
		{ DIGEST_SHA256, 64, false },
		{ DIGEST_SHA256, 66, false },
		{ DIGEST_SHA384, 81, true },
		{ DIGEST_SHA384, 65, false },
		{ 2, 65, false },
		{ DIGEST_SHA256, 1, false },
	};
	size_t i;

	(void)state;
	tickets_init(&keys, 0);
	digest_hmac(value, DIGEST_SHA256, SPAN_ARRAY(keys.now.cipher.b), &label, 1);
	memcpy(key.b, value, 32);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = rows[i].n;

		memset(plain, 'p', sizeof(plain));
		plain[0] = rows[i].hash;
		memcpy(form, keys.now.name, TICKETS_NAME_LEN);
		memcpy(form + TICKETS_NAME_LEN, nonce, sizeof(nonce));
		kind = plain[n - 1];
		engine_seal(e, ENGINE_AES_256_GCM, form + TICKETS_NAME_LEN + ENGINE_NONCE_LEN, &key,
			    nonce, SPAN_ARRAY(keys.now.name), span_of(plain, n - 1), kind);
		sealed = span_of(form, TICKETS_NAME_LEN + ENGINE_NONCE_LEN + n + ENGINE_TAG_LEN);
		assert_int_equal(ticket_open(&got, sealed, &keys, e), rows[i].is_good);
	}
	/* The key is what ticket_seal() takes. */
	sealed = ticket_seal(form, &t, &keys, e, nonce);
	assert_true(engine_open(e, ENGINE_AES_256_GCM, plain, &key, nonce,
				SPAN_ARRAY(keys.now.name), span_of(form + 28, sealed.n - 28)));
	engine_free(e);
}

static void e23_keys_go(void **state)
{
	struct ticket t = session(DIGEST_SHA384), got;
	struct engine *e = engine_new();
	struct tickets keys, others;
	uint8_t form[TICKET_MAX];
	struct span sealed;

	(void)state;
	tickets_init(&keys, 0);
	tickets_init(&others, 0);
	sealed = ticket_seal(form, &t, &keys, e, nonce);
	assert_false(ticket_open(&got, sealed, &others, e));
	tickets_advance(&keys, TICKETS_EPOCH_MS);
	assert_true(ticket_open(&got, sealed, &keys, e));
	tickets_advance(&keys, 2ll * TICKETS_EPOCH_MS);
	assert_false(ticket_open(&got, sealed, &keys, e));
	engine_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(what_was_changed_does_not_open),
		cmocka_unit_test(length_is_that_of_its_hash),
		cmocka_unit_test(e23_keys_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
