#include "edge/listing.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "edge/conn.h"
#include "edge/master.h"
#include "edge/upgrade.h"
#include "io/clock.h"
#include "tls/facts.h"

enum {
	REPORT_MAX = 16 * 1024 * 1024,
	CHAIN_MAX = 256 * 1024,
};

static void add(json_t *to, const char *key, json_t *value)
{
	(void)json_object_set_new(to, key, value);
}

static void add_number(json_t *to, const char *key, uint64_t v)
{
	add(to, key, json_integer((json_int_t)v));
}

/* What may hold a peer's bytes; what is not UTF-8 is not shown. */
static json_t *text(const char *s)
{
	json_t *j = json_string(s);

	return j ? j : json_string("?");
}

static json_t *hex(struct span b)
{
	char digits[2 * 32 + 1] = "";
	struct wr w = wr_over(digits, sizeof(digits) - 1);

	text_hex(&w, b);
	return json_string(digits);
}

/* ---- sums ---- */

static json_t *states(const struct board *b)
{
	json_t *j = json_object();
	uint64_t n;
	uint32_t i;
	int s;

	for (s = 0; s < BOARD_STATES; s++) {
		n = 0;
		for (i = 0; i < b->worker_count; i++)
			n += board_get(&b->workers[i].states[s]);
		add_number(j, conn_state_name((enum conn_state)s), n);
	}
	return j;
}

static const char *const rate_names[] = {
	[RATES_CONNECTIONS] = "connections",
	[RATES_HANDSHAKES] = "handshakes",
	[RATES_REFUSED] = "refused",
	[RATES_UP] = "bytes_up",
	[RATES_DOWN] = "bytes_down",
};

static json_t *totals(const struct master *m)
{
	json_t *j = json_object();
	int of;

	for (of = 0; of < RATES_COUNT; of++)
		add_number(j, rate_names[of],
			   rates_total(m->board, (enum rates_of)of));
	return j;
}

static json_t *rates(const struct master *m)
{
	json_t *j = json_object();
	int of;

	for (of = 0; of < RATES_COUNT; of++)
		add_number(j, rate_names[of],
			   rates_per_s(&m->rates, (enum rates_of)of));
	return j;
}

/* Null: it cannot be read. */
static json_t *certificate(struct span chain, const char *from)
{
	json_t *names, *one;
	struct facts f;
	size_t i;

	if (facts_read(&f, chain))
		return json_null();
	names = json_array();
	for (i = 0; i < f.name_count; i++)
		(void)json_array_append_new(names, text(f.names[i]));
	one = json_object();
	add(one, "chain", text(from));
	add(one, "names", names);
	add(one, "issuer", text(f.issuer));
	add(one, "not_before_unix", json_integer(f.not_before));
	add(one, "not_after_unix", json_integer(f.not_after));
	add(one, "expires_in_s", json_integer(f.not_after - clock_unix_s()));
	add(one, "sha256", hex(SPAN_ARRAY(f.fingerprint)));
	return one;
}

static json_t *certificate_file(struct files *files, const char *path)
{
	AUTO(buf_fini)
	struct buf chain = { 0 };

	buf_init(&chain, CHAIN_MAX);
	return files_read(files, &chain, path)
		       ? json_null()
		       : certificate(buf_span(&chain), path);
}

/* Those that postern-cert has issued. */
static void add_issued(json_t *list, const struct files *files)
{
	AUTO(arena_wipe)
	struct arena arena = { 0 };
	struct issued issued;
	struct span document;
	size_t i;

	arena_init(&arena, ISSUED_ARENA_MAX);
	if (!issued_find(files, &document) ||
	    issued_read(&issued, &arena, document))
		return;
	for (i = 0; i < issued.certificate_count; i++)
		(void)json_array_append_new(
			list, certificate(issued.certificates[i].chain,
					  "postern-cert"));
}

/* What is served to everyone anyway, postern-cert's and the default one, then
 * so many others; null: they cannot be read. */
