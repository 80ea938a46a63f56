#include "registrar/registry.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "crypto/rng.h"
#include "io/clock.h"

enum {
	DENIED_MAX = 1024, /* withdrawn instances that are kept out */
};
static_assert((int)MANIFEST_PORTS_MAX <= (int)STORE_PORTS_MAX);
static_assert((int)MANIFEST_ID_LEN == (int)STORE_ID_LEN);
static_assert((int)CLOCK_BOOT_ID_LEN == (int)STORE_BOOT_LEN);

struct denied {
	uint8_t instance_id[STORE_ID_LEN];
	uint64_t until_ms;
};

struct registry {
	struct registry_options o;
	struct lease **leases; /* pointers, by instance id */
	size_t count, cap;
	struct denied denied[DENIED_MAX];
	size_t denied_count;
	uint8_t boot_id[STORE_BOOT_LEN];
};

static int compare_ids(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, STORE_ID_LEN); /* public: instance ids */
}

static size_t place_of(const struct registry *r, const uint8_t *id, bool *found)
{
	size_t low = 0, high = r->count;

	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = compare_ids(r->leases[middle]->record.instance_id, id);

		if (c == 0) {
			*found = true;
			return middle;
		}
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct registry *registry_new(const struct registry_options *options)
{
	struct registry *r = mem_new(sizeof(*r));

	r->o = *options;
	/* Not said: then no lease is of this boot, and none is restored. */
	if (!clock_boot_id(r->boot_id))
		rng_bytes(r->boot_id, sizeof(r->boot_id));
	return r;
}

static void lease_free(struct lease *l)
{
	loop_timer_disarm(l->registry->o.loop, &l->lapse);
	buf_fini(&l->quote);
	free(l);
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->count; i++)
		lease_free(r->leases[i]);
	free(r->leases);
	free(r);
}

static void lapsed(void *arg)
{
	registry_end(arg, CHANNEL_LEASE_LAPSED, "");
}

static struct lease *lease_add(struct registry *r, const uint8_t *id)
{
	struct lease *l;
	bool found;
	size_t at = place_of(r, id, &found);

	if (found)
		return r->leases[at];
	if (r->count == r->cap) {
		r->cap = r->cap ? 2 * r->cap : 16;
		r->leases = mem_grow(r->leases, r->cap, sizeof(void *));
	}
	l = mem_new(sizeof(*l));
	l->registry = r;
	l->lapse = (struct loop_timer){ .fn = lapsed, .arg = l };
	buf_init(&l->quote, QUOTE_MAX);
	memcpy(l->record.instance_id, id, STORE_ID_LEN);
	memmove(&r->leases[at + 1], &r->leases[at],
		(r->count - at) * sizeof(void *));
	r->leases[at] = l;
	r->count++;
	return l;
}

static void lease_drop(struct lease *l)
{
	struct registry *r = l->registry;
	bool found;
	size_t at = place_of(r, l->record.instance_id, &found);

	if (found) {
		r->count--;
		memmove(&r->leases[at], &r->leases[at + 1],
			(r->count - at) * sizeof(void *));
	}
	lease_free(l);
}

/* The one address that may be used as a source: the lease's own. */
static struct io_prefix tunnel_prefix(const struct store_lease *record)
{
	struct io_prefix p = { .len = 32 };

	memcpy(p.bytes, record->address + 12, 4);
	return p;
}

/* ---- the addresses to hand out ---- */

static void write_mapped(uint8_t out[16], uint32_t v4)
{
	struct wr w = wr_over(out, 16);

	wr_zero(&w, 10);
	wr_be16(&w, 0xffff);
	wr_be32(&w, v4);
}

/* First and last address to hand out: the larger side of the gateway's own
 * address, without those of the network and of broadcast. */
