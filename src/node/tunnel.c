#include "node/tunnel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/x25519.h"
#include "io/vault.h"

enum {
	PAUSE_MAX = 8, /* ticks between two requests that are not answered */
	STEPS_A_TICK = 10,
	LOOKS_MAX = 50, /* at a new peer, a step apart, until it is heard */
};

/* A peer as wanted; sorted by key, for 'tick' compares all of them. */
struct wanted {
	struct wgctl_peer peer; /* but its pre-shared key: */
	struct key32 *psk; /* in the vault */
	struct tunnel_peer_stats stats;
	bool is_present; /* the interface has it, as of the last look */
	bool is_stale; /* and not as it is wanted: a change failed */
	/* where it was last heard: an interface that forgot everything can
	 * begin a handshake, instead of waiting for the peer to find out */
	bool was_heard;
	struct sock_addr heard_at;
	uint8_t looks; /* at a peer that was not heard yet */
};

struct tunnel {
	struct wgctl *wg; /* NULL while it cannot be reached */
	struct tunnel_options options;
	char interface[TUN_NAME_MAX + 1];
	struct vault *vault; /* of every key that stays */
	struct key32 *key;
	uint8_t public_key[32];
	bool has_adopted, has_address, has_route, has_backend;
	enum wgctl_backend backend;
	/* of an interface that does not answer, in ticks: until it is asked
	 * again, and after the next failure */
	unsigned wait, pause;
	struct io_prefix address, route;
	struct wanted *wanted;
	size_t count, cap;
	char error[NODE_ERROR_MAX];
	bool was_down; /* at the last tunnel_check() */
	unsigned steps; /* since the last tick */
};

/* public: WireGuard public keys */
static int compare_keys(const uint8_t a[32], const uint8_t b[32])
{
	return memcmp(a, b, 32); /* public: WireGuard public keys */
}

/* Where the key is, or would stand. */
static size_t place_of(const struct tunnel *d, const uint8_t key[32],
		       bool *found)
{
	size_t low = 0, high = d->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = compare_keys(d->wanted[middle].peer.public_key, key);

		if (c == 0) {
			*found = true;
			return middle;
		}
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*found = false;
	return low;
}

/* Nothing was reached: the next tick opens it again. */
static enum rc lost(struct tunnel *d, const char *what, enum rc rc)
{
	const char *why = rc == RC_SYS ? strerror(errno) : rc_name(rc);

	if (rc == RC_SYS && errno == ETIMEDOUT) {
		d->pause = d->pause ? 2 * d->pause : 1;
		if (d->pause > PAUSE_MAX)
			d->pause = PAUSE_MAX;
		d->wait = d->pause;
	}
	error_set(d->error, "%s: %s", what, why);
	wgctl_close(d->wg);
	d->wg = NULL;
	return rc;
}

static enum rc apply_network(struct tunnel *d)
{
	enum rc rc = RC_OK;

	if (d->has_address) {
		rc = net_link_up(d->interface, TUNNEL_MTU);
		if (!rc)
			rc = net_address_set(d->interface, &d->address);
	}
	if (!rc && d->has_address && d->has_route)
		rc = net_route_set(d->interface, &d->route);
	return rc ? lost(d, "interface address or route", rc) : RC_OK;
}

static enum rc apply_key(struct tunnel *d)
{
	enum rc rc = wgctl_set_device(d->wg, d->key, d->options.listen_port);

	return rc ? lost(d, "interface key", rc) : RC_OK;
}

static enum rc send_peer(struct tunnel *d, struct wanted *w,
			 const struct wgctl_peer *as)
{
	struct wgctl_peer whole = *as;
	enum rc rc;

	whole.psk = *w->psk;
	rc = wgctl_set_peer(d->wg, &whole);
	key32_wipe(&whole.psk);
	w->is_present = rc == RC_OK;
	w->is_stale = rc != RC_OK;
	return rc ? lost(d, "peer", rc) : RC_OK;
}