static json_t *certificates(const struct master *m, size_t others)
{
	const struct edge_config *config = &m->setup->config;
	const struct edge_certificate *more = config->certificates.items;
	AUTO(files_fini)
	struct files files = { 0 };
	json_t *list;
	size_t i;

	/* What is in use, not what is on disk now. */
	if (files_unpack(&files, m->files_fd))
		return json_null();
	list = json_array();
	if (config->cert.keys)
		add_issued(list, &files);
	if (edge_config_has_default(config))
		(void)json_array_append_new(
			list,
			certificate_file(&files, config->certificate.chain));
	for (i = 0; i < others && i < config->certificates.count; i++)
		(void)json_array_append_new(
			list, certificate_file(&files, more[i].chain));
	return list;
}

json_t *listing_live(struct master *m)
{
	json_t *j = json_object();

	add_number(j, "connections", crew_connections(&m->crew));
	add_number(j, "uptime_ms", clock_boot_ms() - m->started_ms);
	add(j, "per_s", rates(m));
	add(j, "totals", totals(m));
	add(j, "certificates", certificates(m, 0));
	return j;
}

static const char *member_state(enum crew_state s)
{
	static const char *const names[] = {
		[CREW_GONE] = "gone",
		[CREW_STARTING] = "starting",
		[CREW_READY] = "ready",
		[CREW_SERVING] = "serving",
		[CREW_DRAINING] = "draining",
	};

	return names[s];
}

static json_t *workers(const struct master *m)
{
	json_t *list = json_array();
	size_t i, s;

	for (i = 0; i < m->crew.count; i++) {
		const struct crew_member *c = &m->crew.members[i];
		const struct board_worker *w = &m->board->workers[i];
		json_t *j = json_object();
		uint64_t n = 0;

		for (s = 0; s < BOARD_STATES; s++)
			n += board_get(&w->states[s]);
		add_number(j, "worker", i);
		add_number(j, "pid", (uint64_t)c->process.pid);
		add(j, "state", json_string(member_state(c->state)));
		add_number(j, "restarts", c->restarts);
		add_number(j, "connections", n);
		add_number(j, "accepted", board_get(&w->accepted));
		add_number(j, "shed", board_get(&w->shed));
		add_number(j, "lag_ms", board_get(&w->lag_ms));
		add_number(j, "rss", board_get(&w->rss));
		(void)json_array_append_new(list, j);
	}
	return list;
}

static json_t *upgrade(const struct master *m)
{
	if (upgrade_is_on(m))
		return json_pack("{s:s, s:i}", "state", "running", "pid",
				 (int)m->next.pid);
	if (m->next_error[0])
		return json_pack("{s:s, s:o}", "state", "failed", "reason",
				 text(m->next_error));
	return json_pack("{s:s}", "state", "none");
}

json_t *listing_status(struct master *m)
{
	json_t *j = listing_live(m);

	add(j, "certificates", certificates(m, SIZE_MAX));
	add(j, "base", text(m->setup->config.base));
	add(j, "pid", json_integer(getpid()));
	add(j, "state",
	    json_string(m->state == MASTER_SERVING ? "serving" : "draining"));
	add_number(j, "generation", m->generation);
	add(j, "loaded_unix_ms", json_integer(m->loaded_unix_ms));
	add_number(j, "reloads", m->reloads);
	add_number(j, "reloads_failed", m->reloads_failed);
	add(j, "upgrade", upgrade(m));
	add(j, "states", states(m->board));
	add(j, "workers", workers(m));
	return j;
}

/* ---- leases ---- */

struct leases {
	const struct master *m;
	json_t *list;
};

static json_t *address(const uint8_t a[16])
{
	char line[INET6_ADDRSTRLEN] = "";
	bool is_v4 = span_is_zero(span_of(a, 10)) && a[10] == 0xff;

	(void)inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? a + 12 : a, line,
			sizeof(line));
	return json_string(line);
}

/* By us, or for every edge: in the store. */
static bool is_drained(const struct master *m, const uint8_t id[STORE_ID_LEN])
{
	return board_is_drained(m->board, id) ||
	       (m->store && store_is_drained(m->store, id) == STORE_FOUND);
}

