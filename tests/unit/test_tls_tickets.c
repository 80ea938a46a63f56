/* tickets: epochs of keys, and which sessions they resume. */
#include "unit.h"

#include <openssl/err.h>

#include "tls/tickets.h"
#include "tls_peer.h"

static const struct sha256 scope_a = { { 'a' } }, scope_b = { { 'b' } };

static bool is_same_key(const struct tickets_key *a, const struct tickets_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0; /* public: a test's */
}

static void copies_agree_without_a_word(void **state)
{
	struct tickets a, b, other;

	(void)state;
	tickets_init(&a, 1000);
	tickets_init(&other, 1000);
	assert_false(is_same_key(&a.now, &other.now));
	b = a;
	tickets_advance(&a, 1000 + TICKETS_EPOCH_MS / 2);
	assert_true(is_same_key(&a.now, &b.now));
	/* One goes step by step, the other in one. */
	tickets_advance(&a, 1000 + TICKETS_EPOCH_MS);
	tickets_advance(&a, 1000 + 3ll * TICKETS_EPOCH_MS);
	tickets_advance(&b, 1000 + 3ll * TICKETS_EPOCH_MS + 5);
	assert_true(is_same_key(&a.now, &b.now));
	assert_true(is_same_key(&a.before, &b.before));
	assert_int_equal(a.ends_at_ms, 1000 + 4ll * TICKETS_EPOCH_MS);
}

static void epoch_ends_to_the_millisecond(void **state)
{
	struct tickets t;
	struct tickets_key first;

	(void)state;
	tickets_init(&t, 0);
	first = t.now;
	assert_false(t.has_before);
	tickets_advance(&t, TICKETS_EPOCH_MS - 1);
	assert_true(is_same_key(&t.now, &first));
	tickets_advance(&t, TICKETS_EPOCH_MS);
	assert_false(is_same_key(&t.now, &first));
	assert_true(t.has_before && is_same_key(&t.before, &first));
	tickets_advance(&t, 2ll * TICKETS_EPOCH_MS);
	assert_false(is_same_key(&t.before, &first));
}

static void keys_of_an_epoch_differ(void **state)
{
	struct tickets t;

	(void)state;
	tickets_init(&t, 0);
	assert_memory_not_equal(t.now.cipher.b, t.now.mac.b, 32);
	assert_memory_not_equal(t.now.cipher.b, t.seed.b, 32);
	assert_memory_not_equal(t.now.name, t.now.cipher.b, TICKETS_NAME_LEN);
}

/* Resumption. */

struct world {
	struct peer_pem pem;
	struct tls_context *context;
	struct tickets tickets;
	SSL_SESSION *session; /* what the client keeps; or NULL */
};

static void world_init(struct world *w)
{
	char error[TLS_ERROR_MAX];

	memset(w, 0, sizeof(*w));
	assert_true(peer_pem_make(&w->pem));
	assert_int_equal(tls_server_new(&w->context, span_str(w->pem.chain), span_str(w->pem.key),
					NULL, error),
			 RC_OK);
	tickets_init(&w->tickets, 0);
}

static void world_fini(struct world *w)
{
	SSL_SESSION_free(w->session);
	tls_context_free(w->context);
}

/*
 * A connection to a server of this scope, with the session that is kept, in
 * whose place comes what the server gives; NULL: no tickets there.  Whether it
 * was resumed; both sides agree on that.
 */
static bool visit(struct world *w, const struct sha256 *scope)
{
	struct tls_conn *server;
	struct peer_client p;
	bool is_resumed;
	char byte;

	assert_int_equal(tls_conn_new(&server, w->context, NULL), RC_OK);
	if (scope)
		assert_true(tls_conn_resume(server, &w->tickets, scope));
	peer_client_init(&p, TLS1_3_VERSION);
	if (w->session)
		assert_int_equal(SSL_set_session(p.ssl, w->session), 1);
	assert_int_equal(peer_client_pump(&p, server), TLS_OK);
	assert_int_equal(SSL_read(p.ssl, &byte, 1), -1); /* takes the ticket */
	is_resumed = tls_conn_is_resumed(server);
	assert_int_equal(SSL_session_reused(p.ssl), is_resumed);
	/* New keys each time: PSK with (EC)DHE. */
	assert_int_not_equal(SSL_get_negotiated_group(p.ssl), 0);
	SSL_SESSION_free(w->session);
	w->session = SSL_get1_session(p.ssl);
	SSL_set_shutdown(p.ssl, SSL_SENT_SHUTDOWN);
	peer_client_fini(&p);
	tls_conn_free(server);
	ERR_clear_error();
	return is_resumed;
}

static void same_scope_is_resumed_again_and_again(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	assert_false(visit(&w, &scope_a));
	assert_true(visit(&w, &scope_a));
	assert_true(visit(&w, &scope_a));
	world_fini(&w);
}

static void other_scope_is_a_full_handshake(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	assert_false(visit(&w, &scope_a));
	assert_false(visit(&w, &scope_b));
	/* What that gave is good for the other, and not for the first. */
	assert_true(visit(&w, &scope_b));
	assert_false(visit(&w, &scope_a));
	world_fini(&w);
}

static void no_tickets_where_none_are_wanted(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	assert_false(visit(&w, NULL));
	assert_false(SSL_SESSION_is_resumable(w.session));
	assert_false(visit(&w, &scope_a));
	assert_true(SSL_SESSION_is_resumable(w.session));
	assert_false(visit(&w, NULL));
	world_fini(&w);
}

static void e23_ticket_outlives_one_epoch_not_two(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	assert_false(visit(&w, &scope_a));
	tickets_advance(&w.tickets, TICKETS_EPOCH_MS);
	assert_true(visit(&w, &scope_a));
	tickets_advance(&w.tickets, 2ll * TICKETS_EPOCH_MS);
	/* The one that came with the last visit. */
	assert_true(visit(&w, &scope_a));
	tickets_advance(&w.tickets, 4ll * TICKETS_EPOCH_MS);
	assert_false(visit(&w, &scope_a));
	world_fini(&w);
}

static void ticket_outlives_the_certificate(void **state)
{
	struct world w, other;

	(void)state;
	world_init(&w);
	world_init(&other);
	assert_false(visit(&w, &scope_a));
	/* Another certificate, the same keys: a reload. */
	other.tickets = w.tickets;
	other.session = w.session;
	w.session = NULL;
	assert_true(visit(&other, &scope_a));
	/* Other keys: a new process. */
	tickets_init(&other.tickets, 0);
	assert_false(visit(&other, &scope_a));
	world_fini(&other);
	world_fini(&w);
}

static void e22_ticket_has_the_life_of_an_epoch_and_no_early_data(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	assert_false(visit(&w, &scope_a));
	assert_int_equal(SSL_SESSION_get_ticket_lifetime_hint(w.session), TICKETS_EPOCH_S);
	assert_int_equal(SSL_SESSION_get_max_early_data(w.session), 0);
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_agree_without_a_word),
		cmocka_unit_test(epoch_ends_to_the_millisecond),
		cmocka_unit_test(keys_of_an_epoch_differ),
		cmocka_unit_test(same_scope_is_resumed_again_and_again),
		cmocka_unit_test(other_scope_is_a_full_handshake),
		cmocka_unit_test(no_tickets_where_none_are_wanted),
		cmocka_unit_test(e23_ticket_outlives_one_epoch_not_two),
		cmocka_unit_test(ticket_outlives_the_certificate),
		cmocka_unit_test(e22_ticket_has_the_life_of_an_epoch_and_no_early_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
