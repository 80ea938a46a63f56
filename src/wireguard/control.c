#include "wireguard/control.h"

#include <errno.h>

#include "base/mem.h"
#include "wireguard/uapi.h"

enum {
	NS_PER_S = 1'000'000'000,
};

static bool put_prefixes(struct buf *out, const struct allowedips_owner *owner);

static bool put_peer(struct buf *out, const struct peer *p)
{
	struct device_peer_view v = device_peer_view(p);
	uint64_t at = (uint64_t)v.handshake_unix_ns;

	return uapi_put_key(out, "public_key", v.public_key) &&
	       uapi_put_key(out, "preshared_key", v.psk->b) &&
	       uapi_put_number(out, "protocol_version", 1) &&
	       (!v.endpoint || uapi_put_endpoint(out, v.endpoint)) &&
	       uapi_put_number(out, "last_handshake_time_sec", at / NS_PER_S) &&
	       uapi_put_number(out, "last_handshake_time_nsec",
			       at % NS_PER_S) &&
	       uapi_put_number(out, "tx_bytes", v.tx_bytes) &&
	       uapi_put_number(out, "rx_bytes", v.rx_bytes) &&
	       uapi_put_number(out, "persistent_keepalive_interval",
			       v.keepalive_s) &&
	       put_prefixes(out, v.allowed);
}

struct prefix_writer {
	struct buf *out;
	bool ok;
};

static void put_prefix(void *arg, const struct allowedips_prefix *p)
{
	struct prefix_writer *w = arg;

	w->ok = w->ok && uapi_put_allowed(w->out, p);
}

static bool put_prefixes(struct buf *out, const struct allowedips_owner *owner)
{
	struct prefix_writer w = { .out = out, .ok = true };

	allowedips_each(owner, put_prefix, &w);
	return w.ok;
}

static bool get(const struct device *d, struct buf *out,
		const struct control_host *host)
{
	uint32_t mark = host->mark(host->arg);
	struct peer *p = NULL;

	if (device_public_key(d) &&
	    !uapi_put_key(out, "private_key", device_key(d)->b))
		return false;
	if (!uapi_put_number(out, "listen_port", host->port(host->arg)) ||
	    (mark && !uapi_put_number(out, "fwmark", mark)))
		return false;
	while ((p = device_peer_next(d, p)))
		if (!put_peer(out, p))
			return false;
	return uapi_put_errno(out, 0);
}

/* The peer whose lines are being read. */
struct setter {
	struct device *d;
	const struct control_host *host;
	struct device_time now;
	struct peer *peer; /* NULL: its lines are to be ignored */
	bool is_new; /* the request made it */
};

/* After a peer's last line: what waited for an endpoint or a key may go. */
static void finish_peer(struct setter *s)
{
	if (s->peer)
		device_peer_flush(s->d, s->peer, s->now);
	s->peer = NULL;
}

static int begin_peer(struct setter *s, const struct uapi_item *i)
{
	enum rc rc;

	finish_peer(s);
	s->is_new = !device_peer_find(s->d, i->key.b);
	rc = device_peer_add(s->d, &s->peer, i->key.b);
	/* Our own key is passed over in silence, as other devices do. */
	return rc == RC_LIMIT ? ENOSPC : 0;
}

static void remove_peer(struct setter *s)
{
	device_peer_remove(s->d, s->peer);
	s->peer = NULL;
}

static void set_endpoint(struct setter *s, const struct uapi_item *i)
{
	struct endpoint e = i->endpoint;

	if (i->scope[0])
		e.scope_id = s->host->scope(s->host->arg, i->scope);
	device_peer_set_endpoint(s->peer, &e);
}

