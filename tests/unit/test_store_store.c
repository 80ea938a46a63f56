#include "folder.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/route.h"
#include "store/store.h"

#define NO_QUOTE ((struct span){ 0 })

enum {
	FOREVER = INT32_MAX,
	CRASHES = 15,
	THREADS = 4,
};

struct fixture {
	struct folder folder;
	struct store *store;
};

static struct store *open_store(const struct folder *f, enum store_access access)
{
	struct store *s = NULL;
	char error[256];

	assert_int_equal(store_open(&s, f->path, access, 16 << 20, error), RC_OK);
	return s;
}

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	folder_make(&f->folder);
	f->store = open_store(&f->folder, STORE_WRITE);
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

static void set_address(uint8_t address[16], unsigned host)
{
	const uint8_t base[16] = { [10] = 0xff, 0xff, 10, 88, (uint8_t)(host >> 8), (uint8_t)host };

	memcpy(address, base, 16);
}

/* Instance number n of app a, at address 10.88.0.n with key n. */
static struct store_lease lease(unsigned a, unsigned n)
{
	struct store_lease l = {
		.instance_id = { 0xee, (uint8_t)(n >> 8), (uint8_t)n },
		.app_id = { 0xaa, (uint8_t)a },
		.app_name = "app",
		.wg_public = { (uint8_t)(n >> 8), (uint8_t)n, 1 },
		.granted_unix_ms = 1000,
		.expires_unix_ms = FOREVER,
		.port_count = 1,
		.ports = { { .port = 8080, .protocol = STORE_HTTP } },
	};

	set_address(l.address, n);
	return l;
}

/* What an id leads to on port 8080; STORE_NONE without a live lease. */
static enum store_answer look(struct store *s, struct store_route *out,
			      const uint8_t id[STORE_ID_LEN], int64_t now)
{
	struct store_query q = { .port = 8080, .now_unix_ms = now };
	enum store_answer answer;

	memcpy(q.id, id, STORE_ID_LEN);
	answer = store_route(s, out, &q);
	return answer == STORE_FOUND && out->live_count == 0 ? STORE_NONE : answer;
}

static void put(struct fixture *f, const struct store_lease *l)
{
	assert_int_equal(store_lease_put(f->store, l, NO_QUOTE), RC_OK);
}

static void put_then_get(void **state)
{
	struct fixture *f = *state;
	struct store_lease l = lease(1, 1), got;

	assert_int_equal(store_lease_get(f->store, &got, l.instance_id), STORE_NONE);
	put(f, &l);
	assert_int_equal(store_lease_get(f->store, &got, l.instance_id), STORE_FOUND);
	assert_memory_equal(&got, &l, sizeof(l));
	l.renewals = 7;
	l.expires_unix_ms++;
	put(f, &l);
	assert_int_equal(store_lease_get(f->store, &got, l.instance_id), STORE_FOUND);
	assert_memory_equal(&got, &l, sizeof(l));
}

static void quote_stands_beside_its_lease(void **state)
{
	struct fixture *f = *state;
	struct store_lease l = lease(1, 1);
	struct buf got, small;

	buf_init(&got, 64);
	buf_init(&small, 3);
	assert_int_equal(store_quote_get(f->store, &got, l.instance_id), RC_OK);
	assert_int_equal(got.n, 0);
	assert_int_equal(store_lease_put(f->store, &l, span_str("old")), RC_OK);
	assert_int_equal(store_lease_put(f->store, &l, span_str("newer")), RC_OK);
	assert_int_equal(store_quote_get(f->store, &got, l.instance_id), RC_OK);
	assert_true(span_equal_str(buf_span(&got), "newer"));
	assert_int_equal(store_quote_get(f->store, &small, l.instance_id), RC_LIMIT);
	assert_int_equal(small.n, 0);
	buf_reset(&got);
	assert_int_equal(store_lease_remove(f->store, l.instance_id, false), RC_OK);
	assert_int_equal(store_quote_get(f->store, &got, l.instance_id), RC_OK);
	assert_int_equal(got.n, 0);
	buf_fini(&got);
	buf_fini(&small);
}

