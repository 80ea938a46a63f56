#include "wgctl/utext.h"

#include <string.h>

#include "base/text.h"
#include "wgctl/prefixes.h"

static void wr_key(struct wr *w, const char *name, const uint8_t key[32])
{
	wr_printf(w, "%s=", name);
	text_hex(w, span_of(key, 32));
	wr_str(w, "\n");
}

void utext_get(struct wr *w)
{
	wr_str(w, "get=1\n\n");
}

void utext_set_device(struct wr *w, const struct key32 *private_key,
		      uint16_t listen_port)
{
	wr_str(w, "set=1\n");
	wr_key(w, "private_key", private_key->b);
	wr_printf(w, "listen_port=%u\n\n", listen_port);
}

void utext_set_peer(struct wr *w, const struct wgctl_peer *p)
{
	wr_str(w, "set=1\n");
	wr_key(w, "public_key", p->public_key);
	if (p->has_psk)
		wr_key(w, "preshared_key", p->psk.b);
	if (p->has_endpoint) {
		wr_str(w, "endpoint=");
		sock_addr_write(w, &p->endpoint);
		wr_str(w, "\n");
	}
	wr_printf(w, "persistent_keepalive_interval=%u\n", p->keepalive_s);
	wr_str(w, "replace_allowed_ips=true\n");
	for (size_t i = 0; i < p->allowed_count; i++) {
		wr_str(w, "allowed_ip=");
		io_prefix_write(w, &p->allowed[i]);
		wr_str(w, "\n");
	}
	wr_str(w, "\n");
}

void utext_remove_peer(struct wr *w, const uint8_t public_key[32])
{
	wr_str(w, "set=1\n");
	wr_key(w, "public_key", public_key);
	wr_str(w, "remove=true\n\n");
}

bool utext_is_whole(struct span reply)
{
	return reply.n >= 2 && reply.p[reply.n - 1] == '\n' &&
	       reply.p[reply.n - 2] == '\n';
}

/* All ones when low <= c <= high, else zero; without a branch. */
static unsigned mask_within(unsigned c, unsigned low, unsigned high)
{
	return (unsigned)-(int)(((low - 1 - c) & (c - high - 1)) >> 31);
}

/*
 * 64 hex digits.  Private keys pass here, so neither a branch nor an index
 * depends on a digit; only whether all are digits is told.
 */
static bool to_key(uint8_t key[32], struct span hex)
{
	unsigned bad = 0;

	if (hex.n != 64)
		return false;
	for (size_t i = 0; i < 64; i++) {
		unsigned c = hex.p[i];
		unsigned digit = mask_within(c, '0', '9');
		unsigned lower = mask_within(c, 'a', 'f');
		unsigned upper = mask_within(c, 'A', 'F');
		unsigned v = (digit & (c - '0')) | (lower & (c - 'a' + 10)) |
			     (upper & (c - 'A' + 10));

		bad |= ~(digit | lower | upper);
		key[i / 2] = (uint8_t)((unsigned)key[i / 2] << 4 | v);
	}
	return bad == 0;
}

struct reading {
	struct wgctl_device device;
	struct wgctl_peer peer; /* the one whose lines are being read */
	struct prefixes prefixes;
	bool has_peer;
	utext_peer_fn *fn;
	void *arg;
};

static void end_peer(struct reading *r)
{
	if (r->has_peer && r->fn)
		r->fn(r->arg, &r->peer);
	r->has_peer = false;
	secret_wipe(&r->peer, sizeof(r->peer));
}

static bool read_u16(uint16_t *out, struct span value)
{
	uint64_t v;

	if (!text_u64(&v, value, UINT16_MAX))
		return false;
	*out = (uint16_t)v;
	return true;
}

static bool read_mark(uint32_t *out, struct span value)
{
	uint64_t v;

	if (!text_u64(&v, value, UINT32_MAX))
		return false;
	*out = (uint32_t)v;
	return true;
}

static bool read_device_line(struct reading *r, struct span key,
			     struct span value)
{
	if (span_equal_str(key, "private_key"))
		return to_key(r->device.private_key.b, value);
	if (span_equal_str(key, "listen_port"))
		return read_u16(&r->device.listen_port, value);
	if (span_equal_str(key, "fwmark"))
		return read_mark(&r->device.mark, value);
	return true;
}