static int set_peer_item(struct setter *s, const struct uapi_item *i)
{
	switch (i->kind) {
	case UAPI_REMOVE:
		remove_peer(s);
		return 0;
	case UAPI_UPDATE_ONLY:
		if (s->is_new)
			remove_peer(s);
		return 0;
	case UAPI_PRESHARED_KEY:
		device_peer_set_psk(s->peer, &i->key);
		return 0;
	case UAPI_ENDPOINT:
		set_endpoint(s, i);
		return 0;
	case UAPI_KEEPALIVE:
		device_peer_set_keepalive(s->d, s->peer, (uint16_t)i->number,
					  s->now);
		return 0;
	case UAPI_REPLACE_ALLOWED:
		device_peer_disallow_all(s->d, s->peer);
		return 0;
	case UAPI_ALLOWED:
		if (i->is_removal)
			device_peer_disallow(s->d, s->peer, &i->prefix);
		else if (device_peer_allow(s->d, s->peer, &i->prefix))
			return ENOSPC;
		return 0;
	case UAPI_PROTOCOL_VERSION:
	case UAPI_PRIVATE_KEY:
	case UAPI_LISTEN_PORT:
	case UAPI_FWMARK:
	case UAPI_REPLACE_PEERS:
	case UAPI_PUBLIC_KEY:
		return 0;
	}
	return EINVAL;
}

static int set_item(struct setter *s, const struct uapi_item *i)
{
	switch (i->kind) {
	case UAPI_PRIVATE_KEY:
		device_set_key(s->d, &i->key);
		return 0;
	case UAPI_LISTEN_PORT:
		return s->host->set_port(s->host->arg, (uint16_t)i->number);
	case UAPI_FWMARK:
		return s->host->set_mark(s->host->arg, i->number);
	case UAPI_REPLACE_PEERS:
		device_peers_clear(s->d);
		return 0;
	case UAPI_PUBLIC_KEY:
		return begin_peer(s, i);
	case UAPI_REMOVE:
	case UAPI_UPDATE_ONLY:
	case UAPI_PRESHARED_KEY:
	case UAPI_ENDPOINT:
	case UAPI_KEEPALIVE:
	case UAPI_REPLACE_ALLOWED:
	case UAPI_ALLOWED:
	case UAPI_PROTOCOL_VERSION:
		return s->peer ? set_peer_item(s, i) : 0;
	}
	return EINVAL;
}

static int fault_errno(enum uapi_line fault)
{
	return fault == UAPI_PROTOCOL ? EPROTO : EINVAL;
}

/* Whether every interface that an endpoint names is there. */
static bool scopes_exist(struct span lines, const struct control_host *host)
{
	struct uapi_reader r = { 0 };
	struct uapi_item i;
	bool ok = true;

	while (ok && uapi_next(&r, &i, &lines) == UAPI_ITEM)
		ok = !i.scope[0] || host->scope(host->arg, i.scope);
	secret_wipe(&i, sizeof(i));
	return ok;
}

static int set(struct device *d, struct span lines,
	       const struct control_host *host, struct device_time now)
{
	struct setter s = { .d = d, .host = host, .now = now };
	struct uapi_reader r = { 0 };
	struct uapi_item item;
	enum uapi_line fault = uapi_check(lines);
	int error = 0;

	if (fault != UAPI_END)
		return fault_errno(fault);
	if (!scopes_exist(lines, host))
		return ENODEV;
	while (!error && uapi_next(&r, &item, &lines) == UAPI_ITEM)
		error = set_item(&s, &item);
	finish_peer(&s);
	secret_wipe(&item, sizeof(item));
	return error;
}

bool control_request(struct device *d, struct buf *answer, struct span request,
		     const struct control_host *host, struct device_time now)
{
	switch (uapi_begin(&request)) {
	case UAPI_GET:
		/* A get has no lines of its own. */
		if (request.n != 1 || request.p[0] != '\n')
			return uapi_put_errno(answer, EINVAL);
		return get(d, answer, host);
	case UAPI_SET:
		return uapi_put_errno(answer, set(d, request, host, now));
	case UAPI_BROKEN:
		return false;
	}
	return false;
}