static void address_of_another_denied(void **state)
{
	struct fixture *f = *state;
	struct store_lease a = lease(1, 1), b = lease(1, 2), got;

	put(f, &a);
	memcpy(b.address, a.address, 16);
	assert_int_equal(store_lease_put(f->store, &b, NO_QUOTE), RC_DENIED);
	assert_int_equal(store_lease_get(f->store, &got, b.instance_id), STORE_NONE);
}

static void key_of_another_denied(void **state)
{
	struct fixture *f = *state;
	struct store_lease a = lease(1, 1), b = lease(1, 2);

	put(f, &a);
	memcpy(b.wg_public, a.wg_public, 32);
	assert_int_equal(store_lease_put(f->store, &b, NO_QUOTE), RC_DENIED);
	/* Once the holder changes its key, the old one is free. */
	a.wg_public[31] = 9;
	put(f, &a);
	put(f, &b);
}

static void removed_lease_frees_its_key_and_keeps_its_address(void **state)
{
	struct fixture *f = *state;
	struct store_lease a = lease(1, 1), b = lease(1, 2), got;

	put(f, &a);
	assert_int_equal(store_lease_remove(f->store, a.instance_id, false), RC_OK);
	assert_int_equal(store_lease_get(f->store, &got, a.instance_id), STORE_NONE);
	memcpy(b.wg_public, a.wg_public, 32);
	put(f, &b);
	memcpy(b.address, a.address, 16);
	assert_int_equal(store_lease_put(f->store, &b, NO_QUOTE), RC_DENIED);
	assert_int_equal(store_lease_remove(f->store, a.instance_id, true), RC_OK);
	put(f, &b);
	assert_int_equal(store_lease_remove(f->store, a.instance_id, true), RC_OK);
}

static void targets_of_app_are_live_and_oldest_first(void **state)
{
	struct fixture *f = *state;
	struct store_route t;

	for (unsigned n = 1; n <= 4; n++) {
		struct store_lease l = lease(1, n);

		l.granted_unix_ms = 5000 - n;
		l.expires_unix_ms = n == 2 ? 100 : 200;
		put(f, &l);
	}
	put(f, &(struct store_lease[]){ lease(2, 9) }[0]);
	assert_int_equal(look(f->store, &t, lease(1, 0).app_id, 100), STORE_FOUND);
	assert_int_equal(t.count, 3);
	assert_int_equal(t.at[0].instance_id[2], 4);
	assert_int_equal(t.at[1].instance_id[2], 3);
	assert_int_equal(t.at[2].instance_id[2], 1);
	assert_int_equal(look(f->store, &t, lease(1, 0).app_id, 200), STORE_NONE);
	assert_int_equal(t.count, 0);
	assert_int_equal(look(f->store, &t, lease(3, 0).app_id, 0), STORE_NONE);
}

static void target_of_instance_is_one(void **state)
{
	struct fixture *f = *state;
	struct store_lease a = lease(1, 1), b = lease(1, 2);
	struct store_route t;

	put(f, &a);
	put(f, &b);
	assert_int_equal(look(f->store, &t, b.instance_id, 0), STORE_FOUND);
	assert_int_equal(t.count, 1);
	assert_memory_equal(t.at[0].instance_id, b.instance_id, STORE_ID_LEN);
	assert_memory_equal(t.at[0].address, b.address, sizeof(b.address));
	assert_memory_equal(t.app_id, b.app_id, STORE_ID_LEN);
	assert_int_equal(look(f->store, &t, b.instance_id, FOREVER), STORE_NONE);
}

static void targets_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct store_route t;

	for (unsigned n = 1; n <= STORE_ROUTE_MAX + 4; n++) {
		struct store_lease l = lease(1, n);

		put(f, &l);
	}
	assert_int_equal(look(f->store, &t, lease(1, 0).app_id, 0), STORE_FOUND);
	assert_int_equal(t.count, STORE_ROUTE_MAX);
}

static void regranted_lease_stands_once_under_its_app(void **state)
{
	struct fixture *f = *state;
	struct store_lease l = lease(1, 1);
	struct store_route t;

	put(f, &l);
	l.granted_unix_ms = 2000;
	put(f, &l);
	assert_int_equal(look(f->store, &t, l.app_id, 0), STORE_FOUND);
	assert_int_equal(t.count, 1);
}

