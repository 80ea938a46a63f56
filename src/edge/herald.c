#include "edge/herald.h"

#include <sys/socket.h>

#include "base/text.h"
#include "edge/conn.h"
#include "edge/proxy.h"
#include "tls/peer.h"

static struct proxy_tls tls_of(const struct tls_conn *tls)
{
	const struct tls_peer *peer = tls_conn_peer(tls);
	struct proxy_tls t = {
		.version = span_str(tls_conn_is_tls13(tls) ? "TLSv1.3"
							   : "TLSv1.2"),
	};

	if (!peer)
		return t;
	t.digest = SPAN_ARRAY(peer->sha256);
	t.common_name = span_str(peer->common_name);
	t.is_resumed = peer->is_resumed;
	return t;
}

void herald_add(struct conn *c)
{
	struct sock_addr self = { .len = sizeof(self.un) };
	uint8_t header[PROXY_MAX];
	struct wr w = WR_ARRAY(header);
	static const char *const alpn[CERTS_COUNT] = {
		[CERTS_HTTP1] = "http/1.1",
		[CERTS_H2] = "h2",
	};
	char id[2 * CONN_ID_LEN + 1];
	struct wr hex = WR_ARRAY(id);
	struct proxy_extra extra = { .name = span_str(c->route.name.full) };
	struct proxy_tls tls;

	if (!c->route.proxy_protocol)
		return;
	text_hex(&hex, SPAN_ARRAY(c->id));
	extra.id = wr_span(&hex);
	if (c->tls && alpn[c->route.alpn] && *tls_conn_alpn(c->tls))
		extra.alpn = span_str(alpn[c->route.alpn]);
	if (c->tls) {
		tls = tls_of(c->tls);
		extra.tls = &tls;
	}
	/* Without our own address it is a LOCAL header. */
	if (getsockname(c->client.fd, &self.sa, &self.len) != 0)
		self = (struct sock_addr){ 0 };
	sock_addr_unmap(&self);
	proxy_write(&w, c->route.proxy_protocol == 1 ? PROXY_V1 : PROXY_V2,
		    &c->peer, &self, &extra);
	(void)!buf_add(&c->up, wr_span(&w)); /* empty until now */
}
