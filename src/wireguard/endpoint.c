#include "wireguard/endpoint.h"

#include <string.h>

#include <arpa/inet.h>

#include "base/text.h"

bool endpoint_ip_parse(uint8_t out[16], bool *is_v6, struct span text)
{
	char copy[INET6_ADDRSTRLEN];
	uint8_t ip[16] = { 0 };
	bool v6;

	if (text.n == 0 || text.n >= sizeof(copy) ||
	    memchr(text.p, 0, text.n))
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = 0;
	v6 = strchr(copy, ':');
	if (inet_pton(v6 ? AF_INET6 : AF_INET, copy, ip) != 1)
		return false;
	memcpy(out, ip, sizeof(ip));
	*is_v6 = v6;
	return true;
}

void endpoint_ip_write(struct wr *w, const uint8_t ip[16], bool is_v6)
{
	char text[INET6_ADDRSTRLEN];

	if (inet_ntop(is_v6 ? AF_INET6 : AF_INET, ip, text, sizeof(text)))
		wr_str(w, text);
}

/* Bytes that names of interfaces are made of; the kernel takes more. */
static bool is_name(struct span b)
{
	if (b.n == 0 || b.n > ENDPOINT_SCOPE_MAX)
		return false;
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] <= ' ' || b.p[i] >= 127 || b.p[i] == '/')
			return false;
	return true;
}

/* A number, or else a name where one is allowed. */
static bool parse_scope(struct endpoint *e, char *name, struct span text)
{
	uint64_t scope;

	if (text_u64(&scope, text, UINT32_MAX)) {
		e->scope_id = (uint32_t)scope;
		return true;
	}
	if (!name || !is_name(text))
		return false;
	memcpy(name, text.p, text.n);
	return true;
}

/* "[" address [ "%" scope ] "]:" of an IPv6 endpoint; *text keeps the port. */
static bool parse_v6(struct endpoint *e, char *scope, struct span *text)
{
	struct span inside, host;

	if (!rd_skip(text, 1) || !rd_until(text, &inside, ']') ||
	    !rd_until(&inside, &host, '%'))
		return false;
	if (!rd_end(&inside) && !parse_scope(e, scope, inside))
		return false;
	if (!endpoint_ip_parse(e->ip, &e->is_v6, host) || !e->is_v6 ||
	    text->n == 0 || text->p[0] != ':')
		return false;
	return rd_skip(text, 1);
}

static bool parse_v4(struct endpoint *e, struct span *text)
{
	struct span host;

	return rd_until(text, &host, ':') &&
	       endpoint_ip_parse(e->ip, &e->is_v6, host) && !e->is_v6;
}

/* 'scope' is zeroed, or NULL when no name is allowed. */
static bool parse(struct endpoint *out, char *scope, struct span text)
{
	struct endpoint e = { 0 };
	uint64_t port;
	bool ok;

	if (text.n && text.p[0] == '[')
		ok = parse_v6(&e, scope, &text);
	else
		ok = parse_v4(&e, &text);
	if (!ok || !text_u64(&port, text, UINT16_MAX) || port == 0)
		return false;
	e.port = (uint16_t)port;
	*out = e;
	return true;
}

bool endpoint_parse(struct endpoint *out, struct span text)
{
	return parse(out, NULL, text);
}

bool endpoint_parse_scoped(struct endpoint *out,
			   char scope[ENDPOINT_SCOPE_MAX + 1],
			   struct span text)
{
	char name[ENDPOINT_SCOPE_MAX + 1] = "";

	if (!parse(out, name, text))
		return false;
	memcpy(scope, name, sizeof(name));
	return true;
}

void endpoint_write(struct wr *w, const struct endpoint *e)
{
	if (e->is_v6)
		wr_str(w, "[");
	endpoint_ip_write(w, e->ip, e->is_v6);
	if (e->is_v6 && e->scope_id)
		wr_printf(w, "%%%u", e->scope_id);
	wr_printf(w, "%s:%u", e->is_v6 ? "]" : "", e->port);
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return a->is_v6 == b->is_v6 && a->port == b->port &&
	       a->scope_id == b->scope_id &&
	       span_equal(span_of(a->ip, a->is_v6 ? 16 : 4),
			  span_of(b->ip, b->is_v6 ? 16 : 4));
}

size_t endpoint_key(uint8_t out[ENDPOINT_KEY_MAX], const struct endpoint *e)
{
	size_t n = e->is_v6 ? 16 : 4;

	memcpy(out, e->ip, n);
	out[n] = (uint8_t)(e->port >> 8);
	out[n + 1] = (uint8_t)e->port;
	return n + 2;
}
