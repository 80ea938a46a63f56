/* store/route: what an id, a port and a custom name lead to. */
#include "folder.h"

#include "store/route.h"

#define NO_QUOTE ((struct span){ 0 })
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

enum {
	NOW = 1000,
	LATER = 2000,
	INSTANCES = STORE_ROUTE_MAX + 6,
};

struct fixture {
	struct folder folder;
	struct store *store;
};

/* Instance n of app a; port 80 + a is http, 443 tls with a PROXY header. */
static void grant(struct store *s, unsigned a, unsigned n, int64_t expires)
{
	struct store_lease l = {
		.instance_id = { 0xee, (uint8_t)a, (uint8_t)n },
		.app_id = { 0xaa, (uint8_t)a },
		.app_name = "app",
		.node_id = "a-node-of-some-name",
		.wg_public = { (uint8_t)a, (uint8_t)n, 1 },
		.address = { [10] = 0xff, 0xff, 10, 88, (uint8_t)a, (uint8_t)n },
		.granted_unix_ms = n,
		.expires_unix_ms = expires,
		.image = "base",
		.port_count = 2,
		.ports = { { .port = (uint16_t)(80 + a), .protocol = STORE_HTTP },
			   { .port = 443, .protocol = STORE_TLS, .proxy_protocol = 1 } },
	};

	assert_int_equal(store_lease_put(s, &l, NO_QUOTE), RC_OK);
}

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	char error[256];

	folder_make(&f->folder);
	assert_int_equal(store_open(&f->store, f->folder.path, STORE_WRITE, 16 << 20, error),
			 RC_OK);
	grant(f->store, 1, 1, LATER);
	grant(f->store, 1, 2, LATER);
	grant(f->store, 1, 3, NOW);
	grant(f->store, 2, 1, LATER);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	store_close(f->store);
	folder_remove(&f->folder);
	test_free(f);
	return 0;
}

static struct store_query query(unsigned a, uint16_t port)
{
	return (struct store_query){ .id = { 0xaa, (uint8_t)a },
				     .port = port,
				     .now_unix_ms = NOW };
}

static void ask(struct fixture *f, struct store_route *out, const struct store_query *q)
{
	assert_int_equal(store_route(f->store, out, q), STORE_FOUND);
}

static void app_and_port(void **state)
{
	struct store_query q = query(1, 443);
	struct store_route r;

	ask(*state, &r, &q);
	assert_int_equal(r.count, 2);
	assert_int_equal(r.live_count, 2);
	assert_int_equal(r.port.port, 443);
	assert_int_equal(r.port.protocol, STORE_TLS);
	assert_true(r.port.proxy_protocol);
	assert_int_equal(r.at[1].address[15], 2);
	assert_int_equal(r.app_id[1], 1);
	q = query(1, 82); /* another app's */
	ask(*state, &r, &q);
	assert_int_equal(r.count, 0);
	assert_int_equal(r.live_count, 2);
	assert_int_equal(r.port.port, 0);
	q = query(9, 443);
	ask(*state, &r, &q);
	assert_int_equal(r.live_count, 0);
	assert_int_equal(r.app_id[1], 9);
}

static void aliases(void **state)
{
	static const struct store_alias list[] = { { "one", { 0xaa, 1 } }, { "two", { 0xaa, 2 } } };
	struct store_query q = query(7, 443);
	struct fixture *f = *state;
	struct store_route r;

	assert_int_equal(store_aliases_set(f->store, list, 2), RC_OK);
	q.alias = span_str("two");
	ask(f, &r, &q);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.app_id[1], 2);
	q.alias = span_str("three");
	assert_int_equal(store_route(f->store, &r, &q), STORE_NONE);
	q.alias = span_of("one", 2);
	assert_int_equal(store_route(f->store, &r, &q), STORE_NONE);
}

/* More instances than are looked at: no write behind the array. */
static void instances_are_bounded(void **state)
{
	struct store_query q = query(3, 443);
	struct fixture *f = *state;
	struct {
		struct store_route r;
		uint8_t guard[64];
	} room;

	memset(room.guard, 0x5a, sizeof(room.guard));
	for (unsigned n = 1; n <= INSTANCES; n++)
		grant(f->store, 3, n, LATER);
	ask(f, &room.r, &q);
	assert_int_equal(room.r.count, STORE_ROUTE_MAX);
	for (size_t i = 0; i < sizeof(room.guard); i++)
		assert_int_equal(room.guard[i], 0x5a);
}