static void address_range(uint8_t first[16], uint8_t last[16],
			  const struct io_prefix *network)
{
	uint32_t hosts = UINT32_MAX >> network->len, own = 0, low, high;
	struct span s = span_of(network->bytes, 4);

	(void)rd_be32(&s, &own); /* four bytes are there */
	low = (own & ~hosts) + 1;
	high = (own | hosts) - 1;
	if (own - low > high - own)
		high = own - 1;
	else
		low = own + 1;
	write_mapped(first, low);
	write_mapped(last, high);
}

static bool is_in_range(const struct registry *r, const uint8_t address[16])
{
	uint8_t first[16], last[16];

	address_range(first, last, &r->o.config->wireguard.address);
	/* public: addresses */
	return memcmp(address, first, 16) >= 0 &&
	       /* public: as above */
	       memcmp(address, last, 16) <= 0;
}

/* ---- restart ---- */

struct restore {
	struct store_lease *records;
	size_t count;
};

static bool collect(void *arg, const struct store_lease *record)
{
	struct restore *all = arg;

	all->records = mem_grow(all->records, all->count + 1,
				sizeof(*all->records));
	all->records[all->count++] = *record;
	return true;
}

/* Judges the quote of a lease; the rule that it breaks now, or NULL. */
static const char *quote_refused(struct registry *r, struct span quote)
{
	AUTO(mem_auto_free)
	struct tee_verdict *v = mem_new(sizeof(*v));

	trust_verify(r->o.trust, v, quote, clock_unix_s());
	return v->reason == TEE_OK ? NULL : tee_reason_name(v->reason);
}

/* What has changed since a lease was granted, so that it does not hold any
 * more; NULL: nothing.  Another boot's tunnel is gone, and its clock too. */
static const char *outdated(struct registry *r,
			    const struct store_lease *record, struct span quote)
{
	if (!span_equal(SPAN_ARRAY(record->boot_id), SPAN_ARRAY(r->boot_id)))
		return "of another boot";
	if (record->expires_boot_ms <= clock_boot_ms())
		return "lapsed";
	if (!config_admits(r->o.config, record->app_id))
		return "the app is not on the list";
	if (!is_in_range(r, record->address))
		return "its address is of another network";
	return quote_refused(r, quote);
}

static void restore_lease(struct registry *r, const struct store_lease *record,
			  struct buf *quote)
{
	struct io_prefix allowed = tunnel_prefix(record);
	uint64_t now_ms = clock_boot_ms(), left_ms = 0;
	struct lease *l = lease_add(r, record->instance_id);
	bool has_peer;

	if (record->expires_boot_ms > now_ms)
		left_ms = record->expires_boot_ms - now_ms;
	/* 'lease' may have been made shorter meanwhile. */
	if (left_ms > r->o.config->lease_ms)
		left_ms = r->o.config->lease_ms;
	l->record = *record;
	l->quote = *quote;
	*quote = (struct buf){ 0 };
	loop_timer_arm(r->o.loop, &l->lapse, now_ms + left_ms);
	has_peer = tunnel_adopt(r->o.device, record->wg_public, &allowed);
	log_event(r->o.log, LOG_INFO, "lease_restored",
		  LHEX("instance", SPAN_ARRAY(record->instance_id)),
		  LSTR("tunnel", has_peer ? "kept" : "waits"),
		  LU64("left_ms", left_ms));
}

static enum rc restore_one(struct registry *r, const struct store_lease *record)
{
	AUTO(buf_fini)
	struct buf quote;
	const char *why;
	enum rc rc;

	buf_init(&quote, QUOTE_MAX);
	rc = store_quote_get(r->o.store, &quote, record->instance_id);
	if (rc)
		return rc;
	why = outdated(r, record, buf_span(&quote));
	if (!why) {
		restore_lease(r, record, &quote);
		return RC_OK;
	}
	log_event(r->o.log, LOG_INFO, "lease_not_restored",
		  LHEX("instance", SPAN_ARRAY(record->instance_id)),
		  LHEX("app", SPAN_ARRAY(record->app_id)), LSTR("why", why));
	return store_lease_remove(r->o.store, record->instance_id, false);
}

enum rc registry_restore(struct registry *r)
{
	struct restore all = { 0 };
	enum rc rc = store_each(r->o.store, collect, &all);