static bool add_instance(void *arg, const struct store_lease *l)
{
	struct leases *all = arg;
	int64_t now = clock_unix_ms();
	json_t *j = json_object();

	add(j, "instance_id", hex(SPAN_ARRAY(l->instance_id)));
	add(j, "app_id", hex(SPAN_ARRAY(l->app_id)));
	add(j, "app_name", text(l->app_name));
	add(j, "address", address(l->address));
	add(j, "evidence_age_ms", json_integer(now - l->renewed_unix_ms));
	add(j, "expires_in_ms", json_integer(l->expires_unix_ms - now));
	add(j, "renewals", json_integer(l->renewals));
	add(j, "simulated", json_boolean(l->is_simulated));
	add(j, "tcb_status", text(l->tcb_status));
	add_number(j, "ports", l->port_count);
	add(j, "drained", json_boolean(is_drained(all->m, l->instance_id)));
	return json_array_append_new(all->list, j) == 0;
}

json_t *listing_instances(struct master *m)
{
	struct leases all = { .m = m, .list = json_array() };

	if (m->store && store_each(m->store, add_instance, &all)) {
		json_decref(all.list);
		return json_pack("{s:s}", "error", "the store cannot be read");
	}
	return json_pack("{s:o}", "instances", all.list);
}

/* What all workers counted of an app; false: nothing. */
static void add_counts(json_t *j, const struct board *b,
		       const uint8_t id[STORE_ID_LEN])
{
	uint64_t active = 0, connections = 0, limited = 0, up = 0, down = 0;
	const struct board_app *a;
	uint32_t w;
	size_t i;

	for (w = 0; w < b->worker_count; w++) {
		for (i = 0; i < BOARD_APPS_MAX; i++) {
			a = &b->workers[w].apps[i];
			if (!a->is_used)
				break;
			/* public: names of apps */
			if (memcmp(a->id, id, STORE_ID_LEN) != 0)
				continue;
			active += board_get(&a->active);
			connections += board_get(&a->connections);
			limited += board_get(&a->limited);
			up += board_get(&a->up);
			down += board_get(&a->down);
		}
	}
	add_number(j, "active", active);
	add_number(j, "connections", connections);
	add_number(j, "limited", limited);
	add_number(j, "bytes_up", up);
	add_number(j, "bytes_down", down);
}

static bool add_app(void *arg, const struct store_lease *l)
{
	struct leases *all = arg;
	int64_t age = clock_unix_ms() - l->renewed_unix_ms;
	json_t *id = hex(SPAN_ARRAY(l->app_id)), *j;
	size_t i;

	json_array_foreach(all->list, i, j)
	{
		if (!json_equal(json_object_get(j, "app_id"), id))
			continue;
		add(j, "instances",
		    json_integer(json_integer_value(
					 json_object_get(j, "instances")) +
				 1));
		if (json_integer_value(json_object_get(
			    j, "oldest_evidence_ms")) < age)
			add(j, "oldest_evidence_ms", json_integer(age));
		json_decref(id);
		return true;
	}
	j = json_object();
	add(j, "app_id", id);
	add(j, "app_name", text(l->app_name));
	add(j, "instances", json_integer(1));
	add(j, "oldest_evidence_ms", json_integer(age));
	add_counts(j, all->m->board, l->app_id);
	return json_array_append_new(all->list, j) == 0;
}

json_t *listing_apps(struct master *m)
{
	struct leases all = { .m = m, .list = json_array() };

	if (m->store && store_each(m->store, add_app, &all)) {
		json_decref(all.list);
		return json_pack("{s:s}", "error", "the store cannot be read");
	}
	return json_pack("{s:o}", "apps", all.list);
}

json_t *listing_certificates(struct master *m)
{
	return json_pack("{s:o}", "certificates", certificates(m, SIZE_MAX));
}

json_t *listing_connections(struct master *m)
{
	AUTO(buf_fini)
	struct buf lines = { 0 };
	json_t *list = json_array();
	struct span rest, line;

	buf_init(&lines, REPORT_MAX);
	crew_report(&m->crew, &lines);
	rest = buf_span(&lines);
	while (rd_until(&rest, &line, '\n')) {
		json_t *j = json_loadb((const char *)line.p, line.n, 0, NULL);

		if (j)
			(void)json_array_append_new(list, j);
	}
	return json_pack("{s:o}", "connections", list);
}