static enum rc apply_peer(struct tunnel *d, struct wanted *w)
{
	return send_peer(d, w, &w->peer);
}

static enum rc restore_peer(struct tunnel *d, struct wanted *w)
{
	struct wgctl_peer with_place = w->peer;

	if (!w->peer.has_endpoint && w->was_heard) {
		with_place.has_endpoint = true;
		with_place.endpoint = w->heard_at;
	}
	return send_peer(d, w, &with_place);
}

static enum rc reach(struct tunnel *d, unsigned wait_ms)
{
	char why[256] = "";
	enum rc rc;

	if (d->wg)
		return RC_OK;
	if (d->wait)
		return RC_CLOSED;
	if (d->has_backend)
		rc = wgctl_open_again(&d->wg, d->interface, d->backend, why);
	else
		rc = wgctl_open(&d->wg, d->interface, wait_ms, why);
	if (rc) {
		d->wg = NULL;
		error_set(d->error, "interface %s: %s", d->interface, why);
		return rc;
	}
	d->backend = wgctl_backend(d->wg);
	d->has_backend = true;
	return RC_OK;
}

static enum rc choose_key(struct tunnel *d)
{
	AUTO(key32_wipe)
	struct key32 found = { 0 };
	struct wgctl_device now = { 0 };
	enum rc rc = RC_OK;

	if (d->options.adopts_key) {
		rc = wgctl_get(d->wg, &now, NULL, NULL);
		if (rc)
			return lost(d, "interface", rc);
		found = now.private_key;
		key32_wipe(&now.private_key);
	}
	d->has_adopted = !key32_is_zero(&found);
	if (d->has_adopted)
		*d->key = found;
	else
		x25519_generate(d->key);
	x25519_public(d->public_key, d->key);
	return apply_key(d);
}

enum rc tunnel_open(struct tunnel **out, const struct tunnel_options *o,
		    char error[NODE_ERROR_MAX])
{
	struct tunnel *d = mem_new(sizeof(*d));
	enum rc rc;

	d->options = *o;
	memcpy(d->interface, o->interface, strnlen(o->interface, TUN_NAME_MAX));
	d->options.interface = d->interface;
	d->vault = vault_new();
	d->key = secret_take(vault_memory(d->vault), sizeof(*d->key));
	rc = reach(d, o->wait_ms);
	if (!rc)
		rc = choose_key(d);
	if (rc) {
		error_set(error, "%s", d->error);
		tunnel_free(d);
		return rc;
	}
	*out = d;
	return RC_OK;
}

void tunnel_free(struct tunnel *d)
{
	if (!d)
		return;
	wgctl_close(d->wg);
	vault_free(d->vault);
	free(d->wanted);
	free(d);
}

unsigned tunnel_unguarded(const struct tunnel *d)
{
	return VAULT_ALL & ~vault_guards(d->vault);
}

enum wgctl_backend tunnel_backend(const struct tunnel *d)
{
	return d->backend;
}

const uint8_t *tunnel_public(const struct tunnel *d)
{
	return d->public_key;
}

bool tunnel_has_adopted(const struct tunnel *d)
{
	return d->has_adopted;
}

void tunnel_set_address(struct tunnel *d, const struct io_prefix *address)
{
	d->address = *address;
	d->has_address = true;
	if (d->wg)
		(void)apply_network(d); /* a failure is a tick's work */
}

void tunnel_set_route(struct tunnel *d, const struct io_prefix *to)
{
	d->route = *to;
	d->has_route = true;
	if (d->wg)
		(void)apply_network(d); /* a failure is a tick's work */
}

static struct wanted *want(struct tunnel *d, const struct wgctl_peer *peer)
{
	bool found;
	size_t at = place_of(d, peer->public_key, &found);