	for (size_t i = 0; !rc && i < all.count; i++)
		rc = restore_one(r, &all.records[i]);
	free(all.records);
	return rc;
}

/* ---- who may ---- */

static struct denied *find_denied(struct registry *r, const uint8_t *id)
{
	for (size_t i = 0; i < r->denied_count; i++)
		if (!compare_ids(r->denied[i].instance_id, id))
			return &r->denied[i];
	return NULL;
}

bool registry_allow(struct registry *r, const uint8_t id[STORE_ID_LEN])
{
	struct denied *d = find_denied(r, id);

	if (d)
		*d = r->denied[--r->denied_count];
	return d != NULL;
}

/* When the table is full the one that ends first gives way. */
static void deny(struct registry *r, const uint8_t *id)
{
	struct denied *d = find_denied(r, id);

	if (!d && r->denied_count < DENIED_MAX)
		d = &r->denied[r->denied_count++];
	if (!d) {
		d = &r->denied[0];
		for (size_t i = 1; i < r->denied_count; i++)
			if (r->denied[i].until_ms < d->until_ms)
				d = &r->denied[i];
	}
	memcpy(d->instance_id, id, STORE_ID_LEN);
	d->until_ms = clock_boot_ms() + r->o.config->lease_ms;
}

enum grant registry_admits(const struct registry *r,
			   const uint8_t instance_id[STORE_ID_LEN],
			   const uint8_t app_id[STORE_ID_LEN])
{
	const struct lease *l = registry_find(r, instance_id);

	for (size_t i = 0; i < r->denied_count; i++)
		if (!compare_ids(r->denied[i].instance_id, instance_id) &&
		    r->denied[i].until_ms > clock_boot_ms())
			return GRANT_DENIED;
	if (l && compare_ids(l->record.app_id, app_id))
		return GRANT_OTHER_APP;
	return GRANT_OK;
}

/* ---- granting ---- */

static void fill_record(struct store_lease *record,
			const struct grant_request *q)
{
	const struct channel_peer *p = q->peer;

	memcpy(record->app_id, q->app_id, STORE_ID_LEN);
	memcpy(record->app_name, p->manifest.name, sizeof(record->app_name));
	memcpy(record->node_id, p->node_id, sizeof(record->node_id));
	memcpy(record->image, p->verdict.image, sizeof(record->image));
	strncpy(record->tcb_status, tee_tcb_status_name(p->verdict.tcb_status),
		sizeof(record->tcb_status) - 1);
	record->is_simulated = p->is_simulated;
	record->port_count = (uint32_t)p->manifest.port_count;
	for (size_t i = 0; i < p->manifest.port_count; i++)
		record->ports[i] = (struct store_port){
			.port = p->manifest.ports[i].port,
			.protocol = (enum store_protocol)
					    p->manifest.ports[i]
						    .protocol,
			.proxy_protocol = p->manifest.ports[i].proxy_protocol,
			.is_forwarding = p->manifest.ports[i].is_forwarding,
			.is_any_host = p->manifest.ports[i].is_any_host,
		};
}

/* What its manifest says of all instances of an app. */
static enum rc put_app(struct registry *r, const uint8_t *app_id,
		       const struct manifest *m)
{
	AUTO(mem_auto_free)
	struct store_app *a = mem_new(sizeof(*a));

	static_assert(sizeof(a->domains) == sizeof(m->domains));
	static_assert(sizeof(a->checks[0].path) == sizeof(m->ports[0].path));
	static_assert((int)STORE_CHECKS_MAX == (int)MANIFEST_CHECKS_MAX);
	a->lists_domains = m->lists_domains;
	a->domain_count = m->domain_count;
	for (size_t i = 0; i < m->domain_count; i++)
		memcpy(a->domains[i], m->domains[i], sizeof(a->domains[i]));
	for (size_t i = 0; i < m->port_count; i++) {
		const struct manifest_port *p = &m->ports[i];
		struct store_check *c;

		if (p->check == MANIFEST_NO_CHECK)
			continue;
		c = &a->checks[a->check_count++];
		c->port = p->port;
		c->interval_s = p->interval_s;
		memcpy(c->path, p->path, sizeof(c->path));
	}
	return store_app_put(r->o.store, app_id, a);
}

