#include "store/record.h"

#include <assert.h>
#include <string.h>

enum {
	KEY_LEN = sizeof((struct store_lease){ 0 }.wg_public),
	ADDRESS_LEN = sizeof((struct store_lease){ 0 }.address),
};

enum {
	FLAG_SIMULATED = 1 << 0,
	/* Of a port.  Who does not know one of these cannot read the record. */
	FLAG_PROXY_V2 = 1 << 0,
	FLAG_PROXY_V1 = 1 << 1,
	FLAG_FORWARDING = 1 << 2,
	FLAG_ANY_HOST = 1 << 3,
	FLAGS_PROXY = FLAG_PROXY_V2 | FLAG_PROXY_V1,
	FLAGS_PORT = FLAGS_PROXY | FLAG_FORWARDING | FLAG_ANY_HOST,
};

static void wr_label(struct wr *w, const char label[STORE_LABEL_MAX])
{
	size_t n = strnlen(label, STORE_LABEL_MAX);

	assert(n < STORE_LABEL_MAX);
	wr_vec8(w, span_of(label, n));
}

/* A text shorter than its array, without a NUL inside. */
static bool rd_label(struct span *s, char label[STORE_LABEL_MAX])
{
	struct span text;

	if (!rd_vec8(s, &text) || text.n >= STORE_LABEL_MAX ||
	    (text.n && memchr(text.p, 0, text.n)))
		return false;
	if (text.n)
		memcpy(label, text.p, text.n);
	label[text.n] = '\0';
	return true;
}

static void wr_port(struct wr *w, const struct store_port *p)
{
	wr_be16(w, p->port);
	wr_u8(w, (uint8_t)p->protocol);
	wr_u8(w, (uint8_t)((p->proxy_protocol == 2 ? FLAG_PROXY_V2 : 0) |
			   (p->proxy_protocol == 1 ? FLAG_PROXY_V1 : 0) |
			   (p->is_forwarding ? FLAG_FORWARDING : 0) |
			   (p->is_any_host ? FLAG_ANY_HOST : 0)));
}

static bool rd_port(struct span *s, struct store_port *p)
{
	uint8_t protocol, flags;

	if (!rd_be16(s, &p->port) || !rd_u8(s, &protocol) ||
	    !rd_u8(s, &flags) || protocol > STORE_TLS ||
	    flags & ~FLAGS_PORT || (flags & FLAGS_PROXY) == FLAGS_PROXY)
		return false;
	p->protocol = (enum store_protocol)protocol;
	p->proxy_protocol = flags & FLAG_PROXY_V1 ? 1 : 0;
	if (flags & FLAG_PROXY_V2)
		p->proxy_protocol = 2;
	p->is_forwarding = flags & FLAG_FORWARDING;
	p->is_any_host = flags & FLAG_ANY_HOST;
	return true;
}

static bool rd_ports(struct span *s, struct store_lease *l)
{
	uint8_t count;

	if (!rd_u8(s, &count) || count > STORE_PORTS_MAX)
		return false;
	for (size_t i = 0; i < count; i++)
		if (!rd_port(s, &l->ports[i]))
			return false;
	l->port_count = count;
	return true;
}

static bool rd_time(struct span *s, int64_t *unix_ms)
{
	uint64_t v;

	if (!rd_be64(s, &v))
		return false;
	*unix_ms = (int64_t)v;
	return true;
}

void record_write(struct wr *w, const struct store_lease *l)
{
	assert(l->port_count <= STORE_PORTS_MAX);
	wr_u8(w, RECORD_VERSION);
	wr_bytes(w, SPAN_ARRAY(l->app_id));
	wr_label(w, l->app_name);
	wr_label(w, l->node_id);
	wr_bytes(w, SPAN_ARRAY(l->wg_public));
	wr_bytes(w, SPAN_ARRAY(l->address));
	wr_be64(w, (uint64_t)l->granted_unix_ms);
	wr_be64(w, (uint64_t)l->renewed_unix_ms);
	wr_be64(w, (uint64_t)l->expires_unix_ms);
	wr_bytes(w, SPAN_ARRAY(l->boot_id));
	wr_be64(w, l->expires_boot_ms);
	wr_be32(w, l->renewals);
	wr_u8(w, l->is_simulated ? FLAG_SIMULATED : 0);
	wr_label(w, l->image);
	wr_label(w, l->tcb_status);
	wr_u8(w, (uint8_t)l->port_count);
	for (size_t i = 0; i < l->port_count; i++)
		wr_port(w, &l->ports[i]);
}

bool record_read(struct store_lease *out, struct span s)
{
	struct store_lease l = { 0 };
	uint8_t version, flags;

	if (!rd_u8(&s, &version) || version != RECORD_VERSION ||
	    !rd_copy(&s, l.app_id, sizeof(l.app_id)) ||
	    !rd_label(&s, l.app_name) ||
	    !rd_label(&s, l.node_id) ||
	    !rd_copy(&s, l.wg_public, sizeof(l.wg_public)) ||
	    !rd_copy(&s, l.address, sizeof(l.address)) ||
	    !rd_time(&s, &l.granted_unix_ms) ||
	    !rd_time(&s, &l.renewed_unix_ms) ||
	    !rd_time(&s, &l.expires_unix_ms) ||
	    !rd_copy(&s, l.boot_id, sizeof(l.boot_id)) ||
	    !rd_be64(&s, &l.expires_boot_ms) ||
	    !rd_be32(&s, &l.renewals) ||
	    !rd_u8(&s, &flags) || flags & ~FLAG_SIMULATED ||
	    !rd_label(&s, l.image) ||
	    !rd_label(&s, l.tcb_status) ||
	    !rd_ports(&s, &l) || !rd_end(&s))
		return false;
	l.is_simulated = flags & FLAG_SIMULATED;
	memcpy(l.instance_id, out->instance_id, sizeof(l.instance_id));
	*out = l;
	return true;
}

/* The entry of one port; absent ones leave *out as it was. */
static bool find_port(struct span *s, struct store_port *out, uint16_t port)
{
	struct store_port p;
	uint8_t count;

	if (!rd_u8(s, &count) || count > STORE_PORTS_MAX)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!rd_port(s, &p))
			return false;
		if (p.port == port)
			*out = p;
	}
	return rd_end(s);
}

void record_write_brief(struct wr *w, const struct store_lease *l)
{
	wr_u8(w, RECORD_VERSION);
	wr_bytes(w, SPAN_ARRAY(l->address));
	wr_be64(w, (uint64_t)l->expires_unix_ms);
	wr_u8(w, (uint8_t)l->port_count);
	for (size_t i = 0; i < l->port_count; i++)
		wr_port(w, &l->ports[i]);
}

bool record_look(struct record_view *out, struct span s, uint16_t port)
{
	struct record_view v = { 0 };
	uint8_t version;

	if (!rd_u8(&s, &version) || version != RECORD_VERSION ||
	    !rd_n(&s, &v.address, ADDRESS_LEN) ||
	    !rd_time(&s, &v.expires_unix_ms) ||
	    !find_port(&s, &v.port, port))
		return false;
	*out = v;
	return true;
}