static bool read_psk(struct wgctl_peer *p, struct span value)
{
	if (!to_key(p->psk.b, value))
		return false;
	p->has_psk = !key32_is_zero(&p->psk);
	return true;
}

/* An address that has a scope, which no peer of ours has, is left out. */
static bool read_endpoint(struct wgctl_peer *p, struct span value)
{
	struct sock_addr a;

	if (sock_addr_parse(&a, value) && a.sa.sa_family != AF_UNIX) {
		p->endpoint = a;
		p->has_endpoint = true;
	}
	return true;
}

static bool read_allowed(struct reading *r, struct span value)
{
	struct io_prefix prefix;

	if (!io_prefix_parse(&prefix, value))
		return false;
	prefixes_add(&r->prefixes, &r->peer, &prefix);
	return true;
}

static bool read_peer_line(struct reading *r, struct span key,
			   struct span value)
{
	struct wgctl_peer *p = &r->peer;
	uint64_t v;

	if (span_equal_str(key, "preshared_key"))
		return read_psk(p, value);
	if (span_equal_str(key, "endpoint"))
		return read_endpoint(p, value);
	if (span_equal_str(key, "allowed_ip"))
		return read_allowed(r, value);
	if (span_equal_str(key, "persistent_keepalive_interval"))
		return read_u16(&p->keepalive_s, value);
	if (span_equal_str(key, "rx_bytes"))
		return text_u64(&p->rx_bytes, value, UINT64_MAX);
	if (span_equal_str(key, "tx_bytes"))
		return text_u64(&p->tx_bytes, value, UINT64_MAX);
	if (!span_equal_str(key, "last_handshake_time_sec"))
		return true;
	if (!text_u64(&v, value, INT64_MAX))
		return false;
	p->handshake_unix_s = (int64_t)v;
	return true;
}

static bool read_line(struct reading *r, struct span key, struct span value)
{
	if (!span_equal_str(key, "public_key"))
		return r->has_peer ? read_peer_line(r, key, value)
				   : read_device_line(r, key, value);
	end_peer(r);
	r->has_peer = true;
	return to_key(r->peer.public_key, value);
}

/* "key=value\n"; false also at the empty line that ends the reply. */
static bool rd_line(struct span *s, struct span *key, struct span *value)
{
	struct span line;

	return rd_until(s, &line, '\n') && rd_until(&line, key, '=') &&
	       key->n > 0 && line.p && key->p + key->n != line.p &&
	       rd_n(&line, value, line.n);
}

/* Negative on some devices, as the kernel counts. */
static bool read_error(int *error, struct span value)
{
	uint64_t v;

	if (value.n && value.p[0] == '-')
		(void)rd_skip(&value, 1); /* it is there */
	if (!text_u64(&v, value, INT32_MAX))
		return false;
	*error = (int)v;
	return true;
}

static enum rc read_reply(struct reading *r, int *error, struct span s)
{
	struct span key, value;

	while (rd_line(&s, &key, &value)) {
		if (span_equal_str(key, "errno")) {
			/* Only the empty line is left. */
			if (!read_error(error, value) || s.n != 1)
				return RC_MALFORMED;
			end_peer(r);
			return RC_OK;
		}
		if (!read_line(r, key, value))
			return RC_MALFORMED;
	}
	return RC_MALFORMED;
}

enum rc utext_read(struct wgctl_device *out, int *error, struct span reply,
		   utext_peer_fn *fn, void *arg)
{
	struct reading r = { 0 };
	int told;
	enum rc rc = utext_is_whole(reply) ? read_reply(&r, &told, reply)
					   : RC_MALFORMED;

	if (!rc) {
		*error = told;
		if (out && told == 0)
			*out = r.device;
	}
	/* All is understood: once more, now aloud. */
	if (!rc && fn && told == 0) {
		r.fn = fn;
		r.arg = arg;
		rc = read_reply(&r, &told, reply);
	}
	prefixes_fini(&r.prefixes);
	secret_wipe(&r, sizeof(r));
	return rc;
}