static enum grant find_address(struct registry *r, uint8_t address[16],
			       const uint8_t *instance_id,
			       const uint8_t *app_id)
{
	uint8_t first[16], last[16];
	enum rc rc;

	address_range(first, last, &r->o.config->wireguard.address);
	rc = store_address(r->o.store, address, instance_id, app_id, first,
			   last);
	if (rc == RC_OK)
		return GRANT_OK;
	if (rc == RC_DENIED)
		return GRANT_OTHER_APP;
	log_event(r->o.log, LOG_ERROR, "address_failed",
		  LSTR("why", rc_name(rc)));
	return rc == RC_LIMIT ? GRANT_NO_ADDRESS : GRANT_FAILED;
}

static enum grant check_key(const struct registry *r, const uint8_t *key,
			    const uint8_t *instance_id)
{
	/* public: WireGuard public keys */
	if (memcmp(key, tunnel_public(r->o.device), 32) == 0)
		return GRANT_KEY_IN_USE;
	for (size_t i = 0; i < r->count; i++)
		/* public: WireGuard public keys */
		if (memcmp(r->leases[i]->record.wg_public, key, 32) == 0 &&
		    compare_ids(r->leases[i]->record.instance_id,
				instance_id) != 0)
			return GRANT_KEY_IN_USE;
	return GRANT_OK;
}

/* The new key first: two peers cannot have one address, so the old one loses
 * it in the same step, and is then removed. */
static enum rc install(struct registry *r, const struct store_lease *record,
		       const struct key32 *psk, const struct store_lease *old)
{
	struct wgctl_peer peer = {
		.has_psk = true,
		.psk = *psk,
		.allowed = { tunnel_prefix(record) },
		.allowed_count = 1,
	};
	enum rc rc;

	memcpy(peer.public_key, record->wg_public, 32);
	rc = tunnel_peer_set(r->o.device, &peer);
	key32_wipe(&peer.psk);
	/* public: WireGuard public keys */
	if (old && memcmp(old->wg_public, record->wg_public, 32) != 0)
		/* not reached: the next tick removes what is not wanted */
		(void)tunnel_peer_remove(r->o.device, old->wg_public);
	return rc;
}

static enum grant failed(struct registry *r, const char *where, enum rc rc)
{
	log_event(r->o.log, LOG_ERROR, "grant_failed", LSTR("where", where),
		  LSTR("why", rc_name(rc)),
		  LSTR("device", tunnel_error(r->o.device)));
	return GRANT_FAILED;
}

static enum grant make_record(struct registry *r, struct store_lease *record,
			      const struct grant_request *q,
			      const struct lease *old)
{
	int64_t now = clock_unix_ms();
	enum grant grant;

	if (old)
		*record = old->record;
	memcpy(record->instance_id, q->peer->instance_id, STORE_ID_LEN);
	memcpy(record->wg_public, q->wg_public, 32);
	fill_record(record, q);
	grant = check_key(r, q->wg_public, record->instance_id);
	if (grant == GRANT_OK && !old) {
		record->granted_unix_ms = now;
		grant = find_address(r, record->address, record->instance_id,
				     record->app_id);
	}
	record->renewals = old ? record->renewals + 1 : 0;
	record->renewed_unix_ms = now;
	record->expires_unix_ms = now + (int64_t)r->o.config->lease_ms;
	record->expires_boot_ms = clock_boot_ms() + r->o.config->lease_ms;
	memcpy(record->boot_id, r->boot_id, sizeof(record->boot_id));
	return grant;
}