/* An instance id stays its app's, with a lease and after it. */
static void instance_of_another_app_denied(void **state)
{
	struct fixture *f = *state;
	struct store_lease own = lease(1, 1), thief = lease(2, 1), got;
	uint8_t address[16] = { 0 }, first[16], last[16];

	set_address(first, 1);
	set_address(last, 6);
	put(f, &own);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_lease_put(f->store, &thief, NO_QUOTE), RC_DENIED);
		assert_int_equal(store_address(f->store, address, thief.instance_id, thief.app_id,
					       first, last),
				 RC_DENIED);
		assert_true(span_is_zero(SPAN_ARRAY(address)));
		assert_int_equal(store_lease_remove(f->store, own.instance_id, false), RC_OK);
	}
	assert_int_equal(store_lease_get(f->store, &got, own.instance_id), STORE_NONE);
	assert_int_equal(store_address(f->store, address, own.instance_id, own.app_id, first, last),
			 RC_OK);
	put(f, &own);
	assert_int_equal(store_lease_remove(f->store, own.instance_id, true), RC_OK);
	put(f, &thief); /* nobody's any more */
}

/* An instance that calls itself by an app's id gets none of its traffic. */
static void instance_id_that_is_an_app_denied(void **state)
{
	const struct store_alias alias = { "shop", { 0xaa, 3 } };
	struct fixture *f = *state;
	struct store_lease victim = lease(1, 1), thief = lease(2, 2);
	uint8_t address[16], first[16], last[16];

	set_address(first, 1);
	set_address(last, 6);
	put(f, &victim);
	memcpy(thief.instance_id, victim.app_id, STORE_ID_LEN);
	assert_int_equal(store_lease_put(f->store, &thief, NO_QUOTE), RC_DENIED);
	assert_int_equal(store_address(f->store, address, thief.instance_id, thief.app_id, first,
				       last),
			 RC_DENIED);
	assert_int_equal(store_aliases_set(f->store, &alias, 1), RC_OK);
	memcpy(thief.instance_id, alias.app_id, STORE_ID_LEN);
	assert_int_equal(store_lease_put(f->store, &thief, NO_QUOTE), RC_DENIED);
	thief = lease(2, 2);
	put(f, &thief);
}

/* The thief came first: the app has its name from its first lease on. */
static void id_of_app_and_instance_is_the_apps(void **state)
{
	struct fixture *f = *state;
	struct store_lease victim = lease(1, 1), thief = lease(2, 2);
	struct store_route t;

	memcpy(thief.instance_id, victim.app_id, STORE_ID_LEN);
	put(f, &thief);
	put(f, &victim);
	assert_int_equal(look(f->store, &t, victim.app_id, 0), STORE_FOUND);
	assert_int_equal(t.count, 1);
	assert_memory_equal(t.at[0].instance_id, victim.instance_id, STORE_ID_LEN);
	assert_memory_equal(t.app_id, victim.app_id, STORE_ID_LEN);
}

static unsigned next_address(struct fixture *f, unsigned n, unsigned first, unsigned last)
{
	uint8_t address[16] = { 0 }, from[16], to[16];
	enum rc rc;

	set_address(from, first);
	set_address(to, last);
	rc = store_address(f->store, address, lease(1, n).instance_id, lease(1, n).app_id, from,
			   to);
	if (rc == RC_LIMIT)
		return 0;
	assert_int_equal(rc, RC_OK);
	return address[14] * 256u + address[15];
}

static void addresses_are_lowest_free_and_kept(void **state)
{
	struct fixture *f = *state;
	struct store_lease three = lease(1, 3);

	put(f, &three); /* at 10.88.0.3 */
	assert_int_equal(next_address(f, 1, 2, 6), 2);
	assert_int_equal(next_address(f, 2, 2, 6), 4);
	assert_int_equal(next_address(f, 1, 2, 6), 2);
	assert_int_equal(next_address(f, 3, 2, 6), 3);
	assert_int_equal(store_lease_remove(f->store, lease(1, 1).instance_id, true), RC_OK);
	assert_int_equal(next_address(f, 5, 2, 6), 2);
	/* Its old address is outside the range now. */
	assert_int_equal(next_address(f, 5, 5, 6), 5);
	assert_int_equal(next_address(f, 6, 2, 6), 2);
}