static void drained_ones_get_nothing_new(void **state)
{
	const uint8_t first[STORE_ID_LEN] = { 0xee, 1, 1 }, second[STORE_ID_LEN] = { 0xee, 1, 2 };
	struct store_query q = query(1, 443);
	struct fixture *f = *state;
	struct store_route r;

	assert_int_equal(store_is_drained(f->store, first), STORE_NONE);
	assert_int_equal(store_drain(f->store, first, true), RC_OK);
	assert_int_equal(store_drain(f->store, first, true), RC_OK);
	assert_int_equal(store_is_drained(f->store, first), STORE_FOUND);
	ask(f, &r, &q);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.drained_count, 1);
	assert_memory_equal(r.at[0].instance_id, second, STORE_ID_LEN);
	/* The mark outlives the lease and its renewal, not the instance. */
	grant(f->store, 1, 1, LATER + 1);
	assert_int_equal(store_lease_remove(f->store, first, false), RC_OK);
	assert_int_equal(store_is_drained(f->store, first), STORE_FOUND);
	assert_int_equal(store_lease_remove(f->store, first, true), RC_OK);
	assert_int_equal(store_is_drained(f->store, first), STORE_NONE);
	assert_int_equal(store_drain(f->store, second, true), RC_OK);
	assert_int_equal(store_drain(f->store, second, false), RC_OK);
	ask(f, &r, &q);
	assert_int_equal(r.count, 1);
}

static const struct {
	const char *domain;
	bool by_list, by_none; /* allowed with the list below; without one */
} DOMAINS[] = {
	{ "www.example.org", true, true },
	{ "example.org", false, true },
	{ "a.shop.example.org", true, true },
	{ "b.shop.example.org", true, true },
	{ "shop.example.org", false, true },
	{ "a.b.shop.example.org", false, true },
	{ "*.shop.example.org", true, true }, /* no host name, so nobody asks */
	{ "ww.example.org", false, true },
	{ "www.example.or", false, true },
	{ "org", false, true },
};

static void put_app(struct fixture *f, unsigned a, bool lists, const char *const *names)
{
	const uint8_t id[STORE_ID_LEN] = { 0xaa, (uint8_t)a };
	struct store_app app = { .lists_domains = lists };

	for (; names && *names; names++)
		strcpy(app.domains[app.domain_count++], *names);
	assert_int_equal(store_app_put(f->store, id, &app), RC_OK);
}

static bool allows(struct fixture *f, unsigned a, const char *domain)
{
	struct store_query q = query(a, 443);
	struct store_route r;

	q.domain = span_str(domain);
	ask(f, &r, &q);
	return r.is_domain_allowed;
}

static void custom_names_by_the_apps_list(void **state)
{
	static const char *const names[] = { "www.example.org", "*.shop.example.org", NULL };
	struct fixture *f = *state;
	struct store_route r;
	struct store_query q = query(1, 443);

	/* Nothing is known of the app: no. */
	assert_false(allows(f, 1, "www.example.org"));
	put_app(f, 1, true, names);
	put_app(f, 2, false, NULL);
	for (size_t i = 0; i < COUNT(DOMAINS); i++) {
		if (allows(f, 1, DOMAINS[i].domain) != DOMAINS[i].by_list)
			fail_msg("%s", DOMAINS[i].domain);
		if (allows(f, 2, DOMAINS[i].domain) != DOMAINS[i].by_none)
			fail_msg("%s without a list", DOMAINS[i].domain);
	}
	/* An empty list is a list. */
	put_app(f, 2, true, NULL);
	assert_false(allows(f, 2, "www.example.org"));
	/* A list that changes is replaced whole. */
	put_app(f, 1, true, names + 1);
	assert_false(allows(f, 1, "www.example.org"));
	assert_true(allows(f, 1, "x.shop.example.org"));
	/* Names under the base are no custom ones. */
	ask(f, &r, &q);
	assert_true(r.is_domain_allowed);
	/* By an instance's id the same. */
	q.id[0] = 0xee, q.id[1] = 1, q.id[2] = 2;
	q.domain = span_str("www.example.org");
	ask(f, &r, &q);
	assert_int_equal(r.count, 1);
	assert_false(r.is_domain_allowed);
}

static void app_goes_with_its_last_lease(void **state)
{
	static const char *const names[] = { "a.org", "b.org", "c.org", NULL };
	const uint8_t app[STORE_ID_LEN] = { 0xaa, 1 }, other[STORE_ID_LEN] = { 0xaa, 2 };
	uint8_t instance[STORE_ID_LEN] = { 0xee, 1, 0 };
	struct fixture *f = *state;
	struct store_app got;

	put_app(f, 1, true, names);
	put_app(f, 2, true, names);
	for (uint8_t n = 1; n <= 3; n++) {
		assert_int_equal(store_app_get(f->store, &got, app), STORE_FOUND);
		assert_int_equal(got.domain_count, 3);
		instance[2] = n;
		assert_int_equal(store_lease_remove(f->store, instance, false), RC_OK);
	}
	assert_int_equal(store_app_get(f->store, &got, app), STORE_NONE);
	assert_int_equal(store_app_get(f->store, &got, other), STORE_FOUND);
	assert_string_equal(got.domains[2], "c.org");
}