enum grant registry_grant(struct registry *r, struct lease **out,
			  const struct grant_request *request)
{
	struct store_lease record = { 0 };
	struct lease *old = registry_find(r, request->peer->instance_id);
	struct lease *l = registry_find(r, request->app_id);
	enum grant grant;
	enum rc rc;

	grant = registry_admits(r, request->peer->instance_id,
				request->app_id);
	if (grant == GRANT_OK)
		grant = make_record(r, &record, request, old);
	if (grant != GRANT_OK)
		return grant;
	/* Nobody comes by another's app id by chance. */
	if (l && l != old)
		registry_end(l, CHANNEL_PEER_DENIED,
			     "its instance id is the id of an app");
	/* Before the lease: a route to an app says whose names lead there. */
	rc = put_app(r, request->app_id, &request->peer->manifest);
	if (rc)
		return failed(r, "store", rc);
	rc = store_lease_put(r->o.store, &record, request->quote);
	if (rc == RC_DENIED)
		return GRANT_KEY_IN_USE;
	if (rc)
		return failed(r, "store", rc);
	rc = install(r, &record, request->psk, old ? &old->record : NULL);
	l = lease_add(r, record.instance_id);
	l->record = record;
	loop_timer_arm(r->o.loop, &l->lapse,
		       loop_now_ms(r->o.loop) + r->o.config->lease_ms);
	buf_reset(&l->quote);
	if (!buf_add(&l->quote, request->quote))
		return failed(r, "quote", RC_LIMIT);
	if (rc == RC_LIMIT) {
		/* Not wanted, so it will not come: nothing to keep. */
		grant = failed(r, "interface", rc);
		registry_end(l, CHANNEL_INTERNAL, "too many peers");
		return grant;
	}
	if (rc)
		/* It stays wanted, and in the store: when the interface is
		 * back the CVM, which tries again, finds it there. */
		return failed(r, "interface", rc);
	if (l->holder && l->holder != request->holder) {
		void *former = l->holder;

		l->holder = NULL;
		r->o.ended(former, CHANNEL_SHUTDOWN);
	}
	l->holder = request->holder;
	*out = l;
	return GRANT_OK;
}

/* ---- ending ---- */

void registry_forget_holder(struct lease *l)
{
	l->holder = NULL;
}

void registry_end(struct lease *l, enum channel_reason why, const char *detail)
{
	struct registry *r = l->registry;
	void *holder = l->holder;
	struct store_lease record = l->record;
	enum rc device, stored;

	device = tunnel_peer_remove(r->o.device, record.wg_public);
	stored = store_lease_remove(r->o.store, record.instance_id, false);
	lease_drop(l);
	log_event(r->o.log, LOG_INFO, "lease_ended",
		  LHEX("instance", SPAN_ARRAY(record.instance_id)),
		  LHEX("app", SPAN_ARRAY(record.app_id)),
		  LSTR("reason", channel_reason_name(why)),
		  LSTR("detail", detail));
	if (device)
		log_event(r->o.log, LOG_WARN, "peer_removal_waits",
			  LSTR("why", tunnel_error(r->o.device)));
	if (stored)
		log_event(r->o.log, LOG_ERROR, "store_failed",
			  LSTR("why", rc_name(stored)));
	if (holder)
		r->o.ended(holder, why);
}

void registry_withdraw(struct lease *l)
{
	deny(l->registry, l->record.instance_id);
	registry_end(l, CHANNEL_LEASE_WITHDRAWN, "by the operator");
}

void registry_judge(struct registry *r)
{
	/* From the back: what ends leaves the places before it alone. */
	for (size_t i = r->count; i-- > 0;) {
		struct lease *l = r->leases[i];
		const char *rule = quote_refused(r, buf_span(&l->quote));

		if (rule)
			registry_end(l, CHANNEL_EVIDENCE_REFUSED, rule);
	}
}

struct lease *registry_find(const struct registry *r,
			    const uint8_t instance_id[STORE_ID_LEN])
{
	bool found;
	size_t at = place_of(r, instance_id, &found);

	return found ? r->leases[at] : NULL;
}

size_t registry_count(const struct registry *r)
{
	return r->count;
}

struct lease *registry_at(const struct registry *r, size_t index)
{
	return r->leases[index];
}