	if (!found) {
		if (d->count == TUNNEL_PEERS_MAX)
			return NULL;
		if (d->count == d->cap) {
			d->cap = d->cap ? 2 * d->cap : 16;
			d->wanted = mem_grow(d->wanted, d->cap,
					     sizeof(*d->wanted));
		}
		memmove(&d->wanted[at + 1], &d->wanted[at],
			(d->count - at) * sizeof(*d->wanted));
		d->wanted[at] = (struct wanted){
			.psk = secret_take(vault_memory(d->vault),
					   sizeof(struct key32)),
		};
		d->count++;
	}
	*d->wanted[at].psk = peer->psk;
	d->wanted[at].peer = *peer;
	d->wanted[at].peer.more = NULL; /* is not set, and goes away */
	d->wanted[at].peer.more_count = 0;
	key32_wipe(&d->wanted[at].peer.psk);
	d->wanted[at].is_stale = true; /* until the interface has it */
	return &d->wanted[at];
}

enum rc tunnel_peer_set(struct tunnel *d, const struct wgctl_peer *peer)
{
	struct wanted *w = want(d, peer);
	enum rc rc;

	if (!w)
		return RC_LIMIT;
	rc = reach(d, 0);
	return rc ? rc : apply_peer(d, w);
}

enum rc tunnel_peer_remove(struct tunnel *d, const uint8_t public_key[32])
{
	bool found;
	size_t at = place_of(d, public_key, &found);
	enum rc rc;

	if (!found)
		return RC_OK;
	secret_give(vault_memory(d->vault), d->wanted[at].psk,
		    sizeof(struct key32));
	d->count--;
	memmove(&d->wanted[at], &d->wanted[at + 1],
		(d->count - at) * sizeof(*d->wanted));
	rc = reach(d, 0);
	if (rc)
		return rc;
	rc = wgctl_remove_peer(d->wg, public_key);
	return rc ? lost(d, "removing a peer", rc) : RC_OK;
}

struct adoption {
	const uint8_t *key;
	const struct io_prefix *allowed;
	struct wgctl_peer peer;
	bool is_found;
};

static bool prefix_equal(const struct io_prefix *a, const struct io_prefix *b)
{
	size_t n = a->is_v6 ? 16 : 4;

	return a->is_v6 == b->is_v6 && a->len == b->len &&
	       span_equal(span_of(a->bytes, n), span_of(b->bytes, n));
}

static void adopt_one(void *arg, const struct wgctl_peer *p)
{
	struct adoption *a = arg;

	if (compare_keys(p->public_key, a->key) || p->allowed_count != 1 ||
	    !p->has_psk || !prefix_equal(&p->allowed[0], a->allowed))
		return;
	a->peer = *p;
	a->is_found = true;
}

bool tunnel_adopt(struct tunnel *d, const uint8_t public_key[32],
		  const struct io_prefix *allowed)
{
	struct adoption a = { .key = public_key, .allowed = allowed };
	struct wgctl_device now = { 0 };
	struct wanted *w = NULL;
	enum rc rc = reach(d, 0);

	if (!rc)
		rc = wgctl_get(d->wg, &now, adopt_one, &a);
	key32_wipe(&now.private_key);
	if (!rc && a.is_found)
		w = want(d, &a.peer);
	if (w) {
		/* Where it was last heard; a peer moves, so it is not wanted
		 * there. */
		w->was_heard = w->peer.has_endpoint;
		w->heard_at = w->peer.endpoint;
		w->peer.has_endpoint = false;
		w->is_present = true;
		w->is_stale = false;
	}
	key32_wipe(&a.peer.psk);
	return w != NULL;
}

/* What the interface has, against what is wanted. */
struct look {
	struct tunnel *d;
	uint8_t (*strangers)[32];
	size_t stranger_count, cap;
};