static void address_carries_into_the_next_byte(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(next_address(f, 1, 255, 257), 255);
	assert_int_equal(next_address(f, 2, 255, 257), 256);
	assert_int_equal(next_address(f, 3, 255, 257), 257);
}

static void full_range_reuses_what_nobody_leases(void **state)
{
	struct fixture *f = *state;
	struct store_lease two = lease(1, 2), three = lease(1, 3), four = lease(1, 4);

	put(f, &two);
	put(f, &three);
	put(f, &four);
	assert_int_equal(next_address(f, 9, 2, 4), 0);
	assert_int_equal(store_lease_remove(f->store, three.instance_id, false), RC_OK);
	assert_int_equal(next_address(f, 3, 2, 4), 3);
	assert_int_equal(next_address(f, 9, 2, 4), 3);
	assert_int_equal(store_lease_put(f->store, &three, NO_QUOTE), RC_DENIED);
}

static void aliases_are_replaced_at_once(void **state)
{
	static const struct store_alias old[] = { { "hello", { 1 } }, { "bye", { 2 } } };
	static const struct store_alias new[] = { { "hello", { 3 } } };
	static const struct store_alias twice[] = { { "a", { 4 } }, { "a", { 5 } } };
	struct fixture *f = *state;
	uint8_t id[STORE_ID_LEN];
	char longest[STORE_LABEL_MAX + 1];

	assert_int_equal(store_aliases_set(f->store, old, 2), RC_OK);
	assert_int_equal(store_alias_get(f->store, id, span_str("bye")), STORE_FOUND);
	assert_memory_equal(id, old[1].app_id, STORE_ID_LEN);
	assert_int_equal(store_aliases_set(f->store, new, 1), RC_OK);
	assert_int_equal(store_alias_get(f->store, id, span_str("bye")), STORE_NONE);
	assert_int_equal(store_aliases_set(f->store, twice, 2), RC_MALFORMED);
	assert_int_equal(store_alias_get(f->store, id, span_str("hello")), STORE_FOUND);
	assert_memory_equal(id, new[0].app_id, STORE_ID_LEN);
	assert_int_equal(store_alias_get(f->store, id, span_str("")), STORE_NONE);
	memset(longest, 'a', sizeof(longest));
	assert_int_equal(store_alias_get(f->store, id, SPAN_ARRAY(longest)), STORE_NONE);
	assert_int_equal(store_aliases_set(f->store, NULL, 0), RC_OK);
	assert_int_equal(store_alias_get(f->store, id, span_str("hello")), STORE_NONE);
}

struct walk {
	unsigned count, stop_at;
	uint8_t last[STORE_ID_LEN];
};

static bool visit(void *arg, const struct store_lease *l)
{
	struct walk *w = arg;

	assert_true(memcmp(w->last, l->instance_id, STORE_ID_LEN) < 0);
	memcpy(w->last, l->instance_id, STORE_ID_LEN);
	return ++w->count != w->stop_at;
}

static void each_goes_in_order_until_told(void **state)
{
	struct fixture *f = *state;
	struct walk all = { 0 }, some = { .stop_at = 2 };

	assert_int_equal(store_each(f->store, visit, &all), RC_OK);
	assert_int_equal(all.count, 0);
	for (unsigned n = 5; n > 0; n--) {
		struct store_lease l = lease(1, n);

		put(f, &l);
	}
	assert_int_equal(store_each(f->store, visit, &all), RC_OK);
	assert_int_equal(all.count, 5);
	assert_int_equal(store_each(f->store, visit, &some), RC_OK);
	assert_int_equal(some.count, 2);
}

static void full_map_is_a_limit_and_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct folder small;
	char error[256];
	struct store *s;
	enum rc rc = RC_OK;
	unsigned n = 0;
	struct store_lease l, got;

	(void)f;
	folder_make(&small);
	assert_int_equal(store_open(&s, small.path, STORE_WRITE, 128 * 1024, error), RC_OK);
	while (!rc) {
		l = lease(1, ++n);
		rc = store_lease_put(s, &l, NO_QUOTE);
	}
	assert_int_equal(rc, RC_LIMIT);
	assert_int_equal(store_lease_get(s, &got, l.instance_id), STORE_NONE);
	assert_int_equal(store_lease_get(s, &got, lease(1, n - 1).instance_id), STORE_FOUND);
	store_close(s);
	folder_remove(&small);
}