static void app_read_is_app_put(void **state)
{
	const uint8_t id[STORE_ID_LEN] = { 0xaa, 1 };
	struct store_app a = {
		.lists_domains = true,
		.domains = { "a.example.org", "b.example.org" },
		.domain_count = 2,
		.checks = { { 80, 10, "/ready" }, { 443, 3600, "" } },
		.check_count = 2,
	};
	struct fixture *f = *state;
	struct store_app got;

	assert_int_equal(store_app_get(f->store, &got, id), STORE_NONE);
	assert_int_equal(store_app_put(f->store, id, &a), RC_OK);
	assert_int_equal(store_app_get(f->store, &got, id), STORE_FOUND);
	assert_memory_equal(&got, &a, sizeof(a));
	/* Each difference is noticed. */
	a.checks[0].path[1] = 'R';
	assert_int_equal(store_app_put(f->store, id, &a), RC_OK);
	assert_int_equal(store_app_get(f->store, &got, id), STORE_FOUND);
	assert_memory_equal(&got, &a, sizeof(a));
	strcpy(a.domains[1], "c.example.org");
	assert_int_equal(store_app_put(f->store, id, &a), RC_OK);
	assert_int_equal(store_app_get(f->store, &got, id), STORE_FOUND);
	assert_memory_equal(&got, &a, sizeof(a));
	a = (struct store_app){ 0 };
	assert_int_equal(store_app_put(f->store, id, &a), RC_OK);
	assert_int_equal(store_app_get(f->store, &got, id), STORE_FOUND);
	assert_memory_equal(&got, &a, sizeof(a));
}

struct checks {
	unsigned count, stop_at;
	char text[256];
};

static bool note_check(void *arg, const struct store_instance *i, const struct store_port *port,
		       const struct store_check *c)
{
	struct checks *all = arg;

	sprintf(all->text + strlen(all->text), "%d.%d:%d%s%s ", i->instance_id[1],
		i->instance_id[2], c->port, c->path, port->proxy_protocol ? "+" : "");
	assert_int_equal(i->address[15], i->instance_id[2]);
	return ++all->count != all->stop_at;
}

static void checks_of_live_instances(void **state)
{
	const uint8_t one[STORE_ID_LEN] = { 0xaa, 1 }, two[STORE_ID_LEN] = { 0xaa, 2 };
	struct store_app a = { .checks = { { 81, 10, "/x" }, { 443, 5, "" }, { 7, 5, "" } },
			       .check_count = 3 };
	struct fixture *f = *state;
	struct checks all = { 0 }, some = { .stop_at = 1 };

	assert_int_equal(store_each_check(f->store, note_check, &all, NOW), RC_OK);
	assert_int_equal(all.count, 0);
	assert_int_equal(store_app_put(f->store, one, &a), RC_OK);
	a.check_count = 0;
	assert_int_equal(store_app_put(f->store, two, &a), RC_OK);
	assert_int_equal(store_each_check(f->store, note_check, &all, NOW), RC_OK);
	assert_string_equal(all.text, "1.1:81/x 1.1:443+ 1.2:81/x 1.2:443+ ");
	assert_int_equal(store_each_check(f->store, note_check, &some, NOW), RC_OK);
	assert_int_equal(some.count, 1);
}

/* An instance may not come under the id of an app with an alias, however many
 * aliases there are and however they change. */
static void aliased_ids_follow_the_aliases(void **state)
{
	static struct store_alias list[500];
	struct store_lease thief = { .instance_id = { 0xaa, 7, 0xf3, 1 }, .wg_public = { 9 } };
	struct fixture *f = *state;

	for (unsigned i = 0; i < COUNT(list); i++) {
		sprintf(list[i].label, "r%u", i);
		list[i].app_id[0] = 0xaa;
		list[i].app_id[1] = 7;
		list[i].app_id[2] = (uint8_t)i;
		list[i].app_id[3] = (uint8_t)(i >> 8);
	}
	assert_int_equal(store_aliases_set(f->store, list, COUNT(list)), RC_OK);
	assert_int_equal(store_lease_put(f->store, &thief, NO_QUOTE), RC_DENIED);
	assert_int_equal(store_aliases_set(f->store, list, 400), RC_OK);
	assert_int_equal(store_lease_put(f->store, &thief, NO_QUOTE), RC_OK);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(app_and_port),
		T(aliases),
		T(instances_are_bounded),
		T(drained_ones_get_nothing_new),
		T(custom_names_by_the_apps_list),
		T(app_goes_with_its_last_lease),
		T(app_read_is_app_put),
		T(checks_of_live_instances),
		T(aliased_ids_follow_the_aliases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