static void look_at(void *arg, const struct wgctl_peer *p)
{
	struct look *l = arg;
	bool found;
	size_t at = place_of(l->d, p->public_key, &found);

	if (found) {
		struct wanted *w = &l->d->wanted[at];

		w->is_present = true;
		w->stats = (struct tunnel_peer_stats){ p->handshake_unix_s,
						       p->rx_bytes,
						       p->tx_bytes };
		if (p->has_endpoint) {
			w->was_heard = true;
			w->heard_at = p->endpoint;
		} else if (w->looks < LOOKS_MAX) {
			w->looks++;
		}
		return;
	}
	if (l->stranger_count == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 16;
		l->strangers = mem_grow(l->strangers, l->cap,
					sizeof(*l->strangers));
	}
	memcpy(l->strangers[l->stranger_count++], p->public_key, 32);
}

static enum rc remove_strangers(struct tunnel *d, const struct look *l)
{
	for (size_t i = 0; i < l->stranger_count; i++) {
		enum rc rc = wgctl_remove_peer(d->wg, l->strangers[i]);

		if (rc)
			return lost(d, "removing a peer", rc);
	}
	return RC_OK;
}

static enum rc restore(struct tunnel *d, bool has_lost_key, size_t *restored)
{
	enum rc rc = RC_OK;

	if (has_lost_key) {
		++*restored;
		rc = apply_key(d);
		if (!rc)
			rc = apply_network(d);
	}
	for (size_t i = 0; !rc && i < d->count; i++) {
		if (d->wanted[i].is_present && !d->wanted[i].is_stale)
			continue;
		++*restored;
		rc = restore_peer(d, &d->wanted[i]);
	}
	return rc;
}

enum tunnel_state tunnel_tick(struct tunnel *d)
{
	struct look l = { .d = d };
	struct wgctl_device now = { 0 };
	size_t restored = 0;
	bool was_lost = !d->wg;
	enum rc rc;

	if (d->wait)
		d->wait--;
	if (reach(d, 0) != RC_OK)
		return TUNNEL_DOWN;
	for (size_t i = 0; i < d->count; i++)
		d->wanted[i].is_present = false;
	rc = wgctl_get(d->wg, &now, look_at, &l);
	if (rc) {
		(void)lost(d, "interface", rc); /* rc is already known */
	} else {
		bool has_lost_key = !ct_equal(&now.private_key, d->key,
					      sizeof(*d->key));

		/* A change may have reached a new device before this look: the
		 * peer is there, and not where it was heard. */
		for (size_t i = 0; has_lost_key && i < d->count; i++)
			d->wanted[i].is_present = false;
		restored = l.stranger_count;
		rc = remove_strangers(d, &l);
		if (!rc)
			rc = restore(d, has_lost_key || was_lost, &restored);
	}
	key32_wipe(&now.private_key);
	free(l.strangers);
	if (rc)
		return TUNNEL_DOWN;
	d->pause = 0;
	return restored ? TUNNEL_RESTORED : TUNNEL_SAME;
}

const char *tunnel_error(const struct tunnel *d)
{
	return d->error;
}

bool tunnel_peer_stats(const struct tunnel *d, struct tunnel_peer_stats *out,
		       const uint8_t public_key[32])
{
	bool found;
	size_t at = place_of(d, public_key, &found);

	if (found)
		*out = d->wanted[at].stats;
	return found;
}

void tunnel_check(struct tunnel *d, const struct log *log)
{
	enum tunnel_state state = tunnel_tick(d);

	if (state == TUNNEL_DOWN && !d->was_down)
		log_event(log, LOG_ERROR, "device_down",
			  LSTR("why", tunnel_error(d)));
	if (state == TUNNEL_RESTORED)
		log_event(log, LOG_WARN, "device_restored");
	d->was_down = state == TUNNEL_DOWN;
}

static bool expects_peer(const struct tunnel *d)
{
	for (size_t i = 0; i < d->count; i++)
		if (!d->wanted[i].was_heard && d->wanted[i].looks < LOOKS_MAX)
			return true;
	return false;
}

void tunnel_step(struct tunnel *d, const struct log *log)
{
	bool is_soon = d->wg && expects_peer(d);

	if (++d->steps < STEPS_A_TICK && !is_soon)
		return;
	d->steps = 0;
	tunnel_check(d, log);
}