static void reader_without_a_store_fails(void **state)
{
	struct folder empty;
	struct store *s = NULL;
	char error[256];

	(void)state;
	folder_make(&empty);
	assert_int_equal(store_open(&s, empty.path, STORE_READ, 0, error), RC_SYS);
	assert_int_equal(errno, ENOENT);
	assert_non_null(strstr(error, "No such file"));
	assert_null(s);
	folder_remove(&empty);
}

/* Another process reads what this one writes, as it is at each moment. */
static void reader_process_sees_each_change(void **state)
{
	struct fixture *f = *state;
	struct store_lease l = lease(1, 1), got;
	int go[2], done[2], status;
	char c;
	pid_t pid;

	put(f, &l);
	store_close(f->store); /* not carried over a fork */
	f->store = NULL;
	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(done), 0);
	pid = fork();
	if (pid == 0) {
		struct store *s = open_store(&f->folder, STORE_READ);
		int bad = store_lease_get(s, &got, l.instance_id) != STORE_FOUND;

		bad |= write(done[1], "r", 1) != 1 || read(go[0], &c, 1) != 1;
		bad |= store_lease_get(s, &got, l.instance_id) != STORE_FOUND || got.renewals != 5;
		_exit(bad);
	}
	f->store = open_store(&f->folder, STORE_WRITE);
	assert_int_equal(read(done[0], &c, 1), 1);
	l.renewals = 5;
	put(f, &l);
	assert_int_equal(write(go[1], "g", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	for (int i = 0; i < 2; i++) {
		close(go[i]);
		close(done[i]);
	}
}

/* Puts leases 1, 2, 3, ... for ever and tells each that is confirmed. */
static void put_for_ever(const struct folder *folder, int tell, unsigned from)
{
	struct store *s = open_store(folder, STORE_WRITE);

	for (unsigned n = from;; n++) {
		struct store_lease l = lease(n % 7, n);
		unsigned renewal = n % 5 + 1;

		l.renewals = renewal;
		if (store_lease_put(s, &l, NO_QUOTE) != RC_OK ||
		    write(tell, &n, sizeof(n)) != sizeof(n))
			_exit(1);
	}
}

static void check_whole(struct store *s, unsigned count)
{
	for (unsigned n = 1; n <= count; n++) {
		struct store_lease l = lease(n % 7, n), got;
		struct store_lease thief = lease(1, 60000);

		assert_int_equal(store_lease_get(s, &got, l.instance_id), STORE_FOUND);
		assert_int_equal(got.renewals, n % 5 + 1);
		memcpy(thief.wg_public, l.wg_public, 32);
		assert_int_equal(store_lease_put(s, &thief, NO_QUOTE), RC_DENIED);
		thief = lease(1, 60000);
		memcpy(thief.address, l.address, 16);
		assert_int_equal(store_lease_put(s, &thief, NO_QUOTE), RC_DENIED);
	}
}

static bool count_one(void *arg, const struct store_lease *l)
{
	unsigned *count = arg;

	(void)l;
	++*count;
	return true;
}

static void killed_writer_keeps_every_confirmed_put(void **state)
{
	struct fixture *f = *state;
	unsigned confirmed = 0, kept;

	store_close(f->store);
	f->store = NULL;
	for (int i = 0; i < CRASHES; i++) {
		struct timespec nap = { .tv_nsec = 3000000 + 7000000 * i };
		int tell[2], status;
		pid_t pid;

		assert_int_equal(pipe(tell), 0);
		pid = fork();
		if (pid == 0)
			put_for_ever(&f->folder, tell[1], confirmed + 1);
		close(tell[1]);
		nanosleep(&nap, NULL);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		assert_true(WIFSIGNALED(status));
		while (read(tell[0], &confirmed, sizeof(confirmed)) == sizeof(confirmed)) {
		}
		close(tell[0]);
		f->store = open_store(&f->folder, STORE_WRITE);
		check_whole(f->store, confirmed);
		kept = 0;
		assert_int_equal(store_each(f->store, count_one, &kept), RC_OK);
		/* At most the put that was cut off before it was told. */
		assert_in_range(kept, confirmed, confirmed + 1);
		store_close(f->store);
		f->store = NULL;
	}
	print_message("confirmed %u\n", confirmed);
	assert_true(confirmed > 0);
}

/* A writer stopped anywhere, also in the middle of a change, holds no reader. */
static void stopped_writer_does_not_hold_readers(void **state)
{
	struct fixture *f = *state;
	struct store_route t;
	int tell[2];
	pid_t pid;

	store_close(f->store);
	f->store = NULL;
	assert_int_equal(pipe(tell), 0);
	pid = fork();
	if (pid == 0)
		put_for_ever(&f->folder, tell[1], 1);
	close(tell[1]);
	/* Once one is told, the tables are there. */
	assert_int_equal(read(tell[0], &(unsigned){ 0 }, sizeof(unsigned)), sizeof(unsigned));
	f->store = open_store(&f->folder, STORE_READ);
	alarm(20); /* kills this test if a reader ever waits */
	for (int i = 0; i < 50; i++) {
		nanosleep(&(struct timespec){ .tv_nsec = 700000 }, NULL);
		kill(pid, SIGSTOP);
		assert_int_equal(look(f->store, &t, lease(1, 0).app_id, 0), STORE_FOUND);
		kill(pid, SIGCONT);
	}
	alarm(0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(tell[0]);
}

static void *read_many(void *arg)
{
	struct store_route t;

	for (int i = 0; i < 2000; i++)
		if (look(arg, &t, lease(1, 0).app_id, 0) != STORE_FOUND || t.count != 3)
			return arg;
	return NULL;
}

static void many_threads_read(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[THREADS];
	void *failed;

	for (unsigned n = 1; n <= 3; n++) {
		struct store_lease l = lease(1, n);

		put(f, &l);
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, read_many, f->store), 0);
	for (unsigned i = 0; i < 20; i++) {
		struct store_lease l = lease(2, 100 + i);

		put(f, &l);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
}

static void marks_of_lineages_stay(void **state)
{
	static const uint8_t app[STORE_ID_LEN] = { 1 }, other[STORE_ID_LEN] = { 2 };
	uint8_t mark[STORE_MARK_LEN] = { 7 }, have[STORE_MARK_LEN] = { 0x5a };
	struct fixture *f = *state;

	assert_int_equal(store_lineage_get(f->store, have, app), STORE_NONE);
	assert_int_equal(have[0], 0x5a);
	assert_int_equal(store_lineage_put(f->store, app, mark), RC_OK);
	assert_int_equal(store_lineage_put(f->store, app, mark), RC_OK);
	assert_int_equal(store_lineage_get(f->store, have, other), STORE_NONE);
	mark[31] = 9;
	assert_int_equal(store_lineage_put(f->store, app, mark), RC_OK);
	store_close(f->store);
	f->store = open_store(&f->folder, STORE_WRITE);
	assert_int_equal(store_lineage_get(f->store, have, app), STORE_FOUND);
	assert_memory_equal(have, mark, sizeof(mark));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(put_then_get),
		T(quote_stands_beside_its_lease),
		T(address_of_another_denied),
		T(key_of_another_denied),
		T(removed_lease_frees_its_key_and_keeps_its_address),
		T(targets_of_app_are_live_and_oldest_first),
		T(target_of_instance_is_one),
		T(targets_are_bounded),
		T(regranted_lease_stands_once_under_its_app),
		T(instance_of_another_app_denied),
		T(instance_id_that_is_an_app_denied),
		T(id_of_app_and_instance_is_the_apps),
		T(addresses_are_lowest_free_and_kept),
		T(address_carries_into_the_next_byte),
		T(full_range_reuses_what_nobody_leases),
		T(aliases_are_replaced_at_once),
		T(each_goes_in_order_until_told),
		T(full_map_is_a_limit_and_changes_nothing),
		T(marks_of_lineages_stay),
		T(reader_without_a_store_fails),
		T(reader_process_sees_each_change),
		T(killed_writer_keeps_every_confirmed_put),
		T(stopped_writer_does_not_hold_readers),
		T(many_threads_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
